"""What `verify` does beyond hashing: it makes damaged blocks again to name the rows, or to put them right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pseudoexp.bunch import Bunch
from pseudoexp.dataset.digest import BLOCK_ROWS
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.verify import Findings, check_sidecar, examine, probe_or_damaged, require_good
from pseudoexp.errors import DamagedFile, PseudoexpError
from pseudoexp.production.repair import Changed, Inputs, locate, repair

MOST_BLOCKS = 20
"""Damaged blocks beyond which their rows are not made again only to name them."""
MOST_NAMED = 20
Tell = Callable[[str, int, int], None]


def verify_file(path: str | Path, mend: bool, inputs: Inputs, tell: Tell) -> Bunch:
    """Do what `pseudoexp.api.verify` says.

    Parameters
    ----------
    path : str or Path
        The file.
    mend : bool
        Whether to repair it.
    inputs : Inputs
        What making rows again takes.
    tell : callable
        Called with the stage, done, total.

    Raises
    ------
    DamagedFile
        If the file is not what it was.
    """
    info = probe_or_damaged(path)
    found = examine(info)
    try:
        require_good(info, found)
        checksum = check_sidecar(info.path)
        return Bunch(path=info.path, rows=info.rows, dataset_hash=found.dataset_hash, sha256=checksum, repaired=False, changed=[])
    except DamagedFile as error:
        if not mend:
            raise _named(info, found, error, inputs, tell) from None
    changed, total, checksum = repair(info, found, inputs, tell)
    return Bunch(path=info.path, rows=info.rows, dataset_hash=total, sha256=checksum, repaired=True, changed=changed)


def _named(info: FileInfo, found: Findings, error: DamagedFile, inputs: Inputs, tell: Tell) -> DamagedFile:
    """Return the error with the names of the rows, where they can be made again."""
    runs = sum(map(len, found.damaged.values()))
    if not found.damaged or runs > MOST_BLOCKS:
        return error
    try:
        changed = locate(info, found, inputs, tell)
    except PseudoexpError as reason:
        return DamagedFile(f"{error}; which of their rows cannot be said here: {reason}")
    if not changed:
        return DamagedFile(f"{info.path}: all rows are as written, but the hashes of blocks of {BLOCK_ROWS} rows are not; "
                           "--repair writes them anew")
    return DamagedFile(f"{info.path}: {len(changed)} damaged rows: {naming(changed)}; --repair makes them again")


def naming(changed: list[Changed]) -> str:
    """Return the names of the first rows."""
    more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
    return ", ".join(map(str, changed[:MOST_NAMED])) + more

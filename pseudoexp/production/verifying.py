"""What `verify` does beyond hashing: it makes damaged blocks again to name the rows, or to put them right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from pseudoexp.bunch import Bunch
from pseudoexp.core.files import require_new_file, whole_file
from pseudoexp.dataset.digest import BLOCK_ROWS
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.verify import Findings, check_sidecar, examine, probe_or_damaged, require_good
from pseudoexp.errors import ConfigError, DamagedFile, PseudoexpError
from pseudoexp.production.repair import MOST_COLUMNS, Changed, Inputs, locate, repair

MOST_BLOCKS = 20
"""Damaged blocks beyond which their rows are not made again only to name them, unless a list of them is asked for."""
MOST_NAMED = 20
Tell = Callable[[str, int, int], None]


def verify_file(path: str | Path, mend: bool, inputs: Inputs, tell: Tell, listing: Path | None = None) -> Bunch:
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
    listing : Path, optional
        The file that gets every changed row and column of every damaged block, a line each; none if nothing is damaged.

    Raises
    ------
    DamagedFile
        If the file is not what it was.
    ConfigError
        If the list cannot be written.
    """
    if listing is not None:
        _require_new(listing)
    info = probe_or_damaged(path)
    found = examine(info)
    try:
        require_good(info, found)
        checksum = check_sidecar(info.path)
        return Bunch(path=info.path, rows=info.rows, dataset_hash=found.dataset_hash, sha256=checksum, repaired=False, changed=[])
    except DamagedFile as error:
        if not mend:
            raise _named(info, found, error, inputs, tell, listing) from None
    changed, total, checksum = repair(info, found, inputs, tell)
    if listing is not None:
        with whole_file(listing) as file:
            file.writelines(one.lines().encode() for one in changed)
    return Bunch(path=info.path, rows=info.rows, dataset_hash=total, sha256=checksum, repaired=True, changed=changed)


def _require_new(listing: Path) -> None:
    if listing.exists():
        raise ConfigError(f"{listing} exists; allowed: the name of a new file")
    require_new_file(listing, force=False)


class _Noted:
    """Changed rows: how many, the first of them, and all of them in a file if there is one.

    Parameters
    ----------
    file : binary file or None
        Where each gets its lines.
    """

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.count = 0
        self.first: list[Changed] = []
        self.whole = True

    def __call__(self, changed: Changed) -> None:
        """Note a row."""
        self.count += 1
        if self.count <= MOST_NAMED:
            self.first.append(changed)
        self.whole &= self.count <= MOST_NAMED and len(changed.columns) <= MOST_COLUMNS
        if self._file is not None:
            self._file.write(changed.lines().encode())


def _named(info: FileInfo, found: Findings, error: DamagedFile, inputs: Inputs, tell: Tell, listing: Path | None) -> DamagedFile:
    """Return the error with the names of the rows, where they can be made again."""
    if not found.damaged and (listing is None or not found.without_locators):
        return error
    if listing is None and sum(map(len, found.damaged.values())) > MOST_BLOCKS:
        return DamagedFile(f"{error}; --list FILE makes them again and names the rows")
    try:
        with nullcontext() if listing is None else whole_file(listing) as file:
            changed = _Noted(file)
            locate(info, found, inputs, tell, changed)
    except PseudoexpError as reason:
        return DamagedFile(f"{error}; which of their rows cannot be said here: {reason}")
    if not changed.count:
        return DamagedFile(f"{info.path}: all rows are as written, but the hashes of blocks of {BLOCK_ROWS} rows are not; "
                           "--repair writes them anew")
    where = "--list FILE names all, " if listing is None and not changed.whole else f"{listing} names all, " if listing else ""
    return DamagedFile(f"{info.path}: {changed.count} damaged rows: {naming(changed.first, changed.count)}; "
                       f"{where}--repair makes them again")


def naming(first: list[Changed], count: int) -> str:
    """Return the names of the first of `count` rows."""
    more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
    return ", ".join(map(str, first[:MOST_NAMED])) + more

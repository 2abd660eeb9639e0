"""Recomputes the hashes of a file and says where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pseudoexp.dataset.digest import (
    BLOCK_ROWS,
    DatasetDigest,
    blocks_per_locator,
    dataset_hash,
    file_sha256,
    stored_sidecar,
)
from pseudoexp.dataset.metadata import LOCATORS
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.reader import rows_at
from pseudoexp.errors import DamagedFile, SchemaError


@dataclass(frozen=True)
class Verification:
    """A file whose hashes are right.

    Attributes
    ----------
    info : FileInfo
        The file.
    dataset_hash : str
        Hash of the rows.
    sha256 : str or None
        Hash of the file's bytes as the sidecar has it; None without a sidecar.
    """

    info: FileInfo
    dataset_hash: str
    sha256: str | None


@dataclass(frozen=True)
class Findings:
    """What the hashes of the rows say.

    Attributes
    ----------
    damaged : dict
        Numbers of the runs of blocks that are not what they were, by dataset, in rising order.
    without_locators : list of str
        Datasets whose locators are missing or damaged.
    dataset_hash : str
        Hash of the rows as they are; empty if some cannot be read.
    """

    damaged: dict[str, list[int]]
    without_locators: list[str]
    dataset_hash: str


def verify(path: str | Path) -> Verification:
    """Check rows and bytes of a file against its hashes.

    The hash of the bytes stands in its sidecar, beside it with `.sha256` behind the name; of a symbolic link the one beside the
    link counts, if there is one, else the one beside the file behind it.

    Raises
    ------
    DamagedFile
        If they differ; the message names the first bad block and says how many there are.
    ConfigError, SchemaError
        If it cannot be read or is not one of ours.
    """
    info = probe_or_damaged(path)
    found = examine(info)
    require_good(info, found)
    return Verification(info, found.dataset_hash, check_sidecar(info.path))


def probe_or_damaged(path: str | Path) -> FileInfo:
    """Return what a file holds; DamagedFile if it was a good one once, by its sidecar."""
    try:
        return probe(path)
    except SchemaError as error:
        try:
            check_sidecar(Path(path))
        except DamagedFile:
            raise DamagedFile(f"{error}; its SHA-256 is not that of {stored_sidecar(Path(path)).name}") from None
        raise


def require_good(info: FileInfo, found: Findings) -> None:
    """Raise DamagedFile unless the rows are as they were."""
    for name in info.datasets:
        if name in found.without_locators:
            raise DamagedFile(f"{info.path}: the attribute {LOCATORS} of `{name}` is missing or damaged")
        if runs := found.damaged.get(name):
            first, last = run_of_rows(info, name, runs[0])
            more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
            where = f"block {first // BLOCK_ROWS} (rows {first} to {last - 1}){more}"
            raise DamagedFile(f"{info.path}: `{name}` is damaged in {where}")
    stated = info.attributes.get("dataset_hash")
    if found.dataset_hash != stated:
        raise DamagedFile(f"{info.path}: the hash of the rows is {found.dataset_hash}, not {stated} as the file says")


def run_length(info: FileInfo, name: str) -> int:
    """Return the rows that share a locator."""
    return blocks_per_locator(-(-info.datasets[name].shape[0] // BLOCK_ROWS)) * BLOCK_ROWS


def run_of_rows(info: FileInfo, name: str, run: int) -> tuple[int, int]:
    """Return the first row of a run of blocks, and the first behind it."""
    size = run_length(info, name)
    return run * size, min(info.datasets[name].shape[0], (run + 1) * size)


def examine(info: FileInfo) -> Findings:
    """Hash all rows and hold them against the locators."""
    damaged: dict[str, list[int]] = {}
    digests, without = [], []
    for name, layout in info.datasets.items():
        digest = DatasetDigest(name, layout.dtype, layout.shape[1:])
        unreadable = _hash_rows(info, name, digest)
        size = run_length(info, name)
        runs = {start // size for start in unreadable}
        locators = digest.locators().tolist()
        if len(layout.locators) != len(locators):
            without.append(name)
        else:
            runs |= {i for i, (stored, found) in enumerate(zip(layout.locators, locators, strict=True)) if stored != found}
        if runs:
            damaged[name] = sorted(runs)
        if not unreadable:
            digests.append(digest)
    return Findings(damaged, without, dataset_hash(digests) if len(digests) == len(info.datasets) else "")


def _hash_rows(info: FileInfo, name: str, digest: DatasetDigest) -> list[int]:
    """Hash the rows of a dataset; return where blocks begin that cannot be read."""
    unreadable = []
    rows = info.datasets[name].shape[0]
    for start in range(0, rows, BLOCK_ROWS):
        try:
            digest.update(rows_at(info, name, start, min(BLOCK_ROWS, rows - start)))
        except DamagedFile:
            unreadable.append(start)
            digest.skip()
    digest.finish()
    return unreadable


def check_sidecar(path: Path) -> str | None:
    """Return the checksum that the sidecar has, None without one; DamagedFile if it is not the file's."""
    try:
        note = stored_sidecar(path)
        with note.open("rb") as file:
            expected = file.read(4096).decode("utf-8", "replace").split()[:1]
    except OSError:
        return None
    checksum = file_sha256(path)
    if expected != [checksum]:
        raise DamagedFile(f"{path}: the rows are as written, but other bytes of the file are not: its SHA-256 is "
                          f"{checksum}, not that of {note.name}")
    return checksum

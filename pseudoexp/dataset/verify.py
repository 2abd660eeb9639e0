"""Recomputes the hashes of a file and says where the first difference is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pseudoexp.dataset.digest import (
    BLOCK_ROWS,
    DatasetDigest,
    blocks_per_locator,
    dataset_hash,
    file_sha256,
    sidecar,
)
from pseudoexp.dataset.metadata import LOCATORS
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.reader import blocks
from pseudoexp.errors import DamagedFile


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


def verify(path: str | Path) -> Verification:
    """Check rows and bytes of a file against its hashes.

    Raises
    ------
    DamagedFile
        If they differ; the message names the first bad block.
    ConfigError, SchemaError
        If it cannot be read or is not one of ours.
    """
    info = probe(path)
    digests = [_check_blocks(info, name) for name in info.datasets]
    total = dataset_hash(digests)
    stated = info.attributes.get("dataset_hash")
    if total != stated:
        raise DamagedFile(f"{path}: the hash of the rows is {total}, not {stated} as the file says")
    return Verification(info, total, _check_sidecar(info.path))


def _check_blocks(info: FileInfo, name: str) -> DatasetDigest:
    layout = info.datasets[name]
    digest = DatasetDigest(name, layout.dtype, layout.shape[1:])
    for block in blocks(info, name, BLOCK_ROWS):
        digest.update(block)
    digest.finish()
    locators = digest.locators().tolist()
    if len(layout.locators) != len(locators):
        raise DamagedFile(f"{info.path}: the attribute {LOCATORS} of `{name}` is missing or damaged")
    run = blocks_per_locator(len(digest.blocks))
    for i, (stored, found) in enumerate(zip(layout.locators, locators, strict=True)):
        if stored != found:
            first, last = i * run * BLOCK_ROWS, min(layout.shape[0], (i + 1) * run * BLOCK_ROWS) - 1
            raise DamagedFile(f"{info.path}: `{name}` is damaged in block {i * run} (rows {first} to {last})")
    return digest


def _check_sidecar(path: Path) -> str | None:
    try:
        expected = sidecar(path).read_text(encoding="utf-8", errors="replace").split()[:1]
    except FileNotFoundError:
        return None
    checksum = file_sha256(path)
    if expected != [checksum]:
        raise DamagedFile(f"{path}: the rows are as written, but other bytes of the file are not: its SHA-256 is "
                          f"{checksum}, not that of {sidecar(path).name}")
    return checksum

"""Recomputes the hashes of a file and says where the first difference is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pseudoexp.dataset.digest import BLOCK_ROWS, DatasetDigest, dataset_hash, file_sha256, sidecar
from pseudoexp.dataset.metadata import CHECKSUMS
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
    stored = _stored_blocks(info, name)
    digest = DatasetDigest(name, layout.dtype, layout.shape[1:])
    for i, block in enumerate(blocks(info, name, BLOCK_ROWS)):
        digest.update(block)
        digest.finish()
        if i >= len(stored) or digest.blocks[i] != stored[i]:
            rows = f"rows {i * BLOCK_ROWS} to {i * BLOCK_ROWS + len(block) - 1}"
            raise DamagedFile(f"{info.path}: `{name}` is damaged in block {i} ({rows})")
    return digest


def _stored_blocks(info: FileInfo, name: str) -> list[bytes]:
    import h5py

    with h5py.File(info.path, "r") as file:
        item = file.get(f"{CHECKSUMS}/{name}")
        if item is None or item.ndim != 2 or item.shape[1] != 32 or item.shape[0] > info.rows:
            raise DamagedFile(f"{info.path}: no block hashes for `{name}`")
        return [row.tobytes() for row in item[:]]


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

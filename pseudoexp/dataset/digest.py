"""The dataset hash: SHA-256 of the rows themselves, whatever chunking or compression holds them.

Every dataset contributes the canonical JSON of its name and type, then the SHA-256 of each block of
10,000 rows: packed as the schema says, little-endian, padding zeroed, every NaN the same NaN. Short locators of
the blocks are stored with the file, so that a damaged one can be named.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import real_place

BLOCK_ROWS = 10_000
"""Rows per hashed block, a constant of the format."""
MAX_LOCATORS = 4096
"""Longest list of locators; it must fit into an HDF5 attribute."""


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def finite(value: Any) -> Any:
    """Return nested values with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe(name: str, dtype: np.dtype[np.void], shape: tuple[int, ...]) -> str:
    """Return the canonical JSON of a dataset's name, compound type and shape of one row."""
    fields = [[field, str(dtype[field].newbyteorder("<").str)] for field in dtype.names or ()]
    return canonical_json({"name": name, "fields": fields, "itemsize": dtype.itemsize, "row_shape": list(shape)})


def canonical_rows(rows: NDArray[np.void], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return a copy laid out as `dtype`, with zeroed padding and one NaN; `rows` may have any shape."""
    out = np.zeros(rows.shape, dtype=dtype)
    for name in dtype.names or ():
        column = rows[name]
        out[name] = column
        if column.dtype.kind == "f":
            missing = np.isnan(column)
            if missing.any():
                out[name][missing] = np.nan
    return out


def blocks_per_locator(blocks: int) -> int:
    """Return how many blocks share a locator: 1 up to 41 million rows."""
    return max(1, -(-blocks // MAX_LOCATORS))


class DatasetDigest:
    """The growing hash of one dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.
    dtype : dtype
        Its compound type.
    shape : tuple of int
        Shape of one row, () for one-dimensional datasets.
    """

    def __init__(self, name: str, dtype: np.dtype[np.void], shape: tuple[int, ...] = ()) -> None:
        self.name = name
        self.header = describe(name, dtype, shape)
        self.dtype = dtype
        self.blocks: list[bytes] = []
        self._open = hashlib.sha256()
        self._open_rows = 0

    def update(self, rows: NDArray[np.void]) -> None:
        """Append rows; blocks do not depend on how the rows are cut into calls."""
        start = 0
        while start < len(rows):
            stop = min(len(rows), start + BLOCK_ROWS - self._open_rows)
            self._open.update(canonical_rows(rows[start:stop], self.dtype).view(np.uint8).data)
            self._open_rows += stop - start
            start = stop
            if self._open_rows == BLOCK_ROWS:
                self._close_block()

    def skip(self) -> None:
        """Stand for a block that cannot be read."""
        self._close_block()

    def finish(self) -> None:
        """Close the last block."""
        if self._open_rows:
            self._close_block()

    def locators(self) -> NDArray[np.uint64]:
        """Return 64 bits for each run of `blocks_per_locator` blocks, to find damage with."""
        run = blocks_per_locator(len(self.blocks))
        digests = [hashlib.sha256(b"".join(self.blocks[i:i + run])).digest() for i in range(0, len(self.blocks), run)]
        return np.array([int.from_bytes(digest[:8], "little") for digest in digests], dtype="<u8")

    def _close_block(self) -> None:
        self.blocks.append(self._open.digest())
        self._open = hashlib.sha256()
        self._open_rows = 0


def dataset_hash(digests: Iterable[DatasetDigest]) -> str:
    """Return the hash over all finished datasets of a file, in the order of their names."""
    total = hashlib.sha256()
    for digest in sorted(digests, key=lambda d: d.name):
        total.update(digest.header.encode())
        for block in digest.blocks:
            total.update(block)
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(path: Path) -> Path:
    """Return the path of the file's checksum, in the format of `sha256sum`."""
    return path.with_name(path.name + ".sha256")


def stored_sidecar(path: Path) -> Path:
    """Return the sidecar to read for a file: of a symbolic link the one beside it, if there is one, else the file's own."""
    beside = sidecar(path)
    return beside if beside.is_file() else sidecar(real_place(path))

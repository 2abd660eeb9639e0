"""Writes the file: rows in, one HDF5 file out, with its hash, its attributes and its checksum.

The rows go to a temporary name; `publish` brings the finished file and its sidecar to their own names, so
that nobody ever sees half a file.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import whole_file
from pseudoexp.dataset import metadata, schema
from pseudoexp.dataset.digest import BLOCK_ROWS, DatasetDigest, dataset_hash, file_sha256, sidecar

CHUNK_ROWS = 1000
"""Rows per HDF5 chunk of compressed files, the same for all datasets; divides `BLOCK_ROWS`."""
COMPRESSIONS = ("none", "lzf", "gzip")
WRITE_BYTES = 1 << 25
"""Of the rows of a dataset that are written together."""


class FileWriter:
    """Writes rows in order, in memory of one block of `BLOCK_ROWS` and what is written of it together.

    Parameters
    ----------
    path : Path
        The temporary file; must not exist.
    rows : int
        Number of rows that will be written, exactly.
    provenance : Provenance
        Where they come from.
    tracks : int, optional
        Tracks per row in the dataset `tracks`; 0 for none.
    variations : bool, optional
        Whether there is a dataset of weights for other parameters.
    images : int, optional
        Pixels per side of an image in the dataset `images`; 0 for none.
    compression : str, optional
        One of `COMPRESSIONS`; without, the datasets are contiguous and can be mapped.
    two_cards : bool, optional
        Rows of the same jets under two detector cards, in `jets` and `jets_shifted`.
    chunks : int, optional
        Lines of the table of chunks that a shard has.
    """

    def __init__(self, path: Path, rows: int, provenance: metadata.Provenance, *, tracks: int = 0,
                 variations: bool = False, images: int = 0, compression: str = "none", two_cards: bool = False,
                 chunks: int = 0) -> None:
        self.path = path
        self._fields = schema.JET_FIELDS + schema.PAIR_FIELDS if two_cards else schema.JET_FIELDS
        self.provenance = provenance
        self._file = h5py.File(path, "w-", libver=("earliest", "v110"))
        self._counts = np.zeros(len(schema.CLASSES), dtype=np.int64)
        names = ("jets", schema.SHIFTED) if two_cards else ("jets",)
        dtype = schema.PAIR_DTYPE if two_cards else schema.JET_DTYPE
        self._columns = {name: _Column(self._file, name, dtype, (rows,), compression) for name in names}
        if tracks:
            self._columns["tracks"] = _Column(self._file, "tracks", schema.TRACK_DTYPE, (rows, tracks), compression)
        if variations:
            self._columns[schema.VARIATIONS] = _Column(self._file, schema.VARIATIONS, schema.VARIATION_DTYPE, (rows,),
                                                       compression)
        if images:
            self._columns["images"] = _Column(self._file, "images", schema.IMAGE_DTYPE, (rows, images, images), compression)
        if chunks:
            self._columns[schema.CHUNKS] = _Column(self._file, schema.CHUNKS, schema.CHUNK_DTYPE, (chunks,), compression)

    def write(self, jets: NDArray[np.void], tracks: NDArray[np.void] | None = None,
              variations: NDArray[np.void] | None = None, images: NDArray[np.void] | None = None) -> None:
        """Append compound rows (n,) and, where the file has them, their tracks (n, N), weights (n,) and images (n, N, N)."""
        self._counts += np.bincount(jets["flavour_label"], minlength=len(schema.CLASSES))
        self._columns["jets"].append(jets)
        for name, rows in (("tracks", tracks), (schema.VARIATIONS, variations), ("images", images)):
            if name in self._columns:
                assert rows is not None and len(rows) == len(jets)
                self._columns[name].append(rows)

    def write_pairs(self, nominal: NDArray[np.void], shifted: NDArray[np.void]) -> None:
        """Append compound rows (n,) of the same jets under both cards."""
        assert len(nominal) == len(shifted)
        self.write(nominal)
        self._columns[schema.SHIFTED].append(shifted)

    def write_chunks(self, table: NDArray[np.void]) -> None:
        """Write the table of a shard's chunks."""
        self._columns[schema.CHUNKS].append(table)

    def finish(self, tally: metadata.Tally) -> str:
        """Write the attributes, close the file, return the dataset hash (hex)."""
        for name, column in self._columns.items():
            column.finish()
            self._file[name].attrs[metadata.LOCATORS] = column.digest.locators()
        total = dataset_hash(column.digest for column in self._columns.values())
        shared = metadata.shared_attributes(self.provenance, tally, total)
        counts = dict(zip(self.provenance.classes, self._counts.tolist(), strict=False))
        _set(self._file, shared | metadata.root_attributes(counts, int(self._counts.sum())))
        for name in (name for name in ("jets", schema.SHIFTED) if name in self._columns):
            _set(self._file[name], shared | metadata.field_attributes(self._fields)
                 | {"flavour_label": self.provenance.classes})
        if "tracks" in self._columns:
            _set(self._file["tracks"], metadata.field_attributes(schema.TRACK_FIELDS))
        if "images" in self._columns:
            _set(self._file["images"], metadata.field_attributes(schema.IMAGE_FIELDS))
        if schema.CHUNKS in self._columns:
            _set(self._file[schema.CHUNKS], metadata.field_attributes(schema.CHUNK_FIELDS))
        if schema.VARIATIONS in self._columns:
            names = {"names": [field.name for field in schema.VARIATION_FIELDS]}
            _set(self._file[schema.VARIATIONS], metadata.field_attributes(schema.VARIATION_FIELDS) | names)
        self._file.close()
        return total

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._file:
            expected = (OSError, RuntimeError) if error else ()  # on a full disk closing fails too: report the first
            with suppress(*expected):
                self._file.close()


class _Column:
    """One dataset: cuts what comes into whole blocks, so that compressed chunks are written once.

    A block of all datasets is written before the next of any: the file's bytes do not depend on how the rows come.
    """

    def __init__(self, file: Any, name: str, dtype: np.dtype[np.void], shape: tuple[int, ...],
                 compression: str) -> None:
        options: dict[str, Any] = {}
        if compression != "none":
            chunks = (min(CHUNK_ROWS, shape[0]), *shape[1:])
            options = {"chunks": chunks, "compression": compression, "shuffle": True}
        self._dataset = file.create_dataset(name, shape=shape, dtype=dtype, **options)
        self.digest = DatasetDigest(name, dtype, shape[1:])
        most = WRITE_BYTES // (dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64)))
        self._together = max(1, min(most, BLOCK_ROWS) // CHUNK_ROWS) * CHUNK_ROWS
        self._pending: deque[NDArray[np.void]] = deque()
        self._pending_rows = 0
        self._written = 0

    def append(self, rows: NDArray[np.void]) -> None:
        """Take more rows; whole blocks are written at once."""
        self._pending.append(rows)
        self._pending_rows += len(rows)
        if self._pending_rows >= BLOCK_ROWS:
            self._flush(self._pending_rows // BLOCK_ROWS * BLOCK_ROWS)

    def finish(self) -> None:
        """Write the rows left over and end the digest."""
        if self._pending_rows:
            self._flush(self._pending_rows)
        assert self._written == len(self._dataset), "fewer rows than announced"
        self.digest.finish()

    def _flush(self, count: int) -> None:
        for start in range(0, count, self._together):
            rows = self._take(min(self._together, count - start))
            self._dataset[self._written:self._written + len(rows)] = rows
            self.digest.update(rows)
            self._written += len(rows)

    def _take(self, count: int) -> NDArray[np.void]:
        """Return the next rows of those pending, in a copy; what is not pending any more needs no memory."""
        taken: list[NDArray[np.void]] = []
        self._pending_rows -= count
        while count:
            piece = self._pending.popleft()
            if len(piece) > count:
                self._pending.appendleft(piece[count:])
            taken.append(piece[:count])
            count -= len(taken[-1])
        return schema.join(taken)


def _set(target: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        target.attrs[name] = value


def publish(temporary: Path, final: Path) -> str:
    """Bring a finished file to its name, with its sidecar; return the SHA-256 of its bytes.

    The old sidecar goes first: an interrupted replacement leaves a file without a sidecar, never with a wrong one.
    """
    sync(temporary)
    checksum = file_sha256(temporary)
    note = sidecar(final)
    draft = sidecar(temporary)
    draft.write_text(_note(checksum, final), encoding="utf-8")
    sync(draft)
    note.unlink(missing_ok=True)
    temporary.replace(final)
    draft.replace(note)
    sync(final.parent)
    return checksum


def write_sidecar(path: Path) -> str:
    """Write the sidecar of a file; return the SHA-256 of its bytes."""
    checksum = file_sha256(path)
    with whole_file(sidecar(path)) as file:
        file.write(_note(checksum, path).encode())
    sync(path.parent)
    return checksum


def _note(checksum: str, path: Path) -> str:
    return f"{checksum}  {path.name}\n"


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

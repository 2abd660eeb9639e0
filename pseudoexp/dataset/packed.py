"""Rows packed by gzip or LZF, taken out of the file as they lie there and unpacked by a few threads.

HDF5 reads and unpacks under one lock; ISA-L, kernels and numpy need none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from pseudoexp.core.ahead import done_ahead

SHUFFLE, GZIP, LZF = 2, 1, 32000
"""HDF5's numbers of the filters that are undone here: the first, then one of the others."""
LEAST_LZF = 1 << 27
"""Bytes of unpacked rows from which on a kernel undoes LZF: it takes a second to compile, once."""
MOST_THREADS = 4
AHEAD_BYTES = 1 << 24
"""Of unpacked rows that wait; one block per thread at least."""
Undo = Callable[[bytes, int], NDArray[np.uint8]]
"""Unpacks a piece of which the size is known."""


def is_ours(dataset: Any) -> bool:
    """Return whether a dataset (of h5py) consists of pieces of whole rows, shuffled and then packed, and is worth the effort."""
    filters = _filters(dataset)
    known = filters == [SHUFFLE, GZIP] or (filters == [SHUFFLE, LZF] and dataset.nbytes >= LEAST_LZF)
    return known and dataset.chunks[1:] == dataset.shape[1:]


def unpacked(dataset: Any, size: int) -> Generator[NDArray[np.void], None, None]:
    """Yield the rows of a dataset that `is_ours`, `size` at a time.

    Raises
    ------
    OSError
        If some of them are not there or cannot be unpacked.
    """
    starts = range(0, len(dataset), size)
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    row_bytes = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:], dtype=np.int64))
    count = max(threads, min(2 * threads, AHEAD_BYTES // (size * row_bytes)))
    undo = _inflated if GZIP in _filters(dataset) else _lzf()
    return done_ahead((partial(_rows, dataset, undo, start, min(start + size, len(dataset))) for start in starts), threads, count)


def _filters(dataset: Any) -> list[int]:
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]


def _rows(dataset: Any, undo: Undo, start: int, stop: int) -> NDArray[np.void]:
    step, itemsize = dataset.chunks[0], dataset.dtype.itemsize
    rows = np.empty((stop - start, *dataset.shape[1:]), dataset.dtype)
    content = rows.view(np.uint8).reshape(stop - start, -1, itemsize)
    for first in range(start // step * step, stop, step):
        some = slice(max(start - first, 0), stop - first)
        place = max(first - start, 0)
        piece = _piece(dataset, undo, first)[some]
        content[place:place + len(piece)] = piece
    return rows


def _piece(dataset: Any, undo: Undo, first: int) -> NDArray[np.uint8]:
    """Return the bytes of a piece, (rows, elements per row, bytes per element)."""
    skipped, stored = dataset.id.read_direct_chunk((first,) + (0,) * (dataset.ndim - 1))
    shape = (dataset.chunks[0], -1, dataset.dtype.itemsize)
    expected = dataset.dtype.itemsize * int(np.prod(dataset.chunks, dtype=np.int64))
    content = np.frombuffer(stored, np.uint8) if skipped & 2 else undo(stored, expected)
    if len(content) != expected:
        raise OSError(f"{len(content)} bytes instead of {expected}")
    if skipped & 1:
        return content.reshape(shape)
    return content.reshape(shape[2], shape[0], -1).transpose(1, 2, 0)


def _inflated(stored: bytes, expected: int) -> NDArray[np.uint8]:
    """Return what gzip packed; what is more than expected is not unpacked."""
    stream = isal_zlib.decompressobj()
    try:
        content = stream.decompress(stored, expected + 1)
    except isal_zlib.error as error:  # type: ignore[misc]  # the stub calls it an instance
        raise OSError(str(error)) from None
    if not stream.eof:
        raise OSError("ends too early or too late")
    return np.frombuffer(content, np.uint8)


def _lzf() -> Undo:
    """Return what undoes LZF, compiled: a reader of other files does without numba."""
    from pseudoexp.core.jit import prepare
    from pseudoexp.dataset.lzf import unpack

    def undone(stored: bytes, expected: int) -> NDArray[np.uint8]:
        content = np.empty(expected, np.uint8)
        if not unpack(np.frombuffer(stored, np.uint8), content):
            raise OSError("no LZF, or ends too early or too late")
        return content

    prepare(unpack, np.frombuffer(bytes(1), np.uint8), np.empty(1, np.uint8))
    return undone

"""Reads what stands beside the rows of `jets`: the tracks, or the images, of the rows of a split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import blocks
from pseudoexp.dataset.splits import in_split, residues
from pseudoexp.errors import ConfigError

OBJECTS = ("tracks", "images")
_BYTES = 1 << 25
"""Of a block that is read at once."""


def object_blocks(info: FileInfo, name: str, split: str | None, unmatched: bool = False) -> Iterator[NDArray[np.void]]:
    """Yield the tracks or images of the rows that `pseudoexp.load` returns, in its order, some rows at a time.

    Parameters
    ----------
    info : FileInfo
        The file.
    name : {"tracks", "images"}
        Which.
    split : str or None
        The split.
    unmatched : bool, optional
        Keep the rows of class `other`.

    Raises
    ------
    ConfigError
        If there is no such dataset or split.
    """
    residues(split)
    if name not in OBJECTS:
        raise ConfigError(f"objects {name!r}; allowed: {', '.join(OBJECTS)}")
    if name not in info.datasets:
        raise ConfigError(f"{info.path}: no dataset `{name}`; it is for files made with --{name}")
    layout = info.datasets[name]
    size = max(1, _BYTES // (int(np.prod(layout.shape[1:], dtype=np.int64)) * layout.dtype.itemsize))
    for jets, objects in zip(blocks(info, "jets", size), blocks(info, name, size), strict=True):
        chosen = in_split(jets["eventNumber"], split)
        yield objects[chosen if unmatched else chosen & (jets["flavour_label"] < 2)]


def read_objects(info: FileInfo, name: str, split: str | None, unmatched: bool = False) -> NDArray[np.void]:
    """Return what `object_blocks` yields in one array (rows, ...)."""
    return schema.join(list(object_blocks(info, name, split, unmatched)))

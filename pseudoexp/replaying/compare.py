"""The rows of one event as they stand in a file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import BLOCK_ROWS


def rows_in(path: Path, number: int) -> NDArray[np.void]:
    """Return the rows of event `number`, of `schema.JET_DTYPE`, their padding zeroed."""
    found = []
    with h5py.File(path) as file:
        jets = file["jets"]
        for start in range(0, len(jets), BLOCK_ROWS):
            block = jets[start:start + BLOCK_ROWS]
            found.append(block[block["eventNumber"] == number])
    rows = np.concatenate(found)
    out = np.zeros(len(rows), schema.JET_DTYPE)
    for name in schema.JET_DTYPE.names or ():
        out[name] = rows[name]
    return out

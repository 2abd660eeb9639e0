"""Linear interpolation on equidistant nodes, constant beyond the ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline


@inline
def bilinear(table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64], r: float, c: float
             ) -> float:
    """Return `table` (rows, columns) at (r, c); both node arrays are equidistant and hold two nodes or more."""
    u = (r - rows[0]) / (rows[1] - rows[0])
    v = (c - columns[0]) / (columns[1] - columns[0])
    u = min(max(u, 0.0), len(rows) - 1.0)
    v = min(max(v, 0.0), len(columns) - 1.0)
    i = min(int(u), len(rows) - 2)
    j = min(int(v), len(columns) - 2)
    u -= i
    v -= j
    low = table[i, j] * (1.0 - v) + table[i, j + 1] * v
    high = table[i + 1, j] * (1.0 - v) + table[i + 1, j + 1] * v
    return low * (1.0 - u) + high * u

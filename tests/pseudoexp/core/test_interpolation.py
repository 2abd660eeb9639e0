"""Bilinear interpolation is exact on a bilinear function and constant outside."""

import numpy as np

from pseudoexp.core.interpolation import bilinear
from pseudoexp.core.jit import kernel

ROWS, COLUMNS = np.linspace(0, 2, 5), np.linspace(-1, 1, 3)
TABLE = 1 + 2 * ROWS[:, None] - COLUMNS + 3 * ROWS[:, None] * COLUMNS


@kernel
def at(table, rows, columns, r, c):
    return bilinear(table, rows, columns, r, c)


def test_exact_inside():
    rng = np.random.default_rng(1)
    for r, c in zip(rng.uniform(0, 2, 50), rng.uniform(-1, 1, 50), strict=True):
        assert abs(at(TABLE, ROWS, COLUMNS, r, c) - (1 + 2 * r - c + 3 * r * c)) < 1e-12


def test_constant_outside():
    assert at(TABLE, ROWS, COLUMNS, 9.0, 9.0) == TABLE[-1, -1]
    assert at(TABLE, ROWS, COLUMNS, -9.0, 0.0) == TABLE[0, 1]

"""The largest jet that an event can have: transverse momentum of discs in (eta, phi), from sums in cells.

Momenta are summed in cells of 0.2 x 0.2, and a disc of radius 1.02 around the centre of a cell is all cells whose centres are
that near. No jet of R = 1 holds much more than the disc around the cell that its axis is in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.packed import packed

CELL, N_ETA, N_PHI = 0.2, 32, 32
PER_RAD = N_PHI / (2.0 * math.pi)
MAX_SLOPE = 12.24  # just below sinh of the cells' outer edge, 3.2
REACH = 5  # cells from the centre of a disc to its edge
FIRST_ETA, END_ETA = 5, 27
"""Centres of discs: |eta| < 2.2."""
_PER_LN = 1.0 / CELL
_MANTISSA = 0x000FFFFFFFFFFFFF
_ONE_BITS = 0x3FF0000000000000
_LN_2 = 0.6931471805599453


class Discs(NamedTuple):
    """Cells and discs of one event."""

    cells: NDArray[np.float64]  # (2, eta, 5 + phi + 5) px, py [GeV]; the circle's ends are repeated
    runs: NDArray[np.float64]  # (4, 2, eta, phi) their sums over 11, 9, 7, 3 cells in phi
    pt2: NDArray[np.float64]  # (eta, phi) squared pT of the discs around the cells


def new_discs() -> Discs:
    """Return empty discs."""
    return packed(Discs(np.zeros((2, N_ETA, N_PHI + 2 * REACH)), np.zeros((4, 2, N_ETA, N_PHI)), np.zeros((N_ETA, N_PHI))))


@inline
def cell_of(px: float, py: float, slope: float) -> tuple[int, int]:
    """Return the cell in eta and phi of a direction, pz / pT = `slope`; both to a twentieth of a cell."""
    t = abs(slope) + math.sqrt(1.0 + slope * slope)
    bits = int(np.float64(t).view(np.int64))
    m = np.int64((bits & _MANTISSA) | _ONE_BITS).view(np.float64)
    abs_eta = _LN_2 * ((bits >> 52) - 1023 + (2.0 - m * 0.3333333333333333) * m - 1.6666666666666667)
    b = math.copysign(abs_eta, slope) * _PER_LN + N_ETA // 2
    x, y = abs(px), abs(py)
    r = min(x, y) / max(x, y)
    angle = r * (0.7853981633974483 + 0.273 * (1.0 - r))
    angle = 1.5707963267948966 - angle if y > x else angle
    angle = math.copysign(math.pi - angle if px < 0.0 else angle, py)
    return min(max(int(b), 0), N_ETA - 1), min(int((angle + math.pi) * PER_RAD), N_PHI - 1)


@inline
def add_to_cell(discs: Discs, a: int, b: int, px: float, py: float) -> None:
    """Add a momentum to the cell (a, b)."""
    discs.cells[0, a, REACH + b] += px
    discs.cells[1, a, REACH + b] += py


@inline
def _close_circles(cells: NDArray[np.float64]) -> None:
    """Repeat the ends of all circles."""
    for c in range(2):
        for a in range(N_ETA):
            for k in range(REACH):
                cells[c, a, k] = cells[c, a, N_PHI + k]
                cells[c, a, REACH + N_PHI + k] = cells[c, a, REACH + k]


@inline
def _fill_runs(cells: NDArray[np.float64], runs: NDArray[np.float64]) -> None:
    """Sum over neighbouring cells in phi."""
    for c in range(2):
        for a in range(N_ETA):
            row = cells[c, a]
            for k in range(N_PHI):
                three = row[k + 4] + row[k + 5] + row[k + 6]
                seven = three + (row[k + 2] + row[k + 3]) + (row[k + 7] + row[k + 8])
                nine = seven + (row[k + 1] + row[k + 9])
                runs[3, c, a, k] = three
                runs[2, c, a, k] = seven
                runs[1, c, a, k] = nine
                runs[0, c, a, k] = nine + (row[k] + row[k + 10])


@inline
def _fill_pt2(runs: NDArray[np.float64], pt2: NDArray[np.float64]) -> None:
    """Fill the squared pT of all discs around the cells of |eta| < 2.2."""
    for a in range(FIRST_ETA, END_ETA):
        for k in range(N_PHI):
            px, py = runs[0, 0, a, k], runs[0, 1, a, k]
            px += (runs[0, 0, a - 1, k] + runs[0, 0, a + 1, k]) + (runs[1, 0, a - 2, k] + runs[1, 0, a + 2, k])
            py += (runs[0, 1, a - 1, k] + runs[0, 1, a + 1, k]) + (runs[1, 1, a - 2, k] + runs[1, 1, a + 2, k])
            px += (runs[1, 0, a - 3, k] + runs[1, 0, a + 3, k]) + (runs[2, 0, a - 4, k] + runs[2, 0, a + 4, k])
            py += (runs[1, 1, a - 3, k] + runs[1, 1, a + 3, k]) + (runs[2, 1, a - 4, k] + runs[2, 1, a + 4, k])
            px += runs[3, 0, a - 5, k] + runs[3, 0, a + 5, k]
            py += runs[3, 1, a - 5, k] + runs[3, 1, a + 5, k]
            pt2[a, k] = px * px + py * py


@inline
def sum_discs(discs: Discs) -> None:
    """Fill the discs from the cells."""
    _close_circles(discs.cells)
    _fill_runs(discs.cells, discs.runs)
    _fill_pt2(discs.runs, discs.pt2)

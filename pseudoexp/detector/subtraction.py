"""SoftKiller: remove the soft towers of pile-up (Cacciari, Salam and Soyez, arXiv:1407.0408).

The (eta, phi) plane is divided into patches; all towers below a transverse momentum are dropped, which is chosen so
that half of the patches are left empty: the median of the patches' largest pT. The median density of what is left
is then zero.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import asinh, atan2
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import Towers

_MAX_PATCHES = 8192


class SubtractionWorkspace(NamedTuple):
    """Scratch of SoftKiller."""

    largest: NDArray[np.float64]  # (patches,) largest squared pT of a patch [GeV^2]


def subtraction_workspace() -> SubtractionWorkspace:
    """Return the scratch space."""
    return SubtractionWorkspace(np.zeros(_MAX_PATCHES))


@kernel
def soft_killer(towers: Towers, n: int, grid: float, max_abs_eta: float, ws: SubtractionWorkspace) -> int:
    """Drop soft towers in place, in their order, and return how many are left.

    Parameters
    ----------
    towers : Towers
        The first `n` rows are read and overwritten.
    n : int
        Number of towers.
    grid : float
        Wanted size of the patches in eta and phi; the nearest that divides the range is taken.
    max_abs_eta : float
        The patches cover |eta| below this; the cut applies everywhere.
    ws : SubtractionWorkspace
        Scratch space.
    """
    n_eta = max(1, int(2.0 * max_abs_eta / grid + 0.5))
    n_phi = max(1, int(2.0 * math.pi / grid + 0.5))
    largest = ws.largest[:n_eta * n_phi]
    largest[:] = 0.0
    for i in range(n):
        px, py, pz = towers.p4[i, 0], towers.p4[i, 1], towers.p4[i, 2]
        pt2 = px * px + py * py
        eta = asinh(pz / math.sqrt(pt2))
        if abs(eta) < max_abs_eta:
            a = min(int((eta + max_abs_eta) * n_eta / (2.0 * max_abs_eta)), n_eta - 1)
            b = min(int((atan2(py, px) + math.pi) * n_phi / (2.0 * math.pi)), n_phi - 1)
            largest[a * n_phi + b] = max(largest[a * n_phi + b], pt2)
    return _keep_above(towers, n, _median(largest))


@inline
def _median(values: NDArray[np.float64]) -> float:
    """Return the upper median; the values are sorted in place (Shell)."""
    n = values.shape[0]
    gap = n // 2
    while gap > 0:
        for i in range(gap, n):
            v = values[i]
            j = i
            while j >= gap and values[j - gap] > v:
                values[j] = values[j - gap]
                j -= gap
            values[j] = v
        gap //= 2
    return values[n // 2]


@inline
def _keep_above(towers: Towers, n: int, pt2_cut: float) -> int:
    kept = 0
    for i in range(n):
        if towers.p4[i, 0] * towers.p4[i, 0] + towers.p4[i, 1] * towers.p4[i, 1] >= pt2_cut:
            for c in range(4):
                towers.p4[kept, c] = towers.p4[i, c]
            kept += 1
    return kept

"""What pile-up leaves in the calorimeter is subtracted from the towers before jets are made.

*Constituent subtraction* (Berta, Spousta, Miller and Leitner, arXiv:1403.3108) on a grid: the density of transverse
momentum is the median over patches of the (eta, phi) plane, for the central and the forward part. Every cell of 0.1 x
0.1 owes its area times the density; it pays from its own towers first, then from those of the cells around it in the
order of their distance. All towers of a cell shrink by the same factor.

*SoftKiller* (Cacciari, Salam and Soyez, arXiv:1407.0408) then drops all towers below a transverse momentum, which is
chosen so that half of the patches are left empty: the median of the patches' largest pT.
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
_CELL_MAX_ETA = 4.9
_N_ETA, _N_PHI = 98, 64
_PHI_CELL = 2.0 * math.pi / _N_PHI
_ETA_CELL = 2.0 * _CELL_MAX_ETA / _N_ETA


class SubtractionSettings(NamedTuple):
    """Which methods, with which parameters."""

    density_grid: float  # size of the patches whose median is the density
    max_abs_eta: float  # the central part, and where SoftKiller has its patches
    radius: float  # how far a cell's debt goes; 0: no constituent subtraction
    soft_killer_grid: float  # size of SoftKiller's patches; 0: no SoftKiller


class SubtractionWorkspace(NamedTuple):
    """Scratch of the subtraction."""

    patch: NDArray[np.float64]  # (patches,) largest or total pT of a patch [GeV]
    cell: NDArray[np.int32]  # (towers,) cell of each tower, -1 outside
    before: NDArray[np.float64]  # (cells,) transverse momentum [GeV]
    after: NDArray[np.float64]  # (cells,) what is left of it
    debt: NDArray[np.float64]  # (cells,) what is still to be subtracted [GeV]


def subtraction_workspace(towers: int = 4096) -> SubtractionWorkspace:
    """Return the scratch space for up to `towers` towers."""
    cells = _N_ETA * _N_PHI
    return SubtractionWorkspace(np.zeros(_MAX_PATCHES), np.zeros(towers, np.int32), np.zeros(cells), np.zeros(cells),
                                np.zeros(cells))


def _rings(largest: float) -> NDArray[np.int32]:
    """Return the (eta, phi) steps to the cells within a distance, by rising distance."""
    reach = int(largest / _ETA_CELL) + 1
    steps = [(a, b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1)]
    steps = sorted(steps, key=lambda s: (math.hypot(s[0] * _ETA_CELL, s[1] * _PHI_CELL), s))
    return np.array(steps, np.int32)


_STEPS = _rings(0.5)


@kernel
def subtract(towers: Towers, n: int, settings: SubtractionSettings, ws: SubtractionWorkspace) -> int:
    """Subtract pile-up from the first `n` towers in place and return how many are left, in their order."""
    if settings.radius > 0.0:
        n = constituent_subtraction(towers, n, settings.density_grid, settings.max_abs_eta, settings.radius, ws)
    if settings.soft_killer_grid > 0.0:
        n = soft_killer(towers, n, settings.soft_killer_grid, settings.max_abs_eta, ws)
    return n


@kernel
def constituent_subtraction(towers: Towers, n: int, grid: float, max_abs_eta: float, radius: float,
                            ws: SubtractionWorkspace) -> int:
    """Shrink towers in place by the density around them and return how many are left, in their order.

    Parameters
    ----------
    towers : Towers
        The first `n` rows are read and overwritten.
    n : int
        Number of towers.
    grid : float
        Size of the patches in eta and phi whose median is the density.
    max_abs_eta : float
        Where the central part ends.
    radius : float
        Distance in eta and phi up to which a cell pays the debt of another.
    ws : SubtractionWorkspace
        Scratch space.
    """
    before, after, debt = ws.before, ws.after, ws.debt
    before[:] = 0.0
    for i in range(n):
        pt, eta, phi = _direction(towers, i)
        ws.cell[i] = -1
        if abs(eta) < _CELL_MAX_ETA:
            a = min(int((eta + _CELL_MAX_ETA) / _ETA_CELL), _N_ETA - 1)
            b = min(int((phi + math.pi) / _PHI_CELL), _N_PHI - 1)
            ws.cell[i] = a * _N_PHI + b
            before[ws.cell[i]] += pt
    central = _density(before, 0.0, max_abs_eta, grid, ws.patch)
    forward = _density(before, max_abs_eta, _CELL_MAX_ETA, grid, ws.patch)
    area = _ETA_CELL * _PHI_CELL
    for a in range(_N_ETA):
        eta = (a + 0.5) * _ETA_CELL - _CELL_MAX_ETA
        owed = area * (central if abs(eta) < max_abs_eta else forward)
        for b in range(_N_PHI):
            debt[a * _N_PHI + b] = owed
            after[a * _N_PHI + b] = before[a * _N_PHI + b]
    _pay(after, debt, radius)
    kept = 0
    for i in range(n):
        cell = ws.cell[i]
        factor = after[cell] / before[cell] if cell >= 0 else 1.0
        if factor > 0.0:
            for c in range(4):
                towers.p4[kept, c] = factor * towers.p4[i, c]
            towers.hadronic[kept] = towers.hadronic[i]
            kept += 1
    return kept


@inline
def _direction(towers: Towers, i: int) -> tuple[float, float, float]:
    """Return transverse momentum, pseudorapidity and azimuth of a tower."""
    px, py = towers.p4[i, 0], towers.p4[i, 1]
    pt = math.sqrt(px * px + py * py)
    return pt, asinh(towers.p4[i, 2] / pt), atan2(py, px)


@inline
def _density(cells: NDArray[np.float64], low: float, high: float, grid: float, patch: NDArray[np.float64]) -> float:
    """Return the median transverse momentum per area of patches at low < |eta| < high [GeV]."""
    n_eta = max(1, int((high - low) / grid + 0.5))
    n_phi = max(1, int(2.0 * math.pi / grid + 0.5))
    sums = patch[:2 * n_eta * n_phi]
    sums[:] = 0.0
    for a in range(_N_ETA):
        eta = (a + 0.5) * _ETA_CELL - _CELL_MAX_ETA
        if low < abs(eta) < high:
            row = min(int((abs(eta) - low) * n_eta / (high - low)), n_eta - 1) + (n_eta if eta > 0.0 else 0)
            for b in range(_N_PHI):
                sums[row * n_phi + (b * n_phi) // _N_PHI] += cells[a * _N_PHI + b]
    return _median(sums) * n_eta * n_phi / ((high - low) * 2.0 * math.pi)


@inline
def _pay(after: NDArray[np.float64], debt: NDArray[np.float64], radius: float) -> None:
    """Let every cell pay its own debt, then its neighbours', nearest first."""
    for k in range(_STEPS.shape[0]):
        da, db = int(_STEPS[k, 0]), int(_STEPS[k, 1])
        if (da * _ETA_CELL) * (da * _ETA_CELL) + (db * _PHI_CELL) * (db * _PHI_CELL) > radius * radius:
            break
        for a in range(max(0, -da), min(_N_ETA, _N_ETA - da)):
            for b in range(_N_PHI):
                cell = a * _N_PHI + b
                if after[cell] > 0.0:
                    other = (a + da) * _N_PHI + (b + db + _N_PHI) % _N_PHI
                    paid = min(after[cell], debt[other])
                    after[cell] -= paid
                    debt[other] -= paid


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
    largest = ws.patch[:n_eta * n_phi]
    largest[:] = 0.0
    for i in range(n):
        pt, eta, phi = _direction(towers, i)
        if abs(eta) < max_abs_eta:
            a = min(int((eta + max_abs_eta) * n_eta / (2.0 * max_abs_eta)), n_eta - 1)
            b = min(int((phi + math.pi) * n_phi / (2.0 * math.pi)), n_phi - 1)
            largest[a * n_phi + b] = max(largest[a * n_phi + b], pt)
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
def _keep_above(towers: Towers, n: int, pt_cut: float) -> int:
    kept = 0
    for i in range(n):
        if math.sqrt(towers.p4[i, 0] * towers.p4[i, 0] + towers.p4[i, 1] * towers.p4[i, 1]) >= pt_cut:
            for c in range(4):
                towers.p4[kept, c] = towers.p4[i, c]
            towers.hadronic[kept] = towers.hadronic[i]
            kept += 1
    return kept

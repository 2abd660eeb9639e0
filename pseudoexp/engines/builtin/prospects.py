"""Can an event still give a row? Judged from its partons, before strings and decays take most of the time.

The same discs as in `pseudoexp.early_test`, of final partons and remnants instead of visible particles, against `THRESHOLD`.
Strings carry momentum in and out of a disc, neutrinos and trimming only take away from a jet; what counts is the loss of
rows, and that is measured (`bench/early_loss.py`, `bench/RESULTS.md`).

An event that fails has no particles, but its weight, its pT-hat and its number stay: cross-sections do not change.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.discs import (
    CELL,
    END_ETA,
    FIRST_ETA,
    MAX_SLOPE,
    N_ETA,
    N_PHI,
    PER_RAD,
    Discs,
    add_to_cell,
    cell_of,
    sum_discs,
)
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_phi, eta, phi, pt
from pseudoexp.core.species import BEAUTY
from pseudoexp.engines.builtin.partons import FINAL, REMNANT, Partons

WHOLE, ANY_JET, HIGGS_JET = range(3)
"""What is asked for: every event whole; only those that can give a row; only those that can give one of the Higgs boson."""
THRESHOLD = 240.0
"""GeV; the calibrated, trimmed jet has to reach 250."""
NEAR_HIGGS, NEAR_BEAUTY = 0.95, 1.4
"""Greatest distance of the Higgs boson, and of two b quarks from its decay, from the centre of the disc."""


@inline
def _fill(partons: Partons, discs: Discs) -> None:
    """Fill the discs with all final partons and remnants."""
    discs.cells[:, :, :] = 0.0
    for i in range(partons.filled[0]):
        if partons.status[i] == FINAL or partons.status[i] == REMNANT:
            px, py, pz = partons.p4[i, 0], partons.p4[i, 1], partons.p4[i, 2]
            transverse = pt(px, py)
            if transverse > 0.0 and abs(pz) < MAX_SLOPE * transverse:
                a, b = cell_of(px, py, pz / transverse)
                add_to_cell(discs, a, b, px, py)
    sum_discs(discs)


@inline
def _is_near(x: float, y: float, p_eta: float, p_phi: float, largest: float) -> bool:
    d_eta, d_phi = x - p_eta, delta_phi(y, p_phi)
    return d_eta * d_eta + d_phi * d_phi < largest * largest


@kernel
def _near_higgs(partons: Partons, higgs: NDArray[np.float64], squares: NDArray[np.float64], least: float) -> bool:
    """Return whether a disc of at least this squared pT is near the Higgs boson and two b quarks of it."""
    h_eta, h_phi = eta(higgs[0], higgs[1], higgs[2]), phi(higgs[0], higgs[1])
    for a in range(FIRST_ETA, END_ETA):
        x = (a + 0.5 - N_ETA // 2) * CELL
        if abs(x - h_eta) >= NEAR_HIGGS:
            continue
        for k in range(N_PHI):
            y = (k + 0.5) / PER_RAD - math.pi
            if squares[a, k] >= least and _is_near(x, y, h_eta, h_phi, NEAR_HIGGS) and _has_pair(x, y, partons):
                return True
    return False


@inline
def _has_pair(x: float, y: float, partons: Partons) -> bool:
    """Return whether two b quarks of the Higgs boson are near (x, y) in (eta, phi)."""
    found = 0
    for i in range(partons.filled[0]):
        if partons.from_higgs[i] and partons.status[i] == FINAL and abs(partons.pdg_id[i]) == BEAUTY:
            p = partons.p4[i]
            if _is_near(x, y, eta(p[0], p[1], p[2]), phi(p[0], p[1]), NEAR_BEAUTY):
                found += 1
    return found >= 2


@kernel
def can_give_row(partons: Partons, higgs: NDArray[np.float64], asked: int, threshold: float, discs: Discs) -> bool:
    """Return whether a jet of the final partons can become a row.

    Parameters
    ----------
    partons : Partons
        The event with its remnants; colours do not count.
    higgs : (4,)
        Last momentum of the Higgs boson, zeros without.
    asked : int
        `ANY_JET` or `HIGGS_JET`.
    threshold : float
        GeV.
    discs : Discs
        Scratch.
    """
    _fill(partons, discs)
    if asked == HIGGS_JET:
        return _near_higgs(partons, higgs, discs.pt2, threshold * threshold)
    largest = 0.0
    for a in range(FIRST_ETA, END_ETA):
        for k in range(N_PHI):
            largest = max(largest, discs.pt2[a, k])
    return largest >= threshold * threshold

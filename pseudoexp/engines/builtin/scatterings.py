"""Soft scatterings of two protons, falling in pT: where the next one is, and between which momentum fractions.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 2. The cross-section is that of QCD at leading order,
damped by (pT^2 / (pT^2 + pT0^2))^2 and with alpha_s(pT^2 + pT0^2), so that it stays finite at pT = 0. It is bounded by one
with the effective density F = g + 4/9 sum(q + qbar) and the t- and u-channel poles of g g -> g g alone,

    d sigma / (dpT^2 dy3 dy4) = x1 F(x1) x2 F(x2) pi alpha_s^2 9/4 (1/t^2 + 1/u^2) x damping,

whose integral above pT and whose largest value in (y3, y4) are tabulated by ``pseudoexp/data/make_scatterings.py``. What the true
cross-section is lower by, for the partons chosen and for the momentum that earlier scatterings took, is vetoed afterwards.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.coupling import Coupling, alpha_s, strong_coupling
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.exponential import quick_exp
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, Densities, Place, at_other_x, at_place, find_place
from pseudoexp.engines.builtin.partons import BEAM_ENERGY

DATA = Path(__file__).resolve().parents[2] / "data" / "scatterings.npz"
PT0 = 2.28 * 1.1607039143837201
"""GeV; 2.28 (14 TeV / 7 TeV)^0.215."""
LOWEST_PT = 0.2
COUPLING = 0.130
MB_GEV2 = 0.3893793721
_PI = 3.141592653589793


class Scatterings(NamedTuple):
    """The bounding cross-section, at equidistant nodes in ln pT from `LOWEST_PT` to the beam energy."""

    log_above: NDArray[np.float64]  # (nodes,) ln of the cross-section [mb] above the node's pT
    largest: NDArray[np.float64]  # (nodes,) largest d sigma / (dpT^2 dy3 dy4) between this node and the next [GeV^-4]
    steps: NDArray[np.float64]  # (2,) ln pT of the first node, nodes per unit of ln pT
    mean_at_centre: float  # scatterings at b = 0 per mb of cross-section
    coupling: Coupling


@lru_cache(maxsize=1)
def scatterings() -> Scatterings:
    """Return the tables, read once."""
    with np.load(DATA, allow_pickle=False) as data:
        return packed(Scatterings(data["log_above"], data["largest"], data["steps"], float(data["mean_at_centre"]),
                                  strong_coupling(COUPLING)))


@inline
def damping(coupling: Coupling, pt2: float) -> float:
    """Return pi alpha_s^2 x damping at pT^2 [GeV^2]."""
    shifted = pt2 + PT0 * PT0
    alpha = alpha_s(coupling, shifted)
    return _PI * alpha * alpha * (pt2 / shifted) * (pt2 / shifted)


@inline
def highest_rapidity(pt: float) -> float:
    """Return the largest |y| of a massless parton with this pT [GeV]: arcosh(beam energy / pT)."""
    ratio = BEAM_ENERGY / pt
    return log(ratio + math.sqrt(max(ratio * ratio - 1.0, 0.0)))


@kernel
def bounding_cross_section(tables: Densities, coupling: Coupling, pt: float, y3: float, y4: float) -> float:
    """Return the bounding d sigma / (dpT^2 dy3 dy4) [GeV^-4]; 0 outside the phase space."""
    pt2 = pt * pt
    return _bounding(tables, find_place(tables, 0.5, pt2), damping(coupling, pt2), pt, y3, y4)


@inline
def _bounding(tables: Densities, place: Place, damped: float, pt: float, y3: float, y4: float) -> float:
    """Return the same, from a place at pT^2 and the factor that depends on pT alone."""
    up3, up4 = quick_exp(y3), quick_exp(y4)
    x1 = 0.5 * pt * (up3 + up4) / BEAM_ENERGY
    x2 = 0.5 * pt * (1.0 / up3 + 1.0 / up4) / BEAM_ENERGY
    if x1 >= 1.0 or x2 >= 1.0:
        return 0.0
    flux = at_place(tables, at_other_x(tables, place, x1), EFFECTIVE) * at_place(tables, at_other_x(tables, place, x2), EFFECTIVE)
    return flux * damped * poles(pt, up3, up4)


@inline
def poles(pt: float, up3: float, up4: float) -> float:
    """Return 9/4 (1/t^2 + 1/u^2) [GeV^-4] for rapidities whose exponentials are given."""
    t, u = pt * pt * (1.0 + up4 / up3), pt * pt * (1.0 + up3 / up4)
    return 2.25 * (1.0 / (t * t) + 1.0 / (u * u))


@kernel
def next_pt(table: Scatterings, pt: float, per_mb: float, dice: Dice) -> float:
    """Return the pT [GeV] of the next scattering below `pt`, 0 if there is none; `per_mb` is the mean number per mb."""
    target = exp(_log_above(table, pt)) - log(throw(dice)) / per_mb
    goal = log(target)
    low, high = 0, len(table.log_above) - 1
    if goal >= table.log_above[low]:
        return 0.0
    while high - low > 1:
        middle = (low + high) // 2
        if table.log_above[middle] > goal:
            low = middle
        else:
            high = middle
    part = (table.log_above[low] - goal) / (table.log_above[low] - table.log_above[high])
    return exp(table.steps[0] + (low + part) / table.steps[1])


@inline
def _log_above(table: Scatterings, pt: float) -> float:
    """Return ln of the bounding cross-section [mb] above pT, linear in ln pT."""
    u = (log(pt) - table.steps[0]) * table.steps[1]
    i = min(max(int(u), 0), len(table.log_above) - 2)
    return table.log_above[i] + (u - i) * (table.log_above[i + 1] - table.log_above[i])


@kernel
def choose_rapidities(densities: Densities, table: Scatterings, pt: float, dice: Dice) -> tuple[float, float]:
    """Return the rapidities of the two partons that scatter into pT, by the bounding cross-section."""
    top = highest_rapidity(pt)
    i = int((log(pt) - table.steps[0]) * table.steps[1])
    largest = table.largest[min(max(i, 0), len(table.largest) - 1)]
    place, damped = find_place(densities, 0.5, pt * pt), damping(table.coupling, pt * pt)
    while True:
        y3, y4 = top * (2.0 * throw(dice) - 1.0), top * (2.0 * throw(dice) - 1.0)
        if throw(dice) * largest < _bounding(densities, place, damped, pt, y3, y4):
            return y3, y4

"""Multi-parton interactions: the further scatterings of the protons that scatter hard.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078). The impact parameter of the hard scattering gives the mean number
of further ones. They and the branchings of all showers, the hard process's included, follow in one sequence of falling pT (R.
Corke, T. Sjostrand, JHEP 03 (2011) 032): whatever takes momentum from the beams leaves less for what is softer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.beams import LARGEST_GROWTH, decide_origin, densities_left, momentum_left
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import ShowerTables, ShowerWorks
from pseudoexp.engines.builtin.matrix_elements import Scattering, choose_heavy, choose_light, heavy_weights, light_weights
from pseudoexp.engines.builtin.overlap import overlap_of_hard_collision
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, Densities, density_of_column
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, Partons, Systems
from pseudoexp.engines.builtin.scatter import append_scattering, parton_mass
from pseudoexp.engines.builtin.scatterings import Scatterings, choose_rapidities, next_pt, poles
from pseudoexp.engines.builtin.showers import FULL, begin, shower_down

_TWO_PI = 6.283185307179586
_LARGEST_TAKEN = 0.95
"""Largest share of a beam's momentum that all scatterings together may take."""


class ActivityTables(NamedTuple):
    """What the further scatterings are drawn from."""

    densities: Densities
    scatterings: Scatterings
    shower: ShowerTables


@inline
def _massive(cosine: float, s: float, mass: float) -> tuple[float, float]:
    """Return t and u of a scattering into two partons of this mass under the angle of the massless ones."""
    beta = math.sqrt(1.0 - 4.0 * mass * mass / s)
    return mass * mass - 0.5 * s * (1.0 - beta * cosine), mass * mass - 0.5 * s * (1.0 + beta * cosine)


@kernel
def choose_scattering(scattering: Scattering, s: float, cosine: float, above: float, dice: Dice) -> int:
    """Choose what scatters, or nothing: 1 if the first outgoing parton goes forward, -1 if backward, 0 for a veto.

    Parameters
    ----------
    scattering : Scattering
        With the densities of both sides.
    s, cosine : float
        Mass squared [GeV^2] and angle of the first outgoing parton.
    above : float
        What the sum of all weights is bounded by, in the convention of `matrix_elements`.
    dice : Dice
        Random numbers.
    """
    t, u = -0.5 * s * (1.0 - cosine), -0.5 * s * (1.0 + cosine)
    rest = throw(dice) * above
    total = light_weights(scattering, s, t, u)
    if rest < total:
        return -1 if choose_light(scattering, s, t, u, dice) else 1
    rest -= total
    for flavour, mass in ((4, CHARM_MASS), (5, BOTTOM_MASS)):
        if s > 4.0 * mass * mass:
            t, u = _massive(cosine, s, mass)
            total = heavy_weights(scattering, s, t, u, mass)
            if rest < total:
                return -1 if choose_heavy(scattering, flavour, t, u, mass, dice) else 1
            rest -= total
    return 0


@kernel
def scatter_once(pt: float, partons: Partons, systems: Systems, tables: ActivityTables, scattering: Scattering,
                 rest: NDArray[np.float64], dice: Dice) -> int:
    """Try a scattering at pT [GeV]: its system, -2 for a veto, -1 if a list is full. `rest` (2, REST) is filled."""
    y3, y4 = choose_rapidities(tables.densities, tables.scatterings, pt, dice)
    up3, up4 = exp(y3), exp(y4)
    x1, x2 = 0.5 * pt * (up3 + up4) / BEAM_ENERGY, 0.5 * pt * (1.0 / up3 + 1.0 / up4) / BEAM_ENERGY
    left1, left2 = momentum_left(systems, 0, -1), momentum_left(systems, 1, -1)
    if x1 >= _LARGEST_TAKEN * left1 or x2 >= _LARGEST_TAKEN * left2:
        return -2
    pt2, s = pt * pt, 4.0 * BEAM_ENERGY * BEAM_ENERGY * x1 * x2
    flux = density_of_column(tables.densities, EFFECTIVE, x1, pt2) * density_of_column(tables.densities, EFFECTIVE, x2, pt2)
    above = 2.0 * LARGEST_GROWTH * flux * poles(pt, up3, up4) * s * s
    densities_left(tables.densities, 0, -1, x1, pt2, partons, systems, rest[0], scattering.one)
    densities_left(tables.densities, 1, -1, x2, pt2, partons, systems, rest[1], scattering.two)
    cosine = (up3 - up4) / (up3 + up4)
    side = choose_scattering(scattering, s, cosine, above, dice)
    if side == 0 or math.sqrt(s) <= parton_mass(scattering.pdg_id[2]) + parton_mass(scattering.pdg_id[3]):
        return -2
    return append_scattering(partons, systems, scattering, x1, x2, side * cosine, _TWO_PI * throw(dice), pt)


@kernel
def begin_shower(system: int, partons: Partons, systems: Systems, tables: ActivityTables, works: ShowerWorks, dice: Dice) -> int:
    """Decide where a new scattering's partons come from and start its shower; return a negative code if that fails."""
    if system >= len(works):
        return FULL
    work = works[system]
    for side in range(2):
        decide_origin(system, side, partons, systems, tables.densities, dice, work.rest[side], work.above)
    return begin(system, partons, systems, tables.shower, work, dice, True)


@kernel
def collide(start_pt: float, partons: Partons, systems: Systems, tables: ActivityTables, scattering: Scattering,
            works: ShowerWorks, dice: Dice) -> int:
    """Shower the hard process and add the further scatterings of an event with their showers.

    Parameters
    ----------
    start_pt : float
        Where further scatterings start [GeV]: the hard scale if only partons scatter hard, else the beam energy.
    partons, systems : Partons, Systems
        The event with its hard process.
    tables, scattering, works
        Tables and buffers.
    dice : Dice
        Placed at the event's activity.

    Returns
    -------
    int
        Number of scatterings, the hard one included; a negative code of the shower, -1 if a list is full.
    """
    per_mb = LARGEST_GROWTH * tables.scatterings.mean_at_centre * overlap_of_hard_collision(dice)
    code = begin_shower(0, partons, systems, tables, works, dice)
    pt = start_pt
    while code >= 0:
        pt = next_pt(tables.scatterings, pt, per_mb, dice)
        code = shower_down(0, systems.filled[0], pt * pt, partons, systems, tables.shower, works, dice)
        if code < 0 or pt == 0.0:
            break
        system = scatter_once(pt, partons, systems, tables, scattering, works[0].rest, dice)
        if system != -2:
            code = begin_shower(system, partons, systems, tables, works, dice) if system >= 0 else FULL
    return code if code < 0 else systems.filled[0]

"""Trials of the initial-state shower: incoming partons evolve backwards, to mothers with more momentum.

After T. Sjostrand and P. Skands, hep-ph/0408302, section 4, with the choices of PYTHIA 8's simple shower: trials in
pT^2 + p_T0^2 (rate and coupling are regularised by it), ratios of densities at pT^2, emissions ordered in rapidity on
each side, recoil of the whole final state. An incoming c or b must come from a gluon above its threshold: below twice
m_Q^2 the branching g -> Q Qbar is drawn between m_Q^2 and there, whatever the rest does. Trials of the four branchings
(z = x / x_mother) follow 6 / (z (1 - z)) for g -> g, 8/3 / z for q -> g, 8/3 / (1 - z) for q -> q and 1/2 for g ->
q, each times a bound of the ratio of densities. `initial_branching` carries accepted ones out.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.beams import column_left, most_left, settle_rest, take_away
from pseudoexp.engines.builtin.coupling import alpha_s
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import PT0_SQUARED, ShowerTables, ShowerWork
from pseudoexp.engines.builtin.evolution import height, scale2_at
from pseudoexp.engines.builtin.exponential import quick_exp, quick_log
from pseudoexp.engines.builtin.parton_density import (
    EFFECTIVE,
    GLUON,
    Place,
    all_at_place,
    at_other_scale,
    at_other_x,
    column,
    density,
    find_place,
    most_quarks_at,
)
from pseudoexp.engines.builtin.partons import Partons, Systems
from pseudoexp.engines.builtin.splitting import MASSES

LEAST_PT2 = 0.04
"""Lowest pT^2 [GeV^2]."""
THRESHOLD_REGION = 2.0
"""Multiple of m_Q^2 below which an incoming heavy quark is traced back to a gluon at once."""
_STEP = 4.0
_ALIKE, _MASSIVER = 1.1, 2.0
"""Ratios of x and of the scattering's mass^2 up to which range and bounds serve."""
_ATTEMPTS = 500
_GLUON_HEADROOM, _VALENCE_HEADROOM, _OTHER_HEADROOM = 1.1, 1.7, 1.3


@inline
def _quarks(densities_at: NDArray[np.float64]) -> float:
    """Return the sum over quarks and antiquarks."""
    total = 0.0
    for k in range(EFFECTIVE):
        if k != GLUON:
            total += densities_at[k]
    return total


@inline
def _largest_z(pt2: float, m2: float) -> float:
    """Return the z at which the sister's true transverse momentum vanishes."""
    r = pt2 / m2
    return 1.0 - (math.sqrt(r + 0.25 * r * r) - 0.5 * r)


@inline
def true_pt2(virtuality: float, z: float, m2: float, sister2: float) -> float:
    """Return the sister's transverse momentum^2; m2 is the mass^2 of the scattering before the branching."""
    return virtuality - z * (m2 + virtuality) * (virtuality + sister2) / m2


@inline
def mass2_of(partons: Partons, systems: Systems, system: int) -> float:
    """Return the mass^2 of a scattering."""
    return 4.0 * partons.p4[systems.incoming[system, 0], 3] * partons.p4[systems.incoming[system, 1], 3]


@inline
def _other_over_own(tables: ShowerTables, rest: NDArray[np.float64], flavour: int, x: float, place: Place) -> float:
    """Return x f of mothers of the other kind over that of the daughter: all quarks, whatever z, over gluon, or gluon over quark.
    """
    gluon = column_left(tables.densities, place, rest, x, GLUON)
    if flavour == 21:
        return most_left(rest, most_quarks_at(tables.densities, place)) / max(gluon, 1e-12)
    return gluon / max(column_left(tables.densities, place, rest, x, GLUON + flavour), 1e-12)


@kernel
def _open_window(work: ShowerWork, tables: ShowerTables, side: int, flavour: int, x: float, m2: float, pt2: float, least: float
                 ) -> None:
    """Set range of z, bounds of x' f(x') / x f(x) for mothers of the same and of the other kind, and rates between two scales."""
    space = work.space[side]
    space.least, space.least_height = least, height(tables.initial_evolution, least + PT0_SQUARED)
    space.x, space.most_x, space.most_m2, space.pdg_id = x, _ALIKE * x, _MASSIVER * m2, flavour
    low, high = x, _largest_z(least, _MASSIVER * m2)
    space.low, space.high, space.same, space.other = low, high, 0.0, 0.0
    if high <= low:
        return
    place = find_place(tables.densities, x, pt2)
    other_over_own = _other_over_own(tables, work.rest[side], flavour, x, place)
    lowest = at_other_scale(tables.densities, place, least)
    other_over_own = max(other_over_own, _other_over_own(tables, work.rest[side], flavour, x, lowest))
    valence = flavour == 1 or flavour == 2
    space.same_bound = _GLUON_HEADROOM if flavour == 21 else (_VALENCE_HEADROOM if valence else _OTHER_HEADROOM)
    space.other_bound = _OTHER_HEADROOM * other_over_own
    if flavour == 21:
        same = 6.0 * quick_log(high * (1.0 - low) / (low * (1.0 - high)))
        other = 8.0 / 3.0 * quick_log(high / low)
    else:
        same = 8.0 / 3.0 * quick_log((1.0 - low) / (1.0 - high))
        other = 0.5 * (high - low)
    space.same, space.other = same * space.same_bound, other * space.other_bound


@kernel
def next_space_trial(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
                     side: int, limit: float, pt2: float) -> None:
    """Draw the next trial of an incoming parton below `pt2` [GeV^2]; its mother's x stays below `limit`."""
    flavour = partons.pdg_id[systems.incoming[system, side]]
    x = systems.x[system, side] / limit
    m2 = mass2_of(partons, systems, system)
    space = work.space[side]
    space.chosen = 0.0
    floor = LEAST_PT2
    if abs(flavour) == 4 or abs(flavour) == 5:
        floor = THRESHOLD_REGION * MASSES[abs(flavour)] * MASSES[abs(flavour)]
        if pt2 <= floor:
            _cross_threshold(work, tables, dice, side, flavour, x, m2, pt2)
            return
    if pt2 <= floor or x >= 1.0:
        space.trial = 0.0
        return
    top = space.height if pt2 == space.trial and space.height > 0.0 else height(tables.initial_evolution, pt2 + PT0_SQUARED)
    if pt2 <= space.least or not _is_open(work, side, flavour, x, m2):
        settle_rest(side, system, partons, systems, work.rest[side])
        _open_window(work, tables, side, flavour, x, m2, pt2, max(pt2 / _STEP, floor))
    rate = space.same + space.other
    space.height = top + quick_log(throw(dice)) / rate if rate > 0.0 else 0.0
    space.genuine = space.height > space.least_height
    if space.genuine:
        space.trial = scale2_at(tables.initial_evolution, space.height) - PT0_SQUARED
    else:
        space.height = space.least_height
        space.trial = space.least if space.least > LEAST_PT2 else 0.0


@kernel
def keep_space_trial(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
                     side: int, limit: float, pt2: float) -> None:
    """Draw the next trial of an incoming parton below `pt2` [GeV^2] if the one it has is not good any more.

    It is as long as its overestimate bounds the rate: what comes below `pt2` does not depend on what was above.
    """
    space = work.space[side]
    flavour = partons.pdg_id[systems.incoming[system, side]]
    x = systems.x[system, side] / limit
    if space.chosen > 0.0 or space.trial >= pt2 or not _is_open(work, side, flavour, x, mass2_of(partons, systems, system)):
        next_space_trial(work, partons, systems, tables, dice, system, side, limit, pt2)


@inline
def _is_open(work: ShowerWork, side: int, flavour: int, x: float, m2: float) -> bool:
    """Return whether range, rates and bounds serve for this state."""
    space = work.space[side]
    return flavour == space.pdg_id and m2 <= space.most_m2 and space.x <= x <= space.most_x


@kernel
def _cross_threshold(work: ShowerWork, tables: ShowerTables, dice: Dice, side: int, flavour: int, x: float, m2: float, pt2: float
                     ) -> None:
    """Draw the branching g -> Q Qbar that an incoming heavy quark comes from; without success its trial is -1."""
    mass2 = MASSES[abs(flavour)] * MASSES[abs(flavour)]
    width = log(min(pt2, THRESHOLD_REGION * mass2) / mass2)
    work.space[side].trial, work.space[side].height = -1.0, 0.0
    before = density(tables.densities, 21, x, mass2) if x < 1.0 else 0.0
    if width <= 0.0 or before <= 0.0:
        return
    for _ in range(_ATTEMPTS):
        trial = mass2 * exp(width * throw(dice))
        z = x + (1.0 - x) * throw(dice)
        if true_pt2(trial / (1.0 - z) - mass2, z, m2, mass2) <= 0.0 or trial / (1.0 - z) <= mass2:
            continue
        weight = z * z + (1.0 - z) * (1.0 - z) + 2.0 * z * (1.0 - z) * mass2 / trial
        weight *= alpha_s(tables.initial, trial + PT0_SQUARED) / alpha_s(tables.initial, mass2 + PT0_SQUARED)
        weight *= density(tables.densities, 21, x / z, trial) / (1.2 * before)
        if throw(dice) < weight:
            work.space[side].trial, work.space[side].chosen, work.space[side].genuine = trial, z, True
            return


@inline
def _is_ordered(work: ShowerWork, side: int, z: float, pt2: float) -> bool:
    """Return whether the sister's angle to the beam is below that of the sister before."""
    old_z, old_pt2 = work.space[side].old_z, work.space[side].old_pt2
    ratio = (1.0 - z) / (z * (1.0 - old_z))
    return old_pt2 < 0.0 or pt2 <= ratio * ratio * old_pt2


@inline
def _pick_quark(work: ShowerWork, share: float) -> int:
    """Return a quark or antiquark with probability proportional to the densities in `work.above`."""
    left = share * _quarks(work.above)
    flavour = 0
    for k in range(EFFECTIVE):
        if k != GLUON and work.above[k] > 0.0:
            flavour = k - GLUON
            left -= work.above[k]
            if left <= 0.0:
                break
    return flavour


@inline
def _draw_z(work: ShowerWork, side: int, gluon: bool, same: bool, u: float) -> float:
    """Return z of the overestimate for a uniform number."""
    low, high = work.space[side].low, work.space[side].high
    if gluon and same:
        odds = low / (1.0 - low) * quick_exp(u * quick_log(high * (1.0 - low) / (low * (1.0 - high))))
        return odds / (1.0 + odds)
    if gluon:
        return low * quick_exp(u * quick_log(high / low))
    if same:
        return 1.0 - (1.0 - low) * quick_exp(u * quick_log((1.0 - high) / (1.0 - low)))
    return low + u * (high - low)


@kernel
def judge_space(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, side: int,
                limit: float) -> int:
    """Accept or reject the trial of an incoming parton.

    Returns
    -------
    int
        The mother's number (21, or a quark), 0 for no branching; z stands in ``work.space_chosen``.
    """
    flavour, pt2 = partons.pdg_id[systems.incoming[system, side]], work.space[side].trial
    if work.space[side].chosen > 0.0:
        return 21
    if not work.space[side].genuine:
        return 0
    gluon = flavour == 21
    u = throw(dice) * (work.space[side].same + work.space[side].other)
    same = u < work.space[side].same
    u = u / work.space[side].same if same else (u - work.space[side].same) / work.space[side].other
    z = _draw_z(work, side, gluon, same, u)
    x, m2 = systems.x[system, side] / limit, mass2_of(partons, systems, system)
    if not x < z < 1.0 or not _is_ordered(work, side, z, pt2):
        return 0
    mother, sister2, mass2 = 21 if gluon or not same else flavour, 0.0, 0.0
    if gluon and not same:
        kernel_ratio = 0.5 * (1.0 + (1.0 - z) * (1.0 - z))
    elif not same:
        sister2 = MASSES[abs(flavour)] * MASSES[abs(flavour)]
        mass2 = sister2 if abs(flavour) > 3 else 0.0
        kernel_ratio = z * z + (1.0 - z) * (1.0 - z) + 2.0 * z * (1.0 - z) * mass2 / pt2
    elif gluon:
        kernel_ratio = (1.0 - z * (1.0 - z)) * (1.0 - z * (1.0 - z))
    else:
        kernel_ratio = 0.5 * (1.0 + z * z)
    # kernel first, densities last: they cost most
    virtuality = pt2 / (1.0 - z) - mass2
    if throw(dice) >= kernel_ratio or virtuality <= 0.0 or true_pt2(virtuality, z, m2, sister2) <= 0.0:
        return 0
    settle_rest(side, system, partons, systems, work.rest[side])
    place = find_place(tables.densities, x, pt2)
    before = column_left(tables.densities, place, work.rest[side], x, column(flavour))
    place = at_other_x(tables.densities, place, x / z)
    if gluon and not same:
        all_at_place(tables.densities, place, work.above)
        take_away(work.rest[side], x / z, work.above)
        above = _quarks(work.above)
    else:
        above = column_left(tables.densities, place, work.rest[side], x / z, column(mother))
    bound = work.space[side].same_bound if same else work.space[side].other_bound
    if throw(dice) * bound * before >= above or before <= 0.0:
        return 0
    if gluon and not same:
        mother = _pick_quark(work, throw(dice))
        if mother == 0 or true_pt2(virtuality, z, m2, MASSES[abs(mother)] * MASSES[abs(mother)]) <= 0.0:
            return 0
    work.space[side].chosen = z
    return mother

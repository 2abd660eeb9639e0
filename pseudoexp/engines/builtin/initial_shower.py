"""The initial-state shower: incoming partons evolve backwards, to mothers with more momentum, and leave sisters behind.

After T. Sjostrand and P. Skands, hep-ph/0408302, section 4, with the choices of PYTHIA 8's simple shower: trials in
pT^2 + p_T0^2 (rate and coupling are regularised by it), ratios of densities at pT^2, emissions ordered in rapidity on
each side, recoil of the whole final state. An incoming c or b must come from a gluon above its threshold: below twice
m_Q^2 the branching g -> Q Qbar is drawn between m_Q^2 and there, whatever the rest does. Trials of the four branchings
(z = x / x_mother) follow 6 / (z (1 - z)) for g -> g, 8/3 / z for q -> g, 8/3 / (1 - z) for q -> q and 1/2 for g ->
q, each times a bound of the ratio of densities. Azimuths follow the interference with the colour partner. Left out:
photons, and the azimuthal correlation of gluon polarisation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.beams import column_left, most_left, take_away
from pseudoexp.engines.builtin.coupling import alpha_s
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import PT0_SQUARED, ShowerTables, ShowerWork, add_ends, link
from pseudoexp.engines.builtin.evolution import CUTOFF2, height, scale2_at
from pseudoexp.engines.builtin.exponential import quick_exp, quick_log
from pseudoexp.engines.builtin.final_shower import refresh
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
from pseudoexp.engines.builtin.partons import (
    FINAL,
    INCOMING,
    REPLACED,
    Partons,
    Systems,
    append_parton,
    new_colour,
)
from pseudoexp.engines.builtin.recoil import follow_recoil
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
_INTERFERENCE = 0.7
_TWO_PI = 6.283185307179586


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
def _true_pt2(virtuality: float, z: float, m2: float, sister2: float) -> float:
    """Return the sister's transverse momentum^2; m2 is the mass^2 of the scattering before the branching."""
    return virtuality - z * (m2 + virtuality) * (virtuality + sister2) / m2


@inline
def _mass2(partons: Partons, systems: Systems, system: int) -> float:
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
    m2 = _mass2(partons, systems, system)
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
    if space.chosen > 0.0 or space.trial >= pt2 or not _is_open(work, side, flavour, x, _mass2(partons, systems, system)):
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
        if _true_pt2(trial / (1.0 - z) - mass2, z, m2, mass2) <= 0.0 or trial / (1.0 - z) <= mass2:
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
    x, m2 = systems.x[system, side] / limit, _mass2(partons, systems, system)
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
    if throw(dice) >= kernel_ratio or virtuality <= 0.0 or _true_pt2(virtuality, z, m2, sister2) <= 0.0:
        return 0
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
        if mother == 0 or _true_pt2(virtuality, z, m2, MASSES[abs(mother)] * MASSES[abs(mother)]) <= 0.0:
            return 0
    work.space[side].chosen = z
    return mother


@inline
def _partner(work: ShowerWork, partons: Partons, daughter: int, mother: int, from_colour: bool) -> int:
    """Return the final parton that the sister's colour line leads to, -1 if there is none."""
    if mother == 21 and partons.pdg_id[daughter] != 21:
        return -1
    if mother == 21:
        side = 0 if from_colour else 1
    else:
        side = 0 if (mother > 0) != (partons.pdg_id[daughter] == 21) else 1
    tag = partons.colour[daughter, side]
    for k in range(work.filled[0]):
        if work.ends[k].side == side and partons.colour[work.ends[k].radiator, side] == tag:
            return work.ends[k].radiator
    return -1


@inline
def _azimuth(partons: Partons, partner: int, side: int, kt: float, plus: float, dice: Dice) -> tuple[float, float]:
    """Return cosine and sine of the sister's azimuth: it prefers the side of its colour partner.

    Half of the eikonal of sister and partner goes round the beam evenly, half as (1 - a^2) / (1 + a^2 - 2 a cos(phi)). Pure
    kinematics would have a = r, the ratio of tan(theta / 2) of the two; PYTHIA 8.317's first branchings follow a = 0.7 4 r / (1 +
    r)^2 (0.7 is its strengthIntAsym).
    """
    sine, cosine = sincos(_TWO_PI * throw(dice))
    if partner < 0:
        return cosine, sine
    p = partons.p4[partner]
    pt = math.sqrt(p[0] * p[0] + p[1] * p[1])
    along = p[3] + (p[2] if side == 0 else -p[2])
    ratio = kt * along / (plus * pt) if pt > 0.0 else 0.0
    a = _INTERFERENCE * 4.0 * ratio / ((1.0 + ratio) * (1.0 + ratio))
    if a <= 0.0:
        return cosine, sine
    while throw(dice) > 0.5 * (1.0 - a) * (1.0 + (1.0 - a * a) / (1.0 + a * a - 2.0 * a * cosine)):
        sine, cosine = sincos(_TWO_PI * throw(dice))
    return (cosine * p[0] - sine * p[1]) / pt, (sine * p[0] + cosine * p[1]) / pt


@inline
def _colours(partons: Partons, daughter: int, mother: int, row: int, sister: int, from_colour: bool) -> None:
    """Colour the mother (row) and the sister of a branching; a gluon from a gluon takes over one line of the daughter."""
    colour, anticolour, side = partons.colour[daughter, 0], partons.colour[daughter, 1], 0
    if mother == 21 and partons.pdg_id[daughter] == 21:
        side = 0 if from_colour else 1
        fresh = new_colour(partons)
        partons.colour[row, side], partons.colour[row, 1 - side] = fresh, partons.colour[daughter, 1 - side]
        partons.colour[sister, side], partons.colour[sister, 1 - side] = fresh, partons.colour[daughter, side]
    elif mother == 21:
        fresh = new_colour(partons)
        partons.colour[row, 0] = colour if colour != 0 else fresh
        partons.colour[row, 1] = anticolour if anticolour != 0 else fresh
        partons.colour[sister, 0] = 0 if colour != 0 else fresh
        partons.colour[sister, 1] = fresh if colour != 0 else 0
    elif partons.pdg_id[daughter] == 21:
        partons.colour[row, 0], partons.colour[row, 1] = (colour, 0) if mother > 0 else (0, anticolour)
        partons.colour[sister, 0], partons.colour[sister, 1] = (anticolour, 0) if mother > 0 else (0, colour)
    else:
        side = 0 if mother > 0 else 1
        fresh = new_colour(partons)
        partons.colour[row, side] = fresh
        partons.colour[sister, side], partons.colour[sister, 1 - side] = fresh, partons.colour[daughter, side]


@inline
def sister_id(daughter: int, mother: int) -> int:
    """Return what a mother leaves behind when the daughter enters the scattering."""
    if mother == 21:
        return 21 if daughter == 21 else -daughter
    return mother if daughter == 21 else 21


@kernel
def branch_space(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, side: int,
                 mother: int) -> int:
    """Carry out an accepted branching; return 0, -1 if a list is full.

    The new incoming parton and the sister are appended, everything final of the system takes the recoil, and the ends at
    incoming partons and at the sister get new recoilers and trials.
    """
    daughter = systems.incoming[system, side]
    z, pt2 = work.space[side].chosen, work.space[side].trial
    emitted = sister_id(partons.pdg_id[daughter], mother)
    mass = 0.0 if emitted == 21 else MASSES[abs(emitted)]
    heavy2 = mass * mass if mother == 21 and (abs(emitted) == 4 or abs(emitted) == 5) else 0.0
    m2 = _mass2(partons, systems, system)
    virtuality = pt2 / (1.0 - z) - heavy2
    kt2 = max(_true_pt2(virtuality, z, m2, mass * mass), 0.0)
    along = 1.0 - z - z * virtuality / m2
    sign = 1.0 if side == 0 else -1.0
    energy = partons.p4[daughter, 3] / z
    plus = 2.0 * along * energy
    from_colour = throw(dice) < 0.5
    partner = _partner(work, partons, daughter, mother, from_colour)
    cosine, sine = _azimuth(partons, partner, side, math.sqrt(kt2), plus, dice)
    kx, ky = math.sqrt(kt2) * cosine, math.sqrt(kt2) * sine
    minus = (kt2 + mass * mass) / plus
    scale = z / (1.0 - along)
    turn = -scale / (2.0 * partons.p4[daughter, 3])
    for k in range(partons.filled[0]):
        if partons.status[k] == FINAL and partons.system[k] == system:
            follow_recoil(partons.p4[k], partons.mass[k] * partons.mass[k], side, scale, turn * kx, turn * ky)
    row = append_parton(partons, mother, INCOMING, -1, system, 0.0, 0.0, sign * energy, energy, 0.0, 0, 0)
    sister = append_parton(partons, emitted, FINAL, row, system, kx, ky, sign * 0.5 * (plus - minus), 0.5 * (plus + minus), mass,
                           0, 0)
    if row < 0 or sister < 0:
        return -1
    partons.status[daughter] = REPLACED
    partons.mother[daughter] = row
    _colours(partons, daughter, mother, row, sister, from_colour)
    systems.incoming[system, side] = row
    systems.x[system, side] /= z
    work.space[side].old_z, work.space[side].old_pt2 = z, pt2
    return _attach(work, partons, systems, tables, dice, system, sister, pt2)


@inline
def _attach(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, sister: int,
            pt2: float) -> int:
    """Add the sister's ends and renew all that point to incoming partons."""
    if not add_ends(work, partons, sister):
        return -1
    top = height(tables.final_evolution, pt2) if pt2 > CUTOFF2 else 0.0
    for k in range(work.filled[0]):
        if work.ends[k].beam >= 0 or work.ends[k].radiator == sister:
            if not link(work, partons, systems, system, k):
                return -3
            refresh(work, partons, tables, dice, k, pt2, top)
    return 0

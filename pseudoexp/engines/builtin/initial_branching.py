"""Branchings of the initial-state shower: a mother enters the scattering, a sister goes out, all else takes the recoil.

After T. Sjostrand and P. Skands, hep-ph/0408302, section 4. Azimuths follow the interference with the colour partner. Left
out: photons, and the azimuthal correlation of gluon polarisation.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import ShowerTables, ShowerWork, add_ends, link
from pseudoexp.engines.builtin.evolution import CUTOFF2, height
from pseudoexp.engines.builtin.final_shower import refresh
from pseudoexp.engines.builtin.initial_shower import mass2_of, true_pt2
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, REPLACED, Partons, Systems, append_parton, new_colour
from pseudoexp.engines.builtin.recoil import follow_recoil
from pseudoexp.engines.builtin.splitting import MASSES

_INTERFERENCE = 0.7
_TWO_PI = 6.283185307179586


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
    m2 = mass2_of(partons, systems, system)
    virtuality = pt2 / (1.0 - z) - heavy2
    kt2 = max(true_pt2(virtuality, z, m2, mass * mass), 0.0)
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
    _recoil(work, partons, side, scale, turn * kx, turn * ky)
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
    return _attach(work, partons, systems, tables, dice, system, side, sister, pt2)


@inline
def _recoil(work: ShowerWork, partons: Partons, side: int, scale: float, nx: float, ny: float) -> None:
    """Move everything final of the scattering: the radiators of all ends, a gluon once, and what has no colour."""
    for k in range(work.filled[0]):
        row = work.ends[k].radiator
        if work.ends[k].side == 0 or partons.colour[row, 0] == 0:
            follow_recoil(partons.p4[row], partons.mass[row] * partons.mass[row], side, scale, nx, ny)
    row = work.colourless[0]
    if row >= 0:
        follow_recoil(partons.p4[row], partons.mass[row] * partons.mass[row], side, scale, nx, ny)


@inline
def _relink(work: ShowerWork, partons: Partons, systems: Systems, system: int, k: int, sister: int) -> bool:
    """Link an end whose colour line led to the daughter: it leads to the sister or the mother now; False if to neither."""
    side, beam = work.ends[k].side, work.ends[k].beam
    tag = partons.colour[work.ends[k].radiator, side]
    mother = systems.incoming[system, beam]
    if partons.colour[sister, 1 - side] == tag:
        work.ends[k].recoiler, work.ends[k].beam = sister, -1
        return True
    work.ends[k].recoiler = mother
    return partons.colour[mother, side] == tag


@inline
def _attach(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, side: int,
            sister: int, pt2: float) -> int:
    """Add the sister's ends, link what the branching changed, and refresh the ends that point to incoming partons."""
    if not add_ends(work, partons, sister):
        return -1
    top = height(tables.final_evolution, pt2) if pt2 > CUTOFF2 else 0.0
    for k in range(work.filled[0]):
        new, beam = work.ends[k].radiator == sister, work.ends[k].beam
        if not new and beam < 0:
            continue
        if new and not link(work, partons, systems, system, k):
            return -3
        if beam == side and not _relink(work, partons, systems, system, k, sister):
            return -3
        refresh(work, partons, tables, dice, k, pt2, top)
    return 0

"""The final-state shower: trials of dipole ends, their judgement, and the branching.

After T. Sjostrand and P. Skands, hep-ph/0408302, section 3, with the choices of PYTHIA 8's simple shower: alpha_s(pT^2)
at one loop, g -> q qbar as its weightGluonToQuark = 4, beam recoil with its dampening, dead cone also for gluons that
recoil against a massive quark. Every emission off the quarks of H -> b bbar and of g -> q qbar follows the matrix element
of the three partons quark, antiquark and gluon. Left out: photons, and the azimuthal correlation of gluon polarisation.

Six rules were read off PYTHIA 8.317's branchings. Radiation towards a beam that takes the recoil is suppressed by
pT pT_r / (pT pT_r + m^2), pT_r the radiator's transverse momentum and m the pair's mass (its manual names 4 pT_r^2 / (4
pT_r^2 + m^2)). The pair of a gluon is a colour octet: the singlet's matrix element times 1 - (C_A / C_F) f (1 - f), f =
(p_1 p_g) / ((p_1 + p_2) p_g), which is its eikonal with the emission off the octet itself. A quark's emission must keep pT (1 -
m_q^2 / m^2) above the cut-off. A pair's matrix element corrects all emissions off its quarks, not the first alone. And without
a pair, as off the heavy quarks of a hard collision, emissions have the massless kernel. Where the recoiler is massive, g -> q
qbar is suppressed by the third power of the pair's momentum in the dipole's frame, over that of a massless gluon (its manual
has the massless recoiler's (1 - m^2 / M^2)^3).
"""

from __future__ import annotations

import math

import numpy as np

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import (
    ShowerTables,
    ShowerWork,
    add_ends,
    is_bounded,
    marked,
    measure,
    opposite,
    settle_for,
)
from pseudoexp.engines.builtin.evolution import CUTOFF2, octave
from pseudoexp.engines.builtin.exponential import quick_exp, quick_log
from pseudoexp.engines.builtin.overestimates import (
    BELOW,
    EMISSION,
    INVERSE,
    LOW,
    RATE,
    SPAN,
    TO_BEAM,
    Overestimates,
    largest_suppression,
    ratio_row,
)
from pseudoexp.engines.builtin.parton_density import at_other_x, at_place, column, find_place
from pseudoexp.engines.builtin.partons import REPLACED, Partons, Systems, append_parton, new_colour
from pseudoexp.engines.builtin.recoil import product, put_on_shell, split
from pseudoexp.engines.builtin.splitting import (
    FLAVOURS,
    MASSES,
    PAIR_RATE,
    decay_element,
    gluon_emission,
    octet,
    quark_emission,
    quark_pair,
)

_TWO_PI = 6.283185307179586


@kernel
def next_trial(work: ShowerWork, tables: ShowerTables, dice: Dice, k: int, pt2: float, height: float) -> None:
    """Draw the next trial of an end below `pt2` [GeV^2], which has this height.

    What is expected below is lowered by an exponential number; the octave it then is in holds the trial.
    """
    end, edge = work.ends[k], tables.final_evolution.octave
    n = min(octave(pt2), end.drawn_top)
    work.trial[k] = 0.0
    if n < 0:
        return
    rate = tables.rates.rate[end.drawn_kind, end.drawn_extent]
    left = rate[n, BELOW] + rate[n, RATE] * (min(height, edge[n + 1]) - edge[n]) + quick_log(throw(dice))
    if left <= 0.0:
        return
    while rate[n, BELOW] >= left:
        n -= 1
    work.trial[k] = marked(edge[n] + (left - rate[n, BELOW]) * rate[n, INVERSE], k)


@inline
def draw_anew(work: ShowerWork, tables: ShowerTables, dice: Dice, k: int, pt2: float, height: float) -> None:
    """Draw the trial of a measured end anew, with an overestimate for its dipole as it is now."""
    settle_for(work.ends[k])
    next_trial(work, tables, dice, k, pt2, height)


@inline
def renew(work: ShowerWork, partons: Partons, tables: ShowerTables, dice: Dice, k: int, pt2: float, height: float) -> None:
    """Measure a changed dipole and draw its end's trial anew."""
    measure(work.ends[k], partons)
    draw_anew(work, tables, dice, k, pt2, height)


@inline
def refresh(work: ShowerWork, partons: Partons, tables: ShowerTables, dice: Dice, k: int, pt2: float, height: float) -> None:
    """Measure a changed dipole; only if its rate may have grown draw the end's trial anew."""
    measure(work.ends[k], partons)
    if not is_bounded(work.ends[k]):
        draw_anew(work, tables, dice, k, pt2, height)


@kernel
def refresh_beam(work: ShowerWork, partons: Partons, tables: ShowerTables, dice: Dice, pt2: float, height: float) -> None:
    """Refresh all ends that recoil against incoming partons."""
    for k in range(work.filled[0]):
        if work.ends[k].beam >= 0:
            refresh(work, partons, tables, dice, k, pt2, height)


@inline
def _draw_flavour(rates: Overestimates, n: int, v: float) -> tuple[int, float]:
    """Return flavour and z of a pair for a number up to the sum of the flavours' shares; heavy ones keep to the edges of z."""
    flavour, share = 1, rates.pairs[n, 1]
    while v >= share and flavour < FLAVOURS:
        v -= share
        flavour += 1
        share = rates.pairs[n, flavour]
    return flavour, v if v < 0.5 * share else 1.0 - (share - v)


@inline
def _draw_rest(kind: int, low: float, span: float, u: float, dice: Dice) -> float:
    """Return 1 - z of an emission for a uniform number, of the density that its kind's trials have (`overestimates`)."""
    while True:
        q = low * quick_exp(u * span)
        if kind >= TO_BEAM:
            return q - low
        if kind == 0 or throw(dice) < gluon_emission(1.0 - q):
            return q
        u = throw(dice)


@inline
def _suppression(partons: Partons, a: int, pt2: float, virtuality: float) -> float:
    """Return the suppression of radiation towards a beam that takes the recoil."""
    hard2 = partons.p4[a, 0] * partons.p4[a, 0] + partons.p4[a, 1] * partons.p4[a, 1]
    both = math.sqrt(pt2 * hard2)
    return both / (both + virtuality + partons.mass[a] * partons.mass[a])


@inline
def _density_ratio(end: np.record, partons: Partons, systems: Systems, tables: ShowerTables, system: int, limit: float,
                   pt2: float, stretch: float) -> float:
    """Return the ratio of parton densities where the beam takes the recoil."""
    x = systems.x[system, end.beam]
    if x * (1.0 + stretch) >= limit:
        return 0.0
    place, own = find_place(tables.densities, x / limit, pt2), column(partons.pdg_id[end.recoiler])
    before = at_place(tables.densities, place, own)
    after = at_place(tables.densities, at_other_x(tables.densities, place, x * (1.0 + stretch) / limit), own)
    return after / before if before > 0.0 else 0.0


@inline
def _element_weight(work: ShowerWork, partons: Partons, k: int) -> float:
    """Return the weight of the matrix element of the pair's production, for the momenta in `work.trio`."""
    trio, partner, a = work.trio, work.ends[k].partner, work.ends[k].radiator
    other = trio[2] if work.ends[k].recoiler == partner else partons.p4[partner]
    mass2 = partons.mass[a] * partons.mass[a]
    quarks, first, second = product(trio[0], other), product(trio[0], trio[1]), product(other, trio[1])
    total = 2.0 * (mass2 + quarks + first + second)
    weight = decay_element(1.0 - 2.0 * second / total, 1.0 - 2.0 * first / total, mass2 / total, work.ends[k].vector)
    if work.ends[k].vector:
        weight *= octet(first, second)
    return weight


@inline
def _cone_weight(work: ShowerWork, partons: Partons, k: int) -> float:
    """Return the massive over the massless eikonal for a gluon that radiates against a massive recoiler."""
    mass = partons.mass[work.ends[k].recoiler]
    if mass == 0.0 or work.ends[k].beam >= 0:
        return 1.0
    trio = work.trio
    return max(1.0 - mass * mass * product(trio[0], trio[1]) / (2.0 * product(trio[0], trio[2]) * product(trio[2], trio[1])), 0.0)


@kernel
def judge(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, limit0: float,
          limit1: float, k: int, pt2: float) -> int:
    """Accept or reject an end's trial at `pt2` [GeV^2].

    Returns
    -------
    int
        -1 for no branching, 0 for an emitted gluon, else the flavour of the pair the gluon splits to. The momenta after the
        branching stand in `work.trio`.
    """
    end, n = work.ends[k], octave(pt2)
    row, gluon, kind, size = end.radiator, end.gluon, end.drawn_kind, end.drawn_extent
    emission, headroom = tables.rates.emission[kind, ratio_row(size, n)], tables.rates.headroom[kind, n]
    u, of_emissions = throw(dice) * tables.rates.rate[kind, size, n, RATE], emission[EMISSION] * headroom
    flavour, weight = 0, 1.0 / headroom
    if u < of_emissions:
        q = _draw_rest(kind, emission[LOW], emission[SPAN], u / of_emissions, dice)
        z = 1.0 - q
        if kind >= TO_BEAM:
            weight *= 1.0 + emission[LOW] / q
    else:
        if kind >= TO_BEAM:
            weight /= largest_suppression(emission[LOW])
        flavour, z = _draw_flavour(tables.rates, n, (u - of_emissions) * weight / PAIR_RATE)
        q = 1.0 - z
    if z <= 0.0 or q <= 0.0:
        return -1
    virtuality, mass_a = pt2 / (z * q), partons.mass[row]
    pair2 = virtuality + mass_a * mass_a
    mass_b = partons.mass[end.recoiler] if end.beam < 0 else 0.0
    reach = end.dipole2 + pair2 - mass_b * mass_b
    if pair2 >= end.dipole2 or pair2 * end.dipole2 >= z * q * reach * reach:
        return -1
    mixed = 0.0
    if flavour == 0 and not gluon and pt2 * virtuality * virtuality < CUTOFF2 * pair2 * pair2:
        return -1
    if flavour > 0:
        velocity = math.sqrt(max(1.0 - 4.0 * pair2 * end.dipole2 / (reach * reach), 0.0))
        weight *= quark_pair(z, pair2, MASSES[flavour], velocity * reach / (end.dipole2 - mass_b * mass_b), velocity)
        mixed = 0.5 * (1.0 - math.sqrt(max(1.0 - 4.0 * MASSES[flavour] * MASSES[flavour] / pair2, 0.0)))
    elif kind >= TO_BEAM or not gluon:
        weight *= gluon_emission(z) if gluon else (1.0 if end.partner >= 0 else quark_emission(z))
    # cheap factors first, densities last: most trials end before
    u = throw(dice)
    if end.beam >= 0:
        weight *= _suppression(partons, row, pt2, virtuality)
        if u >= weight * headroom:
            return -1
        limit = limit0 if end.beam == 0 else limit1
        weight *= _density_ratio(end, partons, systems, tables, system, limit, pt2, virtuality / (end.dipole2 - mass_a * mass_a))
    if u >= weight:
        return -1
    sine, cosine = sincos(_TWO_PI * throw(dice))
    kept = 1.0 - mixed if flavour > 0 else virtuality / pair2
    if not split(partons.p4[row], partons.p4[end.recoiler], mass_b * mass_b, pair2, z, kept, mixed, cosine, sine, work.trio):
        return -1
    if flavour == 0 and gluon:
        weight *= _cone_weight(work, partons, k)
    elif end.partner >= 0:
        weight *= _element_weight(work, partons, k)
    return flavour if u < weight else -1


@inline
def _stretch_beam(work: ShowerWork, partons: Partons, systems: Systems, system: int, k: int) -> None:
    """Take the recoil from the beam: scale the incoming parton and its x."""
    beam, row = work.ends[k].beam, work.ends[k].recoiler
    factor = 2.0 - work.trio[2, 3] / partons.p4[row, 3]
    systems.x[system, beam] *= factor
    partons.p4[row, 3] *= factor
    partons.p4[row, 2] *= factor


@inline
def _settle(partons: Partons, row: int, p: tuple[float, float, float, float]) -> None:
    """Give a parton a new momentum on its mass shell."""
    partons.p4[row, 0], partons.p4[row, 1], partons.p4[row, 2] = p[0], p[1], p[2]
    put_on_shell(partons.p4[row], partons.mass[row] * partons.mass[row])


@inline
def _daughters(work: ShowerWork, partons: Partons, k: int, flavour: int) -> tuple[int, int]:
    """Append the two partons of a branching with their colours; return their rows, -1 if the list is full."""
    row, side = work.ends[k].radiator, work.ends[k].side
    p, q = work.trio[0], work.trio[1]
    tag = partons.colour[row, side]
    status, system = partons.status[row], partons.system[row]
    partons.status[row] = REPLACED
    if flavour > 0:
        mass = MASSES[flavour]
        sign = 1 if side == 0 else -1
        other = partons.colour[row, 1 - side]
        first = append_parton(partons, sign * flavour, status, row, system, p[0], p[1], p[2], p[3], mass,
                              tag if side == 0 else 0, 0 if side == 0 else tag)
        second = append_parton(partons, -sign * flavour, status, row, system, q[0], q[1], q[2], q[3], mass,
                               0 if side == 0 else other, other if side == 0 else 0)
        return first, second
    fresh = new_colour(partons)
    first = append_parton(partons, partons.pdg_id[row], status, row, system, p[0], p[1], p[2], p[3], partons.mass[row],
                          partons.colour[row, 0], partons.colour[row, 1])
    second = append_parton(partons, 21, status, row, system, q[0], q[1], q[2], q[3], 0.0,
                           tag if side == 0 else fresh, fresh if side == 0 else tag)
    if first >= 0:
        partons.colour[first, side] = fresh
    return first, second


@inline
def _replace(work: ShowerWork, k: int, row: int, gluon: bool) -> None:
    """Let an end belong to another row, and tell the end on the other side of its dipole."""
    if gluon != work.ends[k].gluon:
        work.ends[k].drawn_kind = -1
    work.ends[k].radiator = row
    work.ends[k].gluon = gluon
    work.end_of[row, work.ends[k].side] = k
    across = opposite(work, k)
    if across >= 0:
        work.ends[across].recoiler = row


@kernel
def branch(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, k: int,
           flavour: int, pt2: float) -> int:
    """Carry out an accepted branching and draw new trials for the ends it changed; return 0, -1 on overflow."""
    end = work.ends[k]
    row, side, target, beam, height = end.radiator, end.side, end.recoiler, end.beam, work.trial[k]
    far = opposite(work, k)
    near = work.end_of[row, 1 - side]
    beyond = work.end_of[target, side] if beam < 0 else -1
    first, second = _daughters(work, partons, k, flavour)
    if first < 0 or second < 0 or second >= len(work.end_of):
        return -1
    for new in (first, second):
        work.end_of[new, 0] = -1
        work.end_of[new, 1] = -1
        put_on_shell(partons.p4[new], partons.mass[new] * partons.mass[new])
    if beam >= 0:
        _stretch_beam(work, partons, systems, system, k)
    else:
        _settle(partons, target, (work.trio[2, 0], work.trio[2, 1], work.trio[2, 2], 0.0))
    if flavour > 0:
        _replace(work, k, first, False)
        _replace(work, near, second, False)
        work.ends[k].partner, work.ends[near].partner = second, first
        work.ends[k].vector, work.ends[near].vector = True, True
    else:
        _replace(work, k, first, work.ends[k].gluon)
        if near >= 0:
            _replace(work, near, first, True)
        if not _insert(work, partons, k, far, second, target, beam):
            return -1
        if work.ends[k].partner >= 0:
            work.ends[work.end_of[work.ends[k].partner, 1 - side]].partner = first
        renew(work, partons, tables, dice, work.end_of[second, side], pt2, height)
        renew(work, partons, tables, dice, work.end_of[second, 1 - side], pt2, height)
    renew(work, partons, tables, dice, k, pt2, height)
    _refresh_around(work, partons, tables, dice, near, far, beyond, pt2, height)
    if beam >= 0:
        refresh_beam(work, partons, tables, dice, pt2, height)
    return 0


@inline
def _insert(work: ShowerWork, partons: Partons, k: int, far: int, gluon: int, target: int, beam: int) -> bool:
    """Put an emitted gluon between the radiator's end k and its recoiler; return False if the workspace is full."""
    if not add_ends(work, partons, gluon):
        return False
    side = work.ends[k].side
    toward, back = work.end_of[gluon, side], work.end_of[gluon, 1 - side]
    work.ends[toward].recoiler, work.ends[toward].beam = target, beam
    work.ends[back].recoiler, work.ends[back].beam = work.ends[k].radiator, -1
    work.ends[k].recoiler, work.ends[k].beam = gluon, -1
    if far >= 0:
        work.ends[far].recoiler = gluon
    return True


@inline
def _refresh_around(work: ShowerWork, partons: Partons, tables: ShowerTables, dice: Dice, near: int, far: int, beyond: int,
                    pt2: float, height: float) -> None:
    """Refresh the radiator's and the recoiler's other ends and the ends across them."""
    if near >= 0:
        refresh(work, partons, tables, dice, near, pt2, height)
        across = opposite(work, near)
        if across >= 0:
            refresh(work, partons, tables, dice, across, pt2, height)
    if far >= 0:
        refresh(work, partons, tables, dice, far, pt2, height)
    if beyond >= 0:
        refresh(work, partons, tables, dice, beyond, pt2, height)
        across = opposite(work, beyond)
        if across >= 0 and across != near:
            refresh(work, partons, tables, dice, across, pt2, height)

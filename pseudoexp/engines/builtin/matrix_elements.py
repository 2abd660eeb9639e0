"""Leading-order 2 -> 2 scattering: cross-sections, flavours and colour flow.

Sources: R. K. Ellis, W. J. Stirling, B. R. Webber, *QCD and Collider Physics*, tables 7.1 and 10.2 (massive quarks); g b -> H b
for a massless b with the Yukawa coupling of the running mass. Every QCD process is a common factor times a sum of squares,
one for each planar order of the partons along the colour lines (the partial amplitudes at four points are to each other
as s : t : u), so the squares are at the same time the weights of the colour flows.

Conventions: 1 and 2 come in along +z and -z, t = (p1 - p3)^2, u = (p1 - p4)^2. The `*_weights` kernels fill
`scattering.weights` with the cross-sections of the subprocesses, times the densities, summed over both
orientations ("3 forward" and "3 backward", that is t and u exchanged), and return their sum; times pi alpha_s^2 / s^2 (for
`higgs_weights` alpha_s m_b^2 / (24 v^2 s^2)) it is sum x1 f1 x2 f2 [dsigma/dt(t, u) + dsigma/dt(u, t)]. The
`choose_*` kernels then choose subprocess, flavours, orientation and colour flow, fill `scattering.pdg_id` and
`scattering.colour`, and return whether 3 goes backward, that is whether t and u are to be exchanged::

    scattering = new_scattering()                                     # once, in Python
    all_densities(tables, x1, mu2, scattering.one)                    # the densities, side 0 and side 1
    all_densities(tables, x2, mu2, scattering.two)
    total = light_weights(scattering, s, t, u)                        # all QCD 2 -> 2 with massless quarks
    backward = choose_light(scattering, s, t, u, dice)

`light_*` has 3 outgoing flavours of g g -> q qbar and q qbar -> q' qbar', up to 5 elsewhere; `heavy_*` is g g, q qbar -> Q Qbar.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.colour_flow import (
    ANNIHILATION,
    B_TO_HIGGS,
    COMPTON_ST,
    COMPTON_TU,
    GLUONS_ST,
    GLUONS_SU,
    GLUONS_TU,
    PAIR_FROM_FIRST,
    PAIR_FROM_SECOND,
    QUARK_ANTIQUARK,
    QUARKS,
    TO_GLUONS,
    exchange_rows,
    set_flow,
)
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.parton_density import COLUMNS, EFFECTIVE, GLUON

(GG_GG, GG_QQ, QG_QG, DIFFERENT, SAME, OPPOSITE, NEW_QUARKS, QQ_GG) = range(8)
"""Subprocesses of `light_weights`; `heavy_weights` uses `GG_QQ` and `NEW_QUARKS`."""
_LIGHT_FLAVOURS = 3


class Scattering(NamedTuple):
    """What a 2 -> 2 scattering is drawn from, and what was drawn."""

    one: NDArray[np.float64]  # (12,) x f of all columns on side 0
    two: NDArray[np.float64]  # (12,) on side 1
    sums: NDArray[np.float64]  # (5,) quarks on side 0, on side 1; pairs q q, q qbar; sum of all weights
    weights: NDArray[np.float64]  # (8,) of the subprocesses
    pdg_id: NDArray[np.int32]  # (4,) two incoming, two outgoing
    colour: NDArray[np.int32]  # (4, 2) colours and anticolours, tags 1 ... 4, 0 without


def new_scattering() -> Scattering:
    """Return the workspace of one scattering."""
    return packed(Scattering(np.zeros(COLUMNS), np.zeros(COLUMNS), np.zeros(5), np.zeros(8), np.zeros(4, np.int32),
                             np.zeros((4, 2), np.int32)))


@inline
def _exchange(s: float, t: float, u: float) -> float:
    """Return q q' -> q q' by a gluon in the t channel."""
    return 4.0 / 9.0 * (s * s + u * u) / (t * t)


@inline
def _compton(s: float, t: float, u: float) -> float:
    """Return q g -> q g with t = (p_q - p_q')^2."""
    return (s * s + u * u) * (1.0 / (t * t) - 4.0 / (9.0 * s * u))


@inline
def _opposite(s: float, t: float, u: float) -> float:
    """Return q qbar -> q qbar without the square of the s channel."""
    return _exchange(s, t, u) - 8.0 / 27.0 * u * u / (s * t)


@inline
def _higgs(s: float, t: float, u: float, higgs_mass2: float, b_mass2: float) -> float:
    """Return g b -> H b' with t = (p_g - p_b')^2, u = (p_g - p_H)^2."""
    return (higgs_mass2 * higgs_mass2 + u * u) / (s * (b_mass2 - t))


@inline
def _sum_densities(scattering: Scattering) -> None:
    """Sum the densities over flavours."""
    one, two, sums = scattering.one, scattering.two, scattering.sums
    first, second, same, opposite = 0.0, 0.0, 0.0, 0.0
    for k in range(EFFECTIVE):
        if k != GLUON:
            first += one[k]
            second += two[k]
            same += one[k] * two[k]
            opposite += one[k] * two[2 * GLUON - k]
    sums[0], sums[1], sums[2], sums[3] = first, second, same, opposite


@inline
def _total(scattering: Scattering) -> float:
    """Keep and return the sum of the weights."""
    total = 0.0
    for k in range(8):
        total += scattering.weights[k]
    scattering.sums[4] = total
    return total


@kernel
def light_weights(scattering: Scattering, s: float, t: float, u: float) -> float:
    """Weigh QCD scattering with massless quarks; see the module for what is returned."""
    _sum_densities(scattering)
    sums, w = scattering.sums, scattering.weights
    g1, g2 = scattering.one[GLUON], scattering.two[GLUON]
    s2, t2, u2 = s * s, t * t, u * u
    forward, back = _exchange(s, t, u), _exchange(s, u, t)
    squares = s2 + t2 + u2
    w[GG_GG] = g1 * g2 * 0.5625 * squares * squares * squares / (s2 * t2 * u2)
    w[GG_QQ] = g1 * g2 * 2.0 * _LIGHT_FLAVOURS * (t2 + u2) * (1.0 / (6.0 * t * u) - 0.375 / s2)
    w[QG_QG] = (sums[0] * g2 + g1 * sums[1]) * (_compton(s, t, u) + _compton(s, u, t))
    w[DIFFERENT] = max(sums[0] * sums[1] - sums[2] - sums[3], 0.0) * (forward + back)
    w[SAME] = sums[2] * (forward + back - 8.0 / 27.0 * s2 / (t * u))
    w[OPPOSITE] = sums[3] * (_opposite(s, t, u) + _opposite(s, u, t))
    w[NEW_QUARKS] = sums[3] * 2.0 * _LIGHT_FLAVOURS * 4.0 / 9.0 * (t2 + u2) / s2
    w[QQ_GG] = sums[3] * (t2 + u2) * (32.0 / (27.0 * t * u) - 8.0 / (3.0 * s2))
    return _total(scattering)


@kernel
def heavy_weights(scattering: Scattering, s: float, t: float, u: float, mass: float) -> float:
    """Weigh g g, q qbar -> Q Qbar of the given mass [GeV]; see the module for what is returned."""
    _sum_densities(scattering)
    scattering.weights[:] = 0.0
    a, b, rho = (mass * mass - t) / s, (mass * mass - u) / s, 4.0 * mass * mass / s
    squares = a * a + b * b
    scattering.weights[GG_QQ] = scattering.one[GLUON] * scattering.two[GLUON] * 2.0 * (
        (1.0 / (6.0 * a * b) - 0.375) * (squares + rho - rho * rho / (4.0 * a * b)))
    scattering.weights[NEW_QUARKS] = scattering.sums[3] * 8.0 / 9.0 * (squares + 0.5 * rho)
    return _total(scattering)


@kernel
def higgs_weights(scattering: Scattering, s: float, t: float, u: float, higgs_mass2: float, b_mass2: float) -> float:
    """Weigh g b -> H b (3 is the Higgs boson) times alpha_s m_b^2 / (24 v^2 s^2); masses squared [GeV^2]."""
    one, two = scattering.one, scattering.two
    scattering.weights[:] = 0.0
    pairs = one[GLUON] * (two[0] + two[10]) + (one[0] + one[10]) * two[GLUON]
    scattering.weights[QG_QG] = pairs * (_higgs(s, t, u, higgs_mass2, b_mass2) + _higgs(s, u, t, higgs_mass2, b_mass2))
    return _total(scattering)


@inline
def _quark_of(values: NDArray[np.float64], total: float, r: float) -> int:
    """Return a quark or antiquark drawn by its density; r in (0, 1)."""
    rest = r * total
    for k in range(EFFECTIVE):
        if k != GLUON:
            rest -= values[k]
            if rest <= 0.0:
                return k - GLUON
    return 2


@inline
def _pair_of(scattering: Scattering, sign: int, total: float, r: float) -> int:
    """Return the first of a pair q q (sign 1) or q qbar (sign -1) drawn by the densities."""
    rest = r * total
    for k in range(EFFECTIVE):
        if k != GLUON:
            rest -= scattering.one[k] * scattering.two[GLUON + sign * (k - GLUON)]
            if rest <= 0.0:
                return k - GLUON
    return 2


@kernel
def _choose_different(scattering: Scattering, r: float) -> tuple[int, int]:
    """Return two quarks of different flavours drawn by the densities."""
    one, two, sums = scattering.one, scattering.two, scattering.sums
    rest = r * (sums[0] * sums[1] - sums[2] - sums[3])
    for i in range(-GLUON, GLUON + 1):
        if i == 0:
            continue
        row = one[GLUON + i] * (sums[1] - two[GLUON + i] - two[GLUON - i])
        if rest > row:
            rest -= row
            continue
        for j in range(-GLUON, GLUON + 1):
            if j not in (0, i, -i):
                rest -= one[GLUON + i] * two[GLUON + j]
                if rest <= 0.0:
                    return i, j
    return 2, 1


@inline
def _subprocess(scattering: Scattering, dice: Dice) -> int:
    """Return a subprocess drawn by the weights."""
    rest = throw(dice) * scattering.sums[4]
    last = GG_GG
    for k in range(8):
        if scattering.weights[k] > 0.0:
            last = k
            rest -= scattering.weights[k]
            if rest <= 0.0:
                break
    return last


@inline
def _orientation(forward: float, backward: float, dice: Dice) -> bool:
    """Return whether 3 goes backward."""
    return throw(dice) * (forward + backward) >= forward


@inline
def _set(scattering: Scattering, flow: int, conjugate: bool, one: int, two: int, three: int, four: int) -> None:
    """Set species and colours."""
    set_flow(scattering.pdg_id, scattering.colour, flow, conjugate, one, two, three, four)


@inline
def _annihilate(scattering: Scattering, quark: int, flavour: int) -> None:
    """Turn q qbar into another pair."""
    new = flavour if quark > 0 else -flavour
    _set(scattering, ANNIHILATION, quark < 0, quark, -quark, new, -new)


@inline
def _make_pair(scattering: Scattering, flavour: int, t: float, u: float, dice: Dice) -> bool:
    """Turn g g into a pair, t and u less the quark's mass squared; return whether the quark goes backward."""
    backward = throw(dice) < 0.5
    first, second = (u, t) if backward else (t, u)
    from_first = throw(dice) * (first * first + second * second) < second * second
    _set(scattering, PAIR_FROM_FIRST if from_first else PAIR_FROM_SECOND, False, 21, 21, flavour, -flavour)
    return backward


@inline
def _scatter_gluons(scattering: Scattering, s: float, t: float, u: float, dice: Dice) -> bool:
    """Scatter g g: three planar orders in two senses each."""
    rest = throw(dice) * (s * s + t * t + u * u)
    flow = GLUONS_ST if rest < u * u else GLUONS_SU if rest < u * u + t * t else GLUONS_TU
    _set(scattering, flow, throw(dice) < 0.5, 21, 21, 21, 21)
    return False


@kernel
def _scatter_quark_and_gluon(scattering: Scattering, s: float, t: float, u: float, dice: Dice) -> bool:
    """Scatter q g or g q; 3 is of the kind of 1."""
    one, two, sums = scattering.one, scattering.two, scattering.sums
    left = sums[0] * two[GLUON]
    side = 0 if throw(dice) * (left + one[GLUON] * sums[1]) < left else 1
    quark = _quark_of(one if side == 0 else two, sums[side], throw(dice))
    backward = _orientation(_compton(s, t, u), _compton(s, u, t), dice)
    to_gluon = t if backward else u
    flow = COMPTON_ST if throw(dice) * (s * s + to_gluon * to_gluon) < to_gluon * to_gluon else COMPTON_TU
    _set(scattering, flow, quark < 0, quark, 21, quark, 21)
    if side == 1:
        exchange_rows(scattering.pdg_id, scattering.colour, 0, 1)
        exchange_rows(scattering.pdg_id, scattering.colour, 2, 3)
    return backward


@kernel
def _scatter_quarks(scattering: Scattering, subprocess: int, s: float, t: float, u: float, dice: Dice) -> bool:
    """Scatter two quarks, or a quark and an antiquark."""
    sums, r = scattering.sums, throw(dice)
    if subprocess <= SAME:
        i, j = _choose_different(scattering, r) if subprocess == DIFFERENT else _twins(scattering, r)
        _set(scattering, QUARKS if i * j > 0 else QUARK_ANTIQUARK, i < 0, i, j, i, j)
        return _orientation(_exchange(s, t, u), _exchange(s, u, t), dice)
    i = _pair_of(scattering, -1, sums[3], r)
    if subprocess == OPPOSITE:
        _set(scattering, QUARK_ANTIQUARK, i < 0, i, -i, i, -i)
        return _orientation(_opposite(s, t, u), _opposite(s, u, t), dice)
    if subprocess == NEW_QUARKS:
        _annihilate(scattering, i, 1 + int(throw(dice) * _LIGHT_FLAVOURS))
        return throw(dice) < 0.5
    _set(scattering, TO_GLUONS, i < 0, i, -i, 21, 21)
    return _orientation(u * u, t * t, dice)


@inline
def _twins(scattering: Scattering, r: float) -> tuple[int, int]:
    """Return two equal quarks drawn by the densities."""
    i = _pair_of(scattering, 1, scattering.sums[2], r)
    return i, i


@kernel
def choose_light(scattering: Scattering, s: float, t: float, u: float, dice: Dice) -> bool:
    """Choose what scatters after `light_weights`; return whether 3 goes backward."""
    k = _subprocess(scattering, dice)
    if k == GG_GG:
        return _scatter_gluons(scattering, s, t, u, dice)
    if k == GG_QQ:
        return _make_pair(scattering, 1 + int(throw(dice) * _LIGHT_FLAVOURS), t, u, dice)
    if k == QG_QG:
        return _scatter_quark_and_gluon(scattering, s, t, u, dice)
    return _scatter_quarks(scattering, k, s, t, u, dice)


@kernel
def choose_heavy(scattering: Scattering, flavour: int, t: float, u: float, mass: float, dice: Dice) -> bool:
    """Choose what scatters after `heavy_weights`; return whether 3 goes backward."""
    mass2 = mass * mass
    if _subprocess(scattering, dice) == GG_QQ:
        return _make_pair(scattering, flavour, t - mass2, u - mass2, dice)
    _annihilate(scattering, _pair_of(scattering, -1, scattering.sums[3], throw(dice)), flavour)
    return throw(dice) < 0.5


@kernel
def choose_higgs(scattering: Scattering, s: float, t: float, u: float, higgs_mass2: float, b_mass2: float, dice: Dice
                 ) -> bool:
    """Choose what scatters after `higgs_weights`; return whether the Higgs boson, 3, goes backward."""
    one, two = scattering.one, scattering.two
    left = (one[0] + one[10]) * two[GLUON]
    side = 0 if throw(dice) * (left + one[GLUON] * (two[0] + two[10])) < left else 1
    quarks = one if side == 0 else two
    b = -5 if throw(dice) * (quarks[0] + quarks[10]) < quarks[0] else 5
    _set(scattering, B_TO_HIGGS, b < 0, b, 21, HIGGS, b)
    forward, backward = _higgs(s, t, u, higgs_mass2, b_mass2), _higgs(s, u, t, higgs_mass2, b_mass2)
    if side == 0:
        return _orientation(forward, backward, dice)  # p_g = p2 and p_b' = p4: (p_g - p_b')^2 = t
    exchange_rows(scattering.pdg_id, scattering.colour, 0, 1)
    return _orientation(backward, forward, dice)

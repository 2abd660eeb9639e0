"""Flavours of string breaks, and the hadron that two flavours make.

A break makes a quark pair, or a diquark pair for baryons; between baryon and antibaryon there may be one meson ("popcorn",
B. Andersson, G. Gustafson and T. Sjostrand, Physica Scripta 32 (1985) 574): baryon and antibaryon then share one quark
pair, the *shared* one, and have another one each. Parameters of the Monash tune (P. Skands et al., arXiv:1404.5630).

Flavours are PDG numbers; what stands at the end of a string is *old*, what joins it in a hadron is *new*, and the new end
is the antiparticle of *new*. A diquark at an end carries two more numbers: the flavour of its shared quark (1, 2, 3, ...; 0
if it has none) and whether it gives a meson (1) or a baryon (0) next.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.dice import Dice, throw

STRANGE = 0.217
"""s to u."""
DIQUARK = 0.081
"""Diquark to quark."""
STRANGE_DIQUARK = 0.915
"""Suppression of a strange diquark beyond that of its strange quark."""
SPIN_ONE_DIQUARK = 0.0275
"""Of one of the three spin-one states to the spin-zero state."""
POPCORN_MESON = 0.455
"""Share of diquark breaks with a meson to come; 0.36 of the baryon pairs of a string then have one, as in Pythia 8.317."""
SPIN_ONE_LIGHT, SPIN_ONE_STRANGE = 1.14, 0.85
"""Factors on spin one, measured in the same: our breaks do not weigh how many baryons SU(6) leaves a diquark."""
POPCORN_STRANGE_SHARED = 0.9
POPCORN_STRANGE_MESON = 0.5
INITIAL_MESON = (0.2735, 0.698, 0.756)
"""Probability of a meson before the baryon for a diquark at the end of a string: spin zero; spin one, different flavours;
spin one, equal ones. Measured in Pythia 8.317, as is the weight of a strange quark to be the shared one:"""
INITIAL_STRANGE_SHARED = 0.5
VECTOR_TO_PSEUDOSCALAR = (0.50, 0.50, 0.55, 0.88, 2.20)
"""For mesons whose heavier quark is d, u, s, c, b."""
ETA, ETA_PRIME = 0.60, 0.12
"""Kept shares of eta and eta'."""
ANGLE_PSEUDOSCALAR, ANGLE_VECTOR = -15.0, 36.0
"""Octet-singlet mixing [degrees]."""
_IDEAL = 54.7

NEUTRAL_MESONS = ((111, 221, 331), (113, 223, 333))
"""Isospin one, and the two of isospin zero."""
_OCTET = (0.75, 0.5, 0.0, 1.0 / 6.0, 1.0 / 12.0, 1.0 / 6.0)
_DECUPLET = (0.0, 0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0)
_LARGEST = (0.75, 0.75, 1.0, 1.0, 0.75, 0.75)
"""SU(6) probabilities that a diquark and a quark are in a ground-state baryon. Kinds: different flavours in spin 0 with one
of its quarks (0) or a third flavour (1); equal flavours with the same (2) or another (3); different flavours in spin 1 with
one of its quarks (4) or a third (5). Only the ratio to the largest for a diquark counts."""


class FlavourTable(NamedTuple):
    """Cumulative probabilities of what a break makes."""

    pair_shared: NDArray[np.int64]  # (15,) flavour of the shared quark of a diquark
    pair_other: NDArray[np.int64]  # (15,) flavour of its other quark
    pair_states: NDArray[np.int64]  # (15,) 2 spin + 1
    first: NDArray[np.float64]  # (2, 15) diquark next to a quark: without, with a popcorn meson to come
    second: NDArray[np.float64]  # (4, 15) diquark after the popcorn meson, for a shared d, u, s (rows 1, 2, 3)
    neutral: NDArray[np.float64]  # (2, 4, 2) spin 0, 1; u, d, s: up to which number it is the first, the second meson
    vector: NDArray[np.float64]  # (6,) share of vector mesons by the heavier flavour


def _pairs() -> list[tuple[int, int, int]]:
    """Return (shared, other, states) of every light diquark."""
    return [(p, v, s) for p in (1, 2, 3) for v in (1, 2, 3) for s in (1, 3) if p != v or s == 3]


def pair_weight(shared: int, other: int, states: int, popcorn: bool) -> float:
    """Return the weight of a diquark pair: tunnelling of both quarks at once, or one after the other with a meson between.

    In popcorn each of the two steps has the square root of the diquark's suppression.
    """
    root = 0.5 if popcorn else 1.0
    weight = 0.5 if shared != other else 1.0
    if states == 3:
        weight *= 3.0 * (SPIN_ONE_DIQUARK * (SPIN_ONE_STRANGE if 3 in (shared, other) else SPIN_ONE_LIGHT)) ** root
    strange = (shared == 3) + (other == 3)
    weight *= (STRANGE * STRANGE_DIQUARK**root) ** strange
    if popcorn and shared == 3:
        weight *= POPCORN_STRANGE_SHARED
    if popcorn and other == 3:
        weight *= POPCORN_STRANGE_MESON
    return weight


@lru_cache(maxsize=1)
def flavour_table() -> FlavourTable:
    """Return the table of the Monash tune."""
    pairs = _pairs()
    first = np.array([[pair_weight(*pair, bool(meson)) for pair in pairs] for meson in (0, 1)])
    second = np.array([[pair_weight(*pair, True) * (pair[0] == shared) for pair in pairs] for shared in range(4)])
    second[0] = 1.0
    neutral = np.zeros((2, 4, 2))
    for spin, angle in enumerate((ANGLE_PSEUDOSCALAR, ANGLE_VECTOR)):
        alpha = math.radians(angle + _IDEAL)
        light = math.cos(alpha) ** 2 if spin == 0 else math.sin(alpha) ** 2  # of the lighter isoscalar meson
        neutral[spin, 1:3] = 0.5, 0.5 + 0.5 * light
        neutral[spin, 3] = 0.0, 1.0 - light
    ratio = np.array((0.0, *VECTOR_TO_PSEUDOSCALAR))
    shared, other, states = (np.array(column) for column in zip(*pairs, strict=True))
    first, second = (np.cumsum(w, axis=1) / w.sum(axis=1)[:, None] for w in (first, second))
    return packed(FlavourTable(shared, other, states, first, second, neutral, ratio / (1.0 + ratio)))


@inline
def light_quark(dice: Dice) -> int:
    """Return 1, 2 or 3: the flavour of a quark break."""
    u = throw(dice) * (2.0 + STRANGE)
    return 1 if u < 1.0 else (2 if u < 2.0 else 3)


@kernel
def diquark_code(first: int, second: int, states: int) -> int:
    """Return the PDG number of a diquark."""
    return 1000 * max(first, second) + 100 * min(first, second) + states


@inline
def split_initial_diquark(dice: Dice, code: int) -> tuple[int, int]:
    """Return (shared flavour, meson next) of a diquark that stands at the end of a string from the beginning."""
    high, low = code // 1000, (code // 100) % 10
    shared = low if throw(dice) * (1.0 + (INITIAL_STRANGE_SHARED if high == 3 else 1.0)) < 1.0 else high
    kind = 0 if code % 10 == 1 else (2 if high == low else 1)
    return shared, 1 if throw(dice) < INITIAL_MESON[kind] else 0


@kernel
def draw_flavour(table: FlavourTable, dice: Dice, old: int, shared: int, meson: int) -> tuple[int, int, int]:
    """Return (new flavour, its shared flavour, whether its antiparticle at the new end gives a meson next)."""
    sign = -1 if (0 < old < 10 or old < -1000) else 1
    row = -1
    after = 0
    if meson == 0 and (abs(old) > 1000 or throw(dice) * (1.0 + DIQUARK) < 1.0):
        return sign * light_quark(dice), 0, 0
    u = throw(dice)
    if meson == 1:
        row = 0
        while u > table.second[shared, row] and row < 14:
            row += 1
        sign = -1 if old > 0 else 1
    else:
        after = 1 if throw(dice) < POPCORN_MESON else 0
        row = 0
        while u > table.first[after, row] and row < 14:
            row += 1
        sign = 1 if old > 0 else -1
    q, other = table.pair_shared[row], table.pair_other[row]
    if meson == 1:
        q = shared
    return sign * diquark_code(q, other, table.pair_states[row]), q, after


@kernel
def _other_quark(diquark: int, shared: int) -> int:
    """Return the quark of a diquark that is not the shared one."""
    high, low = abs(diquark) // 1000, (abs(diquark) // 100) % 10
    return low if high == shared else high


@kernel
def draw_meson(table: FlavourTable, dice: Dice, quark: int, antiquark: int) -> int:
    """Return a pseudoscalar or vector meson of two positive flavour codes; 0 if an eta or eta' is not kept."""
    high, low = max(quark, antiquark), min(quark, antiquark)
    vector = 1 if throw(dice) < table.vector[high] else 0
    states = 1 + 2 * vector
    if high != low:
        sign = 1 if quark == high else -1
        if high % 2 == 1:
            sign = -sign
        return sign * (100 * high + 10 * low + states)
    if high > 3:
        return 110 * high + states
    u = throw(dice)
    if u < table.neutral[vector, high, 0]:
        return 111 + 2 * vector
    if u < table.neutral[vector, high, 1]:
        return 221 + 2 * vector if vector == 1 or throw(dice) < ETA else 0
    return 331 + 2 * vector if vector == 1 or throw(dice) < ETA_PRIME else 0


def meson_shares(table: FlavourTable, quark: int, antiquark: int) -> dict[int, float]:
    """Return the mesons that `draw_meson` makes and how often; those left of one are no meson."""
    high, low = max(quark, antiquark), min(quark, antiquark)
    spins = ((0, 1.0 - table.vector[high]), (1, table.vector[high]))
    if high != low:
        sign = 1 if (quark == high) == (high % 2 == 0) else -1
        return {sign * (100 * high + 10 * low + 1 + 2 * vector): share for vector, share in spins}
    if high > 3:
        return {110 * high + 1 + 2 * vector: share for vector, share in spins}
    shares = {}
    for vector, share in spins:
        first, second = table.neutral[vector, high]
        eta, eta_prime = (1.0, 1.0) if vector == 1 else (ETA, ETA_PRIME)
        for code, part in zip(NEUTRAL_MESONS[vector], (first, eta * (second - first), eta_prime * (1.0 - second)), strict=True):
            shares[code] = share * part
    return shares


@kernel
def baryon_kind(high: int, low: int, states: int, quark: int) -> int:
    """Return which row of the SU(6) probabilities a diquark (its two flavours, 2 spin + 1) and a quark belong to."""
    alone = 1 if quark != high and quark != low else 0
    if states == 1:
        return alone
    return (2 if high == low else 4) + alone


@kernel
def draw_baryon(dice: Dice, diquark: int, quark: int) -> int:
    """Return a baryon of a positive diquark and a positive quark, 0 if SU(6) has no ground state of them."""
    high, low, states = diquark // 1000, (diquark // 100) % 10, diquark % 10
    kind = baryon_kind(high, low, states, quark)
    u = throw(dice) * _LARGEST[kind]
    if u > _OCTET[kind] + _DECUPLET[kind]:
        return 0
    a = max(high, quark)
    c = min(low, quark)
    b = high + low + quark - a - c
    if u > _OCTET[kind]:
        return 1000 * a + 100 * b + 10 * c + 4
    if a > b > c:
        heavy_alone = quark == a
        if states == 1:
            like_lambda = heavy_alone or throw(dice) < 0.25
        else:
            like_lambda = not heavy_alone and throw(dice) < 0.75
        if like_lambda:
            return 1000 * a + 100 * c + 10 * b + 2
    return 1000 * a + 100 * b + 10 * c + 2


def baryon_shares(diquark: int, quark: int) -> dict[int, float]:
    """Return the baryons that `draw_baryon` makes and how often; those left of one are no baryon."""
    high, low, states = diquark // 1000, (diquark // 100) % 10, diquark % 10
    kind = baryon_kind(high, low, states, quark)
    a, b, c = sorted((high, low, quark), reverse=True)
    code = 1000 * a + 100 * b + 10 * c
    octet, decuplet = (share[kind] / _LARGEST[kind] for share in (_OCTET, _DECUPLET))
    if not a > b > c:
        return {code + 2: octet, code + 4: decuplet}
    if states == 1:
        like_lambda = 1.0 if quark == a else 0.25
    else:
        like_lambda = 0.0 if quark == a else 0.75
    return {code + 2: octet * (1.0 - like_lambda), 1000 * a + 100 * c + 10 * b + 2: octet * like_lambda, code + 4: decuplet}


@kernel
def combine(table: FlavourTable, dice: Dice, old: int, new: int, shared: int) -> int:
    """Return the hadron of two flavours, 0 if there is none this time: then the break is to be drawn again.

    Of two diquarks it is the meson of the quarks that are not the shared one.
    """
    one, two = abs(old), abs(new)
    if one < 10 and two < 10:
        return draw_meson(table, dice, one, two) if old > 0 else draw_meson(table, dice, two, one)
    if one > 1000 and two > 1000:
        one, two = _other_quark(one, shared), _other_quark(two, shared)
        return draw_meson(table, dice, one, two) if old > 0 else draw_meson(table, dice, two, one)
    if one > 1000:
        hadron = draw_baryon(dice, one, two)
    else:
        hadron = draw_baryon(dice, two, one)
    return hadron if old > 0 else -hadron

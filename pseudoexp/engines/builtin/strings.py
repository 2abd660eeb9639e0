"""Strings: chains of partons that colour connects, from a quark over gluons to an antiquark, or closed loops of gluons.

Neighbours of small mass, one of them a gluon, are joined to one parton: a gluon counts with the half of its momentum that
it gives to their region.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.partons import FINAL, REMNANT, Partons

JOINING_MASS = 0.3
"""GeV."""
_CONSTITUENT = np.array((0.0, 0.325, 0.325, 0.5, 1.6, 5.0))


class Strings(NamedTuple):
    """The strings of an event; `p4`, `flavour` and `row` hold the partons of one string after the other."""

    p4: NDArray[np.float64]  # (partons, 4) GeV
    flavour: NDArray[np.int64]  # (partons,) 0 for gluons
    row: NDArray[np.int64]  # (partons,) in Partons; of several joined ones that of the first
    start: NDArray[np.int64]  # (strings,) of its partons
    length: NDArray[np.int64]  # (strings,)
    closed: NDArray[np.bool_]  # (strings,)
    higgs: NDArray[np.bool_]  # (strings,) whether all its partons descend from the Higgs boson
    own: NDArray[np.float64]  # (partons,) mass of a parton, half of it for a gluon [GeV]
    gap: NDArray[np.float64]  # (partons,) what `_pair_excess` says of a parton and the next
    excess: NDArray[np.float64]  # (strings,) mass less the constituent masses of its ends [GeV]
    anticoloured: NDArray[np.int64]  # (tags,) row with this anticolour, -1 without
    filled: NDArray[np.int64]  # (1,) strings


def new_strings(partons: int, tags: int) -> Strings:
    """Return a workspace for events of up to `partons` coloured partons and `tags` colour tags."""
    return packed(Strings(
        p4=np.zeros((partons, 4)), flavour=np.zeros(partons, np.int64), row=np.zeros(partons, np.int64),
        start=np.zeros(partons, np.int64), length=np.zeros(partons, np.int64), closed=np.zeros(partons, np.bool_),
        higgs=np.zeros(partons, np.bool_), own=np.zeros(partons), gap=np.zeros(partons),
        excess=np.zeros(partons), anticoloured=np.full(tags, -1, np.int64),
        filled=np.zeros(1, np.int64)))


@inline
def constituent_mass(flavour: int) -> float:
    """Return the constituent mass [GeV] of a quark or diquark, 0 for a gluon."""
    code = abs(flavour)
    if code < 10:
        return _CONSTITUENT[code]
    return _CONSTITUENT[code // 1000] + _CONSTITUENT[(code // 100) % 10]


@kernel
def trace_strings(partons: Partons, strings: Strings) -> int:
    """Find, join and weigh all strings of final partons and remnants; return their number, -1 without room.

    Open strings come first, in the order of their triplet ends, then closed ones in the order of their first gluons.
    """
    tags = partons.filled[1] + 1
    if tags > len(strings.anticoloured):
        return -1
    strings.anticoloured[:tags] = -1
    n = partons.filled[0]
    coloured = 0
    for i in range(n):
        if partons.status[i] == FINAL or partons.status[i] == REMNANT:
            if partons.colour[i, 1] > 0:
                strings.anticoloured[partons.colour[i, 1]] = i
            if partons.colour[i, 0] > 0 or partons.colour[i, 1] > 0:
                coloured += 1
    if coloured > len(strings.row):
        return -1
    strings.filled[0] = 0
    place = 0
    for closed in (False, True):
        for i in range(n):
            if partons.colour[i, 0] == 0 or (partons.status[i] != FINAL and partons.status[i] != REMNANT):
                continue
            is_gluon = partons.colour[i, 1] > 0
            if is_gluon == closed and not (closed and strings.anticoloured[partons.colour[i, 1]] < 0):
                place = _follow(partons, strings, i, place, closed)
    return strings.filled[0]


@kernel
def _follow(partons: Partons, strings: Strings, first: int, place: int, closed: bool) -> int:
    """Append the string that begins at parton `first`; forget the tags it used; return where the next one starts."""
    s = strings.filled[0]
    strings.start[s], strings.closed[s], strings.higgs[s] = place, closed, True
    i = first
    end = place
    while True:
        strings.row[end] = i
        strings.flavour[end] = 0 if partons.pdg_id[i] == 21 else partons.pdg_id[i]
        for m in range(4):
            strings.p4[end, m] = partons.p4[i, m]
        strings.higgs[s] = strings.higgs[s] and partons.from_higgs[i]
        end += 1
        tag = partons.colour[i, 0]
        if tag == 0:
            break
        i = strings.anticoloured[tag]
        if i < 0:
            break
        strings.anticoloured[tag] = -1
        if closed and i == first:
            break
    strings.length[s] = _join(strings, place, end - place, closed)
    strings.excess[s] = _mass_excess(strings, s)
    strings.filled[0] = s + 1
    return place + strings.length[s]


@inline
def _weigh_parton(strings: Strings, i: int) -> None:
    """Fill the mass of a parton; a gluon counts half."""
    square = strings.p4[i, 3] ** 2
    for m in range(3):
        square -= strings.p4[i, m] ** 2
    strings.own[i] = (0.5 if strings.flavour[i] == 0 else 1.0) * math.sqrt(max(square, 0.0))


@inline
def _pair_excess(strings: Strings, i: int, j: int) -> float:
    """Return the mass of two neighbours less their own; a gluon counts half."""
    fi = 0.5 if strings.flavour[i] == 0 else 1.0
    fj = 0.5 if strings.flavour[j] == 0 else 1.0
    e = fi * strings.p4[i, 3] + fj * strings.p4[j, 3]
    square = e * e
    for m in range(3):
        p = fi * strings.p4[i, m] + fj * strings.p4[j, m]
        square -= p * p
    return math.sqrt(max(square, 0.0)) - strings.own[i] - strings.own[j]


@inline
def _weigh_gap(strings: Strings, start: int, n: int, a: int) -> None:
    """Fill the gap behind parton `a` of a string; two quarks are never joined."""
    i, j = start + a, start + (a + 1) % n
    both = strings.flavour[i] != 0 and strings.flavour[j] != 0
    strings.gap[i] = math.inf if both else _pair_excess(strings, i, j)


@kernel
def _join(strings: Strings, start: int, n: int, closed: bool) -> int:
    """Join the closest neighbours, as long as they are close, into one parton; return how many partons are left."""
    for a in range(n):
        _weigh_parton(strings, start + a)
    for a in range(n):
        _weigh_gap(strings, start, n, a)
    while n > 2:
        best, nearest = -1, JOINING_MASS
        for a in range(n if closed else n - 1):
            if strings.gap[start + a] < nearest:
                best, nearest = a, strings.gap[start + a]
        if best < 0:
            break
        i, j = start + best, start + (best + 1) % n
        for m in range(4):
            strings.p4[i, m] += strings.p4[j, m]
        if strings.flavour[i] == 0:
            strings.flavour[i], strings.row[i] = strings.flavour[j], strings.row[j]
        _weigh_parton(strings, i)
        for k in range(j, start + n - 1):
            strings.flavour[k], strings.row[k] = strings.flavour[k + 1], strings.row[k + 1]
            strings.own[k], strings.gap[k] = strings.own[k + 1], strings.gap[k + 1]
            for m in range(4):
                strings.p4[k, m] = strings.p4[k + 1, m]
        n -= 1
        kept = best if j > i else n - 1
        _weigh_gap(strings, start, n, kept)
        _weigh_gap(strings, start, n, (kept + n - 1) % n)
    return n


@kernel
def _mass_excess(strings: Strings, s: int) -> float:
    """Return the mass of a string less the constituent masses of its ends."""
    start, n = strings.start[s], strings.length[s]
    px, py, pz, e = 0.0, 0.0, 0.0, 0.0
    for i in range(start, start + n):
        px += strings.p4[i, 0]
        py += strings.p4[i, 1]
        pz += strings.p4[i, 2]
        e += strings.p4[i, 3]
    ends = constituent_mass(strings.flavour[start]) + constituent_mass(strings.flavour[start + n - 1])
    return math.sqrt(max(e * e - px * px - py * py - pz * pz, 0.0)) - ends

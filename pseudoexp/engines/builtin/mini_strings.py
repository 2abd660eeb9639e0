"""Strings of so little mass that they make two hadrons, or one that takes the momentum it lacks from another string.

E. Norrbin and T. Sjostrand, Eur. Phys. J. C17 (2000) 137.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.flavour import combine
from pseudoexp.engines.builtin.fragmentation import StringTables, Yield, draw_hadron, meet, share_rest
from pseudoexp.engines.builtin.hadron_table import draw_mass, find_row
from pseudoexp.engines.builtin.regions import TOTAL, Walk, copy_momentum, dot, joint_region, light_like, start_end
from pseudoexp.engines.builtin.strings import Strings

_PAIR_TRIES_FIRST, _PAIR_TRIES_LAST, _SINGLE_TRIES = 2, 100, 10


@inline
def _gather(strings: Strings, s: int, walk: Walk) -> bool:
    """Make one region of a string: gluons go to either end by how close they are; fill it and the string's momentum."""
    first, last = strings.start[s], strings.start[s] + strings.length[s] - 1
    a, b = walk.joint[0], walk.joint[1]
    copy_momentum(strings.p4[first], a)
    copy_momentum(strings.p4[last], b)
    for i in range(first + 1, last):
        to_a, to_b = dot(strings.p4[i], strings.p4[first]), dot(strings.p4[i], strings.p4[last])
        share = to_b / (to_a + to_b) if to_a + to_b > 0.0 else 0.5
        for m in range(4):
            a[m] += share * strings.p4[i, m]
            b[m] += (1.0 - share) * strings.p4[i, m]
    for m in range(4):
        walk.rest[m] = a[m] + b[m]
    walk.regions[0] = 1
    good = light_like(a, b, walk.ahead[0, 0], walk.towards[0, 0])
    copy_momentum(walk.towards[0, 0], walk.ahead[1, 0])
    copy_momentum(walk.ahead[0, 0], walk.towards[1, 0])
    return good


@inline
def two_hadrons(tables: StringTables, walk: Walk, flavour: int, antiflavour: int, hadrons: Yield, dice: Dice) -> int:
    """Try to make two hadrons of the region in `walk`; return 1, 0 if it did not work out, -1 without room."""
    hadrons.filled[0] = 0
    start_end(walk, 0, 1.0, 0.0, flavour, 0, 0)
    start_end(walk, 1, 1.0, 0.0, antiflavour, 0, 0)
    end = 0 if throw(dice) < 0.5 else 1
    draw_hadron(tables, walk, end, dice)
    if not joint_region(walk) or not meet(tables, walk, end, dice):
        return 0
    return share_rest(walk, hadrons, dice)


@kernel
def fragment_mini(tables: StringTables, strings: Strings, s: int, done: NDArray[np.bool_], walk: Walk, hadrons: Yield,
                  flavour: int, antiflavour: int, dice: Dice) -> int:
    """Make one or two hadrons of string `s`; return 1, 0 if neither is possible, -1 without room.

    `flavour`, `antiflavour` stand at its ends (drawn for a closed string); strings that are `done` cannot give momentum.
    """
    good = _gather(strings, s, walk)
    for k in range(_PAIR_TRIES_FIRST + _PAIR_TRIES_LAST):
        if k == _PAIR_TRIES_FIRST:
            result = _one_hadron(tables, strings, s, done, walk, hadrons, flavour, antiflavour, dice)
            if result != 0:
                return result
            good = _gather(strings, s, walk)
        if good:
            result = two_hadrons(tables, walk, flavour, antiflavour, hadrons, dice)
            if result != 0:
                return result
    return 0


@inline
def _string_momentum(strings: Strings, s: int, total: NDArray[np.float64]) -> None:
    total[:] = 0.0
    for i in range(strings.start[s], strings.start[s] + strings.length[s]):
        for m in range(4):
            total[m] += strings.p4[i, m]


@inline
def _boost(p: NDArray[np.float64], old: NDArray[np.float64], new: NDArray[np.float64], mass: float) -> None:
    """Take p from a frame in which a body of this mass has momentum `old` to the one in which it has `new`."""
    for frame, sign in ((old, -1.0), (new, 1.0)):
        along = sign * (frame[0] * p[0] + frame[1] * p[1] + frame[2] * p[2])
        energy = (frame[3] * p[3] + along) / mass
        factor = sign * (p[3] + energy) / (frame[3] + mass)
        for m in range(3):
            p[m] += factor * frame[m]
        p[3] = energy


@kernel
def _one_hadron(tables: StringTables, strings: Strings, s: int, done: NDArray[np.bool_], walk: Walk, hadrons: Yield,
                flavour: int, antiflavour: int, dice: Dice) -> int:
    """Make one hadron, and let the string with which `s` has the largest mass move; that string keeps its own mass."""
    if abs(flavour) > 1000 and abs(antiflavour) > 1000:
        return 0
    own, other, both = walk.vector[0, TOTAL], walk.vector[1, TOTAL], walk.joint[0]
    _string_momentum(strings, s, own)
    partner, largest = -1, 0.0
    for t in range(strings.filled[0]):
        if t == s or done[t]:
            continue
        _string_momentum(strings, t, other)
        for m in range(4):
            both[m] = own[m] + other[m]
        if dot(both, both) > largest:
            partner, largest = t, dot(both, both)
    if partner < 0:
        return 0
    _string_momentum(strings, partner, other)
    square = dot(other, other)
    for _ in range(_SINGLE_TRIES):
        hadron = combine(tables.flavour, dice, flavour, antiflavour, 0)
        row = find_row(tables.hadron, hadron) if hadron != 0 else -1
        if row < 0:
            continue
        mass = draw_mass(tables.hadron, row, dice)
        if mass + math.sqrt(max(square, 0.0)) < math.sqrt(largest) and square > 0.0:
            return _recoil(strings, s, partner, walk, own, other, mass, hadron, hadrons)
    return 0


@inline
def _line(own: NDArray[np.float64], both: NDArray[np.float64], line: NDArray[np.float64]) -> bool:
    """Fill the space-like unit vector along `own` in the rest frame of `both`; return False if `own` is at rest there."""
    share = dot(own, both) / dot(both, both)
    for m in range(4):
        line[m] = own[m] - share * both[m]
    square = -dot(line, line)
    if not square > 1e-12 * own[3] * own[3]:
        return False
    norm = 1.0 / math.sqrt(square)
    for m in range(4):
        line[m] *= norm
    return True


@kernel
def _recoil(strings: Strings, s: int, partner: int, walk: Walk, own: NDArray[np.float64], other: NDArray[np.float64],
            mass: float, hadron: int, hadrons: Yield) -> int:
    """Put the hadron on its mass shell and move the partner, along the line both have in their common rest frame."""
    both, moved, line = walk.joint[0], walk.joint[1], walk.joint[2]
    for m in range(4):
        both[m] = own[m] + other[m]
    if not _line(own, both, line) and not _line(strings.p4[strings.start[s]], both, line):
        return 0
    if len(hadrons.mass) == 0:
        return -1
    square, m2 = dot(both, both), dot(other, other)
    momentum = math.sqrt(max((square - mass * mass - m2) ** 2 - 4.0 * mass * mass * m2, 0.0) / (4.0 * square))
    share = 0.5 * (square + mass * mass - m2) / square
    for m in range(4):
        own[m] = share * both[m] + momentum * line[m]
        moved[m] = both[m] - own[m]
    for i in range(strings.start[partner], strings.start[partner] + strings.length[partner]):
        _boost(strings.p4[i], other, moved, math.sqrt(m2))
    copy_momentum(own, hadrons.p4[0])
    hadrons.mass[0], hadrons.pdg_id[0], hadrons.end[0], hadrons.rank[0] = mass, hadron, 0, 0
    hadrons.filled[0] = 1
    return 1

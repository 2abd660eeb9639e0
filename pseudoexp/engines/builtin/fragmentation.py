"""Hadrons of one string, taken from either end in turn until the rest is enough for two.

B. Andersson et al., Phys. Rept. 97 (1983) 31; T. Sjostrand, Nucl. Phys. B248 (1984) 469; PYTHIA 6.4 manual
(hep-ph/0603175), section 12.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.bowler import weigh_fraction
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.flavour import FlavourTable, combine, draw_flavour
from pseudoexp.engines.builtin.fragmentation_function import LUND_B, FractionTable, draw_fraction
from pseudoexp.engines.builtin.hadron_table import HadronTable, draw_mass, find_row
from pseudoexp.engines.builtin.quark_ends import (
    BREAK,
    BREAK_ANTIHADRON,
    BREAK_HADRON,
    BREAK_MESON,
    BREAK_ROW,
    BREAK_SHARED,
    QuarkEnds,
    draw_outcome,
)
from pseudoexp.engines.builtin.regions import (
    COUNT,
    EX,
    EY,
    FLAVOUR,
    GAMMA,
    HADRON,
    MASS,
    MESON,
    MT2,
    NEW,
    NEW_MESON,
    NEW_PX,
    NEW_PY,
    NEW_SHARED,
    PX,
    PY,
    SHARED,
    TOTAL,
    J,
    K,
    Walk,
    copy_momentum,
    dot,
    joint_region,
    remember,
    return_to_past,
    take_hadron,
)
from pseudoexp.engines.builtin.strings import constituent_mass
from pseudoexp.engines.builtin.transverse_momentum import draw_kick

STOP_MASS = 0.8
"""GeV: how far above the masses of the ends the last two hadrons are made; 1.0 before Pythia 8.316."""
STOP_NEW_FLAVOUR = 2.0
STOP_SMEARING = 0.2
_CERTAIN = (1.0 + STOP_SMEARING) ** 2
_FLAVOUR_TRIES = 20
LIGHT_REST = 10.0
"""GeV above the masses of the ends: what is left of a string from then on is tried again until its last hadrons fit."""
_BEST_CHANCE = 0.63
_RETURNS = 20


class StringTables(NamedTuple):
    """What the strings look up."""

    flavour: FlavourTable
    fraction: FractionTable
    hadron: HadronTable
    ends: QuarkEnds


class Yield(NamedTuple):
    """Primary hadrons of one string, in the order they were made."""

    p4: NDArray[np.float64]  # (capacity, 4)
    mass: NDArray[np.float64]  # (capacity,)
    pdg_id: NDArray[np.int64]  # (capacity,)
    end: NDArray[np.int64]  # (capacity,) from which end
    rank: NDArray[np.int64]  # (capacity,) 0 for the first hadron at its end
    filled: NDArray[np.int64]  # (1,)


def new_yield(capacity: int) -> Yield:
    """Return an empty list."""
    return packed(Yield(p4=np.zeros((capacity, 4)), mass=np.zeros(capacity), pdg_id=np.zeros(capacity, np.int64),
                        end=np.zeros(capacity, np.int64), rank=np.zeros(capacity, np.int64), filled=np.zeros(1, np.int64)))


@inline
def _keep(hadrons: Yield, walk: Walk, end: int, p: NDArray[np.float64]) -> bool:
    """Append the hadron at an end, with momentum p; return whether there was room."""
    row = hadrons.filled[0]
    if row == len(hadrons.mass):
        return False
    copy_momentum(p, hadrons.p4[row])
    hadrons.mass[row] = walk.value[end, MASS]
    hadrons.pdg_id[row], hadrons.end[row] = walk.number[end, HADRON], end
    hadrons.rank[row] = walk.number[end, COUNT]
    hadrons.filled[0] = row + 1
    return True


@kernel
def _draw_beside_diquark(tables: StringTables, number: NDArray[np.int64], dice: Dice) -> int:
    """Draw the next break's flavour beside a diquark, and the hadron; return its row of the hadron table."""
    while True:
        new, shared, meson = draw_flavour(tables.flavour, dice, number[FLAVOUR], number[SHARED], number[MESON])
        hadron = combine(tables.flavour, dice, number[FLAVOUR], new, number[SHARED])
        row = find_row(tables.hadron, hadron) if hadron != 0 else -1
        if row >= 0:
            number[NEW], number[NEW_SHARED], number[NEW_MESON], number[HADRON] = new, shared, meson, hadron
            return row


@kernel
def draw_hadron(tables: StringTables, walk: Walk, end: int, dice: Dice) -> None:
    """Draw the next break's flavour at an end, the hadron it makes with the end's flavour, and that hadron's mass."""
    number = walk.number[end]
    old = number[FLAVOUR]
    if abs(old) < 10:
        drawn = draw_outcome(tables.ends, abs(old), dice)
        row = drawn[BREAK_ROW]
        number[NEW_SHARED], number[NEW_MESON] = drawn[BREAK_SHARED], drawn[BREAK_MESON]
        if old > 0:
            number[NEW], number[HADRON] = drawn[BREAK], drawn[BREAK_HADRON]
        else:
            number[NEW], number[HADRON] = -drawn[BREAK], drawn[BREAK_ANTIHADRON]
    else:
        row = _draw_beside_diquark(tables, number, dice)
    walk.value[end, MASS] = draw_mass(tables.hadron, row, dice)


@inline
def _give_kick(walk: Walk, end: int, dice: Dice) -> None:
    """Draw the transverse momentum of the break and with it the hadron's mT^2."""
    value = walk.value[end]
    value[NEW_PX], value[NEW_PY] = draw_kick(dice)
    px, py = value[PX] + value[NEW_PX], value[PY] + value[NEW_PY]
    value[MT2] = value[MASS] * value[MASS] + px * px + py * py


@inline
def _is_light(walk: Walk, square: float) -> bool:
    """Return whether the rest of the string, of this squared mass, is close to its end."""
    most = LIGHT_REST + constituent_mass(walk.number[0, FLAVOUR]) + constituent_mass(walk.number[1, FLAVOUR])
    return square < most * most


@inline
def _end_loss(code: int) -> float:
    """Return what a flavour at one end takes from the chance."""
    if code > 1000:
        return 0.02
    return 0.12 if code == 5 else (0.033 if code == 4 else 0.0)


@inline
def _chance(walk: Walk) -> float:
    """Return how often the end of a string that just became light works out.

    Measured with strings of both processes, within 0.01: it falls with the Gamma of the two ends and with diquarks or
    heavy quarks there, the less the more corners the rest of the string has.
    """
    near, far, last = walk.number[0], walk.number[1], walk.regions[0] - 1
    corners = 2 * last - near[J] - near[K] - far[J] - far[K]
    loss = 0.076 + 0.0114 * (walk.value[0, GAMMA] + walk.value[1, GAMMA])
    loss += _end_loss(abs(near[FLAVOUR])) + _end_loss(abs(far[FLAVOUR]))
    return _BEST_CHANCE - loss / (1.0 + 0.35 * max(corners, 0))


@inline
def _used_up(walk: Walk, end: int, square: float, dice: Dice) -> bool:
    """Return whether the rest of the string, of this squared mass, is to be shared by the last two hadrons."""
    if walk.rest[3] < 0.0:
        return True
    least = STOP_MASS + constituent_mass(walk.number[0, FLAVOUR]) + constituent_mass(walk.number[1, FLAVOUR])
    least += STOP_NEW_FLAVOUR * constituent_mass(walk.number[end, NEW])
    if square > least * least * _CERTAIN:
        return False
    least *= 1.0 + (2.0 * throw(dice) - 1.0) * STOP_SMEARING
    return square < least * least


@inline
def _pass_on(walk: Walk, end: int) -> None:
    """Make the antiparticle of the new flavour the end of the string."""
    number, value = walk.number[end], walk.value[end]
    number[FLAVOUR], number[SHARED], number[MESON] = -number[NEW], number[NEW_SHARED], number[NEW_MESON]
    number[COUNT] += 1
    value[PX], value[PY] = -value[NEW_PX], -value[NEW_PY]


@inline
def _take_one(tables: StringTables, walk: Walk, end: int, hadrons: Yield, dice: Dice) -> int:
    """Take the hadron drawn at an end off the string; return 1, 0 if that cannot be done, -1 without room."""
    _give_kick(walk, end, dice)
    number = walk.number[end]
    z = draw_fraction(tables.fraction, dice, number[FLAVOUR], number[NEW], LUND_B * walk.value[end, MT2])
    if walk.varied and abs(number[FLAVOUR]) == 5:
        weigh_fraction(z, number[FLAVOUR], number[NEW], LUND_B * walk.value[end, MT2], walk.weights)
    if not take_hadron(walk, end, z):
        return 0
    if not _keep(hadrons, walk, end, walk.vector[end, TOTAL]):
        return -1
    for m in range(4):
        walk.rest[m] -= walk.vector[end, TOTAL, m]
    _pass_on(walk, end)
    return 1


@kernel
def fragment(tables: StringTables, walk: Walk, hadrons: Yield, dice: Dice) -> int:
    """Break the string whose ends and momentum stand in `walk`; return 1, 0 if it did not work out, -1 without room.

    Often the last two hadrons do not fit. The string is then taken up again where its rest became lighter than 10 GeV;
    what came before is kept with the chance that the end works out, so that hadrons are distributed as if all of it had
    been made anew each time.
    """
    hadrons.filled[0] = 0
    kept, tries = -1, 0
    while True:
        square = dot(walk.rest, walk.rest)
        if kept < 0 and _is_light(walk, square):
            kept = hadrons.filled[0]
            if kept > 0 and throw(dice) * _BEST_CHANCE > _chance(walk):
                return 0
            remember(walk)
        end = 0 if throw(dice) < 0.5 else 1
        draw_hadron(tables, walk, end, dice)
        if _used_up(walk, end, square, dice):
            result = 0
            if joint_region(walk) and meet(tables, walk, end, dice):
                result = share_rest(walk, hadrons, dice)
        else:
            result = _take_one(tables, walk, end, hadrons, dice)
            if result == 1:
                continue
        if result != 0:
            return result
        tries += 1
        if kept < 1 or tries == _RETURNS:
            return 0
        return_to_past(walk)
        hadrons.filled[0] = kept


@kernel
def meet(tables: StringTables, walk: Walk, end: int, dice: Dice) -> bool:
    """Draw the hadron between the last break, made at `end`, and the other end; return whether there is one."""
    other = 1 - end
    number = walk.number[other]
    new = -walk.number[end, NEW]
    shared = number[SHARED]
    if abs(new) > 1000:
        if number[MESON] == 1 and walk.number[end, NEW_SHARED] != shared:
            return False
        if abs(number[FLAVOUR]) > 1000 and number[MESON] == 0:
            return False
    for _ in range(_FLAVOUR_TRIES):
        hadron = combine(tables.flavour, dice, number[FLAVOUR], new, shared)
        row = find_row(tables.hadron, hadron) if hadron != 0 else -1
        if row >= 0:
            number[HADRON] = hadron
            walk.value[other, MASS] = draw_mass(tables.hadron, row, dice)
            return True
    return False


@inline
def _projection(walk: Walk, end: int, axis: int) -> float:
    """Return the component of an end's transverse momentum along an axis of the joint region."""
    value, vector = walk.value[end], walk.vector[end]
    return -value[PX] * dot(vector[EX], walk.joint[axis]) - value[PY] * dot(vector[EY], walk.joint[axis])


@kernel
def share_rest(walk: Walk, hadrons: Yield, dice: Dice) -> int:
    """Give the rest of the momentum to the last two hadrons; return 1, 0 if it is too little, -1 without room.

    Along the string the hadron of end 0 goes ahead, but for a probability 1 / (1 + exp(b (Gamma_1 - Gamma_2))) of the two
    places of the break that the masses allow.
    """
    p, q, ex, ey, rest = walk.joint[0], walk.joint[1], walk.joint[2], walk.joint[3], walk.rest
    pq = dot(p, q)
    along, against = dot(rest, q) / pq, dot(rest, p) / pq
    kick_x, kick_y = draw_kick(dice)
    x0, y0 = _projection(walk, 0, 2) + kick_x, _projection(walk, 0, 3) + kick_y
    x1, y1 = _projection(walk, 1, 2) - kick_x, _projection(walk, 1, 3) - kick_y
    miss_x, miss_y = 0.5 * (-dot(rest, ex) - x0 - x1), 0.5 * (-dot(rest, ey) - y0 - y1)
    x0 += miss_x
    y0 += miss_y
    x1 += miss_x
    y1 += miss_y
    m0, m1 = walk.value[0, MASS], walk.value[1, MASS]
    t0, t1 = m0 * m0 + x0 * x0 + y0 * y0, m1 * m1 + x1 * x1 + y1 * y1
    w2 = 2.0 * along * against * pq
    if not (along > 0.0 and against > 0.0) or math.sqrt(w2) < math.sqrt(t0) + math.sqrt(t1):
        return 0
    root = math.sqrt(max((w2 - t0 - t1) * (w2 - t0 - t1) - 4.0 * t0 * t1, 0.0))
    if throw(dice) * (1.0 + exp(min(LUND_B * root, 50.0))) < 1.0:
        root = -root
    u = 0.5 * (1.0 + (t0 - t1 + root) / w2) * along
    v = t0 / (2.0 * u * pq)
    first, second = walk.vector[0, TOTAL], walk.vector[1, TOTAL]
    for m in range(4):
        first[m] = u * p[m] + v * q[m] + x0 * ex[m] + y0 * ey[m]
        second[m] = rest[m] - first[m]
    if not (_keep(hadrons, walk, 0, first) and _keep(hadrons, walk, 1, second)):
        return -1
    return 1

"""Random numbers of stages that do not know beforehand how many they need.

A `Dice` walks through the counter-based stream of one part of one event (the shower, one string, ...): its numbers
depend on (seed, process, event, stage, item) and on how many were drawn from this part before, and on nothing else.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from pseudoexp.core.jit import embedded, flat, inline, kernel
from pseudoexp.core.packed import zero_record
from pseudoexp.core.rng import STAGE_ENGINE, Stream, philox

(HARD_PROCESS, SHOWER, ACTIVITY, REMNANTS, RECONNECTION, STRING, DECAY, VARIATIONS) = range(8)
"""Stages of the engine."""
_ITEMS = 1 << 24
_2_POW_M32 = 2.3283064365386963e-10
_SINGLY, _LANES = 1, 16


DICE = np.dtype([
    ("lanes", np.float64, (4, _LANES)),  # uniforms drawn together, one call of Philox a column
    ("block", np.float64, 4 * _LANES),  # the same in the order they are thrown
    ("counter", np.uint64, 6),  # Philox's counter and key; the last word of the counter moves
    ("place", np.int64, 2),  # next of them, and how many there are
], align=True)
"""Where a stage stands in its random numbers."""
Dice: TypeAlias = np.record


def new_dice() -> Dice:
    """Return a Dice that `throw_from` has yet to place."""
    return zero_record(DICE)


@inline
def throw_from(dice: Dice, stream: Stream, stage: int, item: int) -> None:
    """Start at the beginning of the random numbers of `item` (below 2**24) of an engine's stage."""
    high = stream.event_high | (np.uint64(STAGE_ENGINE) << np.uint64(24))
    dice.counter[0] = stream.event_low
    dice.counter[1] = high
    dice.counter[2] = np.uint64(stage * _ITEMS + item)
    dice.counter[3] = np.uint64(0)
    dice.counter[4] = stream.key0
    dice.counter[5] = stream.key1
    dice.place[0], dice.place[1] = 0, 0


_flat_philox = flat(philox)


@kernel
def _refill(dice: Dice) -> None:
    """Draw the next four uniforms; 64 for parts that need many, which costs little more than twice as much."""
    c, block, lanes = dice.counter, dice.block, dice.lanes
    c0, c1, c2, c3, c4, c5 = c[0], c[1], c[2], c[3], c[4], c[5]
    dice.place[0] = 0
    if c3 < np.uint64(_SINGLY):
        words = philox(c0, c1, c2, c3, c4, c5)
        for m in range(4):
            block[m] = (float(words[m]) + 0.5) * _2_POW_M32
        c[3] = c3 + np.uint64(1)
        dice.place[1] = 4
        return
    for k in range(_LANES):
        w, x, y, z = _flat_philox(c0, c1, c2, c3 + np.uint64(k), c4, c5)
        lanes[0, k], lanes[1, k] = (float(w) + 0.5) * _2_POW_M32, (float(x) + 0.5) * _2_POW_M32
        lanes[2, k], lanes[3, k] = (float(y) + 0.5) * _2_POW_M32, (float(z) + 0.5) * _2_POW_M32
    for k in range(_LANES):
        for m in range(4):
            block[4 * k + m] = lanes[m, k]
    c[3] = c3 + np.uint64(_LANES)
    dice.place[1] = 4 * _LANES


@embedded
def throw(dice: Dice) -> float:
    """Return the next uniform in (0, 1), 32 bits."""
    if dice.place[0] == dice.place[1]:
        _refill(dice)
    value = dice.block[dice.place[0]]
    dice.place[0] += 1
    return value

"""The next break beside a quark at the end of a string, and the hadron between them, in one draw.

The steps of `flavour` one after the other, with everything drawn again when there is no hadron of the flavours, give each
pair of a new flavour and a hadron a probability that depends on the quark alone. It is drawn by A. J. Walker's method of
aliases (ACM Trans. Math. Softw. 3 (1977) 253): one uniform number picks a cell, and what is left of it one of the two
outcomes that share the cell.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.flavour import (
    DIQUARK,
    POPCORN_MESON,
    STRANGE,
    baryon_shares,
    flavour_table,
    meson_shares,
)
from pseudoexp.engines.builtin.hadron_table import hadron_table

_CELLS = 64
BREAK, BREAK_SHARED, BREAK_MESON, BREAK_HADRON, BREAK_ANTIHADRON, BREAK_ROW = range(6)
"""Columns of `QuarkEnds.outcome`: as in `regions`, the hadron of the antiquark, and the row of the hadron table."""


class QuarkEnds(NamedTuple):
    """Cells of the outcomes beside a d, u, s, c, b quark (rows 1 to 5)."""

    kept: NDArray[np.float64]  # (6, 64) share of a cell that is its own outcome's
    alias: NDArray[np.int64]  # (6, 64) cell with the outcome of the rest
    outcome: NDArray[np.int64]  # (6, 64, 6)


def outcomes(quark: int) -> dict[tuple[int, int, int, int], float]:
    """Return the probabilities of (new flavour, its shared flavour, whether a meson comes next, hadron) beside a quark."""
    table, species = flavour_table(), set(hadron_table().pdg_id.tolist())
    result: dict[tuple[int, int, int, int], float] = defaultdict(float)
    for new, weight in ((1, 1.0), (2, 1.0), (3, STRANGE)):
        for hadron, share in meson_shares(table, quark, new).items():
            result[-new, 0, 0, hadron] += weight / (2.0 + STRANGE) * share
    pairs = zip(table.pair_shared.tolist(), table.pair_other.tolist(), table.pair_states.tolist(), strict=True)
    for k, (shared, other, states) in enumerate(pairs):
        diquark = 1000 * max(shared, other) + 100 * min(shared, other) + states
        for after, weight in ((0, 1.0 - POPCORN_MESON), (1, POPCORN_MESON)):
            own = table.first[after, k] - (table.first[after, k - 1] if k > 0 else 0.0)
            for hadron, share in baryon_shares(diquark, quark).items():
                result[diquark, shared, after, hadron] += DIQUARK * weight * own * share
    known = {outcome: weight for outcome, weight in result.items() if weight > 0.0 and abs(outcome[3]) in species}
    total = sum(known.values())
    return {outcome: weight / total for outcome, weight in known.items()}


def _share_cells(probability: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return how much of each cell is its own outcome's, and whose the rest is."""
    left, kept, alias = probability * len(probability), np.ones(len(probability)), np.arange(len(probability))
    small, large = [k for k, w in enumerate(left) if w < 1.0], [k for k, w in enumerate(left) if w >= 1.0]
    while small and large:
        k, giver = small.pop(), large[-1]
        kept[k], alias[k] = left[k], giver
        left[giver] -= 1.0 - left[k]
        if left[giver] < 1.0:
            small.append(large.pop())
    return kept, alias


@lru_cache(maxsize=1)
def quark_ends() -> QuarkEnds:
    """Return the table of the Monash tune."""
    species = hadron_table()
    ends = QuarkEnds(np.ones((6, _CELLS)), np.zeros((6, _CELLS), np.int64), np.zeros((6, _CELLS, 6), np.int64))
    for quark in range(1, 6):
        probability = np.zeros(_CELLS)
        for k, ((new, shared, meson, hadron), weight) in enumerate(outcomes(quark).items()):
            row = int(np.searchsorted(species.pdg_id, abs(hadron)))
            anti = hadron if species.own_antiparticle[row] else -hadron
            ends.outcome[quark, k] = new, shared, meson, hadron, anti, row
            probability[k] = weight
        ends.kept[quark], ends.alias[quark] = _share_cells(probability)
    return packed(ends)


@inline
def draw_outcome(ends: QuarkEnds, quark: int, dice: Dice) -> NDArray[np.int64]:
    """Return the outcome of a break beside a quark of this (positive) flavour."""
    place = throw(dice) * _CELLS
    cell = int(place)
    if place - cell >= ends.kept[quark, cell]:
        cell = ends.alias[quark, cell]
    return ends.outcome[quark, cell]

"""Event weights for other parameters of the showers and of the b quark's fragmentation.

S. Mrenna and P. Skands, arXiv:1605.08352: a branching that happened multiplies the weight by the ratio r of its rates, and that
none happened in between by the ratio of the probabilities for that. They estimate the latter by the rejected trials, which
needs trials made too often. Here, so that events stay what they are, it is estimated by *ghosts*: between two branchings
the same trials are drawn and judged once more, with random numbers of their own and without consequences; an accepted one
of n repetitions counts 1 - (r - 1) / n. The mean is right either way.

Varied are the scale of alpha_s of either shower, alpha_s(k^2 pT^2) with the number of flavours at pT^2, the rate of g -> b bbar,
and Bowler's r_b (`bowler.py`). As in PYTHIA only the showers of the hard process and of the Higgs boson's decay are; in the
final state alpha_s above `LEAST_PT2`, below which the ratio is too large for such weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, Coupling
from pseudoexp.engines.builtin.dice import Dice
from pseudoexp.engines.builtin.dipoles import PT0_SQUARED, ShowerTables, ShowerWork
from pseudoexp.engines.builtin.evolution import height, scale2_at
from pseudoexp.engines.builtin.final_shower import judge, next_trial
from pseudoexp.engines.builtin.initial_shower import judge_space, next_space_trial
from pseudoexp.engines.builtin.partons import Partons, Systems
from pseudoexp.engines.builtin.splitting import FLAVOURS, running

NAMES = ("isr_muR_0.5", "isr_muR_2", "fsr_muR_0.5", "fsr_muR_2", "g_to_bb_0.5", "g_to_bb_2", "r_b_0.66", "r_b_1.05")
"""Names of the weights. r_b = 1.05 is the value ATLAS's A14-rb tune has, 0.66 as far on the other side of 0.855."""
ISR, FSR, PAIRS, BOWLER = range(0, 8, 2)
"""The first of the two weights of each kind."""
SCALE_FACTORS2 = (0.25, 4.0)
PAIR_FACTORS = (0.5, 2.0)
LEAST_PT2, LEAST_PAIR_PT2 = BOTTOM_MASS * BOTTOM_MASS, 1.0
"""pT^2 [GeV^2] above which the final state's alpha_s, and g -> b bbar, are varied."""
GHOSTS = 2
"""Repetitions."""


@inline
def coupling_ratio(coupling: Coupling, scale2: float, factor2: float) -> float:
    """Return alpha_s(factor2 scale2) / alpha_s(scale2), with the number of flavours at `scale2` [GeV^2]."""
    lambda2, _, _ = running(coupling, scale2)
    length = log(scale2 / lambda2)
    return length / (length + log(factor2))


@inline
def _count(weights: NDArray[np.float64], kind: int, k: int, ratio: float, ghost: bool) -> None:
    """Multiply the k-th weight of a kind for a branching, or for a ghost of one, whose rate changes by `ratio`."""
    weights[kind + k] *= 1.0 - (ratio - 1.0) / GHOSTS if ghost else ratio


@kernel
def count_final(work: ShowerWork, tables: ShowerTables, flavour: int, pt2: float, ghost: bool) -> None:
    """Count a final-state branching: `flavour` 0 for an emission, else of the pair."""
    for k in range(2):
        if pt2 > LEAST_PT2:
            _count(work.weights, FSR, k, coupling_ratio(tables.final, pt2, SCALE_FACTORS2[k]), ghost)
        if flavour == FLAVOURS and pt2 > LEAST_PAIR_PT2:
            _count(work.weights, PAIRS, k, PAIR_FACTORS[k], ghost)


@kernel
def count_initial(work: ShowerWork, tables: ShowerTables, pt2: float, ghost: bool) -> None:
    """Count an initial-state branching, other than the one an incoming heavy quark has to come from."""
    for k in range(2):
        _count(work.weights, ISR, k, coupling_ratio(tables.initial, pt2 + PT0_SQUARED, SCALE_FACTORS2[k]), ghost)


@kernel
def _final_ghosts(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
                  limits: tuple[float, float], k: int, high2: float, low2: float) -> None:
    """Draw the ghosts of a dipole end between two scales; the end's trial is lost."""
    has_pairs = work.ends[k].gluon and work.ends[k].dipole2 > 4.0 * BOTTOM_MASS * BOTTOM_MASS
    floor = LEAST_PAIR_PT2 if has_pairs else LEAST_PT2
    pt2, top, lowest = high2, height(tables.final_evolution, high2), height(tables.final_evolution, max(low2, floor))
    while True:
        next_trial(work, tables, dice, k, pt2, top)
        top = work.trial[k]
        if top <= lowest:
            return
        pt2 = scale2_at(tables.final_evolution, top)
        flavour = judge(work, partons, systems, tables, dice, system, limits[0], limits[1], k, pt2)
        if flavour >= 0:
            count_final(work, tables, flavour, pt2, True)


@kernel
def _initial_ghosts(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
                    side: int, limit: float, high2: float, low2: float) -> None:
    """Draw the ghosts of an incoming parton between two scales; its trial is lost."""
    pt2 = high2
    while True:
        next_space_trial(work, partons, systems, tables, dice, system, side, limit, pt2)
        pt2 = work.space[side].trial
        if pt2 <= max(low2, 0.0) or work.space[side].chosen > 0.0:
            return
        if judge_space(work, partons, systems, tables, dice, system, side, limit) != 0:
            count_initial(work, tables, pt2, True)


@kernel
def draw_ghosts(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, system: int,
                limits: tuple[float, float], initial: bool, low2: float) -> None:
    """Multiply the weights by the estimated ratios of the probabilities for no branching since the last call.

    Parameters
    ----------
    work, partons, systems, tables, system, limits, initial
        As in `showers.radiate`; the state of the shower is left as it was.
    low2 : float
        The scale [GeV^2] that the shower has come down to.
    """
    high2 = work.counted[0]
    if not low2 < high2:
        return
    work.counted[0] = low2
    for i in range(3):
        for c in range(4):
            work.kept_trio[i, c] = work.trio[i, c]
    for k in range(work.filled[0]):
        trial = work.trial[k]
        work.kept_end[0] = work.ends[k]
        for _ in range(GHOSTS):
            _final_ghosts(work, partons, systems, tables, work.ghosts, system, limits, k, high2, low2)
        work.ends[k] = work.kept_end[0]
        work.trial[k] = trial
    if initial:
        for side in range(2):
            work.kept_space[0] = work.space[side]
            for _ in range(GHOSTS):
                _initial_ghosts(work, partons, systems, tables, work.ghosts, system, side, limits[side], high2, low2)
            work.space[side] = work.kept_space[0]
    for i in range(3):
        for c in range(4):
            work.trio[i, c] = work.kept_trio[i, c]

"""The showers of g b -> H b beside PYTHIA 8's: as many branchings, and the same recoil of the Higgs boson.

The figures are PYTHIA 8.317.2's (Monash; 14 TeV, pT-hat > 250 GeV, `HiggsSM:qg2Hq` without incoming charm, the Higgs boson
stable, no multi-parton interactions, remnants, hadrons or photons), from 10,000 events, 12,000 for the final state alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import HARD_PROCESS, SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import shower_tables, shower_work
from pseudoexp.engines.builtin.partons import Partons, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.showers import evolve

QUARK_EMISSIONS = (0.9359, 0.2933, 0.0425)
"""First, second and further emissions off the b quark that stands beside the Higgs boson, final-state shower alone."""
INITIAL, ALL = 6.084, 41.61
"""Branchings of the initial state, and of both."""
HIGGS_PT, HIGGS_PT_SPREAD = 320.3, 87.1
"""Of the Higgs boson after the initial-state shower alone [GeV]; the final-state shower moves the b quark only."""


@kernel
def shower_event(event, partons, systems, dice, hard, hard_work, tables, work, initial):
    """Draw a hard process and shower it."""
    forget_partons(partons, systems)
    throw_from(dice, event_stream(7, SIGNAL, event), HARD_PROCESS, 0)
    sample_hard_process(partons, systems, dice, hard, hard_work)
    throw_from(dice, event_stream(7, SIGNAL, event), SHOWER, 0)
    return evolve(0, partons, systems, tables, work, dice, initial)


def emissions_off(partons: Partons, first: int) -> int:
    """Return the number of gluons that a quark of the hard process and what it becomes emit."""
    rows, count = np.arange(partons.filled[0]), 0
    while True:
        below = rows[(partons.mother[:len(rows)] == first) & (partons.pdg_id[:len(rows)] == partons.pdg_id[first])]
        if not len(below):
            return count
        first, count = int(below[0]), count + 1


def steps_back(partons: Partons, row: int) -> int:
    """Return how many branchings lie between an incoming parton of the hard process and the beam."""
    steps = 0
    while partons.mother[row] >= 0:
        row, steps = int(partons.mother[row]), steps + 1
    return steps


@pytest.mark.parametrize("initial", [False, True])
def test_signal_branches_as_often_as_pythias(initial: bool) -> None:
    """Emissions off the b quark without initial-state shower; with it all branchings, and the Higgs boson's recoil."""
    partons, systems, dice, work = new_partons(1000), new_systems(1), new_dice(), shower_work(1000)
    tables, hard, hard_work = shower_tables(), hard_process(SIGNAL, 250.0, 0.0), hard_workspace()
    events, off_quark, back, branchings, pt = 2500, np.zeros(3), 0, [], []
    for event in range(events):
        code = shower_event(event, partons, systems, dice, hard, hard_work, tables, work, initial)
        assert code >= 0
        branchings.append(code)
        pt.append(np.hypot(partons.p4[2, 0], partons.p4[2, 1]))
        back += steps_back(partons, 0) + steps_back(partons, 1)
        for order in range(emissions_off(partons, 3)):
            off_quark[min(order, 2)] += 1
    error = np.std(branchings) / events**0.5
    if initial:
        assert back / events == pytest.approx(INITIAL, abs=4.0 * 1.7 / events**0.5 + 0.01 * INITIAL)
        assert np.mean(branchings) == pytest.approx(ALL, abs=4.0 * error + 0.01 * ALL)
        assert np.mean(pt) == pytest.approx(HIGGS_PT, abs=4.0 * np.std(pt) / events**0.5 + 1.0)
        assert np.std(pt) == pytest.approx(HIGGS_PT_SPREAD, rel=0.1)
    else:
        for mean, expected in zip(off_quark / events, QUARK_EMISSIONS, strict=True):
            assert mean == pytest.approx(expected, abs=4.0 * (expected / events) ** 0.5 + 0.01 * expected)

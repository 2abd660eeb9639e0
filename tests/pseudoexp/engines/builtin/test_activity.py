"""Further scatterings: as many, as hard and between the same partons as in PYTHIA.

Reference: PYTHIA 8.317.2, 14 TeV, HardQCD:all, pT-hat > 150 GeV, showers and reconnection off, 5,000 events. The number has a
statistical error of 0.9 % there.
"""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import QCD, event_stream
from pseudoexp.engines.builtin.activity import ActivityTables, scatter_once
from pseudoexp.engines.builtin.beams import LARGEST_GROWTH, REST, decide_origin
from pseudoexp.engines.builtin.dice import ACTIVITY, HARD_PROCESS, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import shower_tables
from pseudoexp.engines.builtin.overlap import overlap_of_hard_collision
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.scatterings import next_pt, scatterings

EVENTS = 4000
PYTHIA_NUMBER, PYTHIA_SPREAD = 9.03, 5.84
PYTHIA_PT = {0.25: 1.79, 0.5: 2.82, 0.75: 4.26, 0.9: 6.26, 0.99: 13.2}
PYTHIA_GLUONS, PYTHIA_COMPTON = 0.666, 0.292
"""Shares of g g -> g g and q g -> q g."""


@kernel
def scatter(events, partons, systems, hard, work, tables, dice, number, pt, incoming):
    """Fill the number of further scatterings of each event, and pT and incoming partons of each; return how many."""
    k, rest = 0, np.zeros((2, REST))
    for event in range(events):
        forget_partons(partons, systems)
        stream = event_stream(1, QCD, event)
        throw_from(dice, stream, HARD_PROCESS, 0)
        sample_hard_process(partons, systems, dice, hard, work)
        throw_from(dice, stream, ACTIVITY, 0)
        for side in range(2):
            decide_origin(0, side, partons, systems, tables.densities, dice, rest[side], work.scattering.one)
        per_mb = LARGEST_GROWTH * tables.scatterings.mean_at_centre * overlap_of_hard_collision(dice)
        scale = systems.scale[0]
        while True:
            scale = next_pt(tables.scatterings, scale, per_mb, dice)
            if scale == 0.0:
                break
            system = scatter_once(scale, partons, systems, tables, work.scattering, rest, dice)
            if system < 0:
                continue
            for side in range(2):
                decide_origin(system, side, partons, systems, tables.densities, dice, rest[side], work.scattering.one)
            pt[k] = scale
            incoming[k, 0] = partons.pdg_id[systems.incoming[system, 0]]
            incoming[k, 1] = partons.pdg_id[systems.incoming[system, 1]]
            k += 1
        number[event] = systems.filled[0] - 1
    return k


@pytest.fixture(scope="module")
def found():
    number, pt, incoming = np.zeros(EVENTS, np.int64), np.zeros(50 * EVENTS), np.zeros((50 * EVENTS, 2), np.int64)
    tables = ActivityTables(densities(), scatterings(), shower_tables())
    k = scatter(EVENTS, new_partons(1000), new_systems(200), hard_process(QCD, 150.0, 0.0), hard_workspace(), tables,
                new_dice(), number, pt, incoming)
    return number, pt[:k], incoming[:k]


def test_number(found):
    assert found[0].mean() == pytest.approx(PYTHIA_NUMBER, rel=0.05)
    assert found[0].std() == pytest.approx(PYTHIA_SPREAD, rel=0.06)


def test_transverse_momenta(found):
    for part, value in PYTHIA_PT.items():
        assert np.quantile(found[1], part) == pytest.approx(value, rel=0.06)


def test_partons(found):
    gluons = (found[2] == 21).sum(axis=1)
    assert (gluons == 2).mean() == pytest.approx(PYTHIA_GLUONS + 0.01, abs=0.03)
    assert (gluons == 1).mean() == pytest.approx(PYTHIA_COMPTON, abs=0.03)

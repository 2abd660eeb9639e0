"""Colour reconnection: who joins whom, which string a gluon goes to, and that colour stays closed."""

from pathlib import Path

import numpy as np
import pytest
from toy_scatterings import connect, leave, scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import RECONNECTION, new_dice, throw_from
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, REMNANT, append_parton, new_partons, new_systems
from pseudoexp.engines.builtin.reconnection import (
    RANGE,
    find_ends,
    list_strings,
    merge_systems,
    move_system,
    reconnect,
    reconnection_workspace,
)
from pseudoexp.engines.builtin.remnants import remnant_workspace

PT0 = 2.65
ORACLE = Path(__file__).with_name("reconnection_pythia8.npz")


@kernel
def joined(systems, n, dice, joins):
    """Return how often each system joins each other one in n trials."""
    throw_from(dice, event_stream(1, SIGNAL, 0), RECONNECTION, 0)
    counts = np.zeros((systems.filled[0], systems.filled[0]))
    for _ in range(n):
        merge_systems(systems, PT0, dice, joins)
        for s in range(systems.filled[0]):
            counts[s, joins[s]] += 1.0
    return counts / n


@kernel
def reconnected(event, partons, systems, dice, ws):
    """Reconnect an event."""
    throw_from(dice, event_stream(1, SIGNAL, event), RECONNECTION, 0)
    return reconnect(partons, systems, PT0, dice, ws)


def strings(seed, reconnecting):
    """Return an event of scatterings, its strings tied to remnants, and all momenta before colours were reconnected."""
    partons, systems = scatter([(21, 21), (2, 21), (21, 21), (-1, 21), (21, 21), (2, -2)], seed)
    remnants = remnant_workspace(40, 400)
    assert leave(seed, partons, systems, densities(), new_dice(), remnants)
    before = partons.p4.copy()
    assert not reconnecting or reconnected(seed, partons, systems, new_dice(), reconnection_workspace(40, 200))
    assert connect(seed, partons, systems, new_dice(), remnants)
    return partons, before


def string_length(partons):
    """Return the sum over strings of ln(1 + 2 p_i p_j / 1 GeV^2)."""
    n = partons.filled[0]
    rows = [i for i in range(n) if partons.status[i] in (FINAL, REMNANT)]
    ends = {partons.colour[i, 1]: i for i in rows if partons.colour[i, 1]}
    metric = np.array([-1.0, -1.0, -1.0, 1.0])
    return sum(np.log(1.0 + 2.0 * (partons.p4[i] * metric) @ partons.p4[ends[partons.colour[i, 0]]])
               for i in rows if partons.colour[i, 0])


def test_chance_to_join():
    _, systems = scatter([(21, 21)] * 3, 2)
    systems.scale[:3] = 200.0, 8.0, 2.0
    counts = joined(systems, 20_000, new_dice(), np.zeros(40, np.int32))
    r2 = (RANGE * PT0) ** 2
    soft, middle = r2 / (r2 + 4.0), r2 / (r2 + 64.0)
    assert counts[0, 0] == 1.0
    assert counts[1, 0] == pytest.approx(middle, abs=0.015)
    assert counts[2, 1] == pytest.approx(soft * (1.0 - middle), abs=0.015)
    assert counts[2, 0] == pytest.approx(soft * middle + (1.0 - soft) * soft, abs=0.015)


def test_colour_stays_closed_and_momenta_as_they_were():
    for seed in range(100):
        partons, before = strings(seed, True)
        rows = [i for i in range(partons.filled[0]) if partons.status[i] in (FINAL, REMNANT)]
        colours, anticolours = (sorted(c for c in partons.colour[rows, k] if c) for k in range(2))
        assert colours == anticolours
        assert len(set(colours)) == len(colours)
        assert all(partons.colour[i, 0] != partons.colour[i, 1] for i in rows if partons.colour[i, 0])
        assert (partons.p4 == before).all()


def test_strings_become_shorter():
    before, after = (np.array([string_length(strings(seed, flag)[0]) for seed in range(100)]) for flag in (False, True))
    assert after.mean() < 0.95 * before.mean()
    assert (after < before).mean() > 0.8


def test_partons_go_where_pythia_moves_them():
    """Two scatterings, the softer one always merged with the harder one.

    PYTHIA 8.317.2: HardQCD:all, pT-hat > 150 GeV, ColourReconnection:range = 10, MultipartonInteractions:pT0Ref = 5,
    BeamRemnants:allowJunction = off; colours of outgoing and incoming partons before, neighbours of the moved ones after.
    """
    with np.load(ORACLE) as oracle:
        rows, events, links = oracle["partons"], oracle["events"], oracle["links"]
    same = total = 0
    for event in range(events.max() + 1):
        own = rows[events == event]
        partons, systems = recorded(own)
        ws = reconnection_workspace(2, 400)
        assert find_ends(partons, systems, ws)
        assert move_system(1, list_strings(0, partons, ws), partons, ws) > 0
        of_anticolour = {partons.colour[i, 1]: i for i in range(len(own)) if partons.status[i] == FINAL}
        after = links[events == event]
        for i in range(len(own)):
            j = of_anticolour.get(partons.colour[i, 0], -1) if partons.status[i] == FINAL and partons.colour[i, 0] else -1
            if j >= 0 and 1 in (partons.system[i], partons.system[j]):
                total += 1
                same += after[i] == j
    assert total > 500
    assert same > 0.9 * total


def recorded(rows):
    """Return the partons and systems of one of PYTHIA's events: columns are number, p4, colour, anticolour, system, side."""
    partons, systems = new_partons(400), new_systems(2)
    for number, px, py, pz, e, colour, anticolour, system, side in rows:
        row = append_parton(partons, int(number), INCOMING if side else FINAL, -1, int(system), px, py, pz, e, 0.0, int(colour),
                            int(anticolour))
        if side:
            systems.incoming[int(system), int(side) - 1] = row
    partons.filled[1] = rows[:, 5:7].max()
    systems.filled[0] = 2
    return partons, systems

"""Colour reconnection: who joins whom, which string a gluon goes to, and that colour stays closed."""

import numpy as np
import pytest
from toy_scatterings import leave, scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import SIGNAL, event_stream
from pseudoexp.engines.builtin.dice import RECONNECTION, new_dice, throw_from
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import FINAL, REMNANT
from pseudoexp.engines.builtin.reconnection import RANGE, merge_systems, reconnect, reconnection_workspace
from pseudoexp.engines.builtin.remnants import remnant_workspace

PT0 = 2.65


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


def event(seed):
    """Return an event of six scatterings of gluons with its remnants."""
    partons, systems = scatter([(21, 21)] * 6, seed)
    assert leave(seed, partons, systems, densities(), new_dice(), remnant_workspace(40, 400))
    return partons, systems


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
    assert counts[2, 1] == pytest.approx(soft, abs=0.015)
    assert counts[2, 0] == pytest.approx((1.0 - soft) * soft, abs=0.015)


def test_colour_stays_closed_and_momenta_as_they_were():
    for seed in range(100):
        partons, systems = event(seed)
        before = partons.p4.copy()
        assert reconnected(seed, partons, systems, new_dice(), reconnection_workspace(40, 200))
        rows = [i for i in range(partons.filled[0]) if partons.status[i] in (FINAL, REMNANT)]
        colours, anticolours = (sorted(c for c in partons.colour[rows, k] if c) for k in range(2))
        assert colours == anticolours
        assert len(set(colours)) == len(colours)
        assert all(partons.colour[i, 0] != partons.colour[i, 1] for i in rows)
        assert (partons.p4 == before).all()


def test_strings_become_shorter():
    lengths = []
    for seed in range(100):
        partons, systems = event(seed)
        before = string_length(partons)
        assert reconnected(seed, partons, systems, new_dice(), reconnection_workspace(40, 200))
        lengths.append((before, string_length(partons)))
    before, after = np.mean(lengths, axis=0)
    assert after < 0.9 * before
    assert np.mean([b < a for a, b in lengths]) > 0.8

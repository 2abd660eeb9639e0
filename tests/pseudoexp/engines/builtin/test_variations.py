"""Event weights for other parameters: reweighted samples are those of the other parameters, and the events stay what they are."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset.schema import VARIATION_FIELDS
from pseudoexp.engines.builtin.bowler import VARIED
from pseudoexp.engines.builtin.chunk import generate_chunk, generate_varied
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.dice import HARD_PROCESS, SHOWER, VARIATIONS, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import SHOWER_COUPLING, shower_tables, shower_work, tables_for
from pseudoexp.engines.builtin.partons import FINAL, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.showers import NO_THRESHOLD, evolve
from pseudoexp.engines.builtin.variations import FSR, ISR, NAMES, PAIRS, SCALE_FACTORS2
from pseudoexp.engines.settings import EngineSettings

EVENTS = 12_000
COUPLING = strong_coupling(SHOWER_COUPLING)


@kernel
def shower(first, partons, systems, dice, hard, hard_work, tables, work, initial, weights, seen):
    """Shower QCD events; fill their weights, and branchings, b quarks, x1 + x2, incoming c or b quarks that are left."""
    for i in range(len(seen)):
        stream = event_stream(3, QCD, first + i)
        forget_partons(partons, systems)
        throw_from(dice, stream, HARD_PROCESS, 0)
        sample_hard_process(partons, systems, dice, hard, hard_work)
        throw_from(dice, stream, SHOWER, 0)
        throw_from(work.ghosts, stream, VARIATIONS, 0)
        work.weights[:] = 1.0
        seen[i, 0] = evolve(0, partons, systems, tables, work, dice, initial)
        seen[i, 1] = 0.0
        for row in range(partons.filled[0]):
            seen[i, 1] += 1.0 if partons.status[row] == FINAL and abs(partons.pdg_id[row]) == 5 else 0.0
        seen[i, 2] = systems.x[0, 0] + systems.x[0, 1]
        for side in range(2):
            seen[i, 3] += 1.0 if abs(partons.pdg_id[systems.incoming[0, side]]) in (4, 5) else 0.0
        for k in range(len(work.weights)):
            weights[i, k] = work.weights[k]


def showered(first, with_initial, varied=True, n=EVENTS, tables=None):
    """Return weights (n, variations) and observables (n, 3), from other tables if given.

    The initial state goes back until no c or b quark comes in; events in which one finds no gluon to come from, five in 10^5,
    are left out. The final state alone is always finished.
    """
    work = shower_work(3000, varied)
    weights, seen = np.ones((n, len(NAMES))), np.zeros((n, 4))
    shower(first, new_partons(3000), new_systems(1), new_dice(), hard_process(QCD, 150.0, 4.0), hard_workspace(),
           shower_tables() if tables is None else tables, work, with_initial, weights, seen)
    good = seen[:, 0] >= 0
    assert (seen[~good, 0] == NO_THRESHOLD).all() and (seen[~good, 3] > 0).all()
    if with_initial:
        assert (~good).sum() <= 4 and (seen[good, 3] == 0).all()
    else:
        assert good.all()
    return weights[good], seen[good, :3]


def scaled(coupling, factor2, least_flavours):
    """Return a coupling at another scale, where there are so many flavours."""
    lambdas = [value / factor2 if flavours >= least_flavours else value for flavours, value in enumerate(coupling[:4], 3)]
    return Coupling(*lambdas, coupling.lowest)


def difference(weight, values, others):
    """Return the weighted mean less the other sample's mean, in standard deviations."""
    spread = weight * (values - values.mean())
    error = np.sqrt(spread.var() / len(values) + others.var() / len(others))
    return (np.average(weight * values) / weight.mean() - others.mean()) / error


@pytest.fixture(scope="module")
def final():
    return showered(0, False)


@pytest.fixture(scope="module")
def both():
    return showered(0, True)


def test_names_are_those_of_the_file():
    assert ("nominal", *NAMES) == tuple(field.name for field in VARIATION_FIELDS)
    assert VARIED.tolist() == [float(name.removeprefix("r_b_")) for name in NAMES[-2:]]


@pytest.mark.parametrize("initial", [False, True])
def test_ghosts_leave_no_trace(initial, final, both):
    _, seen = showered(0, initial, varied=False, n=500)
    assert np.array_equal(seen, (both if initial else final)[1][:len(seen)])


def test_weights_are_one_on_average(final, both):
    for weights, _ in (final, both):
        error = weights.std(axis=0) / np.sqrt(len(weights))
        assert (np.abs(weights.mean(axis=0) - 1.0) < 4.5 * error + 1e-12).all(), (weights.mean(axis=0), error)
    assert (final[0][:, ISR:ISR + 2] == 1.0).all()
    assert (both[0][:, [ISR, FSR, PAIRS]].std(axis=0) > 0.05).all()


@pytest.mark.parametrize("k", [0, 1], ids=["half", "twice"])
def test_final_state_scale(final, k):
    """Branchings and their squares as with the other coupling, which alone differs by many standard deviations."""
    weights, seen = final
    changed = tables_for(scaled(COUPLING, SCALE_FACTORS2[k], 5), COUPLING)
    _, other = showered(EVENTS, False, varied=False, tables=changed)
    for power in (1, 2):
        values, others = seen[:, 0] ** power, other[:, 0] ** power
        assert abs(difference(np.ones(len(seen)), values, others)) > 8.0
        assert abs(difference(weights[:, FSR + k], values, others)) < 4.0


@pytest.mark.parametrize("k", [0, 1], ids=["half", "twice"])
def test_initial_state_scale(both, k):
    weights, seen = both
    changed = tables_for(COUPLING, scaled(COUPLING, SCALE_FACTORS2[k], 3))
    _, other = showered(EVENTS, True, varied=False, tables=changed)
    assert abs(difference(np.ones(len(seen)), seen[:, 2], other[:, 2])) > 8.0
    for column in (0, 2):
        assert abs(difference(weights[:, ISR + k], seen[:, column], other[:, column])) < 4.0


@pytest.mark.parametrize(("k", "factor"), [(0, 0.5), (1, 2.0)])
def test_bottom_pairs(final, k, factor):
    """Pairs are rare: their number follows the rate, up to those from hard b quarks."""
    weights, seen = final
    values, weight = np.floor(seen[:, 1] / 2), weights[:, PAIRS + k]
    expected = factor * values.mean()
    error = np.sqrt(((weight - factor) * values).var() / EVENTS) + 0.03 * expected
    assert abs((weight * values).mean() - expected) < 4.0 * error
    assert abs(values.mean() - expected) > 5.0 * error


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_whole_events(process):
    plain = generate_chunk(process, 1, 0, 100, EngineSettings())
    varied, ratios = generate_varied(process, 1, 0, 100, EngineSettings())
    assert all(np.array_equal(a, b) for a, b in zip(plain, varied, strict=True))
    assert ratios.shape == (100, len(NAMES)) and np.isfinite(ratios).all() and (ratios > 0.0).mean() > 0.95
    later, again = generate_varied(process, 1, 60, 40, EngineSettings())
    assert np.array_equal(again, ratios[60:]) and np.array_equal(later.weight, plain.weight[60:])
    if process == SIGNAL:
        assert (ratios[:, -2:].std(axis=0) > 0.1).all()

"""The bounding cross-section for soft scatterings: integral, steps in pT, rapidities."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import ACTIVITY, new_dice, throw_from
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY
from pseudoexp.engines.builtin.scatterings import (
    LOWEST_PT,
    MB_GEV2,
    bounding_cross_section,
    choose_rapidities,
    highest_rapidity,
    next_pt,
    scatterings,
)


@kernel
def on_grid(densities, coupling, pt, y):
    """Return the bounding cross-section at all pairs of rapidities."""
    values = np.zeros((len(y), len(y)))
    for i in range(len(y)):
        for j in range(len(y)):
            values[i, j] = bounding_cross_section(densities, coupling, pt, y[i], y[j])
    return values


@kernel
def steps(table, start, per_mb, n, dice):
    """Return the pT after `start` in n events."""
    throw_from(dice, event_stream(3, SIGNAL, 1), ACTIVITY, 0)
    values = np.empty(n)
    for i in range(n):
        values[i] = next_pt(table, start, per_mb, dice)
    return values


@kernel
def rapidities(densities, table, pt, n, dice):
    """Return n pairs of rapidities at pT."""
    throw_from(dice, event_stream(3, SIGNAL, 2), ACTIVITY, 0)
    values = np.empty((n, 2))
    for i in range(n):
        values[i, 0], values[i, 1] = choose_rapidities(densities, table, pt, dice)
    return values


def cells(pt, n=12, finer=8):
    """Return edges of n bins in y and the integral of the bounding cross-section over each pair of them."""
    table, top = scatterings(), highest_rapidity(pt)
    width = 2.0 * top / (n * finer)
    y = -top + width * (np.arange(n * finer) + 0.5)
    values = on_grid(densities(), table.coupling, pt, y) * width**2
    return np.linspace(-top, top, n + 1), values.reshape(n, finer, n, finer).sum(axis=(1, 3))


@pytest.mark.parametrize("pt", [0.5, 3.0, 30.0])
def test_slope_of_the_table_is_the_cross_section(pt):
    table = scatterings()
    log_pt = table.steps[0] + np.arange(len(table.log_above)) / table.steps[1]
    above = np.exp(np.interp(np.log([0.97 * pt, 1.03 * pt]), log_pt, table.log_above))
    per_log = 2.0 * pt**2 * MB_GEV2 * cells(pt)[1].sum()
    assert (above[0] - above[1]) / np.log(1.03 / 0.97) == pytest.approx(per_log, rel=0.02)


def test_steps_follow_the_table():
    table = scatterings()
    per_mb, start = 0.05, 20.0
    pt = steps(table, start, per_mb, 20_000, new_dice())
    log_pt = table.steps[0] + np.arange(len(table.log_above)) / table.steps[1]

    def above(p):
        return np.exp(np.interp(np.log(p), log_pt, table.log_above))

    none = np.exp(-per_mb * (above(LOWEST_PT) - above(start)))
    assert (pt == 0.0).mean() == pytest.approx(none, abs=0.01)
    passed = pt[pt > 0.0]
    cdf = (np.exp(-per_mb * (above(passed) - above(start))) - none) / (1.0 - none)
    assert kstest(cdf, "uniform").pvalue > 1e-3
    assert passed.max() < start


@pytest.mark.parametrize("pt", [1.0, 10.0])
def test_rapidities_follow_the_cross_section(pt):
    edges, expected = cells(pt)
    drawn = rapidities(densities(), scatterings(), pt, 20_000, new_dice())
    counts = np.histogram2d(drawn[:, 0], drawn[:, 1], bins=(edges, edges))[0]
    expected = expected / expected.sum() * counts.sum()
    enough = expected > 8.0
    value = ((counts - expected)[enough] ** 2 / expected[enough]).sum()
    assert chi2(enough.sum() - 1).sf(value) > 1e-3


@pytest.mark.parametrize("pt", [0.21, 0.7, 2.3, 8.1, 41.0, 300.0, 3000.0])
def test_bound_holds(pt):
    """On points other than those that made it."""
    table, top = scatterings(), highest_rapidity(pt)
    largest = on_grid(densities(), table.coupling, pt, top * np.linspace(-0.9995, 0.9995, 173)).max()
    assert largest <= table.largest[int((np.log(pt) - table.steps[0]) * table.steps[1])]


def test_highest_rapidity():
    assert np.cosh(highest_rapidity(3.0)) == pytest.approx(BEAM_ENERGY / 3.0)

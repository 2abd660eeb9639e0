"""The sampled fragmentation function against its density."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.fragmentation_function import (
    FractionTable,
    draw_fraction,
    draw_shape,
    fraction_table,
    shape_powers,
)


@kernel
def fractions(table: FractionTable, dice: Dice, old: int, new: int, s: float, n: int) -> np.ndarray:
    """Return n values of z."""
    throw_from(dice, event_stream(3, QCD, 7), STRING, 0)
    z = np.empty(n)
    for i in range(n):
        z[i] = draw_fraction(table, dice, old, new, s)
    return z


@kernel
def shapes(dice: Dice, a: float, c: float, s: float, n: int) -> np.ndarray:
    """Return n values of z from the hat."""
    throw_from(dice, event_stream(3, QCD, 8), STRING, 0)
    z = np.empty(n)
    for i in range(n):
        z[i] = draw_shape(dice, a, c, s)
    return z


def distribution(a: float, c: float, s: float):
    """Return the cumulative distribution of z^-c (1-z)^a exp(-s/z)."""
    z = 1.0 / (1.0 + np.exp(-np.linspace(-14.0, 14.0, 6001)))
    ln_f = a * np.log1p(-z) - c * np.log(z) - s / z
    f = np.exp(ln_f - ln_f.max()) * z * (1.0 - z)
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (f[1:] + f[:-1]))])
    return lambda x: np.interp(x, z, cumulative / cumulative[-1])


@pytest.mark.parametrize(("old", "new", "mt2"), [
    (2, -1, 0.0182), (2, -1, 0.06), (2, -1, 0.13), (2, -1, 0.7), (3, -3, 4.0), (3, -3, 7.9), (2, -1, 0.005),
    (2, 2101, 1.2), (2101, 2, 1.2), (2101, -2203, 0.3), (-2, -2101, 4.5), (-2101, -2, 4.5), (2101, 2, 0.5), (-2101, 2203, 2.0),
    (4, -1, 4.2), (5, -2, 28.6), (5, 2101, 32.0), (1, -1, 60.0)])
def test_density(old, new, mt2):
    a, c = shape_powers(old, new)
    for z in (fractions(fraction_table(), new_dice(), old, new, 0.98 * mt2, 20_000),
              shapes(new_dice(), a, c, 0.98 * mt2, 20_000)):
        assert kstest(z, distribution(a, c, 0.98 * mt2)).pvalue > 1e-3


def test_bounds_hold_everywhere():
    table = fraction_table()
    z = np.linspace(1e-6, 1.0 - 1e-6, 100_001)
    for kind in range(4):
        p, a, inverse = table.power[kind]
        weight = inverse * z**p * (1.0 - z) ** a
        low, high = table.bounds[kind, (z * 256).astype(int)].T
        assert 0.999 < weight.max() <= 1.0
        assert (low <= weight).all()
        assert (weight <= high).all()
        assert (high - low).mean() < 0.01


def test_powers():
    assert shape_powers(2, -1) == (0.68, 1.0)
    assert shape_powers(2, 2101) == (0.68, 1.97)
    assert shape_powers(-2101, -2) == pytest.approx((1.65, 0.03))
    assert shape_powers(-5, 1)[1] == pytest.approx(1.0 + 0.855 * 0.98 * 4.8**2)
    assert shape_powers(4, -1)[1] == pytest.approx(1.0 + 1.32 * 0.98 * 1.5**2)


def test_mean_of_a_beauty_hadron():
    a, c = shape_powers(5, -1)
    s = 0.98 * (5.3**2 + 0.11)
    moments = [quad(lambda z, k=k: z ** (k - c) * (1 - z) ** a * np.exp(s - s / z), 0, 1)[0] for k in (0, 1)]
    z = fractions(fraction_table(), new_dice(), 5, -1, s, 20_000)
    assert z.mean() == pytest.approx(moments[1] / moments[0], abs=4 * z.std() / np.sqrt(20_000))

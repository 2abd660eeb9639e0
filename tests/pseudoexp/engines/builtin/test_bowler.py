"""Weights of b hadrons' light-cone fractions for other values of r_b, against integrals of the densities."""

import numpy as np
import pytest
from scipy.integrate import quad

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.bowler import VARIED, weigh_fraction
from pseudoexp.engines.builtin.dice import STRING, new_dice, throw_from
from pseudoexp.engines.builtin.fragmentation_function import (
    BOTTOM_MASS,
    BOWLER_BOTTOM,
    LUND_B,
    draw_fraction,
    fraction_table,
    shape_powers,
)


@kernel
def fractions(table, dice, new, s, weights, out):
    """Fill `out` (n, 3) with fractions of b hadrons and their weights."""
    throw_from(dice, event_stream(5, QCD, 0), STRING, 0)
    for i in range(len(out)):
        out[i, 0] = draw_fraction(table, dice, 5, new, s)
        weights[:] = 1.0
        weigh_fraction(out[i, 0], 5, new, s, weights)
        out[i, 1], out[i, 2] = weights[0], weights[1]


@pytest.mark.parametrize(("new", "mt2"), [(-2, 28.6), (-2, 29.9), (2101, 33.0)])
def test_bowler(new, mt2):
    """The weighted fractions follow the density with the other r_b: integrals of powers of z."""
    a, c = shape_powers(5, new)
    s, out = LUND_B * mt2, np.zeros((40_000, 3))
    fractions(fraction_table(), new_dice(), new, s, np.ones(2), out)
    y = np.linspace(-8.0, 0.0, 400_001)[:-1]
    for k in range(2):
        power = c + (VARIED[k] - BOWLER_BOTTOM) * LUND_B * BOTTOM_MASS * BOTTOM_MASS
        density = np.exp(a * np.log1p(-np.exp(y)) + (1.0 - power) * y - s / np.exp(y))
        weight = out[:, 1 + k]
        assert abs(weight.mean() - 1.0) < 4.0 * weight.std() / 200.0
        for moment in (1, 2, 6):
            truth = (density * np.exp(moment * y)).sum() / density.sum()
            values = out[:, 0] ** moment
            error = (weight * (values - truth)).std() / 200.0
            assert abs((weight * values).mean() / weight.mean() - truth) < 4.0 * error
            assert abs(values.mean() - truth) > 10.0 * error


@pytest.mark.parametrize(("new", "mt2"), [(-2, 28.0), (-1, 60.0), (2101, 33.0)])
@pytest.mark.parametrize("z", [0.3, 0.75, 0.97])
def test_weights_are_ratios_of_densities(new, mt2, z):
    """One by one: z^-c (1 - z)^a exp(-s / z) over its integral, for both values; they are multiplied on what is there."""
    a, c = shape_powers(5, new)
    weights, s = np.array([2.0, 3.0]), LUND_B * mt2
    weigh_fraction(z, 5, new, s, weights)
    for k in range(2):
        values = []
        for power in (c, c + (VARIED[k] - BOWLER_BOTTOM) * LUND_B * BOTTOM_MASS**2):
            def log_shape(x, power=power):
                return a * np.log1p(-x) - power * np.log(x) - s / x

            top = max(log_shape(x) for x in np.linspace(0.01, 0.999, 999))
            area = quad(lambda x, f=log_shape, top=top: np.exp(f(x) - top), 0.02, 1.0 - 1e-12, limit=200)[0]
            values.append(np.exp(log_shape(z) - top) / area)
        assert weights[k] == pytest.approx((2.0, 3.0)[k] * values[1] / values[0], rel=2e-3)

"""Impact parameters: distribution of the overlap, number of scatterings at b = 0."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import ACTIVITY, new_dice, throw_from
from pseudoexp.engines.builtin.overlap import POWER, mean_at_centre, overlap_of_hard_collision


@kernel
def overlaps(n, dice):
    """Return the overlaps of n hard collisions."""
    throw_from(dice, event_stream(3, SIGNAL, 0), ACTIVITY, 0)
    values = np.empty(n)
    for i in range(n):
        values[i] = overlap_of_hard_collision(dice)
    return values


def test_overlap_of_hard_collisions():
    assert kstest(-np.log(overlaps(50_000, new_dice())), gamma(2.0 / POWER).cdf).pvalue > 1e-3


@pytest.mark.parametrize("ratio", [1.5, 5.755, 20.0])
def test_mean_number_of_scatterings(ratio):
    """Scatterings over collisions, both integrated over the impact parameter."""
    k = mean_at_centre(ratio)
    scatterings = quad(lambda b: b * k * np.exp(-(b**POWER)), 0.0, 20.0)[0]
    collisions = quad(lambda b: b * (1.0 - np.exp(-k * np.exp(-(b**POWER)))), 0.0, 20.0)[0]
    assert scatterings / collisions == pytest.approx(ratio, rel=1e-6)

"""Companions of sea quarks: one quark each, with the momentum that the closed form says."""

import numpy as np
import pytest
from scipy.integrate import quad

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.companions import companion_density, norm_and_momentum


@kernel
def density(x, s):
    """Return x q_c(x; s)."""
    return companion_density(x, s, norm_and_momentum(s)[0])


@kernel
def momentum(s):
    """Return the mean x."""
    return norm_and_momentum(s)[1]


@pytest.mark.parametrize("s", [1e-5, 1e-3, 0.03, 0.2, 0.6, 0.9])
def test_moments(s):
    low, high = np.log(1e-9), np.log(1.0 - s)
    middle = [np.log(min(s, 0.5 * (1.0 - s)))]
    quarks = quad(lambda u: density(np.exp(u), s), low, high, points=middle, limit=400)[0]
    mean = quad(lambda u: density(np.exp(u), s) * np.exp(u), low, high, points=middle, limit=400)[0]
    assert quarks == pytest.approx(1.0, rel=3e-4)
    assert momentum(s) == pytest.approx(mean, rel=1e-5)


def test_symmetry_of_the_pair():
    """Given their sum, quark and antiquark share it alike: x q_c(x; s) s^-1 / C(s) is symmetric, C the normalisation."""
    x, s = 0.02, 0.07
    norm = [density(a, b) / (a * (1.0 - x - s) ** 4 * (x * x + s * s) / (x + s) ** 4) for a, b in ((x, s), (s, x))]
    of_x, of_s = (quad(pair, a, 1.0, args=(a,))[0] for a in (x, s))
    assert norm[0] / norm[1] == pytest.approx(of_x / of_s, rel=1e-9)


def pair(y, s):
    """Return the density in y = s + x without C."""
    return (1.0 - y) ** 4 * (s * s + (y - s) ** 2) / y**4


def test_nothing_is_left_of_everything():
    assert density(0.5, 0.5) == density(0.01, 0.995) == 0.0
    assert momentum(0.98) == pytest.approx(0.02 / 6, rel=0.1)

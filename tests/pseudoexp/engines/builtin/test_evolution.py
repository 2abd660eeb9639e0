"""The height of a scale against the integral of the coupling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import alpha_s, strong_coupling
from pseudoexp.engines.builtin.evolution import CUTOFF2, OCTAVES, evolution_of, height, octave, scale2_at

COUPLING = strong_coupling(0.1365)
EVOLUTION = evolution_of(COUPLING, CUTOFF2)


@kernel
def look(evolution, coupling, pt2):
    """Return height, the scale at this height, the octave and the coupling."""
    h = height(evolution, pt2)
    return h, scale2_at(evolution, h), octave(pt2), alpha_s(coupling, pt2)


@pytest.mark.parametrize("pt2", [0.26, 1.0, 2.24, 2.26, 10.0, 23.0, 23.1, 500.0, 2.9e4, 3e4, 4e7])
def test_height_is_the_integral_of_the_coupling(pt2: float) -> None:
    """Through all flavour thresholds, and back."""
    h, back, n, _ = look(EVOLUTION, COUPLING, pt2)
    edges = [CUTOFF2, *(m for m in (1.5**2, 4.8**2, 171.0**2) if m < pt2), pt2]
    parts = [integrate.quad(lambda u: look(EVOLUTION, COUPLING, float(np.exp(u)))[3] / (2 * np.pi), np.log(a), np.log(b))[0]
             for a, b in itertools.pairwise(edges)]
    assert h == pytest.approx(sum(parts), rel=1e-8)
    assert back == pytest.approx(pt2, rel=1e-8)
    assert CUTOFF2 * 2.0**n <= pt2 < CUTOFF2 * 2.0 ** (n + 1)
    assert EVOLUTION.octave[n] <= h <= EVOLUTION.octave[n + 1]


def test_octaves_start_at_the_cut_off() -> None:
    """Below they are negative, and there are no more than the table has."""
    assert EVOLUTION.octave[0] == 0.0 and (np.diff(EVOLUTION.octave) > 0.0).all()
    assert look(EVOLUTION, COUPLING, CUTOFF2)[2] == 0 and look(EVOLUTION, COUPLING, 0.99 * CUTOFF2)[2] == -1
    assert look(EVOLUTION, COUPLING, 1e12)[2] == OCTAVES - 1


def test_heights_may_start_above_a_threshold() -> None:
    """Differences of heights do not depend on where they start."""
    other = evolution_of(COUPLING, 4.0)
    assert look(other, COUPLING, 4.0)[0] == pytest.approx(0.0, abs=1e-12)
    for pt2 in (5.0, 30.0, 1e5):
        expected = look(EVOLUTION, COUPLING, pt2)[0] - look(EVOLUTION, COUPLING, 4.0)[0]
        assert look(other, COUPLING, pt2)[:2] == pytest.approx((expected, pt2), rel=1e-8)

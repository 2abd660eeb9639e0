"""Parton densities against the source's own interpolation; sum rules; thresholds; frozen edges."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.parton_density import (
    COLUMNS,
    EFFECTIVE,
    GLUON,
    Densities,
    all_densities,
    column,
    densities,
    density,
    density_of_column,
    valence,
)

FROM_PYTHIA = [  # x, Q, x f of bbar ... dbar, g, d ... b: getPDFPtr(2212).xf of PYTHIA 8.317, PDF:pSet = 13
    (3e-7, 1.7, [0.0, 0.5049358, 2.657358, 9.81314, 9.814864, 111.8308, 9.814876, 9.813381, 2.657357, 0.5049358, 0.0]),
    (2e-5, 2.9, [0.0, 0.4125831, 1.005084, 1.245535, 1.245687, 35.94392, 1.24763, 1.249794, 1.005076, 0.4125831, 0.0]),
    (0.0013, 30.0, [0.4622526, 0.692053, 0.791798, 1.073567, 1.080589, 25.01558, 1.120866, 1.148817, 0.7917513, 0.692053,
                    0.4622526]),
    (0.031, 250.0, [0.09098232, 0.1326056, 0.1564781, 0.2404783, 0.2746313, 3.065804, 0.4898485, 0.6483507, 0.1564868,
                    0.1326056, 0.09098232]),
    (0.17, 7.0, [0.00239753, 0.01310729, 0.0197087, 0.03755179, 0.05618755, 0.6271784, 0.3333002, 0.6042911, 0.01981074,
                 0.01310729, 0.00239753]),
    (0.55, 800.0, [4.96754e-05, 0.0001204536, 0.0004835232, 0.0003904104, 0.000393796, 0.002811206, 0.01393207, 0.05235837,
                   0.0005697498, 0.0001204536, 4.96754e-05]),
]


@kernel
def moments(tables: Densities, q2: float, n: int) -> np.ndarray:
    """Return the integral of f and of x f of every column over ln x, midpoints, from x = 1e-9."""
    sums = np.zeros((2, COLUMNS))
    out = np.zeros(COLUMNS)
    for i in range(n):
        x = np.exp(-20.7 * (i + 0.5) / n)
        all_densities(tables, x, q2, out)
        for k in range(COLUMNS):
            sums[0, k] += out[k] * 20.7 / n
            sums[1, k] += out[k] * x * 20.7 / n
    return sums


@pytest.mark.parametrize(("x", "q", "expected"), FROM_PYTHIA)
def test_equal_to_the_source(x, q, expected):
    tables, out = densities(), np.empty(COLUMNS)
    all_densities(tables, x, q * q, out)
    assert out[:EFFECTIVE] == pytest.approx(expected, rel=2e-6, abs=1e-6)
    assert out[EFFECTIVE] == pytest.approx(expected[GLUON] + 4 / 9 * (sum(expected) - expected[GLUON]), rel=2e-6)


def test_one_density_is_that_of_all():
    tables, out = densities(), np.empty(COLUMNS)
    all_densities(tables, 0.02, 900.0, out)
    for pdg_id in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 21):
        assert density(tables, pdg_id, 0.02, 900.0) == pytest.approx(out[column(pdg_id)], rel=1e-12)
    assert density_of_column(tables, EFFECTIVE, 0.02, 900.0) == pytest.approx(out[EFFECTIVE], rel=1e-12)


@pytest.mark.parametrize("q", [5.0, 100.0, 3000.0])
def test_sum_rules(q):
    number, momentum = moments(densities(), q * q, 20_000)
    difference = number[GLUON + 1:EFFECTIVE] - number[:GLUON][::-1]
    assert difference[:2] == pytest.approx([1.0, 2.0], abs=0.02)
    assert difference[2:] == pytest.approx(0.0, abs=0.02)
    assert momentum[:EFFECTIVE].sum() == pytest.approx(1.0, abs=0.02)  # the photon has the rest


def test_valence():
    tables = densities()
    for flavour in (1, 2):
        expected = density(tables, flavour, 0.2, 400.0) - density(tables, -flavour, 0.2, 400.0)
        assert valence(tables, flavour, 0.2, 400.0) == pytest.approx(expected, rel=1e-12)
    assert valence(tables, -2, 0.2, 400.0) == valence(tables, 3, 0.2, 400.0) == valence(tables, 21, 0.2, 400.0) == 0.0


def test_heavy_quarks_vanish_below_their_thresholds():
    tables = densities()
    for flavour, threshold, below in ((4, 1.414, 5e-4), (5, 4.75, 0.0)):
        for sign in (-1, 1):
            assert density(tables, sign * flavour, 0.01, (0.85 * threshold) ** 2) <= below  # the cubic's undershoot
            assert density(tables, sign * flavour, 0.01, (1.2 * threshold) ** 2) > 0.01


def test_frozen_beyond_the_edges_and_never_negative():
    tables = densities()
    assert density(tables, 21, 1e-10, 100.0) == density(tables, 21, 2e-8, 100.0) > 0.0
    assert density(tables, 21, 0.01, 0.2) == pytest.approx(density(tables, 21, 0.01, 1.0), rel=1e-12)
    assert density(tables, 2, 0.01, 1e9) == pytest.approx(density(tables, 2, 0.01, 1e8), rel=1e-12)
    assert density(tables, 2, 1.0, 100.0) == pytest.approx(0.0, abs=1e-5)
    for x in np.linspace(0.7, 1.0, 301):
        for flavour in (-5, -3, -2, -1, 1, 21):
            assert density(tables, flavour, x, 1e4) >= 0.0


def test_continuous_across_the_nodes():
    tables = densities()
    for x in np.exp(tables.log_x[1:-1]):
        assert density(tables, 21, x * (1 - 1e-9), 50.0) == pytest.approx(density(tables, 21, x * (1 + 1e-9), 50.0), rel=1e-6)

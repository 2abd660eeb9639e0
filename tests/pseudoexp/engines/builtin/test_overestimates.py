"""The final state's tabulated trials against numerical integrals, and that nothing is left out of their ranges."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import strong_coupling
from pseudoexp.engines.builtin.evolution import CUTOFF2, OCTAVES, evolution_of
from pseudoexp.engines.builtin.initial_shower import THRESHOLD_REGION
from pseudoexp.engines.builtin.overestimates import (
    BELOW,
    EMISSION,
    INVERSE,
    KINDS,
    OF_GLUON,
    RATE,
    SIZES,
    TO_BEAM,
    TO_VALENCE,
    density_rises,
    overestimates,
    ratio_row,
    size_of,
)
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, all_densities, densities
from pseudoexp.engines.builtin.splitting import FLAVOURS, MASSES

EVOLUTION = evolution_of(strong_coupling(0.1365), CUTOFF2)
TABLES = overestimates(EVOLUTION, densities())


@kernel
def row_of(square):
    """Return the row of a size."""
    return size_of(square)


@kernel
def row_of_ratio(size, n):
    """Return the row of a size and an octave."""
    return ratio_row(size, n)


def test_rows_stand_for_their_upper_edge() -> None:
    """Sizes grow with the row; what is out of range stands in the outermost."""
    sizes = np.exp(np.linspace(np.log(2.0**-8), np.log(1e8), 500))
    rows = np.array([row_of(float(s)) for s in sizes])
    upper = 2.0 ** (rows // 4 - 8) * (1.25 + 0.25 * (rows % 4))
    assert (np.diff(rows) >= 0).all() and (sizes <= upper).all() and (upper <= 1.2501 * sizes).all()
    assert row_of(1e-9) == 0 and row_of(0.0) == 0 and row_of(-1.0) == 0 and row_of(1e20) == SIZES - 1


@pytest.mark.parametrize(("row", "n"), [(60, 2), (80, 0), (72, 9), (100, 11)])
def test_emissions_are_the_integrals_of_their_densities(row: int, n: int) -> None:
    """A gluon's kernel between r and 1 - r, a quark's 2 / (1 - z) above; towards a beam with its suppression."""
    ratio = np.sqrt(CUTOFF2 * 2.0**n / (2.0 ** (row // 4 - 8) * (1.25 + 0.25 * (row % 4))))
    q = np.exp(np.linspace(np.log(ratio), np.log(1.0 - ratio), 20001))
    step = np.log(q[1] / q[0])
    weight = np.full(len(q), step)
    weight[[0, -1]] *= 0.5
    place = row_of_ratio(row, n)
    assert TABLES.emission[OF_GLUON, place, EMISSION] == pytest.approx(1.5 * np.sum((1 + (1 - q) ** 3) * weight), rel=1e-6)
    assert TABLES.emission[0, place, EMISSION] == pytest.approx(8 / 3 * -np.log(ratio), rel=1e-12)
    q = np.linspace(0.0, 1.0, 200001)
    expected = 3.0 * np.sum(1.0 / (q + ratio)) * q[1]
    for kind in (TO_BEAM + OF_GLUON, TO_VALENCE + OF_GLUON):
        assert TABLES.headroom[kind, n] > 1.0
        assert TABLES.emission[kind, place, EMISSION] == pytest.approx(expected, rel=2e-3)


def test_emissions_depend_on_the_ratio_alone() -> None:
    """A size four times as large, two octaves up: the same row; neighbours have others."""
    assert row_of_ratio(60, 5) == row_of_ratio(68, 7) != row_of_ratio(61, 5)
    assert row_of_ratio(0, OCTAVES - 1) == 0 and row_of_ratio(SIZES - 1, 0) == TABLES.emission.shape[1] - 1


def test_pairs_are_looked_for_where_their_mass_fits() -> None:
    """The shares of z with pT^2 / z (1 - z) > 4 m^2 at the largest pT of an octave."""
    z = np.linspace(0.0, 1.0, 200001)[1:-1]
    for n in range(OCTAVES):
        for flavour in range(1, FLAVOURS + 1):
            inside = CUTOFF2 * 2.0 ** (n + 1) > 4.0 * MASSES[flavour] ** 2 * z * (1.0 - z)
            assert TABLES.pairs[n, flavour] == pytest.approx(inside.mean(), abs=1e-4)


def test_what_is_below_adds_up() -> None:
    """Expected trials at smaller heights, and inverse rates."""
    whole = TABLES.rate[:, :, :, RATE] * np.diff(EVOLUTION.octave)
    assert np.allclose(TABLES.rate[:, :, :, BELOW] + whole, np.cumsum(whole, axis=2))
    some = TABLES.rate[:, :, :, RATE] > 0.0
    assert np.allclose((TABLES.rate[:, :, :, RATE] * TABLES.rate[:, :, :, INVERSE])[some], 1.0)
    assert (np.diff(TABLES.rate[:, :, :, RATE], axis=1) >= -1e-12).all() and TABLES.rate.shape[0] == KINDS


def test_bounds_of_densities_hold_between_the_nodes() -> None:
    """x' f(x') / x f(x) of interpolated densities, x' > x; heavy quarks from where they are not at once traced to a gluon."""
    rises, tables = density_rises(densities()), densities()
    rng, one, two = np.random.default_rng(1), np.zeros(EFFECTIVE + 1), np.zeros(EFFECTIVE + 1)
    for _ in range(4000):
        x, n = float(np.exp(rng.uniform(np.log(1e-6), np.log(0.5)))), int(rng.integers(0, 12))
        pt2 = CUTOFF2 * 2.0 ** (n + float(rng.random()))
        all_densities(tables, x, pt2, one)
        all_densities(tables, x ** float(rng.random()), pt2, two)
        for column in range(EFFECTIVE):
            mass = MASSES[abs(column - GLUON)] if abs(column - GLUON) > 3 else 0.0
            if one[column] > 1e-4 and pt2 > THRESHOLD_REGION * mass * mass:
                valence = column in (GLUON + 1, GLUON + 2)
                assert two[column] <= one[column] * rises[1 if valence else 0, n]

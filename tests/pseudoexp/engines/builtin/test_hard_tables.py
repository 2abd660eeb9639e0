"""The shipped tables of the hard process: what the code would compute anew, fine enough in between, above the density."""

import numpy as np
import pytest

from pseudoexp.engines.builtin.coupling import strong_coupling
from pseudoexp.engines.builtin.hard_cross_section import CHANNELS, cross_section, point
from pseudoexp.engines.builtin.hard_tables import (
    ALPHA_S,
    BINS,
    CELLS,
    HIGHEST,
    LOWEST,
    SAFETY,
    STEPS,
    bounds_of,
    hard_tables,
    spectrum_at,
)
from pseudoexp.engines.builtin.matrix_elements import new_scattering
from pseudoexp.engines.builtin.parton_density import densities


@pytest.mark.parametrize("channel", range(CHANNELS))
def test_spectrum_belongs_to_the_code(channel):
    """At a node, and between two nodes, where it is linear in ln-ln."""
    tables, node = hard_tables(), 200 + 150 * channel
    assert tables.spectrum[channel, node] == pytest.approx(np.log(spectrum_at(channel, float(np.exp(tables.log_pt[node])), 24)),
                                                           abs=1e-4)
    between = 0.5 * (tables.log_pt[node] + tables.log_pt[node + 1])
    assert 0.5 * (tables.spectrum[channel, node] + tables.spectrum[channel, node + 1]) == pytest.approx(
        np.log(spectrum_at(channel, float(np.exp(between)), 24)), abs=3e-4)


def test_bounds_belong_to_the_code():
    tables = hard_tables()
    assert tables.bound[0, 17] == pytest.approx(bounds_of(0, 17, tables.log_pt, tables.spectrum), rel=1e-6)


def test_ranges():
    """Equidistant in ln pT; spectra fall; a density whose mean is one has bounds above one somewhere."""
    tables = hard_tables()
    np.testing.assert_allclose(np.exp(tables.log_pt[[0, -1]]), [LOWEST, HIGHEST])
    np.testing.assert_allclose(np.diff(tables.log_pt), np.log(HIGHEST / LOWEST) / (BINS * STEPS))
    assert tables.spectrum.shape == (CHANNELS, BINS * STEPS + 1) and tables.bound.shape == (CHANNELS, BINS, CELLS**2)
    assert (np.diff(tables.spectrum[:, 300:], axis=1) < 0.0).all()
    assert (tables.bound >= 0.0).all() and (tables.bound.mean(axis=2) > 1.0).all()


@pytest.mark.parametrize("channel", range(CHANNELS))
def test_density_is_below_the_bounds(channel):
    """At random points of pT and of the unit square; not far below on average."""
    tables, rng, scattering, coupling = hard_tables(), np.random.default_rng(channel), new_scattering(), strong_coupling(ALPHA_S)
    ratios = []
    for _ in range(2000):
        u, a, b = rng.uniform(0.0, 0.9), *rng.uniform(size=2)
        log_pt = tables.log_pt[0] + u * (tables.log_pt[-1] - tables.log_pt[0])
        bound = tables.bound[channel, int(u * BINS), int(a * CELLS) * CELLS + int(b * CELLS)]
        density = cross_section(densities(), coupling, scattering, channel, point(channel, float(np.exp(log_pt)), a, b, False))
        ratios.append((density * np.exp(-np.interp(log_pt, tables.log_pt, tables.spectrum[channel])), bound))
    density, bound = np.array(ratios).T
    assert (density <= bound).all()
    assert 0.7 < density.mean() / bound.mean() < 1.0 / SAFETY

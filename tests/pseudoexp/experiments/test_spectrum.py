"""Expectations of known weights: means, variances, cells, joined bins."""

import numpy as np
import pytest

from pseudoexp.experiments.candidates import Events
from pseudoexp.experiments.spectrum import fit_edges, rebinned, spectrum, summed


def made(mass, cross_section, jets):
    n = len(mass)
    return Events(np.arange(n), np.asarray(cross_section, float), np.full(n, 300.0), np.asarray(mass, float),
                  np.asarray(jets), np.zeros(n))


def test_cells_and_units():
    events = made([10, 95, 95, 120, 500], [1e-3, 2e-3, 3e-3, 4e-3, 5e-3], [1, 1, 2, 1, 3])
    found = spectrum(events, 2.0, np.array([90.0, 100.0, 140.0]))
    assert found.expected == pytest.approx(np.array([[2, 4, 8, 0], [0, 6, 0, 0], [0, 0, 0, 10]]))  # pb times 1/fb: 1000
    assert found.variance == pytest.approx([4, 16 + 36, 64, 100])
    mean, variance = found.within(np.array([90.0, 140.0]))
    assert mean == pytest.approx([18]) and variance == pytest.approx([116])
    assert found.scaled(3.0).within(np.array([90.0, 100.0, 140.0]))[1] == pytest.approx([9 * 52, 9 * 64])


def test_an_edge_belongs_to_the_bin_above():
    found = spectrum(made([90.0, 140.0], [1e-3, 1e-3], [1, 1]), 1.0, np.array([90.0, 140.0]))
    assert found.expected[0].tolist() == [0.0, 1.0, 1.0]


def test_rebinned():
    cells = np.array([1.0, 2.0, 4.0, 8.0])
    content = np.array([[1, 2, 4, 8, 16], [1, 1, 1, 1, 1]])
    assert rebinned(content, cells, np.array([1.0, 4.0, 8.0])).tolist() == [[6, 8], [2, 1]]
    assert rebinned(content, cells, np.array([2.0, 8.0])).tolist() == [[12], [2]]


def test_effective_number():
    equal = summed(np.full(50, 0.3))
    assert (equal.expected, equal.sampled) == (pytest.approx(15.0), 50)
    assert equal.effective == pytest.approx(50.0) and equal.error == pytest.approx(15.0 / np.sqrt(50))
    assert equal.largest == pytest.approx(0.02)
    uneven = summed(np.array([1.0, 1.0, 8.0]))
    assert uneven.effective == pytest.approx(100 / 66) and uneven.largest == pytest.approx(0.8)
    assert summed(np.zeros(0)).effective == 0.0


def test_joined_bins():
    edges = np.arange(7.0)
    sampled = np.array([12, 4, 4, 4, 30, 3])
    joined = fit_edges(edges, 2.0 * sampled, 4.0 * sampled)
    assert joined.tolist() == [0, 1, 4, 6]  # 12; 4 + 4 + 4; 30 and the rest
    assert fit_edges(edges, np.zeros(6), np.zeros(6)).tolist() == [0, 6]
    assert fit_edges(edges, 5.0 * np.full(6, 20), 25.0 * np.full(6, 20)).tolist() == edges.tolist()

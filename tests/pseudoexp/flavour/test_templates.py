"""From histograms to log ratios: exact where statistics allow, bounded where they do not."""

import numpy as np
import pytest
from scipy import stats

from pseudoexp.errors import DataError
from pseudoexp.flavour import templates as tp


def filled(rng, n, means=(4.0, 1.5, 0.0)):
    """Histograms of normal significances, one mean per flavour, all in category 1."""
    blank = tp.blank_templates(np.full((tp.SIGMA_PT.size + 1, tp.SIGMA_COT.size + 1), 0.02))
    h, h2 = tp.empty_histograms(blank)
    for f, mean in enumerate(means):
        d = np.searchsorted(blank.edges_d0, rng.normal(mean, 1.5, n), side="right")
        z = np.searchsorted(blank.edges_z0, rng.normal(0.0, 1.0, n), side="right")
        np.add.at(h[f, 1], (d, z), 2.0)
        np.add.at(h2[f, 1], (d, z), 4.0)
    return h, h2, blank


def test_ratios_are_those_of_the_densities():
    h, h2, blank = filled(np.random.default_rng(1), 400_000)
    made = tp.make_templates(h, h2, blank)
    cdf = [stats.norm.cdf(blank.edges_d0, m, 1.5) for m in (4.0, 1.5, 0.0)]
    share = [np.diff(c) for c in cdf]
    middle = slice(11, 20)  # -0.7 .. 4.5: plenty of entries
    share = [s[middle] for s in share]
    expected_bc = np.log(share[0] / share[1])
    expected_cu = np.log(share[1] / share[2])
    z = 6  # -0.6 .. 0
    np.testing.assert_allclose(made.bc[1, 12:21, z], expected_bc, atol=0.1)
    np.testing.assert_allclose(made.cu[1, 12:21, z], expected_cu, atol=0.1)


def test_ratios_are_bounded_and_empty_bins_say_nothing():
    h, h2, blank = filled(np.random.default_rng(2), 20_000, (20.0, 1.5, 0.0))
    made = tp.make_templates(h, h2, blank)
    assert np.abs(made.bc).max() == pytest.approx(6.0)
    assert np.abs(made.bc + made.cu).max() <= 6.0 + 1e-12
    assert np.abs(made.cu).max() <= 6.0 + 1e-12
    assert not made.bc[0].any()
    assert not made.cu[0].any()
    assert np.isfinite(made.bc).all()


def test_smoothing_keeps_rich_bins_and_fills_poor_ones():
    h, h2, _ = filled(np.random.default_rng(3), 50_000)
    smooth = tp.smooth(h, h2)
    rich = (h / 2.0 > 2 * tp.MIN_ENTRIES).all(axis=0)
    assert rich.any()
    np.testing.assert_array_equal(smooth[:, rich], h[:, rich])
    assert (smooth[:, 1, :, 6] > 0.0).sum() > (h[:, 1, :, 6] > 0.0).sum()
    assert (np.abs(smooth.sum(axis=(1, 2, 3)) / h.sum(axis=(1, 2, 3)) - 1.0) < 0.2).all()
    assert (smooth >= 0.0).all()


def test_an_empty_flavour_is_an_error():
    h, h2, blank = filled(np.random.default_rng(4), 100)
    h[1] = 0.0
    with pytest.raises(DataError, match="c jets"):
        tp.make_templates(h, h2, blank)


def test_pt_weights_make_equal_spectra():
    rng = np.random.default_rng(5)
    flavour = rng.integers(0, 3, 30_000)
    pt = rng.exponential(np.array([60.0, 40.0, 25.0])[flavour]) + 10.0
    event = rng.uniform(0.5, 1.5, flavour.size)
    edges = np.array([20.0, 40.0, 80.0, 150.0])
    w = tp.pt_weights(pt, flavour, event, edges)
    spectra = [np.bincount(np.searchsorted(edges, pt[flavour == f]), w[flavour == f], 5) for f in range(3)]
    np.testing.assert_allclose(spectra[1], spectra[0])
    np.testing.assert_allclose(spectra[2], spectra[0])
    k = (flavour == 0) & (pt > 20.0) & (pt < 40.0)
    np.testing.assert_allclose(w[k] / event[k], (w[k] / event[k])[0])


def test_pt_weights_drop_bins_without_one_flavour():
    w = tp.pt_weights([15.0, 15.0, 15.0, 90.0], [0, 1, 2, 0], np.ones(4), [50.0])
    assert w[3] == 0.0
    assert (w[:3] > 0.0).all()


def test_typical_sigma_is_that_of_good_tracks():
    rng = np.random.default_rng(6)
    pt, cot = rng.exponential(5.0, 40_000) + 0.5, rng.normal(0.0, 1.0, 40_000)
    sigma = 0.05 / np.minimum(pt, 1.1) * np.where(rng.random(pt.size) < 0.05, 3.0, 1.0)
    table = tp.typical_sigma(pt, cot, sigma)
    assert table.shape == (tp.SIGMA_PT.size + 1, tp.SIGMA_COT.size + 1)
    np.testing.assert_allclose(table[1:], 0.05 / 1.1, rtol=1e-12)
    with pytest.raises(DataError):
        tp.typical_sigma([], [], [])

"""Expected significances and their errors from finite samples."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from pseudoexp.experiments.expectation import TESTS, expectations, fit_model
from pseudoexp.experiments.spectrum import Spectrum

CELLS = np.arange(60.0, 201.0, 5.0)
WINDOW, EDGES = np.array([105.0, 140.0]), np.arange(60.0, 201.0, 20.0)


def spectrum(total: float, mean: float, width: float, effective: float) -> Spectrum:
    """Return a Gaussian spectrum that `effective` events would know as well."""
    places = np.concatenate([[CELLS[0] - 5.0], CELLS]) + 2.5
    shape = norm(mean, width).pdf(places)
    expected = total * shape / shape.sum()
    return Spectrum(CELLS, expected[None], expected * total / effective)


SIGNAL, BACKGROUND = spectrum(60.0, 125.0, 12.0, 4000.0), spectrum(900.0, 110.0, 60.0, 2500.0)


def test_counting_is_the_median_of_poisson_counts():
    """The p-value of the expected count in standard deviations; the error of first order in those of signal and background."""
    found = expectations(SIGNAL, BACKGROUND, WINDOW, EDGES)
    for name, s, b in (("counting", *(x.expected.sum() for x in (SIGNAL, BACKGROUND))),
                       ("window", *(x.within(WINDOW)[0].sum() for x in (SIGNAL, BACKGROUND)))):
        tail = poisson(b).sf(np.round(s + b) - 0.5)
        assert found[name].value == pytest.approx(norm.isf(tail), abs=0.05)
        q = np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s))
        assert found[name].value == pytest.approx(q)
        spectra = (x.variance.sum() if name == "counting" else x.within(WINDOW)[1].sum() for x in (SIGNAL, BACKGROUND))
        ds, db = np.log(1 + s / b) / q, (np.log(1 + s / b) - s / b) / q
        error = np.sqrt(sum(v * d**2 for v, d in zip(spectra, (ds, db), strict=True)))
        assert found[name].error == pytest.approx(error, rel=1e-3)
        assert 0.0 < found[name].with_error < found[name].value


def test_bins_add_in_quadrature_and_a_free_norm_costs():
    """A spectrum is worth more than its sum, its shape less than it; errors are those of samples drawn anew."""
    found = expectations(SIGNAL, BACKGROUND, WINDOW, EDGES)
    s, b = (x.within(EDGES) for x in (SIGNAL, BACKGROUND))
    assert found["spectrum"].value == pytest.approx(
        np.sqrt((2 * ((s[0] + b[0]) * np.log(1 + s[0] / b[0]) - s[0])).sum()))
    assert found["counting"].value < found["spectrum"].value and found["shape"].value < found["spectrum"].value
    rng, values = np.random.default_rng(5), {"spectrum": [], "shape": []}
    for _ in range(400):
        moved = [np.maximum(x[0] + rng.normal(size=len(x[0])) * np.sqrt(x[1]), 1e-3) for x in (s, b)]
        drawn = [Spectrum(EDGES, np.concatenate([[0.0], x, [0.0]])[None], np.zeros(len(x) + 2)) for x in moved]
        again = expectations(*drawn, WINDOW, EDGES)
        for name in values:
            values[name].append(again[name].value)
    for name, drawn in values.items():
        assert np.std(drawn) == pytest.approx(found[name].error, rel=0.15)
        assert again[name].error == 0.0 and np.isnan(found[name].with_error)


def test_without_background_nothing_is_known():
    """A window in which no background event is left has no significance."""
    nothing = Spectrum(CELLS, np.zeros((1, len(CELLS) + 1)), np.zeros(len(CELLS) + 1))
    found = expectations(SIGNAL, nothing, WINDOW, EDGES)
    assert set(found) == set(TESTS)
    assert all(np.isnan(one.value) and np.isnan(one.error) for one in found.values())


def test_the_fit_has_bins_that_know_the_background():
    """Poor bins are joined; expectations between the joined edges stay the same."""
    model = fit_model(SIGNAL, BACKGROUND, CELLS)
    assert set(model.edges) <= set(CELLS) and len(model.signal) == len(model.background) == len(model.edges) - 1
    expected, variance = BACKGROUND.within(model.edges)
    np.testing.assert_allclose(model.background, expected)
    np.testing.assert_allclose(model.signal, SIGNAL.within(model.edges)[0])
    assert (expected**2 / variance >= 10.0 * (1 - 1e-12)).all()
    poor = fit_model(SIGNAL, spectrum(900.0, 110.0, 60.0, 100.0), CELLS)
    assert len(poor.edges) < len(model.edges)

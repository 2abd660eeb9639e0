"""The significance to expect of a selection, and how far the finite sample leaves it open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.experiments import significance
from pseudoexp.experiments.spectrum import Spectrum, fit_edges

TESTS = ("counting", "window", "spectrum", "shape")
"""All events; those in the mass window; the spectrum over a known background; the same, its normalisation fitted."""
_STEP = 0.01
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """The median significance of a test.

    Attributes
    ----------
    value : float
        With the expectation of the sample taken for the truth; NaN where no background event is left.
    error : float
        From the finite sample, to first order.
    with_error : float
        Significance if the background were known from this sample only; NaN for spectra.
    """

    value: float
    error: float
    with_error: float


@dataclass(frozen=True)
class Model:
    """Signal and background of a fit: expectations (bins,) between `edges` [GeV]."""

    edges: Array
    signal: Array
    background: Array


def fit_model(signal: Spectrum, background: Spectrum, edges: Array) -> Model:
    """Return the model in bins wide enough to know the background."""
    joined = fit_edges(edges, *background.within(edges))
    return Model(joined, signal.within(joined)[0], background.within(joined)[0])


def expectations(signal: Spectrum, background: Spectrum, window: Array, edges: Array) -> dict[str, Expected]:
    """Return what to expect of each of `TESTS`; `edges` are those of the fit."""
    everything = [np.array([[s.expected.sum()], [s.variance.sum()]]) for s in (signal, background)]
    inside = [np.stack(s.within(window)) for s in (signal, background)]
    bins = [np.stack(s.within(edges)) for s in (signal, background)]
    return {"counting": _counting(*everything), "window": _counting(*inside),
            "spectrum": _propagated(significance.asimov_spectrum, *bins),
            "shape": _propagated(significance.asimov_shape, *bins)}


def _counting(s: Array, b: Array) -> Expected:
    found = _propagated(significance.asimov_spectrum, s, b)
    if not b[0, 0] > 0.0:
        return found
    return Expected(found.value, found.error,
                    significance.asimov_with_error(float(s[0, 0]), float(b[0, 0]), float(np.sqrt(b[1, 0]))))


def _propagated(test: Callable[[Array, Array], Array], s: Array, b: Array) -> Expected:
    """Return the significance of s, b (2, bins: expectation and variance), with the error by small steps in each bin."""
    if not (b[0] > 0.0).all():
        return Expected(np.nan, np.nan, np.nan)
    variance = 0.0
    for i in range(s.shape[1]):
        for moved, (means, variances) in enumerate((s, b)):
            step = _STEP * np.sqrt(variances[i])
            ends = []
            for sign in (-0.5, 0.5):
                shifted = means.copy()
                shifted[i] += sign * step
                ends.append(test(*((shifted, b[0]) if moved == 0 else (s[0], shifted))))
            variance += float((ends[1] - ends[0]) / _STEP) ** 2
    return Expected(float(test(s[0], b[0])), float(np.sqrt(variance)), np.nan)

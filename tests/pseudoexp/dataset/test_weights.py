"""The benchmark weight turns one spectrum into the other."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.dataset import weights
from pseudoexp.dataset.spectrum_weight import spectrum_weight
from pseudoexp.errors import DataError


@kernel
def apply(table, rows):
    out = np.empty(len(rows))
    for i in range(len(rows)):
        out[i] = spectrum_weight(table, rows[i, 0], abs(rows[i, 1]))
    return out


def spectrum(n, power, width, seed):
    rng = np.random.default_rng(seed)
    pt = 250 * rng.uniform(size=n) ** (-1 / power)
    return np.stack([np.minimum(pt, 2900), np.clip(rng.normal(0, width, n), -2, 2)], axis=1)


def test_weighted_signal_looks_like_qcd():
    table = weights.derive(spectrum(200_000, 3.5, 0.9, 1), spectrum(200_000, 2.0, 1.2, 2))
    signal, qcd = spectrum(100_000, 3.5, 0.9, 3), spectrum(100_000, 2.0, 1.2, 4)
    w = apply(table, signal)
    assert abs(w.mean() - 1) < 0.03
    for column, edges in ((0, [250, 300, 400, 600, 900]), (1, [-2, -1, -0.3, 0.3, 1, 2])):
        got = np.histogram(signal[:, column], edges, weights=w)[0] / w.sum()
        expected = np.histogram(qcd[:, column], edges)[0] / len(qcd)
        np.testing.assert_allclose(got, expected, rtol=0.05)


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="too few"):
        weights.derive(spectrum(100, 3, 1, 1), spectrum(100, 3, 1, 2))

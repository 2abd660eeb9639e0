"""The benchmark weight: signal rows take the (pT, |eta|) spectrum of QCD rows, both classes the same total.

Without it a tagger could live on the classes' different spectra, which come from how the events were sampled. The
ratio of the spectra is a shipped table per detector card, made with the default sampling
(`DEFAULT_SAMPLING`), so that a row's weight depends on that row alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import DataError

DEFAULT_SAMPLING = (150.0, 4.0)
"""pthat_min [GeV] and pt_bias of the table."""
PT_EDGES = np.geomspace(250.0, 1600.0, 17)
ETA_EDGES = np.linspace(0.0, 2.0, 6)
_MIN_ROWS = 5000


class SpectrumRatio(NamedTuple):
    """QCD density over signal density, normalised to a mean of 1 over the signal."""

    eta: NDArray[np.float64]  # (e,) |eta|, equidistant
    log_pt: NDArray[np.float64]  # (n,) ln of pT [GeV], equidistant
    ratio: NDArray[np.float64]  # (e, n)


def flat() -> SpectrumRatio:
    """Return the ratio 1 everywhere."""
    log_pt, eta = _nodes()
    return SpectrumRatio(eta, log_pt, np.ones((len(eta), len(log_pt))))


def derive(signal: NDArray[np.float64], qcd: NDArray[np.float64]) -> SpectrumRatio:
    """Derive the table from rows (n, 2) of pT [GeV] and |eta| of both classes.

    Raises
    ------
    DataError
        With fewer than 5,000 rows in a class.
    """
    if min(len(signal), len(qcd)) < _MIN_ROWS:
        raise DataError(f"{len(signal)} signal and {len(qcd)} QCD rows are too few for weights: {_MIN_ROWS} of each")
    from scipy import ndimage  # a quarter of a second that users of shipped tables need not wait for

    log_pt, eta = _nodes()
    densities = []
    for rows in (signal, qcd):
        pt = np.clip(rows[:, 0], PT_EDGES[0], 0.999 * PT_EDGES[-1])
        counts = np.histogram2d(np.abs(rows[:, 1]), pt, bins=(ETA_EDGES, PT_EDGES))[0]
        densities.append(ndimage.gaussian_filter(counts, 0.6, mode="nearest") / len(rows))
    ratio = densities[1] / np.maximum(densities[0], 1e-9)
    ratio = np.clip(ratio, 0.02, 50.0)
    return SpectrumRatio(eta, log_pt, ratio / np.average(ratio, weights=densities[0]))


def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    log_edges = np.log(PT_EDGES)
    return 0.5 * (log_edges[1:] + log_edges[:-1]), 0.5 * (ETA_EDGES[1:] + ETA_EDGES[:-1])

"""Energy and mass scale of the large-R jets by numerical inversion (ATLAS, arXiv:1703.09665, section 5).

The response R = reconstructed / true is measured in bins of the *true* value, where it is unbiased; the
correction 1/R belongs to the reconstructed value R(x) * x at which such jets are found.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pseudoexp.errors import DataError
from pseudoexp.jets.calibration import ETA_EDGES, MASS_EDGES, PT_EDGES, JetCalibration, nodes

_MIN_JETS = 30


def derive(reco: NDArray[np.float64], truth: NDArray[np.float64]) -> JetCalibration:
    """Derive the calibration from matched jets.

    Parameters
    ----------
    reco, truth : (jets, 3) float64
        pT [GeV], eta and mass [GeV] of the trimmed reconstructed jets and of the true jets they match.

    Raises
    ------
    DataError
        When there are too few jets to say anything.
    """
    if len(reco) < 20 * _MIN_JETS:
        raise DataError(f"{len(reco)} matched jets are too few for a jet calibration: {20 * _MIN_JETS} or more")
    log_pt, eta, log_mass = nodes()
    pt_factor = np.stack([
        _pt_row(reco[in_bin], truth[in_bin], log_pt)
        for in_bin in (np.digitize(abs(truth[:, 1]), ETA_EDGES) == k + 1 for k in range(len(eta)))])
    pt_factor = ndimage.gaussian_filter(pt_factor, (0.0, 0.7), mode="nearest")
    first = JetCalibration(log_pt, eta, pt_factor, log_mass, np.ones((len(log_mass), len(log_pt))))
    factor = _bilinear_array(first.pt_factor, eta, log_pt, abs(reco[:, 1]), np.log(reco[:, 0]))
    mass_factor = _mass_table(factor * reco[:, 0], factor * reco[:, 2], truth[:, 0], truth[:, 2], log_mass, log_pt)
    return first._replace(mass_factor=mass_factor)


def _bilinear_array(table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64],
                    r: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    u = np.clip((r - rows[0]) / (rows[1] - rows[0]), 0, len(rows) - 1)
    v = np.clip((c - columns[0]) / (columns[1] - columns[0]), 0, len(columns) - 1)
    return ndimage.map_coordinates(table, [u, v], order=1, mode="nearest")


def _core_mean(values: NDArray[np.float64]) -> float:
    """Return the mean within 2.5 robust widths of the median: what a Gaussian fit to the core gives."""
    for _ in range(3):
        center = np.median(values)
        width = 1.4826 * np.median(abs(values - center))
        values = values[abs(values - center) <= 2.5 * width]
    return float(np.mean(values))


def _pt_row(reco: NDArray[np.float64], truth: NDArray[np.float64], log_pt: NDArray[np.float64]
            ) -> NDArray[np.float64]:
    bins = np.digitize(truth[:, 0], PT_EDGES) - 1
    at, factor = [], []
    for k in range(len(log_pt)):
        chosen = bins == k
        if chosen.sum() >= _MIN_JETS:
            response = _core_mean(reco[chosen, 0] / truth[chosen, 0])
            at.append(np.mean(np.log(truth[chosen, 0])) + math.log(response))
            factor.append(1.0 / response)
    if not at:
        raise DataError("a bin of |eta| has no matched jets: generate more calibration events")
    return np.interp(log_pt, at, factor)


def _mass_table(pt: NDArray[np.float64], mass: NDArray[np.float64], true_pt: NDArray[np.float64],
                true_mass: NDArray[np.float64], log_mass: NDArray[np.float64], log_pt: NDArray[np.float64]
                ) -> NDArray[np.float64]:
    """Return the factors (m, n); bins without jets take the nearest filled one along the mass."""
    valid = (mass > 1.0) & (true_mass > 1.0)
    pt, mass, true_pt, true_mass = pt[valid], mass[valid], true_pt[valid], true_mass[valid]
    pt_bin = np.digitize(true_pt, PT_EDGES) - 1
    mass_bin = np.digitize(np.log(true_mass / true_pt), MASS_EDGES) - 1
    table = np.full((len(log_mass), len(log_pt)), np.nan)
    for j in range(len(log_pt)):
        at, factor = [], []
        for i in range(len(log_mass)):
            chosen = (pt_bin == j) & (mass_bin == i)
            if chosen.sum() >= _MIN_JETS:
                response = _core_mean(mass[chosen] / true_mass[chosen])
                at.append(float(np.mean(np.log(true_mass[chosen] / true_pt[chosen]))) + math.log(response))
                factor.append(1.0 / response)
        if at:
            order = np.argsort(at)
            table[:, j] = np.interp(log_mass, np.array(at)[order], np.array(factor)[order])
    filled = np.flatnonzero(~np.isnan(table[0]))
    if not len(filled):
        raise DataError("no bin holds enough jets for the mass calibration: generate more calibration events")
    nearest = filled[np.argmin(abs(np.arange(len(log_pt))[:, None] - filled), axis=1)]
    return ndimage.gaussian_filter(table[:, nearest], 0.7, mode="nearest")

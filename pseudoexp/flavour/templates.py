"""The frozen IP3D templates of a detector card: binning, categories, log ratios; how histograms become them.

Everything here is plain numpy and runs once per card. Histograms are smoothed with the same kernel for all three
flavours, so that a ratio is not biased by it: each bin takes the least smoothing at which every flavour has enough
effective entries. Per bin the three densities are floored so that no ratio leaves exp(+-`MAX_LOG_RATIO`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.errors import DataError

Floats = NDArray[np.float64]

FLAVOURS = ("b", "c", "light")
"""First axis of the histograms."""
MAX_LOG_RATIO = 6.0
MIN_ENTRIES = 30.0
"""Effective entries, sum(w)^2 / sum(w^2), that a smoothed bin shall have, and tracks for a typical sigma(d0)."""
MAX_PASSES = 6

EDGES_D0 = np.array([
    -30.0, -15.0, -9.0, -6.0, -4.5, -3.5, -2.75, -2.1, -1.6, -1.1, -0.7, -0.35, 0.0, 0.35, 0.7, 1.1, 1.6, 2.1, 2.75,
    3.5, 4.5, 5.75, 7.0, 8.5, 10.5, 13.0, 16.0, 20.0, 25.0, 32.0, 42.0, 56.0, 75.0, 110.0])
"""Inner edges of the 35 bins in signed d0 significance."""
EDGES_Z0 = np.array([
    -12.0, -6.0, -3.5, -2.2, -1.3, -0.6, 0.0, 0.6, 1.3, 2.2, 3.5, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0, 60.0])
"""Inner edges of the 20 bins in signed z0 sin(theta) significance."""
GOOD_PT = np.array([2.0, 4.0, 8.0, 16.0])
POOR_PT = np.array([3.0])
POOR_ABOVE = 1.25
SIGMA_PT = np.array([1.2, 1.5, 1.9, 2.4, 3.0, 4.0, 5.5, 7.5, 10.0, 15.0, 25.0, 50.0])
SIGMA_COT = np.array([0.25, 0.52, 0.82, 1.18, 1.6, 2.13, 2.8, 3.63, 4.7])


class IP3DTemplates(NamedTuple):
    """Binning, track categories and log ratios; all edges are inner edges."""

    edges_d0: Floats  # (34,) signed d0 significance
    edges_z0: Floats  # (19,) signed z0 sin(theta) significance
    good_pt: Floats  # (g,) GeV; categories 0 .. g
    poor_pt: Floats  # (p,) GeV; categories g + 1 .. g + 1 + p: sigma(d0) large for pT and eta; then material, K0S etc.
    poor_above: float  # sigma(d0) over the typical one
    sigma_pt: Floats  # (k,) GeV
    sigma_cot: Floats  # (l,) |cot(theta)|
    typical_sigma: Floats  # (k + 1, l + 1) mm, median sigma(d0)
    bc: Floats  # (categories, 35, 20) ln p(b)/p(c)
    cu: Floats  # (categories, 35, 20) ln p(c)/p(light)


def typical_sigma(pt: ArrayLike, cot_theta: ArrayLike, sigma_d0: ArrayLike) -> Floats:
    """Return the lower quartile of sigma(d0) [mm] per bin of pT [GeV] and |cot(theta)|.

    Bins with fewer than `MIN_ENTRIES` tracks take the nearest with more. The quartile, unlike the median, is that of
    well measured tracks even where half the tracks are not.
    """
    i = np.searchsorted(SIGMA_PT, np.asarray(pt), side="right")
    j = np.searchsorted(SIGMA_COT, np.abs(np.asarray(cot_theta)), side="right")
    sigma = np.asarray(sigma_d0, dtype=np.float64)
    shape = (SIGMA_PT.size + 1, SIGMA_COT.size + 1)
    table = np.full(shape, np.nan)
    cell = i * shape[1] + j
    entries = np.bincount(cell, minlength=table.size)
    if not entries.any():
        raise DataError("no tracks to take the typical sigma(d0) from; allowed: at least one")
    for k in np.flatnonzero(entries >= min(MIN_ENTRIES, entries.max())):
        table.flat[k] = np.quantile(sigma[cell == k], 0.25)
    filled = np.argwhere(np.isfinite(table))
    for p in np.argwhere(~np.isfinite(table)):
        nearest = filled[np.argmin(np.abs(filled - p).sum(axis=1))]
        table[tuple(p)] = table[tuple(nearest)]
    return table


def blank_templates(typical: ArrayLike) -> IP3DTemplates:
    """Return templates without information (all ratios 1) for the table of `typical_sigma`; used to fill histograms."""
    table = np.ascontiguousarray(typical, dtype=np.float64)
    n_categories = GOOD_PT.size + POOR_PT.size + 4
    zero = np.zeros((n_categories, EDGES_D0.size + 1, EDGES_Z0.size + 1))
    return IP3DTemplates(EDGES_D0.copy(), EDGES_Z0.copy(), GOOD_PT.copy(), POOR_PT.copy(), POOR_ABOVE,
                         SIGMA_PT.copy(), SIGMA_COT.copy(), table, zero, zero.copy())


def empty_histograms(templates: IP3DTemplates) -> tuple[Floats, Floats]:
    """Return zeroed (3, categories, d0 bins, z0 bins) sums of weights and of squared weights for `ip3d.fill_ip3d`."""
    shape = (len(FLAVOURS), *templates.bc.shape)
    return np.zeros(shape), np.zeros(shape)


def pt_weights(pt: ArrayLike, flavour: ArrayLike, weight: ArrayLike, edges: ArrayLike) -> Floats:
    """Return jet weights with which every flavour has the same pT spectrum.

    Parameters
    ----------
    pt, flavour, weight : (jets,) arrays
        pT [GeV], 0 b / 1 c / 2 light, and the event weight.
    edges : array
        Ascending inner edges [GeV] of the spectrum.

    Returns
    -------
    (jets,) array
        `weight` times a factor per flavour and bin; in each bin all present flavours sum to the geometric mean of
        their shares, so no single jet dominates where one flavour is rare.
    """
    flavour = np.asarray(flavour)
    weight = np.asarray(weight, dtype=np.float64)
    index = np.searchsorted(np.asarray(edges), np.asarray(pt), side="right")
    n_bins = np.asarray(edges).size + 1
    sums = np.array([np.bincount(index[flavour == f], weight[flavour == f], n_bins) for f in range(len(FLAVOURS))])
    shares = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-300)
    everywhere = (shares > 0.0).all(axis=0)
    target = np.where(everywhere, np.exp(np.log(np.maximum(shares, 1e-300)).mean(axis=0)), 0.0)
    factor = np.divide(target, sums, out=np.zeros_like(sums), where=sums > 0.0)
    return weight * factor[flavour, index] * weight.size


def _blur(histogram: Floats) -> Floats:
    """Return one pass of the kernel (1 2 1)/4 along the last two axes; edges reflect, sums are kept."""
    for axis in (-2, -1):
        pad = [(0, 0)] * histogram.ndim
        pad[axis] = (1, 1)
        wide = np.moveaxis(np.pad(histogram, pad, mode="edge"), axis, 0)
        histogram = np.moveaxis(0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:], 0, axis)
    return histogram


def smooth(histogram: ArrayLike, histogram_w2: ArrayLike) -> Floats:
    """Return the histograms (3, categories, d0, z0), each bin blurred as little as its statistics allow.

    The passes are the same for all flavours in a bin. A bin that never reaches `MIN_ENTRIES` takes `MAX_PASSES`.
    """
    level = np.asarray(histogram, dtype=np.float64)
    level_w2 = np.asarray(histogram_w2, dtype=np.float64)
    total = level.sum(axis=(-2, -1), keepdims=True)
    mean_weight = level_w2.sum(axis=(-2, -1), keepdims=True) / np.maximum(total, 1e-300)
    result = np.empty_like(level)
    pending = np.ones(level.shape[1:], dtype=bool)
    cells = 1.0
    for k in range(MAX_PASSES + 1):
        entries = cells * level / np.maximum(mean_weight, 1e-300)
        done = pending & ((entries.min(axis=0) >= MIN_ENTRIES) | (k == MAX_PASSES))
        result[:, done] = level[:, done]
        pending &= ~done
        level = _blur(level)
        cells = 4.0 * np.pi * 0.5 * (k + 1) + 1.0  # effective area of k + 1 passes: 4 pi sigma^2, sigma^2 = (k + 1)/2
    return result


def make_templates(histogram: ArrayLike, histogram_w2: ArrayLike, blank: IP3DTemplates) -> IP3DTemplates:
    """Return the templates made of filled histograms.

    Parameters
    ----------
    histogram, histogram_w2 : (3, categories, 35, 20) arrays
        From `ip3d.fill_ip3d`, with the jets' pT weights.
    blank : IP3DTemplates
        The templates with which they were filled.

    Raises
    ------
    DataError
        If a flavour has no tracks at all.
    """
    sums = np.asarray(histogram, dtype=np.float64)
    for f, name in enumerate(FLAVOURS):
        if not sums[f].sum() > 0.0:
            raise DataError(f"histograms of {name} jets are empty; allowed: tracks of {', '.join(FLAVOURS)} jets")
    smoothed = smooth(sums, histogram_w2)
    density = smoothed / sums.sum(axis=(-3, -2, -1), keepdims=True)  # of the unsmoothed: rich bins stay unbiased
    highest = density.max(axis=0)
    floor = np.where(highest > 0.0, highest * np.exp(-MAX_LOG_RATIO), 1.0)
    log_density = np.log(np.maximum(density, floor))
    return blank._replace(bc=np.ascontiguousarray(log_density[0] - log_density[1]),
                          cu=np.ascontiguousarray(log_density[1] - log_density[2]))

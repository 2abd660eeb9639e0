"""Two-prong observables of a (trimmed) jet from its constituents, beta = 1, distances in rapidity and azimuth.

N-subjettiness (Thaler and van Tilburg, arXiv:1011.2268):
    tau_N = sum_i pT_i min_k dR(i, axis k) / sum_i pT_i  (R0 = 1), tau21 = tau_2 / tau_1,
    the axes being the N exclusive kT jets of the constituents, recombined in the E-scheme and not moved afterwards.

Energy correlations (Larkoski, Moult, Neill, arXiv:1409.6298), z_i = pT_i / sum pT:
    e2 = sum_{i<j} z_i z_j R_ij,  e3 = sum_{i<j<k} z_i z_j z_k R_ij R_jk R_ki,  D2 = e3 / e2^3.

Without information (tau_1 or e2 below 1e-12: fewer than two different directions) tau21 and D2 are 0; for finite
momenta every value is finite. A jet that does not fit into the workspace, or is not finite, gives -1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_r, phi, pt, rapidity
from pseudoexp.jets.antikt import ClusterWorkspace, cluster_exclusive, cluster_workspace

_BAD = -1.0
_FAR = 1e5  # kT radius of the axes: nothing is nearer to the beam
_NO_SPREAD = 1e-12  # tau_1 or e2 below this is rounding


class SubstructureWorkspace(NamedTuple):
    """Buffers for the constituents of one jet."""

    cluster: ClusterWorkspace
    y: NDArray[np.float64]  # (capacity,) rapidity
    phi: NDArray[np.float64]  # (capacity,) azimuth
    z: NDArray[np.float64]  # (capacity,) share of the pT
    near: NDArray[np.float64]  # (capacity,) z_j R_ij for one i
    partial: NDArray[np.float64]  # (capacity,) sum_j z_j R_ij R_jk for one i
    distance: NDArray[np.float64]  # (capacity, capacity) R_ij for i < j


def substructure_workspace(capacity: int) -> SubstructureWorkspace:
    """Return the workspace for up to `capacity` constituents (8 * capacity**2 bytes and some more)."""
    def real() -> NDArray[np.float64]:
        return np.zeros(capacity)

    return SubstructureWorkspace(
        cluster_workspace(capacity), real(), real(), real(), real(), real(), np.zeros((capacity, capacity)))


@inline
def _directions(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Fill rapidity, azimuth and share of the pT; return the sum of the pT, `_BAD` if they do not fit."""
    if n > ws.y.shape[0]:
        return _BAD
    total = 0.0
    for i in range(n):
        px, py, pz, e = p4[i, 0], p4[i, 1], p4[i, 2], p4[i, 3]
        ws.y[i] = rapidity(px, py, pz, e)
        ws.phi[i] = phi(px, py)
        ws.z[i] = pt(px, py)
        total += ws.z[i]
    if not abs(total) < math.inf:
        return _BAD
    if total > 0.0:
        for i in range(n):
            ws.z[i] /= total
    return total


@inline
def _mean_distance(axes: NDArray[np.float64], n_axes: int, n: int, ws: SubstructureWorkspace) -> float:
    """Return the mean distance to the nearest axis, weighted with pT."""
    axis_y, axis_phi = ws.near, ws.partial
    for k in range(n_axes):
        axis_y[k] = rapidity(axes[k, 0], axes[k, 1], axes[k, 2], axes[k, 3])
        axis_phi[k] = phi(axes[k, 0], axes[k, 1])
    total = 0.0
    for i in range(n):
        nearest = math.inf
        for k in range(n_axes):
            nearest = min(nearest, delta_r(ws.y[i], ws.phi[i], axis_y[k], axis_phi[k]))
        total += ws.z[i] * nearest
    return total


@kernel
def tau(p4: NDArray[np.float64], n: int, n_axes: int, ws: SubstructureWorkspace) -> float:
    """Return tau_N of n constituents (rows of p4: px, py, pz, E in GeV) for N = n_axes; 0 for n <= N."""
    if _directions(p4, n, ws) < 0.0:
        return _BAD
    n_found = cluster_exclusive(p4, n, 1, _FAR, n_axes, ws.cluster)
    if n_found < 0:
        return _BAD
    return _mean_distance(ws.cluster.jet_p4, n_found, n, ws) if n > n_axes else 0.0


@kernel
def tau21(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Return tau_2 / tau_1 of n constituents; 0 without spread, -1 where they do not fit.

    The one axis of tau_1 is the sum of the two of tau_2: their recombination is the last step to one jet.
    """
    two = tau(p4, n, 2, ws)
    if two < 0.0 or n < 3:
        return min(two, 0.0)
    axes = ws.cluster.jet_p4
    for c in range(4):
        axes[0, c] += axes[1, c]
    one = _mean_distance(axes, 1, n, ws)
    return two / one if one > _NO_SPREAD else 0.0


@kernel
def energy_correlations(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> tuple[float, float]:
    """Return (e2, e3) of n constituents; (-1, -1) where they do not fit.

    For each i the sum over j < k is a quadratic form, summed row by row so that the inner loop has no
    running total and can be vectorised without a change of the result.
    """
    if _directions(p4, n, ws) < 0.0:
        return _BAD, _BAD
    z, near, partial, distance = ws.z, ws.near, ws.partial, ws.distance
    for i in range(n):
        for j in range(i + 1, n):
            distance[i, j] = delta_r(ws.y[i], ws.phi[i], ws.y[j], ws.phi[j])
    e2 = 0.0
    e3 = 0.0
    for i in range(n):
        row_sum = 0.0
        for j in range(i + 1, n):
            near[j] = z[j] * distance[i, j]
            row_sum += near[j]
            partial[j] = 0.0
        e2 += z[i] * row_sum
        for j in range(i + 1, n):
            weight = near[j]
            for k in range(j + 1, n):
                partial[k] += weight * distance[j, k]
        row_sum = 0.0
        for k in range(i + 1, n):
            row_sum += near[k] * partial[k]
        e3 += z[i] * row_sum
    return e2, e3


@kernel
def d2(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Return D2 = e3 / e2^3 of n constituents; 0 without spread, -1 where they do not fit."""
    two, three = energy_correlations(p4, n, ws)
    if two < 0.0:
        return _BAD
    return three / (two * two * two) if two > _NO_SPREAD else 0.0

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

from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.kinematics import delta_r, phi, pt, rapidity
from pseudoexp.jets.antikt import ClusterWorkspace, cluster_workspace, find_directions, load, recombine, take_directions

_BAD = -1.0
_FAR = 1e5  # kT radius of the axes: nothing is nearer to the beam
_flat_delta_r = flat(delta_r)
_NO_SPREAD = 1e-12  # tau_1 or e2 below this is rounding


class SubstructureWorkspace(NamedTuple):
    """Buffers for the constituents of one jet."""

    cluster: ClusterWorkspace  # rapidities and azimuths are its `directions`
    z: NDArray[np.float64]  # (capacity,) share of the pT
    axes: NDArray[np.float64]  # (capacity, 2) rapidity and azimuth
    first: NDArray[np.float64]  # (capacity,) sum over j > i of z_j R_ij for each i
    second: NDArray[np.float64]  # (capacity,) sum over k > j > i of z_j z_k R_ij R_jk R_ki for each i
    partial: NDArray[np.float64]  # (capacity,) sum over j between i and k of z_j R_ij R_jk for each i and one k
    distance: NDArray[np.float64]  # (capacity,) R_ik for one k
    weighted: NDArray[np.float64]  # (capacity**2,) z_j R_ij for i < j at j n + i, 0 for other i


def substructure_workspace(capacity: int) -> SubstructureWorkspace:
    """Return the workspace for up to `capacity` constituents (8 * capacity**2 bytes and some more)."""
    def real() -> NDArray[np.float64]:
        return np.zeros(capacity)

    return SubstructureWorkspace(cluster_workspace(capacity), real(), np.zeros((capacity, 2)), real(), real(), real(),
                                 real(), np.zeros(capacity * capacity))


@inline
def _shares(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Fill the shares of the pT and return its sum; what is below zero is returned as `_BAD`."""
    if n < 0:
        return _BAD
    total = 0.0
    for i in range(n):
        ws.z[i] = pt(p4[i, 0], p4[i, 1])
        total += ws.z[i]
    if total > 0.0:
        for i in range(n):
            ws.z[i] /= total
    return total


@inline
def _prepare(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Load the constituents, find their directions and shares; return the sum of the pT, `_BAD` if they do not fit."""
    return _shares(p4, find_directions(load(p4, n, 1.0, 0, ws.cluster), ws.cluster), ws)


@inline
def _mean_distance(axes: NDArray[np.float64], n_axes: int, n: int, ws: SubstructureWorkspace) -> float:
    """Return the mean distance to the nearest axis, weighted with pT."""
    directions = ws.cluster.directions
    for k in range(n_axes):
        ws.axes[k, 0] = rapidity(axes[k, 0], axes[k, 1], axes[k, 2], axes[k, 3])
        ws.axes[k, 1] = phi(axes[k, 0], axes[k, 1])
    total = 0.0
    for i in range(n):
        nearest = math.inf
        for k in range(n_axes):
            nearest = min(nearest, delta_r(directions[0, i], directions[1, i], ws.axes[k, 0], ws.axes[k, 1]))
        total += ws.z[i] * nearest
    return total


@inline
def _tau(n: int, n_axes: int, ws: SubstructureWorkspace) -> float:
    """Return tau_N of the constituents prepared."""
    n_found = recombine(n, 1, 0.0, _FAR, _FAR, n_axes, 0.0, ws.cluster)
    return _mean_distance(ws.cluster.jet_p4, n_found, n, ws) if n > n_axes else 0.0


@kernel
def _tau21(n: int, ws: SubstructureWorkspace) -> float:
    """Return tau_2 / tau_1 of the constituents prepared; 0 without spread.

    The one axis of tau_1 is the sum of the two of tau_2: their recombination is the last step to one jet.
    """
    if n < 3:
        return 0.0
    two = _tau(n, 2, ws)
    axes = ws.cluster.jet_p4
    for c in range(4):
        axes[0, c] += axes[1, c]
    one = _mean_distance(axes, 1, n, ws)
    return two / one if one > _NO_SPREAD else 0.0


@inline
def _add_rows(k: int, n: int, ws: SubstructureWorkspace) -> None:
    """Add z_j R_ij R_jk over all j < k, in their order, to `partial`."""
    partial, distance = ws.partial, ws.distance
    together = k - k % 4
    for j in range(0, together, 4):
        a, b = ws.weighted[j * n:(j + 1) * n], ws.weighted[(j + 1) * n:(j + 2) * n]
        c, d = ws.weighted[(j + 2) * n:(j + 3) * n], ws.weighted[(j + 3) * n:(j + 4) * n]
        ra, rb, rc, rd = distance[j], distance[j + 1], distance[j + 2], distance[j + 3]
        for i in range(j + 3):
            partial[i] = (((partial[i] + a[i] * ra) + b[i] * rb) + c[i] * rc) + d[i] * rd
    for j in range(together, k):
        row, r = ws.weighted[j * n:(j + 1) * n], distance[j]
        for i in range(j):
            partial[i] += row[i] * r


@kernel
def _correlations(n: int, ws: SubstructureWorkspace) -> tuple[float, float]:
    """Return (e2, e3) of the constituents prepared.

    The sums over j and k are made for all i at once: no inner loop has a running total, so all can be vectorised
    without a change of the result. Rows of weights go on with zeros, so that four can be added in one go.
    """
    z, distance, first, second, partial = ws.z, ws.distance, ws.first, ws.second, ws.partial
    y, azimuth = ws.cluster.directions[0], ws.cluster.directions[1]
    first[:n] = 0.0
    second[:n] = 0.0
    for k in range(n):
        row = ws.weighted[k * n:(k + 1) * n]
        for i in range(k):
            distance[i] = _flat_delta_r(y[i], azimuth[i], y[k], azimuth[k])
        for i in range(k):
            row[i] = z[k] * distance[i]
            first[i] += row[i]
        row[k:] = 0.0
        partial[:k] = 0.0
        _add_rows(k, n, ws)
        for i in range(k):
            second[i] += row[i] * partial[i]
    e2 = e3 = 0.0
    for i in range(n):
        e2 += z[i] * first[i]
        e3 += z[i] * second[i]
    return e2, e3


@inline
def _ratio(e2: float, e3: float) -> float:
    return e3 / (e2 * e2 * e2) if e2 > _NO_SPREAD else 0.0


@kernel
def tau(p4: NDArray[np.float64], n: int, n_axes: int, ws: SubstructureWorkspace) -> float:
    """Return tau_N of n constituents (rows of p4: px, py, pz, E in GeV) for N = n_axes; 0 for n <= N."""
    return _tau(n, n_axes, ws) if _prepare(p4, n, ws) >= 0.0 else _BAD


@kernel
def tau21(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Return tau_2 / tau_1 of n constituents; 0 without spread, -1 where they do not fit."""
    return _tau21(n, ws) if _prepare(p4, n, ws) >= 0.0 else _BAD


@kernel
def energy_correlations(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> tuple[float, float]:
    """Return (e2, e3) of n constituents; (-1, -1) where they do not fit."""
    return _correlations(n, ws) if _prepare(p4, n, ws) >= 0.0 else (_BAD, _BAD)


@kernel
def d2(p4: NDArray[np.float64], n: int, ws: SubstructureWorkspace) -> float:
    """Return D2 = e3 / e2^3 of n constituents; 0 without spread, -1 where they do not fit."""
    if _prepare(p4, n, ws) < 0.0:
        return _BAD
    two, three = _correlations(n, ws)
    return _ratio(two, three)


@kernel
def tau21_and_d2(p4: NDArray[np.float64], directions: NDArray[np.float64], n: int, ws: SubstructureWorkspace
                 ) -> tuple[float, float]:
    """Return tau21 and D2 of n constituents whose directions (rapidity and azimuth) are known; -1 where they do not fit."""
    if _shares(p4, take_directions(directions, load(p4, n, 1.0, 0, ws.cluster), ws.cluster), ws) < 0.0:
        return _BAD, _BAD
    two, three = _correlations(n, ws)
    return _tau21(n, ws), _ratio(two, three)

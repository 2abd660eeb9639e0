"""The primary vertex, fitted to the tracks with the beam spot as a constraint.

Near the beam line a track is a straight line: for a vertex (x, y, z) its residuals are

    r1 = d0 + x sin(phi) - y cos(phi),   r2 = z0 + (x cos(phi) + y sin(phi)) cot(theta) - z,

linear in the vertex, with the tracks' covariances of (d0, z0) and the beam spot as a Gaussian prior. The fit is
adaptive (Fruehwirth, Waltenberger and Vanlaer, CMS Note 2007/008): track i has the weight
1 / (1 + exp((chi2_i - cut) / 2T)), and T falls to 1 over the iterations, so displaced tracks count less and less
without a hard cut; what they pull, they pull, as in life. Seeds are the maxima of the pT^2-weighted histogram of z0; of
the fitted candidates the one with the largest sum of pT^2 nearby is the hard collision's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, sincos
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.layout import row_length
from pseudoexp.core.reconstructed import D0, PHI, THETA, Z0, PrimaryVertex, Tracks

_BIN = 0.5  # mm
_BINS = 1024
_MAX_SEED_D0 = 1.0  # mm
_MAX_PT2 = 2500.0  # GeV^2: one track alone does not make a vertex
_HOPELESS = 0.2  # a seed with this share of the best vertex' pT^2 is not fitted
_NEAR_D0, _NEAR_Z0 = 0.5, 0.3  # mm, across the track: at this distance it counts half
_WINDOW = 5.0  # mm: tracks further away in z0, beyond their errors, do not enter a fit
_TEMPERATURES = np.array([2.0, 2.0, 1.0, 1.0, 1.0, 1.0])
_BLUR = np.array([0.15, 0.1, 0.05, 0.02, 0.0, 0.0])  # mm, added to the tracks' errors while the seed's error matters
_flat_exp, _flat_sincos = flat(exp), flat(sincos)
_SINE, _COSINE, _COT, _VAR_D0, _VAR_Z0, _PT2, _D0, _Z0, _WEIGHT, _WEIGHT_D0, _WEIGHT_Z0 = range(11)


class VertexWorkspace(NamedTuple):
    """Scratch of the vertex fit."""

    line: NDArray[np.float64]  # (11, capacity) sin phi, cos phi, cot theta, sigma^2 of d0 and z0, pT^2, d0, z0, weights
    histogram: NDArray[np.float64]  # (bins, 2) over z0: sum of pT^2, sum of pT^2 z0
    fit: NDArray[np.float64]  # (9,) x, y, z and the covariance xx, xy, xz, yy, yz, zz


def vertex_workspace(capacity: int) -> VertexWorkspace:
    """Return the scratch space for `capacity` tracks."""
    return VertexWorkspace(np.zeros((_WEIGHT_Z0 + 1, row_length(capacity))), np.zeros((_BINS, 2)), np.zeros(9))


def empty_vertex() -> PrimaryVertex:
    """Return a vertex to be filled."""
    return PrimaryVertex(np.zeros(3), np.zeros((3, 3)))


@kernel
def fit_primary_vertex(tracks: Tracks, n: int, beam_spot: NDArray[np.float64], seeds: int, chi2_cut: float,
                       vertex: PrimaryVertex, ws: VertexWorkspace) -> float:
    """Fill `vertex` from the first `n` tracks and return the sum of pT^2 near it [GeV^2].

    Without a usable track the vertex is the beam spot.
    """
    first, end = _prepare(tracks, n, ws)
    best = 0.0
    fitted = False
    for _ in range(seeds):
        z, height = _next_seed(first, end, ws)
        if height <= _HOPELESS * best:
            break
        score = _adaptive_fit(n, z, beam_spot, chi2_cut, ws)
        if score > best or not fitted:
            best = score
            fitted = True
            _store(ws.fit, vertex)
    if not fitted:
        ws.fit[:] = 0.0
        ws.fit[3], ws.fit[6], ws.fit[8] = beam_spot[0] ** 2, beam_spot[1] ** 2, beam_spot[2] ** 2
        _store(ws.fit, vertex)
    return best


@inline
def _store(fit: NDArray[np.float64], vertex: PrimaryVertex) -> None:
    k = 3
    for i in range(3):
        vertex.position[i] = fit[i]
        for j in range(i, 3):
            vertex.covariance[i, j] = vertex.covariance[j, i] = fit[k]
            k += 1


@inline
def _bin_of(z: float) -> int:
    return int(np.float64(math.floor(z / _BIN))) + _BINS // 2  # floors are no integers on a GPU


@inline
def _prepare(tracks: Tracks, n: int, ws: VertexWorkspace) -> tuple[int, int]:
    """Fill the straight lines of all tracks and the histogram of z0; return where the pairs of filled bins start, end."""
    ws.histogram[:, :] = 0.0
    line = ws.line
    sine, cosine, cot = line[_SINE], line[_COSINE], line[_COT]
    for t in range(n):
        perigee, covariance = tracks.perigee[t], tracks.covariance[t]
        sine[t], cot[t] = perigee[PHI], perigee[THETA]
        line[_D0, t], line[_Z0, t] = perigee[D0], perigee[Z0]
        line[_VAR_D0, t], line[_VAR_Z0, t] = covariance[D0, D0], covariance[Z0, Z0]
        line[_PT2, t] = min(tracks.pt[t] * tracks.pt[t], _MAX_PT2)
    for t in range(n):
        sine[t], cosine[t] = _flat_sincos(sine[t])
    for t in range(n):
        sine_theta, cosine_theta = _flat_sincos(cot[t])
        cot[t] = cosine_theta / sine_theta
    first, end = _BINS, 0
    for t in range(n):
        z0, pt2 = line[_Z0, t], line[_PT2, t]
        b = _bin_of(z0)
        if abs(line[_D0, t]) < _MAX_SEED_D0 and 1 <= b < _BINS - 1:
            ws.histogram[b, 0] += pt2
            ws.histogram[b, 1] += pt2 * z0
            first, end = min(first, b - 1), max(end, b + 1)
    return max(first, 1), min(end, _BINS - 1)


@inline
def _next_seed(first: int, end: int, ws: VertexWorkspace) -> tuple[float, float]:
    """Return z and sum of pT^2 of the highest pair of bins left, and clear it; height 0 when nothing is left."""
    histogram = ws.histogram
    top, best = -1, 0.0
    for b in range(first, end):
        pair = histogram[b, 0] + histogram[b + 1, 0]
        if pair > best:
            top, best = b, pair
    if top < 0:
        return 0.0, 0.0
    z = (histogram[top, 1] + histogram[top + 1, 1]) / best
    histogram[top:top + 2, :] = 0.0
    return z, best


@inline
def _adaptive_fit(n: int, seed: float, beam_spot: NDArray[np.float64], chi2_cut: float,
                  ws: VertexWorkspace) -> float:
    """Fit from (0, 0, seed), leave the result in `ws.fit`, and return the activity there."""
    fit = ws.fit
    fit[0], fit[1], fit[2] = 0.0, 0.0, seed
    for k in range(_TEMPERATURES.shape[0]):
        _step(n, 0.5 / _TEMPERATURES[k], _BLUR[k] * _BLUR[k], beam_spot, chi2_cut, ws)
    return _activity(n, ws)


@inline
def _activity(n: int, ws: VertexWorkspace) -> float:
    """Return the sum of pT^2 [GeV^2] near the vertex: displaced tracks of its heavy hadrons belong to it as well."""
    x, y, z = ws.fit[0], ws.fit[1], ws.fit[2]
    line, near = ws.line, ws.line[_WEIGHT]
    sine, cosine, cot, d0, z0, pt2 = line[_SINE], line[_COSINE], line[_COT], line[_D0], line[_Z0], line[_PT2]
    for t in range(n):
        r1 = d0[t] + x * sine[t] - y * cosine[t]
        r2 = z0[t] + (x * cosine[t] + y * sine[t]) * cot[t] - z
        far = r1 * r1 / (_NEAR_D0 * _NEAR_D0) + r2 * r2 / ((1.0 + cot[t] * cot[t]) * _NEAR_Z0 * _NEAR_Z0)
        near[t] = pt2[t] / (1.0 + far)
    total = 0.0
    for t in range(n):
        total += near[t]
    return total


@inline
def _weigh(n: int, half_beta: float, blur2: float, chi2_cut: float, ws: VertexWorkspace) -> None:
    """Fill the weights of the tracks at the present vertex, alone and over the variances of d0 and z0."""
    x, y, z = ws.fit[0], ws.fit[1], ws.fit[2]
    line, weight, weight_d0, weight_z0 = ws.line, ws.line[_WEIGHT], ws.line[_WEIGHT_D0], ws.line[_WEIGHT_Z0]
    sine, cosine, cot, d0, z0 = line[_SINE], line[_COSINE], line[_COT], line[_D0], line[_Z0]
    var_d0, var_z0 = line[_VAR_D0], line[_VAR_Z0]
    for t in range(n):
        r1 = d0[t] + x * sine[t] - y * cosine[t]
        r2 = z0[t] + (x * cosine[t] + y * sine[t]) * cot[t] - z
        w1, w2 = 1.0 / (var_d0[t] + blur2), 1.0 / (var_z0[t] + blur2)
        excess = (r1 * r1 * w1 + r2 * r2 * w2 - chi2_cut) * half_beta
        far = (excess > 20.0) | ((r2 * r2 > _WINDOW * _WINDOW) & (r2 * r2 > 25.0 * var_z0[t]))
        weight[t] = 0.0 if far else 1.0 / (1.0 + _flat_exp(excess))
    for t in range(n):
        weight_d0[t] = weight[t] * (1.0 / (var_d0[t] + blur2))
    for t in range(n):
        weight_z0[t] = weight[t] * (1.0 / (var_z0[t] + blur2))


@inline
def _step(n: int, half_beta: float, blur2: float, beam_spot: NDArray[np.float64], chi2_cut: float,
          ws: VertexWorkspace) -> None:
    """Re-weight the tracks at the present vertex and solve the linear fit."""
    fit, line = ws.fit, ws.line
    _weigh(n, half_beta, blur2, chi2_cut, ws)
    xx, yy = 1.0 / (beam_spot[0] * beam_spot[0]), 1.0 / (beam_spot[1] * beam_spot[1])
    zz = 1.0 / (beam_spot[2] * beam_spot[2])
    xy, xz, yz, gx, gy, gz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        w1, w2 = line[_WEIGHT_D0, t], line[_WEIGHT_Z0, t]
        sine, cosine, cot = line[_SINE, t], line[_COSINE, t], line[_COT, t]
        a, b = cosine * cot, sine * cot
        xx += w1 * sine * sine + w2 * a * a
        xy += w2 * a * b - w1 * sine * cosine
        xz -= w2 * a
        yy += w1 * cosine * cosine + w2 * b * b
        yz -= w2 * b
        zz += w2
        c1, c2 = line[_D0, t] * w1, line[_Z0, t] * w2
        gx -= c1 * sine + c2 * a
        gy += c1 * cosine - c2 * b
        gz += c2
    _solve(xx, xy, xz, yy, yz, zz, gx, gy, gz, fit)


@inline
def _solve(xx: float, xy: float, xz: float, yy: float, yz: float, zz: float, gx: float, gy: float, gz: float,
           fit: NDArray[np.float64]) -> None:
    """Write the solution of the symmetric 3x3 system and its inverse matrix (Cholesky) to `fit`."""
    l11 = math.sqrt(xx)
    l21, l31 = xy / l11, xz / l11
    l22 = math.sqrt(yy - l21 * l21)
    l32 = (yz - l31 * l21) / l22
    l33 = math.sqrt(zz - l31 * l31 - l32 * l32)
    # the inverse of the lower triangle
    m11, m22, m33 = 1.0 / l11, 1.0 / l22, 1.0 / l33
    m21 = -l21 * m11 * m22
    m32 = -l32 * m22 * m33
    m31 = -(l31 * m11 + l32 * m21) * m33
    cxx, cxy, cxz = m11 * m11 + m21 * m21 + m31 * m31, m21 * m22 + m31 * m32, m31 * m33
    cyy, cyz, czz = m22 * m22 + m32 * m32, m32 * m33, m33 * m33
    fit[0] = cxx * gx + cxy * gy + cxz * gz
    fit[1] = cxy * gx + cyy * gy + cyz * gz
    fit[2] = cxz * gx + cyz * gy + czz * gz
    fit[3], fit[4], fit[5], fit[6], fit[7], fit[8] = cxx, cxy, cxz, cyy, cyz, czz

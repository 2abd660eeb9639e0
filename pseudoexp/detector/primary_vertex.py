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
from pseudoexp.core.jit import inline, kernel
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
_SINE, _COSINE, _COT, _VAR_D0, _VAR_Z0, _PT2 = range(6)


class VertexWorkspace(NamedTuple):
    """Scratch of the vertex fit."""

    line: NDArray[np.float64]  # (capacity, 6) sin phi, cos phi, cot theta, sigma^2 of d0 and z0, pT^2
    histogram: NDArray[np.float64]  # (bins, 2) over z0: sum of pT^2, sum of pT^2 z0
    fit: NDArray[np.float64]  # (9,) x, y, z and the covariance xx, xy, xz, yy, yz, zz


def vertex_workspace(capacity: int) -> VertexWorkspace:
    """Return the scratch space for `capacity` tracks."""
    return VertexWorkspace(np.zeros((capacity, 6)), np.zeros((_BINS, 2)), np.zeros(9))


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
        score = _adaptive_fit(tracks, n, z, beam_spot, chi2_cut, ws)
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
    return math.floor(z / _BIN) + _BINS // 2


@inline
def _prepare(tracks: Tracks, n: int, ws: VertexWorkspace) -> tuple[int, int]:
    """Fill the straight lines of all tracks and the histogram of z0; return where the pairs of filled bins start, end."""
    ws.histogram[:, :] = 0.0
    first, end = _BINS, 0
    for t in range(n):
        perigee, covariance, line = tracks.perigee[t], tracks.covariance[t], ws.line[t]
        sine, cosine = sincos(perigee[PHI])
        sine_theta, cosine_theta = sincos(perigee[THETA])
        line[_SINE], line[_COSINE], line[_COT] = sine, cosine, cosine_theta / sine_theta
        line[_VAR_D0], line[_VAR_Z0] = covariance[D0, D0], covariance[Z0, Z0]
        line[_PT2] = min(tracks.pt[t] * tracks.pt[t], _MAX_PT2)
        b = _bin_of(perigee[Z0])
        if abs(perigee[D0]) < _MAX_SEED_D0 and 1 <= b < _BINS - 1:
            ws.histogram[b, 0] += line[_PT2]
            ws.histogram[b, 1] += line[_PT2] * perigee[Z0]
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
def _adaptive_fit(tracks: Tracks, n: int, seed: float, beam_spot: NDArray[np.float64], chi2_cut: float,
                  ws: VertexWorkspace) -> float:
    """Fit from (0, 0, seed), leave the result in `ws.fit`, and return the activity there."""
    fit = ws.fit
    fit[0], fit[1], fit[2] = 0.0, 0.0, seed
    for k in range(_TEMPERATURES.shape[0]):
        _step(tracks, n, 0.5 / _TEMPERATURES[k], _BLUR[k] * _BLUR[k], beam_spot, chi2_cut, ws)
    return _activity(tracks, n, ws)


@inline
def _activity(tracks: Tracks, n: int, ws: VertexWorkspace) -> float:
    """Return the sum of pT^2 [GeV^2] near the vertex: displaced tracks of its heavy hadrons belong to it as well."""
    x, y, z = ws.fit[0], ws.fit[1], ws.fit[2]
    total = 0.0
    for t in range(n):
        sine, cosine, cot = ws.line[t, _SINE], ws.line[t, _COSINE], ws.line[t, _COT]
        r1 = tracks.perigee[t, D0] + x * sine - y * cosine
        r2 = tracks.perigee[t, Z0] + (x * cosine + y * sine) * cot - z
        far = r1 * r1 / (_NEAR_D0 * _NEAR_D0) + r2 * r2 / ((1.0 + cot * cot) * _NEAR_Z0 * _NEAR_Z0)
        total += ws.line[t, _PT2] / (1.0 + far)
    return total


@inline
def _step(tracks: Tracks, n: int, half_beta: float, blur2: float, beam_spot: NDArray[np.float64], chi2_cut: float,
          ws: VertexWorkspace) -> None:
    """Re-weight the tracks at the present vertex and solve the linear fit."""
    fit = ws.fit
    x, y, z = fit[0], fit[1], fit[2]
    xx, yy = 1.0 / (beam_spot[0] * beam_spot[0]), 1.0 / (beam_spot[1] * beam_spot[1])
    zz = 1.0 / (beam_spot[2] * beam_spot[2])
    xy, xz, yz, gx, gy, gz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        line, perigee = ws.line[t], tracks.perigee[t]
        sine, cosine, cot = line[_SINE], line[_COSINE], line[_COT]
        r2 = perigee[Z0] + (x * cosine + y * sine) * cot - z
        if r2 * r2 > _WINDOW * _WINDOW and r2 * r2 > 25.0 * line[_VAR_Z0]:
            continue
        w1, w2 = 1.0 / (line[_VAR_D0] + blur2), 1.0 / (line[_VAR_Z0] + blur2)
        r1 = perigee[D0] + x * sine - y * cosine
        excess = (r1 * r1 * w1 + r2 * r2 * w2 - chi2_cut) * half_beta
        if excess > 20.0:
            continue
        weight = 1.0 / (1.0 + exp(excess))
        w1, w2 = weight * w1, weight * w2
        a, b = cosine * cot, sine * cot
        xx += w1 * sine * sine + w2 * a * a
        xy += w2 * a * b - w1 * sine * cosine
        xz -= w2 * a
        yy += w1 * cosine * cosine + w2 * b * b
        yz -= w2 * b
        zz += w2
        c1, c2 = perigee[D0] * w1, perigee[Z0] * w2
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

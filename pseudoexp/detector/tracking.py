"""Tracks: which charged particles are found, and how well their perigees are measured.

Efficiency, losses and widening follow the card. Found tracks get perigee parameters smeared with a 5x5 covariance
of two correlated pairs, (d0, phi) and (z0, theta), and q/p; its Cholesky factor is written out by hand, so it is
positive definite by construction. A share of the tracks is smeared more widely than the covariance says (wrong
hits); a small rate of fakes stands near charged particles. A card's efficiency holds for particles from the
collision with nuclear interactions included; those are simulated, so what is applied is the efficiency of survivors.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import asinh, atan2, exp, log, sincos, sinh
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_phi
from pseudoexp.core.reconstructed import (
    D0 as TRACK_D0,
    ORIGIN_FAKE,
    PHI as TRACK_PHI,
    QOVERP,
    THETA,
    Tracks,
    TrackTruth,
    Z0 as TRACK_Z0,
)
from pseudoexp.core.rng import STAGE_FAKES, STAGE_TRACKING, Stream, normal4, uniform4
from pseudoexp.detector import helix
from pseudoexp.detector.particles import COT_THETA, D0, ETA, PHI, PT, Z0, Particles
from pseudoexp.detector.tables import (
    RESOLUTION_ETA_STEP,
    RESOLUTION_LN_PT_MIN,
    RESOLUTION_LN_PT_STEP,
    TrackingTables,
)

HADRON, SOFT_HADRON, MUON, ELECTRON = range(4)
"""Rows of `TrackingTables.efficiency`."""
_PHI_BINS = 256
_MARGIN = 0.8  # particles down to this share of the smallest pT may be measured above it
_MAX_RELATIVE_SIGMA = 5.0
_SIGMA_FLOOR = 1e-6
_FAKE_SPREAD = 0.1  # rad
_FAKE_D0, _FAKE_Z0 = 1.0, 1.0  # mm
_FAKE_WIDENING = 2.0


class TrackingWorkspace(NamedTuple):
    """Charged particles in acceptance, linked by bins of azimuth."""

    candidate: NDArray[np.int64]  # (capacity,) row in the particle list
    following: NDArray[np.int64]  # (capacity,) next candidate of the same bin, -1 at the end
    first: NDArray[np.int64]  # (bins,) first candidate of a bin, -1 without


def tracking_workspace(capacity: int) -> TrackingWorkspace:
    """Return the scratch space for `capacity` charged particles."""
    return TrackingWorkspace(np.zeros(capacity, np.int64), np.zeros(capacity, np.int64),
                             np.zeros(_PHI_BINS, np.int64))


def tracks_workspace(capacity: int) -> tuple[Tracks, TrackTruth]:
    """Return empty tracks and their truth."""
    tracks = Tracks(np.zeros((capacity, 5)), np.zeros((capacity, 5, 5)), np.zeros(capacity), np.zeros(capacity))
    return tracks, TrackTruth(np.zeros(capacity, np.int32), np.zeros(capacity, np.int32))


@kernel
def reconstruct_tracks(particles: Particles, n: int, stream: Stream, tables: TrackingTables,
                       tracks: Tracks, truth: TrackTruth, ws: TrackingWorkspace) -> int:
    """Fill `tracks` and `truth` from the first `n` particles and return their number; -1 without room."""
    count = _select(particles, n, tables, ws)
    if count < 0:
        return -1
    n_tracks = 0
    for k in range(count):
        if n_tracks + 2 > tracks.pt.shape[0]:
            return -1
        i = ws.candidate[k]
        widening = _found(particles, k, stream, tables, ws)
        if widening > 0.0 and _measure(particles, i, widening, stream, tables, tracks, n_tracks):
            truth.particle[n_tracks] = particles.row[i]
            truth.origin[n_tracks] = particles.origin[i]
            n_tracks += 1
        u = uniform4(stream, STAGE_FAKES, particles.item[i], 0)
        if u[0] < tables.fake_rate and _fake(particles, i, u, stream, tables, tracks, n_tracks):
            truth.particle[n_tracks] = -1
            truth.origin[n_tracks] = ORIGIN_FAKE
            n_tracks += 1
    return n_tracks


@inline
def _phi_bin(phi: float) -> int:
    return min(max(int((phi + math.pi) * (_PHI_BINS / (2.0 * math.pi))), 0), _PHI_BINS - 1)


@inline
def _select(particles: Particles, n: int, tables: TrackingTables, ws: TrackingWorkspace) -> int:
    """List the charged particles in acceptance and return their number; -1 without room."""
    ws.first[:] = -1
    count = 0
    for i in range(n):
        h = particles.helix[i]
        if particles.charge[i] == 0.0 or h[PT] < _MARGIN * tables.min_pt:
            continue
        if particles.end[i, 0] < tables.min_end_radius:
            continue
        h[ETA] = asinh(h[COT_THETA])
        if abs(h[ETA]) > tables.max_abs_eta + 0.05 or abs(h[D0]) > tables.max_abs_d0 + 1.0:
            continue
        if count >= ws.candidate.shape[0]:
            return -1
        b = _phi_bin(h[PHI])
        ws.candidate[count] = i
        ws.following[count] = ws.first[b]
        ws.first[b] = count
        count += 1
    return count


@inline
def _neighbours(particles: Particles, k: int, radius: float, ws: TrackingWorkspace) -> int:
    """Return the number of other candidates within `radius` in (eta, phi)."""
    h = particles.helix[ws.candidate[k]]
    reach = int(radius * (_PHI_BINS / (2.0 * math.pi))) + 1
    centre = _phi_bin(h[PHI])
    count = 0
    for step in range(-reach, reach + 1):
        j = ws.first[(centre + step) & (_PHI_BINS - 1)]
        while j >= 0:
            g = particles.helix[ws.candidate[j]]
            d_eta = g[ETA] - h[ETA]
            d_phi = delta_phi(g[PHI], h[PHI])
            if j != k and d_eta * d_eta + d_phi * d_phi < radius * radius:
                count += 1
            j = ws.following[j]
    return count


@inline
def _path_factor(cot_theta: float, tables: TrackingTables) -> float:
    return min(math.sqrt(1.0 + cot_theta * cot_theta), tables.max_path_factor)


@inline
def _survival(cot_theta: float, tables: TrackingTables) -> float:
    """Return the probability of a hadron from the collision to cross all material without a nuclear interaction."""
    return exp(-tables.interaction_lengths * _path_factor(cot_theta, tables))


@inline
def _found(particles: Particles, k: int, stream: Stream, tables: TrackingTables,
           ws: TrackingWorkspace) -> float:
    """Return the factor on the resolution if candidate `k` is found, 0 if it is not."""
    i = ws.candidate[k]
    h = particles.helix[i]
    kind = abs(particles.pdg_id[i])
    row = HADRON if h[PT] >= tables.pt_split else SOFT_HADRON
    if kind == species.MUON:
        row = MUON
    elif kind == species.ELECTRON:
        row = ELECTRON
    efficiency = tables.efficiency[row, 0 if abs(h[ETA]) < tables.eta_split else 1]
    if row == HADRON or row == SOFT_HADRON:
        efficiency = min(efficiency / _survival(h[COT_THETA], tables), 1.0)
    widening = 1.0
    v = particles.vertex[i]
    radius2 = v[0] * v[0] + v[1] * v[1]
    for m in range(tables.production.shape[0] - 1, -1, -1):
        if radius2 > tables.production[m, 0] * tables.production[m, 0]:
            efficiency *= tables.production[m, 1]
            widening = tables.production[m, 2]
            break
    near = _neighbours(particles, k, tables.dense[0], ws)
    efficiency *= 1.0 - min(tables.dense[1] * near, tables.dense[2])
    widening *= 1.0 + tables.dense[3] * min(near, 10)
    u = uniform4(stream, STAGE_TRACKING, particles.item[i], 0)
    return widening if u[0] < efficiency else 0.0


@inline
def impact_resolution(sigma: NDArray[np.float64], pt: float, abs_eta: float) -> tuple[float, float]:
    """Return (sigma(d0), sigma(z0)) [mm] from the table, bilinear in ln pT and |eta|."""
    a = (log(pt) - RESOLUTION_LN_PT_MIN) * (1.0 / RESOLUTION_LN_PT_STEP)
    a = min(max(a, 0.0), sigma.shape[0] - 1.001)
    b = min(abs_eta * (1.0 / RESOLUTION_ETA_STEP), sigma.shape[1] - 1.001)
    i, j = int(a), int(b)
    f, g = a - i, b - j
    w00, w01, w10, w11 = (1.0 - f) * (1.0 - g), (1.0 - f) * g, f * (1.0 - g), f * g
    s00, s01, s10, s11 = sigma[i, j], sigma[i, j + 1], sigma[i + 1, j], sigma[i + 1, j + 1]
    return (w00 * s00[0] + w01 * s01[0] + w10 * s10[0] + w11 * s11[0],
            w00 * s00[1] + w01 * s01[1] + w10 * s10[1] + w11 * s11[1])


@inline
def momentum_resolution(momentum: NDArray[np.float64], pt: float, abs_eta: float) -> float:
    """Return sigma(pT)/pT; it doubles from the edge of the flat part to |eta| = 2.5."""
    slope = momentum[0] * pt
    growth = 1.0 + max(abs_eta - momentum[2], 0.0) / (2.5 - momentum[2])
    return growth * math.sqrt(slope * slope + momentum[1] * momentum[1])


@inline
def _sigmas(pt: float, abs_eta: float, cot_theta: float, widening: float, tables: TrackingTables,
            ) -> tuple[float, float, float, float, float]:
    """Return sigma of d0, z0, phi, theta and the relative one of q/p."""
    d0, z0 = impact_resolution(tables.sigma, pt, abs_eta)
    d0, z0 = max(d0 * widening, _SIGMA_FLOOR), max(z0 * widening, _SIGMA_FLOOR)
    theta = z0 / (tables.lever_arm * (1.0 + cot_theta * cot_theta))
    relative = min(momentum_resolution(tables.momentum, pt, abs_eta), _MAX_RELATIVE_SIGMA)
    return d0, z0, d0 / tables.lever_arm, theta, relative


@inline
def _set_covariance(covariance: NDArray[np.float64], d0: float, z0: float, phi: float, theta: float, qoverp: float,
                    correlation: NDArray[np.float64]) -> None:
    covariance[:, :] = 0.0
    covariance[TRACK_D0, TRACK_D0] = d0 * d0
    covariance[TRACK_Z0, TRACK_Z0] = z0 * z0
    covariance[TRACK_PHI, TRACK_PHI] = phi * phi
    covariance[THETA, THETA] = theta * theta
    covariance[QOVERP, QOVERP] = qoverp * qoverp
    covariance[TRACK_D0, TRACK_PHI] = covariance[TRACK_PHI, TRACK_D0] = correlation[0] * d0 * phi
    covariance[TRACK_Z0, THETA] = covariance[THETA, TRACK_Z0] = correlation[1] * z0 * theta


@inline
def _measure(particles: Particles, i: int, widening: float, stream: Stream, tables: TrackingTables, tracks: Tracks,
             t: int) -> bool:
    """Write the measured particle `i` to row `t`; False if it falls out of the acceptance."""
    h = particles.helix[i]
    item = particles.item[i]
    g0, g1, g2, g3 = normal4(stream, STAGE_TRACKING, item, 1)
    g4 = normal4(stream, STAGE_TRACKING, item, 2)[0]
    u = uniform4(stream, STAGE_TRACKING, item, 3)
    core = _sigmas(h[PT], abs(h[ETA]), h[COT_THETA], widening, tables)
    wide = tables.tail[1] if u[0] < tables.tail[0] else 1.0
    r0, r1 = tables.correlation[0], tables.correlation[1]
    d0 = h[D0] + wide * core[0] * g0
    z0 = h[Z0] + wide * core[1] * g1
    phi = helix.wrap(h[PHI] + wide * core[2] * (r0 * g0 + math.sqrt(1.0 - r0 * r0) * g2))
    theta = atan2(1.0, h[COT_THETA]) + wide * core[3] * (r1 * g1 + math.sqrt(1.0 - r1 * r1) * g3)
    inverse_p = particles.charge[i] / (h[PT] * math.sqrt(1.0 + h[COT_THETA] * h[COT_THETA]))
    qoverp = inverse_p * (1.0 + wide * core[4] * g4)
    if tables.bremsstrahlung and abs(particles.pdg_id[i]) == species.ELECTRON:
        qoverp *= _bremsstrahlung(u[1], h[COT_THETA], tables)
    return _write(tracks, t, d0, z0, phi, theta, qoverp, core, abs(inverse_p), tables)


@inline
def _write(tracks: Tracks, t: int, d0: float, z0: float, phi: float, theta: float, qoverp: float,
           core: tuple[float, float, float, float, float], inverse_p: float, tables: TrackingTables) -> bool:
    """Write a track to row `t` and return whether it is within the acceptance."""
    if not (theta > 1e-3 and theta < math.pi - 1e-3):
        return False
    if abs(qoverp) < 1e-5:
        qoverp = math.copysign(1e-5, qoverp)
    sine, cosine = sincos(theta)
    pt = sine / abs(qoverp)
    eta = asinh(cosine / sine)
    if not (pt >= tables.min_pt and abs(eta) < tables.max_abs_eta and abs(d0) < tables.max_abs_d0):
        return False
    perigee = tracks.perigee[t]
    perigee[TRACK_D0], perigee[TRACK_Z0], perigee[TRACK_PHI], perigee[THETA], perigee[QOVERP] = d0, z0, phi, theta, qoverp
    _set_covariance(tracks.covariance[t], core[0], core[1], core[2], core[3], core[4] * inverse_p, tables.correlation)
    tracks.pt[t] = pt
    tracks.eta[t] = eta
    return True


@inline
def _bremsstrahlung(u: float, cot_theta: float, tables: TrackingTables) -> float:
    """Return the factor on an electron's q/p after radiating (Bethe and Heitler).

    -ln(E'/E) has a gamma distribution of shape a = thickness / ln 2 radiation lengths; its quantile for small a is
    (u Gamma(1 + a))^(1/a), with ln Gamma(1 + a) = -0.5772 a + 0.8225 a^2.
    """
    a = tables.radiation_lengths * _path_factor(cot_theta, tables) / 0.6931471805599453
    if a <= 0.0:
        return 1.0
    return exp(min(exp(log(u) / a - 0.5772156649 + 0.8224670334 * a), 3.0))


@inline
def _fake(particles: Particles, i: int, u: tuple[float, float, float, float], stream: Stream, tables: TrackingTables,
          tracks: Tracks, t: int) -> bool:
    """Write a fake track near particle `i` to row `t`; False if it falls out of the acceptance.

    Steep in pT (pT^-2.5), around the particle's direction and z0, with impact parameters of a millimetre.
    """
    h = particles.helix[i]
    g0, g1, g2, g3 = normal4(stream, STAGE_FAKES, particles.item[i], 1)
    pt = min(tables.min_pt * exp(-log(u[1]) / 1.5), 20.0)
    cot_theta = sinh(h[ETA] + _FAKE_SPREAD * g0)
    charge = 1.0 if u[2] < 0.5 else -1.0
    d0 = -_FAKE_D0 * log(u[3]) * (1.0 if g3 > 0.0 else -1.0)
    z0 = h[Z0] + _FAKE_Z0 * g2
    core = _sigmas(pt, min(abs(asinh(cot_theta)), tables.max_abs_eta), cot_theta, _FAKE_WIDENING, tables)
    inverse_p = 1.0 / (pt * math.sqrt(1.0 + cot_theta * cot_theta))
    return _write(tracks, t, d0, z0, helix.wrap(h[PHI] + _FAKE_SPREAD * g1), atan2(1.0, cot_theta), charge * inverse_p,
                  core, inverse_p, tables)

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

from pseudoexp.core import reconstructed, species
from pseudoexp.core.elementary import asinh, atan2, exp, log, sincos, sinh
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_phi
from pseudoexp.core.reconstructed import ORIGIN_FAKE, QOVERP, THETA, Tracks, TrackTruth
from pseudoexp.core.rng import STAGE_FAKES, STAGE_TRACKING, Stream, box_muller, normal4, uniform4
from pseudoexp.detector import helix
from pseudoexp.detector.particles import (
    CHARGE,
    COT_THETA,
    D0,
    END_RADIUS,
    ETA,
    ITEM,
    ORIGIN,
    PDG_ID,
    PHI,
    PT,
    ROW,
    Z0,
    Particles,
    X,
    Y,
)
from pseudoexp.detector.tables import (
    RESOLUTION_ETA_STEP,
    RESOLUTION_LN_PT_MIN,
    RESOLUTION_LN_PT_STEP,
    MaterialTables,
    TrackingTables,
)

TRACK_D0, TRACK_Z0, TRACK_PHI = reconstructed.D0, reconstructed.Z0, reconstructed.PHI
HADRON, SOFT_HADRON, MUON, ELECTRON = range(4)
"""Rows of `TrackingTables.efficiency`."""
_PHI_BINS = 256
_MARGIN = 0.8  # particles down to this share of the smallest pT may be measured above it
_MAX_RELATIVE_SIGMA = 5.0
_SIGMA_FLOOR = 1e-6  # mm
_MIN_QOVERP = 1e-5  # 1/GeV
_MAX_LOSS = 3.0
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
def reconstruct_tracks(particles: Particles, n: int, stream: Stream, tables: TrackingTables, material: MaterialTables,
                       tracks: Tracks, truth: TrackTruth, ws: TrackingWorkspace) -> int:
    """Fill `tracks` and `truth` from the first `n` particles and return their number; -1 without room."""
    state, code = particles.state, particles.code
    count = _select(state, n, tables, ws)
    if count < 0:
        return -1
    n_tracks = 0
    for k in range(count):
        if n_tracks + 2 > tracks.pt.shape[0]:
            return -1
        i = ws.candidate[k]
        kind = abs(code[i, PDG_ID])
        u = uniform4(stream, STAGE_TRACKING, code[i, ITEM], 0)
        near = _neighbours(state, k, tables.dense_radius, ws)
        path = min(math.sqrt(1.0 + state[i, COT_THETA] * state[i, COT_THETA]), material.max_path_factor)
        efficiency, widening = _efficiency(state, i, kind, near, path * material.interaction_lengths, tables)
        if u[0] < efficiency:
            loss = 1.0
            if tables.bremsstrahlung and kind == species.ELECTRON:
                loss = _bremsstrahlung(u[2], path * material.radiation_lengths)
            wide = widening * (tables.tail_widening if u[1] < tables.tail_fraction else 1.0)
            if _measure(state, i, widening, wide, loss, stream, code[i, ITEM], tables, tracks, n_tracks):
                truth.particle[n_tracks] = code[i, ROW]
                truth.origin[n_tracks] = code[i, ORIGIN]
                n_tracks += 1
        if u[3] < tables.fake_rate and _fake(state, i, stream, code[i, ITEM], tables, tracks, n_tracks):
            truth.particle[n_tracks] = -1
            truth.origin[n_tracks] = ORIGIN_FAKE
            n_tracks += 1
    return n_tracks


@inline
def _phi_bin(phi: float) -> int:
    return min(max(int((phi + math.pi) * (_PHI_BINS / (2.0 * math.pi))), 0), _PHI_BINS - 1)


@inline
def _select(state: NDArray[np.float64], n: int, tables: TrackingTables, ws: TrackingWorkspace) -> int:
    """List the charged particles in acceptance and return their number; -1 without room."""
    ws.first[:] = -1
    count = 0
    for i in range(n):
        if state[i, CHARGE] == 0.0 or state[i, PT] < _MARGIN * tables.min_pt:
            continue
        if state[i, END_RADIUS] < tables.min_end_radius or abs(state[i, D0]) > tables.max_abs_d0 + 1.0:
            continue
        eta = asinh(state[i, COT_THETA])
        if abs(eta) > tables.max_abs_eta + 0.05:
            continue
        if count >= ws.candidate.shape[0]:
            return -1
        state[i, ETA] = eta
        b = _phi_bin(state[i, PHI])
        ws.candidate[count] = i
        ws.following[count] = ws.first[b]
        ws.first[b] = count
        count += 1
    return count


@inline
def _neighbours(state: NDArray[np.float64], k: int, radius: float, ws: TrackingWorkspace) -> int:
    """Return the number of other candidates within `radius` in (eta, phi) of candidate `k`."""
    eta, phi = state[ws.candidate[k], ETA], state[ws.candidate[k], PHI]
    reach = int(radius * (_PHI_BINS / (2.0 * math.pi))) + 1
    centre = _phi_bin(phi)
    count = 0
    for step in range(-reach, reach + 1):
        j = ws.first[(centre + step) & (_PHI_BINS - 1)]
        while j >= 0:
            i = ws.candidate[j]
            d_eta = state[i, ETA] - eta
            d_phi = delta_phi(state[i, PHI], phi)
            if j != k and d_eta * d_eta + d_phi * d_phi < radius * radius:
                count += 1
            j = ws.following[j]
    return count


@inline
def _efficiency(state: NDArray[np.float64], i: int, kind: int, near: int, interaction_lengths: float,
                tables: TrackingTables) -> tuple[float, float]:
    """Return the probability to find particle `i` and the factor on its resolution."""
    row = HADRON if state[i, PT] >= tables.pt_split else SOFT_HADRON
    if kind == species.MUON:
        row = MUON
    elif kind == species.ELECTRON:
        row = ELECTRON
    efficiency = tables.efficiency[row, 0 if abs(state[i, ETA]) < tables.eta_split else 1]
    if row <= SOFT_HADRON:
        efficiency = min(efficiency * exp(interaction_lengths), 1.0)
    widening = 1.0
    radius2 = state[i, X] * state[i, X] + state[i, Y] * state[i, Y]
    for m in range(tables.production.shape[0] - 1, -1, -1):
        if radius2 > tables.production[m, 0] * tables.production[m, 0]:
            efficiency *= tables.production[m, 1]
            widening = tables.production[m, 2]
            break
    efficiency *= 1.0 - min(tables.dense_loss * near, tables.dense_max_loss)
    return efficiency, widening * (1.0 + tables.dense_widening * min(near, 10))


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
def momentum_resolution(pt: float, abs_eta: float, tables: TrackingTables) -> float:
    """Return sigma(pT)/pT; it doubles from the edge of the flat part to |eta| = 2.5."""
    slope = tables.momentum_slope * pt
    growth = 1.0 + max(abs_eta - tables.momentum_eta_flat, 0.0) / (2.5 - tables.momentum_eta_flat)
    return growth * math.sqrt(slope * slope + tables.momentum_constant * tables.momentum_constant)


@inline
def _sigmas(pt: float, abs_eta: float, cot_theta: float, widening: float,
            tables: TrackingTables) -> tuple[float, float, float, float, float]:
    """Return sigma of d0, z0 [mm], phi, theta [rad] and the relative one of q/p."""
    d0, z0 = impact_resolution(tables.sigma, pt, abs_eta)
    d0, z0 = max(d0 * widening, _SIGMA_FLOOR), max(z0 * widening, _SIGMA_FLOOR)
    theta = z0 / (tables.lever_arm * (1.0 + cot_theta * cot_theta))
    relative = min(momentum_resolution(pt, abs_eta, tables), _MAX_RELATIVE_SIGMA)
    return d0, z0, d0 / tables.lever_arm, theta, relative


@inline
def _measure(state: NDArray[np.float64], i: int, widening: float, wide: float, loss: float, stream: Stream, item: int,
             tables: TrackingTables, tracks: Tracks, t: int) -> bool:
    """Write the measured particle `i` to row `t`; False if it falls out of the acceptance.

    The covariance is that of the resolution times `widening`, the smearing that of the resolution times `wide`.
    """
    g0, g1, g2, g3 = normal4(stream, STAGE_TRACKING, item, 1)
    u = uniform4(stream, STAGE_TRACKING, item, 2)
    cot_theta = state[i, COT_THETA]
    core = _sigmas(state[i, PT], abs(state[i, ETA]), cot_theta, widening, tables)
    f = wide / widening
    r0, r1 = tables.d0_phi_correlation, tables.z0_theta_correlation
    d0 = state[i, D0] + f * core[0] * g0
    z0 = state[i, Z0] + f * core[1] * g1
    phi = helix.wrap(state[i, PHI] + f * core[2] * (r0 * g0 + math.sqrt(1.0 - r0 * r0) * g2))
    theta = atan2(1.0, cot_theta) + f * core[3] * (r1 * g1 + math.sqrt(1.0 - r1 * r1) * g3)
    qoverp = state[i, CHARGE] / (state[i, PT] * math.sqrt(1.0 + cot_theta * cot_theta))
    measured = loss * qoverp * (1.0 + f * core[4] * box_muller(u[0], u[1]))
    return _write(d0, z0, phi, theta, measured, core, abs(qoverp), tables, tracks, t)


@inline
def _write(d0: float, z0: float, phi: float, theta: float, qoverp: float,
           core: tuple[float, float, float, float, float], inverse_p: float, tables: TrackingTables, tracks: Tracks,
           t: int) -> bool:
    """Write a track to row `t` and return whether it is within the acceptance."""
    if not (theta > 1e-3 and theta < math.pi - 1e-3):
        return False
    if abs(qoverp) < _MIN_QOVERP:
        qoverp = math.copysign(_MIN_QOVERP, qoverp)
    sine, cosine = sincos(theta)
    pt = sine / abs(qoverp)
    eta = asinh(cosine / sine)
    if not (pt >= tables.min_pt and abs(eta) < tables.max_abs_eta and abs(d0) < tables.max_abs_d0):
        return False
    tracks.pt[t], tracks.eta[t] = pt, eta
    perigee, covariance = tracks.perigee[t], tracks.covariance[t]
    perigee[TRACK_D0], perigee[TRACK_Z0], perigee[TRACK_PHI] = d0, z0, phi
    perigee[THETA], perigee[QOVERP] = theta, qoverp
    covariance[:, :] = 0.0
    covariance[TRACK_D0, TRACK_D0] = core[0] * core[0]
    covariance[TRACK_Z0, TRACK_Z0] = core[1] * core[1]
    covariance[TRACK_PHI, TRACK_PHI] = core[2] * core[2]
    covariance[THETA, THETA] = core[3] * core[3]
    covariance[QOVERP, QOVERP] = core[4] * core[4] * inverse_p * inverse_p
    off_d0, off_z0 = tables.d0_phi_correlation * core[0] * core[2], tables.z0_theta_correlation * core[1] * core[3]
    covariance[TRACK_D0, TRACK_PHI] = covariance[TRACK_PHI, TRACK_D0] = off_d0
    covariance[TRACK_Z0, THETA] = covariance[THETA, TRACK_Z0] = off_z0
    return True


@inline
def _bremsstrahlung(u: float, radiation_lengths: float) -> float:
    """Return the factor on an electron's q/p after radiating (Bethe and Heitler): -ln(E'/E) has a gamma distribution.

    Its shape is a = thickness / ln 2 radiation lengths and small. The quantile is found by bisection of
    F(y) = y^a exp(-y) sum_n y^n / (Gamma(1 + a) (1 + a) ... (n + a)).
    """
    a = radiation_lengths / 0.6931471805599453
    if a <= 0.0:
        return 1.0
    ln_gamma = a * (-0.5772156649 + a * (0.8224670334 + a * (-0.4006856344 + 0.2705808084 * a)))
    target = log(u) + ln_gamma
    low, high = 0.0, _MAX_LOSS
    for _ in range(30):
        y = 0.5 * (low + high)
        total = term = 1.0
        for n in range(1, 16):
            term *= y / (n + a)
            total += term
        if a * log(y) - y + log(total) < target:
            low = y
        else:
            high = y
    return exp(0.5 * (low + high))


@inline
def _fake(state: NDArray[np.float64], i: int, stream: Stream, item: int, tables: TrackingTables, tracks: Tracks,
          t: int) -> bool:
    """Write a fake track near particle `i` to row `t`; False if it falls out of the acceptance.

    Steep in pT (pT^-2.5), around the particle's direction and z0, with impact parameters of a millimetre.
    """
    u = uniform4(stream, STAGE_FAKES, item, 0)
    g0, g1, g2, g3 = normal4(stream, STAGE_FAKES, item, 1)
    pt = min(tables.min_pt * exp(-log(u[1]) / 1.5), 20.0)
    eta = min(max(state[i, ETA] + _FAKE_SPREAD * g0, -tables.max_abs_eta), tables.max_abs_eta)
    cot_theta = sinh(eta)
    charge = 1.0 if u[2] < 0.5 else -1.0
    d0 = -_FAKE_D0 * log(u[3]) * (1.0 if g3 > 0.0 else -1.0)
    core = _sigmas(pt, abs(eta), cot_theta, _FAKE_WIDENING, tables)
    inverse_p = 1.0 / (pt * math.sqrt(1.0 + cot_theta * cot_theta))
    return _write(d0, state[i, Z0] + _FAKE_Z0 * g2, helix.wrap(state[i, PHI] + _FAKE_SPREAD * g1),
                  atan2(1.0, cot_theta), charge * inverse_p, core, inverse_p, tables, tracks, t)

"""Tracks: which charged particles are found, and how well their perigees are measured.

Efficiency, losses and widening follow the card. Found tracks get perigee parameters smeared with a 5x5 covariance
of two correlated pairs, (d0, phi) and (z0, theta), and q/p; its Cholesky factor is written out by hand, so it is
positive definite by construction. A share of the tracks is smeared more widely than the covariance says (wrong
hits); a small rate of fakes stands near charged particles. A card's efficiency holds for particles from the
collision with nuclear interactions included; those are simulated, so what is applied is the efficiency of survivors.

Random numbers and transcendental functions are computed in loops over all candidates without a branch, which the
compiler turns into vector instructions; the rest one by one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import reconstructed, species
from pseudoexp.core.elementary import asinh, atan2, exp, log, sincos, sinh
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.kinematics import delta_phi
from pseudoexp.core.layout import row_length
from pseudoexp.core.reconstructed import ORIGIN_FAKE, QOVERP, THETA, Tracks, TrackTruth
from pseudoexp.core.rng import STAGE_FAKES, STAGE_TRACKING, Stream, fill_uniform4, normal4, normal_pair, uniform4
from pseudoexp.detector import helix
from pseudoexp.detector.bremsstrahlung import after_radiation
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
_FAKE_SPREAD = 0.1  # rad
_FAKE_D0, _FAKE_Z0 = 1.0, 1.0  # mm
_FAKE_WIDENING = 2.0
(_COT, _LN_PT, _SURVIVAL, _D0, _Z0, _PHI, _THETA, _QOVERP, _SINE, _ETA, _SIGMA_D0, _SIGMA_Z0, _SIGMA_PHI, _SIGMA_THETA,
 _SIGMA_P, _INVERSE_P) = range(16)
_NOT_FOUND = -1.0  # no polar angle
_flat_log, _flat_exp, _flat_sincos, _flat_atan2, _flat_asinh = flat(log), flat(exp), flat(sincos), flat(atan2), flat(asinh)
_flat_normal_pair, _flat_delta_phi = flat(normal_pair), flat(delta_phi)


class TrackingWorkspace(NamedTuple):
    """Charged particles in acceptance, and their directions sorted by bins of azimuth."""

    candidate: NDArray[np.int64]  # (capacity,) row in the particle list
    item: NDArray[np.int64]  # (capacity,) item of the random numbers
    end: NDArray[np.int64]  # (bins + 1,) how many candidates there are up to a bin
    sorted: NDArray[np.float64]  # (2, capacity) pseudorapidity and azimuth of the candidates by bins
    random: NDArray[np.float64]  # (12, capacity) numbers of the purposes 0 (uniform), 1 (normal) and 2 (two normal)
    measured: NDArray[np.float64]  # (16, capacity) what is looked up, the measured perigee, and its errors


def tracking_workspace(capacity: int) -> TrackingWorkspace:
    """Return the scratch space for `capacity` charged particles."""
    return TrackingWorkspace(
        candidate=np.zeros(capacity, np.int64), item=np.zeros(capacity, np.int64), end=np.zeros(_PHI_BINS + 1, np.int64),
        sorted=np.zeros((2, row_length(capacity))),
        random=np.zeros((12, row_length(capacity))), measured=np.zeros((_INVERSE_P + 1, row_length(capacity))))


def tracks_workspace(capacity: int) -> tuple[Tracks, TrackTruth]:
    """Return empty tracks and their truth."""
    tracks = Tracks(np.zeros((capacity, 5)), np.zeros((capacity, 5, 5)), np.zeros(capacity), np.zeros(capacity))
    return tracks, TrackTruth(np.zeros(capacity, np.int32), np.zeros(capacity, np.int32))


@kernel
def reconstruct_tracks(particles: Particles, n: int, stream: Stream, tables: TrackingTables, material: MaterialTables,
                       tracks: Tracks, truth: TrackTruth, ws: TrackingWorkspace) -> int:
    """Fill `tracks` and `truth` from the first `n` particles and return their number; -1 without room."""
    code, measured = particles.code, ws.measured
    count = _select(particles, n, tables, ws)
    if count < 0:
        return -1
    _draw(stream, count, ws)
    _look_up(measured[_COT], measured[_LN_PT], measured[_SURVIVAL], measured[_THETA], count, material)
    for k in range(count):
        _measure(particles, k, tables, material, ws)
    _turn(measured[_THETA], measured[_SINE], measured[_ETA], count)
    n_tracks = 0
    for k in range(count):
        if n_tracks + 2 > tracks.pt.shape[0]:
            return -1
        i = ws.candidate[k]
        if _write(measured[:, k], tables, tracks, n_tracks):
            truth.particle[n_tracks] = code[i, ROW]
            truth.origin[n_tracks] = code[i, ORIGIN]
            n_tracks += 1
        if ws.random[3, k] < tables.fake_rate and _fake(particles.state, i, stream, code[i, ITEM], tables, tracks,
                                                        n_tracks, measured[:, k]):
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
    state, candidate, cot, eta = particles.state, ws.candidate, ws.measured[_COT], ws.measured[_ETA]
    m = 0
    for i in range(n):
        if state[i, CHARGE] == 0.0 or state[i, PT] < _MARGIN * tables.min_pt:
            continue
        if state[i, END_RADIUS] < tables.min_end_radius or abs(state[i, D0]) > tables.max_abs_d0 + 1.0:
            continue
        if m >= candidate.shape[0]:
            return -1
        candidate[m], cot[m] = i, state[i, COT_THETA]
        m += 1
    for k in range(m):
        eta[k] = _flat_asinh(cot[k])
    count = 0
    for k in range(m):
        if abs(eta[k]) > tables.max_abs_eta + 0.05:
            continue
        i = candidate[k]
        state[i, ETA] = eta[k]
        candidate[count], cot[count], ws.measured[_LN_PT, count] = i, cot[k], state[i, PT]
        ws.item[count] = particles.code[i, ITEM]
        count += 1
    _sort(state, count, ws)
    return count


@inline
def _sort(state: NDArray[np.float64], count: int, ws: TrackingWorkspace) -> None:
    """Sort the directions of the candidates by bins of azimuth."""
    end = ws.end
    end[:] = 0
    for k in range(count):
        end[_phi_bin(state[ws.candidate[k], PHI])] += 1
    for b in range(1, _PHI_BINS + 1):
        end[b] += end[b - 1]
    for k in range(count):
        i = ws.candidate[k]
        b = _phi_bin(state[i, PHI])
        end[b] -= 1
        ws.sorted[0, end[b]], ws.sorted[1, end[b]] = state[i, ETA], state[i, PHI]
    for b in range(_PHI_BINS):
        end[b] = end[b + 1]


@inline
def _draw(stream: Stream, count: int, ws: TrackingWorkspace) -> None:
    """Fill the random numbers of all candidates."""
    for purpose in range(3):
        fill_uniform4(stream, STAGE_TRACKING, ws.item, count, purpose, ws.random[4 * purpose:4 * purpose + 4])
    for row in range(4, 10, 2):
        first, second = ws.random[row], ws.random[row + 1]
        for k in range(count):
            first[k], second[k] = _flat_normal_pair(first[k], second[k])


@inline
def _look_up(cot: NDArray[np.float64], ln_pt: NDArray[np.float64], survival: NDArray[np.float64],
             theta: NDArray[np.float64], count: int, material: MaterialTables) -> None:
    """Replace pT by its logarithm; fill the inverse probability of a hadron to survive the material, and the polar angle."""
    for k in range(count):
        ln_pt[k] = _flat_log(ln_pt[k])
    for k in range(count):
        survival[k] = _flat_exp(_path(cot[k], material) * material.interaction_lengths)
    for k in range(count):
        theta[k] = _flat_atan2(1.0, cot[k])


@inline
def _path(cot: float, material: MaterialTables) -> float:
    """Return the path through the material over that at normal incidence."""
    return min(math.sqrt(1.0 + cot * cot), material.max_path_factor)


@inline
def _turn(theta: NDArray[np.float64], sine: NDArray[np.float64], eta: NDArray[np.float64], count: int) -> None:
    """Fill sin(theta) and the pseudorapidity."""
    for k in range(count):
        s, c = _flat_sincos(theta[k])
        sine[k] = s
        eta[k] = c / s
    for k in range(count):
        eta[k] = _flat_asinh(eta[k])


@inline
def _neighbours(eta: float, phi: float, radius: float, ws: TrackingWorkspace) -> int:
    """Return the number of candidates within `radius` in (eta, phi) of a direction."""
    reach = int(radius * (_PHI_BINS / (2.0 * math.pi))) + 1
    low, high = _phi_bin(phi) - reach, _phi_bin(phi) + reach
    if high - low >= _PHI_BINS - 1:
        return _count(eta, phi, radius, 0, ws.end[_PHI_BINS], ws)
    first = ws.end[low - 1] if low > 0 else 0
    total = _count(eta, phi, radius, first, ws.end[min(high, _PHI_BINS - 1)], ws)
    if low < 0:
        total += _count(eta, phi, radius, ws.end[low + _PHI_BINS - 1], ws.end[_PHI_BINS], ws)
    if high >= _PHI_BINS:
        total += _count(eta, phi, radius, 0, ws.end[high - _PHI_BINS], ws)
    return total


@inline
def _count(eta: float, phi: float, radius: float, first: int, last: int, ws: TrackingWorkspace) -> int:
    """Return the number of sorted candidates `first` .. `last` - 1 within `radius` of a direction."""
    total = 0
    for j in range(first, last):
        d_eta = ws.sorted[0, j] - eta
        d_phi = _flat_delta_phi(ws.sorted[1, j], phi)
        total += 1 if d_eta * d_eta + d_phi * d_phi < radius * radius else 0
    return total


@inline
def _efficiency(state: NDArray[np.float64], i: int, kind: int, near: int, survival: float,
                tables: TrackingTables) -> tuple[float, float]:
    """Return the probability to find particle `i` and the factor on its resolution."""
    row = HADRON if state[i, PT] >= tables.pt_split else SOFT_HADRON
    if kind == species.MUON:
        row = MUON
    elif kind == species.ELECTRON:
        row = ELECTRON
    efficiency = tables.efficiency[row, 0 if abs(state[i, ETA]) < tables.eta_split else 1]
    if row <= SOFT_HADRON:
        efficiency = min(efficiency * survival, 1.0)
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
def impact_resolution(sigma: NDArray[np.float64], ln_pt: float, abs_eta: float) -> tuple[float, float]:
    """Return (sigma(d0), sigma(z0)) [mm] from the table, bilinear in ln pT and |eta|."""
    a = (ln_pt - RESOLUTION_LN_PT_MIN) * (1.0 / RESOLUTION_LN_PT_STEP)
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
def _fill_sigmas(pt: float, ln_pt: float, abs_eta: float, cot_theta: float, widening: float, tables: TrackingTables,
                 measured: NDArray[np.float64]) -> None:
    """Fill sigma of d0, z0 [mm], phi, theta [rad] and the relative one of q/p."""
    d0, z0 = impact_resolution(tables.sigma, ln_pt, abs_eta)
    d0, z0 = max(d0 * widening, _SIGMA_FLOOR), max(z0 * widening, _SIGMA_FLOOR)
    measured[_SIGMA_D0], measured[_SIGMA_Z0], measured[_SIGMA_PHI] = d0, z0, d0 / tables.lever_arm
    measured[_SIGMA_THETA] = z0 / (tables.lever_arm * (1.0 + cot_theta * cot_theta))
    measured[_SIGMA_P] = min(momentum_resolution(pt, abs_eta, tables), _MAX_RELATIVE_SIGMA)


@inline
def _measure(particles: Particles, k: int, tables: TrackingTables, material: MaterialTables, ws: TrackingWorkspace) -> None:
    """Measure candidate `k`, if it is found.

    The covariance is that of the resolution times the widening of dense surroundings and late production; the smearing
    of a share of the tracks is larger.
    """
    state, i, measured, random = particles.state, ws.candidate[k], ws.measured[:, k], ws.random[:, k]
    kind = abs(particles.code[i, PDG_ID])
    near = max(_neighbours(state[i, ETA], state[i, PHI], tables.dense_radius, ws) - 1, 0)  # without itself
    efficiency, widening = _efficiency(state, i, kind, near, measured[_SURVIVAL], tables)
    if not random[0] < efficiency:
        measured[_THETA] = _NOT_FOUND
        return
    cot_theta = state[i, COT_THETA]
    loss = 1.0
    if tables.bremsstrahlung and kind == species.ELECTRON:
        loss = after_radiation(random[2], _path(cot_theta, material) * material.radiation_lengths)
    wide = widening * (tables.tail_widening if random[1] < tables.tail_fraction else 1.0)
    _fill_sigmas(state[i, PT], measured[_LN_PT], abs(state[i, ETA]), cot_theta, widening, tables, measured)
    f = wide / widening
    r0, r1 = tables.d0_phi_correlation, tables.z0_theta_correlation
    g0, g1, g2, g3 = random[4], random[5], random[6], random[7]
    measured[_D0] = state[i, D0] + f * measured[_SIGMA_D0] * g0
    measured[_Z0] = state[i, Z0] + f * measured[_SIGMA_Z0] * g1
    measured[_PHI] = helix.wrap(state[i, PHI] + f * measured[_SIGMA_PHI] * (r0 * g0 + math.sqrt(1.0 - r0 * r0) * g2))
    measured[_THETA] += f * measured[_SIGMA_THETA] * (r1 * g1 + math.sqrt(1.0 - r1 * r1) * g3)
    qoverp = state[i, CHARGE] / (state[i, PT] * math.sqrt(1.0 + cot_theta * cot_theta))
    measured[_QOVERP] = loss * qoverp * (1.0 + f * measured[_SIGMA_P] * random[8])
    measured[_INVERSE_P] = abs(qoverp)


@inline
def _write(measured: NDArray[np.float64], tables: TrackingTables, tracks: Tracks, t: int) -> bool:
    """Write a track to row `t` and return whether it is found and within the acceptance."""
    d0, z0, theta, qoverp, eta = measured[_D0], measured[_Z0], measured[_THETA], measured[_QOVERP], measured[_ETA]
    if not (theta > 1e-3 and theta < math.pi - 1e-3):
        return False
    if abs(qoverp) < _MIN_QOVERP:
        qoverp = math.copysign(_MIN_QOVERP, qoverp)
    pt = measured[_SINE] / abs(qoverp)
    if not (pt >= tables.min_pt and abs(eta) < tables.max_abs_eta and abs(d0) < tables.max_abs_d0):
        return False
    tracks.pt[t], tracks.eta[t] = pt, eta
    perigee, covariance = tracks.perigee[t], tracks.covariance[t]
    perigee[TRACK_D0], perigee[TRACK_Z0], perigee[TRACK_PHI] = d0, z0, measured[_PHI]
    perigee[THETA], perigee[QOVERP] = theta, qoverp
    sigma_d0, sigma_z0, inverse_p = measured[_SIGMA_D0], measured[_SIGMA_Z0], measured[_INVERSE_P]
    sigma_phi, sigma_theta, sigma_p = measured[_SIGMA_PHI], measured[_SIGMA_THETA], measured[_SIGMA_P]
    covariance[:, :] = 0.0
    covariance[TRACK_D0, TRACK_D0] = sigma_d0 * sigma_d0
    covariance[TRACK_Z0, TRACK_Z0] = sigma_z0 * sigma_z0
    covariance[TRACK_PHI, TRACK_PHI] = sigma_phi * sigma_phi
    covariance[THETA, THETA] = sigma_theta * sigma_theta
    covariance[QOVERP, QOVERP] = sigma_p * sigma_p * inverse_p * inverse_p
    off_d0, off_z0 = tables.d0_phi_correlation * sigma_d0 * sigma_phi, tables.z0_theta_correlation * sigma_z0 * sigma_theta
    covariance[TRACK_D0, TRACK_PHI] = covariance[TRACK_PHI, TRACK_D0] = off_d0
    covariance[TRACK_Z0, THETA] = covariance[THETA, TRACK_Z0] = off_z0
    return True


@inline
def _fake(state: NDArray[np.float64], i: int, stream: Stream, item: int, tables: TrackingTables, tracks: Tracks,
          t: int, measured: NDArray[np.float64]) -> bool:
    """Write a fake track near particle `i` to row `t`; False if it falls out of the acceptance.

    Steep in pT (pT^-2.5), around the particle's direction and z0, with impact parameters of a millimetre.
    """
    u = uniform4(stream, STAGE_FAKES, item, 0)
    g0, g1, g2, g3 = normal4(stream, STAGE_FAKES, item, 1)
    pt = min(tables.min_pt * exp(-log(u[1]) / 1.5), 20.0)
    eta = min(max(state[i, ETA] + _FAKE_SPREAD * g0, -tables.max_abs_eta), tables.max_abs_eta)
    cot_theta = sinh(eta)
    charge = 1.0 if u[2] < 0.5 else -1.0
    theta = atan2(1.0, cot_theta)
    sine, cosine = sincos(theta)
    _fill_sigmas(pt, log(pt), abs(eta), cot_theta, _FAKE_WIDENING, tables, measured)
    measured[_INVERSE_P] = 1.0 / (pt * math.sqrt(1.0 + cot_theta * cot_theta))
    measured[_D0] = -_FAKE_D0 * log(u[3]) * (1.0 if g3 > 0.0 else -1.0)
    measured[_Z0] = state[i, Z0] + _FAKE_Z0 * g2
    measured[_PHI] = helix.wrap(state[i, PHI] + _FAKE_SPREAD * g1)
    measured[_THETA], measured[_QOVERP] = theta, charge * measured[_INVERSE_P]
    measured[_SINE], measured[_ETA] = sine, asinh(cosine / sine)
    return _write(measured, tables, tracks, t)

"""Tracks near a point: perigee relative to any vertical line, its covariance, lifetime signs.

The transverse projection of a track is a circle of signed curvature kappa = d(phi)/ds = -0.29979e-3 B[T]
(q/p)/sin(theta) per mm (a positive particle turns clockwise in a field along +z). Relative to the vertical
line through (x, y) it has, without cancellation for stiff tracks (V. Karimaki, NIM A 305 (1991) 187),

    A = 2 b + kappa (a^2 + b^2),   d0 = A / (1 + sqrt(1 + kappa A)),

with (a, b) the perigee point minus (x, y), along and to the left of the track's direction.

Lifetime signs as in ATLAS: sign(d0) = sign[sin(phi_jet - phi_track) d0], sign(z0) = sign[(eta_jet - eta_track) z0],
positive when the track crosses the jet axis downstream of the primary vertex.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import atan2, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import D0, PHI, QOVERP, THETA, PrimaryVertex, Tracks
from pseudoexp.core.reconstructed import Z0 as PERIGEE_Z0
from pseudoexp.flavour.workspace import (
    COS_PHI,
    COT_THETA,
    IP_CHI2,
    IP_D0,
    IP_SIGMA_D0,
    IP_SIGMA_Z0,
    IP_SIGNIFICANCE_D0,
    IP_SIGNIFICANCE_Z0,
    IP_Z0,
    KAPPA,
    KAPPA_PER_QOVERP,
    SIN_PHI,
    X0,
    Y0,
    Z0,
    FlavourSettings,
    FlavourWorkspace,
)

CURVATURE_PER_TESLA = 0.299792458e-3
"""Inverse radius [1/mm] of a unit charge of 1 GeV transverse momentum in 1 T."""


@kernel
def fill_helices(tracks: Tracks, rows, count: int, bz: float, helix) -> None:
    """Store point, direction and curvature at the perigee for the tracks `rows[:count]` in `helix` (slots, 8)."""
    for i in range(count):
        p = tracks.perigee[rows[i]]
        s, c = sincos(p[PHI])
        sin_theta, cos_theta = sincos(p[THETA])
        per_qoverp = -CURVATURE_PER_TESLA * bz / sin_theta
        helix[i, X0] = -p[D0] * s
        helix[i, Y0] = p[D0] * c
        helix[i, Z0] = p[PERIGEE_Z0]
        helix[i, COS_PHI] = c
        helix[i, SIN_PHI] = s
        helix[i, COT_THETA] = cos_theta / sin_theta
        helix[i, KAPPA] = per_qoverp * p[QOVERP]
        helix[i, KAPPA_PER_QOVERP] = per_qoverp


@inline
def closest_approach(helix, i: int, x: float, y: float) -> tuple[float, float, float, float]:
    """Return d0 to the vertical line at (x, y), the arc length there from the perigee, and cos and sin of phi there."""
    c = helix[i, COS_PHI]
    s = helix[i, SIN_PHI]
    kappa = helix[i, KAPPA]
    dx = helix[i, X0] - x
    dy = helix[i, Y0] - y
    a = dx * c + dy * s
    b = dy * c - dx * s
    bent = 2.0 * b + kappa * (a * a + b * b)
    root = math.sqrt(max(1.0 + kappa * bent, 1e-12))
    forward = 1.0 + kappa * b
    u = kappa * a / forward
    if abs(u) < 0.02:
        z = u * u
        arc = -a / forward * (1.0 - z * (1.0 / 3.0 - z * (0.2 - z / 7.0)))
    else:
        arc = -atan2(kappa * a, forward) / kappa
    cos_turn = forward / root
    sin_turn = -kappa * a / root
    return bent / (1.0 + root), arc, c * cos_turn - s * sin_turn, s * cos_turn + c * sin_turn


@inline
def transported_covariance(c, helix, i: int, arc: float) -> tuple[float, float, float]:
    """Return var(d0), cov(d0, z0), var(z0) of slot i at transverse arc length `arc` from its perigee.

    `c` is the track's 5 x 5 perigee covariance. Terms of second order in the turning angle are kept where
    they multiply the lever arm, which is accurate to 1e-3 for angles up to 0.2.
    """
    cot = helix[i, COT_THETA]
    kappa = helix[i, KAPPA]
    turn = kappa * arc
    sagitta = 0.5 * arc * arc
    d_d = 1.0 - 0.5 * turn * turn
    d_p = arc * (1.0 - turn * turn / 6.0)
    d_t = -sagitta * kappa * cot
    d_q = sagitta * helix[i, KAPPA_PER_QOVERP]
    z_d = -cot * turn
    z_p = -0.5 * cot * turn * arc
    z_t = -arc * (1.0 + cot * cot)
    dd = d_d * c[0, 0] + d_p * c[0, 2] + d_t * c[0, 3] + d_q * c[0, 4]
    dz = d_d * c[0, 1] + d_p * c[1, 2] + d_t * c[1, 3] + d_q * c[1, 4]
    dp = d_d * c[0, 2] + d_p * c[2, 2] + d_t * c[2, 3] + d_q * c[2, 4]
    dt = d_d * c[0, 3] + d_p * c[2, 3] + d_t * c[3, 3] + d_q * c[3, 4]
    dq = d_d * c[0, 4] + d_p * c[2, 4] + d_t * c[3, 4] + d_q * c[4, 4]
    var_d0 = dd * d_d + dp * d_p + dt * d_t + dq * d_q
    cov = dd * z_d + dz + dp * z_p + dt * z_t
    zd = z_d * c[0, 0] + c[0, 1] + z_p * c[0, 2] + z_t * c[0, 3]
    zz = z_d * c[0, 1] + c[1, 1] + z_p * c[1, 2] + z_t * c[1, 3]
    zp = z_d * c[0, 2] + c[1, 2] + z_p * c[2, 2] + z_t * c[2, 3]
    zt = z_d * c[0, 3] + c[1, 3] + z_p * c[2, 3] + z_t * c[3, 3]
    return var_d0, cov, zd * z_d + zz + zp * z_p + zt * z_t


@inline
def lifetime_sign(d0: float, towards: float) -> float:
    """Return +1 where the product is positive, -1 where negative, and +1 at 0."""
    return -1.0 if d0 * towards < 0.0 else 1.0


@kernel
def fill_impact(tracks: Tracks, rows, count: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
                workspace: FlavourWorkspace) -> None:
    """Fill `workspace.impact`: perigee to the primary vertex, errors with its covariance, signed significances.

    Parameters
    ----------
    tracks, rows, count
        The tracks `rows[:count]`; `workspace.helix` holds their helices.
    jet_p4 : (4,) array
        Jet px, py, pz, E, the axis of the lifetime signs.
    vertex : PrimaryVertex
        The fitted primary vertex [mm].
    """
    helix = workspace.helix
    v = vertex.position
    p = vertex.covariance
    cot_jet = jet_p4[2] / math.sqrt(max(jet_p4[0] * jet_p4[0] + jet_p4[1] * jet_p4[1], 1e-30))
    for i in range(count):
        d0, arc, c, s = closest_approach(helix, i, v[0], v[1])
        cot = helix[i, COT_THETA]
        z0 = helix[i, Z0] + arc * cot - v[2]
        dd, dz, zz = transported_covariance(tracks.covariance[rows[i]], helix, i, arc)
        gx = c * cot
        gy = s * cot
        dd += s * s * p[0, 0] - 2.0 * s * c * p[0, 1] + c * c * p[1, 1]
        dz += s * (gx * p[0, 0] + gy * p[0, 1] - p[0, 2]) - c * (gx * p[0, 1] + gy * p[1, 1] - p[1, 2])
        zz += (gx * (gx * p[0, 0] + 2.0 * gy * p[0, 1] - 2.0 * p[0, 2]) + gy * (gy * p[1, 1] - 2.0 * p[1, 2])
               + p[2, 2])
        sin_theta = 1.0 / math.sqrt(1.0 + cot * cot)
        sigma_d0 = math.sqrt(dd)
        sigma_z0 = math.sqrt(zz)
        row = workspace.impact[i]
        row[IP_D0] = d0
        row[IP_Z0] = z0 * sin_theta
        row[IP_SIGMA_D0] = sigma_d0
        row[IP_SIGMA_Z0] = sigma_z0 * sin_theta
        sign = settings.sign
        row[IP_SIGNIFICANCE_D0] = sign * lifetime_sign(d0, jet_p4[1] * c - jet_p4[0] * s) * abs(d0) / sigma_d0
        row[IP_SIGNIFICANCE_Z0] = sign * lifetime_sign(z0, cot_jet - cot) * abs(z0) / sigma_z0
        row[IP_CHI2] = (d0 * d0 * zz - 2.0 * d0 * z0 * dz + z0 * z0 * dd) / max(dd * zz - dz * dz, 1e-30)

"""Photon conversions among the tracks of a jet, by geometry alone.

The circles of electron and positron touch, so that a vertex fit has no angle to work with. Instead the two tracks
are compared where their directions are parallel: there they have to stand together and share the polar angle, and
the common line has to come from the primary vertex, each within errors.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import PHI, THETA, PrimaryVertex, Tracks
from pseudoexp.flavour.impact_parameters import transported_covariance
from pseudoexp.flavour.workspace import COS_PHI, COT_THETA, KAPPA, SIN_PHI, X0, Y0, Z0

MIN_ARC, MAX_ARC = 15.0, 300.0  # mm from the perigees
SIGMAS = 3.0
MAX_GAP, MAX_DZ, MAX_DCOT = 2.0, 5.0, 0.1  # mm, mm, -: whatever the errors say
MAX_MISS = 1.0  # mm


@inline
def var_cot(tracks: Tracks, row: int, cot: float) -> float:
    """Return the variance of cot(theta)."""
    scale = 1.0 + cot * cot
    return tracks.covariance[row, THETA, THETA] * scale * scale


@kernel
def is_conversion(tracks: Tracks, rows, helix, i: int, j: int, vertex: PrimaryVertex) -> bool:
    """Whether slots i and j look like the electron and positron of a photon from the primary vertex.

    Directions are parallel at arc s = (phi_i - phi_j) / (kappa_j - kappa_i) from the perigees.
    """
    ki = helix[i, KAPPA]
    kj = helix[j, KAPPA]
    cot_i = helix[i, COT_THETA]
    cot_j = helix[j, COT_THETA]
    d_cot = cot_i - cot_j
    if not ki * kj < 0.0 or abs(d_cot) > MAX_DCOT:
        return False
    ci = helix[i, COS_PHI]
    si = helix[i, SIN_PHI]
    cj = helix[j, COS_PHI]
    sj = helix[j, SIN_PHI]
    arc = (si * cj - ci * sj) / (kj - ki)
    if arc < MIN_ARC or arc > MAX_ARC:
        return False
    if d_cot * d_cot > SIGMAS * SIGMAS * (var_cot(tracks, rows[i], cot_i) + var_cot(tracks, rows[j], cot_j)):
        return False
    xi = helix[i, X0] + arc * (ci - 0.5 * arc * ki * si)
    yi = helix[i, Y0] + arc * (si + 0.5 * arc * ki * ci)
    xj = helix[j, X0] + arc * (cj - 0.5 * arc * kj * sj)
    yj = helix[j, Y0] + arc * (sj + 0.5 * arc * kj * cj)
    c = ci - ki * arc * si
    s = si + ki * arc * ci
    dd_i, _, zz_i = transported_covariance(tracks.covariance[rows[i]], helix, i, arc)
    dd_j, _, zz_j = transported_covariance(tracks.covariance[rows[j]], helix, j, arc)
    gap = (yi - yj) * c - (xi - xj) * s
    dz = helix[i, Z0] - helix[j, Z0] + arc * d_cot
    if not (within(gap, dd_i + dd_j, MAX_GAP) and within(dz, zz_i + zz_j, MAX_DZ)):
        return False
    # the stiffer track bends least between here and the primary vertex
    stiff_j = abs(kj) < abs(ki)
    x = xj if stiff_j else xi
    y = yj if stiff_j else yi
    k = kj if stiff_j else ki
    if stiff_j:
        c = cj - kj * arc * sj
        s = sj + kj * arc * cj
    miss = (y - vertex.position[1]) * c - (x - vertex.position[0]) * s
    sigma_arc2 = (tracks.covariance[rows[i], PHI, PHI] + tracks.covariance[rows[j], PHI, PHI]) / ((ki - kj) * (ki - kj))
    variance = (dd_j if stiff_j else dd_i) + k * k * arc * arc * sigma_arc2
    return within(miss, variance, MAX_MISS)


@inline
def within(distance: float, variance: float, largest: float) -> bool:
    """Whether a distance is 0 within its error and an absolute limit."""
    return distance * distance < min(SIGMAS * SIGMAS * variance, largest * largest)

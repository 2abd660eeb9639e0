"""Least-squares fit of helical tracks to a common point in space.

Each track gives two residuals, its d0 and z0 relative to the vertical line through the vertex, weighted by the
inverse of their 2 x 2 covariance *there*. To first order this is the fit of vertex and all momenta together
with the momenta eliminated (P. Billoir, S. Qian, NIM A 311 (1992) 139): the other three track parameters only
predict where the track passes, and their errors enter through the transport. Gauss-Newton from a start point;
3 x 3 systems are solved by cofactors.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import Tracks
from pseudoexp.flavour.impact_parameters import closest_approach, transported_covariance
from pseudoexp.flavour.workspace import COT_THETA, Z0, FlavourWorkspace

MAX_ITERATIONS = 12
MAX_STEP2 = 250000.0
"""mm^2; a longer step means nearly parallel tracks: no vertex."""


@inline
def residual(tracks: Tracks, rows, helix, i: int, x: float, y: float, z: float
             ) -> tuple[float, float, float, float, float, float, float]:
    """Return (d0, z0, w_dd, w_dz, w_zz, gx, gy) of slot i relative to the point (x, y, z).

    w is the inverse covariance of (d0, z0). With (c, s) the track's direction and cot its cot(theta) the derivatives
    by the point are (s, -c, 0) for d0 and (c cot, s cot, -1) for z0; gx = c and gy = s are returned.
    """
    d0, arc, c, s = closest_approach(helix, i, x, y)
    dd, dz, zz = transported_covariance(tracks.covariance[rows[i]], helix, i, arc)
    inverse = 1.0 / max(dd * zz - dz * dz, 1e-300)
    return d0, helix[i, Z0] + arc * helix[i, COT_THETA] - z, zz * inverse, -dz * inverse, dd * inverse, c, s


@inline
def invert3(m, out) -> float:
    """Invert a symmetric 3 x 3 matrix by cofactors; return its determinant (out is untouched when not > 0)."""
    a, b, c = m[0, 0], m[0, 1], m[0, 2]
    d, e, f = m[1, 1], m[1, 2], m[2, 2]
    ca = d * f - e * e
    cb = c * e - b * f
    cc = b * e - c * d
    determinant = a * ca + b * cb + c * cc
    if not determinant > 0.0:
        return determinant
    inverse = 1.0 / determinant
    out[0, 0] = ca * inverse
    out[0, 1] = out[1, 0] = cb * inverse
    out[0, 2] = out[2, 0] = cc * inverse
    out[1, 1] = (a * f - c * c) * inverse
    out[1, 2] = out[2, 1] = (b * c - a * e) * inverse
    out[2, 2] = (a * d - b * b) * inverse
    return determinant


@kernel
def accumulate(tracks: Tracks, rows, helix, i: int, x: float, y: float, z: float, normal
               ) -> tuple[float, float, float, float]:
    """Add slot i's weights to the upper half of `normal` (3, 3); return its chi-square and half its gradient (3)."""
    d0, z0, w_dd, w_dz, w_zz, c, s = residual(tracks, rows, helix, i, x, y, z)
    cot = helix[i, COT_THETA]
    zx = c * cot
    zy = s * cot
    wd = w_dd * d0 + w_dz * z0
    wz = w_dz * d0 + w_zz * z0
    px = w_dd * s + w_dz * zx
    py = -w_dd * c + w_dz * zy
    qx = w_dz * s + w_zz * zx
    qy = -w_dz * c + w_zz * zy
    normal[0, 0] += s * px + zx * qx
    normal[0, 1] += s * py + zx * qy
    normal[0, 2] -= qx
    normal[1, 1] += -c * py + zy * qy
    normal[1, 2] -= qy
    normal[2, 2] += w_zz
    return d0 * wd + z0 * wz, s * wd + zx * wz, -c * wd + zy * wz, -wz


@kernel
def fit_vertex(tracks: Tracks, rows, helix, members, count: int, tolerance: float, workspace: FlavourWorkspace
               ) -> float:
    """Fit the slots `members[:count]` to one point, from `workspace.position` on.

    Parameters
    ----------
    tracks, rows, helix
        Tracks, the row of each slot, and their helices.
    members, count
        Slots in the fit, at least two.
    tolerance : float
        The fit has converged when a step would lower the chi-square by less.

    Returns
    -------
    float
        The chi-square (2 `count` - 3 degrees of freedom), or -1 when there is no vertex. `workspace.position`,
        `covariance` and, per member, `track_chi2` hold the result.
    """
    v = workspace.position
    normal = workspace.normal
    for _ in range(MAX_ITERATIONS):
        normal[:] = 0.0
        chi2 = 0.0
        gx = 0.0
        gy = 0.0
        gz = 0.0
        for m in range(count):
            own, ax, ay, az = accumulate(tracks, rows, helix, members[m], v[0], v[1], v[2], normal)
            workspace.track_chi2[m] = own
            chi2 += own
            gx += ax
            gy += ay
            gz += az
        if not invert3(normal, workspace.covariance) > 0.0:
            return -1.0
        c = workspace.covariance
        sx = -(c[0, 0] * gx + c[0, 1] * gy + c[0, 2] * gz)
        sy = -(c[1, 0] * gx + c[1, 1] * gy + c[1, 2] * gz)
        sz = -(c[2, 0] * gx + c[2, 1] * gy + c[2, 2] * gz)
        gain = -(sx * gx + sy * gy + sz * gz)
        if gain < tolerance:
            return chi2
        if not sx * sx + sy * sy + sz * sz < MAX_STEP2:
            return -1.0
        v[0] += sx
        v[1] += sy
        v[2] += sz
    return -1.0


@kernel
def worst_member(tracks: Tracks, rows, helix, members, count: int, workspace: FlavourWorkspace) -> int:
    """Return the member whose removal lowers the chi-square of the last `fit_vertex` most.

    The chi-square without a track is that with it, less the track's own and less what the others gain by a vertex
    of their own choice; a track's own part alone would blame the precise tracks for what an imprecise one did.
    """
    v = workspace.position
    own_normal = workspace.rest
    worst = 0
    largest = -1.0
    for m in range(count):
        own_normal[:] = 0.0
        gain, gx, gy, gz = accumulate(tracks, rows, helix, members[m], v[0], v[1], v[2], own_normal)
        for a in range(3):
            for b in range(a, 3):
                own_normal[a, b] = workspace.normal[a, b] - own_normal[a, b]
        if count > 2 and invert3(own_normal, own_normal) > 0.0:
            r = own_normal
            gain += (gx * (r[0, 0] * gx + 2.0 * (r[0, 1] * gy + r[0, 2] * gz))
                     + gy * (r[1, 1] * gy + 2.0 * r[1, 2] * gz) + gz * r[2, 2] * gz)
        if gain > largest:
            largest = gain
            worst = m
    return worst


@inline
def start_at(position, workspace: FlavourWorkspace) -> None:
    """Let the next fit start at `position` (3,)."""
    for c in range(3):
        workspace.position[c] = position[c]


@inline
def momentum_at(tracks: Tracks, rows, helix, i: int, x: float, y: float) -> tuple[float, float, float]:
    """Return px, py, pz [GeV] of slot i where it passes the vertical line at (x, y)."""
    _, _, c, s = closest_approach(helix, i, x, y)
    pt = tracks.pt[rows[i]]
    return pt * c, pt * s, pt * helix[i, COT_THETA]

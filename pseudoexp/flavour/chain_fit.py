"""Fit of a decay chain: several vertices on one flight axis that starts at the primary vertex.

The parameters are (x, y, z, phi, theta, L_1 .. L_n): vertex k stands at (x, y, z) + L_k u(phi, theta) (the b hadron
and its charm daughter fly along nearly the same line; G. Piacquadio, C. Weiser, J. Phys. Conf. Ser. 119 (2008)
032032). The chi-square has the fitted primary vertex and the jet axis as measurements, two residuals per track
(`vertex_fit.residual`) and a very weak term that keeps L of a track parallel to the axis finite. Each track touches
one L only, so the n lengths are eliminated exactly (Schur complement) and a 5 x 5 system remains.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import atan2, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.flavour.vertex_fit import invert3, residual
from pseudoexp.flavour.workspace import COT_THETA, FlavourWorkspace

SIGMA_LENGTH = 1000.0
"""mm, width of the weak term on every L."""
MAX_ITERATIONS = 14


@kernel
def invert5(m, scratch) -> bool:
    """Invert a symmetric positive definite 5 x 5 matrix in place through its Cholesky factor; False if it is not.

    Only the lower half of `m` is read; `scratch` is (5,).
    """
    for j in range(5):
        for k in range(j):
            m[j, j] -= m[j, k] * m[j, k]
        if not m[j, j] > 0.0:
            return False
        m[j, j] = math.sqrt(m[j, j])
        for i in range(j + 1, 5):
            for k in range(j):
                m[i, j] -= m[i, k] * m[j, k]
            m[i, j] /= m[j, j]
    for j in range(5):  # the inverse of the lower triangle, in place
        m[j, j] = 1.0 / m[j, j]
        for i in range(j + 1, 5):
            total = 0.0
            for k in range(j, i):
                total -= m[i, k] * m[k, j]
            m[i, j] = total / m[i, i]
    for i in range(5):
        for j in range(i + 1):
            scratch[j] = 0.0
            for k in range(i, 5):
                scratch[j] += m[k, i] * m[k, j]
        for j in range(i + 1):
            m[j, i] = scratch[j]
    for i in range(5):
        for j in range(i):
            m[i, j] = m[j, i]
    return True


@kernel
def start_axis(jet_p4, vertex: PrimaryVertex, sigma: float, workspace: FlavourWorkspace) -> bool:
    """Set axis, its prior and the prior's weight from the primary vertex and the jet axis; False if one is degenerate.

    `sigma` [rad] is the error of the jet's direction as that of the flight axis, in each transverse direction.
    """
    axis = workspace.axis
    if not invert3(vertex.covariance, workspace.normal) > 0.0:
        return False
    transverse = math.sqrt(jet_p4[0] * jet_p4[0] + jet_p4[1] * jet_p4[1])
    momentum2 = transverse * transverse + jet_p4[2] * jet_p4[2]
    for c in range(3):
        axis[c] = vertex.position[c]
    axis[3] = atan2(jet_p4[1], jet_p4[0])
    axis[4] = atan2(transverse, jet_p4[2])
    for c in range(5):
        workspace.axis_prior[c] = axis[c]
    weight = workspace.axis_weight
    weight[:] = 0.0
    for a in range(3):
        for b in range(3):
            weight[a, b] = workspace.normal[a, b]
    weight[3, 3] = transverse * transverse / momentum2 / (sigma * sigma)
    weight[4, 4] = 1.0 / (sigma * sigma)
    return True


@inline
def project(tracks: Tracks, rows, m: int, k: int, ux: float, uy: float, uz: float, ex: float, ey: float, ez: float,
            nx: float, ny: float, workspace: FlavourWorkspace) -> float:
    """Add member m, on vertex k, to the normal equations; return its chi-square.

    (ux, uy, uz) is the axis, (nx, ny, 0) its derivative by phi, (ex, ey, ez) by theta.
    """
    i = workspace.members[m]
    length = workspace.length[k]
    a = workspace.axis
    d0, z0, w_dd, w_dz, w_zz, c, s = residual(
        tracks, rows, workspace.helix, i, a[0] + length * ux, a[1] + length * uy, a[2] + length * uz)
    cot = workspace.helix[i, COT_THETA]
    zx = c * cot
    zy = s * cot
    g = workspace.derivative
    g[0, 0] = s
    g[0, 1] = -c
    g[0, 2] = 0.0
    g[0, 3] = length * (s * nx - c * ny)
    g[0, 4] = length * (s * ex - c * ey)
    g[1, 0] = zx
    g[1, 1] = zy
    g[1, 2] = -1.0
    g[1, 3] = length * (zx * nx + zy * ny)
    g[1, 4] = length * (zx * ex + zy * ey - ez)
    for p in range(5):
        g[2, p] = w_dd * g[0, p] + w_dz * g[1, p]
        g[3, p] = w_dz * g[0, p] + w_zz * g[1, p]
    d_l = s * ux - c * uy
    z_l = zx * ux + zy * uy - uz
    wd = w_dd * d0 + w_dz * z0
    wz = w_dz * d0 + w_zz * z0
    pd_l = w_dd * d_l + w_dz * z_l
    pz_l = w_dz * d_l + w_zz * z_l
    for p in range(5):
        workspace.axis_step[p] += g[0, p] * wd + g[1, p] * wz
        workspace.length_coupling[k, p] += g[0, p] * pd_l + g[1, p] * pz_l
        for q in range(p + 1):
            workspace.axis_normal[p, q] += g[2, p] * g[0, q] + g[3, p] * g[1, q]
    workspace.length_normal[k] += d_l * pd_l + z_l * pz_l
    workspace.length_gradient[k] += d_l * wd + z_l * wz
    return d0 * wd + z0 * wz


@kernel
def fill_equations(tracks: Tracks, rows, count: int, n_vertices: int, workspace: FlavourWorkspace) -> float:
    """Fill the normal equations at the present parameters; return the chi-square."""
    w = workspace
    chi2 = 0.0
    for p in range(5):
        w.axis_step[p] = 0.0
        for q in range(5):
            w.axis_normal[p, q] = w.axis_weight[p, q]
            w.axis_step[p] += w.axis_weight[p, q] * (w.axis[q] - w.axis_prior[q])
        chi2 += w.axis_step[p] * (w.axis[p] - w.axis_prior[p])
    for k in range(n_vertices):
        w.length_normal[k] = 1.0 / (SIGMA_LENGTH * SIGMA_LENGTH)
        w.length_gradient[k] = w.length[k] * w.length_normal[k]
        w.length_coupling[k, :] = 0.0
        chi2 += w.length[k] * w.length_gradient[k]
    sp, cp = sincos(w.axis[3])
    st, ct = sincos(w.axis[4])
    for m in range(count):
        own = project(tracks, rows, m, w.cluster[m], st * cp, st * sp, ct, ct * cp, ct * sp, -st, -st * sp, st * cp, w)
        w.track_chi2[m] = own
        chi2 += own
    return chi2


@kernel
def solve_equations(n_vertices: int, workspace: FlavourWorkspace) -> float:
    """Turn gradients to steps, the normal matrix into the axis covariance; return the expected gain, -1 if singular."""
    w = workspace
    step = w.axis_scratch
    for k in range(n_vertices):
        inverse = 1.0 / w.length_normal[k]
        for p in range(5):
            scaled = w.length_coupling[k, p] * inverse
            w.axis_step[p] -= scaled * w.length_gradient[k]
            for q in range(p + 1):
                w.axis_normal[p, q] -= scaled * w.length_coupling[k, q]
    if not invert5(w.axis_normal, step):
        return -1.0
    gain = 0.0
    for p in range(5):
        step[p] = 0.0
        for q in range(5):
            step[p] -= w.axis_normal[p, q] * w.axis_step[q]
        gain -= step[p] * w.axis_step[p]
    for p in range(5):
        w.axis_step[p] = step[p]
    for k in range(n_vertices):
        inverse = 1.0 / w.length_normal[k]
        gain += w.length_gradient[k] * w.length_gradient[k] * inverse
        total = w.length_gradient[k]
        for p in range(5):
            total += w.length_coupling[k, p] * step[p]
        w.length_gradient[k] = -total * inverse
    return gain


@kernel
def fit_chain(tracks: Tracks, rows, count: int, n_vertices: int, tolerance: float,
              workspace: FlavourWorkspace) -> float:
    """Fit `workspace.members[:count]`, member m on vertex `workspace.cluster[m]`, from the present parameters on.

    Returns the chi-square, or -1 if the fit fails. `workspace.axis` and `length` hold the result, `axis_normal` the
    axis covariance and `length_normal`, `length_coupling` what `length_covariance` needs.
    """
    w = workspace
    damping = 1.0
    previous = math.inf
    for _ in range(MAX_ITERATIONS):
        chi2 = fill_equations(tracks, rows, count, n_vertices, w)
        if chi2 > previous:
            damping = max(0.5 * damping, 0.2)
        previous = chi2
        gain = solve_equations(n_vertices, w)
        if gain < 0.0:
            return -1.0
        if gain < tolerance:
            return chi2
        scale = damping * step_scale(n_vertices, w)
        for p in range(5):
            w.axis[p] += scale * w.axis_step[p]
        for k in range(n_vertices):
            w.length[k] += scale * w.length_gradient[k]
            if not abs(w.length[k]) < 2.0 * SIGMA_LENGTH:
                return -1.0
        if not (0.0 < w.axis[4] < math.pi):
            return -1.0
    return -1.0


@inline
def step_scale(n_vertices: int, workspace: FlavourWorkspace) -> float:
    """Return by how much to shorten a step: L times direction is what makes the fit nonlinear, so neither may jump."""
    w = workspace
    largest = max(abs(w.axis_step[3]) * math.sqrt(w.axis_weight[3, 3]),
                  abs(w.axis_step[4]) * math.sqrt(w.axis_weight[4, 4]))
    for k in range(n_vertices):
        largest = max(largest, abs(w.length_gradient[k]) / (5.0 + 0.5 * abs(w.length[k])))
    return 1.0 / largest if largest > 1.0 else 1.0


@inline
def length_covariance(workspace: FlavourWorkspace, k: int, m: int) -> float:
    """Return cov(L_k, L_m) [mm^2] after `fit_chain`."""
    b = workspace.length_coupling
    total = 0.0
    for p in range(5):
        for q in range(5):
            total += b[k, p] * workspace.axis_normal[p, q] * b[m, q]
    total /= workspace.length_normal[k] * workspace.length_normal[m]
    return total + 1.0 / workspace.length_normal[k] if k == m else total

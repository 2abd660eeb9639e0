"""JetFitter: the b -> c decay chain of a jet along one flight axis.

Every displaced track starts as a vertex of its own on the axis. The two vertices (or vertex and primary vertex)
whose union costs the least chi-square are merged and the chain is fitted again, until every further union has
too small a probability; in the linear regime the cost is (L_k - L_l)^2 / var(L_k - L_l), a chi-square with one
degree of freedom (G. Piacquadio, C. Weiser, J. Phys. Conf. Ser. 119 (2008) 032032).
Vertices with L > 0 count (L < 0 with the negative tag).
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.flavour.chain_fit import fit_chain, length_covariance, start_axis
from pseudoexp.flavour.sv1 import associated_energy, pion_energy
from pseudoexp.flavour.two_track import direction_distance
from pseudoexp.flavour.vertex_fit import momentum_at, residual
from pseudoexp.flavour.workspace import COT_THETA, NOT_DISPLACED, VETOED, FlavourSettings, FlavourWorkspace

JF_MASS, JF_EFRAC, JF_SIG3D, JF_NVTX, JF_NSINGLE, JF_NTRK, JF_DR = range(7)
"""Columns of the output: GeV and dimensionless."""
MIN_PT = 0.7  # GeV
AXIS_SIGMA_CONSTANT, AXIS_SIGMA_PER_PT = 0.004, 0.9  # rad, rad GeV: the jet axis as measurement of the flight axis
MAX_TRACK_CHI2 = 12.0  # of a track that does not cross the axis
MAX_MERGE_CHI2 = 6.6  # 1 degree of freedom, probability 1 %
MIN_SINGLE_SIGNIFICANCE2 = 9.0  # (L/sigma)^2 of a vertex of one track
MAX_LENGTH = 200.0  # mm
TOLERANCE = 1e-2
PRIMARY = -1


@inline
def crossing(tracks: Tracks, rows, i: int, ux: float, uy: float, uz: float, sigma: float, workspace: FlavourWorkspace
             ) -> tuple[float, float]:
    """Return where slot i passes nearest to the axis through `workspace.axis`: L [mm], and the chi-square of the miss.

    The direction of the axis has the error `sigma` [rad], the start point none.
    """
    a = workspace.axis
    length = 0.0
    chi2 = 0.0
    for step in range(3):  # the second takes out the curvature, the third only evaluates
        d0, z0, w_dd, w_dz, w_zz, c, s = residual(tracks, rows, workspace.helix, i, a[0] + length * ux,
                                                  a[1] + length * uy, a[2] + length * uz)
        cot = workspace.helix[i, COT_THETA]
        dl = s * ux - c * uy
        zl = (c * ux + s * uy) * cot - uz
        weight = w_dd * dl * dl + 2.0 * w_dz * dl * zl + w_zz * zl * zl
        if step < 2:
            if weight > 0.0:
                length -= (w_dd * dl * d0 + w_dz * (dl * z0 + zl * d0) + w_zz * zl * z0) / weight
            length = min(max(length, -MAX_LENGTH), MAX_LENGTH)
        else:
            # across (dl, zl) nothing but the miss is left; the axis error moves it by sigma |L|
            miss = zl * d0 - dl * z0
            variance = (zl * zl * w_zz + 2.0 * zl * dl * w_dz + dl * dl * w_dd) / (w_dd * w_zz - w_dz * w_dz)
            reach = length * sigma
            variance += reach * reach * (dl * dl + zl * zl)
            chi2 = miss * miss / variance if variance > 0.0 else 0.0
    return length, chi2


@kernel
def start_chain(tracks: Tracks, rows, count: int, sign: float, sigma: float, workspace: FlavourWorkspace) -> int:
    """Put every displaced track that crosses the axis downstream on a vertex of its own; return their number."""
    w = workspace
    sp, cp = sincos(w.axis[3])
    st, ct = sincos(w.axis[4])
    n = 0
    for i in range(count):
        if w.status[i] == NOT_DISPLACED or w.status[i] == VETOED or not tracks.pt[rows[i]] > MIN_PT:
            continue
        length, chi2 = crossing(tracks, rows, i, st * cp, st * sp, ct, sigma, w)
        if chi2 < MAX_TRACK_CHI2 and 0.0 < sign * length < MAX_LENGTH:
            w.members[n] = i
            w.cluster[n] = n
            w.length[n] = length
            n += 1
    return n


@kernel
def remove_vertex(k: int, n: int, n_vertices: int, workspace: FlavourWorkspace) -> int:
    """Remove vertex k and its members; return how many members are left."""
    w = workspace
    left = 0
    for m in range(n):
        if w.cluster[m] != k:
            w.members[left] = w.members[m]
            w.cluster[left] = w.cluster[m] - 1 if w.cluster[m] > k else w.cluster[m]
            left += 1
    for j in range(k, n_vertices - 1):
        w.length[j] = w.length[j + 1]
    return left


@kernel
def merge_vertices(k: int, other: int, n: int, n_vertices: int, workspace: FlavourWorkspace) -> None:
    """Move the members of vertex `other` to vertex k < `other`, at their mean L weighted by the fit."""
    w = workspace
    wk = w.length_normal[k]
    wl = w.length_normal[other]
    w.length[k] = (wk * w.length[k] + wl * w.length[other]) / (wk + wl)
    for m in range(n):
        if w.cluster[m] == other:
            w.cluster[m] = k
        elif w.cluster[m] > other:
            w.cluster[m] -= 1
    for j in range(other, n_vertices - 1):
        w.length[j] = w.length[j + 1]


@inline
def worst_vertex(n: int, largest: float, workspace: FlavourWorkspace) -> int:
    """Return the vertex of the track with the largest chi-square; -1 when none exceeds `largest`."""
    worst = -1
    for m in range(n):
        if workspace.track_chi2[m] > largest:
            largest = workspace.track_chi2[m]
            worst = workspace.cluster[m]
    return worst


@inline
def drop_outlier(n: int, sign: float, workspace: FlavourWorkspace) -> int:
    """Return the vertex of the worst track while all stand alone: off the axis, or upstream; -1 when none is bad."""
    w = workspace
    worst = worst_vertex(n, MAX_TRACK_CHI2, w)
    if worst >= 0:
        return worst
    for m in range(n):
        length = sign * w.length[w.cluster[m]]
        if length < 0.0 or length > MAX_LENGTH:
            return w.cluster[m]
    return -1


@kernel
def cheapest_merge(n_vertices: int, workspace: FlavourWorkspace) -> tuple[float, int, int]:
    """Return the smallest merging chi-square and the two vertices (first one PRIMARY for the primary vertex)."""
    w = workspace
    best = math.inf
    first = PRIMARY
    second = PRIMARY
    for m in range(n_vertices):
        own = length_covariance(w, m, m)
        cost = w.length[m] * w.length[m] / own
        if cost < best:
            best = cost
            first = PRIMARY
            second = m
        for k in range(m):
            difference = w.length[k] - w.length[m]
            variance = own + length_covariance(w, k, k) - 2.0 * length_covariance(w, k, m)
            cost = difference * difference / variance if variance > 0.0 else 0.0
            if cost < best:
                best = cost
                first = k
                second = m
    return best, first, second


@kernel
def build_chain(tracks: Tracks, rows, count: int, sign: float, sigma: float, workspace: FlavourWorkspace
                ) -> tuple[int, int]:
    """Fit and merge until stable; return the numbers of tracks and vertices on the chain.

    A fit that does not converge (a track nearly along the axis) loses its worst track.
    """
    w = workspace
    n = start_chain(tracks, rows, count, sign, sigma, w)
    n_vertices = n
    merging = False
    while n_vertices > 0:
        bad = -1
        if fit_chain(tracks, rows, n, n_vertices, TOLERANCE, w) < 0.0:
            bad = max(worst_vertex(n, 0.0, w), 0)
        elif not merging:
            bad = drop_outlier(n, sign, w)
        if bad < 0:
            merging = True
            cost, first, second = cheapest_merge(n_vertices, w)
            if cost > MAX_MERGE_CHI2:
                break
            if first == PRIMARY:
                bad = second
            else:
                merge_vertices(first, second, n, n_vertices, w)
        if bad >= 0:
            n = remove_vertex(bad, n, n_vertices, w)
        n_vertices -= 1
    return n, n_vertices


@kernel
def chain_features(tracks: Tracks, rows, n: int, n_vertices: int, sign: float, workspace: FlavourWorkspace, out
                   ) -> tuple[float, float, float, float]:
    """Write counts and significance of the vertices with L > 0; return the summed px, py, pz, E of their tracks."""
    w = workspace
    sp, cp = sincos(w.axis[3])
    st, _ = sincos(w.axis[4])
    px = 0.0
    py = 0.0
    pz = 0.0
    e = 0.0
    pull = 0.0
    weight = 0.0
    for k in range(n_vertices):
        variance = length_covariance(w, k, k)
        length = sign * w.length[k]
        size = 0
        for m in range(n):
            size += 1 if w.cluster[m] == k else 0
        if length <= 0.0 or (size == 1 and length * length < MIN_SINGLE_SIGNIFICANCE2 * variance):
            continue
        for m in range(n):
            if w.cluster[m] == k:
                x, y, z = momentum_at(tracks, rows, w.helix, w.members[m], w.axis[0] + w.length[k] * st * cp,
                                      w.axis[1] + w.length[k] * st * sp)
                px += x
                py += y
                pz += z
                e += pion_energy(x, y, z)
        pull += length / variance
        weight += 1.0 / variance
        if size > 1:
            out[JF_NVTX] += 1.0
            out[JF_NTRK] += size
        else:
            out[JF_NSINGLE] += 1.0
    out[JF_SIG3D] = pull / math.sqrt(weight) if weight > 0.0 else 0.0
    return px, py, pz, e


@kernel
def jetfitter(tracks: Tracks, rows, count: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
              workspace: FlavourWorkspace, out) -> None:
    """Fit the decay chain of a jet prepared by `prepare_jet`.

    Parameters
    ----------
    tracks, rows, count, jet_p4, vertex, settings, workspace
        As in `prepare_jet`.
    out : (7,) array
        Receives mass [GeV] of all tracks on the chain, energy fraction, sum(L/s^2)/sqrt(sum 1/s^2), vertices with two
        or more tracks, vertices with one, tracks in the former, dR(sum of momenta, jet axis); zeros without a vertex.
    """
    out[:] = 0.0
    pt = math.sqrt(jet_p4[0] * jet_p4[0] + jet_p4[1] * jet_p4[1])
    if not pt > 0.0:
        return
    sigma = AXIS_SIGMA_CONSTANT + AXIS_SIGMA_PER_PT / pt
    if not start_axis(jet_p4, vertex, sigma, workspace):
        return
    n, n_vertices = build_chain(tracks, rows, count, settings.sign, sigma, workspace)
    if n_vertices == 0:
        return
    px, py, pz, e = chain_features(tracks, rows, n, n_vertices, settings.sign, workspace, out)
    if out[JF_NVTX] + out[JF_NSINGLE] == 0.0:
        return
    out[JF_MASS] = math.sqrt(max(e * e - px * px - py * py - pz * pz, 0.0))
    out[JF_EFRAC] = min(e / associated_energy(tracks, rows, count, workspace), 1.0)
    out[JF_DR] = direction_distance(px, py, pz, jet_p4[0], jet_p4[1], jet_p4[2])

"""Sequential recombination: the generalised kT algorithms, anti-kT (p = -1), Cambridge/Aachen (0) and kT (+1).

d_ij = min(pT_i^2p, pT_j^2p) dR_ij^2 / R^2 and d_iB = pT_i^2p (Cacciari, Salam, Soyez, arXiv:0802.1189), dR in
rapidity and azimuth, four-momenta added (E-scheme). The smallest of all d_ij is found among nearest
neighbours (Cacciari and Salam, hep-ph/0512210): if d_ij is the smallest and i the one with the smaller
pT^2p, then j is the nearest neighbour of i in the plane. So N^2 steps suffice. Here d stands for
R^2 times the above.

The radius may depend on the pseudojet, R = clip(rho / pT, r_min, r_max) (Krohn, Thaler, Wang, arXiv:0903.0392):
d_iB = pT_i^2p R^2(pT_i). The argument holds with every i looking for neighbours within its *own* radius, since a
smallest d_ij is below d_iB of the one with the smaller pT^2p. A fixed radius is the case r_min = r_max.

Conventions at the edges are FastJet's: a momentum without pT has azimuth 0 and a rapidity of +-(1e5 + |pz|),
pT^-2 is cut at 1e300. Of equal distances the one in the lower slot is taken.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import PI, TWO_PI, phi, rapidity

OVERFLOW = -1
"""Returned when the input does not fit into the workspace."""
NOT_FINITE = -2
"""Returned when a component of an input momentum is NaN, infinite or above 1e150 GeV."""

_NO_JET = np.int32(-1)
_FAR = 1e150
_LARGEST = 1e150


class ClusterWorkspace(NamedTuple):
    """Results and buffers of one clustering; a *slot* holds one pseudojet that still takes part."""

    jet_p4: NDArray[np.float64]  # (capacity, 4) result: px, py, pz, E, by falling pT
    jet_of: NDArray[np.int32]  # (capacity,) result: jet of each input, -1 for none
    p4: NDArray[np.float64]  # (capacity, 4) momenta of the slots
    y: NDArray[np.float64]  # (capacity,) rapidity
    phi: NDArray[np.float64]  # (capacity,) azimuth in [0, 2 pi)
    scale: NDArray[np.float64]  # (capacity,) pT^2p
    radius2: NDArray[np.float64]  # (capacity,) R^2 of the slot
    near: NDArray[np.int64]  # (capacity,) slot of the nearest neighbour within R, -1 for the beam
    near_dist: NDArray[np.float64]  # (capacity,) dR^2 to it, R^2 for the beam
    d: NDArray[np.float64]  # (capacity,) smallest d of the slot
    d_bits: NDArray[np.int64]  # (capacity,) d as integers: same order, and an integer minimum vectorises
    dist: NDArray[np.float64]  # (capacity,) dR^2 of all slots to one of them
    first: NDArray[np.int32]  # (capacity,) first input of the slot's chain
    last: NDArray[np.int32]  # (capacity,) last input of the slot's chain
    following: NDArray[np.int32]  # (capacity,) next input of the same slot, -1 at the end
    stale: NDArray[np.int64]  # (capacity,) slots whose neighbour has gone
    jet_first: NDArray[np.int32]  # (capacity,) first input of each jet's chain
    jet_pt2: NDArray[np.float64]  # (capacity,) pT^2 of each jet as found
    order: NDArray[np.int64]  # (capacity,) jets by falling pT
    found_p4: NDArray[np.float64]  # (capacity, 4) jets as found


def cluster_workspace(capacity: int) -> ClusterWorkspace:
    """Return the workspace for up to `capacity` inputs (about 260 bytes each)."""
    def real() -> NDArray[np.float64]:
        return np.zeros(capacity)

    def index() -> NDArray[np.int32]:
        return np.zeros(capacity, np.int32)

    def slot() -> NDArray[np.int64]:
        return np.zeros(capacity, np.int64)

    d = real()
    return ClusterWorkspace(
        jet_p4=np.zeros((capacity, 4)), jet_of=index(), p4=np.zeros((capacity, 4)), y=real(), phi=real(),
        scale=real(), radius2=real(), near=slot(), near_dist=real(), d=d, d_bits=d.view(np.int64), dist=real(),
        first=index(), last=index(), following=index(), stale=slot(), jet_first=index(), jet_pt2=real(),
        order=slot(), found_p4=np.zeros((capacity, 4)))


@inline
def _bits(x: float) -> int:
    """Return the bits of a double as an integer; for x >= 0 integers and doubles have one order."""
    return np.float64(x).view(np.int64)


@inline
def effective_radius(pt: float, rho: float, r_min: float, r_max: float) -> float:
    """Return clip(rho / pT, r_min, r_max)."""
    return r_max if rho >= r_max * pt else max(rho / pt, r_min)


@inline
def _set_slot(ws: ClusterWorkspace, s: int, power: int, rho: float, r_min: float, r_max: float) -> None:
    """Set rapidity, azimuth, scale and radius of slot s from its momentum."""
    px, py, pz, e = ws.p4[s, 0], ws.p4[s, 1], ws.p4[s, 2], ws.p4[s, 3]
    pt2 = px * px + py * py
    ws.y[s] = rapidity(px, py, pz, e)
    angle = phi(px, py)
    if angle < 0.0:
        angle += TWO_PI
    ws.phi[s] = angle if angle < TWO_PI else 0.0
    if power < 0:
        ws.scale[s] = 1.0 / pt2 if pt2 > 1e-300 else 1e300
    else:
        ws.scale[s] = pt2 if power > 0 else 1.0
    r = effective_radius(math.sqrt(pt2), rho, r_min, r_max)
    ws.radius2[s] = r * r


@inline
def _distances(ws: ClusterWorkspace, s: int, n: int) -> int:
    """Fill ws.dist with dR^2 of the slots 0 .. n-1 to slot s (itself: far away); return the bits of the smallest."""
    y, azimuth, dist = ws.y, ws.phi, ws.dist
    y_s = y[s]
    phi_s = azimuth[s]
    y[s] = _FAR
    smallest = _bits(np.inf)
    for k in range(n):
        dy = y[k] - y_s
        dphi = PI - abs(PI - abs(azimuth[k] - phi_s))
        d2 = dy * dy + dphi * dphi
        dist[k] = d2
        smallest = min(smallest, _bits(d2))
    y[s] = y_s
    return smallest


@inline
def _search(ws: ClusterWorkspace, s: int, n: int) -> None:
    """Find the nearest neighbour of slot s within its radius among the slots 0 .. n-1."""
    smallest = _distances(ws, s, n)
    r2 = ws.radius2[s]
    if smallest < _bits(r2):
        j = 0
        while _bits(ws.dist[j]) != smallest:
            j += 1
        ws.near[s] = j
        ws.near_dist[s] = ws.dist[j]
        ws.d[s] = ws.dist[j] * min(ws.scale[s], ws.scale[j])
    else:
        ws.near[s] = -1
        ws.near_dist[s] = r2
        ws.d[s] = r2 * ws.scale[s]


@inline
def _improve(ws: ClusterWorkspace, s: int, n: int) -> None:
    """Let slot s be the neighbour of all to whom it is nearer than their own; ws.dist holds the distances to s."""
    dist, near_dist = ws.dist, ws.near_dist
    for i in range(n):
        if dist[i] < near_dist[i] and i != s:
            near_dist[i] = dist[i]
            ws.near[i] = s
            ws.d[i] = dist[i] * min(ws.scale[i], ws.scale[s])


@inline
def _smallest(ws: ClusterWorkspace, n: int) -> int:
    """Return the first slot with the smallest d."""
    bits = ws.d_bits
    smallest = bits[0]
    for i in range(n):
        smallest = min(smallest, bits[i])
    i = 0
    while bits[i] != smallest:
        i += 1
    return i


@inline
def _merge(ws: ClusterWorkspace, into: int, gone: int) -> None:
    """Add momentum and chain of slot `gone` to slot `into`."""
    for c in range(4):
        ws.p4[into, c] += ws.p4[gone, c]
    ws.following[ws.last[into]] = ws.first[gone]
    ws.last[into] = ws.last[gone]


@inline
def _remove(ws: ClusterWorkspace, gone: int, merged: int, n: int) -> int:
    """Close the gap with the last of n slots; list those whose neighbour was `gone` or `merged`, return how many."""
    last = n - 1
    if gone != last:
        for c in range(4):
            ws.p4[gone, c] = ws.p4[last, c]
        ws.y[gone], ws.phi[gone] = ws.y[last], ws.phi[last]
        ws.scale[gone], ws.radius2[gone] = ws.scale[last], ws.radius2[last]
        ws.near[gone], ws.near_dist[gone], ws.d[gone] = ws.near[last], ws.near_dist[last], ws.d[last]
        ws.first[gone], ws.last[gone] = ws.first[last], ws.last[last]
    near = ws.near
    count = 0
    for i in range(last):
        j = near[i]
        if j == gone or j == merged:
            ws.stale[count] = i
            count += 1
        elif j == last:
            near[i] = gone
    return count


@inline
def _keep_jet(ws: ClusterWorkspace, s: int, n_jets: int, ptmin: float) -> int:
    """Append slot s to the jets found if its pT reaches ptmin; return their number."""
    pt2 = ws.p4[s, 0] * ws.p4[s, 0] + ws.p4[s, 1] * ws.p4[s, 1]
    if pt2 < ptmin * ptmin:
        return n_jets
    for c in range(4):
        ws.found_p4[n_jets, c] = ws.p4[s, c]
    ws.jet_pt2[n_jets] = pt2
    ws.jet_first[n_jets] = ws.first[s]
    return n_jets + 1


@inline
def _write_jets(ws: ClusterWorkspace, n_inputs: int, n_jets: int) -> None:
    """Order the jets by falling pT (equal ones as found) and write the results."""
    order, pt2 = ws.order, ws.jet_pt2
    for k in range(n_jets):
        j = k
        while j > 0 and pt2[order[j - 1]] < pt2[k]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = k
    ws.jet_of[:n_inputs] = _NO_JET
    for k in range(n_jets):
        for c in range(4):
            ws.jet_p4[k, c] = ws.found_p4[order[k], c]
        i = ws.jet_first[order[k]]
        while i >= 0:
            ws.jet_of[i] = k
            i = ws.following[i]


@kernel
def load(p4: NDArray[np.float64], n: int, factor: float, start: int, ws: ClusterWorkspace) -> int:
    """Append n momenta (rows of p4, times `factor`) to the `start` ones in the workspace.

    Returns
    -------
    int
        The new number, `OVERFLOW` or `NOT_FINITE`.
    """
    if start < 0:
        return start
    if start + n > ws.jet_of.shape[0]:
        return OVERFLOW
    for i in range(n):
        s = start + i
        for c in range(4):
            x = p4[i, c] * factor
            if not abs(x) < _LARGEST:
                return NOT_FINITE
            ws.p4[s, c] = x
    return start + n


@kernel
def recombine(
    n: int, power: int, rho: float, r_min: float, r_max: float, n_stop: int, ptmin: float, ws: ClusterWorkspace
) -> int:
    """Cluster the n momenta loaded into the workspace.

    Parameters
    ----------
    n : int
        Number of inputs; what is below zero is returned as it is.
    power : int
        Exponent p: -1, 0 or 1.
    rho, r_min, r_max : float
        Radius clip(rho / pT, r_min, r_max) of a pseudojet.
    n_stop : int
        0 for inclusive jets; else stop with that many pseudojets left, which are the jets.
    ptmin : float
        Smallest pT [GeV] of a jet.

    Returns
    -------
    int
        Number of jets; they stand in ws.jet_p4 and ws.jet_of.
    """
    if n < 0:
        return n
    for i in range(n):
        ws.first[i] = ws.last[i] = i
        ws.following[i] = -1
        _set_slot(ws, i, power, rho, r_min, r_max)
    for i in range(n):
        _search(ws, i, n)
    n_inputs = n
    n_jets = 0
    while n > n_stop:
        i = _smallest(ws, n)
        j = ws.near[i]
        if j < 0:
            if n_stop == 0:
                n_jets = _keep_jet(ws, i, n_jets, ptmin)
            count = _remove(ws, i, i, n)
            n -= 1
        else:
            i, j = min(i, j), max(i, j)
            _merge(ws, i, j)
            _set_slot(ws, i, power, rho, r_min, r_max)
            ws.near[i] = -1
            count = _remove(ws, j, i, n)
            n -= 1
            _search(ws, i, n)
            _improve(ws, i, n)
        for k in range(count):
            _search(ws, ws.stale[k], n)
    for i in range(n):
        n_jets = _keep_jet(ws, i, n_jets, ptmin)
    _write_jets(ws, n_inputs, n_jets)
    return n_jets


@kernel
def cluster(p4: NDArray[np.float64], n: int, radius: float, power: int, ptmin: float, ws: ClusterWorkspace) -> int:
    """Return the number of inclusive jets of n momenta with one radius.

    Parameters
    ----------
    p4 : ndarray, shape (>= n, 4)
        px, py, pz, E [GeV].
    n : int
        Number of momenta.
    radius : float
        Jet radius in (y, phi).
    power : int
        -1 anti-kT, 0 Cambridge/Aachen, 1 kT.
    ptmin : float
        Smallest pT [GeV] of a jet.
    ws : ClusterWorkspace
        ws.jet_p4[:n_jets] and ws.jet_of[:n] are the results.

    Returns
    -------
    int
        Number of jets, `OVERFLOW` or `NOT_FINITE`.
    """
    return recombine(load(p4, n, 1.0, 0, ws), power, 0.0, radius, radius, 0, ptmin, ws)


@kernel
def cluster_exclusive(
    p4: NDArray[np.float64], n: int, power: int, radius: float, n_jets: int, ws: ClusterWorkspace
) -> int:
    """Return the number of exclusive jets: recombination stops with `n_jets` >= 1 (or all n, if fewer) left.

    What was closer to the beam than to anything else before belongs to no jet. Arguments and results as in `cluster`.
    """
    return recombine(load(p4, n, 1.0, 0, ws), power, 0.0, radius, radius, n_jets, 0.0, ws)


@kernel
def constituents(
    p4: NDArray[np.float64], jet_of: NDArray[np.int32], n: int, jet: int, out: NDArray[np.float64]
) -> int:
    """Copy the momenta that belong to one jet into the first rows of `out` (shape as p4); return how many."""
    m = 0
    for i in range(n):
        if jet_of[i] == jet:
            for c in range(4):
                out[m, c] = p4[i, c]
            m += 1
    return m

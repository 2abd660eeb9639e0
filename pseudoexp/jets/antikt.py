"""Sequential recombination: the generalised kT algorithms, anti-kT (p = -1), Cambridge/Aachen (0) and kT (+1).

d_ij = min(pT_i^2p, pT_j^2p) dR_ij^2 / R^2 and d_iB = pT_i^2p (Cacciari, Salam, Soyez, arXiv:0802.1189), dR in
rapidity and azimuth, four-momenta added (E-scheme). The smallest of all d_ij is found among nearest
neighbours (Cacciari and Salam, hep-ph/0512210): if d_ij is the smallest and i the one with the smaller
pT^2p, then j is the nearest neighbour of i in the plane. So N^2 steps suffice, and each i may count with its own
pT^2p alone: what this makes too large is never the smallest. Here d stands for R^2 times the above.

The radius may depend on the pseudojet, R = clip(rho / pT, r_min, r_max) (Krohn, Thaler, Wang, arXiv:0903.0392):
d_iB = pT_i^2p R^2(pT_i). The argument holds with every i looking for neighbours within its *own* radius, since a
smallest d_ij is below d_iB of the one with the smaller pT^2p. A fixed radius is the case r_min = r_max.

Inclusive jets above a smallest pT are complete when the sum of all pT that is left does not reach it: hard jets come
first, so half of the steps or more are spared.

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

PX, PY, PZ, E, Y, PHI, SCALE, RADIUS2, NEAR_DIST, D, DIST = range(11)
"""Rows of `ClusterWorkspace.slots`: momentum, rapidity, azimuth in [0, 2 pi), pT^2p, R^2, dR^2 to the nearest neighbour
(R^2 for the beam), the slot's smallest d, and dR^2 of all slots to one of them."""
NEAR, FIRST, LAST, FOLLOWING, STALE, ORDER, JET = range(7)
"""Rows of `ClusterWorkspace.links`: the nearest neighbour's slot (-1: beam), first and last input of the slot's chain,
the next input in the chain of each input (-1: end), slots whose neighbour has gone, jets by falling pT, and the
first input in the chain of each jet."""


class ClusterWorkspace(NamedTuple):
    """Results and buffers of one clustering; a *slot* holds one pseudojet that still takes part.

    Few arrays with many rows: compiled functions hand over every array by seven or more words.
    """

    jet_p4: NDArray[np.float64]  # (capacity, 4) result: px, py, pz, E, by falling pT
    jet_of: NDArray[np.int32]  # (capacity,) result: jet of each input, -1 for none
    slots: NDArray[np.float64]  # (11, capacity)
    bits: NDArray[np.int64]  # (11, capacity) slots as integers: one order for x >= 0, and an integer minimum vectorises
    links: NDArray[np.int64]  # (7, capacity)
    found: NDArray[np.float64]  # (capacity, 5) jets as found: px, py, pz, E, pT^2


def cluster_workspace(capacity: int) -> ClusterWorkspace:
    """Return the workspace for up to `capacity` inputs (220 bytes each)."""
    slots = np.zeros((DIST + 1, capacity))
    return ClusterWorkspace(
        np.zeros((capacity, 4)), np.zeros(capacity, np.int32), slots, slots.view(np.int64),
        np.zeros((JET + 1, capacity), np.int64), np.zeros((capacity, 5)))


@inline
def effective_radius(pt: float, rho: float, r_min: float, r_max: float) -> float:
    """Return clip(rho / pT, r_min, r_max)."""
    return r_max if rho >= r_max * pt else max(rho / pt, r_min)


@inline
def _bits(x: float) -> int:
    """Return the bits of a double as an integer."""
    return int(np.float64(x).view(np.int64))


@inline
def _set_slot(slots: NDArray[np.float64], s: int, power: int, rho: float, r_min: float, r_max: float) -> None:
    """Set rapidity, azimuth, scale and radius of slot s from its momentum."""
    px, py = slots[PX, s], slots[PY, s]
    pt2 = px * px + py * py
    slots[Y, s] = rapidity(px, py, slots[PZ, s], slots[E, s])
    angle = phi(px, py)
    if angle < 0.0:
        angle += TWO_PI
    slots[PHI, s] = angle if angle < TWO_PI else 0.0
    if power < 0:
        slots[SCALE, s] = 1.0 / pt2 if pt2 > 1e-300 else 1e300
    else:
        slots[SCALE, s] = pt2 if power > 0 else 1.0
    r = effective_radius(math.sqrt(pt2), rho, r_min, r_max)
    slots[RADIUS2, s] = r * r


@inline
def _first_equal(row: NDArray[np.int64], value: int, n: int) -> int:
    """Return the first place of a value among row[:n]; all are looked at, which vectorises, unlike stopping early."""
    place = n
    for k in range(n):
        place = min(place, k if row[k] == value else n)
    return place


@inline
def _distances(slots: NDArray[np.float64], s: int, n: int) -> int:
    """Fill row DIST with dR^2 of the slots 0 .. n-1 to slot s (itself: far away); return the bits of the smallest."""
    y, azimuth, dist = slots[Y], slots[PHI], slots[DIST]
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
def _search(
    slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int, n: int
) -> None:
    """Find the nearest neighbour of slot s within its radius among the slots 0 .. n-1."""
    smallest = _distances(slots, s, n)
    near[s] = -1
    slots[NEAR_DIST, s] = slots[RADIUS2, s]
    if smallest < bits[RADIUS2, s]:
        near[s] = _first_equal(bits[DIST], smallest, n)
        slots[NEAR_DIST, s] = slots[DIST, near[s]]
    slots[D, s] = slots[NEAR_DIST, s] * slots[SCALE, s]


@inline
def _improve(slots: NDArray[np.float64], near: NDArray[np.int64], s: int, n: int) -> None:
    """Let slot s be the neighbour of all to whom it is nearer than their own; row DIST holds the distances to s."""
    dist, near_dist, d, scale = slots[DIST], slots[NEAR_DIST], slots[D], slots[SCALE]
    for i in range(n):
        d2 = dist[i]
        old = near_dist[i]
        closer = d2 < old
        near_old = near[i]
        nearest = d2 if closer else old
        near_dist[i] = nearest
        d[i] = nearest * scale[i]
        near[i] = s if closer else near_old


@inline
def _fill_gap(slots: NDArray[np.float64], links: NDArray[np.int64], gone: int, last: int) -> None:
    """Move the last slot into slot `gone`."""
    for row in range(DIST):
        slots[row, gone] = slots[row, last]
    for row in range(FOLLOWING):
        links[row, gone] = links[row, last]


@inline
def _next_stale(near: NDArray[np.int64], gone: int, merged: int, start: int, n: int) -> int:
    """Return the first slot in start .. n-1 whose neighbour is `gone` or `merged`, n without."""
    place = n
    for k in range(start, n):
        place = min(place, k if (near[k] == gone) | (near[k] == merged) else n)
    return place


@inline
def _list_stale(near: NDArray[np.int64], stale: NDArray[np.int64], gone: int, merged: int, last: int) -> int:
    """List the slots 0 .. last-1 whose neighbour was `gone` or `merged`; return how many."""
    count = 0
    i = _next_stale(near, gone, merged, 0, last)
    while i < last:
        stale[count] = i
        count += 1
        i = _next_stale(near, gone, merged, i + 1, last)
    return count


@inline
def _relabel(near: NDArray[np.int64], gone: int, last: int) -> None:
    """Let slot `last` be called `gone` by its neighbours 0 .. last-1."""
    for i in range(last):
        j = near[i]
        near[i] = gone if j == last else j


@inline
def _smallest(bits: NDArray[np.int64], n: int) -> int:
    """Return the first of n slots with the smallest d."""
    d = bits[D]
    smallest = d[0]
    for i in range(n):
        smallest = min(smallest, d[i])
    return _first_equal(d, smallest, n)


@inline
def _merge(slots: NDArray[np.float64], links: NDArray[np.int64], into: int, gone: int) -> None:
    """Add momentum and chain of slot `gone` to slot `into`."""
    for row in range(PX, E + 1):
        slots[row, into] += slots[row, gone]
    links[FOLLOWING, links[LAST, into]] = links[FIRST, gone]
    links[LAST, into] = links[LAST, gone]


@inline
def _keep_jet(ws: ClusterWorkspace, s: int, n_jets: int, ptmin: float) -> int:
    """Append slot s to the jets found if its pT reaches ptmin; return their number."""
    pt2 = ws.slots[PX, s] * ws.slots[PX, s] + ws.slots[PY, s] * ws.slots[PY, s]
    if pt2 < ptmin * ptmin:
        return n_jets
    for c in range(4):
        ws.found[n_jets, c] = ws.slots[PX + c, s]
    ws.found[n_jets, 4] = pt2
    ws.links[JET, n_jets] = ws.links[FIRST, s]
    return n_jets + 1


@inline
def _pt(slots: NDArray[np.float64], s: int) -> float:
    return math.sqrt(slots[PX, s] * slots[PX, s] + slots[PY, s] * slots[PY, s])


@inline
def _write_jets(ws: ClusterWorkspace, n_inputs: int, n_jets: int) -> None:
    """Order the jets by falling pT (equal ones as found) and write the results."""
    order, following, found = ws.links[ORDER], ws.links[FOLLOWING], ws.found
    for k in range(n_jets):
        j = k
        while j > 0 and found[order[j - 1], 4] < found[k, 4]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = k
    ws.jet_of[:n_inputs] = _NO_JET
    for k in range(n_jets):
        for c in range(4):
            ws.jet_p4[k, c] = found[order[k], c]
        i = ws.links[JET, order[k]]
        while i >= 0:
            ws.jet_of[i] = k
            i = following[i]


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
            ws.slots[PX + c, s] = x
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
    slots, bits, links = ws.slots, ws.bits, ws.links
    near, stale = links[NEAR], links[STALE]
    for i in range(n):
        links[FIRST, i] = links[LAST, i] = i
        links[FOLLOWING, i] = -1
        _set_slot(slots, i, power, rho, r_min, r_max)
    for i in range(n):
        _search(slots, bits, near, i, n)
    n_inputs = n
    n_jets = 0
    enough = (1.0 - 1e-9) * ptmin if n_stop == 0 and ptmin > 0.0 else -math.inf
    left = 0.0  # sum of the pT of all slots: below ptmin no union of them is a jet
    for i in range(n):
        left += _pt(slots, i)
    while n > n_stop and left >= enough:
        i = _smallest(bits, n)
        j = near[i]
        gone, merged = max(i, j), min(i, j)
        n -= 1
        if j < 0:
            gone = merged = i
            if n_stop == 0:
                n_jets = _keep_jet(ws, i, n_jets, ptmin)
            left -= _pt(slots, i)
        else:
            left -= _pt(slots, i) + _pt(slots, j)
            _merge(slots, links, merged, gone)
            _set_slot(slots, merged, power, rho, r_min, r_max)
            left += _pt(slots, merged)
            near[merged] = -1  # it is searched below, not as a stale one
        _fill_gap(slots, links, gone, n)
        count = 0
        if j >= 0 or r_min < r_max:  # with one radius, what is nearest to the beam is nobody's neighbour
            count = _list_stale(near, stale, gone, merged, n)
        _relabel(near, gone, n)
        if j >= 0:
            _search(slots, bits, near, merged, n)
            _improve(slots, near, merged, n)
        for k in range(count):
            _search(slots, bits, near, stale[k], n)
    if n <= n_stop:
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

    What was closer to the beam than to anything else before belongs to no jet (for power 0 and a small radius all
    d_iB are equal, and which ones are left is arbitrary). Arguments and results as in `cluster`.
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

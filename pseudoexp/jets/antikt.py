"""Sequential recombination: the generalised kT algorithms, anti-kT (p = -1), Cambridge/Aachen (0) and kT (+1).

d_ij = min(pT_i^2p, pT_j^2p) dR_ij^2 / R^2 and d_iB = pT_i^2p (Cacciari, Salam, Soyez, arXiv:0802.1189), dR in
rapidity and azimuth, four-momenta added (E-scheme). The smallest of all d_ij is found among nearest
neighbours (Cacciari and Salam, hep-ph/0512210): if d_ij is the smallest and i the one with the smaller
pT^2p, then j is the nearest neighbour of i in the plane. So N^2 steps suffice, and each i may count with its own
pT^2p alone: what this makes too large is never the smallest. Here d stands for R^2 times the above.

When the nearest neighbour of i is recombined, the distance to it stays: all others are at least that far, so d_i can
only have grown. Only if this too small d_i comes out as the smallest of all is the neighbour looked for. Most never do.

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

from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.kinematics import phi, rapidity
from pseudoexp.core.layout import row_length
from pseudoexp.jets.slots import (
    FIRST,
    FOLLOWING,
    GONE,
    JET,
    LAST,
    NEAR,
    NEAR_DIST,
    ORDER,
    PX,
    PY,
    PZ,
    E,
    after_leaving,
    after_merging,
    fill_gap,
    insert,
    look_around,
    merge,
    set_slot,
    slot_of,
    smallest_d,
)

OVERFLOW = -1
"""Returned when the input does not fit into the workspace."""
NOT_FINITE = -2
"""Returned when a component of an input momentum is NaN, infinite or above 1e150 GeV."""

_NO_JET = np.int32(-1)
_LARGEST = 1e150
_flat_rapidity, _flat_phi = flat(rapidity), flat(phi)


class ClusterWorkspace(NamedTuple):
    """Results and buffers of one clustering; a *slot* holds one pseudojet that still takes part.

    Few arrays with many rows: compiled functions hand over every array by seven or more words.
    """

    jet_p4: NDArray[np.float64]  # (capacity, 4) result: px, py, pz, E, by falling pT
    jet_of: NDArray[np.int32]  # (capacity,) result: jet of each input, -1 for none
    directions: NDArray[np.float64]  # (2, capacity) rapidity and azimuth in (-pi, pi] of each input
    slots: NDArray[np.float64]  # (9, capacity)
    bits: NDArray[np.int64]  # (9, capacity) slots as integers: one order for x >= 0, and an integer minimum vectorises
    links: NDArray[np.int64]  # (7, capacity)
    found: NDArray[np.float64]  # (capacity, 5) jets as found: px, py, pz, E, pT^2


def cluster_workspace(capacity: int) -> ClusterWorkspace:
    """Return the workspace for up to `capacity` inputs (220 bytes each)."""
    slots = np.zeros((NEAR_DIST + 1, row_length(capacity)))
    return ClusterWorkspace(
        np.zeros((capacity, 4)), np.zeros(capacity, np.int32), np.zeros((2, capacity)), slots, slots.view(np.int64),
        np.zeros((JET + 1, row_length(capacity)), np.int64), np.zeros((capacity, 5)))


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
def find_directions(n: int, ws: ClusterWorkspace) -> int:
    """Fill ws.directions of the n momenta loaded into the workspace; return n, and what is below zero as it is."""
    px, py, pz, e = ws.slots[PX], ws.slots[PY], ws.slots[PZ], ws.slots[E]
    y, azimuth = ws.directions[0], ws.directions[1]
    for i in range(n):
        y[i] = _flat_rapidity(px[i], py[i], pz[i], e[i])
    for i in range(n):
        azimuth[i] = _flat_phi(px[i], py[i])
    return n


@kernel
def take_directions(directions: NDArray[np.float64], n: int, ws: ClusterWorkspace) -> int:
    """Do as `find_directions` with directions found earlier."""
    for i in range(n):
        ws.directions[0, i], ws.directions[1, i] = directions[0, i], directions[1, i]
    return n


@inline
def _start(n: int, power: int, rho: float, r_min: float, r_max: float, ws: ClusterWorkspace) -> float:
    """Make a slot of every input and find its nearest neighbour; return the sum of the pT of all."""
    slots, bits, links = ws.slots, ws.bits, ws.links
    total = 0.0
    for i in range(n):
        links[FIRST, i] = links[LAST, i] = i
        links[FOLLOWING, i] = -1
        set_slot(slots, i, ws.directions[0, i], ws.directions[1, i], power, rho, r_min, r_max)
        insert(slots, bits, links[NEAR], i)
        total += _pt(slots, i)
    return total


@kernel
def recombine(
    n: int, power: int, rho: float, r_min: float, r_max: float, n_stop: int, ptmin: float, ws: ClusterWorkspace
) -> int:
    """Cluster the n momenta loaded into the workspace, whose directions are known.

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
    near = links[NEAR]
    n_inputs = n
    n_jets = 0
    enough = (1.0 - 1e-9) * ptmin if n_stop == 0 and ptmin > 0.0 else -math.inf
    left = _start(n, power, rho, r_min, r_max, ws)  # sum of the pT of all slots: below ptmin no union of them is a jet
    smallest, where = smallest_d(slots, n)
    while n > n_stop and left >= enough:
        i = slot_of(slots, smallest, where)
        j = near[i]
        if j == GONE:
            smallest, where = look_around(slots, bits, near, i, n)
            continue
        n -= 1
        if j < 0:
            if n_stop == 0:
                n_jets = _keep_jet(ws, i, n_jets, ptmin)
            left -= _pt(slots, i)
            fill_gap(slots, links, i, n)
            smallest, where = after_leaving(slots, near, i, n)
            continue
        gone, merged = max(i, j), min(i, j)
        left -= _pt(slots, i) + _pt(slots, j)
        merge(slots, links, merged, gone)
        y = rapidity(slots[PX, merged], slots[PY, merged], slots[PZ, merged], slots[E, merged])
        set_slot(slots, merged, y, phi(slots[PX, merged], slots[PY, merged]), power, rho, r_min, r_max)
        left += _pt(slots, merged)
        fill_gap(slots, links, gone, n)
        smallest, where = after_merging(slots, bits, near, merged, gone, n)
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
    return recombine(find_directions(load(p4, n, 1.0, 0, ws), ws), power, 0.0, radius, radius, 0, ptmin, ws)


@kernel
def cluster_exclusive(
    p4: NDArray[np.float64], n: int, power: int, radius: float, n_jets: int, ws: ClusterWorkspace
) -> int:
    """Return the number of exclusive jets: recombination stops with `n_jets` >= 1 (or all n, if fewer) left.

    What was closer to the beam than to anything else before belongs to no jet (for power 0 and a small radius all
    d_iB are equal, and which ones are left is arbitrary). Arguments and results as in `cluster`.
    """
    return recombine(find_directions(load(p4, n, 1.0, 0, ws), ws), power, 0.0, radius, radius, n_jets, 0.0, ws)


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


@kernel
def constituent_directions(
    directions: NDArray[np.float64], jet_of: NDArray[np.int32], n: int, jet: int, out: NDArray[np.float64]
) -> int:
    """Copy the directions (2, n) that belong to one jet into the first columns of `out`; return how many."""
    m = 0
    for i in range(n):
        if jet_of[i] == jet:
            out[0, m], out[1, m] = directions[0, i], directions[1, i]
            m += 1
    return m

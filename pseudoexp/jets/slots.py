"""The slots of a clustering: pseudojets that still take part, and who is whose nearest neighbour.

The steps of `antikt.recombine`, each a loop or two over all slots that compilers turn into vector instructions. Row by row
a slot is momentum, place, scale and neighbour; a slot that is given up is filled with the last one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.kinematics import PI, TWO_PI

PX, PY, PZ, E, Y, PHI, SCALE, RADIUS2, NEAR_DIST, DIST = range(10)
"""Rows of `ClusterWorkspace.slots`: momentum, rapidity, azimuth in [0, 2 pi), pT^2p, R^2, dR^2 to the nearest neighbour
(R^2 for the beam; no more than it where the neighbour has gone), and dR^2 of all slots to one of them."""
NEAR, FIRST, LAST, FOLLOWING, COUNT, ORDER, JET = range(7)
"""Rows of `ClusterWorkspace.links`: the nearest neighbour's slot (-1: beam, -2: has gone), first and last input of the
slot's chain, the next input in the chain of each input (-1: end), inputs of a jet, jets by falling pT, and the first
input in the chain of each jet."""
BEAM, GONE = -1, -2
"""In the place of a neighbour: there is none within the radius; it has gone, and the distance to it is a lower limit."""
FAR = 1e150
"""A coordinate outside of everything."""


@inline
def effective_radius(pt: float, rho: float, r_min: float, r_max: float) -> float:
    """Return clip(rho / pT, r_min, r_max)."""
    return r_max if rho >= r_max * pt else max(rho / pt, r_min)


@inline
def bits_of(x: float) -> int:
    """Return the bits of a double as an integer."""
    return int(np.float64(x).view(np.int64))


@inline
def set_slot(slots: NDArray[np.float64], s: int, y: float, angle: float, power: int, rho: float, r_min: float,
              r_max: float) -> None:
    """Set rapidity, azimuth, scale and radius of slot s from its direction and momentum."""
    px, py = slots[PX, s], slots[PY, s]
    pt2 = px * px + py * py
    slots[Y, s] = y
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
def first_equal(row: NDArray[np.int64], value: int, n: int) -> int:
    """Return the first place of a value among row[:n]; all are looked at, which vectorises, unlike stopping early."""
    place = n
    for k in range(n):
        place = min(place, k if row[k] == value else n)
    return place


@inline
def distances(slots: NDArray[np.float64], s: int, n: int) -> int:
    """Fill row DIST with dR^2 of the slots 0 .. n-1 to slot s (itself: far away); return the bits of the smallest."""
    y, azimuth, dist = slots[Y], slots[PHI], slots[DIST]
    y_s = y[s]
    phi_s = azimuth[s]
    y[s] = FAR
    smallest = bits_of(np.inf)
    for k in range(n):
        dy = y[k] - y_s
        dphi = PI - abs(PI - abs(azimuth[k] - phi_s))
        d2 = dy * dy + dphi * dphi
        dist[k] = d2
        smallest = min(smallest, bits_of(d2))
    y[s] = y_s
    return smallest


@inline
def set_near(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int, smallest: int,
              n: int) -> None:
    """Set the nearest neighbour of slot s within its radius; row DIST holds the distances to it, `smallest` their least."""
    near[s] = BEAM
    slots[NEAR_DIST, s] = slots[RADIUS2, s]
    if smallest < bits[RADIUS2, s]:
        near[s] = first_equal(bits[DIST], smallest, n)
        slots[NEAR_DIST, s] = slots[DIST, near[s]]


@inline
def insert(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int) -> None:
    """Let slot s and the slots before it find each other."""
    smallest = distances(slots, s, s)
    dist, near_dist = slots[DIST], slots[NEAR_DIST]
    for i in range(s):
        old, near_old = near_dist[i], near[i]
        closer = dist[i] < old
        near_dist[i] = dist[i] if closer else old
        near[i] = s if closer else near_old
    set_near(slots, bits, near, s, smallest, s)


@inline
def after_merging(slots: NDArray[np.float64], near: NDArray[np.int64], merged: int, gone: int, last: int) -> int:
    """Tell the slots 0 .. last-1 of a recombination, row DIST holding the distances to `merged`; return the smallest d.

    What was near to `merged` or `gone` has lost its neighbour, slot `last` is called `gone` now, and slot `merged` is
    the neighbour of all to whom it is nearer than their own. The smallest d is given as bits.
    """
    dist, near_dist, scale = slots[DIST], slots[NEAR_DIST], slots[SCALE]
    smallest = bits_of(np.inf)
    for i in range(last):
        d2, old, j = dist[i], near_dist[i], near[i]
        j = GONE if (j == gone) | (j == merged) else j
        j = gone if j == last else j
        closer = d2 < old
        nearest = d2 if closer else old
        near_dist[i] = nearest
        near[i] = merged if closer else j
        smallest = min(smallest, bits_of(nearest * scale[i]))
    return smallest


@inline
def after_leaving(slots: NDArray[np.float64], near: NDArray[np.int64], gone: int, last: int) -> int:
    """Tell the slots 0 .. last-1 that a jet has left and slot `last` is called `gone` now; return the bits of the smallest d."""
    near_dist, scale = slots[NEAR_DIST], slots[SCALE]
    smallest = bits_of(np.inf)
    for i in range(last):
        j = near[i]
        j = GONE if j == gone else j
        near[i] = gone if j == last else j
        smallest = min(smallest, bits_of(near_dist[i] * scale[i]))
    return smallest


@inline
def smallest_d(slots: NDArray[np.float64], n: int) -> int:
    """Return the bits of the smallest d of n slots."""
    near_dist, scale = slots[NEAR_DIST], slots[SCALE]
    smallest = bits_of(np.inf)
    for i in range(n):
        smallest = min(smallest, bits_of(near_dist[i] * scale[i]))
    return smallest


@inline
def slot_of(slots: NDArray[np.float64], d: int, n: int) -> int:
    """Return the first of n slots whose d has the bits `d`."""
    near_dist, scale = slots[NEAR_DIST], slots[SCALE]
    place = n
    for i in range(n):
        place = min(place, i if bits_of(near_dist[i] * scale[i]) == d else n)
    return place


@inline
def fill_gap(slots: NDArray[np.float64], links: NDArray[np.int64], gone: int, last: int) -> None:
    """Move the last slot into slot `gone`."""
    for row in range(DIST):
        slots[row, gone] = slots[row, last]
    for row in range(FOLLOWING):
        links[row, gone] = links[row, last]


@inline
def merge(slots: NDArray[np.float64], links: NDArray[np.int64], into: int, gone: int) -> None:
    """Add momentum and chain of slot `gone` to slot `into`."""
    for row in range(PX, E + 1):
        slots[row, into] += slots[row, gone]
    links[FOLLOWING, links[LAST, into]] = links[FIRST, gone]
    links[LAST, into] = links[LAST, gone]

"""The slots of a clustering: pseudojets that still take part, and who is whose nearest neighbour.

The steps of `antikt.recombine`, each one loop over all slots that compilers turn into vector instructions. Row by row a slot
is momentum, place, scale and neighbour; a slot that is given up is filled with the last one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.kinematics import PI, TWO_PI

PX, PY, PZ, E, Y, PHI, SCALE, RADIUS2, NEAR_DIST = range(9)
"""Rows of `ClusterWorkspace.slots`: momentum, rapidity, azimuth in [0, 2 pi), pT^2p, R^2, and dR^2 to the nearest
neighbour (R^2 for the beam; no more than it where the neighbour has gone)."""
NEAR, FIRST, LAST, FOLLOWING, COUNT, ORDER, JET = range(7)
"""Rows of `ClusterWorkspace.links`: the nearest neighbour's slot (-1: beam, -2: has gone), first and last input of the
slot's chain, the next input in the chain of each input (-1: end), inputs of a jet, jets by falling pT, and the first
input in the chain of each jet."""
BEAM, GONE = -1, -2
"""In the place of a neighbour: there is none within the radius; it has gone, and the distance to it is a lower limit."""
FAR = 1e150
"""A coordinate outside of everything."""
SLOT = (1 << 21) - 1
"""Bits of a *place*, which says where the smallest of some numbers is: it is the smallest of their leading bits followed by
their slots. So one pass finds a minimum and where it is, by integer minima alone. Where leading bits agree the place may name
the wrong slot; then it is searched for."""
_LEADING = ~SLOT
NONE = 0x7FF0000000000000
"""The bits of infinity."""


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
def packed(bits: int, slot: int) -> int:
    """Return a number that orders slots by a quantity's leading bits, those that agree in them by slot."""
    return (bits & _LEADING) | slot


@inline
def distance2(slots: NDArray[np.float64], i: int, y: float, angle: float) -> float:
    """Return dR^2 of slot i to a direction."""
    dy = slots[Y, i] - y
    dphi = PI - abs(PI - abs(slots[PHI, i] - angle))
    return dy * dy + dphi * dphi


@inline
def set_near(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int, least: int, place: int
             ) -> None:
    """Set the nearest neighbour of slot s within its radius, given the least dR^2 to others and where it is."""
    near[s] = BEAM
    slots[NEAR_DIST, s] = slots[RADIUS2, s]
    if least >= bits[RADIUS2, s]:
        return
    y, angle, j = slots[Y, s], slots[PHI, s], place & SLOT
    if bits_of(distance2(slots, j, y, angle)) != least:  # another one's leading bits agree
        j = 0
        while j == s or bits_of(distance2(slots, j, y, angle)) != least:
            j += 1
    near[s] = j
    slots[NEAR_DIST, s] = distance2(slots, j, y, angle)


@inline
def insert(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int) -> None:
    """Let slot s and the slots before it find each other."""
    y, azimuth, near_dist = slots[Y], slots[PHI], slots[NEAR_DIST]
    y_s, phi_s = y[s], azimuth[s]
    least = place = NONE
    for i in range(s):
        dy = y[i] - y_s
        dphi = PI - abs(PI - abs(azimuth[i] - phi_s))
        d2 = dy * dy + dphi * dphi
        old, near_old = near_dist[i], near[i]
        closer = d2 < old
        near_dist[i] = d2 if closer else old
        near[i] = s if closer else near_old
        least = min(least, bits_of(d2))
        place = min(place, packed(bits_of(d2), i))
    set_near(slots, bits, near, s, least, place)


@inline
def look_around(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], s: int, n: int
                ) -> tuple[int, int]:
    """Find the nearest neighbour of slot s among the slots 0 .. n-1; return as `after_merging`."""
    y, azimuth, near_dist, scale = slots[Y], slots[PHI], slots[NEAR_DIST], slots[SCALE]
    y_s, phi_s = y[s], azimuth[s]
    y[s] = near_dist[s] = FAR
    least = place = smallest = where = NONE
    for i in range(n):
        dy = y[i] - y_s
        dphi = PI - abs(PI - abs(azimuth[i] - phi_s))
        d2 = dy * dy + dphi * dphi
        least = min(least, bits_of(d2))
        place = min(place, packed(bits_of(d2), i))
        d = bits_of(near_dist[i] * scale[i])
        smallest = min(smallest, d)
        where = min(where, packed(d, i))
    y[s] = y_s
    set_near(slots, bits, near, s, least, place)
    d = bits_of(near_dist[s] * scale[s])
    return min(smallest, d), min(where, packed(d, s))


@inline
def after_merging(slots: NDArray[np.float64], bits: NDArray[np.int64], near: NDArray[np.int64], merged: int, gone: int,
                  last: int) -> tuple[int, int]:
    """Tell the slots 0 .. last-1 of a recombination; return the smallest d and where it is.

    What was near to `merged` or `gone` has lost its neighbour, slot `last` is called `gone` now, and slot `merged` is
    the neighbour of all to whom it is nearer than their own.
    """
    y, azimuth, near_dist, scale = slots[Y], slots[PHI], slots[NEAR_DIST], slots[SCALE]
    y_s, phi_s = y[merged], azimuth[merged]
    y[merged] = near_dist[merged] = FAR
    least = place = smallest = where = NONE
    for i in range(last):
        dy = y[i] - y_s
        dphi = PI - abs(PI - abs(azimuth[i] - phi_s))
        d2 = dy * dy + dphi * dphi
        old, j = near_dist[i], near[i]
        j = GONE if (j == gone) | (j == merged) else j
        j = gone if j == last else j
        closer = d2 < old
        nearest = d2 if closer else old
        near_dist[i] = nearest
        near[i] = merged if closer else j
        least = min(least, bits_of(d2))
        place = min(place, packed(bits_of(d2), i))
        d = bits_of(nearest * scale[i])
        smallest = min(smallest, d)
        where = min(where, packed(d, i))
    y[merged] = y_s
    set_near(slots, bits, near, merged, least, place)
    d = bits_of(near_dist[merged] * scale[merged])
    return min(smallest, d), min(where, packed(d, merged))


@inline
def after_leaving(slots: NDArray[np.float64], near: NDArray[np.int64], gone: int, last: int) -> tuple[int, int]:
    """Tell the slots 0 .. last-1 that a jet has left and slot `last` is called `gone` now; return as `after_merging`."""
    near_dist, scale = slots[NEAR_DIST], slots[SCALE]
    smallest = where = NONE
    for i in range(last):
        j = near[i]
        j = GONE if j == gone else j
        near[i] = gone if j == last else j
        d = bits_of(near_dist[i] * scale[i])
        smallest = min(smallest, d)
        where = min(where, packed(d, i))
    return smallest, where


@inline
def smallest_d(slots: NDArray[np.float64], n: int) -> tuple[int, int]:
    """Return the smallest d of n slots and where it is, as `slot_of` wants it."""
    near_dist, scale = slots[NEAR_DIST], slots[SCALE]
    smallest = where = NONE
    for i in range(n):
        d = bits_of(near_dist[i] * scale[i])
        smallest = min(smallest, d)
        where = min(where, packed(d, i))
    return smallest, where


@inline
def slot_of(slots: NDArray[np.float64], smallest: int, where: int) -> int:
    """Return the first slot whose d is the smallest, given its bits and its place."""
    i = where & SLOT
    if bits_of(slots[NEAR_DIST, i] * slots[SCALE, i]) != smallest:  # another one's leading bits agree
        i = 0
        while bits_of(slots[NEAR_DIST, i] * slots[SCALE, i]) != smallest:
            i += 1
    return i


@inline
def fill_gap(slots: NDArray[np.float64], links: NDArray[np.int64], gone: int, last: int) -> None:
    """Move the last slot into slot `gone`."""
    for row in range(NEAR_DIST + 1):
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

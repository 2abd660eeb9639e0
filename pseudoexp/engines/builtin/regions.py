"""Walking along a string with gluons: where the next break lies, and which momentum the hadron takes.

A string from parton 0 to parton n has n *low* regions, each spanned by two neighbours' light-like momenta (a gluon shares
its momentum between two). The world sheet of the string consists of regions (j, k), j <= k: momentum of low region j that
runs away from one end, and of low region k that runs towards it (T. Sjostrand, Nucl. Phys. B248 (1984) 469). A break has
coordinates (x, y) in its region: x falls from 1 to 0, then j grows by one; y rises from 0 to 1, then k grows by one. The
vertex of a break, times the string tension, is the four-vector

    V = x p_j + y q_k + half the sum of p_{j+1..k} and q_{j..k-1},    Gamma = V^2

(both halves of a gluon have the same momentum, and it has gone as far as one of them when it has lost both).

The hadron between two breaks has the difference of the x p parts plus that of the y q parts, plus transverse momentum.
Its mass and the Gamma of its inner break, (1 - z) (Gamma_old + mT^2 / z), are two bilinear equations for (x, y).

Both ends walk with the same code: seen from the far end the order of regions is reversed and p, q are exchanged.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed

X, Y, GAMMA, W2, PX, PY, NEW_PX, NEW_PY, MASS, MT2 = range(10)
"""Columns of `Walk.value`."""
J, K, FLAVOUR, SHARED, MESON, COUNT, NEW, NEW_SHARED, NEW_MESON, HADRON = range(10)
"""Columns of `Walk.number`."""
EX, EY, INNER, TOTAL, KICK = range(5)
"""Rows of `Walk.vector`."""
_SMALLEST_W2 = 1e-10
_ROUNDING = 1e-6  # of the squared energy
_SAME_KICK = 0.01
_OFF_SHELL = 1e-7


class Walk(NamedTuple):
    """The two ends of one string."""

    ahead: NDArray[np.float64]  # (2, regions, 4) p of the low regions, in the order of either end
    towards: NDArray[np.float64]  # (2, regions, 4) q of the low regions
    value: NDArray[np.float64]  # (2, 10)
    number: NDArray[np.int64]  # (2, 10)
    vector: NDArray[np.float64]  # (2, 5, 4) transverse axes; sum of p and q inside the vertex; hadron; a kick
    rest: NDArray[np.float64]  # (4,) momentum not yet in hadrons
    regions: NDArray[np.int64]  # (1,) number of low regions
    joint: NDArray[np.float64]  # (4, 4) p, q and the transverse axes of the region of the last two hadrons
    past: NDArray[np.float64]  # (84,) an earlier state of all of the above but the regions
    varied: bool  # whether there are weights
    weights: NDArray[np.float64]  # (2,) for other values of r_b


def new_walk(capacity: int, varied: bool = False) -> Walk:
    """Return a workspace for strings of up to `capacity` partons, with weights or without."""
    return packed(Walk(ahead=np.zeros((2, capacity + 1, 4)), towards=np.zeros((2, capacity + 1, 4)), value=np.zeros((2, 10)),
                       number=np.zeros((2, 10), np.int64), vector=np.zeros((2, 5, 4)), rest=np.zeros(4),
                       regions=np.zeros(1, np.int64), joint=np.zeros((4, 4)), past=np.zeros(84),
                       varied=varied, weights=np.ones(2)))


@inline
def remember(walk: Walk) -> None:
    """Keep the state of both ends for `return_to_past`."""
    past, at = walk.past, 0
    for end in range(2):
        for k in range(10):
            past[at + k], past[at + 10 + k] = walk.value[end, k], walk.number[end, k]
        for k in range(5):
            for m in range(4):
                past[at + 20 + 4 * k + m] = walk.vector[end, k, m]
        at += 40
    for m in range(4):
        past[80 + m] = walk.rest[m]


@inline
def return_to_past(walk: Walk) -> None:
    """Put both ends back where they were at the last `remember`."""
    past, at = walk.past, 0
    for end in range(2):
        for k in range(10):
            walk.value[end, k], walk.number[end, k] = past[at + k], int(past[at + 10 + k])
        for k in range(5):
            for m in range(4):
                walk.vector[end, k, m] = past[at + 20 + 4 * k + m]
        at += 40
    for m in range(4):
        walk.rest[m] = past[80 + m]


@inline
def dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the Minkowski product of two four-vectors (px, py, pz, E)."""
    return a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]


@inline
def copy_momentum(source: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    """Copy a four-vector (an assignment of slices would allocate, for fear that they overlap)."""
    for m in range(4):
        target[m] = source[m]


@kernel
def transverse_axes(p: NDArray[np.float64], q: NDArray[np.float64], ex: NDArray[np.float64], ey: NDArray[np.float64]
                    ) -> float:
    """Fill two unit vectors (square -1) normal to the light-like p, q and to each other; return 2 p.q.

    They are the axes of space closest to being normal to the string, minus their parts along p, q. If p and q are (nearly)
    parallel there is no region: nothing is filled and 0 returned.
    """
    pq = dot(p, q)
    if not pq > _SMALLEST_W2:
        return 0.0
    pe, qe = 1.0 / p[3], 1.0 / q[3]
    dx, dy, dz = abs(p[0] * pe - q[0] * qe), abs(p[1] * pe - q[1] * qe), abs(p[2] * pe - q[2] * qe)
    first, second = 0, 1
    if dx >= dy and dx >= dz:
        first, second = 1, 2
    elif dy >= dz:
        first, second = 0, 2
    inverse = 1.0 / pq
    pa, qa = p[first] * inverse, q[first] * inverse  # minus the products with the axis, over p.q
    pb, qb = p[second] * inverse, q[second] * inverse
    size = 1.0 + 2.0 * pa * q[first]  # minus the square of the first vector, and its product with the second:
    overlap = -(pa * q[second] + pb * q[first])
    third = 3 - first - second
    first_norm = 1.0 / math.sqrt(size)
    second_norm = math.sqrt(size) * pq / abs(p[3] * q[third] - q[3] * p[third])  # from the volume of p, q and both axes
    overlap *= first_norm
    for m in range(4):
        ex[m] = first_norm * (qa * p[m] + pa * q[m])
    ex[first] += first_norm
    for m in range(4):
        ey[m] = second_norm * (qb * p[m] + pb * q[m] + overlap * ex[m])
    ey[second] += second_norm
    return 2.0 * pq


@inline
def light_like(a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64], q: NDArray[np.float64]) -> bool:
    """Fill the light-like p along a and q along b with p + q = a + b; return False if a and b do not span a plane.

    PYTHIA 6.4 manual, section 12.1.3.
    """
    ab = dot(a, b)
    aa = max(dot(a, a), 0.0)
    bb = max(dot(b, b), 0.0)
    area = ab * ab - aa * bb
    if not (ab > 0.0 and area > 1e-9 * ab * ab):
        return False
    root = math.sqrt(area)
    ka = 0.5 * ((bb + ab) / root - 1.0)
    kb = 0.5 * ((aa + ab) / root - 1.0)
    for m in range(4):
        u, v = a[m], b[m]
        p[m] = (1.0 + ka) * u - kb * v
        q[m] = (1.0 + kb) * v - ka * u
    return True


@inline
def start_end(walk: Walk, end: int, x: float, y: float, flavour: int, shared: int, meson: int) -> None:
    """Put an end of the string into its first low region at (x, y)."""
    value, number = walk.value[end], walk.number[end]
    number[:] = 0
    number[FLAVOUR], number[SHARED], number[MESON] = flavour, shared, meson
    value[:] = 0.0
    value[X], value[Y] = x, y
    vector = walk.vector[end]
    vector[:, :] = 0.0
    value[W2] = transverse_axes(walk.ahead[end, 0], walk.towards[end, 0], vector[EX], vector[EY])
    value[GAMMA] = x * y * value[W2]


@inline
def _simple_step(walk: Walk, end: int, z: float) -> bool:
    """Take the hadron inside the low region the end is in, if it fits; return whether it did."""
    value, number, vector = walk.value[end], walk.number[end], walk.vector[end]
    if number[J] != number[K] or value[W2] <= 0.0:
        return False
    dx = z * value[X]
    dy = value[MT2] / (dx * value[W2])
    if value[Y] + dy > 1.0:
        return False
    px, py = value[PX] + value[NEW_PX], value[PY] + value[NEW_PY]
    p, q, total = walk.ahead[end, number[J]], walk.towards[end, number[K]], vector[TOTAL]
    for m in range(4):
        total[m] = dx * p[m] + dy * q[m] + px * vector[EX, m] + py * vector[EY, m]
    value[X] -= dx
    value[Y] += dy
    return True


@kernel
def _solve(c0: float, cx: float, cy: float, g0: float, gx: float, gy: float, w2: float) -> tuple[bool, float, float]:
    """Solve c0 + cx x + cy y - w2 x y = 0 and g0 + gx x + gy y + w2 x y = 0; return whether that worked, x and y.

    The sum of both is linear. Of two solutions the one of larger y is the later point of the string's motion.
    """
    r0, rx, ry = c0 + g0, cx + gx, cy + gy
    a = -w2 * ry
    b = gy * rx - gx * ry - w2 * r0
    c = g0 * rx - gx * r0
    square = b * b - 4.0 * a * c
    if square < 0.0 or abs(rx) < 1e-9 * w2:
        return False, 0.0, 0.0
    if abs(a * c) < 1e-14 * b * b:
        y = -c / b
    else:
        h = -0.5 * (b + math.copysign(math.sqrt(square), b))
        y = max(h / a, c / h)
    return cx - w2 * y < 0.0, -(r0 + ry * y) / rx, y


@inline
def _next_region(walk: Walk, end: int, along: bool, total: NDArray[np.float64]) -> None:
    """Step into the next region, `along` its own momentum (j) or against the other's (k)."""
    number, inner = walk.number[end], walk.vector[end, INNER]
    j, k = number[J], number[K]
    ahead, towards = walk.ahead[end], walk.towards[end]
    if along:
        number[J] = j + 1
        for m in range(4):
            inner[m] -= 0.5 * (ahead[j + 1, m] + towards[j, m])
            total[m] += ahead[j + 1, m]
    else:
        number[K] = k + 1
        for m in range(4):
            inner[m] += 0.5 * (ahead[k + 1, m] + towards[k, m])
            total[m] += towards[k, m]
    if number[J] == number[K]:
        inner[:] = 0.0


@inline
def _turn(value: NDArray[np.float64], vector: NDArray[np.float64], p: NDArray[np.float64], q: NDArray[np.float64]) -> None:
    """Turn the axes to the region of p and q, and the new flavour's kick with them if that hardly changes its size."""
    old_x, old_y, t = vector[EX], vector[EY], vector[KICK]
    x, y = value[NEW_PX], value[NEW_PY]
    for m in range(4):
        t[m] = x * old_x[m] + y * old_y[m]
    value[W2] = transverse_axes(p, q, old_x, old_y)
    u, v = -dot(t, old_x), -dot(t, old_y)
    if abs(u * u + v * v - x * x - y * y) < _SAME_KICK:
        value[NEW_PX], value[NEW_PY] = u, v


@kernel
def take_hadron(walk: Walk, end: int, z: float) -> bool:
    """Move the end's break inwards by one hadron of fraction z and put its momentum into `vector[end, TOTAL]`.

    The hadron's mass, the transverse momentum of its new flavour and mT^2 stand in `value`; the old flavour's transverse
    momentum is one in the axes of the region where that was made, the new one's in those of the region reached. Regions
    are left where y would exceed 1 or x fall below 0. At the corner of a gluon the transverse directions change abruptly,
    and a hadron too light for one region may be too heavy for the next: there x > 1 or y < 0 are taken as they come.
    Returns False if the string ends before, or if rounding left the hadron off its mass shell (once in ten million).
    """
    value, number, vector = walk.value[end], walk.number[end], walk.vector[end]
    gamma = (1.0 - z) * (value[GAMMA] + value[MT2] / z)
    if _simple_step(walk, end, z):
        value[GAMMA] = gamma
        return True
    ahead, towards, total, inner = walk.ahead[end], walk.towards[end], vector[TOTAL], vector[INNER]
    for m in range(4):
        total[m] = value[X] * ahead[number[J], m] - value[Y] * towards[number[K], m]
        total[m] += value[PX] * vector[EX, m] + value[PY] * vector[EY, m]
    while True:
        p, q = ahead[number[J]], towards[number[K]]
        px, py, w2 = value[NEW_PX], value[NEW_PY], value[W2]
        g0, gx, gy = dot(inner, inner) - gamma, 2.0 * dot(inner, p), 2.0 * dot(inner, q)
        along = number[J] < number[K] and g0 + gy > 0.0
        if w2 > 0.0:
            c0 = dot(total, total) - px * px - py * py - value[MASS] * value[MASS]
            c0 += 2.0 * (px * dot(total, vector[EX]) + py * dot(total, vector[EY]))
            found, x, y = _solve(c0, -2.0 * dot(total, p), 2.0 * dot(total, q), g0, gx, gy, w2)
            if found and x >= 0.0 and y <= 1.0:
                break
            if found:
                along = number[J] < number[K] and y <= 1.0
        if not along and number[K] + 1 == walk.regions[0]:
            return False
        _next_region(walk, end, along, total)
        _turn(value, vector, ahead[number[J]], towards[number[K]])
    for m in range(4):
        total[m] += y * q[m] - x * p[m] + px * vector[EX, m] + py * vector[EY, m]
    value[X], value[Y], value[GAMMA] = x, y, gamma
    off_shell = abs(dot(total, total) - value[MASS] * value[MASS])
    return total[3] > 0.0 and off_shell < _OFF_SHELL * (1.0 + total[3] * total[3])


@inline
def _on_cone(p: NDArray[np.float64]) -> bool:
    """Whether p is light-like: beside a partner a million times larger it can be nothing but rounding."""
    return abs(dot(p, p)) < _ROUNDING * p[3] * p[3]


@kernel
def joint_region(walk: Walk) -> bool:
    """Fill the region between the two ends' breaks; return False if they have passed each other."""
    near, far, n = walk.number[0], walk.number[1], walk.regions[0]
    joint = walk.joint
    joint[:, :] = 0.0
    j_far, k_far = n - 1 - far[K], n - 1 - far[J]
    x_far, y_far = walk.value[1, Y], walk.value[1, X]
    if not _between(walk.ahead[0], near[J], walk.value[0, X], j_far, x_far, joint[0]):
        return False
    if not _between(walk.towards[0], near[K], 1.0 - walk.value[0, Y], k_far, 1.0 - y_far, joint[1]):
        return False
    p, q = joint[2], joint[3]
    copy_momentum(joint[0], p)
    copy_momentum(joint[1], q)
    if not light_like(p, q, joint[0], joint[1]):
        return False
    if not (_on_cone(joint[0]) and _on_cone(joint[1])):
        return False
    p[:], q[:] = 0.0, 0.0
    return transverse_axes(joint[0], joint[1], p, q) > 0.0


@inline
def _between(momenta: NDArray[np.float64], first: int, left: float, last: int, kept: float, total: NDArray[np.float64]
             ) -> bool:
    """Add up the momenta from `first`, of which the share `left` is left, to `last`, of which the share `kept` is beyond."""
    if first > last or (first == last and left <= kept):
        return False
    for k in range(first, last + 1):
        share = (left if k == first else 1.0) - (kept if k == last else 0.0)
        for m in range(4):
            total[m] += share * momenta[k, m]
    return True

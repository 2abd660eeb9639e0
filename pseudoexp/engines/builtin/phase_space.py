"""Decays at rest into any number of bodies, uniform in Lorentz-invariant phase space.

The n-body phase space is a chain of two-body decays: a cluster of mass M_n emits particle n - 1, what remains has mass
M_{n-2}, and so on (Raubold and Lynch; F. James, CERN 68-15). The masses of the clusters have the density
prod p(M_i; M_{i-1}, m_i), reached by acceptance and rejection; three bodies need one such mass, two bodies none.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import log, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.dice import Dice, throw

MAXIMUM_PRODUCTS = 12
_TWO_PI = 6.283185307179586


class Products(NamedTuple):
    """The products of the decay at hand, in the frame where the mother rests."""

    p4: NDArray[np.float64]  # (12, 4) px, py, pz, E [GeV]
    mass: NDArray[np.float64]  # (12,)
    pdg_id: NDArray[np.int64]  # (12,)
    row: NDArray[np.int64]  # (12,) of the hadron table
    cluster: NDArray[np.float64]  # (12,) mass of products 0..i together
    parton: NDArray[np.int64]  # (12,) quarks and diquarks yet to become hadrons


def new_products() -> Products:
    """Return an empty workspace of decays."""
    n = MAXIMUM_PRODUCTS
    return packed(Products(p4=np.zeros((n, 4)), mass=np.zeros(n), pdg_id=np.zeros(n, np.int64), row=np.zeros(n, np.int64),
                           cluster=np.zeros(n), parton=np.zeros(n, np.int64)))


@inline
def momentum(m: float, a: float, b: float) -> float:
    """Return the momentum of the products of m -> a b in its rest frame, 0 below the threshold."""
    square = (m - a - b) * (m + a + b) * (m - a + b) * (m + a - b)
    return 0.5 * math.sqrt(square) / m if square > 0.0 else 0.0


@inline
def direction(dice: Dice) -> tuple[float, float, float]:
    """Return a unit vector, isotropic: from a point in the unit circle (G. Marsaglia, Ann. Math. Stat. 43 (1972) 645)."""
    while True:
        x, y = 2.0 * throw(dice) - 1.0, 2.0 * throw(dice) - 1.0
        square = x * x + y * y
        if square < 1.0:
            break
    scale = 2.0 * math.sqrt(1.0 - square)
    return x * scale, y * scale, 1.0 - 2.0 * square


@inline
def boosted(px: float, py: float, pz: float, e: float, qx: float, qy: float, qz: float, qe: float, m: float
            ) -> tuple[float, float, float, float]:
    """Return (px, py, pz, E) of p, given in the rest frame of q (mass m), in the frame where q is given."""
    along = px * qx + py * qy + pz * qz
    factor = (along / (qe + m) + e) / m
    return px + factor * qx, py + factor * qy, pz + factor * qz, (qe * e + along) / m


@inline
def _spacings(cluster: NDArray[np.float64], n: int, dice: Dice) -> None:
    """Fill cluster[1:n] with positive shares that add up to one, of density prod sqrt(share): Dirichlet(3/2).

    Two shares: a point in the unit circle. More: each is the square of three Gaussian numbers, over their sum.
    """
    if n == 3:
        s, _ = sincos(_TWO_PI * throw(dice))
        cluster[1] = 0.5 + 0.5 * s * math.sqrt(throw(dice))
        cluster[2] = 1.0 - cluster[1]
        return
    total = 0.0
    for i in range(1, n, 2):
        s, _ = sincos(_TWO_PI * throw(dice))
        shared = log(throw(dice))
        cluster[i] = -log(throw(dice)) - shared * s * s
        total += cluster[i]
        if i + 1 < n:
            cluster[i + 1] = -log(throw(dice)) - shared * (1.0 - s * s)
            total += cluster[i + 1]
    for i in range(1, n):
        cluster[i] /= total


@kernel
def _clusters(products: Products, n: int, mass: float, dice: Dice) -> None:
    """Draw the masses M_i of clusters 0..i of a decay into n > 2 bodies.

    With D_i = M_i - M_{i-1} - m_i, p^2(M_i; M_{i-1}, m_i) = D_i (2 m_i + D_i) ((M_i + M_{i-1})^2 - m_i^2) / 4 M_i^2. The
    D_i are drawn with the density prod sqrt(D_i) (exact for slow products); as they add up to K = M - sum m, the product
    of the second factors is at most that of equal ones, and the third factor is at most one.
    """
    m, cluster = products.mass, products.cluster
    kinetic = mass - m[0]
    for i in range(1, n):
        kinetic -= m[i]
    largest = (kinetic + 2.0 * (mass - m[0] - kinetic)) / (n - 1)
    while True:
        _spacings(cluster, n, dice)
        cluster[0] = m[0]
        weight = 1.0
        for i in range(1, n):
            share = kinetic * cluster[i]
            cluster[i] = cluster[i - 1] + m[i] + share
            both = cluster[i] + cluster[i - 1]
            weight *= (2.0 * m[i] + share) * (both * both - m[i] * m[i]) / (4.0 * largest * cluster[i] * cluster[i])
        cluster[n - 1] = mass
        u = throw(dice)
        if weight > u * u:
            return


@kernel
def phase_space(products: Products, n: int, mass: float, dice: Dice) -> None:
    """Fill the momenta of n products with given masses, which must add up to less than `mass`."""
    p4, m, cluster = products.p4, products.mass, products.cluster
    heaviest = 0
    for i in range(1, n):
        if m[i] > m[heaviest]:
            heaviest = i
    m[0], m[heaviest] = m[heaviest], m[0]
    if n > 2:
        _clusters(products, n, mass, dice)
    else:
        cluster[0], cluster[1] = m[0], mass
    qx, qy, qz, qe, qm = 0.0, 0.0, 0.0, mass, mass
    for i in range(n - 1, 0, -1):
        x, y, z = direction(dice)
        p = momentum(qm, cluster[i - 1], m[i])
        e, rest = math.sqrt(p * p + m[i] * m[i]), math.sqrt(p * p + cluster[i - 1] * cluster[i - 1])
        if i == n - 1:
            p4[i, 0], p4[i, 1], p4[i, 2], p4[i, 3] = p * x, p * y, p * z, e
            qx, qy, qz, qe = -p * x, -p * y, -p * z, rest
        else:
            p4[i, 0], p4[i, 1], p4[i, 2], p4[i, 3] = boosted(p * x, p * y, p * z, e, qx, qy, qz, qe, qm)
            qx, qy, qz, qe = boosted(-p * x, -p * y, -p * z, rest, qx, qy, qz, qe, qm)
        qm = cluster[i - 1]
    p4[0, 0], p4[0, 1], p4[0, 2], p4[0, 3] = qx, qy, qz, qe
    m[0], m[heaviest] = m[heaviest], m[0]
    for k in range(4):
        p4[0, k], p4[heaviest, k] = p4[heaviest, k], p4[0, k]

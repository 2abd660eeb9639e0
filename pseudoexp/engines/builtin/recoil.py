"""Kinematics of a branching: momenta before to momenta after, exact with masses.

Final state: the pair radiator + emitted gets the mass of the branching, a recoiler in the final state gives the energy
and keeps its direction in the dipole's rest frame. A recoiler in the initial state is scaled up by the same amount
instead (the momentum that a final-state recoiler would lose is taken from the beam). Massive daughters are mixtures of
massless ones: hep-ph/0408302, section 3. Initial state: the whole final state of the scattering takes the recoil,
section 4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel

Momentum = tuple[float, float, float, float]


@inline
def product(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the four-product of two momenta px, py, pz, E."""
    return a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]


@inline
def _transverse(nx: float, ny: float, nz: float) -> tuple[float, float, float, float, float, float]:
    """Return two unit vectors perpendicular to the unit vector n and to each other."""
    if abs(nz) < 0.9:
        scale = 1.0 / math.sqrt(nx * nx + ny * ny)
        ax, ay, az = -ny * scale, nx * scale, 0.0
    else:
        scale = 1.0 / math.sqrt(ny * ny + nz * nz)
        ax, ay, az = 0.0, -nz * scale, ny * scale
    return ax, ay, az, ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax


@inline
def _boosted(px: float, py: float, pz: float, e: float, x: float, y: float, z: float, t: float, mass: float
             ) -> tuple[float, float, float, float]:
    """Return p (in the rest frame of P = x, y, z, t with that mass) in the frame where P has these components."""
    along = px * x + py * y + pz * z
    energy = (e * t + along) / mass
    factor = (e + energy) / (mass + t)
    return px + factor * x, py + factor * y, pz + factor * z, energy


@inline
def split(radiator: NDArray[np.float64], recoiler: NDArray[np.float64], recoiler_mass2: float, pair2: float, z: float,
          kept: float, mixed: float, cosine: float, sine: float, out: NDArray[np.float64]) -> bool:
    """Branch the radiator in the rest frame of the dipole.

    Parameters
    ----------
    radiator, recoiler : (4,) momenta
        Before.
    recoiler_mass2 : float
        Mass^2 of the recoiler.
    pair2 : float
        Mass^2 of radiator + emitted after.
    z : float
        Energy share of the first massless daughter in the dipole's frame.
    kept, mixed : float
        The emitted parton is `kept` p2 + `mixed` p1, of massless p1 and p2; the radiator the rest.
    cosine, sine : float
        Of the azimuth.
    out : (3, 4)
        Gets radiator, emitted and recoiler.

    Returns
    -------
    bool
        False if z is out of reach.
    """
    x, y, w, t = (radiator[0] + recoiler[0], radiator[1] + recoiler[1], radiator[2] + recoiler[2], radiator[3] + recoiler[3])
    dipole2 = t * t - x * x - y * y - w * w
    mass = math.sqrt(dipole2)
    energy = 0.5 * (dipole2 + pair2 - recoiler_mass2) / mass
    long2 = energy * energy - pair2
    if not long2 > 0.0:
        return False
    p_long = math.sqrt(long2)
    pt2 = pair2 * (z * (1.0 - z) * energy * energy - 0.25 * pair2) / long2
    if not pt2 > 0.0:
        return False
    p1 = (energy * energy * z - 0.5 * pair2) / p_long
    emitted_long = kept * (p_long - p1) + mixed * p1
    emitted_t = (mixed - kept) * math.sqrt(pt2)
    emitted_e = energy * (kept * (1.0 - z) + mixed * z)
    # the radiator's direction in the rest frame
    dot = radiator[0] * x + radiator[1] * y + radiator[2] * w
    rest_e = (radiator[3] * t - dot) / mass
    factor = (radiator[3] + rest_e) / (mass + t)
    nx, ny, nz = radiator[0] - factor * x, radiator[1] - factor * y, radiator[2] - factor * w
    scale = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    ax, ay, az, bx, by, bz = _transverse(nx, ny, nz)
    c, s = emitted_t * cosine, emitted_t * sine
    out[1, 0], out[1, 1], out[1, 2], out[1, 3] = _boosted(
        emitted_long * nx + c * ax + s * bx, emitted_long * ny + c * ay + s * by, emitted_long * nz + c * az + s * bz, emitted_e,
        x, y, w, t, mass)
    out[2, 0], out[2, 1], out[2, 2], out[2, 3] = _boosted(
        -p_long * nx, -p_long * ny, -p_long * nz, mass - energy, x, y, w, t, mass)
    out[0, 0], out[0, 1] = x - out[1, 0] - out[2, 0], y - out[1, 1] - out[2, 1]
    out[0, 2], out[0, 3] = w - out[1, 2] - out[2, 2], t - out[1, 3] - out[2, 3]
    return True


@inline
def put_on_shell(p: NDArray[np.float64], mass2: float) -> None:
    """Compute the energy anew from momentum and mass, against the growth of rounding errors."""
    p[3] = math.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + mass2)


@kernel
def follow_recoil(p: NDArray[np.float64], mass2: float, side: int, scale: float, nx: float, ny: float) -> None:
    """Move a final-state momentum along with the recoil of an initial-state branching.

    The transformation multiplies the other beam's light-cone momentum by `scale`, keeps that beam's direction, and turns the
    momentum along this side's beam into a transverse one: p^- -> scale p^-, p^+ -> p^+ / scale, then pT -> pT + p^+ n
    (side 0; + and - change places for side 1).
    """
    sign = 1.0 if side == 0 else -1.0
    forward = sign * p[2]
    pt2 = p[0] * p[0] + p[1] * p[1]
    plus = p[3] + forward if forward > 0.0 else (mass2 + pt2) / (p[3] - forward)
    plus /= scale
    p[0] += plus * nx
    p[1] += plus * ny
    minus = (mass2 + p[0] * p[0] + p[1] * p[1]) / plus
    p[2] = sign * 0.5 * (plus - minus)
    p[3] = 0.5 * (plus + minus)

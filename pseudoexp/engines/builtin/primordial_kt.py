"""Momenta of the beam remnants, and the transverse momentum that partons have inside the protons.

After T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 4, with the widths of Pythia8's Monash tune.
Each taken parton and each remnant gets a transverse momentum; those of a proton add up to zero, for which the remnants
are changed most. A scattering keeps its mass and rapidity: it is turned and boosted as a whole. The remnants of the two
sides share what is left of the light-cone momenta.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import log, pow, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, REPLACED, Partons, Systems
from pseudoexp.engines.builtin.remnants import RemnantWorkspace
from pseudoexp.engines.builtin.scatter import parton_mass

_HARD_WIDTH, _SOFT_WIDTH, _REMNANT_WIDTH = 1.8, 0.9, 0.4
_HALF_SCALE, _HALF_MASS = 1.5, 1.0
"""GeV; width of hard and soft scatterings and of remnants, and where it is half way between them."""
_TAKEN_SHARE = 0.135
"""Share of a taken parton in the compensation, that of a remnant being 1; with it a hard scattering has PYTHIA's <pT^2>."""
_VALENCE_POWER = (0.0, 2.0, 3.5)
_DIQUARK_ENHANCED = 2.0
_GLUON_POWER = 4.0
_TRIES = 50
_TWO_PI = 6.283185307179586


@inline
def _normal2(dice: Dice) -> tuple[float, float]:
    """Return two independent standard normals."""
    r = math.sqrt(-2.0 * log(throw(dice)))
    sine, cosine = sincos(_TWO_PI * throw(dice))
    return r * cosine, r * sine


@inline
def _kick_width(scale: float, mass: float) -> float:
    """Return sqrt(<kT^2>) of a parton taken by a scattering of this pT and mass [GeV]."""
    width = (_SOFT_WIDTH * _HALF_SCALE + _HARD_WIDTH * scale) / (_HALF_SCALE + scale)
    return width * mass / (_HALF_MASS + mass)


@kernel
def kick(side: int, partons: Partons, systems: Systems, dice: Dice, ws: RemnantWorkspace) -> None:
    """Draw the transverse momenta of the partons taken and of the remnants of a side; their sum is zero."""
    n, m = systems.filled[0], ws.filled[side]
    sum_x, sum_y = 0.0, 0.0
    for s in range(n):
        mass = 2.0 * BEAM_ENERGY * math.sqrt(systems.x[s, 0] * systems.x[s, 1])
        width = math.sqrt(0.5) * _kick_width(systems.scale[s], mass)
        x, y = _normal2(dice)
        ws.incoming_kt[side, s, 0], ws.incoming_kt[side, s, 1] = width * x, width * y
        sum_x += width * x
        sum_y += width * y
    for k in range(m):
        x, y = _normal2(dice)
        ws.kt[side, k, 0], ws.kt[side, k, 1] = math.sqrt(0.5) * _REMNANT_WIDTH * x, math.sqrt(0.5) * _REMNANT_WIDTH * y
        sum_x += ws.kt[side, k, 0]
        sum_y += ws.kt[side, k, 1]
    part = 1.0 / (m + _TAKEN_SHARE * n)
    for s in range(n):
        ws.incoming_kt[side, s, 0] -= _TAKEN_SHARE * part * sum_x
        ws.incoming_kt[side, s, 1] -= _TAKEN_SHARE * part * sum_y
    for k in range(m):
        ws.kt[side, k, 0] -= part * sum_x
        ws.kt[side, k, 1] -= part * sum_y


@inline
def _valence_share(flavour: int, dice: Dice) -> float:
    """Return a momentum fraction from (1-x)^a / sqrt(x)."""
    while True:
        u = throw(dice)
        x = u * u
        if throw(dice) < pow(1.0 - x, _VALENCE_POWER[flavour]):
            return x


@inline
def companion_share(taken: float, dice: Dice) -> float:
    """Return the momentum fraction of a companion: gluons (1-y)^4/y that split into it and a quark with `taken`."""
    while True:
        z = taken + (1.0 - taken) * throw(dice)
        rest = (1.0 - taken / z) / (1.0 - taken)
        if throw(dice) < pow(rest, _GLUON_POWER) * (z * z + (1.0 - z) * (1.0 - z)):
            return taken / z - taken


@kernel
def share_momentum(side: int, partons: Partons, systems: Systems, dice: Dice, ws: RemnantWorkspace) -> None:
    """Draw the shares of the remnants of a side; they add up to one."""
    total = 0.0
    for k in range(ws.filled[side]):
        flavour, partner = partons.pdg_id[ws.rows[side, k]], ws.partner[side, k]
        if partner >= 0:
            share = companion_share(systems.x[partner, side], dice)
        elif flavour < 10:
            share = _valence_share(flavour, dice)
        else:
            one, other = flavour // 1000, (flavour // 100) % 10
            share = _DIQUARK_ENHANCED * (_valence_share(one, dice) + _valence_share(other, dice))
        ws.fraction[side, k] = share
        total += share
    for k in range(ws.filled[side]):
        ws.fraction[side, k] /= total


@inline
def _transverse_mass2(side: int, k: int, partons: Partons, ws: RemnantWorkspace) -> float:
    m = remnant_mass(partons.pdg_id[ws.rows[side, k]])
    return m * m + ws.kt[side, k, 0] * ws.kt[side, k, 0] + ws.kt[side, k, 1] * ws.kt[side, k, 1]


@inline
def remnant_mass(pdg_id: int) -> float:
    """Return the constituent mass [GeV] of a quark or diquark."""
    a = abs(pdg_id)
    if a > 10:
        return 0.57933 if a % 10 == 1 else 0.77133
    return parton_mass(a)


@kernel
def place_remnants(plus: float, minus: float, partons: Partons, ws: RemnantWorkspace) -> bool:
    """Give the remnants momenta that add up to the light-cone momenta left; False if these do not suffice."""
    m2_0, m2_1 = 0.0, 0.0
    for k in range(ws.filled[0]):
        m2_0 += _transverse_mass2(0, k, partons, ws) / ws.fraction[0, k]
    for k in range(ws.filled[1]):
        m2_1 += _transverse_mass2(1, k, partons, ws) / ws.fraction[1, k]
    product = plus * minus
    if plus <= 0.0 or minus <= 0.0 or math.sqrt(m2_0) + math.sqrt(m2_1) >= math.sqrt(product):
        return False
    root = math.sqrt((product - m2_0 - m2_1) * (product - m2_0 - m2_1) - 4.0 * m2_0 * m2_1)
    scale0 = 0.5 * (product + m2_0 - m2_1 + root) / minus
    scale1 = 0.5 * (product + m2_1 - m2_0 + root) / plus
    for side in range(2):
        for k in range(ws.filled[side]):
            row = ws.rows[side, k]
            along = (scale0 if side == 0 else scale1) * ws.fraction[side, k]
            against = _transverse_mass2(side, k, partons, ws) / along
            p4 = partons.p4[row]
            p4[0], p4[1] = ws.kt[side, k, 0], ws.kt[side, k, 1]
            p4[2] = 0.5 * (along - against) if side == 0 else 0.5 * (against - along)
            p4[3] = 0.5 * (along + against)
            partons.mass[row] = remnant_mass(partons.pdg_id[row])
    return True


@kernel
def momenta_left(systems: Systems, ws: RemnantWorkspace) -> tuple[float, float]:
    """Return the light-cone momenta E + pz and E - pz [GeV] that the scatterings leave to the remnants."""
    plus = minus = 2.0 * BEAM_ENERGY
    for s in range(systems.filled[0]):
        x0, x1 = systems.x[s, 0], systems.x[s, 1]
        kx = ws.incoming_kt[0, s, 0] + ws.incoming_kt[1, s, 0]
        ky = ws.incoming_kt[0, s, 1] + ws.incoming_kt[1, s, 1]
        growth = math.sqrt(1.0 + (kx * kx + ky * ky) / (4.0 * BEAM_ENERGY * BEAM_ENERGY * x0 * x1))
        plus -= 2.0 * BEAM_ENERGY * x0 * growth
        minus -= 2.0 * BEAM_ENERGY * x1 * growth
    return plus, minus


@kernel
def kick_systems(partons: Partons, systems: Systems, ws: RemnantWorkspace) -> None:
    """Turn and boost what every scattering has now, incoming partons included, by its transverse momenta."""
    for s in range(systems.filled[0]):
        _lay_frame(s, systems, ws)
    for row in range(partons.filled[0]):
        s = partons.system[row]
        if s >= 0 and (partons.status[row] != REPLACED or partons.pdg_id[row] == HIGGS):
            _kick_parton(partons.p4[row], ws.frame[s])


@inline
def _lay_frame(s: int, systems: Systems, ws: RemnantWorkspace) -> None:
    """Fill a scattering's mass, its stretch along the beams, the sum of its transverse momenta, its energy and the turn."""
    frame, kt = ws.frame[s], ws.incoming_kt
    mass = 2.0 * BEAM_ENERGY * math.sqrt(systems.x[s, 0] * systems.x[s, 1])
    kx, ky = kt[0, s, 0] + kt[1, s, 0], kt[0, s, 1] + kt[1, s, 1]
    frame[0], frame[1] = mass, math.sqrt(systems.x[s, 0] / systems.x[s, 1])
    frame[2], frame[3], frame[4] = kx, ky, math.sqrt(mass * mass + kx * kx + ky * ky)
    frame[5], frame[6] = (kt[0, s, 0] - kt[1, s, 0]) / mass, (kt[0, s, 1] - kt[1, s, 1]) / mass


@inline
def _kick_parton(p4: NDArray[np.float64], frame: NDArray[np.float64]) -> None:
    """Rest frame of the scattering, a turn that gives the incoming partons their kT difference, the new frame."""
    mass, stretch, kx, ky, energy = frame[0], frame[1], frame[2], frame[3], frame[4]
    plus, minus = (p4[3] + p4[2]) / stretch, (p4[3] - p4[2]) * stretch
    x, y, z = p4[0], p4[1], 0.5 * (plus - minus)
    e = 0.5 * (plus + minus)
    x, y, z = _turned(x, y, z, frame[5], frame[6])
    along = (kx * x + ky * y) / (mass * (energy + mass))
    shift = along + e / mass
    x, y, e = x + kx * shift, y + ky * shift, (energy * e + kx * x + ky * y) / mass
    plus, minus = (e + z) * stretch, (e - z) / stretch
    p4[0], p4[1], p4[2], p4[3] = x, y, 0.5 * (plus - minus), 0.5 * (plus + minus)


@inline
def _turned(x: float, y: float, z: float, dx: float, dy: float) -> tuple[float, float, float]:
    """Return a vector turned such that the z axis goes to the direction with transverse components dx, dy."""
    sine2 = dx * dx + dy * dy
    if sine2 == 0.0:
        return x, y, z
    shrink = 0.99 / math.sqrt(sine2) if sine2 > 0.98 else 1.0
    dx, dy = dx * shrink, dy * shrink
    cosine = math.sqrt(1.0 - dx * dx - dy * dy)
    along = (dx * x + dy * y) / (1.0 + cosine)
    return x + dx * (z - along), y + dy * (z - along), cosine * z - dx * x - dy * y


@kernel
def give_momenta(partons: Partons, systems: Systems, dice: Dice, ws: RemnantWorkspace) -> bool:
    """Give remnants their momenta and scatterings their transverse momentum; False if the energy does not suffice."""
    for _ in range(_TRIES):
        for side in range(2):
            kick(side, partons, systems, dice, ws)
            share_momentum(side, partons, systems, dice, ws)
        plus, minus = momenta_left(systems, ws)
        if place_remnants(plus, minus, partons, ws):
            kick_systems(partons, systems, ws)
            return True
    return False

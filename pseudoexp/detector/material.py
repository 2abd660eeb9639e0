"""What happens to particles between the collision and the calorimeter: conversions, nuclear interactions, decays.

Material is a few thin cylinders. A photon converts with 7/9 of a probability per radiation length (less at low
energy) and shares its energy between e+ and e- as Bethe and Heitler say (Tsai, Rev. Mod. Phys. 46 (1974) 815,
eq. 3.9 in the limit of complete screening); a hadron interacts once per interaction length and leaves a few pions.
Strange hadrons decay (`decays`). Whatever comes first along the flight happens; its daughters fly on from there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import exp, log, pow, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import ORIGIN_PILEUP, ORIGIN_SECONDARY
from pseudoexp.core.rng import STAGE_DECAY, STAGE_MATERIAL, Stream, fill_uniform4, uniform4
from pseudoexp.detector import decays, helix
from pseudoexp.detector.particles import (
    ARC,
    COT_THETA,
    D0,
    END_RADIUS,
    ITEM,
    KAPPA,
    ORIGIN,
    PDG_ID,
    PHI,
    PT,
    ROW,
    Z0,
    E,
    Particles,
    X,
    Y,
    append,
    daughter_item,
)
from pseudoexp.detector.tables import MaterialTables

NOTHING, CONVERSION, NUCLEAR, DECAY = range(4)
"""What ends a flight."""
_MAX_COT = 7.5  # sinh(2.71): further forward nothing is tracked, so nothing happens either
_CONVERSION_SCALE = 0.04  # GeV: pair production reaches 1 / (1 + scale / E) of its high-energy limit
_MIN_PHOTON = 0.05  # GeV
_MIN_HADRON = 0.3  # GeV; softer ones stop or scatter, which the efficiency covers
_MAX_PIONS = 8


@kernel
def fly(particles: Particles, n: int, stream: Stream, tables: MaterialTables) -> int:
    """Walk the list of `n` particles, end flights, append daughters, and return its new length; -1 without room."""
    state, code, uniform = particles.state, particles.code, particles.uniform
    for i in range(n):
        particles.item[i] = code[i, ITEM]
    fill_uniform4(stream, STAGE_MATERIAL, particles.item, n, 0, uniform)
    listed = n
    i = 0
    while 0 <= i < n:
        kind = abs(code[i, PDG_ID])
        if kind != species.ELECTRON and kind != species.MUON and abs(state[i, COT_THETA]) < _MAX_COT:
            u0, u1 = uniform[0, i], uniform[1, i]
            if i >= listed:
                u0, u1, _, _ = uniform4(stream, STAGE_MATERIAL, code[i, ITEM], 0)
            what, arc = NOTHING, math.inf
            lengths = tables.radiation_lengths if kind == species.PHOTON else tables.interaction_lengths
            lengths *= tables.max_path_factor
            if 1.0 - u0 < lengths:  # below the depth -ln(u0): most need no logarithm
                depth = _depth(kind, state[i, E], u0)
                if depth < lengths:
                    what, arc = _interaction_point(state, i, depth, kind == species.PHOTON, tables)
            row = decays.decaying(kind) if tables.decays else -1
            if row >= 0:
                found = state[i, ARC] - log(u1) * decays.C_TAU[row] * state[i, PT] / species.mass(kind)
                if found < arc and _inside(state, i, found, tables):
                    what, arc = DECAY, found
            if what != NOTHING:
                n = _end_flight(particles, n, i, what, arc, row, stream, tables)
        i += 1
    return n


@inline
def _depth(kind: int, e: float, u: float) -> float:
    """Return after how many radiation lengths (photons) or interaction lengths (hadrons) something happens."""
    if kind == species.PHOTON:
        return -log(u) * (9.0 / 7.0) * (1.0 + _CONVERSION_SCALE / e) if e > _MIN_PHOTON else math.inf
    return -log(u) if e > _MIN_HADRON and kind != species.PION_ZERO else math.inf


@inline
def _interaction_point(state: NDArray[np.float64], i: int, depth: float, photon: bool,
                       tables: MaterialTables) -> tuple[int, float]:
    """Return what happens to particle `i` in the cylinder that uses up `depth`, and the arc [mm] there."""
    cot_theta = state[i, COT_THETA]
    factor = min(math.sqrt(1.0 + cot_theta * cot_theta), tables.max_path_factor)
    birth2 = (state[i, X] * state[i, X] + state[i, Y] * state[i, Y]) * (1.0 + 1e-9)
    column = 1 if photon else 2
    for k in range(tables.layer.shape[0]):
        radius = tables.layer[k, 0]
        if radius * radius > birth2:
            depth -= factor * tables.layer[k, column]
            if depth <= 0.0:
                arc = helix.arc_at_radius(state[i, D0], state[i, KAPPA], radius)
                if arc <= max(state[i, ARC], 0.0):
                    break
                return (CONVERSION if photon else NUCLEAR), arc
    return NOTHING, math.inf


@inline
def _inside(state: NDArray[np.float64], i: int, arc: float, tables: MaterialTables) -> bool:
    """Return whether particle `i` is still inside the calorimeter's face at an arc."""
    end, reached = helix.arc_at_surface(state[i, D0], state[i, Z0], state[i, COT_THETA], state[i, KAPPA],
                                        tables.calorimeter_radius, tables.calorimeter_half_length, state[i, ARC])
    return arc < end if reached else True


@inline
def _end_flight(particles: Particles, n: int, i: int, what: int, arc: float, row: int, stream: Stream,
                tables: MaterialTables) -> int:
    """End particle `i` at an arc, append its daughters, and return the new length; -1 without room."""
    state, code = particles.state, particles.code
    phi, cot_theta, kappa = state[i, PHI], state[i, COT_THETA], state[i, KAPPA]
    x, y, z = helix.position(state[i, D0], state[i, Z0], phi, cot_theta, kappa, arc)
    px, py, pz = helix.momentum(state[i, PT], phi, cot_theta, kappa, arc)
    state[i, END_RADIUS] = math.sqrt(x * x + y * y)
    origin = ORIGIN_PILEUP if code[i, ORIGIN] == ORIGIN_PILEUP else ORIGIN_SECONDARY
    momentum, place = (px, py, pz, state[i, E]), (x, y, z)
    if what == DECAY:
        return _decay(particles, n, i, momentum, place, row, origin, stream, tables.field)
    if what == CONVERSION:
        return _convert(particles, n, i, momentum, place, origin, stream, tables.field)
    return _interact(particles, n, i, momentum, place, origin, stream, tables.field)


@inline
def _daughter(particles: Particles, n: int, i: int, k: int, momentum: tuple[float, float, float, float],
              place: tuple[float, float, float], pdg_id: int, origin: int, field: float) -> int:
    """Append daughter `k` of particle `i`."""
    return append(particles, n, momentum[0], momentum[1], momentum[2], momentum[3], place[0], place[1], place[2],
                  pdg_id, particles.code[i, ROW], origin, daughter_item(particles.code[i, ITEM], k), field)


@inline
def _decay(particles: Particles, n: int, i: int, momentum: tuple[float, float, float, float],
           place: tuple[float, float, float], row: int, origin: int, stream: Stream, field: float) -> int:
    u = uniform4(stream, STAGE_DECAY, particles.code[i, ITEM], 0)
    first, second = decays.products(row, particles.code[i, PDG_ID], u[0])
    px, py, pz, e = momentum
    one = decays.two_body(px, py, pz, e, species.mass(first), species.mass(second), u[1], u[2])
    n = _daughter(particles, n, i, 0, one, place, first, origin, field)
    if n < 0:
        return -1
    two = (px - one[0], py - one[1], pz - one[2], e - one[3])
    return _daughter(particles, n, i, 1, two, place, second, origin, field)


@inline
def pair_share(u: float, v: float) -> float:
    """Return the positron's share x of a converted photon's energy, density 1 - 4/3 x (1 - x).

    The density is 6/7 of a flat one and 1/7 of 3 (2x - 1)^2.
    """
    if u < 6.0 / 7.0:
        return v
    w = 2.0 * v - 1.0
    return 0.5 + 0.5 * math.copysign(pow(abs(w), 1.0 / 3.0), w)


@inline
def _tilted(px: float, py: float, pz: float, p: float, transverse: float,
            azimuth: float) -> tuple[float, float, float]:
    """Return a momentum of length `p` with the part `transverse` across (px, py, pz), at an azimuth around it."""
    transverse = min(transverse, 0.9 * p)
    pt = math.sqrt(px * px + py * py)
    length = math.sqrt(pt * pt + pz * pz)
    sine, cosine = sincos(azimuth)
    along = math.sqrt(p * p - transverse * transverse) / length
    a, b = transverse * cosine / (pt * length), transverse * sine / pt
    return along * px + a * px * pz - b * py, along * py + a * py * pz + b * px, along * pz - a * pt * pt


@inline
def _convert(particles: Particles, n: int, i: int, momentum: tuple[float, float, float, float],
             place: tuple[float, float, float], origin: int, stream: Stream, field: float) -> int:
    u = uniform4(stream, STAGE_MATERIAL, particles.code[i, ITEM], 1)
    px, py, pz, e = momentum
    m = species.ELECTRON_MASS
    x = min(max(pair_share(u[0], u[1]), 2.0 * m / e), 1.0 - 2.0 * m / e)
    azimuth = 6.283185307179586 * u[2]
    transverse = m * u[3] / max(1.0 - u[3], 0.05)  # polar angles of the order m/E
    for k in range(2):
        energy = e * (x if k == 0 else 1.0 - x)
        p = math.sqrt(energy * energy - m * m)
        qx, qy, qz = _tilted(px, py, pz, p, transverse, azimuth + math.pi * k)
        n = _daughter(particles, n, i, k, (qx, qy, qz, energy), place, -11 if k == 0 else 11, origin, field)
        if n < 0:
            return -1
    return n


@inline
def pion_multiplicity(e: float, u: float) -> int:
    """Return the number of charged pions of a nuclear interaction at energy `e` [GeV].

    Poisson with mean 1 + 0.9 ln(1 + e), the slow logarithmic growth seen in emulsion; at most 8 and what `e` can pay.
    """
    mean = 1.0 + 0.9 * log(1.0 + e)
    limit = min(_MAX_PIONS, int(e / (3.0 * species.PION_MASS)))
    term = exp(-mean)
    total = term
    k = 0
    while u > total and k < limit:
        k += 1
        term *= mean / k
        total += term
    return k


@inline
def _interact(particles: Particles, n: int, i: int, momentum: tuple[float, float, float, float],
              place: tuple[float, float, float], origin: int, stream: Stream, field: float) -> int:
    """Replace a hadron by charged pions of alternating charge and a neutral rest; energy is conserved.

    Energies are shared as the intervals between uniform points (a flat simplex), the rest counting as two pions;
    transverse momenta are exponential with a mean of 0.3 GeV.
    """
    item = particles.code[i, ITEM]
    px, py, pz, e = momentum
    u = uniform4(stream, STAGE_MATERIAL, item, 1)
    pions = pion_multiplicity(e, u[0])
    total = -log(u[1]) - log(u[2])
    for k in range(pions):
        total -= log(uniform4(stream, STAGE_MATERIAL, item, 2 + k)[0])
    m = species.PION_MASS
    free = e - pions * m
    sign = 1 if u[3] < 0.5 else -1
    rest = e
    for k in range(pions):
        v = uniform4(stream, STAGE_MATERIAL, item, 2 + k)
        energy = m - free * log(v[0]) / total
        rest -= energy
        p = math.sqrt(energy * energy - m * m)
        q = _tilted(px, py, pz, p, -0.3 * log(v[1]), 6.283185307179586 * v[2])
        n = _daughter(particles, n, i, 1 + k, (q[0], q[1], q[2], energy), place, sign * species.PION, origin, field)
        if n < 0:
            return -1
        sign = -sign
    scale = rest / math.sqrt(px * px + py * py + pz * pz)
    kind = species.PHOTON if u[3] - math.floor(u[3] * 2.0) * 0.5 < 0.25 else species.K0_LONG  # of pi0, or a hadron
    return _daughter(particles, n, i, 0, (px * scale, py * scale, pz * scale, rest), place, kind, origin, field)

"""What happens to particles between the collision and the calorimeter: conversions, nuclear interactions, decays.

Material is a few thin cylinders. A photon converts with 7/9 of a probability per radiation length (less at low
energy) and shares its energy between e+ and e- as Bethe and Heitler say (Tsai, Rev. Mod. Phys. 46 (1974) 815,
eq. 3.9 in the limit of complete screening); a hadron interacts once per interaction length and leaves a few pions.
Strange hadrons decay (`decays`). Whatever comes first along the flight happens; its daughters fly on from there.
"""

from __future__ import annotations

import math

from pseudoexp.core import species
from pseudoexp.core.elementary import exp, log, pow, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import ORIGIN_PILEUP, ORIGIN_SECONDARY
from pseudoexp.core.rng import STAGE_DECAY, STAGE_MATERIAL, Stream, uniform4
from pseudoexp.detector import decays, helix
from pseudoexp.detector.particles import ARC, COT_THETA, D0, KAPPA, PHI, PT, Z0, Particles, append, daughter_item
from pseudoexp.detector.tables import MaterialTables

NOTHING, CONVERSION, NUCLEAR, DECAY = range(4)
"""What ends a flight."""
_MAX_COT = 7.5  # sinh(2.71): further forward nothing is tracked, so nothing happens either
_CONVERSION_SCALE = 0.04  # GeV: the pair cross-section is 1 / (1 + scale / E) of its limit (PDG, passage through matter)
_MIN_PHOTON = 0.05  # GeV
_MIN_HADRON = 0.3  # GeV of momentum; softer ones stop or scatter, which the efficiency covers
_MAX_PIONS = 8


@kernel
def fly(particles: Particles, n: int, stream: Stream, tables: MaterialTables) -> int:
    """Walk the list of `n` particles, end flights, append daughters, and return its new length; -1 without room."""
    i = 0
    while 0 <= i < n:
        if abs(particles.helix[i, COT_THETA]) < _MAX_COT:
            what, arc, detail = _fate(particles, i, stream, tables)
            if what != NOTHING:
                n = _end_flight(particles, n, i, what, arc, detail, stream, tables)
        i += 1
    return n


@inline
def _fate(particles: Particles, i: int, stream: Stream, tables: MaterialTables) -> tuple[int, float, int]:
    """Return what ends the flight of particle `i` first, the arc there, and the row of the decay table."""
    kind = abs(particles.pdg_id[i])
    if kind == species.ELECTRON or kind == species.MUON:
        return NOTHING, 0.0, 0
    u = uniform4(stream, STAGE_MATERIAL, particles.item[i], 0)
    what, arc = NOTHING, math.inf
    depth, photon = _depth(particles, i, kind, u[0])
    if depth < math.inf:
        found = _arc_of_depth(particles, i, depth, photon, tables)
        if found >= 0.0:
            what, arc = (CONVERSION if photon else NUCLEAR), found
    row = decays.decaying(kind) if tables.decays else -1
    if row >= 0:
        h = particles.helix[i]
        found = h[ARC] - log(u[1]) * decays.C_TAU[row] * h[PT] / species.mass(kind)
        if found < arc and _inside(particles, i, found, tables):
            what, arc = DECAY, found
    return what, arc, row


@inline
def _depth(particles: Particles, i: int, kind: int, u: float) -> tuple[float, bool]:
    """Return after how many radiation (photons) or interaction lengths something happens, and whether a photon."""
    e = particles.p4[i, 3]
    if kind == species.PHOTON:
        if e < _MIN_PHOTON:
            return math.inf, True
        return -log(u) * (9.0 / 7.0) * (1.0 + _CONVERSION_SCALE / e), True
    h = particles.helix[i]
    if h[PT] * h[PT] * (1.0 + h[COT_THETA] * h[COT_THETA]) < _MIN_HADRON * _MIN_HADRON or kind == species.PION_ZERO:
        return math.inf, False
    return -log(u), False


@inline
def _arc_of_depth(particles: Particles, i: int, depth: float, photon: bool, tables: MaterialTables) -> float:
    """Return the arc [mm] at the cylinder in which the `depth` is used up; -1 if it is not."""
    h, v = particles.helix[i], particles.vertex[i]
    factor = min(math.sqrt(1.0 + h[COT_THETA] * h[COT_THETA]), tables.max_path_factor)
    birth2 = v[0] * v[0] + v[1] * v[1]
    for k in range(tables.radius.shape[0]):
        radius = tables.radius[k]
        if radius * radius <= birth2 * (1.0 + 1e-9):
            continue
        depth -= factor * (tables.radiation_lengths[k] if photon else tables.interaction_lengths[k])
        if depth <= 0.0:
            arc = helix.arc_at_radius(h[D0], h[KAPPA], radius)
            return arc if arc > h[ARC] else -1.0
    return -1.0


@inline
def _inside(particles: Particles, i: int, arc: float, tables: MaterialTables) -> bool:
    """Return whether the particle is still inside the calorimeter's face at an arc."""
    h = particles.helix[i]
    end, reached = helix.arc_at_surface(h[D0], h[Z0], h[COT_THETA], h[KAPPA], tables.calorimeter_radius,
                                        tables.calorimeter_half_length, h[ARC])
    return arc < end if reached else True


@inline
def _end_flight(particles: Particles, n: int, i: int, what: int, arc: float, row: int, stream: Stream,
                tables: MaterialTables) -> int:
    """End particle `i` at an arc, append its daughters, and return the new length; -1 without room."""
    h = particles.helix[i]
    x, y, z = helix.position(h[D0], h[Z0], h[PHI], h[COT_THETA], h[KAPPA], arc)
    px, py, pz = helix.momentum(h[PT], h[PHI], h[COT_THETA], h[KAPPA], arc)
    particles.end[i, 0], particles.end[i, 1] = math.sqrt(x * x + y * y), arc
    origin = ORIGIN_PILEUP if particles.origin[i] == ORIGIN_PILEUP else ORIGIN_SECONDARY
    momentum, place = (px, py, pz, particles.p4[i, 3]), (x, y, z)
    if what == DECAY:
        return _decay(particles, n, i, momentum, place, row, origin, stream, tables)
    if what == CONVERSION:
        return _convert(particles, n, i, momentum, place, origin, stream, tables)
    return _interact(particles, n, i, momentum, place, origin, stream, tables)


@inline
def _daughter(particles: Particles, n: int, i: int, k: int, momentum: tuple[float, float, float, float],
              place: tuple[float, float, float], pdg_id: int, origin: int, tables: MaterialTables) -> int:
    """Append daughter `k` of particle `i`."""
    return append(particles, n, momentum[0], momentum[1], momentum[2], momentum[3], place[0], place[1], place[2],
                  pdg_id, particles.row[i], origin, daughter_item(particles.item[i], k), tables.field)


@inline
def _decay(particles: Particles, n: int, i: int, momentum: tuple[float, float, float, float],
           place: tuple[float, float, float], row: int, origin: int, stream: Stream, tables: MaterialTables) -> int:
    u = uniform4(stream, STAGE_DECAY, particles.item[i], 0)
    first, second = decays.products(row, particles.pdg_id[i], u[0])
    px, py, pz, e = momentum
    one = decays.two_body(px, py, pz, e, species.mass(first), species.mass(second), u[1], u[2])
    n = _daughter(particles, n, i, 0, one, place, first, origin, tables)
    if n < 0:
        return -1
    two = (px - one[0], py - one[1], pz - one[2], e - one[3])
    return _daughter(particles, n, i, 1, two, place, second, origin, tables)


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
             place: tuple[float, float, float], origin: int, stream: Stream, tables: MaterialTables) -> int:
    u = uniform4(stream, STAGE_MATERIAL, particles.item[i], 1)
    px, py, pz, e = momentum
    m = species.ELECTRON_MASS
    x = min(max(pair_share(u[0], u[1]), 2.0 * m / e), 1.0 - 2.0 * m / e)
    azimuth = 6.283185307179586 * u[2]
    transverse = m * u[3] / max(1.0 - u[3], 0.05)  # polar angles of the order m/E
    for k in range(2):
        energy = e * (x if k == 0 else 1.0 - x)
        p = math.sqrt(energy * energy - m * m)
        qx, qy, qz = _tilted(px, py, pz, p, transverse, azimuth + math.pi * k)
        n = _daughter(particles, n, i, k, (qx, qy, qz, energy), place, -11 if k == 0 else 11, origin, tables)
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
              place: tuple[float, float, float], origin: int, stream: Stream, tables: MaterialTables) -> int:
    """Replace a hadron by charged pions of alternating charge and a neutral rest; energy is conserved.

    Energies are shared as the intervals between uniform points (a flat simplex), the rest counting as two pions;
    transverse momenta are exponential with a mean of 0.3 GeV.
    """
    item = particles.item[i]
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
        n = _daughter(particles, n, i, 1 + k, (q[0], q[1], q[2], energy), place, sign * species.PION, origin, tables)
        if n < 0:
            return -1
        sign = -sign
    scale = rest / math.sqrt(px * px + py * py + pz * pz)
    kind = species.PHOTON if u[3] - math.floor(u[3] * 2.0) * 0.5 < 0.25 else species.K0_LONG  # of pi0, or a hadron
    return _daughter(particles, n, i, 0, (px * scale, py * scale, pz * scale, rest), place, kind, origin, tables)

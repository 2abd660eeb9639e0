"""Decays of all unstable hadrons and taus, with the vertices of the whole chain.

What lives longer than c tau = 10 mm is left to the detector. A neutral kaon is K0S or K0L from the start; a neutral
B meson that has oscillated is listed as what it decays as.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import log, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.rng import Stream
from pseudoexp.core.species import K0_LONG, K0_SHORT, PHOTON
from pseudoexp.engines.builtin.decay_flavour import make_hadrons
from pseudoexp.engines.builtin.decay_table import DALITZ, OMEGA, PHOTONS, POLARISED, V_A, DecayTable
from pseudoexp.engines.builtin.decay_weights import lepton_pair, three_pions, v_minus_a
from pseudoexp.engines.builtin.dice import DECAY, Dice, throw, throw_from
from pseudoexp.engines.builtin.hadron_table import HadronTable, draw_mass, find_row
from pseudoexp.engines.builtin.hadrons import DECAYED, STABLE, Hadrons, append_hadron
from pseudoexp.engines.builtin.phase_space import Products, boosted, direction, momentum, phase_space

LONG_LIVED = 10.0
"""c tau [mm] above which particles are stable."""
_SAFETY = 0.0005  # GeV by which a channel must be open
_ATTEMPTS, _ATTEMPTS_WITH_CHANNEL = 10_000, 200
_MOST_HADRONS = 10
_MIXING_B0, _MIXING_BS = 0.769, 26.99  # Delta m / Gamma (Review of Particle Physics 2024)
_NO_AXIS, _ALONG, _ACROSS = range(3)


@inline
def _live(hadrons: Hadrons, row: int, ctau: float, mass: float, dice: Dice) -> None:
    """Set the decay vertex; let neutral B mesons oscillate."""
    lived = -log(throw(dice)) if ctau > 0.0 else 0.0
    way = lived * ctau / mass if ctau > 0.0 else 0.0
    for k in range(4):
        hadrons.decay_vertex[row, k] = hadrons.vertex[row, k] + hadrons.p4[row, k] * way
    code = abs(hadrons.pdg_id[row])
    if code == 511 or code == 531:
        s, _ = sincos(0.5 * lived * (_MIXING_B0 if code == 511 else _MIXING_BS))
        if throw(dice) < s * s:
            hadrons.pdg_id[row] = -hadrons.pdg_id[row]


@kernel
def _axis(hadrons: Hadrons, row: int, species: HadronTable) -> tuple[int, float, float, float]:
    """Return how a vector of (pseudoscalar -> pseudoscalar or photon, vector) is polarised, and along which axis.

    Its own daughters then have the density cos^2 (sibling a pseudoscalar) or sin^2 (photon) to the sibling's direction.
    """
    mother = hadrons.mother[row]
    if mother < 0 or species.spin_states[find_row(species, hadrons.pdg_id[mother])] != 1:
        return _NO_AXIS, 0.0, 0.0, 0.0
    sibling, siblings = -1, 0
    for k in range(max(row - 2, 0), min(row + 3, hadrons.filled[0])):
        if k != row and hadrons.mother[k] == mother:
            sibling, siblings = k, siblings + 1
    if siblings != 1:
        return _NO_AXIS, 0.0, 0.0, 0.0
    other = find_row(species, hadrons.pdg_id[sibling])
    if hadrons.pdg_id[sibling] != PHOTON and species.spin_states[other] != 1:
        return _NO_AXIS, 0.0, 0.0, 0.0
    p, q = hadrons.p4[sibling], hadrons.p4[row]
    x, y, z, _ = boosted(p[0], p[1], p[2], p[3], -q[0], -q[1], -q[2], q[3], hadrons.mass[row])
    norm = math.sqrt(x * x + y * y + z * z)
    return (_ACROSS if hadrons.pdg_id[sibling] == PHOTON else _ALONG), x / norm, y / norm, z / norm


@inline
def _poisson(no_event: float, mean: float, least: int, dice: Dice) -> int:
    u, term, total, k = throw(dice), no_event, no_event, 0
    while u > total and k < _MOST_HADRONS:
        k += 1
        term *= mean / k
        total += term
    return max(k, least)


@inline
def _choose(decays: DecayTable, row: int, dice: Dice) -> int:
    channel = decays.first[row]
    u = throw(dice)
    while u > decays.cumulative[channel]:
        channel += 1
    return channel


@kernel
def _select(pdg_id: int, channel: int, species: HadronTable, decays: DecayTable, products: Products, dice: Dice) -> int:
    """Fill numbers and rows of a channel's products and return how many they are, 0 if they cannot be made."""
    n, partons = 0, 0
    for k in range(decays.start[channel], decays.start[channel + 1]):
        code, row = int(decays.product[k]), int(decays.product_row[k])
        if pdg_id < 0 and (row < 0 or not species.own_antiparticle[row]):
            code = -code
        if row < 0:
            products.parton[partons] = code
            partons += 1
        else:
            products.pdg_id[n], products.row[n] = code, row
            n += 1
    if partons == 0:
        return n
    known = n
    wanted = _poisson(decays.no_event[channel], decays.mean_extra[channel], decays.least[channel], dice)
    n = make_hadrons(products, known, partons, wanted, dice)
    for k in range(known, n):
        products.row[k] = find_row(species, products.pdg_id[k])
    return n


@inline
def _draw_masses(n: int, mass: float, species: HadronTable, products: Products, dice: Dice) -> bool:
    """Draw the masses of the products; return whether the decay is open."""
    total = _SAFETY
    for k in range(n):
        products.mass[k] = draw_mass(species, products.row[k], dice)
        total += products.mass[k]
    return total < mass


@inline
def _two_bodies(products: Products, mass: float, dice: Dice) -> None:
    p = products.p4
    x, y, z = direction(dice)
    a, b = products.mass[0], products.mass[1]
    k = momentum(mass, a, b)
    p[0, 0], p[0, 1], p[0, 2], p[0, 3] = k * x, k * y, k * z, math.sqrt(k * k + a * a)
    p[1, 0], p[1, 1], p[1, 2], p[1, 3] = -k * x, -k * y, -k * z, math.sqrt(k * k + b * b)


@kernel
def _kinematics(products: Products, n: int, mass: float, way: int, axis: tuple[int, float, float, float], dice: Dice
                ) -> None:
    """Fill the momenta of the products in the rest frame of the mother."""
    if way == DALITZ:
        lepton_pair(products, mass, dice)
        return
    kind, x, y, z = axis
    p = products.p4
    while True:
        if n == 2:
            _two_bodies(products, mass, dice)
            if kind == _NO_AXIS:
                return
            along = p[0, 0] * x + p[0, 1] * y + p[0, 2] * z
            weight = along * along / (p[0, 0] * p[0, 0] + p[0, 1] * p[0, 1] + p[0, 2] * p[0, 2])
            if kind == _ACROSS:
                weight = 1.0 - weight
        else:
            phase_space(products, n, mass, dice)
            if way != OMEGA and way != V_A:
                return
            weight = three_pions(products, mass) if way == OMEGA else v_minus_a(products, n, mass)
        if weight > throw(dice):
            return


@inline
def _append(hadrons: Hadrons, row: int, products: Products, n: int) -> bool:
    """Append the products, boosted; return False if the list is full."""
    if hadrons.filled[0] + n > len(hadrons.status):
        return False
    q, p, mass = hadrons.p4[row], products.p4, hadrons.mass[row]
    hadrons.status[row] = DECAYED
    for k in range(n):
        x, y, z, e = boosted(p[k, 0], p[k, 1], p[k, 2], p[k, 3], q[0], q[1], q[2], q[3], mass)
        append_hadron(hadrons, products.pdg_id[k], row, hadrons.from_higgs[row], x, y, z, e, products.mass[k])
    return True


@inline
def _two_photons(hadrons: Hadrons, row: int, dice: Dice) -> bool:
    """Append two photons; return False if the list is full."""
    if hadrons.filled[0] + 2 > len(hadrons.status):
        return False
    hadrons.status[row] = DECAYED
    x, y, z = direction(dice)
    q, mass, k = hadrons.p4[row], hadrons.mass[row], 0.5 * hadrons.mass[row]
    for sign in (1.0, -1.0):
        px, py, pz, e = boosted(sign * k * x, sign * k * y, sign * k * z, k, q[0], q[1], q[2], q[3], mass)
        append_hadron(hadrons, PHOTON, row, hadrons.from_higgs[row], px, py, pz, e, 0.0)
    return True


@kernel
def decay(hadrons: Hadrons, row: int, species_row: int, species: HadronTable, decays: DecayTable, products: Products,
          dice: Dice) -> bool:
    """Let the particle in `row` decay; return False if the list is full.

    Masses and hadrons of a channel that is closed are drawn again up to 200 times, then the channel; after 10,000 times
    in all the particle stays.
    """
    mass = hadrons.mass[row]
    _live(hadrons, row, species.ctau[species_row], mass, dice)
    pdg_id = hadrons.pdg_id[row]
    channel = 0
    for attempt in range(_ATTEMPTS):
        if attempt % _ATTEMPTS_WITH_CHANNEL == 0:
            channel = _choose(decays, species_row, dice)
            if decays.way[channel] == PHOTONS:
                return _two_photons(hadrons, row, dice)
        n = _select(pdg_id, channel, species, decays, products, dice)
        if n > 0 and _draw_masses(n, mass, species, products, dice):
            way = decays.way[channel]
            axis = (_NO_AXIS, 0.0, 0.0, 0.0)
            if way == POLARISED:
                axis = _axis(hadrons, row, species)
            _kinematics(products, n, mass, way, axis, dice)
            return _append(hadrons, row, products, n)
    return True


@kernel
def decay_all(hadrons: Hadrons, species: HadronTable, decays: DecayTable, products: Products, stream: Stream, dice: Dice
              ) -> int:
    """Let everything decay that lives less than c tau = 10 mm, products included; return the rows filled or -1.

    Parameters
    ----------
    hadrons : Hadrons
        The event; daughters are appended, mothers marked. Rows need momentum, mass, vertex and number.
    species, decays : HadronTable, DecayTable
        From `hadron_table` and `decay_table`.
    products : Products
        Workspace from `new_products`.
    stream : Stream
        Random numbers of the event.
    dice : Dice
        Any.

    Returns
    -------
    int
        Rows filled, -1 if the list is too short.
    """
    throw_from(dice, stream, DECAY, 0)
    row = 0
    while row < hadrons.filled[0]:
        if hadrons.status[row] == STABLE:
            species_row = find_row(species, hadrons.pdg_id[row])
            if abs(hadrons.pdg_id[row]) == 311:
                hadrons.pdg_id[row] = K0_SHORT if throw(dice) < 0.5 else K0_LONG
            elif (species_row >= 0 and species.ctau[species_row] <= LONG_LIVED
                  and decays.first[species_row] < decays.first[species_row + 1]
                  and not decay(hadrons, row, species_row, species, decays, products, dice)):
                return -1
        row += 1
    return hadrons.filled[0]

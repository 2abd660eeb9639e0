"""The list of particles that fly through the detector: the event's own, their secondaries and pile-up.

The list grows while it is walked: what decays or interacts appends its daughters. Every particle keeps its helix
(straight for neutral ones), the random-number item that names its draws (a function of its ancestry alone, so
that one lost particle never reshuffles another) and the row of the event record it stems from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.jit import inline
from pseudoexp.core.layout import row_length
from pseudoexp.core.reconstructed import (
    ORIGIN_FROM_B,
    ORIGIN_FROM_BC,
    ORIGIN_FROM_C,
    ORIGIN_FROM_TAU,
    ORIGIN_PRIMARY,
)
from pseudoexp.core.record import EventRecord
from pseudoexp.detector import helix

(PX, PY, PZ, E, X, Y, Z, D0, Z0, PHI, COT_THETA, KAPPA, ARC, PT, ETA, CHARGE, END_RADIUS) = range(17)
"""Columns of `Particles.state`: momentum [GeV] and position [mm] at the production point (detector frame); helix with
the arc of the production point; pT, pseudorapidity (filled by the tracking), charge; radius where the flight ends
(infinite for what reaches the calorimeter)."""
PDG_ID, ITEM, ROW, ORIGIN = range(4)
"""Columns of `Particles.code`: PDG number, item of the random numbers (below 2**32), row of the event record (-1 for
pile-up), ORIGIN_*."""
MAX_COT = 82.0
"""sinh(5.1): further forward there is no detector."""
_MAX_HEAVY_CHAIN = 8
_MAX_HEAVY = 256


class Particles(NamedTuple):
    """Particles in flight; the first n rows are filled."""

    state: NDArray[np.float64]  # (capacity, 17)
    code: NDArray[np.int64]  # (capacity, 4)
    heavy_origin: NDArray[np.int64]  # (256,) ORIGIN_* of what stems from each heavy particle of the record
    item: NDArray[np.int64]  # (capacity,) scratch: items for which random numbers are wanted
    uniform: NDArray[np.float64]  # (4, capacity) scratch: a stage's random numbers of all particles


def particles_workspace(capacity: int) -> Particles:
    """Return an empty list for `capacity` particles."""
    return Particles(np.zeros((capacity, 17)), np.zeros((capacity, 4), np.int64), np.zeros(_MAX_HEAVY, np.int64),
                     np.zeros(capacity, np.int64), np.zeros((4, row_length(capacity))))


@inline
def daughter_item(item: int, k: int) -> int:
    """Return the item of daughter k of a particle: a hash of both (the finaliser of MurmurHash3), below 2**32."""
    h = (int(item) * 16 + k + 1) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)


@inline
def _charge(pdg_id: int) -> float:
    """Return the charge [e]; the frequent species first."""
    if pdg_id == species.PHOTON:
        return 0.0
    if pdg_id == species.PION or pdg_id == species.KAON or pdg_id == species.PROTON:
        return 1.0
    if pdg_id == -species.PION or pdg_id == -species.KAON or pdg_id == -species.PROTON:
        return -1.0
    return species.charge(pdg_id)


@inline
def append(particles: Particles, n: int, px: float, py: float, pz: float, e: float, x: float, y: float, z: float,
           pdg_id: int, row: int, origin: int, item: int, field: float) -> int:
    """Append one particle and return the new length; -1 without room.

    Neutrinos, momenta along the beam and what points beyond |eta| = 5.1 are not listed.
    """
    pt2 = px * px + py * py
    if not pt2 > 1e-10 or pz * pz > MAX_COT * MAX_COT * pt2 or species.is_neutrino(pdg_id):
        return n
    state, code = particles.state, particles.code
    if n >= state.shape[0]:
        return -1
    charge = _charge(pdg_id)
    pt = math.sqrt(pt2)
    kappa = helix.curvature(charge, pt, field)
    d0, z0, phi, cot_theta, arc = helix.perigee(x, y, z, px, py, pz, kappa)
    state[n, PX], state[n, PY], state[n, PZ], state[n, E] = px, py, pz, e
    state[n, X], state[n, Y], state[n, Z] = x, y, z
    state[n, D0], state[n, Z0], state[n, PHI], state[n, COT_THETA], state[n, KAPPA] = d0, z0, phi, cot_theta, kappa
    state[n, ARC], state[n, PT], state[n, CHARGE], state[n, END_RADIUS] = arc, pt, charge, math.inf
    code[n, PDG_ID], code[n, ITEM], code[n, ROW], code[n, ORIGIN] = pdg_id, item, row, origin
    return n + 1


@inline
def origin_of_heavy(record: EventRecord, heavy: int) -> int:
    """Return what a particle with this nearest heavy ancestor comes from: beauty, charm from beauty, charm, tau."""
    nearest = species.heavy_flavour(record.heavy_pdg_id[heavy])
    from_beauty = nearest == species.BEAUTY
    for _ in range(_MAX_HEAVY_CHAIN):
        heavy = record.heavy_parent[heavy]
        if heavy < 0:
            break
        from_beauty = from_beauty or species.heavy_flavour(record.heavy_pdg_id[heavy]) == species.BEAUTY
    if nearest == species.CHARM:
        return ORIGIN_FROM_BC if from_beauty else ORIGIN_FROM_C
    if from_beauty:
        return ORIGIN_FROM_B
    return ORIGIN_FROM_TAU if nearest == species.TAU else ORIGIN_PRIMARY


@inline
def append_record(particles: Particles, n: int, record: EventRecord, collision: NDArray[np.float64],
                  field: float, max_cot: float) -> int:
    """Append the stable particles of an event whose collision is at `collision`; the item of row i is i.

    What points further forward than |pz| = `max_cot` pT is left out. An event with more than 256 heavy particles is
    treated as out of room (-1).
    """
    m = record.heavy_pdg_id.shape[0]
    if m > particles.heavy_origin.shape[0]:
        return -1
    for k in range(m):
        particles.heavy_origin[k] = origin_of_heavy(record, k)
    x0, y0, z0 = collision[0], collision[1], collision[2]
    p4, vertex = record.p4, record.vertex
    for i in range(p4.shape[0]):
        if p4[i, 2] * p4[i, 2] > max_cot * max_cot * (p4[i, 0] * p4[i, 0] + p4[i, 1] * p4[i, 1]):
            continue
        heavy = record.heavy[i]
        origin = particles.heavy_origin[heavy] if heavy >= 0 else ORIGIN_PRIMARY
        n = append(particles, n, p4[i, 0], p4[i, 1], p4[i, 2], p4[i, 3], vertex[i, 0] + x0, vertex[i, 1] + y0,
                   vertex[i, 2] + z0, int(np.int64(record.pdg_id[i])), i, origin, i, field)
        if n < 0:
            return -1
    return n

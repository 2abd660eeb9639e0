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
from pseudoexp.core.reconstructed import (
    ORIGIN_FROM_B,
    ORIGIN_FROM_BC,
    ORIGIN_FROM_C,
    ORIGIN_FROM_TAU,
    ORIGIN_PRIMARY,
)
from pseudoexp.core.record import EventRecord
from pseudoexp.detector import helix

D0, Z0, PHI, COT_THETA, KAPPA, ARC, PT, ETA = range(8)
"""Columns of `Particles.helix`: the helix, the arc of the production point, pT [GeV], pseudorapidity."""
_MAX_COT = 82.0  # sinh(5.1): further forward there is no detector
_MAX_HEAVY_CHAIN = 8


class Particles(NamedTuple):
    """Particles in flight; the first n rows are filled."""

    p4: NDArray[np.float64]  # (capacity, 4) px, py, pz, E at the production point
    vertex: NDArray[np.float64]  # (capacity, 3) production point, detector frame
    helix: NDArray[np.float64]  # (capacity, 8)
    end: NDArray[np.float64]  # (capacity, 2) radius where it ends (inf: calorimeter), arc there
    charge: NDArray[np.float64]  # (capacity,)
    pdg_id: NDArray[np.int64]  # (capacity,)
    item: NDArray[np.int64]  # (capacity,) item of its random numbers, below 2**32
    row: NDArray[np.int64]  # (capacity,) row of the event record, -1 for pile-up
    origin: NDArray[np.int64]  # (capacity,) ORIGIN_*


def particles_workspace(capacity: int) -> Particles:
    """Return an empty list for `capacity` particles."""
    return Particles(
        p4=np.zeros((capacity, 4)), vertex=np.zeros((capacity, 3)), helix=np.zeros((capacity, 8)),
        end=np.zeros((capacity, 2)), charge=np.zeros(capacity), pdg_id=np.zeros(capacity, np.int64),
        item=np.zeros(capacity, np.int64), row=np.zeros(capacity, np.int64), origin=np.zeros(capacity, np.int64))


@inline
def daughter_item(item: int, k: int) -> int:
    """Return the item of daughter k of a particle: a hash of both (the finaliser of MurmurHash3), below 2**32."""
    h = (int(item) * 16 + k + 1) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)


@inline
def append(particles: Particles, n: int, px: float, py: float, pz: float, e: float, x: float, y: float, z: float,
           pdg_id: int, row: int, origin: int, item: int, field: float) -> int:
    """Append one particle and return the new length; -1 without room.

    Neutrinos, momenta along the beam and what points beyond |eta| = 5.1 are not listed.
    """
    pt2 = px * px + py * py
    if not pt2 > 1e-10 or pz * pz > _MAX_COT * _MAX_COT * pt2 or species.is_neutrino(pdg_id):
        return n
    if n >= particles.p4.shape[0]:
        return -1
    charge = species.charge(pdg_id)
    pt = math.sqrt(pt2)
    kappa = helix.curvature(charge, pt, field)
    d0, z0, phi, cot_theta, arc = helix.perigee(x, y, z, px, py, pz, kappa)
    p4, vertex, h = particles.p4[n], particles.vertex[n], particles.helix[n]
    p4[0], p4[1], p4[2], p4[3] = px, py, pz, e
    vertex[0], vertex[1], vertex[2] = x, y, z
    h[D0], h[Z0], h[PHI], h[COT_THETA], h[KAPPA], h[ARC], h[PT] = d0, z0, phi, cot_theta, kappa, arc, pt
    particles.charge[n] = charge
    particles.pdg_id[n] = pdg_id
    particles.item[n] = item
    particles.row[n] = row
    particles.origin[n] = origin
    particles.end[n, 0] = math.inf
    return n + 1


@inline
def origin_of(record: EventRecord, row: int) -> int:
    """Return ORIGIN_PRIMARY or the kind of heavy ancestor: beauty, charm from beauty, charm, tau."""
    heavy = record.heavy[row]
    if heavy < 0:
        return ORIGIN_PRIMARY
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
                  field: float) -> int:
    """Append the stable particles of an event whose collision is at `collision`; the item of row i is i."""
    for i in range(record.p4.shape[0]):
        p, v = record.p4[i], record.vertex[i]
        n = append(particles, n, p[0], p[1], p[2], p[3], v[0] + collision[0], v[1] + collision[1],
                   v[2] + collision[2], np.int64(record.pdg_id[i]), i, origin_of(record, i), i, field)
        if n < 0:
            return -1
    return n

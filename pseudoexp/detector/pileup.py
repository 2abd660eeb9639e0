"""Pile-up: further inelastic collisions in the same bunch crossing, drawn from a library of events.

The library holds the visible particles of many inelastic events, quantised (`PileUp`). The detector takes
Poisson(mu) of them per event at random, turns each by a random azimuth and puts it at its own point of the luminous
region; from there on their particles are treated like the hard collision's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import exp, sincos, sinh
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import ORIGIN_PILEUP
from pseudoexp.core.rng import STAGE_PILEUP, Stream, normal4, poisson, uniform4
from pseudoexp.detector.particles import Particles, append

LN_PT_MIN, LN_PT_STEP = -3.0, 1.5e-4  # 50 MeV to 900 GeV
ETA_MIN, ETA_STEP = -5.1, 10.2 / 65535
PHI_MIN, PHI_STEP = -math.pi, 2.0 * math.pi / 65536
DISPLACED = 128
"""Flag in `PileUp.kind`: the particle's production point is in `PileUp.displaced`."""
_HARDEST_ITEM = 0x100000  # rows of the hard collision are below
_MAX_PER_COLLISION = 4096


class PileUp(NamedTuple):
    """A library of inelastic events and the mean number of them per crossing.

    A particle has ln pT = LN_PT_MIN + LN_PT_STEP ln_pt and so on for eta and phi (at the centre of the steps).
    """

    mu: float
    offsets: NDArray[np.int64]  # (events + 1,) event i owns particles offsets[i]:offsets[i+1]
    displaced_offsets: NDArray[np.int64]  # (events + 1,) and these rows of `displaced`, in order
    ln_pt: NDArray[np.uint16]  # (particles,)
    eta: NDArray[np.uint16]  # (particles,)
    phi: NDArray[np.uint16]  # (particles,)
    kind: NDArray[np.uint8]  # (particles,) row of `species`, plus DISPLACED
    displaced: NDArray[np.float32]  # (displaced particles, 3) production point relative to the collision [mm]
    species: NDArray[np.int32]  # (kinds,) PDG number


def no_pileup() -> PileUp:
    """Return a crossing with the hard collision alone."""
    none = np.zeros(0, np.uint16)
    return PileUp(0.0, np.zeros(1, np.int64), np.zeros(1, np.int64), none, none, none, np.zeros(0, np.uint8),
                  np.zeros((0, 3), np.float32), np.zeros(0, np.int32))


@inline
def pileup_item(collision: int, particle: int) -> int:
    """Return the random-number item of a particle of a pile-up collision: a hash outside the record's rows."""
    h = ((int(collision) * _MAX_PER_COLLISION + int(particle)) * 0x9E3779B1 + 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    h ^= h >> 12
    return h | _HARDEST_ITEM


@kernel
def append_pileup(particles: Particles, n: int, stream: Stream, pileup: PileUp, beam_spot: NDArray[np.float64],
                  field: float, realised: NDArray[np.int64]) -> int:
    """Append the particles of Poisson(mu) collisions and return the new length; -1 without room.

    `realised[0]` receives the number of collisions.
    """
    events = pileup.offsets.shape[0] - 1
    realised[0] = poisson(stream, STAGE_PILEUP, 0, 0, pileup.mu) if events > 0 and pileup.mu > 0.0 else 0
    for k in range(realised[0]):
        u = uniform4(stream, STAGE_PILEUP, 1 + k, 0)
        g = normal4(stream, STAGE_PILEUP, 1 + k, 1)
        event = min(int(u[0] * events), events - 1)
        place = (g[0] * beam_spot[0], g[1] * beam_spot[1], g[2] * beam_spot[2])
        n = _append_collision(particles, n, k, event, 2.0 * math.pi * u[1], place, pileup, field)
        if n < 0:
            return -1
    return n


@inline
def _append_collision(particles: Particles, n: int, collision: int, event: int, turn: float,
                      place: tuple[float, float, float], pileup: PileUp, field: float) -> int:
    """Append one event of the library, turned by an azimuth."""
    sine_turn, cosine_turn = sincos(turn)
    first = pileup.offsets[event]
    next_displaced = pileup.displaced_offsets[event]
    for j in range(first, pileup.offsets[event + 1]):
        pt = exp(LN_PT_MIN + LN_PT_STEP * pileup.ln_pt[j])
        sine, cosine = sincos(PHI_MIN + PHI_STEP * (pileup.phi[j] + 0.5) + turn)
        pz = pt * sinh(ETA_MIN + ETA_STEP * pileup.eta[j])
        kind = int(pileup.kind[j])
        pdg_id = int(pileup.species[kind & (DISPLACED - 1)])
        mass = species.mass(pdg_id)
        x, y, z = place
        if kind & DISPLACED:
            dx, dy = float(pileup.displaced[next_displaced, 0]), float(pileup.displaced[next_displaced, 1])
            x += dx * cosine_turn - dy * sine_turn
            y += dx * sine_turn + dy * cosine_turn
            z += float(pileup.displaced[next_displaced, 2])
            next_displaced += 1
        n = append(particles, n, pt * cosine, pt * sine, pz, math.sqrt(pt * pt + pz * pz + mass * mass), x, y, z,
                   pdg_id, -1, ORIGIN_PILEUP, pileup_item(collision, j - first), field)
        if n < 0:
            return -1
    return n

"""The hadrons, leptons and photons of one event, from the strings to the event record.

A list that only grows: a decay marks its mother `DECAYED` and appends the daughters, so mothers stand before daughters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.packed import packed

DECAYED, STABLE = 0, 1
"""Statuses."""


class Hadrons(NamedTuple):
    """Hadrons, and what they decay to, in the order they were made."""

    p4: NDArray[np.float64]  # (capacity, 4) px, py, pz, E [GeV]
    mass: NDArray[np.float64]  # (capacity,) drawn from the line shape for broad resonances
    vertex: NDArray[np.float64]  # (capacity, 4) production point x, y, z, c*t [mm] relative to the hard collision
    decay_vertex: NDArray[np.float64]  # (capacity, 4) of what has decayed
    pdg_id: NDArray[np.int32]  # (capacity,)
    status: NDArray[np.int32]  # (capacity,)
    mother: NDArray[np.int32]  # (capacity,) row, -1 for what comes from a string or from the shower
    from_higgs: NDArray[np.bool_]  # (capacity,) whether it descends from the Higgs boson
    filled: NDArray[np.int64]  # (1,)


def new_hadrons(capacity: int) -> Hadrons:
    """Return an empty list for up to `capacity` hadrons."""
    return packed(Hadrons(
        p4=np.zeros((capacity, 4)), mass=np.zeros(capacity), vertex=np.zeros((capacity, 4)),
        decay_vertex=np.zeros((capacity, 4)), pdg_id=np.zeros(capacity, np.int32), status=np.zeros(capacity, np.int32),
        mother=np.zeros(capacity, np.int32), from_higgs=np.zeros(capacity, np.bool_), filled=np.zeros(1, np.int64)))


@inline
def append_hadron(hadrons: Hadrons, pdg_id: int, mother: int, from_higgs: bool, px: float, py: float, pz: float, e: float,
                  mass: float) -> int:
    """Append a stable particle at the origin, or where its mother decays; return its row, -1 if the list is full."""
    row = hadrons.filled[0]
    if row == len(hadrons.status):
        return -1
    hadrons.p4[row, 0], hadrons.p4[row, 1], hadrons.p4[row, 2], hadrons.p4[row, 3] = px, py, pz, e
    hadrons.mass[row] = mass
    hadrons.pdg_id[row] = pdg_id
    hadrons.status[row] = STABLE
    hadrons.mother[row] = mother
    hadrons.from_higgs[row] = from_higgs
    for k in range(4):
        hadrons.vertex[row, k] = hadrons.decay_vertex[mother, k] if mother >= 0 else 0.0
    hadrons.filled[0] = row + 1
    return row

"""Pile-up: further inelastic collisions in the same bunch crossing, drawn from a library of events.

The library holds the visible particles of many inelastic events, quantised. The detector takes Poisson(mu) of them
per event at random, turns each by a random azimuth and puts it at its own point of the luminous region.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PileUp(NamedTuple):
    """A library of inelastic events and the mean number of them per crossing."""

    mu: float
    offsets: NDArray[np.int64]  # (events + 1,) event i owns particles offsets[i]:offsets[i+1]
    momentum: NDArray[np.float32]  # (particles, 3) px, py, pz [GeV]
    vertex: NDArray[np.float32]  # (particles, 3) production point relative to the collision [mm]
    pdg_id: NDArray[np.int32]  # (particles,)


def no_pileup() -> PileUp:
    """Return a crossing with the hard collision alone."""
    return PileUp(0.0, np.zeros(1, np.int64), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32),
                  np.zeros(0, np.int32))

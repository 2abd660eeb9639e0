"""What the detector reconstructs: tracks, calorimeter towers, the primary vertex and jets.

Perigee convention (ATLAS): d0 = -x0 sin(phi) + y0 cos(phi) with (x0, y0) the point of closest approach to
the reference line, phi the momentum's azimuth *there*; z0 the z there; theta the polar angle; q/p in 1/GeV.
A track stands on the left of the reference line (seen along its flight) when d0 > 0. The reference line is
the z axis through (0, 0); positions are in the detector's frame, GeV and mm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

D0, Z0, PHI, THETA, QOVERP = range(5)
"""Columns of the perigee parameters and of their covariance."""


class Tracks(NamedTuple):
    """Reconstructed tracks; rows `0 .. n-1` of each array are filled, n is returned by what fills them."""

    perigee: NDArray[np.float64]  # (capacity, 5) d0 [mm], z0 [mm], phi [rad], theta [rad], q/p [1/GeV]
    covariance: NDArray[np.float64]  # (capacity, 5, 5), positive definite
    pt: NDArray[np.float64]  # (capacity,) GeV
    eta: NDArray[np.float64]  # (capacity,)


class TrackTruth(NamedTuple):
    """Where the tracks came from; only labels may read it."""

    particle: NDArray[np.int32]  # (capacity,) row in the event record, -1: fake or pile-up
    origin: NDArray[np.int32]  # (capacity,) ORIGIN_* below


(ORIGIN_PILEUP, ORIGIN_FAKE, ORIGIN_PRIMARY, ORIGIN_FROM_B, ORIGIN_FROM_BC, ORIGIN_FROM_C, ORIGIN_FROM_TAU,
 ORIGIN_SECONDARY) = range(8)
"""`ftagTruthOriginLabel` of atlas-ftag-tools: FromBC is charm from beauty, OtherSecondary material and strange decays."""


class Towers(NamedTuple):
    """Calorimeter towers over threshold, massless, directions from the primary vertex."""

    p4: NDArray[np.float64]  # (capacity, 4) px, py, pz, E
    hadronic: NDArray[np.bool_]  # (capacity,) of the second, hadronic layer


class PrimaryVertex(NamedTuple):
    """The fitted primary vertex of the hard collision."""

    position: NDArray[np.float64]  # (3,) mm
    covariance: NDArray[np.float64]  # (3, 3) mm^2

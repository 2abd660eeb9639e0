"""Energy and mass scale of the large-R jets: factors for pT and mass, as `inversion` finds them and `scale` applies them.

First pT, in (pT, |eta|), scaling the whole four-momentum; then mass, in (ln m/pT, pT), of the pT-calibrated jet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PT_EDGES = np.geomspace(150.0, 2500.0, 15)
ETA_EDGES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
MASS_EDGES = np.linspace(math.log(0.03), math.log(0.7), 9)
"""Edges of ln(m / pT)."""


class JetCalibration(NamedTuple):
    """Correction factors on regular grids, interpolated linearly and constant beyond their ends."""

    log_pt: NDArray[np.float64]  # (n,) ln of pT [GeV], equidistant
    eta: NDArray[np.float64]  # (e,) |eta|, equidistant
    pt_factor: NDArray[np.float64]  # (e, n)
    log_mass: NDArray[np.float64]  # (m,) ln(m / pT), equidistant
    mass_factor: NDArray[np.float64]  # (m, n)


def nodes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return ln pT, |eta| and ln(m / pT) of the factors: the middles of the bins."""
    log_edges = np.log(PT_EDGES)
    return (0.5 * (log_edges[1:] + log_edges[:-1]), 0.5 * (ETA_EDGES[1:] + ETA_EDGES[:-1]),
            0.5 * (MASS_EDGES[1:] + MASS_EDGES[:-1]))


def identity() -> JetCalibration:
    """Return the calibration that changes nothing."""
    log_pt, eta, log_mass = nodes()
    return JetCalibration(log_pt, eta, np.ones((len(eta), len(log_pt))), log_mass,
                          np.ones((len(log_mass), len(log_pt))))

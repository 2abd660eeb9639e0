"""Transverse momentum, pseudorapidity, azimuth of four-momenta, for tables and pictures; not for physics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.replaying.story import Column

PT, ETA, PHI, ENERGY = Column("pT", "GeV"), Column("eta"), Column("phi"), Column("E", "GeV")


def pt_of(p4: Any) -> float:
    """Return pT [GeV] of (px, py, ...)."""
    return math.hypot(float(p4[0]), float(p4[1]))


def eta_of(p4: Any) -> float:
    """Return the pseudorapidity; along the beam +-inf."""
    pt = pt_of(p4)
    return math.asinh(float(p4[2]) / pt) if pt > 1e-9 else math.copysign(math.inf, float(p4[2]))


def phi_of(p4: Any) -> float:
    """Return the azimuth [rad]."""
    return math.atan2(float(p4[1]), float(p4[0]))


def mass_of(p4: Any) -> float:
    """Return the mass [GeV]."""
    e, x, y, z = float(p4[3]), float(p4[0]), float(p4[1]), float(p4[2])
    return math.sqrt(max(e * e - x * x - y * y - z * z, 0.0))


def angles(p4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 3) eta, phi, pT of (n, 4) momenta."""
    return np.array([(eta_of(p), phi_of(p), pt_of(p)) for p in p4]).reshape(-1, 3)

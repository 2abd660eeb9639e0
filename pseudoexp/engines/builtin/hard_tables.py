"""The shipped tables that the hard process is drawn from, and how they are made.

`spectrum`: ln of dsigma/dln pT [pb] per channel at equidistant nodes in ln pT, Gauss-Legendre integrals over the unit square of
`hard_cross_section`. `bound`: per channel, bin of pT and cell of the unit square an upper bound of the density there
over the spectrum, which is linear in ln-ln between the nodes: the largest value at 3 x 4 x 4 points of the cell, its corners
among them, times `SAFETY`. Both depend on the parton densities and couplings alone; nothing is adapted while events are made.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp
from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.hard_cross_section import CHANNELS, cross_section, point
from pseudoexp.engines.builtin.matrix_elements import Scattering, new_scattering
from pseudoexp.engines.builtin.parton_density import Densities, densities

DATA = Path(__file__).resolve().parents[2] / "data" / "hard_process.npz"
ALPHA_S = 0.130
"""alpha_s(M_Z) of the hard process."""
LOWEST, HIGHEST = 10.0, 6800.0
"""Range of pT-hat [GeV]; less than 1e-6 of any sample's weight lies above."""
BINS, STEPS = 40, 25
"""Bins of the bounds, and steps of the spectrum in each."""
CELLS = 24
"""Cells of the unit square along each side."""
SAFETY = 1.06
_ORDER = 64


class HardTables(NamedTuple):
    """Spectrum and bounds."""

    log_pt: NDArray[np.float64]  # (BINS * STEPS + 1,) nodes
    spectrum: NDArray[np.float64]  # (CHANNELS, BINS * STEPS + 1) ln of dsigma / dln pT [pb]
    bound: NDArray[np.float64]  # (CHANNELS, BINS, CELLS * CELLS) of dsigma / dln pT da db over the spectrum


@kernel
def integrate(tables: Densities, coupling: Coupling, scattering: Scattering, channel: int, pt: float,
              nodes: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return dsigma / dln pT [pb], the integral over the unit square by a product rule."""
    total = 0.0
    for i in range(len(nodes)):
        for j in range(len(nodes)):
            total += weights[i] * weights[j] * cross_section(
                tables, coupling, scattering, channel, point(channel, pt, nodes[i], nodes[j], False))
    return total


@kernel
def largest(tables: Densities, coupling: Coupling, scattering: Scattering, channel: int, log_pt: NDArray[np.float64],
            spectrum: NDArray[np.float64], cell: int) -> float:
    """Return the largest density over the spectrum among 4 x 4 points of a cell at each of `log_pt`."""
    value = 0.0
    for k in range(len(log_pt)):
        for i in range(4):
            for j in range(4):
                a = (cell // CELLS + i / 3.0) / CELLS
                b = (cell % CELLS + j / 3.0) / CELLS
                density = cross_section(tables, coupling, scattering, channel, point(channel, exp(log_pt[k]), a, b, False))
                value = max(value, density * exp(-spectrum[k]))
    return value


def spectrum_at(channel: int, pt: float, order: int = _ORDER) -> float:
    """Return dsigma / dln pT [pb] of a channel, integrated anew."""
    x, w = np.polynomial.legendre.leggauss(order)
    return float(integrate(densities(), strong_coupling(ALPHA_S), new_scattering(), channel, pt, 0.5 * (x + 1.0), 0.5 * w))


def bounds_of(channel: int, bin_of_pt: int, log_pt: NDArray[np.float64], spectrum: NDArray[np.float64]
              ) -> NDArray[np.float64]:
    """Return the bounds of a bin of pT, computed anew."""
    coupling, scattering = strong_coupling(ALPHA_S), new_scattering()
    at = STEPS * bin_of_pt + np.array([0, STEPS // 2, STEPS])
    return SAFETY * np.array([largest(densities(), coupling, scattering, channel, log_pt[at], spectrum[channel, at], cell)
                              for cell in range(CELLS * CELLS)])


def make_tables() -> HardTables:
    """Compute the tables (a minute)."""
    log_pt = np.linspace(np.log(LOWEST), np.log(HIGHEST), BINS * STEPS + 1)
    spectrum = np.log([[spectrum_at(channel, float(np.exp(x))) for x in log_pt] for channel in range(CHANNELS)])
    bound = np.array([[bounds_of(channel, k, log_pt, spectrum) for k in range(BINS)] for channel in range(CHANNELS)])
    return HardTables(log_pt, spectrum, bound)


@lru_cache(maxsize=1)
def hard_tables() -> HardTables:
    """Return the shipped tables."""
    with np.load(DATA, allow_pickle=False) as data:
        return HardTables(data["log_pt"], data["spectrum"], data["bound"].astype(np.float64))

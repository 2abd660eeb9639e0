"""Make ``scatterings.npz``: the bounding cross-section for soft scatterings above pT, and how many there are.

    python pseudoexp/data/make_scatterings.py

Integrates over both rapidities with Gauss and Legendre's points and over ln pT with Simpson's rule, and looks for the largest
value on the same points. The cross-section that fixes the number of scatterings is the true one, as PYTHIA 8.317 finds it at
14 TeV with the same densities and parameters (329.0 mb above 0.2 GeV), beside 57.17 mb for a non-diffractive collision.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.overlap import mean_at_centre
from pseudoexp.engines.builtin.parton_density import Densities, densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY
from pseudoexp.engines.builtin.scatterings import COUPLING, DATA, LOWEST_PT, MB_GEV2, bounding_cross_section, highest_rapidity

NODES, FINER, POINTS = 240, 4, 120
SCATTERING_MB, NON_DIFFRACTIVE_MB = 329.0, 57.17
SAFETY = 1.08


@kernel
def scan(tables: Densities, coupling: Coupling, pt: NDArray[np.float64], points: NDArray[np.float64],
         weights: NDArray[np.float64], total: NDArray[np.float64], largest: NDArray[np.float64]) -> None:
    """Fill the integral over both rapidities and the largest value at each pT."""
    for k in range(len(pt)):
        top = highest_rapidity(pt[k])
        for i in range(len(points)):
            for j in range(len(points)):
                value = bounding_cross_section(tables, coupling, pt[k], top * points[i], top * points[j])
                total[k] += value * weights[i] * weights[j] * top * top
                largest[k] = max(largest[k], value)


def main() -> None:
    """Write the table."""
    n = (NODES - 1) * FINER + 1
    log_pt = np.linspace(np.log(LOWEST_PT), np.log(0.98 * BEAM_ENERGY), n)
    points, weights = np.polynomial.legendre.leggauss(POINTS)
    total, largest = np.zeros(n), np.zeros(n)
    pt = np.exp(log_pt)
    scan(densities(), strong_coupling(COUPLING), pt, points, weights, total, largest)
    per_log = total * 2.0 * pt * pt * MB_GEV2
    simpson = (per_log[0:-2:2] + 4.0 * per_log[1:-1:2] + per_log[2::2]) * (log_pt[1] - log_pt[0]) / 3.0
    above = np.append(np.cumsum(simpson[::-1])[::-1], 0.0)[:: FINER // 2]
    above[-1] = 1e-6 * above[-2]
    by_node = [largest[k * FINER:(k + 1) * FINER + 1].max() for k in range(NODES - 1)]
    np.savez(DATA, log_above=np.log(above), largest=SAFETY * np.array(by_node),
             steps=np.array([log_pt[0], (NODES - 1) / (log_pt[-1] - log_pt[0])]),
             mean_at_centre=mean_at_centre(SCATTERING_MB / NON_DIFFRACTIVE_MB) / SCATTERING_MB)


if __name__ == "__main__":
    main()

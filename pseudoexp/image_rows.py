"""The optional `images` dataset: the calorimeter's towers of a large-R jet on a square grid around its axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_phi, eta, phi, pt
from pseudoexp.core.reconstructed import Towers
from pseudoexp.dataset.schema import IMAGE_FIELDS

HALF_WIDTH = 1.0
"""Of the image in eta and in phi [rad]: the radius of the jet."""
N_LAYERS = len(IMAGE_FIELDS)
_EM, _HADRONIC = range(N_LAYERS)


@kernel
def fill_image(towers: Towers, n_towers: int, jet_of: NDArray[np.int32], jet: int, jet_p4: NDArray[np.float64],
               out: NDArray[np.float64]) -> None:
    """Fill the image of one row.

    Parameters
    ----------
    towers, n_towers
        The event's towers.
    jet_of : (towers,)
        Jet of each tower.
    jet : int
        The untrimmed large-R jet; the towers of all its constituents enter, those that trimming drops too.
    jet_p4 : (4,)
        The trimmed jet, whose axis is the middle of the image.
    out : (N, N, layers)
        Receives sums of transverse energies [GeV]; the first axis is eta relative to the jet, the second phi, both rising
        from -1 to 1. Towers beyond are left out.
    """
    n = len(out)
    jet_eta, jet_phi = eta(jet_p4[0], jet_p4[1], jet_p4[2]), phi(jet_p4[0], jet_p4[1])
    pixels = n / (2.0 * HALF_WIDTH)
    out[:] = 0.0
    for i in range(n_towers):
        if jet_of[i] != jet:
            continue
        px, py, pz = towers.p4[i, 0], towers.p4[i, 1], towers.p4[i, 2]
        a = (eta(px, py, pz) - jet_eta + HALF_WIDTH) * pixels
        b = (delta_phi(phi(px, py), jet_phi) + HALF_WIDTH) * pixels
        if 0.0 <= a < n and 0.0 <= b < n:
            out[int(a), int(b), _HADRONIC if towers.hadronic[i] else _EM] += pt(px, py)

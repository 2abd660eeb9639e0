"""Colour flows of 2 -> 2 scattering in the limit of many colours.

A flow is a planar order of the partons along the colour lines. Rows are the two incoming and two outgoing partons, columns
colour and anticolour; equal numbers are connected. An antiquark in the quark's place has colours and anticolours exchanged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel

(GLUONS_ST, GLUONS_SU, GLUONS_TU, PAIR_FROM_FIRST, PAIR_FROM_SECOND, QUARKS, QUARK_ANTIQUARK, ANNIHILATION, COMPTON_ST,
 COMPTON_TU, TO_GLUONS, B_TO_HIGGS) = range(12)
"""g g -> g g by its poles; g g -> Q Qbar by the gluon whose colour Q has; t-channel exchange q q' and q qbar'; q qbar -> Q Qbar;
q g -> q g by its poles; q qbar -> g g with the quark's colour on the first gluon; b g -> H b."""
_FLOWS = np.array([
    [(1, 2), (2, 3), (1, 4), (4, 3)],
    [(1, 2), (2, 3), (4, 3), (1, 4)],
    [(1, 2), (3, 4), (1, 4), (3, 2)],
    [(1, 2), (2, 3), (1, 0), (0, 3)],
    [(2, 3), (1, 2), (1, 0), (0, 3)],
    [(1, 0), (2, 0), (2, 0), (1, 0)],
    [(1, 0), (0, 1), (2, 0), (0, 2)],
    [(1, 0), (0, 2), (1, 0), (0, 2)],
    [(1, 0), (2, 1), (3, 0), (2, 3)],
    [(1, 0), (3, 2), (3, 0), (1, 2)],
    [(1, 0), (0, 2), (1, 3), (3, 2)],
    [(1, 0), (2, 1), (0, 0), (2, 0)],
], dtype=np.int32)


@kernel
def set_flow(pdg_id: NDArray[np.int32], colour: NDArray[np.int32], flow: int, conjugate: bool,
             one: int, two: int, three: int, four: int) -> None:
    """Set the species (4,) and the tags (4, 2) of a scattering."""
    pdg_id[0], pdg_id[1], pdg_id[2], pdg_id[3] = one, two, three, four
    first = 1 if conjugate else 0
    for k in range(4):
        colour[k, first] = _FLOWS[flow, k, 0]
        colour[k, 1 - first] = _FLOWS[flow, k, 1]


@inline
def exchange_rows(pdg_id: NDArray[np.int32], colour: NDArray[np.int32], i: int, j: int) -> None:
    """Exchange two partons."""
    pdg_id[i], pdg_id[j] = pdg_id[j], pdg_id[i]
    for k in range(2):
        c = colour[i, k]
        colour[i, k] = colour[j, k]
        colour[j, k] = c

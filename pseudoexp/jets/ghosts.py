"""Ghost association: a jet belongs to the jet that swallows a copy of it without momentum.

The copies keep their direction and have 1e-20 of their pT, so they cannot change the clustering they take part in
(Cacciari, Salam, Soyez, arXiv:0802.1188).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.jets.antikt import ClusterWorkspace, find_directions, load, recombine

GHOST_FACTOR = 1e-20


@kernel
def cluster_with_ghosts(
    p4: NDArray[np.float64], n: int, ghost_p4: NDArray[np.float64], n_ghosts: int, radius: float, ptmin: float,
    ghost_jet: NDArray[np.int32], ws: ClusterWorkspace,
) -> int:
    """Return the number of anti-kT jets of n momenta and the jet that every ghost falls into.

    Parameters
    ----------
    p4 : ndarray, shape (>= n, 4)
        px, py, pz, E [GeV].
    n : int
        Number of momenta.
    ghost_p4 : ndarray, shape (>= n_ghosts, 4)
        Momenta [GeV] to associate, unscaled.
    n_ghosts : int
        Number of ghosts; n + n_ghosts must fit into the workspace.
    radius : float
        Jet radius.
    ptmin : float
        Smallest pT [GeV] of a jet; above zero, so that no jet is made of ghosts alone.
    ghost_jet : ndarray of int32, shape (>= n_ghosts,)
        Result: jet of each ghost, -1 for none.
    ws : ClusterWorkspace
        ws.jet_p4[:n_jets] and ws.jet_of[:n] are the results; the ghosts follow in ws.jet_of[n:n + n_ghosts].

    Returns
    -------
    int
        Number of jets, `OVERFLOW` or `NOT_FINITE`.
    """
    total = load(ghost_p4, n_ghosts, GHOST_FACTOR, load(p4, n, 1.0, 0, ws), ws)
    n_jets = recombine(find_directions(total, ws), -1, 0.0, radius, radius, 0, ptmin, ws)
    if n_jets >= 0:
        for k in range(n_ghosts):
            ghost_jet[k] = ws.jet_of[n + k]
    return n_jets

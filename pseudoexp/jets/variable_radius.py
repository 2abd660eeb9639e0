"""Variable-radius track jets (Krohn, Thaler, Wang, arXiv:0903.0392): anti-kT whose radius shrinks as rho / pT.

d_ij = min(pT_i^-2, pT_j^-2) dR_ij^2 and d_iB = R_eff^2(pT_i) / pT_i^2 with R_eff = clip(rho / pT, r_min, r_max),
taken anew for every pseudojet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import eta
from pseudoexp.jets.antikt import ClusterWorkspace, find_directions, load, recombine
from pseudoexp.jets.slots import COUNT, ORDER


@kernel
def cluster_vr(
    p4: NDArray[np.float64], n: int, rho: float, r_min: float, r_max: float, ptmin: float, ws: ClusterWorkspace
) -> int:
    """Return the number of variable-radius jets of n momenta.

    Parameters
    ----------
    p4 : ndarray, shape (>= n, 4)
        px, py, pz, E [GeV] of the tracks.
    n : int
        Number of tracks.
    rho : float
        Scale [GeV] of the radius.
    r_min, r_max : float
        Limits of the radius.
    ptmin : float
        Smallest pT [GeV] of a jet.
    ws : ClusterWorkspace
        ws.jet_p4[:n_jets] and ws.jet_of[:n] are the results.

    Returns
    -------
    int
        Number of jets, `OVERFLOW` or `NOT_FINITE`.
    """
    return recombine(find_directions(load(p4, n, 1.0, 0, ws), ws), -1, rho, r_min, r_max, 0, ptmin, ws)


@kernel
def select_track_jets(
    n: int, n_jets: int, ptmin: float, eta_max: float, tracks_min: int, ws: ClusterWorkspace
) -> int:
    """Keep the jets with pT > ptmin, abs(eta) < eta_max and enough tracks, in their order.

    ws.jet_p4 and ws.jet_of[:n] hold the n_jets jets of n tracks before and those kept afterwards; tracks of a
    dropped jet belong to none. Returns the number of jets kept; a negative n_jets is returned as it is.
    """
    if n_jets <= 0:
        return n_jets
    new, tracks = ws.links[ORDER], ws.links[COUNT]
    tracks[:n_jets] = 0
    for i in range(n):
        if ws.jet_of[i] >= 0:
            tracks[ws.jet_of[i]] += 1
    kept = 0
    for k in range(n_jets):
        px, py, pz = ws.jet_p4[k, 0], ws.jet_p4[k, 1], ws.jet_p4[k, 2]
        new[k] = -1
        if px * px + py * py > ptmin * ptmin and abs(eta(px, py, pz)) < eta_max and tracks[k] >= tracks_min:
            new[k] = kept
            for c in range(4):
                ws.jet_p4[kept, c] = ws.jet_p4[k, c]
            kept += 1
    for i in range(n):
        if ws.jet_of[i] >= 0:
            ws.jet_of[i] = new[ws.jet_of[i]]
    return kept

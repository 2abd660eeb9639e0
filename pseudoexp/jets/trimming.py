"""Trimming (Krohn, Thaler, Wang, arXiv:0912.1342): drop the soft subjets of a jet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.jets.antikt import ClusterWorkspace, find_directions, load, recombine, take_directions


@kernel
def trim(
    p4: NDArray[np.float64], n: int, r_sub: float, f_cut: float, reference_pt: float, kept: NDArray[np.bool_],
    ws: ClusterWorkspace,
) -> tuple[float, float, float, float]:
    """Return the momentum (px, py, pz, E) [GeV] of a trimmed jet.

    Parameters
    ----------
    p4 : ndarray, shape (>= n, 4)
        Momenta [GeV] of the jet's constituents.
    n : int
        Number of constituents.
    r_sub : float
        Radius of the kT subjets.
    f_cut : float
        Subjets with pT >= f_cut * reference_pt are kept.
    reference_pt : float
        pT [GeV] of the untrimmed jet.
    kept : ndarray of bool, shape (>= n,)
        Result: whether each constituent is kept.
    ws : ClusterWorkspace
        Overwritten: the subjets, by falling pT.

    Returns
    -------
    tuple of float
        Sum over the subjets kept; zeros when none is, (0, 0, 0, -1) when the constituents do not fit into the
        workspace or are not finite.
    """
    return _trim(find_directions(load(p4, n, 1.0, 0, ws), ws), r_sub, f_cut * reference_pt, kept, ws)


@kernel
def trim_known(
    p4: NDArray[np.float64], directions: NDArray[np.float64], n: int, r_sub: float, f_cut: float, reference_pt: float,
    kept: NDArray[np.bool_], ws: ClusterWorkspace,
) -> tuple[float, float, float, float]:
    """Do as `trim` with constituents whose directions (rapidity and azimuth) are known."""
    return _trim(take_directions(directions, load(p4, n, 1.0, 0, ws), ws), r_sub, f_cut * reference_pt, kept, ws)


@inline
def _trim(n: int, r_sub: float, ptmin: float, kept: NDArray[np.bool_], ws: ClusterWorkspace
          ) -> tuple[float, float, float, float]:
    """Trim the n momenta loaded into the workspace."""
    n_subjets = recombine(n, 1, 0.0, r_sub, r_sub, 0, ptmin, ws)
    px = py = pz = e = 0.0
    for k in range(n_subjets):
        px += ws.jet_p4[k, 0]
        py += ws.jet_p4[k, 1]
        pz += ws.jet_p4[k, 2]
        e += ws.jet_p4[k, 3]
    if n_subjets < 0:
        return 0.0, 0.0, 0.0, -1.0
    for i in range(n):
        kept[i] = ws.jet_of[i] >= 0
    return px, py, pz, e

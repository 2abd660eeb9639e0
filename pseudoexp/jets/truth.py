"""True large-R jets: what a detector without errors would measure in its calorimeter.

Anti-kT R = 1.0 jets of an event's visible stable particles without muons, trimmed as the reconstructed ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import eta, mass, phi, pt
from pseudoexp.core.record import EventRecord
from pseudoexp.core.species import MUON, is_neutrino
from pseudoexp.jets.antikt import cluster
from pseudoexp.jets.candidates import LARGE_MIN_PT, LARGE_RADIUS, JetsWorkspace, trimmed_jet


@kernel
def truth_jets(record: EventRecord, p4: NDArray[np.float64], ws: JetsWorkspace, out: NDArray[np.float64]) -> int:
    """Find the true jets of an event.

    Parameters
    ----------
    record : EventRecord
        The event.
    p4 : array (at least its particles, 4)
        Scratch.
    ws : JetsWorkspace
        Buffers.
    out : array (jets, 4)
        Receives pT, eta, phi, mass [GeV] of the trimmed jets, by falling pT before trimming.

    Returns
    -------
    int
        Number of jets above 100 GeV before trimming; negative on overflow or NaN.
    """
    n = 0
    for i in range(len(record.pdg_id)):
        if is_neutrino(record.pdg_id[i]) or abs(record.pdg_id[i]) == MUON:
            continue
        for k in range(4):
            p4[n, k] = record.p4[i, k]
        n += 1
    found = cluster(p4, n, LARGE_RADIUS, -1, LARGE_MIN_PT, ws.tower_clusters)
    for j in range(min(found, len(out))):
        _, px, py, pz, e = trimmed_jet(p4, n, j, ws)
        out[j, 0], out[j, 1], out[j, 2], out[j, 3] = pt(px, py), eta(px, py, pz), phi(px, py), mass(px, py, pz, e)
    return found

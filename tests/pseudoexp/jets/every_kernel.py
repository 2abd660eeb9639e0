"""Every jet kernel on twenty particles: run compiled and as plain Python, the bits must be the same."""

from __future__ import annotations

import numpy as np
from jet_samples import toy

from pseudoexp.jets.antikt import cluster, cluster_workspace
from pseudoexp.jets.ghosts import cluster_with_ghosts
from pseudoexp.jets.substructure import d2, substructure_workspace, tau21
from pseudoexp.jets.trimming import trim
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets


def bits():
    """Return all results as hexadecimal numbers."""
    p4, ws, sub = toy(20, 1), cluster_workspace(40), substructure_workspace(20)
    kept, inside = np.zeros(20, bool), np.zeros(20, np.int32)
    numbers = [cluster(p4, 20, 1.0, -1, 0.0, ws), *ws.jet_of[:20], *ws.jet_p4[0]]
    n_jets = cluster_vr(p4, 20, 30.0, 0.02, 0.4, 0.0, ws)
    numbers += [n_jets, *ws.jet_of[:20], select_track_jets(20, n_jets, 1.0, 2.5, 2, ws), *ws.jet_of[:20]]
    numbers += [cluster_with_ghosts(p4, 20, p4, 20, 1.0, 1.0, inside, ws), *inside]
    numbers += [*trim(p4, 20, 0.2, 0.05, 30.0, kept, ws), *kept, tau21(p4, 20, sub), d2(p4, 20, sub)]
    return " ".join(float(x).hex() for x in numbers)

"""Tracks to variable-radius jets by a cone that shrinks with the jet's pT.

dR < 0.239 + exp(-1.220 - 0.0164 pT/GeV), the nearest jet within its own cone (ATLAS, ATL-PHYS-PUB-2017-013).
Tracks must pass the selection of the VR jets themselves: |z0 sin(theta)| < 3 mm to the primary vertex.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import asinh, atan2, exp, sincos
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_phi
from pseudoexp.core.reconstructed import PHI, THETA, Z0, PrimaryVertex, Tracks

MAX_Z0_SIN_THETA = 3.0
"""mm, relative to the fitted primary vertex."""


@inline
def association_radius(pt: float) -> float:
    """Return the largest dR of tracks associated to a VR jet of transverse momentum `pt` [GeV]."""
    return 0.239 + exp(-1.220 - 0.0164 * pt)


@inline
def near_vertex(perigee, vertex: PrimaryVertex) -> bool:
    """Whether a track passes |z0 sin(theta)| < 3 mm to the primary vertex (straight line from the perigee)."""
    s, c = sincos(perigee[PHI])
    sin_theta, cos_theta = sincos(perigee[THETA])
    along = vertex.position[0] * c + vertex.position[1] * s
    return abs((perigee[Z0] - vertex.position[2]) * sin_theta + along * cos_theta) < MAX_Z0_SIN_THETA


@kernel
def associate(tracks: Tracks, n_tracks: int, vertex: PrimaryVertex, jets, n_jets: int, assigned, distance2,
              rows, counts) -> int:
    """Assign each track to the nearest VR jet whose cone holds it.

    Parameters
    ----------
    tracks, n_tracks
        All reconstructed tracks of the event.
    vertex : PrimaryVertex
        The fitted primary vertex.
    jets, n_jets
        (n, 4) px, py, pz, E of the VR jets [GeV].
    assigned : (tracks,) int32
        Receives the jet of each track, -1 without.
    distance2 : (tracks,) float64
        Receives dR squared to that jet.
    rows : (jets, capacity) int32
        Receives the tracks of each jet, ascending.
    counts : (jets,) int32
        Receives how many tracks each jet has.

    Returns
    -------
    int
        0, or -1 when `rows` is too short for one jet.
    """
    for i in range(n_tracks):
        assigned[i] = -1
        distance2[i] = math.inf if near_vertex(tracks.perigee[i], vertex) else 0.0
    for j in range(n_jets):
        counts[j] = 0
        pt = math.sqrt(jets[j, 0] * jets[j, 0] + jets[j, 1] * jets[j, 1])
        eta = asinh(jets[j, 2] / pt)
        phi = atan2(jets[j, 1], jets[j, 0])
        radius = association_radius(pt)
        for i in range(n_tracks):
            d_eta = tracks.eta[i] - eta
            d_phi = delta_phi(tracks.perigee[i, PHI], phi)
            r2 = d_eta * d_eta + d_phi * d_phi
            if r2 < radius * radius and r2 < distance2[i]:
                assigned[i] = j
                distance2[i] = r2
    for i in range(n_tracks):
        j = assigned[i]
        if j >= 0:
            if counts[j] >= rows.shape[1]:
                return -1
            rows[j, counts[j]] = i
            counts[j] += 1
    return 0

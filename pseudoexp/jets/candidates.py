"""Large-radius jets and the track jets inside them: the objects of the selection.

Track jets: variable-radius jets of tracks (pion mass) near the primary vertex, rho = 30 GeV, radius 0.02 to 0.4,
pT > 10 GeV, |eta| < 2.5, two tracks or more (ATLAS, ATL-PHYS-PUB-2017-010). Large-R jets: anti-kT R = 1.0 on towers, with
the track jets as ghosts in the untrimmed clustering; trimmed with kT subjets of 0.2 and 5 % of the untrimmed pT.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import flat, kernel
from pseudoexp.core.kinematics import pt
from pseudoexp.core.reconstructed import PHI, QOVERP, THETA, Z0, PrimaryVertex, Tracks
from pseudoexp.jets.antikt import ClusterWorkspace, cluster_workspace, constituent_directions, constituents
from pseudoexp.jets.ghosts import cluster_with_ghosts
from pseudoexp.jets.slots import effective_radius
from pseudoexp.jets.trimming import trim_known
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets

RHO, R_MIN, R_MAX = 30.0, 0.02, 0.4
"""Parameters of the variable radius: GeV, -, -."""
LARGE_RADIUS = 1.0
SUBJET_RADIUS, SUBJET_CUT = 0.2, 0.05
TRACK_MIN_PT = 0.5
MAX_Z0_SIN_THETA = 3.0
"""mm, of tracks in track jets."""
VR_MIN_PT, VR_MAX_ETA, VR_MIN_TRACKS = 10.0, 2.5, 2
LARGE_MIN_PT = 100.0
"""GeV, untrimmed and uncalibrated: far below any jet that can pass the selection."""
_PION_MASS2 = 0.13957039**2
_flat_sincos = flat(sincos)


class JetsWorkspace(NamedTuple):
    """Buffers of one event; `vr` and `large` are results."""

    track_row: NDArray[np.int32]  # (tracks,) row of each track that is clustered
    track_p4: NDArray[np.float64]  # (tracks, 4)
    angles: NDArray[np.float64]  # (4, tracks) sines and cosines of polar angle and azimuth
    track_clusters: ClusterWorkspace
    vr: NDArray[np.float64]  # (tracks, 4) track jets by falling pT
    vr_large: NDArray[np.int32]  # (tracks,) large-R jet that holds each track jet, -1 without
    tower_clusters: ClusterWorkspace  # jet_p4: untrimmed large-R jets by falling pT
    constituents: NDArray[np.float64]  # (towers, 4) of one large-R jet
    directions: NDArray[np.float64]  # (2, towers) their rapidities and azimuths
    trimmed: NDArray[np.float64]  # (towers, 4) those that survive trimming
    trimmed_directions: NDArray[np.float64]  # (2, towers)
    kept: NDArray[np.bool_]  # (towers,)
    subjets: ClusterWorkspace


def jets_workspace(tracks: int, towers: int) -> JetsWorkspace:
    """Return buffers for up to `tracks` tracks and `towers` towers (ghosts included)."""
    return JetsWorkspace(
        track_row=np.zeros(tracks, np.int32), track_p4=np.zeros((tracks, 4)), angles=np.zeros((4, tracks)),
        track_clusters=cluster_workspace(tracks), vr=np.zeros((tracks, 4)), vr_large=np.zeros(tracks, np.int32),
        tower_clusters=cluster_workspace(towers), constituents=np.zeros((towers, 4)), directions=np.zeros((2, towers)),
        trimmed=np.zeros((towers, 4)), trimmed_directions=np.zeros((2, towers)), kept=np.zeros(towers, np.bool_),
        subjets=cluster_workspace(towers))


@kernel
def track_jets(tracks: Tracks, n_tracks: int, vertex: PrimaryVertex, ws: JetsWorkspace) -> int:
    """Return the number of track jets, with their momenta [GeV] in ws.vr; negative on overflow or NaN."""
    for row, parameter in ((0, THETA), (2, PHI)):
        sine, cosine = ws.angles[row], ws.angles[row + 1]
        for i in range(n_tracks):
            sine[i] = tracks.perigee[i, parameter]
        for i in range(n_tracks):
            sine[i], cosine[i] = _flat_sincos(sine[i])
    n = 0
    for i in range(n_tracks):
        sin_theta, cos_theta, s, c = ws.angles[0, i], ws.angles[1, i], ws.angles[2, i], ws.angles[3, i]
        along = vertex.position[0] * c + vertex.position[1] * s
        z0_sin_theta = (tracks.perigee[i, Z0] - vertex.position[2]) * sin_theta + along * cos_theta
        if tracks.pt[i] <= TRACK_MIN_PT or abs(tracks.eta[i]) >= VR_MAX_ETA or abs(z0_sin_theta) >= MAX_Z0_SIN_THETA:
            continue
        p = 1.0 / abs(tracks.perigee[i, QOVERP])
        ws.track_row[n] = i
        ws.track_p4[n, 0] = p * sin_theta * c
        ws.track_p4[n, 1] = p * sin_theta * s
        ws.track_p4[n, 2] = p * cos_theta
        ws.track_p4[n, 3] = math.sqrt(p * p + _PION_MASS2)
        n += 1
    found = cluster_vr(ws.track_p4, n, RHO, R_MIN, R_MAX, VR_MIN_PT, ws.track_clusters)
    n_jets = select_track_jets(n, found, VR_MIN_PT, VR_MAX_ETA, VR_MIN_TRACKS, ws.track_clusters)
    for j in range(n_jets):
        for k in range(4):
            ws.vr[j, k] = ws.track_clusters.jet_p4[j, k]
    return n_jets


@kernel
def large_jets(towers: NDArray[np.float64], n_towers: int, n_track_jets: int, min_pt: float, ws: JetsWorkspace) -> int:
    """Return the number of untrimmed large-R jets, in ws.tower_clusters.jet_p4; ws.vr_large says who holds whom."""
    return cluster_with_ghosts(towers, n_towers, ws.vr, n_track_jets, LARGE_RADIUS, min_pt, ws.vr_large,
                               ws.tower_clusters)


@kernel
def trimmed_jet(towers: NDArray[np.float64], n_towers: int, jet: int, ws: JetsWorkspace
                ) -> tuple[int, float, float, float, float]:
    """Return (constituents left in ws.trimmed, px, py, pz, E [GeV]) of large-R jet `jet` after trimming."""
    clusters = ws.tower_clusters
    n = constituents(towers, clusters.jet_of, n_towers, jet, ws.constituents)
    constituent_directions(clusters.directions, clusters.jet_of, n_towers, jet, ws.directions)
    reference = pt(clusters.jet_p4[jet, 0], clusters.jet_p4[jet, 1])
    px, py, pz, e = trim_known(ws.constituents, ws.directions, n, SUBJET_RADIUS, SUBJET_CUT, reference, ws.kept, ws.subjets)
    left = 0
    for i in range(n):
        if ws.kept[i]:
            for k in range(4):
                ws.trimmed[left, k] = ws.constituents[i, k]
            for k in range(2):
                ws.trimmed_directions[k, left] = ws.directions[k, i]
            left += 1
    return left, px, py, pz, e


@kernel
def track_jet_radius(pt_jet: float) -> float:
    """Return the radius of a track jet of transverse momentum `pt_jet` [GeV]."""
    return effective_radius(pt_jet, RHO, R_MIN, R_MAX)

"""The optional `tracks` dataset: the tracks of a large-R jet, most displaced first."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_phi, eta, phi
from pseudoexp.core.reconstructed import PHI, QOVERP, THETA
from pseudoexp.core.record import EventRecord
from pseudoexp.dataset.schema import TRACK_FIELDS
from pseudoexp.detector.simulate import DetectorWorkspace
from pseudoexp.flavour.association import near_vertex
from pseudoexp.flavour.impact_parameters import fill_helices, fill_impact
from pseudoexp.flavour.labels import truth_vertex_index
from pseudoexp.flavour.workspace import (
    COT_THETA,
    IP_D0,
    IP_SIGMA_D0,
    IP_SIGMA_Z0,
    IP_SIGNIFICANCE_D0,
    IP_SIGNIFICANCE_Z0,
    IP_Z0,
    FlavourSettings,
    FlavourWorkspace,
)

MAX_DR = 1.0
N_TRACK_COLUMNS = len(TRACK_FIELDS)

(_VALID, _PT, _DETA, _DPHI, _D0, _Z0, _QOVERP, _SIGMA_D0, _SIGMA_Z0, _SIGMA_QOVERP, _SIGMA_PT, _SIGMA_ETA, _SIGMA_PHI,
 _SIGNIFICANCE_D0, _SIGNIFICANCE_Z0, _VR_JET, _ORIGIN, _VERTEX) = range(N_TRACK_COLUMNS)


@kernel
def _is_of_row(assigned: int, first: int, second: int) -> bool:
    """Whether a track belongs to a track jet of the row: the axis of its lifetime signs, of others the large-R jet is."""
    return assigned >= 0 and assigned in (first, second)


@kernel
def _displacement(track: int, axis: NDArray[np.float64], detector: DetectorWorkspace, settings: FlavourSettings,
                  ws: FlavourWorkspace) -> float:
    """Fill slot 0 of `ws.impact` for one track and return |d0| over its error."""
    ws.members[0] = track
    fill_helices(detector.tracks, ws.members, 1, settings.bz, ws.helix)
    fill_impact(detector.tracks, ws.members, 1, axis, detector.primary_vertex, settings, ws)
    return abs(ws.impact[0, IP_SIGNIFICANCE_D0])


@kernel
def _fill_track(track: int, axis: NDArray[np.float64], jet_eta: float, jet_phi: float, detector: DetectorWorkspace,
                settings: FlavourSettings, ws: FlavourWorkspace, out: NDArray[np.float64]) -> None:
    """Fill the reconstructed columns of one track."""
    tracks = detector.tracks
    perigee, covariance = tracks.perigee[track], tracks.covariance[track]
    _displacement(track, axis, detector, settings, ws)
    impact = ws.impact[0]
    sin_theta = 1.0 / math.sqrt(1.0 + ws.helix[0, COT_THETA] * ws.helix[0, COT_THETA])
    relative_qoverp = math.sqrt(covariance[QOVERP, QOVERP]) / abs(perigee[QOVERP])
    cot_variance = covariance[THETA, THETA] * ws.helix[0, COT_THETA] * ws.helix[0, COT_THETA]
    covariance_term = 2.0 * covariance[QOVERP, THETA] * ws.helix[0, COT_THETA] / perigee[QOVERP]
    out[_VALID] = 1.0
    out[_PT] = tracks.pt[track]
    out[_DETA] = tracks.eta[track] - jet_eta
    out[_DPHI] = delta_phi(perigee[PHI], jet_phi)
    out[_D0], out[_Z0] = impact[IP_D0], impact[IP_Z0]
    out[_QOVERP] = perigee[QOVERP]
    out[_SIGMA_D0], out[_SIGMA_Z0] = impact[IP_SIGMA_D0], impact[IP_SIGMA_Z0]
    out[_SIGMA_QOVERP] = math.sqrt(covariance[QOVERP, QOVERP])
    out[_SIGMA_PT] = math.sqrt(max(relative_qoverp * relative_qoverp + cot_variance - covariance_term, 0.0))
    out[_SIGMA_ETA] = math.sqrt(covariance[THETA, THETA]) / sin_theta
    out[_SIGMA_PHI] = math.sqrt(covariance[PHI, PHI])
    out[_SIGNIFICANCE_D0], out[_SIGNIFICANCE_Z0] = impact[IP_SIGNIFICANCE_D0], impact[IP_SIGNIFICANCE_Z0]


@kernel
def fill_tracks(record: EventRecord, detector: DetectorWorkspace, n_tracks: int, vr: NDArray[np.float64], first: int,
                second: int, jet_p4: NDArray[np.float64], settings: FlavourSettings, ws: FlavourWorkspace,
                assigned: NDArray[np.int32], order: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fill the tracks of one row.

    Parameters
    ----------
    record : EventRecord
        For the two truth columns.
    detector, n_tracks
        The reconstructed event.
    vr : (jets, 4)
        Track jets; `first` and `second` are the two of the row.
    jet_p4 : (4,)
        The trimmed large-R jet; tracks within dR < 1 of it and near the primary vertex are its own.
    settings, ws
        Of the flavour algorithms; slot 0 of the workspace is overwritten.
    assigned : (tracks,)
        Track jet of each track.
    order : (tracks,)
        Scratch.
    out : (N, columns)
        Receives the N most displaced tracks, by falling |d0| over its error; rows beyond stay as they are (NaN).
    """
    tracks = detector.tracks
    jet_eta, jet_phi = eta(jet_p4[0], jet_p4[1], jet_p4[2]), phi(jet_p4[0], jet_p4[1])
    for i in range(n_tracks):
        deta, dphi = tracks.eta[i] - jet_eta, delta_phi(tracks.perigee[i, PHI], jet_phi)
        order[i] = -1.0
        if deta * deta + dphi * dphi < MAX_DR * MAX_DR and near_vertex(tracks.perigee[i], detector.primary_vertex):
            axis = vr[assigned[i]] if _is_of_row(assigned[i], first, second) else jet_p4
            order[i] = _displacement(i, axis, detector, settings, ws)
    for k in range(len(out)):
        best = -1
        for i in range(n_tracks):
            if order[i] >= 0.0 and (best < 0 or order[i] > order[best]):
                best = i
        if best < 0:
            return
        order[best] = -1.0
        axis = vr[assigned[best]] if _is_of_row(assigned[best], first, second) else jet_p4
        _fill_track(best, axis, jet_eta, jet_phi, detector, settings, ws, out[k])
        out[k, _VR_JET] = 0.0 if assigned[best] == first else (1.0 if assigned[best] == second else -1.0)
        out[k, _ORIGIN] = detector.truth.origin[best]
        out[k, _VERTEX] = truth_vertex_index(record, detector.truth, best)

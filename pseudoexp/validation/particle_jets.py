"""Particle-level jets: what the shipped reference histograms were made of, and the observables of the two-sample test.

Constituents are the visible final particles within |eta| < 4.9, tracks the charged ones with pT > 0.5 GeV and |eta| < 2.5 at
their true momenta. Large-R jets: anti-kT, R = 1.0, ungroomed, |eta| < 2. Track jets: variable radius, rho = 30 GeV,
0.02 to 0.4, at least two tracks, |eta| < 2.5; those within dR < 1.0 of a large-R jet belong to it. tau_1 and tau_2 are
N-subjettiness with the exclusive kT axes of all constituents.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_r, eta, mass, phi, pt
from pseudoexp.core.record import EventBatch, EventRecord, event
from pseudoexp.core.species import is_b_hadron, is_c_hadron, is_charged, is_neutrino
from pseudoexp.errors import GenerationError
from pseudoexp.jets.antikt import ClusterWorkspace, cluster, cluster_workspace, constituents
from pseudoexp.jets.substructure import SubstructureWorkspace, substructure_workspace, tau
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets

COLUMNS = ("event", "rank", "dR_higgs", "higgs_b", "parton", "pt", "eta", "m", "ntrk", "ncon", "ftrk", "tau1", "tau2", "nvr10",
           "nvr7", "v1pt", "v1m", "v1n", "v1leadf", "v2pt", "v2m", "v2n", "v2leadf", "dR12", "nB", "nD", "ptB1", "ptB2", "ptD1")
"""What is known of a jet: the event's row in its batch; the rank by pT among the event's jets; distance to the Higgs boson
(9 without) and how many of its b hadrons are within dR < 1.0; PDG number of the nearest hard parton; pT, pseudorapidity and
mass [GeV]; tracks, constituents, scalar sum of the tracks' pT over the jet's; tau_1, tau_2; track jets above 10 and
7 GeV; pT, mass, tracks and leading track's share of the two leading track jets above 10 GeV; their distance; weakly
decaying b hadrons and prompt c hadrons above 5 GeV within dR < 1.0 and their leading pT. 0 where there is none."""
MIN_PT = 250.0
"""Smallest pT of a large-R jet [GeV]."""
_C = {name: i for i, name in enumerate(COLUMNS)}
_EVENT, _RANK, _DR_HIGGS, _HIGGS_B, _PARTON, _PT, _ETA, _M, _NTRK, _NCON, _FTRK, _TAU1, _TAU2, _NVR10, _NVR7, _V1 = range(16)
_DR12, _NB, _ND, _PTB1, _PTB2, _PTD1 = (_C[name] for name in ("dR12", "nB", "nD", "ptB1", "ptB2", "ptD1"))
_PER_TRACK_JET = 4
_RADIUS, _MAX_ETA, _VISIBLE_ETA, _TRACK_ETA, _TRACK_PT = 1.0, 2.0, 4.9, 2.5, 0.5
_RHO, _R_MIN, _R_MAX = 30.0, 0.02, 0.4
_LEADING_PT, _SOFT_PT, _HADRON_PT, _MATCH = 10.0, 7.0, 5.0, 1.0
_NO_HIGGS = 9.0
_JETS_PER_EVENT = 6


class JetsWork(NamedTuple):
    """Buffers of one event."""

    visible: NDArray[np.float64]  # (capacity, 4)
    tracks: NDArray[np.float64]  # (capacity, 4)
    charged: NDArray[np.int64]  # (capacity,) 1 for a constituent that is a track
    members: NDArray[np.float64]  # (capacity, 4) constituents of one jet
    large: ClusterWorkspace
    small: ClusterWorkspace
    substructure: SubstructureWorkspace


def jets_work(capacity: int) -> JetsWork:
    """Return buffers for events of up to `capacity` particles and jets of half of them."""
    def momenta() -> NDArray[np.float64]:
        return np.zeros((capacity, 4))

    return JetsWork(momenta(), momenta(), np.zeros(capacity, np.int64), momenta(), cluster_workspace(capacity),
                    cluster_workspace(capacity), substructure_workspace(capacity // 2))


@kernel
def _collect(record: EventRecord, work: JetsWork) -> tuple[int, int]:
    """Fill constituents and tracks of an event; return their numbers, -1 without room."""
    n = n_tracks = 0
    if len(record.pdg_id) > len(work.charged):
        return -1, -1
    for i in range(len(record.pdg_id)):
        px, py, pz = record.p4[i, 0], record.p4[i, 1], record.p4[i, 2]
        slope = abs(eta(px, py, pz))
        if slope >= _VISIBLE_ETA or is_neutrino(record.pdg_id[i]):
            continue
        track = is_charged(record.pdg_id[i]) and slope < _TRACK_ETA and pt(px, py) > _TRACK_PT
        work.visible[n] = record.p4[i]
        work.charged[n] = 1 if track else 0
        n += 1
        if track:
            work.tracks[n_tracks] = record.p4[i]
            n_tracks += 1
    return n, n_tracks


@kernel
def _fill_content(n: int, jet: int, work: JetsWork, out: NDArray[np.float64]) -> int:
    """Fill what follows from the constituents of a jet; return -1 without room."""
    n_tracks, total = 0, 0.0
    for i in range(n):
        if work.large.jet_of[i] == jet and work.charged[i] == 1:
            n_tracks += 1
            total += pt(work.visible[i, 0], work.visible[i, 1])
    count = constituents(work.visible, work.large.jet_of, n, jet, work.members)
    if count > len(work.substructure.z):
        return -1
    out[_NTRK], out[_NCON], out[_FTRK] = n_tracks, count, total / out[_PT]
    out[_TAU1] = tau(work.members, count, 1, work.substructure)
    out[_TAU2] = tau(work.members, count, 2, work.substructure)
    return count


@kernel
def _fill_track_jet(k: int, n_tracks: int, work: JetsWork, out: NDArray[np.float64]) -> None:
    """Fill pT, mass, tracks and leading share of track jet k."""
    p = work.small.jet_p4[k]
    leading, count = 0.0, 0
    for i in range(n_tracks):
        if work.small.jet_of[i] == k:
            count += 1
            leading = max(leading, pt(work.tracks[i, 0], work.tracks[i, 1]))
    out[0], out[1], out[2] = pt(p[0], p[1]), mass(p[0], p[1], p[2], p[3]), count
    out[3] = leading / out[0]


@kernel
def _fill_track_jets(n_tracks: int, n_small: int, azimuth: float, work: JetsWork, out: NDArray[np.float64]) -> None:
    """Fill numbers and the two leading ones of the track jets near a jet."""
    found = soft = first = 0
    for k in range(n_small):
        p = work.small.jet_p4[k]
        if delta_r(eta(p[0], p[1], p[2]), phi(p[0], p[1]), out[_ETA], azimuth) >= _MATCH:
            continue
        soft += 1
        if pt(p[0], p[1]) <= _LEADING_PT:
            continue
        if found < 2:
            _fill_track_jet(k, n_tracks, work, out[_V1 + found * _PER_TRACK_JET:])
        if found == 0:
            first = k
        if found == 1:
            q = work.small.jet_p4[first]
            out[_DR12] = delta_r(eta(p[0], p[1], p[2]), phi(p[0], p[1]), eta(q[0], q[1], q[2]), phi(q[0], q[1]))
        found += 1
    out[_NVR10], out[_NVR7] = found, soft


@kernel
def _fill_flavour(record: EventRecord, azimuth: float, out: NDArray[np.float64]) -> None:
    """Fill heavy hadrons, the distance to the Higgs boson and the nearest hard parton."""
    out[_DR_HIGGS] = _NO_HIGGS
    if record.higgs[3] > 0.0:
        h = record.higgs
        out[_DR_HIGGS] = delta_r(out[_ETA], azimuth, eta(h[0], h[1], h[2]), phi(h[0], h[1]))
    for k in range(len(record.heavy_pdg_id)):
        p = record.heavy_p4[k]
        if delta_r(out[_ETA], azimuth, eta(p[0], p[1], p[2]), phi(p[0], p[1])) >= _MATCH:
            continue
        size = pt(p[0], p[1])
        beauty = is_b_hadron(record.heavy_pdg_id[k])
        if beauty and record.heavy_from_higgs[k]:
            out[_HIGGS_B] += 1
        if size <= _HADRON_PT:
            continue
        if beauty:
            out[_NB] += 1
            out[_PTB2] = max(out[_PTB2], min(out[_PTB1], size))
            out[_PTB1] = max(out[_PTB1], size)
        elif is_c_hadron(record.heavy_pdg_id[k]) and record.heavy_parent[k] < 0:
            out[_ND] += 1
            out[_PTD1] = max(out[_PTD1], size)
    nearest = np.inf
    for k in range(2):
        q = record.partons[k]
        distance = delta_r(out[_ETA], azimuth, eta(q[0], q[1], q[2]), phi(q[0], q[1]))
        if distance < nearest:
            nearest = distance
            out[_PARTON] = q[4]


@kernel
def _jets_of_event(record: EventRecord, row: int, work: JetsWork, out: NDArray[np.float64]) -> int:
    """Fill the jets of one event into `out`; return how many, -1 without room."""
    n, n_tracks = _collect(record, work)
    if n < 0:
        return -1
    n_large = cluster(work.visible, n, _RADIUS, -1, MIN_PT, work.large)
    if n_large <= 0:
        return n_large
    n_small = cluster_vr(work.tracks, n_tracks, _RHO, _R_MIN, _R_MAX, _SOFT_PT, work.small)
    n_small = select_track_jets(n_tracks, n_small, _SOFT_PT, _TRACK_ETA, 2, work.small)
    if n_small < 0:
        return -1
    found = 0
    for j in range(n_large):
        px, py, pz, e = work.large.jet_p4[j, 0], work.large.jet_p4[j, 1], work.large.jet_p4[j, 2], work.large.jet_p4[j, 3]
        slope = eta(px, py, pz)
        if abs(slope) >= _MAX_ETA:
            continue
        if found == len(out):
            return -1
        jet, azimuth = out[found], phi(px, py)
        jet[:] = 0.0
        jet[_EVENT], jet[_RANK], jet[_PT], jet[_ETA], jet[_M] = row, j, pt(px, py), slope, mass(px, py, pz, e)
        if _fill_content(n, j, work, jet) < 0:
            return -1
        _fill_track_jets(n_tracks, n_small, azimuth, work, jet)
        _fill_flavour(record, azimuth, jet)
        found += 1
    return found


@kernel
def _jets_of_batch(batch: EventBatch, work: JetsWork, out: NDArray[np.float64]) -> int:
    """Fill the jets of a batch; return how many, -1 without room."""
    n = 0
    for i in range(len(batch.event_number)):
        found = _jets_of_event(event(batch, i), i, work, out[n:])
        if found < 0:
            return -1
        n += found
    return n


def particle_jets(batch: EventBatch) -> NDArray[np.float64]:
    """Return the particle-level jets of a batch of events.

    Parameters
    ----------
    batch : EventBatch
        Events.

    Returns
    -------
    ndarray, shape (jets, columns of `COLUMNS`)
        Jets with pT > 250 GeV and |eta| < 2, by event and falling pT; GeV.

    Raises
    ------
    GenerationError
        If a momentum is not finite.
    """
    if not np.isfinite(batch.p4).all():
        raise GenerationError("an event holds a momentum that is not finite")
    capacity = 1024
    while True:
        out = np.zeros((_JETS_PER_EVENT * max(len(batch.event_number), 1), len(COLUMNS)))
        n = _jets_of_batch(batch, jets_work(capacity), out)
        if n >= 0:
            return out[:n]
        capacity *= 2

"""From a record to what an analysis starts with: tracks, towers, primary vertex, track jets and large-R jets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.laps import lap
from pseudoexp.core.record import EventRecord
from pseudoexp.core.rng import Stream
from pseudoexp.detector.particles import MAX_COT
from pseudoexp.detector.pileup import PileUp
from pseudoexp.detector.simulate import (
    EVERYWHERE,
    DetectorWorkspace,
    detector_workspace,
    simulate_towers,
    simulate_tracks,
)
from pseudoexp.detector.tables import DetectorTables
from pseudoexp.jets.candidates import LARGE_MIN_PT, JetsWorkspace, jets_workspace, large_jets, track_jets

OVERFLOW, NOT_FINITE = -1, -2
"""Statuses: the workspace is too small; a momentum or a position is NaN or infinite."""
_LARGEST = 1e150
_MAX_COT = 20.2  # sinh(3.7): the large-R jets of the selection reach |eta| = 3


class ReconstructionWorkspace(NamedTuple):
    """Buffers and results of the detector and of the jets."""

    detector: DetectorWorkspace
    jets: JetsWorkspace


class Counts(NamedTuple):
    """How many of each kind an event has; `status` is 0, `OVERFLOW` or `NOT_FINITE`."""

    status: int
    tracks: int
    towers: int
    track_jets: int
    large_jets: int


def reconstruction_workspace(capacity: int, tables: DetectorTables) -> ReconstructionWorkspace:
    """Return buffers for events of up to `capacity` particles, tracks and towers each."""
    return ReconstructionWorkspace(detector_workspace(capacity, tables), jets_workspace(capacity, 2 * capacity))


@kernel
def _finite(values: NDArray[np.float64]) -> bool:
    """Whether no value (rows, columns) is NaN or beyond 1e150."""
    bad = 0
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            bad += 0 if abs(values[i, k]) < _LARGEST else 1
    return bad == 0


@kernel
def is_finite(record: EventRecord) -> bool:
    """Return whether all momenta and positions of an event are finite."""
    return (_finite(record.p4) and _finite(record.vertex) and _finite(record.heavy_p4)
            and _finite(record.heavy_vertex))


@kernel
def reconstruct_track_jets(record: EventRecord, stream: Stream, tables: DetectorTables, pileup: PileUp,
                           ws: ReconstructionWorkspace) -> tuple[int, int, int]:
    """Find tracks, primary vertex and track jets of one event.

    Returns
    -------
    tuple of int
        Particles in flight (or a negative status), tracks, track jets.
    """
    max_cot = _MAX_COT if pileup.mu == 0.0 else MAX_COT  # a density of pile-up is measured further forward
    n, n_tracks = simulate_tracks(record, stream, tables, pileup, max_cot, ws.detector)
    if n < 0:
        return OVERFLOW, 0, 0
    n_track_jets = track_jets(ws.detector.tracks, n_tracks, ws.detector.primary_vertex, ws.jets)
    lap(ws.detector.laps, laps.TRACK_JETS)
    if n_track_jets < 0:
        return n_track_jets, 0, 0
    return n, n_tracks, n_track_jets


@kernel
def reconstruct_large_jets(n: int, n_tracks: int, n_track_jets: int, stream: Stream, tables: DetectorTables,
                           pileup: PileUp, min_pt: float, ws: ReconstructionWorkspace) -> Counts:
    """Go on from `reconstruct_track_jets`: large-R jets of an untrimmed pT of `min_pt` [GeV], towers of `detector.region`."""
    n_towers = simulate_towers(n, stream, tables, pileup, ws.detector)
    if n_towers < 0:
        return Counts(OVERFLOW, 0, 0, 0, 0)
    n_large = large_jets(ws.detector.towers.p4, n_towers, n_track_jets, min_pt, ws.jets)
    lap(ws.detector.laps, laps.LARGE_JETS)
    if n_large < 0:
        return Counts(n_large, 0, 0, 0, 0)
    return Counts(0, n_tracks, n_towers, n_track_jets, n_large)


@kernel
def reconstruct(record: EventRecord, stream: Stream, tables: DetectorTables, pileup: PileUp,
                ws: ReconstructionWorkspace) -> Counts:
    """Simulate the detector and cluster the jets of one event; results stand in `ws`."""
    if not is_finite(record):
        return Counts(NOT_FINITE, 0, 0, 0, 0)
    n, n_tracks, n_track_jets = reconstruct_track_jets(record, stream, tables, pileup, ws)
    if n < 0:
        return Counts(n, 0, 0, 0, 0)
    ws.detector.region[:] = EVERYWHERE
    return reconstruct_large_jets(n, n_tracks, n_track_jets, stream, tables, pileup, LARGE_MIN_PT, ws)

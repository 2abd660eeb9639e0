"""The detector's front door: one event record in; tracks, towers and a primary vertex out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.laps import lap
from pseudoexp.core.reconstructed import PrimaryVertex, Towers, Tracks, TrackTruth
from pseudoexp.core.record import EventRecord
from pseudoexp.core.rng import STAGE_BEAM_SPOT, Stream, normal4
from pseudoexp.detector.calorimeter import (
    REGION_ETA,
    REGION_PHI,
    CalorimeterWorkspace,
    calorimeter_workspace,
    deposit_energies,
    make_towers,
    towers_workspace,
)
from pseudoexp.detector.material import fly
from pseudoexp.detector.particles import MAX_COT, Particles, append_record, particles_workspace
from pseudoexp.detector.pileup import PileUp, append_pileup
from pseudoexp.detector.primary_vertex import VertexWorkspace, empty_vertex, fit_primary_vertex, vertex_workspace
from pseudoexp.detector.subtraction import SubtractionWorkspace, subtract, subtraction_workspace
from pseudoexp.detector.tables import DetectorTables
from pseudoexp.detector.tracking import TrackingWorkspace, reconstruct_tracks, tracking_workspace, tracks_workspace

EVERYWHERE = (1 << REGION_PHI) - 1
"""All bits of a row of `DetectorWorkspace.region`."""


class DetectorWorkspace(NamedTuple):
    """Results and scratch space of one event."""

    tracks: Tracks
    truth: TrackTruth
    towers: Towers
    primary_vertex: PrimaryVertex
    collision: NDArray[np.float64]  # (3,) mm, where the hard collision was; truth
    pileup_collisions: NDArray[np.int64]  # (1,) realised number of pile-up collisions
    particles: Particles
    tracking: TrackingWorkspace
    calorimeter: CalorimeterWorkspace
    vertex: VertexWorkspace
    subtraction: SubtractionWorkspace
    region: NDArray[np.int64]  # (32,) where the calorimeter is read out, as `calorimeter.REGION_CELL` says
    laps: NDArray[np.int64]  # what the stages take


def detector_workspace(capacity: int, tables: DetectorTables) -> DetectorWorkspace:
    """Return a workspace.

    Parameters
    ----------
    capacity : int
        Particles that fly (secondaries and pile-up included), tracks and towers: the largest of the three. 4096 is
        plenty without pile-up; add 400 per pile-up collision.
    tables : DetectorTables
        Whose calorimeter the cells are for.
    """
    tracks, truth = tracks_workspace(capacity)
    return DetectorWorkspace(
        tracks=tracks, truth=truth, towers=towers_workspace(capacity), primary_vertex=empty_vertex(),
        collision=np.zeros(3), pileup_collisions=np.zeros(1, np.int64), particles=particles_workspace(capacity),
        tracking=tracking_workspace(capacity), calorimeter=calorimeter_workspace(tables.calorimeter, capacity),
        vertex=vertex_workspace(capacity), subtraction=subtraction_workspace(capacity),
        region=np.full(REGION_ETA, EVERYWHERE, np.int64), laps=laps.clock())


@kernel
def simulate_tracks(record: EventRecord, stream: Stream, tables: DetectorTables, pileup: PileUp, max_cot: float,
                    ws: DetectorWorkspace) -> tuple[int, int]:
    """Let the particles of one event with |pz| below `max_cot` pT fly, and find its tracks and primary vertex.

    Returns
    -------
    tuple of int
        Particles in flight, for `simulate_towers`, and tracks; (-1, -1) if the workspace is too small.
    """
    spot, material = tables.beam_spot, tables.material
    g0, g1, g2, _ = normal4(stream, STAGE_BEAM_SPOT, 0, 0)
    ws.collision[0], ws.collision[1], ws.collision[2] = g0 * spot[0], g1 * spot[1], g2 * spot[2]
    n = append_record(ws.particles, 0, record, ws.collision, material.field, max_cot)
    lap(ws.laps, laps.FLIGHT)
    if n >= 0:
        n = append_pileup(ws.particles, n, stream, pileup, spot, material.field, ws.pileup_collisions)
    lap(ws.laps, laps.PILEUP)
    if n >= 0:
        n = fly(ws.particles, n, stream, material)
    lap(ws.laps, laps.FLIGHT)
    if n < 0:
        return -1, -1
    n_tracks = reconstruct_tracks(ws.particles, n, stream, tables.tracking, material, ws.tracks, ws.truth,
                                  ws.tracking)
    lap(ws.laps, laps.TRACKS)
    if n_tracks < 0:
        return -1, -1
    fit_primary_vertex(ws.tracks, n_tracks, spot, tables.vertex_seeds, tables.vertex_chi2_cut, ws.primary_vertex,
                       ws.vertex)
    lap(ws.laps, laps.PRIMARY_VERTEX)
    return n, n_tracks


@kernel
def simulate_towers(n: int, stream: Stream, tables: DetectorTables, pileup: PileUp, ws: DetectorWorkspace) -> int:
    """Fill the towers in `ws.region` of the event whose `n` particles and primary vertex stand in `ws`; -1 without room."""
    touched = deposit_energies(ws.particles, n, stream, tables.calorimeter, tables.material.calorimeter_radius,
                               tables.material.calorimeter_half_length, ws.region, ws.calorimeter)
    n_towers = make_towers(touched, ws.primary_vertex.position, tables.calorimeter, ws.calorimeter, ws.towers)
    lap(ws.laps, laps.CALORIMETER)
    if n_towers >= 0 and pileup.mu > 0.0:
        n_towers = subtract(ws.towers, n_towers, tables.subtraction, ws.subtraction)
        lap(ws.laps, laps.SUBTRACTION)
    return n_towers


@kernel
def simulate(record: EventRecord, stream: Stream, tables: DetectorTables, pileup: PileUp,
             ws: DetectorWorkspace) -> tuple[int, int]:
    """Simulate one event into `ws` and return (tracks, towers); (-1, -1) if the workspace is too small.

    Parameters
    ----------
    record : EventRecord
        The event; positions relative to its collision.
    stream : Stream
        The event's random numbers.
    tables : DetectorTables
        The detector.
    pileup : PileUp
        What else happens in the same bunch crossing; `pileup.no_pileup()` for nothing.
    ws : DetectorWorkspace
        Filled: `tracks`, `truth`, `towers`, `primary_vertex` (all in the detector's frame), `collision`,
        `pileup_collisions`.
    """
    n, n_tracks = simulate_tracks(record, stream, tables, pileup, MAX_COT, ws)
    if n < 0:
        return -1, -1
    ws.region[:] = EVERYWHERE
    n_towers = simulate_towers(n, stream, tables, pileup, ws)
    if n_towers < 0:
        return -1, -1
    return n_tracks, n_towers

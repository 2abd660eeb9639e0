"""One event from record to rows: the only module that knows all stages.

early test -> tracks -> track jets -> early test again -> towers -> large-R jets -> trimming, calibration, selection, label ->
flavour algorithms -> row. What is cheap and rejects comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.calibration import Calibration, calibration_of
from pseudoexp.core import jit
from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_r, eta, mass, phi, pt
from pseudoexp.core.record import EventBatch, EventRecord, event, no_events
from pseudoexp.core.rng import CALIBRATION, SIGNAL, Stream, event_stream
from pseudoexp.dataset import schema
from pseudoexp.dataset.schema import row
from pseudoexp.dataset.weights import DEFAULT_SAMPLING, SpectrumRatio, flat, spectrum_weight
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.pileup import PileUp
from pseudoexp.detector.pileup_library import load_library
from pseudoexp.detector.simulate import EVERYWHERE
from pseudoexp.detector.tables import DetectorTables, detector_tables
from pseudoexp.early_test import EarlyWorkspace, count_track_jets, early_workspace, fill_discs, fill_region, may_pass
from pseudoexp.engines import engine
from pseudoexp.engines.hepmc.index import file_of, index_of
from pseudoexp.errors import GenerationError
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.ip3d import ip3d
from pseudoexp.flavour.jetfitter import jetfitter
from pseudoexp.flavour.labels import (
    LARGE_HBB,
    LARGE_LABEL,
    LARGE_N_B,
    LARGE_N_C,
    LARGE_N_HIGGS,
    LARGE_QCD,
    VR_LABEL,
    VR_N_B,
    VR_N_C,
    label_large_jet,
    label_vr_jets,
)
from pseudoexp.flavour.sv1 import sv1
from pseudoexp.flavour.templates import IP3DTemplates
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.flavour.workspace import FlavourSettings, FlavourWorkspace, flavour_settings, flavour_workspace
from pseudoexp.jets.calibration import JetCalibration, calibrated_mass_factor, calibrated_pt_factor, largest_pt_factor
from pseudoexp.jets.candidates import track_jet_radius, trimmed_jet
from pseudoexp.jets.substructure import SubstructureWorkspace, substructure_workspace, tau21_and_d2
from pseudoexp.production.chunk import ChunkRows
from pseudoexp.production.run_config import RunConfig
from pseudoexp.reconstruction import (
    NOT_FINITE,
    OVERFLOW,
    Counts,
    ReconstructionWorkspace,
    is_finite,
    reconstruct_large_jets,
    reconstruct_track_jets,
    reconstruction_workspace,
)
from pseudoexp.track_rows import N_TRACK_COLUMNS, fill_tracks

MIN_PT, MAX_PT, MAX_ETA = 250.0, 3000.0, 2.0
"""Selection of the trimmed, calibrated large-R jet; GeV."""
_WIDE_JETS = 0.98
"""Trimming takes pT away from a jet whose constituents are within a right angle of it; this leaves room for wider ones."""
_FAR_FROM_HIGGS = 1.5
"""An untrimmed jet this far from the Higgs boson is no hbb jet, whose trimmed axis is within 0.75."""
MAX_ROWS_PER_EVENT = 8
_CAPACITY = 4096
_CAPACITY_PER_PILEUP = 400
_MAX_CAPACITY = 2**20

_PT, _ETA, _MASS = row("pt"), row("eta"), row("mass")
_VR = (row("vr1_pt"), row("vr2_pt"))
_VR_TRUTH = (row("vr1_truth_label"), row("vr2_truth_label"))
_IP3D, _SV1, _JF, _VR_END = (row(f"vr1_{name}") - row("vr1_pt") for name in ("ip3d_bu", "sv1_mass", "jf_mass", "jf_dr"))
_EVENT, _LABEL, _LARGE_LABEL = row("eventNumber"), row("flavour_label"), row("R10TruthLabel_R22v1")
_GHOSTS = row("GhostHBosonsCount")
_WEIGHT, _BENCHMARK = row("mcEventWeight"), row("benchmarkWeight")
_MU, _PILEUP = row("actualInteractionsPerCrossing"), row("numberOfPileupCollisions")
_HIGGS_PT, _HIGGS_MASS, _PT_HAT = row("truthHiggsPt"), row("truthHiggsMass"), row("ptHat")
_CONCENTRIC, _DR, _TAU21, _D2 = row("vr_concentric"), row("dR_vr1_vr2"), row("tau21"), row("D2")
_UNTRIMMED = row("massUntrimmed")
_PHI = len(schema.JET_FIELDS)  # column of the jet's phi, where the caller has one more
_HBB, _QCD, _OTHER = range(3)


class ChainTables(NamedTuple):
    """Everything the kernels read that does not change from event to event."""

    detector: DetectorTables
    pileup: PileUp
    jets: JetCalibration
    ip3d: IP3DTemplates
    weights: SpectrumRatio
    flavour: FlavourSettings


class Wanted(NamedTuple):
    """Which rows an event is to give; signal events give hbb and other rows, QCD events qcd rows."""

    hbb: bool
    others: bool


class ChainWorkspace(NamedTuple):
    """Buffers of one event."""

    early: EarlyWorkspace
    reconstruction: ReconstructionWorkspace
    flavour: FlavourWorkspace
    substructure: SubstructureWorkspace
    assigned: NDArray[np.int32]  # (tracks,) VR jet of each track
    distance2: NDArray[np.float64]  # (tracks,) dR^2 to it
    associated: NDArray[np.int32]  # (VR jets, tracks per jet)
    n_associated: NDArray[np.int32]  # (VR jets,)
    vr_labels: NDArray[np.int32]  # (VR jets, 4)
    hadron_pt: NDArray[np.float64]  # (VR jets,)
    large_labels: NDArray[np.int32]  # (4,)
    jet_p4: NDArray[np.float64]  # (4,)
    order: NDArray[np.float64]  # (tracks,) scratch of the track dataset


def chain_workspace(capacity: int, tables: DetectorTables) -> ChainWorkspace:
    """Return buffers for events of up to `capacity` particles."""
    vr_jets, per_jet = max(capacity // 16, 64), max(capacity // 8, 128)
    return ChainWorkspace(
        early=early_workspace(), reconstruction=reconstruction_workspace(capacity, tables),
        flavour=flavour_workspace(per_jet),
        substructure=substructure_workspace(min(max(capacity // 4, 1024), 4096)),
        assigned=np.zeros(capacity, np.int32),
        distance2=np.zeros(capacity), associated=np.zeros((vr_jets, per_jet), np.int32),
        n_associated=np.zeros(vr_jets, np.int32), vr_labels=np.zeros((vr_jets, 4), np.int32),
        hadron_pt=np.zeros(vr_jets), large_labels=np.zeros(4, np.int32), jet_p4=np.zeros(4), order=np.zeros(capacity))


@kernel
def _flavour_inputs(vr: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill the 18 inputs of a track jet; `out` (18,) starts at its pT. Reconstructed quantities only."""
    detector = ws.reconstruction.detector
    tracks, vertex = detector.tracks, detector.primary_vertex
    p4 = ws.reconstruction.jets.vr[vr]
    rows, count = ws.associated[vr], ws.n_associated[vr]
    out[0] = pt(p4[0], p4[1])
    out[1] = eta(p4[0], p4[1], p4[2])
    if prepare_jet(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour) < 0:
        return OVERFLOW
    bu, bc, cu = ip3d(tracks, rows, count, tables.ip3d, ws.flavour)
    out[_IP3D], out[_IP3D + 1], out[_IP3D + 2] = bu, bc, cu
    sv1(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour, out[_SV1:_JF])
    jetfitter(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour, out[_JF:_VR_END + 1])
    return 0


@kernel
def _selected_jet(jet: int, n_towers: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Trim, calibrate and select large-R jet `jet`: its columns in `out`; its constituents, or -1 if it fails."""
    reconstruction = ws.reconstruction
    n, px, py, pz, e = trimmed_jet(reconstruction.detector.towers.p4, n_towers, jet, reconstruction.jets)
    if n == 0:
        return -1
    jet_eta = eta(px, py, pz)
    factor = calibrated_pt_factor(tables.jets, pt(px, py), abs(jet_eta))
    jet_pt, jet_mass = factor * pt(px, py), factor * mass(px, py, pz, e)
    if not (MIN_PT <= jet_pt < MAX_PT and abs(jet_eta) < MAX_ETA):
        return -1
    jet_mass *= calibrated_mass_factor(tables.jets, jet_pt, jet_mass)
    out[_PT], out[_ETA], out[_MASS] = jet_pt, jet_eta, jet_mass
    if len(out) > _PHI:
        out[_PHI] = phi(px, py)
    untrimmed = reconstruction.jets.tower_clusters.jet_p4[jet]
    out[_UNTRIMMED] = mass(untrimmed[0], untrimmed[1], untrimmed[2], untrimmed[3])
    ws.jet_p4[0], ws.jet_p4[1], ws.jet_p4[2], ws.jet_p4[3] = px, py, pz, e
    return n


@kernel
def _leading_track_jets(jet: int, n_track_jets: int, ws: ChainWorkspace) -> tuple[int, int]:
    """Return the two track jets of highest pT inside a large-R jet, -1 where there is none."""
    first, second = -1, -1
    for v in range(n_track_jets):
        if ws.reconstruction.jets.vr_large[v] == jet:
            if first < 0:
                first = v
            elif second < 0:
                second = v
    return first, second


@kernel
def _track_jet_columns(i: int, vr: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill the inputs and the labels of the i-th track jet of a row."""
    first = _VR[i]
    status = _flavour_inputs(vr, tables, ws, out[first:first + _VR_END + 1])
    k = _VR_TRUTH[i]
    out[k] = ws.vr_labels[vr, VR_LABEL]
    out[k + 1] = ws.vr_labels[vr, VR_N_B]
    out[k + 2] = ws.vr_labels[vr, VR_N_C]
    out[k + 3] = ws.hadron_pt[vr]
    out[k + 4] = track_jet_radius(out[first])
    out[k + 5] = 1.0 if out[first + _SV1 + 2] > 0.0 else 0.0
    return status


@kernel
def _is_concentric(first: int, second: int, n_track_jets: int, jet: int, ws: ChainWorkspace) -> bool:
    """Whether one of the two track jets overlaps another of the same large-R jet: min dR / min R_eff < 1."""
    vr, large = ws.reconstruction.jets.vr, ws.reconstruction.jets.vr_large
    for a in (first, second):
        for b in range(n_track_jets):
            if b != a and large[b] == jet:
                smaller = min(track_jet_radius(pt(vr[a, 0], vr[a, 1])), track_jet_radius(pt(vr[b, 0], vr[b, 1])))
                if _distance(vr[a], vr[b]) < smaller:
                    return True
    return False


@kernel
def _distance(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return delta_r(eta(p[0], p[1], p[2]), phi(p[0], p[1]), eta(q[0], q[1], q[2]), phi(q[0], q[1]))


@kernel
def _truth_columns(record: EventRecord, process: int, ws: ChainWorkspace, out: NDArray[np.float64]) -> None:
    """Fill labels and the Higgs."""
    label_large_jet(record, ws.jet_p4, process, ws.large_labels)
    label = ws.large_labels[LARGE_LABEL]
    out[_LARGE_LABEL] = label
    out[_LABEL] = _HBB if label == LARGE_HBB else (_QCD if label == LARGE_QCD else _OTHER)
    out[_GHOSTS] = ws.large_labels[LARGE_N_HIGGS]
    out[_GHOSTS + 1] = ws.large_labels[LARGE_N_B]
    out[_GHOSTS + 2] = ws.large_labels[LARGE_N_C]
    higgs = record.higgs
    out[_HIGGS_PT] = pt(higgs[0], higgs[1])
    out[_HIGGS_MASS] = mass(higgs[0], higgs[1], higgs[2], higgs[3])


@kernel
def _candidate(jet: int, record: EventRecord, process: int, wanted: Wanted, counts: Counts, tables: ChainTables,
               ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill one row for large-R jet `jet`: 1 if it is selected, 0 if not, or a negative status."""
    first, second = _leading_track_jets(jet, counts.track_jets, ws)
    if second < 0:
        return 0
    if not wanted.others and _distance(record.higgs, ws.reconstruction.jets.tower_clusters.jet_p4[jet]) > _FAR_FROM_HIGGS:
        return 0
    n = _selected_jet(jet, counts.towers, tables, ws, out)
    if n < 0:
        return 0
    _truth_columns(record, process, ws, out)
    if not (wanted.hbb if out[_LABEL] == _HBB else wanted.others):
        return 0
    for i, vr in enumerate((first, second)):
        status = _track_jet_columns(i, vr, tables, ws, out)
        if status < 0:
            return status
    jets = ws.reconstruction.jets
    out[_TAU21], out[_D2] = tau21_and_d2(jets.trimmed, jets.trimmed_directions, n, ws.substructure)
    if out[_TAU21] < 0.0 or out[_D2] < 0.0:
        return OVERFLOW
    out[_DR] = _distance(jets.vr[first], jets.vr[second])
    out[_CONCENTRIC] = 1.0 if _is_concentric(first, second, counts.track_jets, jet, ws) else 0.0
    out[_BENCHMARK] = spectrum_weight(tables.weights, out[_PT], abs(out[_ETA])) if out[_LABEL] == _HBB else 1.0
    return 1


@kernel
def _still_wanted(wanted: Wanted, ws: ChainWorkspace) -> Wanted:
    """Return which of the wanted rows the event can give by the early test."""
    return Wanted(wanted.hbb and may_pass(True, ws.early), wanted.others and may_pass(False, ws.early))


@kernel
def event_rows(record: EventRecord, process: int, stream: Stream, keep_other: bool, tables: ChainTables,
               ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64]) -> int:
    """Turn one event into rows.

    Parameters
    ----------
    record : EventRecord
        The event.
    process : int
        `rng.SIGNAL` or `rng.QCD`.
    stream : Stream
        Its random numbers.
    keep_other : bool
        Whether to make the rows of class `other`; those of hbb and qcd do not depend on it.
    tables, ws
        Tables and buffers.
    out : (rows, fields of `schema.JET_FIELDS`)
        Receives the rows in the chain's units.
    out_tracks : (rows, N, fields of `schema.TRACK_FIELDS`)
        Receives their tracks; N may be 0.

    Returns
    -------
    int
        Rows filled, or `OVERFLOW`, `NOT_FINITE`.
    """
    if not is_finite(record):
        return NOT_FINITE
    reconstruction = ws.reconstruction
    wanted, tested = Wanted(process == SIGNAL, process != SIGNAL or keep_other), tables.pileup.mu == 0.0
    if tested:
        fill_discs(record, tables.detector.calorimeter.muon_deposit_max, ws.early)
        wanted = _still_wanted(wanted, ws)
    if not (wanted.hbb or wanted.others):
        return 0
    n, n_tracks, n_track_jets = reconstruct_track_jets(record, stream, tables.detector, tables.pileup, reconstruction)
    if n < 0 or n_track_jets > len(ws.n_associated):
        return min(n, OVERFLOW)
    if tested:
        count_track_jets(reconstruction.jets.vr, n_track_jets, ws.early)
        wanted = _still_wanted(wanted, ws)
    if n_track_jets < 2 or not (wanted.hbb or wanted.others):
        return 0
    reconstruction.detector.region[:] = EVERYWHERE
    if tested:
        fill_region(ws.early, reconstruction.detector.region)
    counts = reconstruct_large_jets(n, n_tracks, n_track_jets, stream, tables.detector, tables.pileup,
                                    _WIDE_JETS * MIN_PT / largest_pt_factor(tables.jets), reconstruction)
    if counts.status < 0:
        return counts.status
    return _rows_of_jets(record, process, wanted, counts, tables, ws, out, out_tracks)


@kernel
def _rows_of_jets(record: EventRecord, process: int, wanted: Wanted, counts: Counts, tables: ChainTables,
                  ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64]) -> int:
    """Fill the rows of an event whose jets are found; return their number or a negative status."""
    detector, jets = ws.reconstruction.detector, ws.reconstruction.jets
    if associate(detector.tracks, counts.tracks, detector.primary_vertex, jets.vr, counts.track_jets, ws.assigned,
                 ws.distance2, ws.associated, ws.n_associated) < 0:
        return OVERFLOW
    label_vr_jets(record, jets.vr, counts.track_jets, ws.vr_labels, ws.hadron_pt)
    n = 0
    for jet in range(counts.large_jets):
        if n == len(out):
            return OVERFLOW
        status = _candidate(jet, record, process, wanted, counts, tables, ws, out[n])
        if status < 0:
            return status
        if status == 1:
            if out_tracks.shape[1] > 0:
                first, second = _leading_track_jets(jet, counts.track_jets, ws)
                fill_tracks(record, detector, counts.tracks, jets.vr, first, second, ws.jet_p4, tables.flavour,
                            ws.flavour, ws.assigned, ws.order, out_tracks[n])
            n += 1
    return n


@kernel
def batch_rows(batch: EventBatch, first: int, process: int, namespace: int, seed: int, keep_other: bool,
               tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64],
               event_of: NDArray[np.int64]) -> tuple[int, int, int]:
    """Run `event_rows` on a batch from its event `first` on; return (next event, rows, status)."""
    n = 0
    for i in range(first, len(batch.event_number)):
        stream = event_stream(seed, process + namespace, batch.event_number[i])
        got = event_rows(event(batch, i), process, stream, keep_other, tables, ws, out[n:], out_tracks[n:])
        if got < 0:
            return i, n, got
        for k in range(n, n + got):
            out[k, _EVENT] = batch.event_number[i]
            out[k, _WEIGHT] = batch.weight[i]
            out[k, _PT_HAT] = batch.pthat[i]
            out[k, _MU] = tables.pileup.mu
            out[k, _PILEUP] = ws.reconstruction.detector.pileup_collisions[0]
            event_of[k] = i
        n += got
    return len(batch.event_number), n, 0


def chain_tables(card: DetectorCard, calibration: Calibration, pileup: PileUp) -> ChainTables:
    """Return the tables of a detector, its calibration and a pile-up."""
    tables = detector_tables(card)
    radii = () if max(card.material.radiation_lengths) == 0.0 else card.material.radius
    tracking = tables.tracking
    settings = flavour_settings(card.solenoid.field, radii, False, tracking.sigma[:, :, 0],
                                tracking.production[:, [0, 2]], tracking.dense_radius, tracking.dense_widening)
    return ChainTables(tables, pileup, calibration.jets, calibration.ip3d, calibration.weights, settings)


def rows_of(batch: EventBatch, process: int, seed: int, tables: ChainTables, n_tracks: int = 0,
            announce: Callable[[str], None] | None = None, keep_other: bool = True, with_phi: bool = False
            ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rows of a batch and their tracks, in the chain's units.

    Parameters
    ----------
    batch : EventBatch
        Events of one process.
    process : int
        As given to the engine: the physics process, plus `rng.CALIBRATION` for calibration events.
    seed : int
        Seed of the run.
    tables : ChainTables
        The chain's tables.
    n_tracks : int
        Tracks to keep per row.
    announce : callable, optional
        Called with a line for the user when kernels have to be compiled.
    keep_other : bool
        Whether to make the rows of class `other`; those of hbb and qcd do not depend on it.
    with_phi : bool
        Whether to add phi of the trimmed large-R jet as a last column.

    Raises
    ------
    GenerationError
        If an event holds NaN, or is too large for any workspace.
    """
    physics = process % CALIBRATION
    capacity = _CAPACITY + int(_CAPACITY_PER_PILEUP * tables.pileup.mu)
    events = len(batch.event_number)
    out = np.zeros((MAX_ROWS_PER_EVENT * events, len(schema.JET_FIELDS) + with_phi))
    out_tracks = np.full((len(out), n_tracks, N_TRACK_COLUMNS), np.nan)
    event_of = np.zeros(len(out), np.int64)
    done = n = 0
    jit.prepare(batch_rows, batch, 0, physics, process - physics, seed, keep_other, tables,
                _workspace(capacity, tables), out, out_tracks, event_of, announce=announce)
    while done < events:
        ws = _workspace(capacity, tables)
        done, got, status = batch_rows(batch, done, physics, process - physics, seed, keep_other, tables, ws,
                                       out[n:], out_tracks[n:], event_of[n:])
        n += got
        if status == NOT_FINITE:
            raise GenerationError(f"process {process}, event {batch.event_number[done]}, seed {seed}: NaN in a momentum")
        capacity *= 2
        if status == OVERFLOW and capacity > _MAX_CAPACITY:
            raise GenerationError(f"process {process}, event {batch.event_number[done]}, seed {seed}: too many particles")
    return out[:n], out_tracks[:n]


_kept: dict[tuple[int, int], ChainWorkspace] = {}


def _workspace(capacity: int, tables: ChainTables) -> ChainWorkspace:
    """Return the last workspace again if it fits; one per process suffices."""
    key = (capacity, id(tables))
    if key not in _kept:
        _kept.clear()
        _kept[key] = chain_workspace(capacity, tables.detector)
    return _kept[key]


@lru_cache(maxsize=2)
def _tables(card: DetectorCard, pileup: float, default_sampling: bool) -> ChainTables:
    calibration = calibration_of(card.calibration)
    if not default_sampling:
        calibration = calibration._replace(weights=flat())
    return chain_tables(card, calibration, load_library(pileup))


def _has_default_sampling(config: RunConfig) -> bool:
    """Whether the table of benchmark weights belongs to how the events were sampled."""
    if config.engine != "hepmc":
        return (config.pthat_min, config.pt_bias) == DEFAULT_SAMPLING
    files = filter(None, (config.hepmc_signal, config.hepmc_qcd))
    options = [index_of(path).options for path in files]
    return all((o.get("pthat_min"), o.get("pt_bias")) == DEFAULT_SAMPLING for o in options)


def tables_of(config: RunConfig) -> ChainTables:
    """Return the tables of a run; the last ones are kept."""
    return _tables(config.card, config.pileup, _has_default_sampling(config))


def prepare(config: RunConfig, announce: Callable[[str], None]) -> None:
    """Do what has to be done once before the first chunk, telling the user if it takes long."""
    rows_of(no_events(), SIGNAL, config.seed, tables_of(config), config.tracks, announce, config.keep_unmatched)


def make_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Make the rows of one chunk of events.

    Parameters
    ----------
    config : RunConfig
        What the rows depend on.
    process : int
        `rng.SIGNAL` or `rng.QCD`.
    chunk : int
        Number of the chunk: events `chunk * EVENTS_PER_CHUNK` onwards.
    """
    if config.variations:
        return _varied_chunk(config, process, chunk * schema.EVENTS_PER_CHUNK)
    batch = batch_of_chunk(config, process, chunk)
    rows = rows_of_batch(config, process, batch)
    whole = schema.EVENTS_PER_CHUNK / len(batch.weight)  # the last chunk of a file may be shorter
    return rows._replace(weight_sum=whole * rows.weight_sum)


def _varied_chunk(config: RunConfig, process: int, first: int) -> ChunkRows:
    """Make a chunk with the weights of its rows for other parameters."""
    from pseudoexp.engines.builtin.chunk import generate_varied  # the only engine that has them

    batch, ratios = generate_varied(process, config.seed, first, schema.EVENTS_PER_CHUNK, config.engine_settings)
    rows = rows_of_batch(config, process, batch)
    varied = np.column_stack([np.ones(len(ratios)), ratios])[rows.jets[:, _EVENT].astype(np.int64) - first]
    return rows._replace(variations=varied * rows.jets[:, _WEIGHT, None])


def batch_of_chunk(config: RunConfig, process: int, chunk: int) -> EventBatch:
    """Return the events of a chunk."""
    settings, first, n = config.engine_settings, chunk * schema.EVENTS_PER_CHUNK, schema.EVENTS_PER_CHUNK
    if config.engine == "hepmc":
        n = min(n, index_of(file_of(process, settings)).events - first)
    return engine(config.engine).generate_chunk(process, config.seed, first, n, settings)


def rows_of_batch(config: RunConfig, process: int, batch: EventBatch, with_phi: bool = False) -> ChunkRows:
    """Return the rows of events of one process as the file is to hold them, and with phi of the jets behind the last column."""
    jets, tracks = rows_of(batch, process, config.seed, tables_of(config), config.tracks, keep_other=config.keep_unmatched,
                           with_phi=with_phi)
    share = config.signal_fraction if process == SIGNAL else 1.0 - config.signal_fraction
    jets[:, _BENCHMARK] *= 0.5 / share if share > 0.0 else 0.0
    return ChunkRows(jets, tracks if config.tracks else None, float(batch.weight.sum()))

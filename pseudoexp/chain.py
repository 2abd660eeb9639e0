"""One event from record to rows: the only module that knows all stages.

early test -> tracks -> track jets -> early test again -> towers -> large-R jets -> trimming, calibration, selection, label ->
flavour algorithms -> row. What is cheap and rejects comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.calibration import Calibration, calibration_of
from pseudoexp.core import jit, laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.laps import first_lap, lap
from pseudoexp.core.processes import CALIBRATION, SIGNAL
from pseudoexp.core.record import EventBatch, EventRecord, event, no_events
from pseudoexp.core.rng import Stream, event_stream
from pseudoexp.dataset import schema
from pseudoexp.dataset.schema import row
from pseudoexp.dataset.weights import DEFAULT_SAMPLING, flat
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.pileup import PileUp
from pseudoexp.detector.pileup_library import load_library
from pseudoexp.detector.simulate import EVERYWHERE
from pseudoexp.detector.tables import detector_tables
from pseudoexp.early_test import count_track_jets, fill_discs, fill_region, may_pass
from pseudoexp.engines import engine
from pseudoexp.engines.hepmc.index import file_of, index_of
from pseudoexp.errors import GenerationError
from pseudoexp.flavour.workspace import flavour_settings
from pseudoexp.image_rows import N_LAYERS
from pseudoexp.jets.scale import largest_pt_factor
from pseudoexp.production.chunk import ChunkRows
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.stopwatch import EVENTS, ROWS, stage
from pseudoexp.reconstruction import NOT_FINITE, OVERFLOW, is_finite, reconstruct_large_jets, reconstruct_track_jets
from pseudoexp.rows import MIN_PT, ChainTables, ChainWorkspace, Wanted, chain_workspace, rows_of_jets
from pseudoexp.track_rows import N_TRACK_COLUMNS

_WIDE_JETS = 0.98
"""Trimming takes pT away from a jet whose constituents are within a right angle of it; this leaves room for wider ones."""
MAX_ROWS_PER_EVENT = 8
_CAPACITY = 4096
_CAPACITY_PER_PILEUP = 400
_MAX_CAPACITY = 2**20

_EVENT, _WEIGHT, _BENCHMARK = row("eventNumber"), row("mcEventWeight"), row("benchmarkWeight")
_MU, _PILEUP, _PT_HAT = row("actualInteractionsPerCrossing"), row("numberOfPileupCollisions"), row("ptHat")


@kernel
def _still_wanted(wanted: Wanted, ws: ChainWorkspace) -> Wanted:
    """Return which of the wanted rows the event can give by the early test."""
    return Wanted(wanted.hbb and may_pass(True, ws.early), wanted.others and may_pass(False, ws.early))


@kernel
def event_rows(record: EventRecord, process: int, stream: Stream, keep_other: bool, tables: ChainTables,
               ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64],
               out_images: NDArray[np.float64]) -> int:
    """Turn one event into rows.

    Parameters
    ----------
    record : EventRecord
        The event.
    process : int
        `processes.SIGNAL` or `processes.QCD`.
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
    out_images : (rows, N, N, fields of `schema.IMAGE_FIELDS`)
        Receives their images; N may be 0.

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
    lap(ws.laps, laps.EARLY_TEST)
    if not (wanted.hbb or wanted.others):
        return 0
    n, n_tracks, n_track_jets = reconstruct_track_jets(record, stream, tables.detector, tables.pileup, reconstruction)
    if n < 0 or n_track_jets > len(ws.n_associated):
        return min(n, OVERFLOW)
    if tested:
        count_track_jets(reconstruction.jets.vr, n_track_jets, ws.early)
        wanted = _still_wanted(wanted, ws)
    lap(ws.laps, laps.EARLY_TEST)
    if n_track_jets < 2 or not (wanted.hbb or wanted.others):
        return 0
    reconstruction.detector.region[:] = EVERYWHERE
    if tested:
        fill_region(ws.early, reconstruction.detector.region)
    lap(ws.laps, laps.EARLY_TEST)
    counts = reconstruct_large_jets(n, n_tracks, n_track_jets, stream, tables.detector, tables.pileup,
                                    _WIDE_JETS * MIN_PT / largest_pt_factor(tables.jets), reconstruction)
    if counts.status < 0:
        return counts.status
    return rows_of_jets(record, process, wanted, counts, tables, ws, out, out_tracks, out_images)


@kernel
def batch_rows(batch: EventBatch, first: int, process: int, namespace: int, seed: int, keep_other: bool,
               tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64],
               out_images: NDArray[np.float64], event_of: NDArray[np.int64]) -> tuple[int, int, int]:
    """Run `event_rows` on a batch from its event `first` on; return (next event, rows, status)."""
    n = 0
    first_lap(ws.laps)
    for i in range(first, len(batch.event_number)):
        stream = event_stream(seed, process + namespace, batch.event_number[i])
        got = event_rows(event(batch, i), process, stream, keep_other, tables, ws, out[n:], out_tracks[n:],
                         out_images[n:])
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
        lap(ws.laps, laps.COLUMNS)
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
    """Return the rows of a batch and their tracks, in the chain's units; see `rows_with_images`."""
    return rows_with_images(batch, process, seed, tables, n_tracks, 0, announce, keep_other, with_phi)[:2]


def rows_with_images(batch: EventBatch, process: int, seed: int, tables: ChainTables, n_tracks: int = 0, pixels: int = 0,
                     announce: Callable[[str], None] | None = None, keep_other: bool = True, with_phi: bool = False
                     ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the rows of a batch, their tracks and their images, in the chain's units.

    Parameters
    ----------
    batch : EventBatch
        Events of one process.
    process : int
        As given to the engine: the physics process, plus `processes.CALIBRATION` for calibration events.
    seed : int
        Seed of the run.
    tables : ChainTables
        The chain's tables.
    n_tracks : int
        Tracks to keep per row.
    pixels : int
        Pixels of an image in eta and in phi.
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
    physics, events, capacity = process % CALIBRATION, len(batch.event_number), _first_capacity(tables)
    arguments = _arguments(batch, process, seed, tables, n_tracks, pixels, keep_other, with_phi)
    out, out_tracks, out_images, event_of = arguments[-4:]
    done = n = 0
    jit.prepare(batch_rows, *arguments, announce=announce)
    while done < events:
        ws = _workspace(capacity, tables)
        done, got, status = batch_rows(batch, done, physics, process - physics, seed, keep_other, tables, ws,
                                       out[n:], out_tracks[n:], out_images[n:], event_of[n:])
        n += got
        if status == NOT_FINITE:
            raise GenerationError(f"process {process}, event {batch.event_number[done]}, seed {seed}: NaN in a momentum")
        capacity *= 2
        if status == OVERFLOW and capacity > _MAX_CAPACITY:
            raise GenerationError(f"process {process}, event {batch.event_number[done]}, seed {seed}: too many particles")
    return out[:n], out_tracks[:n], out_images[:n]


def _first_capacity(tables: ChainTables) -> int:
    return _CAPACITY + int(_CAPACITY_PER_PILEUP * tables.pileup.mu)


def _arguments(batch: EventBatch, process: int, seed: int, tables: ChainTables, n_tracks: int, pixels: int, keep_other: bool,
               with_phi: bool = False) -> tuple[Any, ...]:
    """Return the arguments of the first call of `batch_rows` for a batch; what it fills stands last."""
    physics = process % CALIBRATION
    out = np.zeros((MAX_ROWS_PER_EVENT * len(batch.event_number), len(schema.JET_FIELDS) + with_phi))
    return (batch, 0, physics, process - physics, seed, keep_other, tables, _workspace(_first_capacity(tables), tables), out,
            np.full((len(out), n_tracks, N_TRACK_COLUMNS), np.nan), np.zeros((len(out), pixels, pixels, N_LAYERS)),
            np.zeros(len(out), np.int64))


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
    """Do what has to be done once before the first chunk, telling the user if it takes long; workers share the work."""
    jit.prepare_all(_calls(config), announce)


def _calls(config: RunConfig) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Return the kernels of a run that take long to compile, with arguments."""
    yield batch_rows, _arguments(no_events(), SIGNAL, config.seed, tables_of(config), config.tracks, config.images,
                                 config.keep_unmatched)
    if config.engine == "builtin":
        from pseudoexp.engines.builtin.chunk import first_call  # engines are imported when asked for

        yield first_call(config.engine_settings, config.variations)


def make_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Make the rows of one chunk of events.

    Parameters
    ----------
    config : RunConfig
        What the rows depend on.
    process : int
        `processes.SIGNAL` or `processes.QCD`.
    chunk : int
        Number of the chunk: events `chunk * EVENTS_PER_CHUNK` onwards.
    """
    if config.variations:
        return _varied_chunk(config, process, chunk * schema.EVENTS_PER_CHUNK)
    with stage(EVENTS):
        batch = batch_of_chunk(config, process, chunk)
    with stage(ROWS):
        rows = rows_of_batch(config, process, batch)
    whole = schema.EVENTS_PER_CHUNK / len(batch.weight)  # the last chunk of a file may be shorter
    return rows._replace(weight_sum=whole * rows.weight_sum)


def _varied_chunk(config: RunConfig, process: int, first: int) -> ChunkRows:
    """Make a chunk with the weights of its rows for other parameters."""
    from pseudoexp.engines.builtin.chunk import generate_varied  # the only engine that has them

    with stage(EVENTS):
        keep_other = None if config.pileup > 0.0 else config.keep_unmatched
        batch, ratios = generate_varied(process, config.seed, first, schema.EVENTS_PER_CHUNK, config.engine_settings, keep_other)
    with stage(ROWS):
        rows = rows_of_batch(config, process, batch)
    varied = np.column_stack([np.ones(len(ratios)), ratios])[rows.jets[:, _EVENT].astype(np.int64) - first]
    return rows._replace(variations=varied * rows.jets[:, _WEIGHT, None])


def batch_of_chunk(config: RunConfig, process: int, chunk: int) -> EventBatch:
    """Return the events of a chunk; from our own engine, those without particles that can give no row."""
    settings, first, n = config.engine_settings, chunk * schema.EVENTS_PER_CHUNK, schema.EVENTS_PER_CHUNK
    if config.engine == "builtin" and config.pileup == 0.0:
        from pseudoexp.engines.builtin.chunk import generate_for_rows

        return generate_for_rows(process, config.seed, first, n, settings, config.keep_unmatched)
    if config.engine == "hepmc":
        n = min(n, index_of(file_of(process, settings)).events - first)
    return engine(config.engine).generate_chunk(process, config.seed, first, n, settings)


def rows_of_batch(config: RunConfig, process: int, batch: EventBatch, with_phi: bool = False) -> ChunkRows:
    """Return the rows of events of one process as the file is to hold them, and with phi of the jets behind the last column."""
    jets, tracks, images = rows_with_images(batch, process, config.seed, tables_of(config), config.tracks, config.images,
                                            keep_other=config.keep_unmatched, with_phi=with_phi)
    share = config.signal_fraction if process == SIGNAL else 1.0 - config.signal_fraction
    jets[:, _BENCHMARK] *= 0.5 / share if share > 0.0 else 0.0
    return ChunkRows(jets, tracks if config.tracks else None, float(batch.weight.sum()), images=images if config.images else None)

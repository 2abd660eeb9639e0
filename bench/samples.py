"""Events kept on disk and run through several detectors: the raw material of `figures`.

A folder of events holds one file ``{process}-{chunk}.npz`` per chunk, as `pseudoexp.calibrate` keeps them, so that any
card sees the same collisions.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp import calibrate
from pseudoexp.calibration import calibration_of
from pseudoexp.chain import chain_tables, rows_of
from pseudoexp.config import load_card
from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import pt
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.record import EventBatch, event
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset import schema
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.ip3d import ip3d
from pseudoexp.flavour.labels import VR_LABEL, label_vr_jets
from pseudoexp.flavour.two_track import PAIR_PLAIN, prepare_jet
from pseudoexp.flavour.workspace import (
    IP_D0,
    IP_SIGMA_D0,
    IP_SIGMA_Z0,
    IP_SIGNIFICANCE_D0,
    IP_SIGNIFICANCE_Z0,
    IP_Z0,
    KAPPA,
    NOT_DISPLACED,
)
from pseudoexp.jets.scale import calibrated_mass_factor, calibrated_pt_factor
from pseudoexp.reconstruction import reconstruct
from pseudoexp.rows import ChainTables, ChainWorkspace, chain_workspace, flavour_inputs

SEED = 1
PROCESSES = (SIGNAL, QCD)
_CAPACITY = 4096
_PAIRS_PER_EVENT = 40
_JETS_PER_EVENT = 20
_TRACKS_PER_JET = 30
_INPUTS = schema.row("vr2_pt") - schema.row("vr1_pt")
BLUR = 10.0


class Detector(NamedTuple):
    """A detector card with its frozen calibration; `negative_tag` flips all lifetime signs."""

    card: DetectorCard
    negative_tag: bool = False


class Raw(NamedTuple):
    """What is looked at before any row."""

    pair_mass: NDArray[np.float64]  # (pairs,) GeV, two-track vertices of opposite charge off the primary vertex
    vertex_pull: NDArray[np.float64]  # (events, 3) fitted minus true primary vertex over its error


class Response(NamedTuple):
    """Large-R jets that match a true one; GeV."""

    true_pt: NDArray[np.float64]
    true_mass: NDArray[np.float64]
    pt: NDArray[np.float64]
    mass: NDArray[np.float64]


def detector(name: str, impact_scale: float = 1.0, negative_tag: bool = False) -> Detector:
    """Return a named detector with `impact_scale` times worse d0 and z0 and the calibration of the unchanged card."""
    card = load_card(name)
    tracking = dataclasses.replace(card.tracking, impact_scale=card.tracking.impact_scale * impact_scale)
    return Detector(dataclasses.replace(card, tracking=tracking), negative_tag)


def parallel(function: Callable[..., Any], jobs: Iterable[tuple[Any, ...]], processes: int) -> list[Any]:
    """Return function(*job) for all jobs, in order."""
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return [future.result() for future in [pool.submit(function, *job) for job in jobs]]


def make_events(folder: Path, chunks: int, processes: int, maker: str = "pythia8") -> None:
    """Generate `chunks` chunks of signal and of QCD with an engine into `folder`, default sampling."""
    folder.mkdir(parents=True, exist_ok=True)
    parallel(_make_chunk, [(folder, process, chunk, maker) for chunk in range(chunks) for process in PROCESSES], processes)


def _make_chunk(folder: Path, process: int, chunk: int, maker: str) -> None:
    path, n = folder / f"{process}-{chunk}.npz", schema.EVENTS_PER_CHUNK
    if path.exists():
        return
    batch = engine(maker).generate_chunk(process, SEED, chunk * n, n, EngineSettings(*DEFAULT_SAMPLING))
    temporary = path.with_name(f".{path.name}")
    np.savez(temporary, **batch._asdict())
    temporary.replace(path)


def read_chunk(folder: Path, process: int, chunk: int) -> EventBatch:
    """Return the kept events of a chunk."""
    with np.load(folder / f"{process}-{chunk}.npz", allow_pickle=False) as data:
        return EventBatch(**data)


@lru_cache(maxsize=4)
def tables_of(chosen: Detector) -> ChainTables:
    """Return the tables of the chain."""
    tables = chain_tables(chosen.card, calibration_of(chosen.card.calibration), no_pileup())
    return tables._replace(flavour=tables.flavour._replace(sign=-1.0)) if chosen.negative_tag else tables


def _jobs(folder: Path, chosen: Detector, chunks: int, processes: tuple[int, ...]) -> list[tuple[Any, ...]]:
    return [(folder, chosen, process, chunk) for process in processes for chunk in range(chunks)]


class TrackJets(NamedTuple):
    """Track jets of 20-250 GeV, all of an event whether or not a large-R jet holds them."""

    inputs: NDArray[np.float64]  # (jets, 18) GeV, mm
    label: NDArray[np.int64]  # (jets,)
    event: NDArray[np.int64]  # (jets,) the file's event number, unique over both classes
    blurred: NDArray[np.float64]  # (jets,) IP3D's ln p_b / p_light with significances as of ten times worse tracks

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one input, such as ``"ip3d_bu"``."""
        return self.inputs[:, schema.row(f"vr1_{name}") - schema.row("vr1_pt")]


def track_jets(folder: Path, chosen: Detector, chunks: int, processes: int) -> TrackJets:
    """Return the track jets of the kept events in a detector."""
    pieces = parallel(_track_jets, _jobs(folder, chosen, chunks, PROCESSES), processes)
    return TrackJets(*map(np.concatenate, zip(*pieces, strict=True)))


def _track_jets(folder: Path, chosen: Detector, process: int, chunk: int) -> TrackJets:
    batch, tables = read_chunk(folder, process, chunk), tables_of(chosen)
    capacity = _JETS_PER_EVENT * len(batch.event_number)
    inputs, truth = np.zeros((capacity, _INPUTS)), np.zeros((capacity, 2), np.int64)
    blurred = np.zeros(capacity)
    rng = np.random.default_rng([process, chunk])
    noise = rng.normal(size=(_TRACKS_PER_JET * capacity, 2))
    tracking = chosen.card.tracking
    noise[rng.random(len(noise)) < tracking.tail_fraction] *= tracking.tail_widening
    n = _track_jets_batch(batch, process, SEED, tables, chain_workspace(_CAPACITY, tables.detector), inputs, truth,
                          blurred, noise)
    if n < 0:
        raise RuntimeError(f"process {process}, chunk {chunk}: an event does not fit")
    event_number = np.asarray(schema.file_event_number(process, truth[:n, 1]))
    return TrackJets(inputs[:n], truth[:n, 0], event_number, blurred[:n])


@kernel
def _track_jets_batch(batch: EventBatch, process: int, seed: int, tables: ChainTables, ws: ChainWorkspace,
                      inputs: NDArray[np.float64], truth: NDArray[np.int64], blurred: NDArray[np.float64],
                      noise: NDArray[np.float64]) -> int:
    """Fill inputs, label, event number and blurred IP3D of all track jets; return how many, -1 without room."""
    found, jets = ws.reconstruction.detector, ws.reconstruction.jets
    n = used = 0
    for i in range(len(batch.event_number)):
        record = event(batch, i)
        counts = reconstruct(record, event_stream(seed, process, batch.event_number[i]), tables.detector,
                             tables.pileup, ws.reconstruction)
        if counts.status < 0 or associate(found.tracks, counts.tracks, found.primary_vertex, jets.vr,
                                          counts.track_jets, ws.assigned, ws.distance2, ws.associated,
                                          ws.n_associated) < 0:
            return -1
        label_vr_jets(record, jets.vr, counts.track_jets, ws.vr_labels, ws.hadron_pt)
        for j in range(counts.track_jets):
            if not 20.0 <= pt(jets.vr[j, 0], jets.vr[j, 1]) < 250.0:
                continue
            count = ws.n_associated[j]
            if n == len(inputs) or used + count > len(noise) or flavour_inputs(j, tables, ws, inputs[n]) < 0:
                return -1
            truth[n, 0], truth[n, 1] = ws.vr_labels[j, VR_LABEL], batch.event_number[i]
            blurred[n] = _blurred_ip3d(ws.associated[j], count, tables, ws, noise[used:])
            used += count
            n += 1
    return n


@kernel
def _blurred_ip3d(rows: NDArray[np.int32], count: int, tables: ChainTables, ws: ChainWorkspace,
                  noise: NDArray[np.float64]) -> float:
    """Return IP3D's bu of a prepared jet as if its tracks had ten times larger errors; spoils the workspace."""
    tracks, impact = ws.reconstruction.detector.tracks, ws.flavour.impact
    for i in range(count):
        for k, value, sigma, significance in ((0, IP_D0, IP_SIGMA_D0, IP_SIGNIFICANCE_D0),
                                              (1, IP_Z0, IP_SIGMA_Z0, IP_SIGNIFICANCE_Z0)):
            impact[i, significance] = impact[i, significance] / BLUR + noise[i, k]
            impact[i, value] = impact[i, significance] * BLUR * impact[i, sigma]
        ws.flavour.status[i] = NOT_DISPLACED
        tracks.covariance[rows[i], 0, 0] *= BLUR * BLUR
    return ip3d(tracks, rows, count, tables.ip3d, ws.flavour)[0]


def track_significances(folder: Path, chosen: Detector, chunks: int, processes: int) -> NDArray[np.float64]:
    """Return (tracks, 3) of the tracks in both track jets of all rows.

    Truth origin (`ftagTruthOriginLabel`), and lifetime-signed d0 and z0 sin(theta) to the fitted vertex over their errors.
    """
    return np.concatenate(parallel(_track_significances, _jobs(folder, chosen, chunks, PROCESSES), processes))


def _track_significances(folder: Path, chosen: Detector, process: int, chunk: int) -> NDArray[np.float64]:
    _, tracks = rows_of(read_chunk(folder, process, chunk), process, SEED, tables_of(chosen), 100)
    inside = tracks[tracks[..., schema.track_column("vr_jet")] >= 0]
    names = ("ftagTruthOriginLabel", "lifetimeSignedD0Significance", "lifetimeSignedZ0SinThetaSignificance")
    return inside[:, [schema.track_column(name) for name in names]]


def raw(folder: Path, chosen: Detector, chunks: int, processes: int) -> Raw:
    """Return two-track masses and pulls of the primary vertex of QCD events."""
    pieces = parallel(_raw, _jobs(folder, chosen, chunks, (QCD,)), processes)
    return Raw(*map(np.concatenate, zip(*pieces, strict=True)))


def _raw(folder: Path, chosen: Detector, process: int, chunk: int) -> Raw:
    batch, tables = read_chunk(folder, process, chunk), tables_of(chosen)
    events = len(batch.event_number)
    pair_mass, pull = np.zeros(_PAIRS_PER_EVENT * events), np.zeros((events, 3))
    n = _raw_batch(batch, process, SEED, tables, chain_workspace(_CAPACITY, tables.detector), pair_mass, pull)
    if n < 0:
        raise RuntimeError(f"process {process}, chunk {chunk}: an event does not fit")
    return Raw(pair_mass[:n], pull)


@kernel
def _raw_batch(batch: EventBatch, process: int, seed: int, tables: ChainTables, ws: ChainWorkspace,
               pair_mass: NDArray[np.float64], pull: NDArray[np.float64]) -> int:
    """Fill the masses of two-track vertices and the pulls of the primary vertex; return how many masses."""
    found, jets, flavour = ws.reconstruction.detector, ws.reconstruction.jets, ws.flavour
    vertex = found.primary_vertex
    n = 0
    for i in range(len(batch.event_number)):
        counts = reconstruct(event(batch, i), event_stream(seed, process, batch.event_number[i]), tables.detector,
                             tables.pileup, ws.reconstruction)
        if counts.status < 0 or associate(found.tracks, counts.tracks, vertex, jets.vr, counts.track_jets, ws.assigned,
                                          ws.distance2, ws.associated, ws.n_associated) < 0:
            return -1
        for k in range(3):
            pull[i, k] = (vertex.position[k] - found.collision[k]) / np.sqrt(vertex.covariance[k, k])
        for j in range(counts.track_jets):
            if prepare_jet(found.tracks, ws.associated[j], ws.n_associated[j], jets.vr[j], vertex, tables.flavour,
                           flavour) < 0:
                return -1
            for k in range(flavour.pair_count[0]):
                a, b, code = flavour.pair[k, 0], flavour.pair[k, 1], flavour.pair[k, 2]
                if code != PAIR_PLAIN and flavour.helix[a, KAPPA] * flavour.helix[b, KAPPA] < 0.0:
                    if n == len(pair_mass):
                        return -1
                    pair_mass[n] = flavour.pair_mass[k]
                    n += 1
    return n


def response(folder: Path, chosen: Detector, chunks: int, processes: int) -> Response:
    """Return the calibrated large-R jets of all kept events beside the true jets they match."""
    return Response(*np.concatenate(parallel(_response, _jobs(folder, chosen, chunks, PROCESSES), processes)).T)


def _response(folder: Path, chosen: Detector, process: int, chunk: int) -> NDArray[np.float64]:
    matched = calibrate._measure(chosen.card, folder, process, chunk)
    scales = tables_of(chosen).jets
    jet_pt, eta, mass = matched.reco.T
    factor = np.array([calibrated_pt_factor(scales, p, abs(e)) for p, e in zip(jet_pt, eta, strict=True)])
    jet_pt, mass = factor * jet_pt, factor * mass
    mass = mass * np.array([calibrated_mass_factor(scales, p, m) for p, m in zip(jet_pt, mass, strict=True)])
    out = np.stack([matched.truth[:, 0], matched.truth[:, 2], jet_pt, mass], axis=1)
    return out[(abs(matched.truth[:, 1]) < 2.0) & (matched.truth[:, 0] > 0.0)]

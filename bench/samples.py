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
from pseudoexp.chain import ChainTables, ChainWorkspace, chain_tables, chain_workspace, rows_of
from pseudoexp.config import load_card
from pseudoexp.core.jit import kernel
from pseudoexp.core.record import EventBatch, event
from pseudoexp.core.rng import QCD, SIGNAL, event_stream
from pseudoexp.dataset import schema
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.two_track import PAIR_PLAIN, prepare_jet
from pseudoexp.flavour.workspace import KAPPA
from pseudoexp.jets.calibration import calibrated_mass_factor, calibrated_pt_factor
from pseudoexp.reconstruction import reconstruct

SEED = 1
PROCESSES = (SIGNAL, QCD)
_CAPACITY = 4096
_PAIRS_PER_EVENT = 40


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


def make_events(folder: Path, chunks: int, processes: int) -> None:
    """Generate `chunks` chunks of signal and of QCD with Pythia8 into `folder`, default sampling."""
    folder.mkdir(parents=True, exist_ok=True)
    parallel(_make_chunk, [(folder, process, chunk) for chunk in range(chunks) for process in PROCESSES], processes)


def _make_chunk(folder: Path, process: int, chunk: int) -> None:
    path, n = folder / f"{process}-{chunk}.npz", schema.EVENTS_PER_CHUNK
    if path.exists():
        return
    batch = engine("pythia8").generate_chunk(process, SEED, chunk * n, n, EngineSettings(*DEFAULT_SAMPLING))
    temporary = path.with_name(f".{path.name}")
    np.savez(temporary, **batch._asdict())
    temporary.replace(path)


def read_chunk(folder: Path, process: int, chunk: int) -> EventBatch:
    """Return the kept events of a chunk."""
    with np.load(folder / f"{process}-{chunk}.npz", allow_pickle=False) as data:
        return EventBatch(**data)


@lru_cache(maxsize=2)
def tables_of(chosen: Detector) -> ChainTables:
    """Return the tables of the chain."""
    tables = chain_tables(chosen.card, calibration_of(chosen.card.calibration), no_pileup())
    return tables._replace(flavour=tables.flavour._replace(sign=-1.0)) if chosen.negative_tag else tables


def _jobs(folder: Path, chosen: Detector, chunks: int, processes: tuple[int, ...]) -> list[tuple[Any, ...]]:
    return [(folder, chosen, process, chunk) for process in processes for chunk in range(chunks)]


def rows(folder: Path, chosen: Detector, chunks: int, processes: int) -> NDArray[np.float64]:
    """Return the hbb and qcd rows (n, fields of `schema.JET_FIELDS`; GeV, mm) of the kept events in a detector.

    `eventNumber` is the file's, unique over both classes.
    """
    return np.concatenate(parallel(_rows, _jobs(folder, chosen, chunks, PROCESSES), processes))


def _rows(folder: Path, chosen: Detector, process: int, chunk: int) -> NDArray[np.float64]:
    made, _ = rows_of(read_chunk(folder, process, chunk), process, SEED, tables_of(chosen))
    number = schema.row("eventNumber")
    made[:, number] = schema.file_event_number(process, made[:, number].astype(np.int64))
    return made[made[:, schema.row("flavour_label")] == process]


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
    pt, eta, mass = matched.reco.T
    factor = np.array([calibrated_pt_factor(scales, p, abs(e)) for p, e in zip(pt, eta, strict=True)])
    pt, mass = factor * pt, factor * mass
    mass = mass * np.array([calibrated_mass_factor(scales, p, m) for p, m in zip(pt, mass, strict=True)])
    out = np.stack([matched.truth[:, 0], matched.truth[:, 2], pt, mass], axis=1)
    return out[(abs(matched.truth[:, 1]) < 2.0) & (matched.truth[:, 0] > 0.0)]

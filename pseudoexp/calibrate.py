"""How a calibration is made: nominal events of their own, once per detector card, at mu = 0.

Three passes over the same events (process + `processes.CALIBRATION`, so never anybody's data): jets and tracks as they come
(jet scales, typical resolutions, pT spectra of the flavours); impact parameters into template histograms; the whole
chain with both, for the spectra of the rows.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.calibration import Calibration, save, uncalibrated
from pseudoexp.chain import chain_tables, rows_of
from pseudoexp.config import load_card
from pseudoexp.core import jit
from pseudoexp.core.elementary import tan
from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_r, eta, mass, phi, pt
from pseudoexp.core.processes import CALIBRATION, QCD, SIGNAL
from pseudoexp.core.reconstructed import D0, THETA
from pseudoexp.core.record import EventBatch, EventRecord, event
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset import schema, weights
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import GenerationError
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.ip3d import fill_ip3d
from pseudoexp.flavour.labels import LABEL_B, LABEL_C, LABEL_LIGHT, VR_LABEL, label_vr_jets
from pseudoexp.flavour.templates import (
    IP3DTemplates,
    blank_templates,
    empty_histograms,
    make_templates,
    pt_weights,
    typical_sigma,
)
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.jets import inversion
from pseudoexp.jets.candidates import trimmed_jet
from pseudoexp.jets.truth import truth_jets
from pseudoexp.reconstruction import reconstruct
from pseudoexp.rows import ChainTables, ChainWorkspace, chain_workspace

EVENTS = 50_000
"""Default number of events, half of them signal."""
SEED = 1
_CAPACITY = 4096
_MATCH = 0.3
_SPECTRUM = np.geomspace(12.0, 600.0, 12)
_TYPICAL_CHUNKS = 20


class Measured(NamedTuple):
    """Result of the first pass over a chunk."""

    reco: NDArray[np.float64]  # (jets, 3) pT, eta, mass of trimmed jets
    truth: NDArray[np.float64]  # (jets, 3) of the true jets they match
    track_jets: NDArray[np.float64]  # (track jets, 2) flavour 0 b 1 c 2 light -1 tau, pT
    tracks: NDArray[np.float64]  # (tracks, 3) pT, cot(theta), sigma(d0)


def calibrate(card: str, events: int = EVENTS, out: str | Path | None = None, threads: int = 0,
              progress: Callable[[int, int], None] | None = None) -> Path:
    """Make the calibration of a card.

    Parameters
    ----------
    card : str
        Name or path of the detector card.
    events : int
        How many events to generate, half of them signal.
    out : path, optional
        The file; by default ``<card>.npz`` in the current folder.
    threads : int
        Processes; 0 takes all cores.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    ConfigError
        For an unknown card.
    DataError
        If there are too few events.
    """
    detector = load_card(card)
    path = Path(out) if out is not None else Path(f"{detector.name}.npz")
    chunks = [(process, chunk) for chunk in range(max(1, events // (2 * schema.EVENTS_PER_CHUNK)))
              for process in (SIGNAL, QCD)]
    report = _Progress(progress, 3 * len(chunks))
    with tempfile.TemporaryDirectory(prefix="pseudoexp-calibrate-") as folder, _pool(threads) as pool:
        calibration = _derive(detector, chunks, Path(folder), pool, report)
    save(path, calibration, {"card": detector.name, "events": len(chunks) * schema.EVENTS_PER_CHUNK, "seed": SEED,
                             "engine": "pythia8", "pthat_min": DEFAULT_SAMPLING[0], "pt_bias": DEFAULT_SAMPLING[1]})
    return path


class _Progress:
    """Counts finished chunks over all passes."""

    def __init__(self, callback: Callable[[int, int], None] | None, total: int) -> None:
        self.callback, self.total, self.done = callback, total, 0

    def follow(self, results: Iterator[Any]) -> Iterator[Any]:
        """Yield the results, counting."""
        for result in results:
            self.done += 1
            if self.callback is not None:
                self.callback(self.done, self.total)
            yield result


def _pool(threads: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(threads or os.cpu_count() or 1, mp_context=get_context("spawn"))


def _derive(card: DetectorCard, chunks: list[tuple[int, int]], folder: Path, pool: ProcessPoolExecutor,
            report: _Progress) -> Calibration:
    """Run the three passes."""
    def each(function: Callable[..., Any], *arguments: Any) -> list[Any]:
        jobs = [(card, folder, process, chunk, *arguments) for process, chunk in chunks]
        return list(report.follow(pool.map(_call, [(function, job) for job in jobs])))

    measured: list[Measured] = each(_measure)
    jets = inversion.derive(np.concatenate([m.reco for m in measured]), np.concatenate([m.truth for m in measured]))
    tracks = np.concatenate([m.tracks for m in measured[:_TYPICAL_CHUNKS]])
    blank = blank_templates(typical_sigma(*tracks.T))
    factors = _jet_weights(measured)
    jobs = [(_fill, (card, folder, process, chunk, blank, w))
            for (process, chunk), w in zip(chunks, factors, strict=True)]
    histogram, histogram_w2 = empty_histograms(blank)
    for one, one_w2 in report.follow(pool.map(_call, jobs)):
        histogram += one
        histogram_w2 += one_w2
    calibration = Calibration(jets, make_templates(histogram, histogram_w2, blank), weights.flat())
    rows: list[NDArray[np.float64]] = each(_rows, calibration)
    by_class = [np.concatenate([r for r, (p, _) in zip(rows, chunks, strict=True) if p == process])
                for process in (SIGNAL, QCD)]
    return calibration._replace(weights=weights.derive(*by_class))


def _call(job: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    function, arguments = job
    return function(*arguments)


def _jet_weights(measured: list[Measured]) -> list[NDArray[np.float64]]:
    """Return per chunk the weights that give b, c and light track jets one pT spectrum; taus weigh nothing."""
    jets = np.concatenate([m.track_jets for m in measured])
    known = jets[:, 0] >= 0
    result = np.zeros(len(jets))
    result[known] = pt_weights(jets[known, 1], jets[known, 0].astype(np.int64), np.ones(known.sum()), _SPECTRUM)
    return np.split(result, np.cumsum([len(m.track_jets) for m in measured])[:-1])


def _events(folder: Path, process: int, chunk: int) -> EventBatch:
    """Return a chunk of calibration events, generated on first use and kept in `folder`."""
    path = folder / f"{process}-{chunk}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as data:
            return EventBatch(**data)
    n = schema.EVENTS_PER_CHUNK
    batch = engine("pythia8").generate_chunk(process + CALIBRATION, SEED, chunk * n, n, EngineSettings(*DEFAULT_SAMPLING))
    np.savez(path, **batch._asdict())
    return batch


def _measure(card: DetectorCard, folder: Path, process: int, chunk: int) -> Measured:
    batch = _events(folder, process, chunk)
    tables = chain_tables(card, uncalibrated(), no_pileup())
    capacity = 40 * len(batch.event_number)
    jets = np.zeros((capacity, 6))
    track_jets = np.zeros((capacity, 2))
    tracks = np.zeros((10 * capacity, 3))
    arguments = (batch, process + CALIBRATION, SEED, tables, chain_workspace(_CAPACITY, tables.detector), jets,
                 track_jets, tracks)
    jit.prepare(_measure_batch, *arguments)
    n = _measure_batch(*arguments)
    if n[0] < 0:
        raise GenerationError(f"calibration events of process {process}, chunk {chunk}: an event does not fit")
    return Measured(jets[:n[0], :3], jets[:n[0], 3:], track_jets[:n[1]], tracks[:n[2]])


def _fill(card: DetectorCard, folder: Path, process: int, chunk: int, blank: IP3DTemplates,
          jet_weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    tables = chain_tables(card, uncalibrated()._replace(ip3d=blank), no_pileup())
    histogram, histogram_w2 = empty_histograms(blank)
    arguments = (_events(folder, process, chunk), process + CALIBRATION, SEED, tables,
                 chain_workspace(_CAPACITY, tables.detector), jet_weights, histogram, histogram_w2)
    jit.prepare(_fill_batch, *arguments)
    _fill_batch(*arguments)
    return histogram, histogram_w2


def _rows(card: DetectorCard, folder: Path, process: int, chunk: int, calibration: Calibration) -> NDArray[np.float64]:
    tables = chain_tables(card, calibration, no_pileup())
    rows, _ = rows_of(_events(folder, process, chunk), process + CALIBRATION, SEED, tables)
    wanted = rows[:, schema.row("flavour_label")] == process
    return np.abs(rows[wanted][:, [schema.row("pt"), schema.row("eta")]])


@kernel
def _match(n_towers: int, n_jets: int, truth: NDArray[np.float64], n_truth: int, ws: ChainWorkspace,
           out: NDArray[np.float64]) -> int:
    """Fill `out` with reconstructed and true (pT, eta, mass) of jets alone within dR < 0.3; return how many."""
    n = 0
    for j in range(n_jets):
        left, px, py, pz, e = trimmed_jet(ws.reconstruction.detector.towers.p4, n_towers, j, ws.reconstruction.jets)
        if left == 0:
            continue
        best = -1
        for t in range(n_truth):
            if delta_r(eta(px, py, pz), phi(px, py), truth[t, 1], truth[t, 2]) < _MATCH:
                best = t
        if best >= 0:
            out[n, 0], out[n, 1], out[n, 2] = pt(px, py), eta(px, py, pz), mass(px, py, pz, e)
            out[n, 3], out[n, 4], out[n, 5] = truth[best, 0], truth[best, 1], truth[best, 3]
            n += 1
    return n


@kernel
def _flavour_index(label: int) -> int:
    """Return 0 for b, 1 for c, 2 for light, -1 for tau."""
    if label == LABEL_B:
        return 0
    if label == LABEL_C:
        return 1
    return 2 if label == LABEL_LIGHT else -1


@kernel
def _labelled_jets(record: EventRecord, n_tracks: int, n_jets: int, ws: ChainWorkspace) -> int:
    """Associate tracks to track jets and label these; a negative status on overflow."""
    detector, jets = ws.reconstruction.detector, ws.reconstruction.jets
    label_vr_jets(record, jets.vr, n_jets, ws.vr_labels, ws.hadron_pt)
    return associate(detector.tracks, n_tracks, detector.primary_vertex, jets.vr, n_jets, ws.assigned, ws.distance2,
                     ws.associated, ws.n_associated)


@kernel
def _measure_batch(batch: EventBatch, process: int, seed: int, tables: ChainTables, ws: ChainWorkspace,
                   jets: NDArray[np.float64], track_jets: NDArray[np.float64], tracks: NDArray[np.float64]
                   ) -> tuple[int, int, int]:
    """First pass over a batch: return how many jets, track jets and tracks were filled; -1 on overflow."""
    n_jets = n_track_jets = n_tracks = 0
    truth = np.zeros((256, 4))
    for i in range(len(batch.event_number)):
        record = event(batch, i)
        n_truth = truth_jets(record, ws.reconstruction.detector.towers.p4, ws.reconstruction.jets, truth)
        counts = reconstruct(record, event_stream(seed, process, batch.event_number[i]), tables.detector, tables.pileup,
                             ws.reconstruction)
        if counts.status < 0 or n_truth < 0 or _labelled_jets(record, counts.tracks, counts.track_jets, ws) < 0:
            return -1, -1, -1
        n_jets += _match(counts.towers, counts.large_jets, truth, n_truth, ws, jets[n_jets:])
        for j in range(counts.track_jets):
            track_jets[n_track_jets, 0] = _flavour_index(ws.vr_labels[j, VR_LABEL])
            track_jets[n_track_jets, 1] = pt(ws.reconstruction.jets.vr[j, 0], ws.reconstruction.jets.vr[j, 1])
            n_track_jets += 1
            for k in range(ws.n_associated[j]):
                track = ws.associated[j, k]
                reconstructed = ws.reconstruction.detector.tracks
                tracks[n_tracks, 0] = reconstructed.pt[track]
                tracks[n_tracks, 1] = 1.0 / tan(reconstructed.perigee[track, THETA])
                tracks[n_tracks, 2] = math.sqrt(reconstructed.covariance[track, D0, D0])
                n_tracks += 1
    return n_jets, n_track_jets, n_tracks


@kernel
def _fill_batch(batch: EventBatch, process: int, seed: int, tables: ChainTables, ws: ChainWorkspace,
                jet_weights: NDArray[np.float64], histogram: NDArray[np.float64], histogram_w2: NDArray[np.float64]
                ) -> None:
    """Second pass over a batch: fill the template histograms; `jet_weights` in the order of the first pass."""
    n = 0
    detector, jets = ws.reconstruction.detector, ws.reconstruction.jets
    for i in range(len(batch.event_number)):
        record = event(batch, i)
        counts = reconstruct(record, event_stream(seed, process, batch.event_number[i]), tables.detector, tables.pileup,
                             ws.reconstruction)
        _labelled_jets(record, counts.tracks, counts.track_jets, ws)
        for j in range(counts.track_jets):
            rows, count = ws.associated[j], ws.n_associated[j]
            if jet_weights[n] > 0.0 and prepare_jet(detector.tracks, rows, count, jets.vr[j], detector.primary_vertex,
                                                    tables.flavour, ws.flavour) == 0:
                fill_ip3d(detector.tracks, rows, count, _flavour_index(ws.vr_labels[j, VR_LABEL]), jet_weights[n],
                          tables.ip3d, ws.flavour, histogram, histogram_w2)
            n += 1

"""What the early test and the region of the calorimeter cost: rows lost and rows changed, per bin of jet pT.

    python bench/early_loss.py --events 20000
    python bench/early_loss.py --events 400000 --engine builtin --cards atlas-itk hlt
    python bench/early_loss.py --partons --events 400000
    python bench/early_loss.py --redrawn --events 1000000 --cards atlas-itk

Every event goes through detector and jets twice: as a whole, and as the chain does it. A row is lost if its jet is not
found the second time, changed if its pT or mass is not the same to the last bit. Loss is by weight; its limit is the one
at 95 % from the effective number of rows where none is lost.

`--partons`: what the built-in engine's own test of the partons loses, at several thresholds. Whole events go through the
chain, and a row is lost if the partons of its event fail; and how much more the largest disc of an event's particles has
than that of its partons.

`--redrawn`: an attempt at an event may turn out impossible after the test of partons, and the next one gives other partons. If
the first fails the test, the event ends there, and the row that the whole event would have given is lost. Counts such events
and the rows they give, by weight against the rows of every tenth chunk of whole events.
"""

from __future__ import annotations

import argparse
from functools import lru_cache
from itertools import pairwise

import numpy as np
import samples
from numpy.typing import NDArray

from pseudoexp import chain
from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.record import EventBatch, event
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK, row
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.detector.simulate import EVERYWHERE
from pseudoexp.early_test import count_track_jets, early_workspace, fill_discs, fill_region, may_pass
from pseudoexp.engines import engine
from pseudoexp.engines.batches import join
from pseudoexp.engines.builtin.chunk import _workspace, asked_of, generate_chunk
from pseudoexp.engines.builtin.event import EngineTables, EngineWorkspace, engine_tables, make_event
from pseudoexp.engines.builtin.prospects import THRESHOLD, WHOLE, can_give_row
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.jets.candidates import LARGE_MIN_PT
from pseudoexp.jets.scale import largest_pt_factor
from pseudoexp.reconstruction import reconstruct_large_jets, reconstruct_track_jets
from pseudoexp.rows import MIN_PT, leading_track_jets, selected_jet, truth_columns

EDGES = (250.0, 275.0, 300.0, 350.0, 400.0, 500.0, 3000.0)
CARDS = ("atlas-itk", "atlas-run2", "hlt", "perfect", "worse-impact")
PT, MASS, LABEL, EVENT, WEIGHT, KEPT, SAME = range(7)
"""Columns of a row here; KEPT and SAME are 0 or 1."""
_PT, _MASS, _LABEL, _HBB = row("pt"), row("mass"), row("flavour_label"), 0
THRESHOLDS = (235.0, THRESHOLD, 245.0, 250.0, 255.0)
"""GeV, of the test of partons."""
GAINS = (0.01, 0.1, 1.0, 50.0, 99.0, 99.9, 99.99)
"""Per cent of events with less of a gain from strings and decays."""
WHOLE_EVERY = 10
"""Of so many chunks the rows of one are made, to compare those lost with."""
_LIMIT = 2.996  # events at 95 % where none is seen


@kernel
def _rows(record, process, counts, tables, ws, columns, out):
    """Fill pT, mass and label of all jets with two track jets that pass; return their number."""
    n = 0
    for jet in range(counts.large_jets):
        _, second = leading_track_jets(jet, counts.track_jets, ws)
        if second >= 0 and selected_jet(jet, counts.towers, tables, ws, columns) >= 0:
            truth_columns(record, process, ws, columns)
            out[n, PT], out[n, MASS], out[n, LABEL] = columns[_PT], columns[_MASS], columns[_LABEL]
            n += 1
    return n


@kernel
def _verdict(process, ws):
    """Return whether rows of the Higgs boson and others are still possible."""
    return process == SIGNAL and may_pass(True, ws.early), may_pass(False, ws.early)


@kernel
def measure(batch, process, seed, tables, ws, columns, out):
    """Fill the rows of a batch with KEPT and SAME; return their number, -1 if the workspace is too small."""
    n, found, detector = 0, np.zeros((64, 7)), ws.reconstruction.detector
    for i in range(len(batch.event_number)):
        record, stream = event(batch, i), event_stream(seed, process, batch.event_number[i])
        fill_discs(record, tables.detector.calorimeter.muon_deposit_max, ws.early)
        hbb, any_row = _verdict(process, ws)
        particles, tracks, track_jets = reconstruct_track_jets(record, stream, tables.detector, tables.pileup,
                                                               ws.reconstruction)
        if particles < 0:
            return -1
        detector.region[:] = EVERYWHERE
        counts = reconstruct_large_jets(particles, tracks, track_jets, stream, tables.detector, tables.pileup,
                                        LARGE_MIN_PT, ws.reconstruction)
        m = _rows(record, process, counts, tables, ws, columns, out[n:])
        count_track_jets(ws.reconstruction.jets.vr, track_jets, ws.early)
        hbb_too, any_too = _verdict(process, ws)
        fill_region(ws.early, detector.region)
        counts = reconstruct_large_jets(particles, tracks, track_jets, stream, tables.detector, tables.pileup,
                                        chain._WIDE_JETS * MIN_PT / largest_pt_factor(tables.jets),
                                        ws.reconstruction)
        again = _rows(record, process, counts, tables, ws, columns, found)
        for k in range(n, n + m):
            out[k, EVENT], out[k, WEIGHT] = batch.event_number[i], batch.weight[i]
            passed = (hbb and hbb_too) if out[k, LABEL] == _HBB else (any_row and any_too)
            for j in range(again):
                if passed and abs(found[j, PT] - out[k, PT]) < 0.05 * out[k, PT] and found[j, LABEL] == out[k, LABEL]:
                    out[k, KEPT] = 1.0
                    if found[j, PT] == out[k, PT] and found[j, MASS] == out[k, MASS]:
                        out[k, SAME] = 1.0
        n += m
    return n


def _measure_chunk(cards: tuple[str, ...], maker: str, process: int, chunk: int) -> list[NDArray[np.float64]]:
    """Return the rows of a chunk of an engine's events for every card."""
    batch = engine(maker).generate_chunk(process, samples.SEED, chunk * EVENTS_PER_CHUNK, EVENTS_PER_CHUNK,
                                         EngineSettings(*DEFAULT_SAMPLING))
    found = []
    for card in cards:
        tables, out = samples.tables_of(samples.detector(card)), np.zeros((8 * len(batch.event_number), 7))
        n = measure(batch, process, samples.SEED, tables, chain._workspace(4096, tables), np.zeros(100), out)
        if n < 0:
            raise RuntimeError(f"process {process}, chunk {chunk}: an event does not fit")
        found.append(out[:n])
    return found


def _whole_event(process: int, number: int) -> tuple[EventBatch, EngineWorkspace]:
    """Make one event whole; its partons are left in the workspace."""
    batch = generate_chunk(process, samples.SEED, number, 1, EngineSettings(*DEFAULT_SAMPLING))
    for size in (1, 2, 4):
        ws = _workspace(size, False)[0]
        if np.array_equal(ws.hard_partons, batch.partons[0]):
            return batch, ws
    raise RuntimeError(f"process {process}, event {number}: its partons are not there")


def _judge_chunk(cards: tuple[str, ...], process: int, chunk: int) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return per card (rows, 3 + thresholds) pT, label, weight, which thresholds are passed; and of all events these, discs."""
    n, asked, early, batches = EVENTS_PER_CHUNK, asked_of(process, False), early_workspace(), []
    judged = np.zeros((n, len(THRESHOLDS) + 2))
    for i in range(n):
        batch, ws = _whole_event(process, chunk * n + i)
        judged[i, :-2] = [can_give_row(ws.partons, ws.higgs, asked, threshold, ws.discs) for threshold in THRESHOLDS]
        fill_discs(event(batch, 0), np.inf, early)
        judged[i, -2:] = np.sqrt(ws.discs.pt2.max()), np.sqrt(early.discs.pt2.max())
        batches.append(batch)
    found, whole = [], join(batches)
    for card in cards:
        made, _ = chain.rows_of(whole, process, samples.SEED, samples.tables_of(samples.detector(card)))
        number = made[:, row("eventNumber")].astype(np.int64) - chunk * n
        found.append(np.column_stack([made[:, [_PT, _LABEL, row("mcEventWeight")]], judged[number]]))
    return found, judged


def judge_partons(cards: tuple[str, ...], first: int, chunks: int, processes: int) -> None:
    """Print what the test of partons loses, which events pass it, and what strings and decays add to discs."""
    print("| card | class | pT [GeV] | rows | " + " | ".join(f"lost at {t:.0f} GeV" for t in THRESHOLDS)
          + " |\n" + "|---" * (4 + len(THRESHOLDS)) + "|")
    after = []
    for process, name in zip(samples.PROCESSES, ("hbb", "qcd"), strict=True):
        pieces = samples.parallel(_judge_chunk, [(cards, process, chunk) for chunk in range(first, first + chunks)], processes)
        for k, card in enumerate(cards):
            rows = np.concatenate([found[k] for found, _ in pieces])
            for low, high in pairwise(EDGES):
                r = rows[(rows[:, 1] == process) & (rows[:, 0] >= low) & (rows[:, 0] < high)]
                values = [_loss(r[:, 2], r[:, 3 + m] == 0.0) for m in range(len(THRESHOLDS))]
                print(f"| {card} | {name} | {low:.0f}-{high:.0f} | {len(r)} | {' | '.join(values)} |")
        events = np.concatenate([judged for _, judged in pieces])
        gain = np.percentile((events[:, -1] - events[:, -2])[events[:, -2] > THRESHOLDS[0]], GAINS)
        after += [f"{name}: pass " + ", ".join(f"{x:.3f}" for x in events[:, :len(THRESHOLDS)].mean(axis=0)),
                  f"{name}: discs gain " + ", ".join(f"{x:+.1f} GeV ({p:g} %)" for p, x in zip(GAINS, gain, strict=True))]
    print("\n".join(after))


@kernel
def count_attempts(process: int, seed: int, first: int, asked: int, tables: EngineTables, ws: EngineWorkspace,
                   attempts: NDArray[np.int64]) -> None:
    """Fill (events, 2) how many attempts an event takes whole, and if only events that can give a row are asked for."""
    for i in range(len(attempts)):
        stream = event_stream(seed, process, first + i)
        attempts[i, :] = make_event(process, stream, WHOLE, tables, ws)[0]
        if attempts[i, 0] > 1:
            attempts[i, 1] = make_event(process, stream, asked, tables, ws)[0]


def _redrawn_chunk(cards: tuple[str, ...], process: int, chunk: int
                   ) -> tuple[NDArray[np.int64], list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return (events, 2) attempts; per card (rows, 3) pT, label, weight of rows lost, and of all if it is the chunk's turn."""
    n, attempts = EVENTS_PER_CHUNK, np.zeros((EVENTS_PER_CHUNK, 2), np.int64)
    count_attempts(process, samples.SEED, chunk * n, asked_of(process, False), _engine_tables(process), _workspace(1, False)[0],
                   attempts)
    if attempts.min() < 1:
        raise RuntimeError(f"process {process}, chunk {chunk}: an event does not fit")
    ended = np.flatnonzero(attempts[:, 1] < attempts[:, 0])
    lost = [generate_chunk(process, samples.SEED, chunk * n + int(i), 1, EngineSettings(*DEFAULT_SAMPLING)) for i in ended]
    turn = chunk % WHOLE_EVERY == 0
    every = [generate_chunk(process, samples.SEED, chunk * n, n, EngineSettings(*DEFAULT_SAMPLING))] if turn else []
    return attempts, [_weights(lost, process, card) for card in cards], [_weights(every, process, card) for card in cards]


_engine_tables = lru_cache(lambda process: engine_tables(process, *DEFAULT_SAMPLING))


def _weights(batches: list[EventBatch], process: int, card: str) -> NDArray[np.float64]:
    """Return (rows, 3) pT, label and weight of the rows of batches."""
    made = [chain.rows_of(batch, process, samples.SEED, samples.tables_of(samples.detector(card)), keep_other=False)[0]
            for batch in batches]
    return np.concatenate([np.zeros((0, 3)), *(rows[:, [_PT, _LABEL, row("mcEventWeight")]] for rows in made)])


def judge_redrawn(cards: tuple[str, ...], first: int, chunks: int, processes: int) -> None:
    """Print how many rows are lost because an event ended at an attempt that could not have become an event."""
    print("| card | class | pT [GeV] | rows of every tenth chunk | lost of all | lost by weight |\n" + "|---" * 6 + "|")
    after = []
    for process, name in zip(samples.PROCESSES, ("hbb", "qcd"), strict=True):
        pieces = samples.parallel(_redrawn_chunk, [(cards, process, chunk) for chunk in range(first, first + chunks)], processes)
        attempts = np.concatenate([tried for tried, _, _ in pieces])
        share = sum(len(every[0]) > 0 for _, _, every in pieces) / len(pieces)
        for k, card in enumerate(cards):
            rows = [np.concatenate([piece[part][k] for piece in pieces]) for part in (1, 2)]
            for low, high in pairwise(EDGES):
                lost, every = (r[(r[:, 1] == process) & (r[:, 0] >= low) & (r[:, 0] < high), 2] for r in rows)
                print(f"| {card} | {name} | {low:.0f}-{high:.0f} | {len(every)} | {len(lost)} | {_share(lost, every, share)} |")
        after.append(f"{name}: {len(attempts)} events, {np.count_nonzero(attempts[:, 0] > 1)} in more than one attempt; "
                     f"{np.count_nonzero(attempts[:, 1] < attempts[:, 0])} of these ended by the test of an earlier one")
    print("\n".join(after))


def _share(lost: NDArray[np.float64], some: NDArray[np.float64], share: float) -> str:
    """Return the weight lost over that of all rows, of which `some` are a share, with its error, or a limit."""
    total = some.sum() / share
    if not len(lost):
        return f"< {_LIMIT * share * (some**2).sum() / some.sum() ** 2:.1e}"
    return f"{lost.sum() / total:.1e} +- {np.sqrt((lost**2).sum()) / total:.1e}"


def _loss(weight: NDArray[np.float64], lost: NDArray[np.bool_]) -> str:
    """Return the loss by weight with its error, or a limit."""
    total, effective = weight.sum(), weight.sum() ** 2 / (weight**2).sum()
    if not lost.any():
        return f"< {_LIMIT / effective:.1e}"
    return f"{weight[lost].sum() / total:.1e} +- {np.sqrt((weight[lost] ** 2).sum()) / total:.1e}"


def table(card: str, rows: NDArray[np.float64]) -> list[str]:
    """Return a line of Markdown per class and bin."""
    lines = []
    for label, name in enumerate(("hbb", "qcd", "other")):
        for low, high in pairwise(EDGES):
            r = rows[(rows[:, LABEL] == label) & (rows[:, PT] >= low) & (rows[:, PT] < high)]
            w, lost = r[:, WEIGHT], r[:, KEPT] == 0.0
            lines.append(f"| {card} | {name} | {low:.0f}-{high:.0f} | {len(r)} | {lost.sum()} | {_loss(w, lost)} | "
                         f"{np.count_nonzero((r[:, SAME] == 0.0) & ~lost)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="events, half of them signal")
    parser.add_argument("--first", type=int, default=0, help="number of the first event of each process (--partons, --redrawn)")
    parser.add_argument("--partons", action="store_true", help="judge the built-in engine's test of partons")
    parser.add_argument("--redrawn", action="store_true", help="count the rows that its test loses because events are redrawn")
    parser.add_argument("--cards", nargs="+", default=CARDS)
    parser.add_argument("--engine", default="pythia8", help="whose events")
    parser.add_argument("--processes", type=int, default=0, help="worker processes, 0 for one per core")
    options = parser.parse_args()
    chunks = max(1, options.events // (2 * EVENTS_PER_CHUNK))
    if options.partons or options.redrawn:
        judge = judge_partons if options.partons else judge_redrawn
        judge(tuple(options.cards), options.first // EVENTS_PER_CHUNK, chunks, options.processes)
        return
    jobs = [(tuple(options.cards), options.engine, process, chunk) for process in samples.PROCESSES for chunk in range(chunks)]
    pieces = samples.parallel(_measure_chunk, jobs, options.processes)
    print("| card | class | pT [GeV] | rows | lost | loss by weight | changed |\n|---|---|---|---|---|---|---|")
    for k, card in enumerate(options.cards):
        print("\n".join(table(card, np.concatenate([found[k] for found in pieces]))))


if __name__ == "__main__":
    main()

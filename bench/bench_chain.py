"""Time of everything behind the particles, per event and per row, warm and on one core.

    python -m pytest bench/bench_chain.py --benchmark-only      (statistics)
    python bench/bench_chain.py                                 (table)

Events are Pythia's, 250 of each process. `chain` is what rows cost, the early test in front of it included. `detector`, and
`reconstruction`, which is detector and jets, are without the early test: every event goes through them, which may take longer
than the whole chain. The table's line of jets is the difference of the two.

`test_chain_stage` runs the chain, and its time is that of one stage by the kernels' stopwatch: stages add up to the chain.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from lap_times import lap_stage

from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.record import EventBatch, event
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset import schema
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.detector.simulate import simulate
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.production.chunk import ChunkRows, pack
from pseudoexp.production.run_config import RunConfig
from pseudoexp.reconstruction import reconstruct, reconstruction_workspace
from pseudoexp.rows import ChainTables

PROCESSES = {"signal": SIGNAL, "qcd": QCD}
EVENTS, SEED, ROUNDS = 250, 1, 15


@kernel
def simulate_all(batch, process, seed, tables, pileup, ws):
    """Run the detector on a batch; return the number of towers."""
    total = 0
    for i in range(len(batch.event_number)):
        total += simulate(event(batch, i), event_stream(seed, process, batch.event_number[i]), tables, pileup, ws)[1]
    return total


@kernel
def reconstruct_all(batch, process, seed, tables, pileup, ws):
    """Run detector and jets on a batch; return the number of large-R jets."""
    total = 0
    for i in range(len(batch.event_number)):
        stream = event_stream(seed, process, batch.event_number[i])
        total += reconstruct(event(batch, i), stream, tables, pileup, ws).large_jets
    return total


@lru_cache
def batch_of(name: str) -> EventBatch:
    """Return the events of a process."""
    return engine("pythia8").generate_chunk(PROCESSES[name], SEED, 0, EVENTS, EngineSettings())


@lru_cache
def tables_of(card: str = "atlas-itk") -> ChainTables:
    """Return the tables of a card."""
    return chain.chain_tables(load_card(card), calibration_of(card), no_pileup())


def stages(name: str) -> dict[str, Callable[[], object]]:
    """Return what to time."""
    batch, process, tables = batch_of(name), PROCESSES[name], tables_of()
    ws = reconstruction_workspace(4096, tables.detector)
    config = RunConfig.from_options(1000)
    jets, _ = chain.rows_of(batch, process, SEED, tables, keep_other=False)
    return {
        "detector": lambda: simulate_all(batch, process, SEED, tables.detector, tables.pileup, ws.detector),
        "reconstruction": lambda: reconstruct_all(batch, process, SEED, tables.detector, tables.pileup, ws),
        "chain": lambda: chain.rows_of(batch, process, SEED, tables, keep_other=False),
        "packing": lambda: pack(config, process, 0, ChunkRows(jets, None, float(batch.weight.sum()))),
    }


def rows(name: str) -> int:
    """Return the number of rows that count: hbb or qcd."""
    jets, _ = chain.rows_of(batch_of(name), PROCESSES[name], SEED, tables_of(), keep_other=False)
    return int(np.count_nonzero(jets[:, schema.row("flavour_label")] == PROCESSES[name]))


@pytest.mark.parametrize("stage", ["detector", "reconstruction", "chain", "packing"])
@pytest.mark.parametrize("name", PROCESSES)
def test_stage(benchmark, rounds, name, stage):
    benchmark.extra_info |= {"events": EVENTS, "rows": rows(name)}
    benchmark.pedantic(stages(name)[stage], rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("stage", [
    lap_stage("early test", laps.EARLY_TEST), lap_stage("flight, tracks", laps.FLIGHT, laps.TRACKS),
    lap_stage("primary vertex", laps.PRIMARY_VERTEX), lap_stage("track jets", laps.TRACK_JETS),
    lap_stage("calorimeter", laps.CALORIMETER), lap_stage("large-R jets", laps.LARGE_JETS),
    lap_stage("trimming, selection", laps.TRIMMING), lap_stage("labels, columns", laps.COLUMNS),
    lap_stage("flavour tagging", laps.ASSOCIATION, laps.PAIRS, laps.IP3D, laps.SV1, laps.JETFITTER),
    lap_stage("substructure", laps.SUBSTRUCTURE)])
@pytest.mark.parametrize("name", PROCESSES)
def test_chain_stage(benchmark, stopwatch, rounds, name, stage):
    benchmark.extra_info |= {"events": EVENTS, "rows": rows(name)}
    benchmark.pedantic(stages(name)["chain"], rounds=rounds, warmup_rounds=1)


def best(call: Callable[[], object]) -> float:
    """Return the shortest of several processor times [ms]."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def main() -> None:
    print(f"{'':8s}{'stage':10s}{'ms/event':>10s}{'ms/row':>10s}")
    for name in PROCESSES:
        count = rows(name)
        times = {stage: best(call) for stage, call in stages(name).items()}
        total = times["chain"] + times["packing"]
        times["jets"] = times.pop("reconstruction") - times["detector"]
        for stage, share in times.items():
            print(f"{name:8s}{stage:10s}{share / EVENTS:10.4f}{share / count:10.4f}")
        print(f"{name:8s}{'all':10s}{total / EVENTS:10.4f}{total / count:10.4f}   ({count} rows of {EVENTS} events)")


if __name__ == "__main__":
    main()

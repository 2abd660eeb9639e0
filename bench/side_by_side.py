"""Peers and us in turn on the same machine: particles against Pythia8, the full chain behind either, clustering against FastJet.

    python bench/side_by_side.py [--rounds 5] [--events 2500] [--rows 20000] [--file data.h5]

All events have the default pT-hat threshold and bias, without a detector where particles are compared. Of each line, both sides
run in every round, one after the other; times are processor times of one core, warm; the ratio is the median of the rounds'.
A second core: wall times of productions by one worker process and by two, in turn, each of `--rows` rows less one of a quarter
as many, so that starting up does not count. With `--file`, also what reading that file costs: `load` of the 39 features, and
batches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator

import fastjet
import numpy as np
from bench_jets import cluster_all, events, fastjet_all, fastjet_vectors, flat

import pseudoexp
from pseudoexp.chain import make_chunk
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.dataset import schema
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.jets.antikt import cluster, cluster_workspace
from pseudoexp.production.run_config import RunConfig

PROCESSES = {"signal": SIGNAL, "qcd": QCD}
LOWEST_PT = 5.0


def seconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def line(name: str, unit: str, per: float, ours: Callable[[], object], theirs: Callable[[], object], parts: float, rounds: int
         ) -> None:
    """Time both sides in turn and print a line; they do `per` and `parts` units per call."""
    a, b = [], []
    ours()
    theirs()
    for _ in range(rounds):
        a.append(seconds(ours) / per)
        b.append(seconds(theirs) / parts)
    ratio = np.divide(b, a)
    print(f"| {name} | {1e3 * np.median(a):.3f} | {1e3 * np.median(b):.3f} | {unit} | **{np.median(ratio):.1f}** "
          f"({ratio.min():.1f} to {ratio.max():.1f}) |", flush=True)


def particles(name: str, process: int, count: int) -> Callable[[], object]:
    """Return a call that makes other events each time."""
    first = iter(range(0, 10**9, count))
    return lambda: engine(name).generate_chunk(process, 1, next(first), count, EngineSettings())


def chunks(config: RunConfig, process: int) -> Iterator[int]:
    """Make one chunk of events after the other; yield its rows."""
    for chunk in range(10**9):
        yield len(make_chunk(config, process, chunk).jets)


def same_jets(chosen: list[np.ndarray]) -> int:
    """Return the number of jets in all events; stop if FastJet finds others."""
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    ws, total = cluster_workspace(1024), 0
    for p4 in chosen:
        n = cluster(p4, len(p4), 1.0, -1, LOWEST_PT, ws)
        ours = sorted((float(np.hypot(*ws.jet_p4[k, :2])) for k in range(n)), reverse=True)
        sequence = fastjet.ClusterSequence([fastjet.PseudoJet(*map(float, p)) for p in p4], definition)
        theirs = sorted((jet.pt() for jet in sequence.inclusive_jets(LOWEST_PT)), reverse=True)
        if len(ours) != len(theirs) or not np.allclose(ours, theirs, rtol=1e-9):
            raise SystemExit("the jets differ from FastJet's")
        total += n
    return total


def reading(path: str, rounds: int) -> None:
    """Print what reading a file costs, its pages in memory."""
    rows = len(pseudoexp.load(path, split=None).data)
    size = 39 * 4 * rows / 1e6
    whole, batches = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        pseudoexp.load(path, split=None).data  # noqa: B018 - read when first asked for
        middle = time.perf_counter()
        deque((batch.data for batch in pseudoexp.load(path, split=None).batches(4096)), maxlen=0)
        whole.append(middle - begin)
        batches.append(time.perf_counter() - middle)
    print(f"\n`load` of {rows} rows x 39: {size / np.median(whole):.0f} MB/s; "
          f"batches of 4096: {size / np.median(batches):.0f} MB/s")


def second_core(rows: int, rounds: int) -> None:
    """Print how much faster two worker processes make rows than one; the machine has to be idle."""
    def once(folder: str, n: int, threads: int) -> float:
        begin = time.perf_counter()
        pseudoexp.generate(n, f"{folder}/{threads}.h5", threads=threads, force=True)
        return time.perf_counter() - begin

    ratios, rates = [], []
    with tempfile.TemporaryDirectory(prefix="pseudoexp-cores-") as folder:
        for _ in range(rounds):
            one, two = (once(folder, rows, threads) - once(folder, rows // 4, threads) for threads in (1, 2))
            ratios.append(one / two)
            rates.append(0.75 * rows / two)
    print(f"\nrows, two workers over one: **{np.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f}); "
          f"{np.median(rates):.0f} rows per second with two")


def start(statement: str, rounds: int) -> float:
    """Return the median time [s] of a Python process that does this, less that of an empty one."""
    def once(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin

    return float(np.median([once(statement) - once("pass") for _ in range(rounds)]))


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=2500, help="of the built-in engine, per round; Pythia8 makes a tenth")
    parser.add_argument("--rows", type=int, default=20_000, help="of the productions by one worker process and by two")
    parser.add_argument("--file", help="a dataset to read")
    options = parser.parse_args()
    print("| | ours | peer | | ratio, median of the rounds |\n|---|---|---|---|---|")
    for name, process in PROCESSES.items():
        few = options.events // 10
        line(f"particles, {name}: Pythia8", "ms per event", options.events, particles("builtin", process, options.events),
             particles("pythia8", process, few), few, options.rounds)
    for name, process in PROCESSES.items():
        ours, theirs = (chunks(RunConfig.from_options(1000, engine=e), process) for e in ("builtin", "pythia8"))
        made: list[int] = []
        line(f"full chain, {name}: Pythia8 before it", "ms per event", schema.EVENTS_PER_CHUNK,
             lambda rows=made, ours=ours: rows.append(next(ours)), lambda theirs=theirs: next(theirs), schema.EVENTS_PER_CHUNK,
             options.rounds)
        print(f"| - rows per event of ours: {np.mean(made) / schema.EVENTS_PER_CHUNK:.2f} | | | | |")
    chosen = events(430)
    jets = same_jets(chosen)
    p4, offsets = flat(chosen)
    vectors, ws = fastjet_vectors(chosen), cluster_workspace(1024)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    times = 20
    line(f"anti-kT of 430 particles: FastJet ({jets} jets alike)", "ms per event", times * len(chosen),
         lambda: [cluster_all(p4, offsets, 1.0, -1, ws) for _ in range(times)],
         lambda: [fastjet_all(vectors, definition) for _ in range(times)], times * len(chosen), options.rounds)
    second_core(options.rows, options.rounds)
    print(f"\n`import pseudoexp`: {start('import pseudoexp', options.rounds):.2f} s")
    if options.file:
        reading(options.file, options.rounds)


if __name__ == "__main__":
    main()

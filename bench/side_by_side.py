"""Peers and us in turn on the same machine: particles against Pythia8, the full chain behind either, clustering against FastJet.

    python bench/side_by_side.py [--rounds 5] [--events 2500] [--rows 20000] [--file data.h5] [--all]

All events have the default pT-hat threshold and bias, without a detector where particles are compared. Of each line, both sides
run in every round, one after the other; times are processor times of one core, warm; the ratio is the median of the rounds'.
A second core: wall times of productions by one worker process and by two, in turn, each of `--rows` rows less one of a quarter
as many, so that starting up does not count. Further a start with compiled kernels, the peak memory of a production of 10,000
rows, and with `--file` what reading that file costs: `load` of the 39 features, every value summed, batches, an epoch of Keras.

What takes long is done by other commands, and left out without `--all`: see `LONG`.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import compile_time
import fastjet
import long_run
import memory
import numpy as np
from bench_jets import cluster_all, events, fastjet_all, fastjet_vectors, flat

import pseudoexp
from pseudoexp.chain import make_chunk
from pseudoexp.core.cache import cache_folder
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.dataset import schema
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.jets.antikt import cluster, cluster_workspace
from pseudoexp.production.run_config import RunConfig

PROCESSES = {"signal": SIGNAL, "qcd": QCD}
CLASSES = {"signal": "hbb", "qcd": "qcd"}
LOWEST_PT = 5.0
LABEL = schema.row("flavour_label")
PRECISION = 1e-9
"""Of the four-momenta of jets: of px and py in units of pT, of pz and E in units of E."""
MEMORY_ROWS = "1e4"
LONG = {
    "until a first file is there, kernels not compiled (minutes)": "bench/compile_time.py",
    "4,000,000 rows: rows per second, memory, handles, reading, an epoch (about an hour, 2.5 GB)":
        "bench/long_run.py --n 4e6 --out {folder}/long.h5",
}
"""What `--all` adds, and the commands."""


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> np.ndarray:
    """Return (rounds, 2, 2) processor time [s] and units done, ours and the peer's; a first call of each does not count."""
    found = np.empty((rounds, 2, 2))
    ours(), theirs()
    for k in range(rounds):
        for side, call in enumerate((ours, theirs)):
            begin = time.process_time()
            done = call()
            found[k, side] = time.process_time() - begin, done
    return found


def line(name: str, found: np.ndarray, per: float = 0.0) -> None:
    """Print a line of what `in_turn` found: ms per unit, or of `per` units."""
    ms = 1e3 * found[..., 0] / (per or found[..., 1])
    ratio = ms[:, 1] / ms[:, 0]
    print(f"| {name} | {np.median(ms[:, 0]):.3f} | {np.median(ms[:, 1]):.3f} | ms per event | **{np.median(ratio):.1f}** "
          f"({ratio.min():.1f} to {ratio.max():.1f}) |", flush=True)


def rows_line(name: str, found: np.ndarray) -> None:
    """Print rows per second of what `in_turn` found, its units rows: few in a round, so all rounds are taken together."""
    seconds, rows = found.sum(axis=0).T
    rate = rows / seconds
    print(f"| {name} | {rate[0]:.0f} | {rate[1]:.1f} | rows per second | **{rate[0] / rate[1]:.1f}** "
          f"+- {rate[0] / rate[1] * np.sqrt((1.0 / rows).sum()):.1f} |", flush=True)


def particles(name: str, process: int, count: int) -> Callable[[], float]:
    """Return a call that makes other events each time, and says how many."""
    first = iter(range(0, 10**9, count))
    return lambda: len(engine(name).generate_chunk(process, 1, next(first), count, EngineSettings()).weight)


def chunks(config: RunConfig, process: int) -> Iterator[int]:
    """Make one chunk of events after the other; yield its rows of the process's class."""
    for chunk in range(10**9):
        yield int(np.count_nonzero(make_chunk(config, process, chunk).jets[:, LABEL] == process))


def repeated(call: Callable[[], object], events: int, times: int = 20) -> Callable[[], float]:
    """Return a call that does another one several times, and says how many events that makes."""
    def all_of_them() -> float:
        for _ in range(times):
            call()
        return times * events

    return all_of_them


def same_jets(chosen: list[np.ndarray]) -> int:
    """Return the number of jets in all events; stop if FastJet finds others: four-momenta, numbers of constituents."""
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    ws, total = cluster_workspace(1024), 0
    for p4 in chosen:
        n = cluster(p4, len(p4), 1.0, -1, LOWEST_PT, ws)
        sequence = fastjet.ClusterSequence([fastjet.PseudoJet(*map(float, p)) for p in p4], definition)
        jets = fastjet.sorted_by_pt(sequence.inclusive_jets(LOWEST_PT))
        theirs = np.array([(jet.px(), jet.py(), jet.pz(), jet.e()) for jet in jets]).reshape(-1, 4)
        if n != len(jets) or not alike(ws.jet_p4[:n], theirs) \
                or [len(jet.constituents()) for jet in jets] != [np.count_nonzero(ws.jet_of[:len(p4)] == k) for k in range(n)]:
            raise SystemExit("the jets differ from FastJet's")
        total += n
    return total


def alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Return whether four-momenta (n, 4) agree within `PRECISION`."""
    scale = np.column_stack([np.hypot(theirs[:, 0], theirs[:, 1])] * 2 + [theirs[:, 3]] * 2)
    return bool((np.abs(ours - theirs) <= PRECISION * scale).all())


def reading(path: str, rounds: int) -> None:
    """Print what reading a file costs, its pages in memory."""
    size = pseudoexp.load(path, split=None).data.nbytes / 1e6
    whole, batches = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        float(pseudoexp.load(path, split=None).data.sum())  # mapped pages are read when touched
        middle = time.perf_counter()
        deque((batch.data for batch in pseudoexp.load(path, split=None).batches(4096)), maxlen=0)
        whole.append(middle - begin)
        batches.append(time.perf_counter() - middle)
    print(f"\n`load` of {path} x 39, every value summed: {size / np.median(whole):.0f} MB/s; "
          f"batches of 4096: {size / np.median(batches):.0f} MB/s", flush=True)
    long_run.epoch(path)


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


def warm_start(rounds: int) -> None:
    """Print how long a small production takes whose kernels are compiled."""
    with tempfile.TemporaryDirectory(prefix="pseudoexp-start-") as folder:
        arguments = compile_time.generate(1, Path(folder) / "a.h5")
        wall = [compile_time.seconds(arguments, str(cache_folder().parents[1]))[0] for _ in range(rounds)]
    print(f"\n`generate --n 20 --threads 1`, kernels compiled: {np.median(wall):.2f} s ({min(wall):.2f} to {max(wall):.2f})",
          flush=True)


def long_ones(run: bool) -> None:
    """Run what takes long, each as the command it is; or say what is left out."""
    with tempfile.TemporaryDirectory(prefix="pseudoexp-long-") as folder:
        for what, command in LONG.items():
            print(f"\n{what}: `python {command.format(folder=folder if run else '.')}`{'' if run else ', left out; --all'}",
                  flush=True)
            if run:
                subprocess.run([sys.executable, *shlex.split(command.format(folder=folder))], check=True,
                               cwd=Path(__file__).parents[1])


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=2500, help="of the built-in engine, per round; Pythia8 makes a tenth")
    parser.add_argument("--rows", type=int, default=20_000, help="of the productions by one worker process and by two")
    parser.add_argument("--file", help="a dataset to read")
    parser.add_argument("--all", action="store_true", help="also what takes long")
    options = parser.parse_args()
    print("| | ours | peer | | ratio, median of the rounds |\n|---|---|---|---|---|")
    for name, process in PROCESSES.items():
        line(f"particles, {name}: Pythia8", in_turn(particles("builtin", process, options.events),
                                                    particles("pythia8", process, options.events // 10), options.rounds))
    for name, process in PROCESSES.items():
        ours, theirs = (chunks(RunConfig.from_options(1000, engine=e), process) for e in ("builtin", "pythia8"))
        found = in_turn(partial(next, ours), partial(next, theirs), options.rounds)
        line(f"full chain, {name}: Pythia8 before it", found, schema.EVENTS_PER_CHUNK)
        rows_line(f"- rows of {CLASSES[name]}, {found[:, 0, 1].mean() / schema.EVENTS_PER_CHUNK:.2f} per event of ours", found)
    chosen = events(430)
    jets = same_jets(chosen)
    p4, offsets = flat(chosen)
    vectors, ws = fastjet_vectors(chosen), cluster_workspace(1024)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    line(f"anti-kT of 430 particles: FastJet ({jets} jets alike)",
         in_turn(repeated(partial(cluster_all, p4, offsets, 1.0, -1, ws), len(chosen)),
                 repeated(partial(fastjet_all, vectors, definition), len(chosen)), options.rounds))
    second_core(options.rows, options.rounds)
    print(f"\n`import pseudoexp`: {start('import pseudoexp', options.rounds):.2f} s")
    warm_start(options.rounds)
    parent, worker, _ = memory.peaks(MEMORY_ROWS, "builtin")
    print(f"\npeak memory of {MEMORY_ROWS} rows, two workers: parent {parent:.0f} MB, worker {worker:.0f} MB", flush=True)
    if options.file:
        reading(options.file, options.rounds)
    else:
        print("\nreading: left out; --file data.h5")
    long_ones(options.all)


if __name__ == "__main__":
    main()

"""A long production, watched: time, memory, handles and threads of the parent and its workers.

    python bench/long_run.py --n 4e6 --out big.h5          (half an hour on two cores, 1.2 GB)

Every few seconds it reads of each process the resident memory, the open handles and the threads. Memory is compared where
nothing but rows is added: from the first tenth of the run on, while events are made (the file is put together after that); its
slope is that of a straight line. At the end it reads the file: whole, in batches, and in batches as Keras trains on them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from memory import children

import pseudoexp
from pseudoexp.dataset.writer import CHUNK_ROWS, COMPRESSIONS

SECONDS = 5.0
FIRST_PART = 0.1
BATCH = 4096
ROUNDS = 5


class Sample(NamedTuple):
    """What one process holds at one moment."""

    seconds: float
    pid: int
    megabytes: float
    handles: int
    threads: int


def look(pid: int, seconds: float) -> Sample | None:
    """Return what a process holds, None if it is gone."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return Sample(seconds, pid, int(status["VmRSS"].split()[0]) / 1024.0, len(list(Path(f"/proc/{pid}/fd").iterdir())),
                      int(status["Threads"]))
    except (OSError, KeyError):
        return None


def watch(process: subprocess.Popen[bytes]) -> list[Sample]:
    """Return the samples of a process and those it starts, until it ends."""
    begin, samples = time.monotonic(), []
    while process.poll() is None:
        seconds = time.monotonic() - begin
        found = (look(pid, seconds) for pid in (process.pid, *children(process.pid)))
        samples += [sample for sample in found if sample]
        time.sleep(SECONDS)
    return samples


def tell(samples: list[Sample], parent: int, rows: float) -> None:
    """Print a line per process that lives through the run."""
    end = max(sample.seconds for sample in samples if sample.pid != parent)
    print("| process | memory at the first tenth, MB | at the end, MB | highest, MB | slope, MB per 1e5 rows | handles | "
          "threads |\n|---|---|---|---|---|---|---|")
    for pid in dict.fromkeys(sample.pid for sample in samples):
        mine = [s for s in samples if s.pid == pid and FIRST_PART * end <= s.seconds <= end]
        if len(mine) < 3 or mine[-1].seconds < 0.9 * end:
            continue
        table = np.array([(s.seconds, s.megabytes, s.handles, s.threads) for s in mine])
        slope = np.polyfit(table[:, 0], table[:, 1], 1)[0] * end / (rows / 1e5)
        highest = max(s.megabytes for s in samples if s.pid == pid)
        low, high = table.min(axis=0), table.max(axis=0)
        print(f"| {'parent' if pid == parent else 'worker'} | {table[0, 1]:.0f} | {table[-1, 1]:.0f} | {highest:.0f} | "
              f"{slope:.2f} | {low[2]:.0f} to {high[2]:.0f} | {low[3]:.0f} to {high[3]:.0f} |")


def read(path: str) -> None:
    """Print how fast the file is read, whole and in batches, and how long an epoch over it lasts."""
    pseudoexp.load(path, split=None)  # starts what checks the file, once per process
    begin = time.perf_counter()
    dataset = pseudoexp.load(path, split=None)
    size = dataset.data.nbytes / 1e6
    float(dataset.data.sum())  # mapped pages are read when touched
    whole = time.perf_counter() - begin
    begin = time.perf_counter()
    deque((batch.data for batch in pseudoexp.load(path, split=None).batches(BATCH)), maxlen=0)
    batches = time.perf_counter() - begin
    print(f"\nread and summed: {size / whole:.0f} MB/s; batches of {BATCH}: {size / batches:.0f} MB/s")


def read_compressed(path: str, rounds: int = ROUNDS) -> None:
    """Print how fast `load` reads the file's rows as they are and packed by each compression: MB of features per second."""
    with tempfile.TemporaryDirectory(prefix="pseudoexp-packed-") as folder:
        files = {"none": path}
        for name in COMPRESSIONS[1:]:
            files[name] = f"{folder}/{name}.h5"
            with h5py.File(path) as plain, h5py.File(files[name], "w") as packed:
                rows = packed.create_dataset("jets", data=plain["jets"][:], chunks=(CHUNK_ROWS,), compression=name, shuffle=True)
                rows.attrs.update(plain["jets"].attrs)
        size = 39 * 4e-6 * len(pseudoexp.load(path, split=None).target)
        calls = [partial(lambda file: np.sum(pseudoexp.load(file, split=None).data), file) for file in files.values()]
        clock, used = in_turns(calls, rounds)
    for name, seconds, processor in zip(files, clock, used, strict=True):
        print(f"compression {name}, read and summed: {size / seconds:.0f} MB/s, {size / processor:.0f} MB per second of "
              "processor time")


def epoch(path: str, rounds: int = ROUNDS) -> None:
    """Print how long Keras takes for an epoch over the training split with batches from the file, and with rows made before."""
    import keras

    def network() -> keras.Model:
        model = keras.Sequential([keras.Input((39,)), *(keras.layers.Dense(n, activation="relu") for n in (64, 32, 16)),
                                  keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
        return model

    data, target = np.zeros((BATCH, 39), np.float32), np.zeros(BATCH, np.float32)
    model, steps = network(), sum(1 for _ in pseudoexp.load(path).batches(BATCH))

    def from_file() -> None:
        for batch in pseudoexp.load(path).batches(BATCH):
            model.train_on_batch(batch.data, batch.target.astype(np.float32))

    def from_memory() -> None:
        for _ in range(steps):
            model.train_on_batch(data, target)

    from_file()  # compiles
    clock, used = in_turns([from_file, from_memory], rounds)
    print(f"an epoch of {steps} steps, 64-32-16, batches of {BATCH}, medians of {rounds} turns: from the file {clock[0]:.2f} s "
          f"({used[0]:.2f} s of processor time), the same steps on one batch in memory {clock[1]:.2f} s ({used[1]:.2f} s)")


def in_turns(calls: list[Callable[[], object]], rounds: int) -> tuple[list[float], list[float]]:
    """Return the medians of the seconds that each call lasts, and of its processor time, one after the other in each round."""
    clock, used = np.zeros((rounds, len(calls))), np.zeros((rounds, len(calls)))
    for i in range(rounds):
        for k, call in enumerate(calls):
            begin = time.perf_counter(), time.process_time()
            call()
            clock[i, k], used[i, k] = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return np.median(clock, axis=0).tolist(), np.median(used, axis=0).tolist()


def main() -> None:
    """Make a dataset and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", default="4e6")
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", default="0")
    options = parser.parse_args()
    begin = time.monotonic()
    command = ["generate", "--n", options.n, "--out", options.out, "--seed", "2026", "--threads", options.threads]
    process = subprocess.Popen([sys.executable, "-m", "pseudoexp", *command])
    samples = watch(process)
    if process.returncode:
        raise SystemExit(f"the production of {options.n} rows failed")
    seconds, rows = time.monotonic() - begin, float(options.n)
    size = Path(options.out).stat().st_size / 1e9
    print(f"{options.n} rows in {seconds:.0f} s, {rows / seconds:.0f} per second; file {size:.2f} GB\n")
    tell(samples, process.pid, rows)
    read(options.out)
    read_compressed(options.out)
    epoch(options.out)


if __name__ == "__main__":
    main()

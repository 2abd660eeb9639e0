"""Peak memory of a production against the number of rows: it has to be flat.

    python bench/memory.py                     (rows out of thin air, then of the built-in engine, then of Pythia8)
    python bench/memory.py --n 5e4 2e5 8e5 --builtin-n 2500 1e4 4e4 --pythia-n 250 500 1000

The peak of a process is what the kernel notes as its high-water mark; of the workers, the largest counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pseudoexp.dataset import schema
from pseudoexp.production.chunk import DEFAULT_MAKER, ChunkRows
from pseudoexp.production.run_config import RunConfig

RECIPES = {"thin air": ("builtin", "memory:empty_chunk"), "builtin": ("builtin", DEFAULT_MAKER),
           "pythia8": ("pythia8", DEFAULT_MAKER)}
"""What rows are made of: engine and maker of chunks."""
ROWS_PER_CHUNK = 150
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import pseudoexp
pseudoexp.generate(sys.argv[2], sys.argv[3], threads=2, engine=sys.argv[4], make_chunk=sys.argv[5])
"""


def empty_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Return rows of zeros, one per event."""
    jets = np.zeros((ROWS_PER_CHUNK, len(schema.JET_FIELDS)))
    jets[:, schema.row("eventNumber")] = chunk * schema.EVENTS_PER_CHUNK + np.arange(ROWS_PER_CHUNK)
    jets[:, schema.row("flavour_label")] = process
    return ChunkRows(jets, None, 1.0)


def high_water(pid: int) -> float:
    """Return the peak resident memory of a process so far [MB]; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmHWM")), 0.0)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []


def peaks(n: str, recipe: str) -> tuple[float, float, float]:
    """Return the peak memory of the parent and of the largest worker [MB], and the seconds of a production.

    Parameters
    ----------
    n : str
        Number of rows.
    recipe : str
        Key of `RECIPES`.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pseudoexp-memory-") as folder:
        command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), n, f"{folder}/a.h5", *RECIPES[recipe]]
        process = subprocess.Popen(command)
        parent = worker = 0.0
        while process.poll() is None:
            parent = max(parent, high_water(process.pid))
            worker = max([worker, *map(high_water, children(process.pid))])
            time.sleep(0.05)
        if process.returncode:
            raise SystemExit(f"the production of {n} rows failed")
    return parent, worker, time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", nargs="*", default=["5e4", "2e5", "8e5"], help="rows out of thin air")
    parser.add_argument("--builtin-n", nargs="*", default=["2500", "1e4", "4e4"], help="rows of the built-in engine")
    parser.add_argument("--pythia-n", nargs="*", default=["250", "500", "1000"], help="rows of Pythia8")
    options = parser.parse_args()
    print("| rows | of | parent, peak MB | worker, peak MB | s |\n|---|---|---|---|---|", flush=True)
    for recipe, numbers in zip(RECIPES, (options.n, options.builtin_n, options.pythia_n), strict=True):
        if numbers and recipe != "thin air":
            peaks("2", recipe)  # compiles, if it has to
        for n in numbers:
            parent, worker, seconds = peaks(n, recipe)
            print(f"| {n} | {recipe} | {parent:.0f} | {worker:.0f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()

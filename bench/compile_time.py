"""Time until the first event runs: on the first start of a version, when kernels are compiled, and on later ones.

    python bench/compile_time.py

Each line is a process of its own, from the start of Python on; the kernels' cache is a temporary folder, each first start
has an empty one. The last lines are what a user of the built-in engine waits for until a small file is there, with one worker
process and with as many as there are cores, which share the work.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHAIN = """
from pseudoexp import chain
from pseudoexp.production.run_config import RunConfig
chain.prepare(RunConfig.from_options(10), lambda line: None)
"""
CALIBRATE = """
import numpy as np
from pseudoexp import calibrate, chain
from pseudoexp.calibration import uncalibrated
from pseudoexp.config import load_card
from pseudoexp.core import jit
from pseudoexp.core.record import no_events
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.rows import chain_workspace
tables = chain.chain_tables(load_card("atlas-itk"), uncalibrated(), no_pileup())
ws, table, histogram = chain_workspace(4096, tables.detector), np.zeros((1, 6)), np.zeros((3, 1, 1, 1))
jit.prepare(calibrate._measure_batch, no_events(), 0, 1, tables, ws, table, table, table)
jit.prepare(calibrate._fill_batch, no_events(), 0, 1, tables, ws, np.zeros(1), histogram, histogram)
"""


def seconds(arguments: list[str], cache: str) -> tuple[float, float]:
    """Return the wall-clock and processor time of Python with these arguments, workers included."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=os.environ | {"PSEUDOEXP_CACHE": cache}, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def generate(threads: int, out: Path) -> list[str]:
    """Return the arguments of a small production."""
    return ["-m", "pseudoexp", "generate", "--engine", "builtin", "--n", "20", "--threads", str(threads), "--out", str(out),
            "--force"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.h5"
        programs = {"chain": ["-c", CHAIN], "calibrate": ["-c", CALIBRATE], "built-in engine, one worker": generate(1, out),
                    "built-in engine, all cores": generate(0, out)}
        for what, arguments in programs.items():
            for start in ("first", "second"):
                wall, processor = seconds(arguments, str(Path(folder) / what))
                print(f"{what + ', ' + start + ' start':42s}{wall:7.1f} s ({processor:.1f} s of processor time)", flush=True)


if __name__ == "__main__":
    main()

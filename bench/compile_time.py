"""Time until the first event runs: on the first start of a version, when kernels are compiled, and on later ones.

    python bench/compile_time.py

Each line is a process of its own, from the start of Python on; the kernels' cache is a temporary folder.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

GENERATE = """
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


def seconds(program: str, cache: str) -> tuple[float, float]:
    """Return the wall-clock and processor time of a program."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PSEUDOEXP_CACHE": cache}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        for what, program in (("generate, first start", GENERATE), ("generate, second start", GENERATE),
                              ("calibrate, first start", CALIBRATE), ("calibrate, second start", CALIBRATE)):
            wall, processor = seconds(program, cache)
            print(f"{what:26s}{wall:7.1f} s ({processor:.1f} s of processor time)", flush=True)


if __name__ == "__main__":
    main()

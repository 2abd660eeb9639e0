"""Kernels as GPU code: what they need, and the clusterings per second where there is a GPU.

    python bench/bench_gpu.py code           (registers and memory; needs numba-cuda and nvidia-cuda-nvcc-cu12, no GPU)
    python bench/bench_gpu.py code chain     (of the whole chain behind the particles; or `engine`; takes long)
    python bench/bench_gpu.py speed          (needs a GPU)

`speed` clusters events of 430 particles, checks every jet against the CPU's to the bit, and says what one core takes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import cuda

from pseudoexp.core import device
from pseudoexp.core.record import no_events
from pseudoexp.jets import antikt
from pseudoexp.jets.antikt import cluster_workspace

COMPUTE = (9, 0)
EVENTS = Path(__file__).parents[1] / "tests" / "pseudoexp" / "jets" / "events.npz"
PARTICLES, BATCH, ROUNDS = 430, 65_536, 5


class Compiled:
    """A device in name only, so that numba-cuda compiles without one."""

    compute_capability = COMPUTE


def clustering() -> tuple[Any, tuple[Any, ...]]:
    """Return the clustering kernel and arguments of its types."""
    from pseudoexp.jets import device as jets

    ws = cluster_workspace(8)
    ws = type(ws)(*(np.zeros((*array.shape, 2), array.dtype) for array in ws))
    numbers = np.zeros(2, np.int64)
    return jets._cluster_events.py_func, (np.zeros((4, 4)), numbers, numbers, 0.4, -1, 0.0, ws, numbers)


def whole(what: str) -> tuple[Any, tuple[Any, ...]]:
    """Return a CUDA kernel around the chain behind the particles or the engine, and arguments of its types."""
    from pseudoexp import chain
    from pseudoexp.production.run_config import RunConfig

    config = RunConfig.from_options(1000)
    if what == "chain":
        function, arguments = chain.batch_rows, chain._arguments(no_events(), 0, 1, chain.tables_of(config), 0, 0, True)
    else:
        from pseudoexp.engines.builtin.chunk import first_call

        function, arguments = first_call(config.engine_settings, False)
    names = ", ".join(f"a{k}" for k in range(len(arguments)))
    space = {"function": device.on_device(function)}
    exec(f"def kernel({names}, out):\n    out[0] = function({names})[0]\n", space)
    return space["kernel"], (*arguments, np.zeros(1, np.int64))


def code(what: str) -> None:
    """Print what a kernel's machine code needs."""
    import numba.cuda.dispatcher as dispatcher

    dispatcher.get_current_device = Compiled
    function, arguments = clustering() if what == "clustering" else whole(what)
    start = time.perf_counter()
    with device.strict():
        ptx, _ = cuda.compile_ptx(function, numba.types.void(*(numba.typeof(a) for a in arguments)), cc=COMPUTE)
    print(f"{what}: {len(ptx) / 1e6:.2f} MB of PTX in {time.perf_counter() - start:.0f} s, "
          f"{len(re.findall('fma', ptx))} fused operations")
    assembler = Path(numba.__file__).parents[1] / "nvidia/cuda_nvcc/bin/ptxas"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(ptx)
        program = str(assembler) if assembler.exists() else "ptxas"
        command = [program, "-v", f"-arch=sm_{COMPUTE[0]}{COMPUTE[1]}", str(path), "-o", os.devnull]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    print("\n".join(line.strip() for line in told.splitlines() if re.search("registers|stack|error", line)))


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Return momenta and first rows of `BATCH` events, a few real ones again and again."""
    with np.load(EVENTS) as file:
        p4, offsets = file["p4"].astype(np.float64), file["offsets"]
    real = [p4[a:a + PARTICLES] for a, b in pairwise(offsets) if b - a >= PARTICLES]
    return np.concatenate([real[k % len(real)] for k in range(BATCH)]), PARTICLES * np.arange(BATCH + 1)


def best(call: Callable[[], Any]) -> float:
    """Return the shortest of several times [s]."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def speed() -> None:
    """Print clusterings per second of GPU and one core; fail where a bit differs."""
    from pseudoexp.jets import device as jets

    p4, first = batch()
    found = jets.cluster_events(p4, first, 0.4, -1, 0.0)
    ws = cluster_workspace(PARTICLES)
    for e in range(BATCH if BATCH < 2000 else 2000):
        n = antikt.cluster(p4[first[e]:first[e + 1]], PARTICLES, 0.4, -1, 0.0, ws)
        assert found.n_jets[e] == n and found.jet_p4[e, :n].tobytes() == ws.jet_p4[:n].tobytes(), f"event {e} differs"
    one = best(lambda: [antikt.cluster(p4[first[e]:first[e + 1]], PARTICLES, 0.4, -1, 0.0, ws) for e in range(500)]) / 500
    inputs, buffers = [cuda.to_device(x) for x in (p4, first, jets.by_size(first))], jets.device_workspace(BATCH, PARTICLES)
    counts = cuda.device_array(BATCH, np.int64)

    def launch() -> None:
        jets._cluster_events[device.blocks(BATCH)](*inputs, 0.4, -1, 0.0, buffers, counts)
        cuda.synchronize()

    with device.strict():
        launch()
        kernel = best(launch) / BATCH
    together = best(lambda: jets.cluster_events(p4, first, 0.4, -1, 0.0)) / BATCH
    print(f"{BATCH} events of {PARTICLES} particles, the same bits; per event: one core {1e6 * one:.1f} us, "
          f"GPU {1e6 * kernel:.2f} us, with transfers and buffers {1e6 * together:.2f} us")


def main() -> None:
    what = sys.argv[1:] or ["code"]
    if what[0] == "speed":
        speed()
    else:
        code(what[1] if len(what) > 1 else "clustering")


if __name__ == "__main__":
    main()

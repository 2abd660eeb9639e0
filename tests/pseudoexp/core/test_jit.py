"""The decorators: what stays on disk, what calls what, and that nothing of it changes a bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from toy_kernels import total_of, twice

from pseudoexp.core import jit

PROGRAM = """
import numpy as np
from pseudoexp.core.interpolation import bilinear
from pseudoexp.jets.antikt import cluster, cluster_workspace
p4 = np.array([[30.0, 0.0, 5.0, 31.0], [20.0, 1.0, 5.0, 21.0], [-40.0, 0.0, 0.0, 41.0]])
ws = cluster_workspace(8)
print(cluster(p4, 3, 1.0, -1, 0.0, ws), ws.jet_p4[0].tobytes().hex(), getattr(cluster, "stats", None))
"""


def run(program: str, **environment: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | environment, check=True,
                          capture_output=True, text=True)
    return done.stdout.split(maxsplit=2)


def test_same_bits_as_numba_itself():
    values = np.random.default_rng(1).normal(size=100)

    @numba.njit(error_model="numpy")
    def expected(values, y):
        total, rest = 0.0, 0.0
        for x in values:
            total += x / y
        for x in values[1:]:
            rest += x / y
        return total + rest

    assert twice(values, 0.7) == expected(values, 0.7)
    assert twice(values, 0.7) == twice.py_func(values, 0.7)


def test_division_by_zero_is_infinite():
    assert total_of(np.ones(2), 0.0) == math.inf


def test_second_process_loads_what_the_first_compiled(tmp_path):
    first, second = (run(PROGRAM, PSEUDOEXP_CACHE=str(tmp_path)) for _ in range(2))
    assert "cache_hits=Counter()" in first[2]
    assert "cache_misses=Counter()" in second[2]
    assert first[:2] == second[:2]
    assert run(PROGRAM, NUMBA_DISABLE_JIT="1")[:2] == first[:2]


def test_one_of_several_processes_compiles(tmp_path):
    program = PROGRAM.replace("print(cluster", "from pseudoexp.core import jit\n"
                              "jit.prepare(cluster, p4, 3, 1.0, -1, 0.0, ws, announce=print)\nprint(cluster")
    environment = os.environ | {"PSEUDOEXP_CACHE": str(tmp_path)}
    both = [subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)]
    results = [process.communicate()[0] for process in both]
    assert sum("cache_misses=Counter()" in text for text in results) == 1
    assert any(text.startswith(jit.COMPILING) for text in results)
    assert not run(program, PSEUDOEXP_CACHE=str(tmp_path))[0].startswith("compiling")


def test_what_another_process_compiles_is_left_to_it(tmp_path):
    program = """
import fcntl, numpy as np
from pseudoexp.core import cache, jit
from tests.toy_kernels import total_of, twice
calls = [(total_of, (np.ones(2), 1.0)), (twice, (np.ones(3), 1.0))]
cache.cache_folder().mkdir(parents=True, exist_ok=True)
with (cache.cache_folder() / f"{total_of.__module__}.total_of.lock").open("a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    for function, arguments in calls:
        jit.prepare(function, *arguments, wait=False, announce=print)
    print([function.ready(*arguments) for function, arguments in calls])
jit.prepare_all(calls, announce=print)
print([function.ready(*arguments) for function, arguments in calls])
"""
    lines = " ".join(run(program, PSEUDOEXP_CACHE=str(tmp_path))).splitlines()
    assert lines == [jit.COMPILING, "[False, True]", jit.COMPILING, "[True, True]"]


def test_bounds_are_checked_on_demand(tmp_path):
    program = "from tests.toy_kernels import beyond; import numpy as np; beyond(np.ones(3), 5)"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(program, NUMBA_BOUNDSCHECK="1", PSEUDOEXP_CACHE=str(tmp_path))
    assert "IndexError" in failed.value.stderr

"""The decorators: what stays on disk, what calls what, and that nothing of it changes a bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from pseudoexp.core import cache, jit
from pseudoexp.core.elementary import asinh, log
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.linking import Kernel

PROGRAM = """
import numpy as np
from pseudoexp.core.interpolation import bilinear
from pseudoexp.jets.antikt import cluster, cluster_workspace
p4 = np.array([[30.0, 0.0, 5.0, 31.0], [20.0, 1.0, 5.0, 21.0], [-40.0, 0.0, 0.0, 41.0]])
ws = cluster_workspace(8)
print(cluster(p4, 3, 1.0, -1, 0.0, ws), ws.jet_p4[0].tobytes().hex(), getattr(cluster, "stats", None))
"""


@inline
def _scaled(x: float, y: float) -> float:
    return x / y


@kernel
def _sum(values: np.ndarray, y: float) -> float:
    total = 0.0
    for x in values:
        total += _scaled(x, y)
    return total


@kernel
def _twice(values: np.ndarray, y: float) -> float:
    return _sum(values, y) + _sum(values[1:], y)


@kernel
def _beyond(values: np.ndarray, i: int) -> float:
    return _sum(values, values[i])


@kernel
def _tail(values: np.ndarray) -> np.ndarray:
    return values[1:]


@kernel
def _sum_of_tail(values: np.ndarray) -> float:
    return _sum(_tail(values), 1.0)


@kernel
def _sum_of_new(n: int) -> float:
    return _sum_of_tail(np.ones(n))


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

    assert _twice(values, 0.7) == expected(values, 0.7)
    assert _twice(values, 0.7) == _twice.py_func(values, 0.7)


@inline
def _half(x: float) -> float:
    return 0.5 * x if x > 0.0 else min(x, -1.0)


@inline
def _quarter(x: float) -> float:
    return _half(_half(x))


@kernel
def _calls_what_it_never_reaches(x: float) -> float:
    if 2.0 * math.pi < 6.0:
        return _half(min(x, 3.0))
    return _quarter(x)


def test_what_only_a_part_needs_is_linked():
    assert _calls_what_it_never_reaches(8.0) == 2.0
    assert _calls_what_it_never_reaches(-8.0) == -8.0


_flat_asinh = flat(asinh)


@kernel
def _logarithms(x: float) -> float:
    return log(x) + log(x + 1.0) + log(x + 2.0) + asinh(x) + asinh(x + 1.0)


@kernel
def _with_calls(x: np.ndarray, out: np.ndarray) -> float:
    for i in range(x.shape[0]):
        out[i] = asinh(x[i])
    return _logarithms(x[0])


@kernel
def _without_calls(x: np.ndarray, out: np.ndarray) -> float:
    for i in range(x.shape[0]):
        out[i] = _flat_asinh(x[i])
    return _logarithms(x[0])


def test_a_flat_twin_gives_the_same_bits_and_lets_a_loop_vectorise():
    assert flat(asinh) is _flat_asinh and flat(math.sqrt) is math.sqrt
    x = np.concatenate([np.random.default_rng(1).normal(0.0, 5.0, 999), [0.0, -0.0, 1e160]])
    one, two = np.zeros(len(x)), np.zeros(len(x))
    assert _with_calls(x, one) == _without_calls(x, two)
    assert one.tobytes() == two.tobytes()
    code = next(iter(_without_calls.inspect_llvm().values()))
    assert "x double>" in code


def test_division_by_zero_is_infinite():
    assert _sum(np.ones(2), 0.0) == math.inf


def test_what_only_kernels_call_is_never_compiled_for_python():
    _twice(np.ones(3), 1.0)
    assert isinstance(_scaled, Kernel)
    assert not _scaled.overloads
    assert _scaled(3.0, 2.0) == 1.5
    assert len(_scaled.overloads) == 1


def test_plain_numba_may_call_kernels():
    @numba.njit
    def doubled(values):
        return 2.0 * _twice(values, 1.0)

    assert doubled(np.ones(3)) == 10.0


def test_references_are_neither_lost_nor_kept():
    values = np.arange(10.0)
    before = sys.getrefcount(values)
    for _ in range(100):
        assert _sum_of_tail(values) == 45.0
        assert _sum_of_new(5) == 4.0
        tail = _tail(values)
    assert tail.tolist() == values[1:].tolist()
    del tail
    assert sys.getrefcount(values) == before


def test_memory_of_new_arrays_is_given_back():
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    for _ in range(10):
        _sum_of_new(1000)
    after = rtsys.get_allocation_stats()
    _nrt_python.memsys_disable_stats()
    assert after.alloc - before.alloc == after.free - before.free == 10


def test_a_program_that_only_borrows_counts_nothing():
    _sum_of_tail(np.ones(3))
    _sum_of_new(3)
    counted = [[name for name in ("NRT_incref", "NRT_decref") if f"@{name}(" in code]
               for code in (_code(_sum_of_tail), _code(_sum_of_new))]
    assert counted[0] == [] and counted[1] != []


def _code(function) -> str:
    """Return the optimised code of a kernel without the wrappers for Python; needs a compilation in this process."""
    fresh = Kernel(function.py_func, targetoptions=dict(jit.OPTIONS))
    fresh.compile(function.signatures[0])
    name = fresh.overloads[function.signatures[0]].fndesc.llvm_func_name
    code = fresh.overloads[function.signatures[0]].library.get_llvm_str()
    return code[code.index(f"@{name}("):].split("\n}\n")[0]


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
from tests.pseudoexp.core.test_jit import _sum, _twice
calls = [(_sum, (np.ones(2), 1.0)), (_twice, (np.ones(3), 1.0))]
cache.cache_folder().mkdir(parents=True, exist_ok=True)
with (cache.cache_folder() / f"{_sum.__module__}._sum.lock").open("a") as lock:
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
    program = "from tests.pseudoexp.core.test_jit import _beyond; import numpy as np; _beyond(np.ones(3), 5)"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(program, NUMBA_BOUNDSCHECK="1", PSEUDOEXP_CACHE=str(tmp_path))
    assert "IndexError" in failed.value.stderr


def test_an_edit_anywhere_starts_a_new_cache(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(cache, "PACKAGE", tmp_path)
    before = cache.source_hash.__wrapped__()
    (tmp_path / "a.py").write_text("x = 2\n")
    assert cache.source_hash.__wrapped__() != before

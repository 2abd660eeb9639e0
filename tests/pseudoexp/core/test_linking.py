"""How kernels are put together: parts are linked once, references are counted only where they must be."""

from __future__ import annotations

import math
import sys

import numba
import numpy as np
from numba.core.runtime import _nrt_python, rtsys
from toy_kernels import scaled, total_of, twice

from pseudoexp.core import jit
from pseudoexp.core.elementary import asinh, log
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.linking import Kernel


@kernel
def _tail(values: np.ndarray) -> np.ndarray:
    return values[1:]


@kernel
def _sum_of_tail(values: np.ndarray) -> float:
    return total_of(_tail(values), 1.0)


@kernel
def _sum_of_new(n: int) -> float:
    return _sum_of_tail(np.ones(n))


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


def test_what_only_kernels_call_is_never_compiled_for_python():
    twice(np.ones(3), 1.0)
    assert isinstance(scaled, Kernel)
    assert not scaled.overloads
    assert scaled(3.0, 2.0) == 1.5
    assert len(scaled.overloads) == 1


def test_plain_numba_may_call_kernels():
    @numba.njit
    def doubled(values):
        return 2.0 * twice(values, 1.0)

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

"""Kernels on a GPU: the same Python functions, compiled by numba-cuda instead of numba.

A kernel is a Python function over arrays and numbers that calls other kernels and no library, so nothing has to be written
again: `on_device` makes a twin of it, and of all that it calls, for use in a CUDA kernel. Arithmetic stays strict, without
multiplications and additions fused into one rounding, and with the elementary functions of `core.elementary`: a GPU gives the
bits that the CPU gives. ``NUMBA_ENABLE_CUDASIM=1`` runs all of it in numba's simulator, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from numba import cuda
from numba.core import config as numba_config

from pseudoexp.core.laps import first_lap, lap
from pseudoexp.core.linking import Kernel

THREADS = 64
"""Threads per block: a clustering takes 122 registers, and events of very different size share a block."""

_twins: dict[int, Any] = {}
"""The twins by the kernels' identities; kernels live as long as the process."""


def _silent(times: Any, stage: int = 0) -> None:
    """Stand in for the stopwatch of `core.laps`, which a GPU does not have."""


def on_device(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the twin of a kernel that CUDA kernels can call."""
    if id(function) not in _twins:
        plain = _silent if function in (lap, first_lap) else getattr(function, "py_func", function)
        names = plain.__globals__
        called = {name: on_device(names[name]) for name in plain.__code__.co_names if isinstance(names.get(name), Kernel)}
        _twins[id(function)] = cuda.jit(device=True)(FunctionType(plain.__code__, names | called, plain.__name__,
                                                                  plain.__defaults__))
    return _twins[id(function)]


@contextmanager
def strict() -> Iterator[None]:
    """Compile what is compiled inside without fused multiplications and additions; numba-cuda has no option for it."""
    if numba_config.ENABLE_CUDASIM:
        yield
        return
    from numba.cuda.cudadrv import nvvm

    fusing = nvvm.compile_ir
    nvvm.compile_ir = lambda code, **options: fusing(code, **(options | {"fma": False}))
    try:
        yield
    finally:
        nvvm.compile_ir = fusing


def blocks(items: int) -> tuple[int, int]:
    """Return how many blocks of how many threads make a thread for every item."""
    return -(-items // THREADS), THREADS

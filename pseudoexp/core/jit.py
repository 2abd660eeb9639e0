"""The decorators that compile every kernel of the package.

Machine code is kept in `core.cache.cache_folder`.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar, cast

from numba.core import config as numba_config

from pseudoexp.core.cache import cache_folder
from pseudoexp.core.linking import Kernel

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {"nopython": True, "nogil": True, "error_model": "numpy", "fastmath": False, "boundscheck": None}
"""As in ``numba.njit``; `None` leaves bounds checks to ``NUMBA_BOUNDSCHECK``."""

COMPILING = "compiling kernels, once per version (about a minute)"


def prepare(function: Callable[..., Any], *arguments: Any, announce: Callable[[str], None] | None = None,
            wait: bool = True) -> None:
    """Compile a kernel before its first call, so that of several processes that need it one does the work.

    One that this process has is not looked at again: to find the types of hundreds of arrays takes a millisecond or two.

    Parameters
    ----------
    function : callable
        A kernel.
    *arguments : Any
        What it will be called with; only their types matter.
    announce : callable, optional
        Called with a line for the user if it takes long.
    wait : bool
        Whether to wait for another process that is compiling this kernel.
    """
    if not isinstance(function, Kernel) or function.overloads or function.ready(*arguments):
        return
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{function.__module__}.{function.__name__}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                return
            fcntl.flock(lock, fcntl.LOCK_EX)
            if function.ready(*arguments):
                return
        if announce is not None:
            announce(COMPILING)
        function.prepare(*arguments)


def prepare_all(calls: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]],
                announce: Callable[[str], None] | None = None) -> None:
    """Compile several kernels; of several processes that need them each takes one that no other is compiling yet.

    Parameters
    ----------
    calls : iterable of tuple
        The kernels and what each will be called with, as in `prepare`.
    announce : callable, optional
        As in `prepare`.
    """
    calls = list(calls)
    for wait in (False, True):
        for function, arguments in calls:
            prepare(function, *arguments, announce=announce, wait=wait)


def kernel(function: F) -> F:
    """Compile `function` on first use: cached on disk, without the GIL, strict IEEE arithmetic.

    Division by zero gives inf or NaN as in numpy. `fastmath` stays off so that the compiler may
    neither contract ``a * b + c`` into a fused operation nor reorder a sum: the same bits come out
    on every CPU. ``NUMBA_DISABLE_JIT=1`` leaves plain Python functions. Only what Python calls is
    cached: with it goes everything that it calls itself.
    """
    return _compiled(function, cached=True)


def inline(function: F) -> F:
    """Compile a small helper of other kernels; it is cached inside its callers, not on its own."""
    return _compiled(function, cached=False)


def embedded(function: F) -> F:
    """Compile a helper of a few instructions that is put into each of its callers; what it calls is not."""
    return _compiled(function, cached=False, flat=True)


def flat(function: F) -> F:
    """Return a twin of a kernel that is compiled into each of its callers, with all that it calls.

    A loop over an array becomes vector instructions only if nothing in it is called, and LLVM leaves a function of some
    length that is called from several places on its own. The twin is for such loops; others are smaller with the kernel.
    """
    if not isinstance(function, Kernel):
        return function
    if id(function) not in _twins:
        names = function.py_func.__globals__
        called = {name: flat(names[name]) for name in function.py_func.__code__.co_names
                  if isinstance(names.get(name), Kernel)}
        twin = FunctionType(function.py_func.__code__, names | called, function.py_func.__name__)
        _twins[id(function)] = Kernel(twin, targetoptions=dict(OPTIONS), flat=True)
    return cast(F, _twins[id(function)])


_twins: dict[int, Kernel] = {}
"""The twins by the kernels' identities; kernels live as long as the process."""


def _compiled(function: F, cached: bool, flat: bool = False) -> F:
    if numba_config.DISABLE_JIT:
        return function
    compiled = Kernel(function, targetoptions=dict(OPTIONS), flat=flat)
    if cached:
        outer = numba_config.CACHE_DIR
        numba_config.CACHE_DIR = str(cache_folder())
        try:
            compiled.enable_caching()
        finally:
            numba_config.CACHE_DIR = outer
    return cast(F, compiled)

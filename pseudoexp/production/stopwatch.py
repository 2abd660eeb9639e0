"""How long the stages of a chunk take, summed up in this process until somebody takes the sums."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

EVENTS, ROWS, PACKING, SAVING = "events", "detector, jets, flavour tagging", "packing rows", "saving chunks"
PART = ": "
"""Between the name of a stage and that of a part of it that kernels measure."""
Times = tuple[tuple[str, float], ...]
_seconds: dict[str, float] = {}
_state = {"parts": False}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what stands inside as a stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        _seconds[name] = _seconds.get(name, 0.0) + time.perf_counter() - start


def start(parts: bool = False) -> None:
    """Forget what was timed; `parts`: from now on also what happens within `EVENTS` and `ROWS`."""
    _seconds.clear()
    if parts or _state["parts"]:
        from pseudoexp.core import laps  # numba: workers have it, others need it for nothing else

        laps.measure(parts)
    _state["parts"] = parts


def take() -> Times:
    """Return the seconds of each stage since the last call."""
    times = tuple(_seconds.items())
    _seconds.clear()
    return times + _parts() if _state["parts"] else times


def _parts() -> Times:
    """Return the seconds of each part that took any, by names such as "events: strings"."""
    from pseudoexp.core import laps

    seconds = laps.take()
    stages = ((EVENTS, laps.ENGINE_STAGES), (ROWS, laps.CHAIN_STAGES))
    return tuple((stage + PART + name, seconds[name]) for stage, names in stages for name in names if name in seconds)

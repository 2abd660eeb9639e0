"""How long the stages of a chunk take, summed up in this process until somebody takes the sums."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

EVENTS, ROWS, PACKING, SAVING = "events", "detector, jets, flavour tagging", "packing rows", "saving chunks"
STAGES = (EVENTS, ROWS, PACKING, SAVING)
"""In the order in which they follow each other."""
Times = tuple[tuple[str, float], ...]
_seconds: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what stands inside as a stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        _seconds[name] = _seconds.get(name, 0.0) + time.perf_counter() - start


def take() -> Times:
    """Return the seconds of each stage since the last call."""
    times = tuple(_seconds.items())
    _seconds.clear()
    return times

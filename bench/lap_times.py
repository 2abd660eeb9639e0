"""Benchmarks of stages within kernels, by the kernels' own stopwatch."""

from __future__ import annotations

import pytest

from pseudoexp.core import laps


def lap_stage(name: str, *stages: int) -> object:
    """Return the parameter of a benchmark whose time is what the clock gives to these stages, such as `laps.STRINGS`.

    The benchmark has to use the fixture `stopwatch`; what it calls may do anything else besides.
    """
    def seconds() -> float:
        return 1e-9 * float(laps.clock()[list(stages)].sum())

    return pytest.param(name, marks=pytest.mark.benchmark(timer=seconds))

"""The stopwatch of kernels."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.laps import first_lap, lap


@kernel
def two_stages(clock, steps, out):
    """Spend time in two stages, ten times as much in the second."""
    first_lap(clock)
    for i in range(steps):
        out[0] = np.sqrt(out[0] + i)
    lap(clock, laps.STRINGS)
    for i in range(10 * steps):
        out[0] = np.sqrt(out[0] + i)
    lap(clock, laps.DECAYS)


@pytest.fixture
def measuring():
    laps.measure(True)
    yield
    laps.measure(False)


def test_stages_are_told_apart_and_fill_the_time(measuring):
    two_stages(laps.clock(), 1, np.zeros(1))
    laps.take()
    start = time.monotonic()
    two_stages(laps.clock(), 300_000, np.zeros(1))
    whole = time.monotonic() - start
    times = laps.take()
    assert list(times) == ["strings", "decays"]
    assert 2.0 * times["strings"] < times["decays"] < sum(times.values()) < whole < sum(times.values()) + 0.1
    assert laps.take() == {}


def test_nothing_is_taken_unless_asked_for():
    before = laps.clock().copy()
    two_stages(laps.clock(), 1000, np.zeros(1))
    assert laps.take() == {} and (laps.clock() == before).all() and not before.any()


def test_every_stage_has_one_name_and_one_place():
    assert len(set(laps.STAGES)) == len(laps.STAGES) == laps.IMAGE_ROWS + 1 and len(laps.ENGINE_STAGES) == laps.RECORD + 1
    assert laps.STAGES[laps.EARLY_TEST] == "early test" and laps.STAGES[laps.LARGE_JETS] == "large-R jets"


def test_without_compilation():
    code = ("import test_laps as t; t.laps.measure(True); t.two_stages(t.laps.clock(), 2000, t.np.zeros(1)); "
            "times = t.laps.take(); assert 0 < times['strings'] < times['decays'] < 60, times")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent,
                   env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)})

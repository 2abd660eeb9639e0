"""A stopwatch that kernels can read: what the stages of an event take.

All workspaces of a process hold one array with the nanoseconds of each stage. A kernel that calls stages one after another
says after each what it was: `lap` adds the time since the lap before. Unless somebody asked for times, a lap is a comparison
with zero. Times are those of CLOCK_MONOTONIC, which `time.perf_counter` reads too; a lap takes 50 ns of its own.
"""

from __future__ import annotations

import time

import numpy as np
from numba import types
from numba.core import config as numba_config
from numpy.typing import NDArray

from pseudoexp.core.jit import inline

ENGINE_STAGES = ("hard process", "showers, further scatterings", "decay of the Higgs boson", "beam remnants",
                 "can it give a row?", "colour reconnection", "strings", "decays", "record of particles")
CHAIN_STAGES = ("early test", "pile-up", "flight through material", "tracks", "primary vertex", "track jets", "calorimeter",
                "pile-up subtraction", "large-R jets", "trimming, selection", "labels, columns", "tracks of track jets",
                "vertices of two tracks", "IP3D", "vertices: SV1", "vertices: JetFitter", "substructure", "rows of tracks",
                "images")
STAGES = ENGINE_STAGES + CHAIN_STAGES
"""Names of the stages in the order in which they follow each other."""
(HARD_PROCESS, SHOWERS, HIGGS_DECAY, REMNANTS, PROSPECTS, RECONNECTION, STRINGS, DECAYS, RECORD,
 EARLY_TEST, PILEUP, FLIGHT, TRACKS, PRIMARY_VERTEX, TRACK_JETS, CALORIMETER, SUBTRACTION, LARGE_JETS, TRIMMING, COLUMNS,
 ASSOCIATION, PAIRS, IP3D, SV1, JETFITTER, SUBSTRUCTURE, TRACK_ROWS, IMAGE_ROWS) = range(len(STAGES))
_ON, _BEFORE, _SECONDS, _NANOSECONDS = range(len(STAGES), len(STAGES) + 4)

_laps = np.zeros(len(STAGES) + 4, np.int64)
_clock_gettime = types.ExternalFunction("clock_gettime", types.intc(types.intc, types.voidptr))
_CLOCK = np.int32(time.CLOCK_MONOTONIC)


def clock() -> NDArray[np.int64]:
    """Return the array of this process, for a workspace: nanoseconds by stage, and what `lap` needs."""
    return _laps


def measure(on: bool) -> None:
    """Say whether kernels are to take times from now on."""
    _laps[:] = 0
    _laps[_ON] = on


def take() -> dict[str, float]:
    """Return the seconds of each stage that took any since the last call."""
    seconds = {name: 1e-9 * int(_laps[k]) for k, name in enumerate(STAGES) if _laps[k]}
    _laps[:len(STAGES)] = 0
    return seconds


def _plain_now(times: NDArray[np.int64]) -> int:
    """Return the time [ns]."""
    return time.monotonic_ns()


def _compiled_now(times: NDArray[np.int64]) -> int:
    """Return the time [ns] as the C library has it."""
    _clock_gettime(_CLOCK, times[_SECONDS:].ctypes)
    return times[_SECONDS] * 1_000_000_000 + times[_NANOSECONDS]


_now = _plain_now if numba_config.DISABLE_JIT else inline(_compiled_now)


@inline
def first_lap(times: NDArray[np.int64]) -> None:
    """Begin the first lap."""
    if times[_ON] != 0:
        times[_BEFORE] = _now(times)


@inline
def lap(times: NDArray[np.int64], stage: int) -> None:
    """Add what has passed since the last lap, or the start, to a stage."""
    if times[_ON] != 0:
        now = _now(times)
        times[stage] += now - times[_BEFORE]
        times[_BEFORE] = now

"""The scale of the showers in a variable in which their trials come evenly.

Trials come with ``alpha_s(t) / (2 pi) rate dt / t``. With one loop, alpha_s = 12 pi / (slope ln(t / Lambda^2)), that is ``rate``
times the change of the *height* 6 / slope ln ln(t / Lambda^2), to which each number of flavours adds a constant that makes it
continuous. Heights are counted from the lowest scale::

    evolution = evolution_of(coupling, CUTOFF2)          # once, in Python
    h = height(evolution, pt2)                           # 0 at CUTOFF2
    pt2 = scale2_at(evolution, h - exponential / rate)

Overestimates of the final state are constant within octaves of pT^2: octave n reaches from 2^n times the cut-off to twice
as much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS, TOP_MASS, Coupling
from pseudoexp.engines.builtin.exponential import quick_exp, quick_log

CUTOFF2 = 0.25
"""Lowest pT^2 of the final state [GeV^2]; a power of two, for `octave`."""
OCTAVES = 30
NODES = 256
"""Pieces of the scale in each range between thresholds."""
_BITS_OF_CUTOFF = 1023 - 2


RANGE = np.dtype([
    ("lambda2", np.float64),  # Lambda^2 [GeV^2]
    ("power", np.float64),  # slope / 6
    ("offset", np.float64), ("start", np.float64),  # height at Lambda^2 e^e, and at the lower threshold
    ("per_height", np.float64),  # pieces of `scale` per unit of height
], align=True)
"""The scales with 3, 4, 5 or 6 flavours."""


class Evolution(NamedTuple):
    """Heights of the flavour thresholds and of the octaves, and the scale in cubic pieces: two exponentials take longer."""

    ranges: np.recarray  # (4,) `RANGE`
    octave: NDArray[np.float64]  # (OCTAVES + 1,) heights of 2^n times the cut-off
    scale: NDArray[np.float64]  # (4, NODES, 4) pT^2 behind each node: a cubic polynomial


@kernel
def _fill(evolution: Evolution, least2: float) -> None:
    """Compute offsets and heights."""
    threshold = (0.0, CHARM_MASS * CHARM_MASS, BOTTOM_MASS * BOTTOM_MASS, TOP_MASS * TOP_MASS, np.inf)
    reached = 0.0
    for k in range(4):
        evolution.ranges[k].start = reached
        evolution.ranges[k].offset = reached - _slow(evolution, k, max(threshold[k], least2))
        if least2 < threshold[k + 1] < np.inf:
            reached = evolution.ranges[k].offset + _slow(evolution, k, threshold[k + 1])
    for n in range(OCTAVES + 1):
        pt2 = CUTOFF2 * 2.0**n
        evolution.octave[n] = height(evolution, pt2) if pt2 > least2 else 0.0
    for k in range(4):
        last = evolution.ranges[k + 1].start if k < 3 else evolution.octave[OCTAVES]
        evolution.ranges[k].per_height = NODES / max(last - evolution.ranges[k].start, 1e-3)
        for i in range(NODES):
            _fill_piece(evolution, k, i)


@inline
def _scale2(evolution: Evolution, k: int, h: float) -> tuple[float, float]:
    """Return the scale [GeV^2] of a height between two thresholds, and its derivative."""
    here = evolution.ranges[k]
    length = quick_exp((h - here.offset) * here.power)
    scale2 = here.lambda2 * quick_exp(length)
    return scale2, scale2 * length * here.power


@inline
def _fill_piece(evolution: Evolution, k: int, i: int) -> None:
    """Let a cubic polynomial have the scales and derivatives of two neighbouring nodes."""
    step = 1.0 / evolution.ranges[k].per_height
    a, da = _scale2(evolution, k, evolution.ranges[k].start + i * step)
    b, db = _scale2(evolution, k, evolution.ranges[k].start + (i + 1) * step)
    piece = evolution.scale[k, i]
    piece[0], piece[1] = a, step * da
    piece[2], piece[3] = 3.0 * (b - a) - step * (2.0 * da + db), 2.0 * (a - b) + step * (da + db)


@inline
def _slow(evolution: Evolution, k: int, scale2: float) -> float:
    """Return 6 / slope ln ln(scale^2 / Lambda^2)."""
    return quick_log(quick_log(scale2 / evolution.ranges[k].lambda2)) / evolution.ranges[k].power


def evolution_of(coupling: Coupling, least2: float) -> Evolution:
    """Return the heights above `least2` [GeV^2] for a coupling."""
    ranges = np.zeros(4, RANGE).view(np.recarray)
    ranges.lambda2, ranges.power = coupling[:4], np.array([27.0, 25.0, 23.0, 21.0]) / 6.0
    evolution = Evolution(ranges, np.zeros(OCTAVES + 1), np.zeros((4, NODES, 4)))
    _fill(evolution, least2)
    return evolution


@inline
def height(evolution: Evolution, pt2: float) -> float:
    """Return the height of a scale [GeV^2]."""
    k = 0
    if pt2 > CHARM_MASS * CHARM_MASS:
        k = 1 if pt2 <= BOTTOM_MASS * BOTTOM_MASS else (2 if pt2 <= TOP_MASS * TOP_MASS else 3)
    return evolution.ranges[k].offset + _slow(evolution, k, pt2)


@inline
def scale2_at(evolution: Evolution, h: float) -> float:
    """Return the scale [GeV^2] of a height, to 1e-9 of itself."""
    ranges, k = evolution.ranges, 0
    if h > ranges[1].start:
        k = 1 if h <= ranges[2].start else (2 if h <= ranges[3].start else 3)
    u = (h - ranges[k].start) * ranges[k].per_height
    i = min(int(u), NODES - 1)
    u -= i
    piece = evolution.scale[k, i]
    return float(piece[0] + u * (piece[1] + u * (piece[2] + u * piece[3])))


@inline
def octave(pt2: float) -> int:
    """Return n of the octave of a scale [GeV^2]; negative below the cut-off."""
    return min(int(np.float64(pt2).view(np.int64) >> 52) - _BITS_OF_CUTOFF, OCTAVES - 1)

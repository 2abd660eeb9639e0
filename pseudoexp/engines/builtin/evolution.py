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


class Evolution(NamedTuple):
    """Heights of the flavour thresholds and of the octaves, and the scale in cubic pieces: two exponentials take longer."""

    lambda2: NDArray[np.float64]  # (4,) Lambda^2 [GeV^2] with 3 to 6 flavours
    power: NDArray[np.float64]  # (4,) slope / 6
    offset: NDArray[np.float64]  # (4,)
    edge: NDArray[np.float64]  # (3,) heights of the c, b and t thresholds
    octave: NDArray[np.float64]  # (OCTAVES + 1,) heights of 2^n times the cut-off
    start: NDArray[np.float64]  # (4,) height of the first node of `scale` in each range
    per_height: NDArray[np.float64]  # (4,) its nodes per unit of height
    scale: NDArray[np.float64]  # (4, NODES, 4) pT^2 behind each node: a cubic polynomial


@kernel
def _fill(evolution: Evolution, least2: float) -> None:
    """Compute offsets and heights."""
    threshold = (0.0, CHARM_MASS * CHARM_MASS, BOTTOM_MASS * BOTTOM_MASS, TOP_MASS * TOP_MASS, np.inf)
    reached = 0.0
    for k in range(4):
        evolution.offset[k] = reached - _slow(evolution, k, max(threshold[k], least2))
        if least2 < threshold[k + 1] < np.inf:
            reached = evolution.offset[k] + _slow(evolution, k, threshold[k + 1])
            evolution.edge[k] = reached
    for n in range(OCTAVES + 1):
        pt2 = CUTOFF2 * 2.0**n
        evolution.octave[n] = height(evolution, pt2) if pt2 > least2 else 0.0
    for k in range(4):
        evolution.start[k] = evolution.edge[k - 1] if k > 0 else 0.0
        last = evolution.edge[k] if k < 3 else evolution.octave[OCTAVES]
        evolution.per_height[k] = NODES / max(last - evolution.start[k], 1e-3)
        for i in range(NODES):
            _fill_piece(evolution, k, i)


@inline
def _scale2(evolution: Evolution, k: int, h: float) -> tuple[float, float]:
    """Return the scale [GeV^2] of a height between two thresholds, and its derivative."""
    length = quick_exp((h - evolution.offset[k]) * evolution.power[k])
    scale2 = evolution.lambda2[k] * quick_exp(length)
    return scale2, scale2 * length * evolution.power[k]


@inline
def _fill_piece(evolution: Evolution, k: int, i: int) -> None:
    """Let a cubic polynomial have the scales and derivatives of two neighbouring nodes."""
    step = 1.0 / evolution.per_height[k]
    a, da = _scale2(evolution, k, evolution.start[k] + i * step)
    b, db = _scale2(evolution, k, evolution.start[k] + (i + 1) * step)
    piece = evolution.scale[k, i]
    piece[0], piece[1] = a, step * da
    piece[2], piece[3] = 3.0 * (b - a) - step * (2.0 * da + db), 2.0 * (a - b) + step * (da + db)


@inline
def _slow(evolution: Evolution, k: int, scale2: float) -> float:
    """Return 6 / slope ln ln(scale^2 / Lambda^2)."""
    return quick_log(quick_log(scale2 / evolution.lambda2[k])) / evolution.power[k]


def evolution_of(coupling: Coupling, least2: float) -> Evolution:
    """Return the heights above `least2` [GeV^2] for a coupling."""
    evolution = Evolution(np.array(coupling[:4]), np.array([27.0, 25.0, 23.0, 21.0]) / 6.0, np.zeros(4), np.zeros(3),
                          np.zeros(OCTAVES + 1), np.zeros(4), np.zeros(4), np.zeros((4, NODES, 4)))
    _fill(evolution, least2)
    return evolution


@inline
def height(evolution: Evolution, pt2: float) -> float:
    """Return the height of a scale [GeV^2]."""
    k = 0
    if pt2 > CHARM_MASS * CHARM_MASS:
        k = 1 if pt2 <= BOTTOM_MASS * BOTTOM_MASS else (2 if pt2 <= TOP_MASS * TOP_MASS else 3)
    return evolution.offset[k] + _slow(evolution, k, pt2)


@inline
def scale2_at(evolution: Evolution, h: float) -> float:
    """Return the scale [GeV^2] of a height, to 1e-9 of itself."""
    edge, k = evolution.edge, 0
    if h > edge[0]:
        k = 1 if h <= edge[1] else (2 if h <= edge[2] else 3)
    u = (h - evolution.start[k]) * evolution.per_height[k]
    i = min(int(u), NODES - 1)
    u -= i
    piece = evolution.scale[k, i]
    return float(piece[0] + u * (piece[1] + u * (piece[2] + u * piece[3])))


@inline
def octave(pt2: float) -> int:
    """Return n of the octave of a scale [GeV^2]; negative below the cut-off."""
    return min(int(np.float64(pt2).view(np.int64) >> 52) - _BITS_OF_CUTOFF, OCTAVES - 1)

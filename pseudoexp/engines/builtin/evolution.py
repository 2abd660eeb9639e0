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
_BITS_OF_CUTOFF = 1023 - 2


class Evolution(NamedTuple):
    """Heights of the flavour thresholds and of the octaves."""

    lambda2: NDArray[np.float64]  # (4,) Lambda^2 [GeV^2] with 3 to 6 flavours
    power: NDArray[np.float64]  # (4,) slope / 6
    offset: NDArray[np.float64]  # (4,)
    edge: NDArray[np.float64]  # (3,) heights of the c, b and t thresholds
    octave: NDArray[np.float64]  # (OCTAVES + 1,) heights of 2^n times the cut-off


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


@inline
def _slow(evolution: Evolution, k: int, scale2: float) -> float:
    """Return 6 / slope ln ln(scale^2 / Lambda^2)."""
    return quick_log(quick_log(scale2 / evolution.lambda2[k])) / evolution.power[k]


def evolution_of(coupling: Coupling, least2: float) -> Evolution:
    """Return the heights above `least2` [GeV^2] for a coupling."""
    evolution = Evolution(np.array(coupling[:4]), np.array([27.0, 25.0, 23.0, 21.0]) / 6.0, np.zeros(4), np.zeros(3),
                          np.zeros(OCTAVES + 1))
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
    """Return the scale [GeV^2] of a height."""
    edge, k = evolution.edge, 0
    if h > edge[0]:
        k = 1 if h <= edge[1] else (2 if h <= edge[2] else 3)
    return evolution.lambda2[k] * quick_exp(quick_exp((h - evolution.offset[k]) * evolution.power[k]))


@inline
def octave(pt2: float) -> int:
    """Return n of the octave of a scale [GeV^2]; negative below the cut-off."""
    return min(int(np.float64(pt2).view(np.int64) >> 52) - _BITS_OF_CUTOFF, OCTAVES - 1)

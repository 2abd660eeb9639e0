"""Rates of the final-state shower's trials, tabulated: more often than branchings come, and nearly as they do.

Trials come per unit of height (`evolution`) with a rate that is constant within octaves of pT^2 and depends on the *kind* of a
dipole end and on one *size* [GeV^2], of which every table row stands for a quarter of an octave (its upper edge: a larger
size only has more trials). With P the pT at the lower edge of an octave and q = 1 - z of an emission:

- final recoiler: size M^2, the dipole's mass^2. Phase space leaves r < q < 1 - r, r = P / M, of massless partons (masses leave
  less). A gluon's trials follow its kernel there, C (1 + z^3) dz / (1 - z); a quark's C 2 dz / (1 - z), without the upper edge.
- a beam that recoils: size pT_r^2, the radiator's transverse momentum. Its emissions are suppressed by at least
  q / (q + pT / pT_r), so trials follow C 2 dz / (q + P / pT_r), times a bound of the ratio of parton densities.
- g -> Q Qbar: 1/4 for each flavour and end, for heavy quarks only in the range of z where the pair has their mass.

The rows hold what is below each octave, so that the octave of a trial is found by comparing, and trials that would fall below
the cut-off at once.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.engines.builtin.evolution import CUTOFF2, OCTAVES, Evolution
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, Densities
from pseudoexp.engines.builtin.splitting import FLAVOURS, GLUON_COLOUR, MASSES, PAIR_RATE, QUARK_COLOUR

OF_GLUON, TO_BEAM, TO_VALENCE = 1, 2, 4
"""A kind is the sum of what applies: a gluon radiates; an incoming gluon or sea quark recoils; an incoming u or d quark does."""
KINDS = 6
SIZES = 144
_BITS_OF_SMALLEST = 4 * (1023 - 8)
_SMALLEST = 2.0**-8
BELOW, RATE, INVERSE = range(3)
"""Columns of `Overestimates.rate`."""
EMISSION, LOW, SPAN = range(3)
"""Columns of `Overestimates.emission`."""
_RATIOS = SIZES + 4 * (OCTAVES - 1)
_LARGEST_X, _LEAST_DENSITY, _MARGIN = 0.8, 1e-6, 1.02
"""Where ratios of parton densities are looked at, and how much an interpolated one may be above those of the nodes."""

_PAIR_SUPPRESSION = 4.0
"""Least value of 1 / z (1 - z)."""


class Overestimates(NamedTuple):
    """Rates of trials per unit of height."""

    rate: NDArray[np.float64]  # (KINDS, SIZES, OCTAVES, 3) trials at smaller heights, rate in this octave, its inverse
    emission: NDArray[np.float64]  # (KINDS, ratios, 3) by `ratio_row`: rate of emissions over `headroom`, q = low exp(u span)
    headroom: NDArray[np.float64]  # (KINDS, OCTAVES) bound of the ratio of densities, 1 without a beam
    pairs: NDArray[np.float64]  # (OCTAVES, FLAVOURS + 1) share of z in which a pair of this flavour may be, the first unused


def _log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return natural logarithms that are the same on every machine; few different numbers are expected."""
    values, place = np.unique(x, return_inverse=True)
    return np.array([float(Decimal(float(v)).ln()) for v in values])[place].reshape(x.shape)


def _pair_shares() -> NDArray[np.float64]:
    """Return the shares of z with pT^2 / z (1 - z) > 4 m^2 at the upper edges of octaves."""
    shares = np.zeros((OCTAVES, FLAVOURS + 1))
    for n in range(OCTAVES):
        for flavour in range(1, FLAVOURS + 1):
            ratio = CUTOFF2 * 2.0 ** (n + 1) / (MASSES[flavour] * MASSES[flavour])
            shares[n, flavour] = 1.0 - math.sqrt(1.0 - ratio) if ratio < 1.0 else 1.0
    return shares


def density_rises(densities: Densities) -> NDArray[np.float64]:
    """Return (2, OCTAVES) bounds of x' f(x') / x f(x) for x' > x above the octaves' lower edges: valence quarks come second."""
    values = np.maximum(densities.values[:, :, :EFFECTIVE].astype(np.float64), 0.0)
    values[:, densities.log_x > float(Decimal(_LARGEST_X).ln())] = 0.0
    later = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    rises = np.where(values > _LEAST_DENSITY, later / np.maximum(values, _LEAST_DENSITY), 1.0).max(axis=1)
    valence = np.isin(np.arange(EFFECTIVE), (GLUON + 1, GLUON + 2))
    bounds = np.empty((2, OCTAVES))
    for n in range(OCTAVES):
        first = max(int(np.searchsorted(densities.log_q2, float(Decimal(CUTOFF2 * 2.0**n).ln()))) - 2, 0)
        above = rises[min(first, len(rises) - 1):].max(axis=0)
        bounds[:, n] = _MARGIN * above[~valence].max(), _MARGIN * above[valence].max()
    return bounds


def _final_emissions(ratio: NDArray[np.float64], gluon: bool) -> NDArray[np.float64]:
    """Return the columns of `emission` where a final parton recoils, for r = P / M."""
    inside = ratio < 0.5
    r = np.where(inside, ratio, 0.25)
    span = _log(1.0 - r) - _log(r) if gluon else -_log(r)
    area = 2.0 * span
    if gluon:
        for edge, sign in ((1.0 - r, 1.0), (r, -1.0)):
            area -= sign * edge * (1.0 + edge * (0.5 + edge / 3.0))
    rate = np.where(inside, (GLUON_COLOUR if gluon else QUARK_COLOUR) * area, 0.0)
    return np.stack([rate, r, span], axis=-1)


def _beam_emissions(ratio: NDArray[np.float64], gluon: bool) -> NDArray[np.float64]:
    """Return the same where a beam recoils, for P / pT_r."""
    span = _log(1.0 + 1.0 / ratio)
    return np.stack([(GLUON_COLOUR if gluon else QUARK_COLOUR) * 2.0 * span, ratio, span], axis=-1)


def overestimates(evolution: Evolution, densities: Densities) -> Overestimates:
    """Return the tables for a coupling's evolution."""
    index, octaves = np.arange(SIZES)[:, None], np.arange(OCTAVES)[None, :]
    size = _SMALLEST * 2.0 ** (index // 4) * (1.25 + 0.25 * (index % 4))
    ratio = np.sqrt(CUTOFF2 * 2.0**octaves / size)
    row = index + 4 * (OCTAVES - 1 - octaves)
    ratios = np.empty(_RATIOS)
    ratios[row] = ratio
    shares, rises = _pair_shares(), density_rises(densities)
    rate, emission, headroom = np.zeros((KINDS, SIZES, OCTAVES, 3)), np.empty((KINDS, _RATIOS, 3)), np.ones((KINDS, OCTAVES))
    for kind in range(KINDS):
        gluon, beam = kind & OF_GLUON > 0, kind >= TO_BEAM
        if beam:
            emission[kind] = _beam_emissions(ratios, gluon)
            headroom[kind] = rises[0 if kind < TO_VALENCE else 1]
            pairs = shares[:, 1:].sum(axis=1) * headroom[kind] / (1.0 + _PAIR_SUPPRESSION * ratio)
        else:
            emission[kind] = _final_emissions(ratios, gluon)
            pairs = np.where(size[:, :, None] > 4.0 * MASSES[1:] * MASSES[1:], shares[:, 1:], 0.0).sum(axis=2)
            pairs[ratio >= 0.5] = 0.0
        rate[kind, :, :, RATE] = emission[kind, row, EMISSION] * headroom[kind] + (PAIR_RATE * pairs if gluon else 0.0)
    some = rate[:, :, :, RATE] > 0.0
    rate[:, :, :, INVERSE][some] = 1.0 / rate[:, :, :, RATE][some]
    whole = rate[:, :, :, RATE] * np.diff(evolution.octave)
    rate[:, :, 1:, BELOW] = np.cumsum(whole, axis=2)[:, :, :-1]
    return Overestimates(rate, emission, headroom, shares)


@inline
def ratio_row(size: int, n: int) -> int:
    """Return the row of `emission` for a size and an octave: emissions depend on the ratio of the two alone."""
    return size + 4 * (OCTAVES - 1 - n)


@inline
def largest_suppression(ratio: float) -> float:
    """Return the largest factor that a pair off a gluon keeps whose beam recoils; P / pT_r is given."""
    return 1.0 / (1.0 + _PAIR_SUPPRESSION * ratio)


@inline
def size_of(square: float) -> int:
    """Return the row of a size [GeV^2]: quarters of octaves, from the exponent and the first bits behind."""
    return min(max(int(np.float64(square).view(np.int64) >> 50) - _BITS_OF_SMALLEST, 0), SIZES - 1)

"""The order of the rows: how two endless sequences, one per class, become one file.

Row r is signal iff floor((r + 1) f) > floor(r f). The signal fraction f is taken as the nearest fraction with a
denominator up to 10**9 and the floors are exact, so that 0.1 or 1/3 mean the same in every row of a long file.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema

MAX_DENOMINATOR = 10**9
EVENTS_PER_ROW = (2.1, 1.6)
"""Events per signal and QCD row with the default sampling; for estimates only."""

_ROW_SECONDS = {"pythia8": 10e-3}
_OTHER_ROW_SECONDS, _PILEUP_SECONDS = 1.5e-3, 0.065e-3
"""Of one core, for a row of other engines and for each pile-up collision beside it; for estimates only."""


def exact_fraction(signal_fraction: float) -> Fraction:
    """Return the fraction that a number such as 0.1 or 0.3333333333333333 means."""
    return Fraction(repr(float(signal_fraction))).limit_denominator(MAX_DENOMINATOR)


def signal_rows(signal_fraction: float, n: int) -> int:
    """Return how many of the first n rows are signal: floor(n f)."""
    return int(n * exact_fraction(signal_fraction))


def class_rows(signal_fraction: float, n: int) -> tuple[int, int]:
    """Return how many of the first n rows are signal and QCD."""
    signal = signal_rows(signal_fraction, n)
    return signal, n - signal


def is_signal(signal_fraction: float, start: int, count: int) -> NDArray[np.bool_]:
    """Return which of the rows start ... start + count - 1 are signal; count < 10**9."""
    f = exact_fraction(signal_fraction)
    rest = (start * f.numerator) % f.denominator
    steps = (rest + np.arange(count + 1, dtype=np.int64) * f.numerator) // f.denominator
    return np.asarray(steps[1:] > steps[:-1])


def row_bytes(tracks: int, variations: bool = False, images: int = 0) -> int:
    """Return the bytes of one row in an uncompressed file."""
    return (schema.JET_DTYPE.itemsize + tracks * schema.TRACK_DTYPE.itemsize + variations * schema.VARIATION_DTYPE.itemsize
            + images * images * schema.IMAGE_DTYPE.itemsize)


def row_seconds(engine: str, pileup: float) -> float:
    """Return about how many seconds of one core a row takes."""
    return _ROW_SECONDS.get(engine, _OTHER_ROW_SECONDS) + pileup * _PILEUP_SECONDS


def expected_chunks(rows: tuple[int, int]) -> tuple[int, int]:
    """Return about how many chunks of each process that many rows take."""
    signal, qcd = (-int(-r * e // schema.EVENTS_PER_CHUNK) for r, e in zip(rows, EVENTS_PER_ROW, strict=True))
    return signal, qcd

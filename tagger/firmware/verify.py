"""The bit check: the same rows through Keras and through the compiled firmware; every logit must be the same number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

STRESS_SEED = 20_000
STRESS_ROWS = 2_000


@dataclass(frozen=True)
class BitCheck:
    """Outcome of a comparison.

    Attributes
    ----------
    rows : int
        Compared.
    mismatches : int
        Rows whose logits differ in any bit (NaN differs from everything).
    max_abs_diff : float
        Largest difference; infinite where a logit is not finite.
    first : int or None
        First row that differs.
    """

    rows: int
    mismatches: int
    max_abs_diff: float
    first: int | None

    @property
    def passed(self) -> bool:
        """At least one row was compared and none differs."""
        return self.rows > 0 and self.mismatches == 0


def bit_check(expected: ArrayLike, found: ArrayLike) -> BitCheck:
    """Compare two sets of logits (n,) for equality.

    Raises
    ------
    ValueError
        If their lengths differ.
    """
    a, b = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (expected, found))
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} logits expected, {len(b)} found")
    differs = np.flatnonzero(~(a == b))
    gap = np.abs(a[differs] - b[differs])
    largest = float(np.max(np.where(np.isfinite(gap), gap, np.inf), initial=0.0))
    return BitCheck(len(a), len(differs), largest, int(differs[0]) if len(differs) else None)


def stress_rows(scales: NDArray[np.float32], seed: int = STRESS_SEED) -> NDArray[np.float32]:
    """Return raw rows (n, k) far outside any range: all inputs at 0 and at both ends of float32, and random rows of
    either sign over 18 decades around the range, where truncation, saturation and sign are at work.

    Parameters
    ----------
    scales : (k,) array
        Powers of two that bring the inputs to order one.
    seed : int
        Of the random rows.
    """
    k = len(scales)
    rng = np.random.default_rng(seed)
    ends = np.array([0.0, 1.0, -1.0, 1e4, -1e4, 1e9, -1e9, 1e15, -1e15])
    large = np.float32(3e38) * np.array([[1.0], [-1.0]])
    decades = rng.uniform(-9.0, 9.0, (STRESS_ROWS, k))
    words = np.concatenate([ends[:, None] * np.ones(k), rng.normal(size=(STRESS_ROWS, k)) * 10.0**decades])
    return np.concatenate([words / scales, large * np.ones(k)]).astype(np.float32)


def outcome(check: BitCheck) -> dict[str, Any]:
    """Return `rows_compared`, `mismatches`, `max_abs_diff` for firmware.json (an infinite difference as None)."""
    finite = np.isfinite(check.max_abs_diff)
    return {"rows_compared": check.rows, "mismatches": check.mismatches,
            "max_abs_diff": check.max_abs_diff if finite else None}

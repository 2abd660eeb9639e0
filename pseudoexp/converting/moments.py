"""Mean and spread of columns, rows at a time, as by Chan, Golub and LeVeque (1983)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Moments:
    """Number, mean and sum of squared deviations of the finite values seen so far."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Take further values."""
        finite = values[np.isfinite(values)].astype(np.float64)
        if not len(finite):
            return
        mean = float(finite.mean())
        total = self.count + len(finite)
        step = mean - self.mean
        self.squares += float(np.square(finite - mean).sum()) + step * step * self.count * len(finite) / total
        self.mean += step * len(finite) / total
        self.count = total

    @property
    def spread(self) -> float:
        """Standard deviation; 1 for a column that is constant or empty, so that one can divide by it."""
        deviation = float(np.sqrt(self.squares / self.count)) if self.count else 0.0
        return deviation if deviation > 1e-9 * abs(self.mean) else 1.0

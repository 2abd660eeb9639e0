"""Figures of merit of a score, with weights and errors; plain numpy, no network.

Every error is the root of a sum of squared influences, summed first over the rows of one event: rows of one event are
correlated, events are not. For a weighted mean that is the usual sqrt(sum w^2); for the AUC the influences are the
structural components of DeLong et al. (Biometrics 44 (1988) 837); a rejection at fixed signal efficiency also carries the
fluctuation of its threshold through the slope of the ROC curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SLOPE_WINDOW = 0.05
"""Half width in signal efficiency over which the slope of the ROC curve is taken; narrower towards 0 and 1."""
UPPER_95 = 3.0
"""Expected events that are not seen with 5 % probability: -ln 0.05."""


class Scored:
    """Scores of both classes, ready for any number of working points.

    Parameters
    ----------
    score : (n,) array
        Higher for the signal.
    signal : (n,) bool array
        Class.
    weight : (n,) array, optional
        Weights, 1 by default; each class needs a positive sum.
    event : (n,) int array, optional
        Event numbers; every row an event of its own by default.
    """

    def __init__(self, score: ArrayLike, signal: ArrayLike, weight: ArrayLike | None = None,
                 event: ArrayLike | None = None) -> None:
        self.score = np.asarray(score, dtype=np.float64).reshape(-1)
        self.signal = np.asarray(signal, dtype=bool)
        self.weight = np.ones(len(self.score)) if weight is None else np.asarray(weight, dtype=np.float64)
        numbers = np.arange(len(self.score)) if event is None else np.asarray(event)
        self.cluster = np.unique(numbers, return_inverse=True)[1]
        self._down = [_Ranked(self.score[rows], self.weight[rows]) for rows in (~self.signal, self.signal)]

    def _error(self, influence: Array) -> float:
        return float(np.sqrt(np.sum(np.bincount(self.cluster, weights=influence) ** 2)))

    def effective_size(self, rows: NDArray[np.bool_]) -> float:
        """Return (sum w)^2 / sum w^2 over the events of some rows: as many unweighted events would err as little."""
        sums = np.bincount(self.cluster[rows], weights=self.weight[rows])
        square = float(np.sum(sums * sums))
        return float(np.sum(sums)) ** 2 / square if square > 0.0 else 0.0

    def auc(self) -> tuple[float, float]:
        """Return the weighted area under the ROC curve and its error.

        The area is the probability that a signal row scores above a background row, ties counting one half.
        """
        background, signal = self._down
        above = 1.0 - background.share_above(self.score[self.signal])
        below = signal.share_above(self.score[~self.signal])
        w, v = self.weight[self.signal] / signal.total, self.weight[~self.signal] / background.total
        area = float(np.sum(w * above))
        influence = np.empty(len(self.score))
        influence[self.signal] = w * (above - area)
        influence[~self.signal] = v * (below - area)
        return area, self._error(influence)

    def threshold(self, efficiency: float) -> float:
        """Return the largest score t of a signal row for which the share of signal with score >= t is `efficiency`."""
        return self._down[1].threshold(efficiency)

    def rejection(self, efficiency: float) -> dict[str, Any]:
        """Return the background rejection 1 / eps_B at a signal efficiency.

        Parameters
        ----------
        efficiency : float
            Signal efficiency of the cut score >= threshold.

        Returns
        -------
        dict
            `threshold`; `background` = eps_B and `background_error`; `rejection` = 1 / eps_B and `rejection_error`;
            `passed` background rows and `n_eff_passed`, their effective number. Without a background row above the
            threshold `rejection` is None and `rejection_above` its lower limit at 95 % confidence.
        """
        _, signal = self._down
        cut = signal.threshold(efficiency)
        of_threshold = -self._slope(efficiency) * ((self.score >= cut) - efficiency) / signal.total
        return {"threshold": cut} | self._let_through(cut, of_threshold)

    def at(self, cut: float) -> dict[str, Any]:
        """Return what a given cut score >= cut lets through, such as one that was found on another sample.

        Parameters
        ----------
        cut : float
            The threshold, which has no error here.

        Returns
        -------
        dict
            `signal`, the signal efficiency, and `signal_error`; the rest as `rejection` says.
        """
        _, signal = self._down
        rate = signal.pass_rate(cut)
        error = self._error(np.where(self.signal, (self.score >= cut) - rate, 0.0) / signal.total * self.weight)
        return {"signal": rate, "signal_error": error} | self._let_through(cut, np.zeros(len(self.score)))

    def _let_through(self, cut: float, of_signal: NDArray[np.floating[Any]]) -> dict[str, Any]:
        """Return the background above a cut; `of_signal` (n,) is the influence of signal rows on its rate, per weight."""
        background, _ = self._down
        over = self.score >= cut
        rate = background.pass_rate(cut)
        result = {"background": rate, "passed": int((~self.signal & over).sum()),
                  "n_eff_passed": self.effective_size(~self.signal & over)}
        if not rate > 0.0:
            limit = self.effective_size(~self.signal) / UPPER_95
            return result | {"background_error": None, "rejection": None, "rejection_error": None, "rejection_above": limit}
        error = self._error(np.where(self.signal, of_signal, (over - rate) / background.total) * self.weight)
        return result | {"background_error": error, "rejection": 1.0 / rate, "rejection_error": error / rate**2}

    def _slope(self, efficiency: float) -> float:
        """Return d eps_B / d eps_S of the ROC curve around `efficiency`."""
        background, signal = self._down
        half = min(SLOPE_WINDOW, 0.5 * efficiency, 0.5 * (1.0 - efficiency))  # the very ends hang on single rows
        low, high = efficiency - half, efficiency + half
        rates = [background.pass_rate(signal.threshold(e)) for e in (low, high)]
        return (rates[1] - rates[0]) / (high - low) if high > low else 0.0

    def roc(self, efficiencies: ArrayLike) -> tuple[Array, Array]:
        """Return eps_B and its error at each signal efficiency; the error is NaN where no background row passes."""
        points = [self.rejection(float(e)) for e in np.asarray(efficiencies)]
        error = [np.nan if p["background_error"] is None else p["background_error"] for p in points]
        return np.array([p["background"] for p in points]), np.array(error)


class _Ranked:
    """One class: scores from high to low and the cumulated weight."""

    def __init__(self, score: Array, weight: Array) -> None:
        order = np.argsort(-score, kind="stable")
        self.falling = score[order]
        self.negated = -self.falling
        self.cumulated = np.concatenate([[0.0], np.cumsum(weight[order])])
        self.total = float(self.cumulated[-1])

    def pass_rate(self, threshold: float) -> float:
        """Return the weighted share of rows with score >= threshold."""
        return float(self.cumulated[np.searchsorted(self.negated, -threshold, "right")]) / self.total

    def share_above(self, score: Array) -> Array:
        """Return for each of other scores the weighted share of these above it, ties counting one half."""
        strict = self.cumulated[np.searchsorted(self.negated, -score, "left")]
        loose = self.cumulated[np.searchsorted(self.negated, -score, "right")]
        return np.asarray(0.5 * (strict + loose) / self.total)

    def threshold(self, efficiency: float) -> float:
        """Return the largest score t for which pass_rate(t) is at least `efficiency`."""
        k = int(np.searchsorted(self.cumulated[1:], efficiency * self.total * (1.0 - 1e-12)))
        return float(self.falling[min(k, len(self.falling) - 1)])


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> float:
    """Return the Jensen-Shannon distance of two histograms: root of the divergence in bits, from 0 (equal) to 1 (apart)."""
    p, q = (np.asarray(h, dtype=np.float64) / np.sum(h) for h in (first, second))
    middle = 0.5 * (p + q)

    def divergence(a: Array) -> float:
        filled = a > 0.0
        return float(np.sum(a[filled] * np.log2(a[filled] / middle[filled])))

    return float(np.sqrt(max(0.0, 0.5 * divergence(p) + 0.5 * divergence(q))))

"""The classifier two-sample test: can boosted trees tell the rows of two samples apart?

A classifier is trained on which sample a row belongs to (Friedman, SLAC-PUB-10325; Lopez-Paz and Oquab, arXiv:1610.06545).
On rows it has not seen its area under the ROC curve is 0.5 for equal distributions and above for any difference that it
found, in one input or in how several go together. Both samples give the same number of rows, all with weight 1, so they
must have been sampled with the same bias. All rows of an event are in one fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import DataError
from pseudoexp.optional import require

FOLDS = 5
MIN_ROWS = 200
"""Smallest number of rows per sample."""
_IMPORTANCE_ROWS = 5000
_MIN_KNOWN = 40
_TREES = {"max_iter": 200, "learning_rate": 0.06, "max_leaf_nodes": 16, "min_samples_leaf": 40, "l2_regularization": 1.0,
          "early_stopping": False}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows of one sample.

    Attributes
    ----------
    data : (n, k) array
        One column per input; NaN stands for a missing value.
    event : (n,) integer array
        Rows of one event share a number.
    """

    data: NDArray[Any]
    event: NDArray[np.int64]

    def take(self, rows: Any) -> Rows:
        """Return some rows: a slice, a mask or indices."""
        return Rows(self.data[rows], self.event[rows])

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True)
class Verdict:
    """Result of the test.

    Attributes
    ----------
    auc, error : float
        Mean area under the ROC curve over the folds, and its standard error.
    rows : int
        Rows per sample.
    inputs : tuple of (str, float)
        Inputs and the area lost when an input's values are shuffled among the rows; the largest first.
    """

    auc: float
    error: float
    rows: int
    inputs: tuple[tuple[str, float], ...]


def two_sample_test(first: Rows, second: Rows, names: Sequence[str], seed: int = 1, rank: bool = True) -> Verdict:
    """Train trees to tell two samples apart; return how well they do on rows they have not seen.

    Parameters
    ----------
    first, second : Rows
        The samples; the larger one is thinned at random.
    names : sequence of str
        Names of the columns.
    seed : int
        Of thinning, folds, and shuffling.
    rank : bool
        Rank the inputs.

    Raises
    ------
    DataError
        With too few rows.
    MissingExtra
        Without scikit-learn.
    """
    rng = np.random.default_rng(seed)
    n = min(len(first), len(second))
    if n < MIN_ROWS:
        raise DataError(f"{n} rows in the smaller sample are too few for a two-sample test: {MIN_ROWS} of each")
    both = [rows.take(np.sort(rng.permutation(len(rows))[:n])) for rows in (first, second)]
    x = _without_empty(np.concatenate([rows.data for rows in both]))
    y = np.repeat([0, 1], n)
    event = np.concatenate([rows.event for rows in both])
    known, group = np.unique(event, return_inverse=True)
    fold = rng.permutation(np.arange(len(known)) % FOLDS)[group]
    areas, variances, losses = [], [], []
    for k in range(FOLDS):
        test = fold == k
        model = _trees(seed).fit(x[~test], y[~test])
        area, variance = area_under_curve(_score(model, x[test]), y[test], group[test])
        areas.append(area)
        variances.append(variance)
        if rank:
            losses.append(_losses(model, x[test], y[test], rng))
    order: list[tuple[str, float]] = []
    if rank:
        loss = np.mean(losses, axis=0)
        order = [(names[i], float(loss[i])) for i in np.argsort(-loss, kind="stable")]
    return Verdict(float(np.mean(areas)), float(np.sqrt(np.mean(variances) / FOLDS)), n, tuple(order))


def _without_empty(x: NDArray[Any]) -> NDArray[Any]:
    """Return the columns with 0 in those that are almost nowhere known: the trees cannot bin these."""
    known = (~np.isnan(x)).sum(axis=0) >= _MIN_KNOWN
    return np.where(known, x, np.zeros(1, x.dtype))


def _trees(seed: int) -> Any:
    return require("sklearn.ensemble", "validation").HistGradientBoostingClassifier(random_state=seed, **_TREES)


def _score(model: Any, x: NDArray[Any]) -> Array:
    return np.asarray(model.decision_function(x), dtype=np.float64)


def _losses(model: Any, x: NDArray[Any], y: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return the area lost per shuffled column."""
    chosen = rng.permutation(len(y))[:_IMPORTANCE_ROWS]
    x, y = x[chosen].copy(), y[chosen]
    whole, _ = area_under_curve(_score(model, x), y)
    result = np.zeros(x.shape[1])
    for i in range(x.shape[1]):
        column = x[:, i].copy()
        x[:, i] = column[rng.permutation(len(column))]
        result[i] = whole - area_under_curve(_score(model, x), y)[0]
        x[:, i] = column
    return result


def area_under_curve(score: Array, label: NDArray[np.integer], group: NDArray[np.integer] | None = None) -> tuple[float, float]:
    """Return the area under the ROC curve and its variance.

    The variance is DeLong's (Biometrics 44, 1988, 837), with the contributions of rows of one group added first.

    Parameters
    ----------
    score : (n,) array
        Higher for rows of label 1.
    label : (n,) integer array
        0 or 1.
    group : (n,) integer array, optional
        Rows that are correlated; every row for itself by default.
    """
    one = label == 1
    low, high = np.sort(score[~one]), np.sort(score[one])
    share = np.where(one, _below(low, score), 1.0 - _below(high, score))
    area = float(share[one].mean())
    counts = np.where(one, len(high), len(low))
    influence = (share - area) / counts
    total = influence if group is None else np.bincount(np.unique(group, return_inverse=True)[1], influence)
    return area, float(np.sum(total**2))


def _below(ordered: Array, score: Array) -> Array:
    """Return the share of values below each score, ties counting one half."""
    left, right = (np.searchsorted(ordered, score, side) for side in ("left", "right"))
    return np.asarray(0.5 * (left + right) / len(ordered))

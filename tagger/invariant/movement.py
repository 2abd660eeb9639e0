"""How far a score moves when the same jets are seen under other pile-up; plain numpy, no network.

Of jets that are in both files, weighted as the benchmark is, each class for itself:

* the share whose decision changes at a threshold made under the nominal pile-up, and what passes there;
* the Wasserstein distance of the two distributions of the logit, in units of the nominal one's standard deviation: a logit
  has no scale of its own;
* how well the pile-up can be guessed from the score: the area under the ROC curve of the ratio of the two densities, learnt
  on half of the events and judged on the others. 0.5: not at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.figures import summary
from pseudoexp.benchmark.metrics import Scored
from tagger.data import Split
from tagger.invariant.views import Views

Array = NDArray[np.float64]
EFFICIENCIES = (0.5, 0.6)
"""Nominal signal efficiencies of the thresholds."""
BINS = 30
"""Of equal content, in which the densities are learnt."""


def judge(views: Views, scores: list[NDArray[Any]]) -> dict[str, Any]:
    """Return the figures of a network under every pile-up, and how far its score moves from the first file to each other.

    Parameters
    ----------
    views : Views
        The files; their test splits are looked at.
    scores : list of (n,) arrays
        Logits of all rows of the test split of each file.

    Returns
    -------
    dict
        JSON types only: `pileup`; `jets` (see `Views.counts`); `figures` (one `pseudoexp.benchmark.figures.summary` per
        file, of all its rows); `moved` (one `movement` for each file but the first).
    """
    tests = [data.test for data in views.data]
    figures = [summary(_scored(score, part)) for score, part in zip(scores, tests, strict=True)]
    cuts = {e: figures[0]["rejection"][f"{e:g}"]["threshold"] for e in EFFICIENCIES}
    moved = []
    for v in range(1, len(tests)):
        rows = views.rows["test"][:, (0, v)]
        rows = rows[(rows >= 0).all(axis=1)]
        pair = [np.asarray(scores[i], dtype=np.float64)[rows[:, k]] for k, i in enumerate((0, v))]
        moved.append({"pileup": [views.pileup[0], views.pileup[v]]} | movement(pair[0], pair[1], tests[0].take(rows[:, 0]), cuts))
    return {"pileup": list(views.pileup), "jets": views.counts(), "figures": figures, "moved": moved}


def movement(nominal: Array, other: Array, part: Split, cuts: dict[float, float]) -> dict[str, Any]:
    """Return how two scores (n,) of the same n jets differ, for each class.

    Parameters
    ----------
    nominal, other : (n,) arrays
        Logits of the same jets under the nominal pile-up and another.
    part : Split
        The jets.
    cuts : dict
        Nominal signal efficiency -> threshold.

    Returns
    -------
    dict
        `hbb` and `qcd`, each with `wasserstein`, `guess` and, per efficiency, `changed` (share of jets whose decision
        changes) and `passes` (shares above the threshold in either).
    """
    found = {}
    for label, name in ((1, "hbb"), (0, "qcd")):
        mine = part.y == label
        a, b, w = nominal[mine], other[mine], part.weight[mine]
        found[name] = {
            "jets": int(mine.sum()), "wasserstein": wasserstein(a, b, w), "guess": guess(a, b, w, part.event[mine]),
            "changed": {f"{e:g}": float(np.average((a >= cut) != (b >= cut), weights=w)) for e, cut in cuts.items()},
            "passes": {f"{e:g}": [float(np.average(s >= cut, weights=w)) for s in (a, b)] for e, cut in cuts.items()},
        }
    return found


def wasserstein(first: Array, second: Array, weight: Array) -> float:
    """Return the Wasserstein-1 distance of two scores of the same weighted rows, in standard deviations of the first.

    It is the integral of |F_1 - F_2| over the score, F being the cumulated distributions.
    """
    edges = np.sort(np.concatenate([first, second]))
    below = []
    for score in (first, second):
        order = np.argsort(score, kind="stable")
        cumulated = np.concatenate([[0.0], np.cumsum(weight[order])]) / weight.sum()
        below.append(cumulated[np.searchsorted(score[order], edges[:-1], "right")])
    mean = np.average(first, weights=weight)
    deviation = float(np.sqrt(np.average((first - mean) ** 2, weights=weight)))
    distance = float(np.sum(np.abs(below[0] - below[1]) * np.diff(edges)))
    return distance / deviation if deviation > 0.0 else 0.0


def guess(first: Array, second: Array, weight: Array, event: NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of the best guess, from the score, of which of two samples a jet is from.

    The guess is the ratio of the two densities in `BINS` bins, learnt on every other event and judged on the rest, and the
    reverse; the mean of both.
    """
    edges = np.quantile(np.concatenate([first, second]), np.arange(1, BINS) / BINS)
    place = [np.searchsorted(edges, score, "right") for score in (first, second)]
    half = np.unique(event, return_inverse=True)[1] % 2
    areas = []
    for fold in (0, 1):
        learn, judged = half == fold, half != fold
        if not (weight[learn].sum() > 0.0 and weight[judged].sum() > 0.0):
            continue
        density = [np.bincount(p[learn], weight[learn], BINS) + weight[learn].mean() for p in place]
        ratio = density[1] / density[0]
        score = np.concatenate([ratio[p[judged]] for p in place])
        from_second = np.repeat([False, True], int(judged.sum()))
        areas.append(Scored(score, from_second, np.tile(weight[judged], 2)).auc()[0])
    return float(np.mean(areas)) if areas else 0.5


def _scored(score: NDArray[Any], part: Split) -> Scored:
    return Scored(score, part.y == 1, part.weight, part.event)

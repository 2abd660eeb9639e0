"""Does a tagger that learned on one sample work as well on another? Train on each of two files, test on both.

What a generator gets wrong matters to a tagger if a network trained on its rows does worse on another's than one that was
trained there. Both networks are judged on the same test rows, so the loss of rejection has a smaller error than either
rejection: it comes from resampling the events of the test split, one Poisson number of mean 1 for all rows of an event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.figures import summary
from pseudoexp.benchmark.metrics import Scored
from tagger.data import Split, TaggerData
from tagger.evaluate import logits
from tagger.train import TrainConfig, train

EFFICIENCIES = (0.5, 0.6)
"""Signal efficiencies at which rejections stand side by side."""
RESAMPLINGS = 200

Array = NDArray[np.float64]


def transfer(first: TaggerData, second: TaggerData, config: TrainConfig | None = None,
             report: Callable[[str], Callable[..., None] | None] | None = None) -> dict[str, Any]:
    """Train on both files and test both networks on both.

    Parameters
    ----------
    first, second : TaggerData
        The files.
    config : TrainConfig, optional
        How to train, the same for both.
    report : callable, optional
        Called with ``"first"`` or ``"second"`` before a training; returns what is called after each epoch.

    Returns
    -------
    dict
        JSON types only: `results` (trained -> tested -> figures as in `pseudoexp.benchmark.figures.summary`), `losses` (tested ->
        efficiency -> `loss` and `error`: relative loss of rejection of the network trained on the other file).
    """
    data = {"first": first, "second": second}
    scores: dict[str, dict[str, Array]] = {}
    for name, own in data.items():
        run = train(own, config, report(name) if report else None)
        scores[name] = {other: logits(run.model, rows.test.x).astype(np.float64) for other, rows in data.items()}
    results = {name: {tested: summary(scored(score, data[tested].test)) for tested, score in mine.items()}
               for name, mine in scores.items()}
    losses = {tested: rejection_losses(scores[tested][tested], scores[other][tested], data[tested].test)
              for tested, other in (("first", "second"), ("second", "first"))}
    return {"results": results, "losses": losses, "sources": {name: rows.source for name, rows in data.items()}}


def scored(score: Array, part: Split, factor: Array | None = None) -> Scored:
    """Return scores of a split with its benchmark weights, times a factor per row."""
    weight = part.weight if factor is None else part.weight * factor
    return Scored(score, part.y == 1, weight, part.event)


def rejection_losses(own: Array, foreign: Array, part: Split, seed: int = 1) -> dict[str, dict[str, float | None]]:
    """Return the relative loss of rejection of `foreign` scores against `own` ones of the same rows.

    Parameters
    ----------
    own, foreign : (n,) arrays
        Scores of the networks trained on the rows' own file and on the other.
    part : Split
        The rows.
    seed : int
        Of the resampling.

    Returns
    -------
    dict
        Efficiency -> `loss` and `error`; None where no background row passes (in any resampling).
    """
    rng = np.random.default_rng(seed)
    events, index = np.unique(part.event, return_inverse=True)
    found = _losses(own, foreign, part, None)
    samples = np.array([_losses(own, foreign, part, rng.poisson(1.0, len(events))[index].astype(float))
                        for _ in range(RESAMPLINGS)])
    return {f"{e:g}": {"loss": _plain(loss), "error": _plain(error)}
            for e, loss, error in zip(EFFICIENCIES, found, samples.std(axis=0), strict=True)}


def _losses(own: Array, foreign: Array, part: Split, factor: Array | None) -> list[float]:
    """Return the losses at all efficiencies, NaN where no background row passes."""
    pair = [scored(score, part, factor) for score in (own, foreign)]
    losses = []
    for efficiency in EFFICIENCIES:
        rates = [s.rejection(efficiency)["background"] for s in pair]
        losses.append(1.0 - rates[0] / rates[1] if min(rates) > 0.0 else np.nan)
    return losses


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

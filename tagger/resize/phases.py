"""Schemes that train more than once: rounds of removing and retraining, L1 and then a cut, a ranking and a new start.

All take the epochs of one training and share them among their phases, so that schemes can be compared at equal cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.data import TaggerData
from tagger.resize.baselines import OneShot, Scores, magnitude_scores
from tagger.resize.channels import KERNEL
from tagger.resize.gate import Budget, as_array, find_budgets
from tagger.resize.schedule import Anneal
from tagger.train import TrainConfig, fit

History = dict[str, list[float]]
Watch = Callable[[int], list[Any]]
"""Callbacks of a phase that is preceded by so many epochs."""


def shares(epochs: int, phases: int) -> list[int]:
    """Epochs of each phase, as equal as they can be, the last one the longest.

    Raises
    ------
    ConfigError
        If a phase would have none.
    """
    if epochs < phases:
        raise ConfigError(f"{epochs} epochs cannot be shared among {phases} phases of training: at least one each")
    ends = [epochs * i // phases for i in range(phases + 1)]
    return [high - low for low, high in pairwise(ends)]


def iterative(gated: keras.Model, data: TaggerData, config: TrainConfig, rounds: int, trained: bool,
              rows: NDArray[np.float32], watch: Watch) -> History:
    """Train, rank by magnitude, remove, train on: the usual scheme, down to the budget in equal ratios.

    Parameters
    ----------
    gated : keras.Model
        With open gates under one budget; ends frozen to it.
    data : TaggerData
        The file.
    config : TrainConfig
        `epochs` are shared among the rounds and, for a network that is not trained yet, a training before them; each
        round has a cosine schedule of its own.
    rounds : int
        Times that nodes are removed.
    trained : bool
        The weights mean something already.
    rows : array (rows, inputs)
        To take activations from.
    watch : callable
        Callbacks of a phase.

    Returns
    -------
    dict of list
        History of all epochs.
    """
    (budget,) = find_budgets(gated)
    wanted, full = budget.nodes, _full(budget)
    parts = shares(config.epochs, rounds + (not trained))
    history: History = {}
    for phase, epochs in enumerate(parts):
        done = phase + trained
        if done:
            target = full * (wanted / full) ** (done / rounds) if done < rounds else wanted
            budget.nodes = target if budget.cost else max(round(target), len(budget.sizes))
            scores = _of_the_living(budget, magnitude_scores(gated, rows))
            budget.freeze([scores[layer.name] for layer in budget.layers])
        final = phase == len(parts) - 1
        plan = replace(config, epochs=epochs, patience=config.patience if final else 0)
        _extend(history, fit(gated, data, plan, watch(_length(history))))
    return history


def l1_then_cut(gated: keras.Model, data: TaggerData, config: TrainConfig, fraction: float, strength: float,
                watch: Watch) -> History:
    """Train with an L1 term on all kernels, cut once by the norm of outgoing weights, train on without the term.

    Parameters
    ----------
    gated : keras.Model
        With open gates under one budget; ends frozen to it.
    data : TaggerData
        The file.
    config : TrainConfig
        How to train, all phases together.
    fraction : float
        Share of the epochs before the cut.
    strength : float
        Weight of the sum of absolute weights in the loss.
    watch : callable
        Callbacks of a phase.

    Returns
    -------
    dict of list
        History of all epochs.
    """
    before = _first_share(fraction, config.epochs)
    kernels = [layer.kernel for layer in gated.layers if type(layer) in KERNEL]
    own = [kernel.regularizer for kernel in kernels]
    for kernel in kernels:
        kernel.regularizer = keras.regularizers.L1(strength)
    history = fit(gated, data, replace(config, epochs=before, patience=0), watch(0))
    for kernel, old in zip(kernels, own, strict=True):
        kernel.regularizer = old
    cut = OneShot(magnitude_scores)
    after = fit(gated, data, replace(config, epochs=config.epochs - before), [cut, *watch(before)])
    _extend(history, after)
    return history


def rank_only(gated: keras.Model, data: TaggerData, config: TrainConfig, fraction: float, watch: Watch) -> History:
    """Train with live gates for a share of the epochs, then freeze: what follows is up to the caller.

    The epochs left are for a new network of the size found, as in the original CancelOut, which only ranks.
    """
    before = _first_share(fraction, config.epochs)
    return fit(gated, data, replace(config, epochs=before, patience=0), [Anneal(fraction=1.0), *watch(0)])


def _first_share(fraction: float, epochs: int) -> int:
    """Epochs of the first of two phases, each of which has one at least."""
    return min(max(round(fraction * epochs), 1), epochs - 1)


def _of_the_living(budget: Budget, scores: Scores) -> Scores:
    """Scores in which what was removed before comes last."""
    masks = {layer.name: as_array(layer.mask) > 0.5 for layer in budget.layers}
    return {name: np.where(mask, scores[name], -1.0) for name, mask in masks.items()}


def _full(budget: Budget) -> float:
    return float(sum(budget.sizes) if budget.cost is None else budget.cost.value([g.width for g in budget.layers]))


def _length(history: Mapping[str, Sequence[float]]) -> int:
    return len(history.get("loss", ()))


def _extend(history: History, more: History) -> None:
    """Append the columns that both histories have."""
    both = [name for name in more if not history or name in history]
    joined = {name: [*history.get(name, []), *more[name]] for name in both}
    history.clear()
    history.update(joined)

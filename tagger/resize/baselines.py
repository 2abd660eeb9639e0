"""What resizing while training is compared with: nodes taken at random, or once by their magnitude.

Both stand in the same harness: gates that let everything through until a `OneShot` callback closes all but the
budget's number of them, and the rest of the training heals the wound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tagger.resize.budget import Tensor
from tagger.resize.channels import KERNEL, functional, is_elementwise, steps
from tagger.resize.gate import Budget, Gate, as_array
from tagger.resize.schedule import Anneal

Scores = dict[str, NDArray[np.float64]]
"""For each gate's name one score per node."""

BATCH = 8192
"""Rows at a time through the network."""


@keras.saving.register_keras_serializable(package="tagger")
class OpenGate(Gate):
    """A gate that is open until its budget is frozen."""

    learns = False

    def gates(self, trace: object | None = None) -> Tensor:
        """Ones, or the frozen selection."""
        return ops.convert_to_tensor(self.mask)


class OneShot(Anneal):
    """Freeze the budgets once by given scores.

    Parameters
    ----------
    rank : callable
        Model -> scores by gate.
    fraction : float
        Share of the epochs before; 0 ranks the model as it comes.
    """

    def __init__(self, rank: Callable[[keras.Model], Scores], fraction: float = 0.0) -> None:
        super().__init__(fraction=fraction)
        self.rank = rank

    def scores_of(self, budget: Budget) -> Sequence[NDArray[np.floating[Any]]]:
        """Scores of the budget's layers."""
        found = self.rank(self.model)
        return [found[layer.name] for layer in budget.layers]


def random_scores(model: keras.Model, seed: int) -> Scores:
    """Scores without meaning: every selection that leaves a node per layer may come out."""
    rng = np.random.default_rng(seed)
    return {gate.name: rng.random(gate.size) for gate in model.layers if isinstance(gate, Gate)}


def magnitude_scores(model: keras.Model, x: NDArray[np.float32] | None = None) -> Scores:
    """Norm of each node's outgoing weights, times the spread of its activation.

    Parameters
    ----------
    model : keras.Model
        Trained model with gates that are followed by a layer with a kernel.
    x : array (rows, inputs), optional
        Rows to take the activations' standard deviation from; without them the norm alone counts.

    Returns
    -------
    dict
        Scores by gate; each layer's have mean 1, so that layers under one budget compare.
    """
    model = functional(model)
    chain = steps(model)
    found: Scores = {}
    for step in chain:
        if not isinstance(step.layer, Gate):
            continue
        follower = step
        while type(follower.layer) not in KERNEL:
            follower = next(other for other in chain if follower.output in other.inputs)
            if type(follower.layer) not in KERNEL and not is_elementwise(follower.layer):
                break
        kernel = np.asarray(as_array(follower.layer.kernel), dtype=float)
        scores = np.sqrt(np.sum(np.square(kernel), axis=(*range(kernel.ndim - 2), -1)))
        if x is not None:
            part = keras.Model(model.inputs, step.layer.input)  # called, not predict: no graph has to be made
            values = [as_array(part(x[i : i + BATCH], training=False)) for i in range(0, len(x), BATCH)]
            scores = scores * np.concatenate(values).reshape(-1, step.layer.size).std(axis=0)
        found[step.layer.name] = scores / max(float(scores.mean()), 1e-30)
    return found


def ranker(method: str, seed: int, x: NDArray[Any] | None = None) -> Callable[[keras.Model], Scores]:
    """The ranking called "random" or "magnitude", as `OneShot` wants it."""
    if method == "random":
        return lambda model: random_scores(model, seed)
    return lambda model: magnitude_scores(model, x)

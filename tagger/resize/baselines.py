"""What resizing while training is compared with: nodes taken at random, or once by their magnitude.

Both stand in the same harness: gates that let everything through until a `OneShot` callback closes all but the
budget's number of them, and the rest of the training heals the wound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.channels import KERNEL, POOLING, Step, functional, is_elementwise, steps
from tagger.resize.gate import Budget, Gate, as_array
from tagger.resize.recurrent import RECURRENT, RecurrentGate
from tagger.resize.schedule import Anneal

Scores = dict[str, NDArray[np.float64]]
"""For each gate's name one score per node."""

BATCH = 8192
"""Rows at a time through the network."""


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
        gate = step.layer
        if not isinstance(gate, Gate):
            continue
        squares = _outgoing(step, chain)
        if x is not None:
            seen = gate.output if isinstance(gate, RecurrentGate) else gate.input
            inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
            part = keras.Model(inputs, seen)  # called, not predict: no graph has to be made
            values = [as_array(part(x[i : i + BATCH], training=False)) for i in range(0, len(x), BATCH)]
            squares = squares * np.concatenate(values).reshape(-1, gate.width).var(axis=0)
        if gate.groups is not None:
            squares = np.asarray(np.bincount(gate.groups, weights=squares), dtype=np.float64)
        scores = np.sqrt(squares)
        found[gate.name] = scores / max(float(scores.mean()), 1e-30)
    return found


def _outgoing(step: Step, chain: Sequence[Step]) -> NDArray[np.float64]:
    """Sum of the squared weights (channels,) that a gate's channels go out by, its own recurrent ones included."""
    width = step.layer.width
    squares = np.zeros(width)
    if isinstance(step.layer, RecurrentGate):
        squares += np.sum(np.square(as_array(step.layer.layer.cell.recurrent_kernel).astype(np.float64)), axis=1)
    tensors = [step.output]
    while tensors:
        tensor = tensors.pop()
        for user in (other for other in chain if tensor in other.inputs):
            kernel = _kernel(user.layer)
            if kernel is not None:  # behind Flatten the channels come again and again
                squares += np.sum(np.square(kernel), axis=(*range(kernel.ndim - 2), -1)).reshape(-1, width).sum(axis=0)
            elif is_elementwise(user.layer) or type(user.layer) in (*POOLING, layers.Flatten) or isinstance(user.layer, Gate):
                tensors.append(user.output)
            else:
                raise ConfigError(f"layer '{user.layer.name}' behind gate '{step.layer.name}': the magnitude of what "
                                  "goes through it is unknown")
    return squares


def _kernel(layer: keras.layers.Layer) -> NDArray[np.float64] | None:
    inner: Any = layer.layer if isinstance(layer, RecurrentGate) else layer
    if type(inner) in KERNEL + RECURRENT:
        return as_array(inner.kernel if type(inner) in KERNEL else inner.cell.kernel).astype(np.float64)
    return None


def ranker(method: str, seed: int, x: NDArray[Any] | None = None) -> Callable[[keras.Model], Scores]:
    """The ranking called "random" or "magnitude", as `OneShot` wants it."""
    if method == "random":
        return lambda model: random_scores(model, seed)
    return lambda model: magnitude_scores(model, x)

"""Stochastic binary neurons: hidden units that are 1 with probability p = sigmoid(a) and else 0.

While it trains a unit is drawn; afterwards it says its expectation p, or is drawn as often as wanted and the network's
probabilities are averaged. A drawn unit has no derivative, and there are two ways around that:

* straight-through: the derivative of a draw is taken to be that of its expectation, db/da = p (1 - p). Biased for all
  that comes after it and is not linear, of low variance (Y. Bengio, N. Leonard, A. Courville, arXiv:1308.3432).
* score function: E[L(b)] has the gradient E[(L(b) - c) grad log P(b)], log P(b) = a b - softplus(a), for any c that does
  not depend on the draw (R. Williams, Machine Learning 8 (1992) 229). Unbiased, of large variance; `score_term` takes for
  c the mean loss of the other draws of the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError, SchemaError
from tagger.model import build

GRADIENTS = ("straight-through", "score")
Tensor = Any


@keras.saving.register_keras_serializable(package="tagger")
class Bernoulli(keras.layers.Layer):
    """Units that are 1 with probability sigmoid(input); their expectation where nothing trains.

    Parameters
    ----------
    gradient : {"straight-through", "score"}
        What flows back through a draw: the derivative of its expectation, or nothing, because `score_term` has it.
    seed : int, optional
        Of the draws.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ConfigError
        If the gradient is unknown.
    """

    def __init__(self, gradient: str = GRADIENTS[0], seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if gradient not in GRADIENTS:
            raise ConfigError(f"gradient '{gradient}' is unknown: allowed are {', '.join(GRADIENTS)}")
        self.gradient, self.seed = gradient, seed
        self.draws = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Return draws 0 and 1 in training, probabilities otherwise; the shape of the input."""
        probability = ops.sigmoid(inputs)
        if not training:
            return probability
        uniform = keras.random.uniform(ops.shape(inputs), dtype=inputs.dtype, seed=self.draws)
        drawn = ops.cast(uniform < probability, inputs.dtype)
        if self.gradient == "score":
            return ops.stop_gradient(drawn)
        return probability + ops.stop_gradient(drawn - probability)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the configuration of the layer."""
        return {**super().get_config(), "gradient": self.gradient, "seed": self.seed}


def log_probability(activation: Tensor, drawn: Tensor) -> Tensor:
    """Return log P of the draws of a layer (..., units) given its activations, summed over the units."""
    return ops.sum(activation * drawn - ops.softplus(activation), axis=-1)


def score_term(loss: Tensor, log_p: Tensor) -> Tensor:
    """Return a term whose gradient is the score function's estimate of that of the mean loss.

    Parameters
    ----------
    loss : (draws, ...) tensor
        Loss of each draw; only its value is used.
    log_p : (draws, ...) tensor
        Log-probability of each draw, of all stochastic layers together.

    Returns
    -------
    (...) tensor
        mean over the draws of (loss - mean loss of the other draws) log_p. Its value means nothing.
    """
    draws = int(loss.shape[0])
    others = (ops.sum(loss, axis=0, keepdims=True) - loss) / (draws - 1)
    return ops.mean(ops.stop_gradient(loss - others) * log_p, axis=0)


def stochastic(model: keras.Model, gradient: str = GRADIENTS[0], seed: int = 1) -> keras.Model:
    """Return a network with Bernoulli units in place of the sigmoid units of a chain of layers, the weights copied.

    Parameters
    ----------
    model : keras.Model
        Layers in a row; its hidden layers Dense with activation sigmoid.
    gradient : str
        See `Bernoulli`.
    seed : int
        Of the draws.

    Raises
    ------
    SchemaError
        If the network has no layer of sigmoid units.
    """
    layers: list[Any] = []
    for layer in _chain(model):
        config = layer.get_config()
        if config.get("activation") == "sigmoid":
            layers += [type(layer).from_config(config | {"activation": "linear"}),
                       Bernoulli(gradient, seed + len(layers), name=f"{layer.name}_drawn")]
        else:
            layers.append(type(layer).from_config(config))
    if len(layers) == len(_chain(model)):
        raise SchemaError(f"model {model.name}: has no layer of sigmoid units that could be drawn")
    return _joined(model, layers)


def expected(model: keras.Model) -> keras.Model:
    """Return the plain network in which sigmoid units stand for Bernoulli units, the weights copied."""
    layers: list[Any] = []
    for layer in _chain(model):
        if isinstance(layer, Bernoulli):
            layers[-1] = type(layers[-1]).from_config(layers[-1].get_config() | {"activation": "sigmoid"})
        else:
            layers.append(type(layer).from_config(layer.get_config()))
    return _joined(model, layers)


def stochastic_network(inputs: int, hidden: Sequence[int], mean: Any, variance: Any, gradient: str, seed: int) -> keras.Model:
    """Return `tagger.model.build`'s network with Bernoulli units in its hidden layers."""
    return stochastic(build(inputs, hidden, mean, variance, seed, activation="sigmoid"), gradient, seed)


def activations(model: keras.Model) -> keras.Model:
    """Return the network with the outputs [logit, a, b, a, b, ...]: activations and units of its Bernoulli layers."""
    pairs = [tensor for layer in model.layers if isinstance(layer, Bernoulli) for tensor in (layer.input, layer.output)]
    return keras.Model(model.inputs, [model.output, *pairs])


def sampled_logits(model: keras.Model, x: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """Return the logit (n,) of the mean probability of so many draws of a stochastic network.

    Parameters
    ----------
    model : keras.Model
        With Bernoulli units.
    x : (n, k) array
        Rows.
    samples : int
        Draws.
    """
    total = np.zeros(len(x))
    for _ in range(samples):
        drawn = np.asarray(ops.convert_to_numpy(model(x, training=True)), dtype=np.float64)[:, 0]
        total += 1.0 / (1.0 + np.exp(-drawn))
    mean = np.clip(total / samples, 1e-12, 1.0 - 1e-12)
    return np.log(mean / (1.0 - mean)).astype(np.float32)


def _chain(model: keras.Model) -> list[Any]:
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def _joined(model: keras.Model, layers: Sequence[Any]) -> keras.Model:
    """Return a network of new layers in a row, with the weights of the layers of the same names."""
    x = inputs = keras.Input(model.input_shape[1:], name="inputs")
    for layer in layers:
        x = layer(x)
    for layer in layers:
        if not isinstance(layer, Bernoulli):
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return keras.Model(inputs, x, name=model.name)

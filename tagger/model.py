"""The network: raw inputs -> stored affine normalisation -> dense ReLU layers -> one logit.

The normalisation is part of the model, so a run folder takes the file's columns as they are. Firmware has no room for it:
`fold_normalisation` puts it into the first dense layer, and powers of two (a shift of the bits) bring MeV down to order one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.errors import ConfigError
from pseudoexp.optional import require

if TYPE_CHECKING:
    import keras

HIDDEN = (64, 32, 16)
"""Nodes of the hidden layers by default."""
NORMALISATION, LOGIT = "normalisation", "logit"
TAIL = 1e-3
"""Share of rows at each end that `moments` pulls in to the quantile."""


def import_keras() -> Any:
    """Return the keras module.

    Raises
    ------
    MissingExtra
        If Keras or its backend is not installed.
    """
    return require("keras", "tagger")


def moments(x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of each column after its tails are pulled in to the quantiles `TAIL` and 1 - `TAIL`.

    Significances and masses have power-law tails: a few rows would set the plain variance and squeeze the bulk into a corner.
    Clipping only the *estimate* keeps the map itself affine, so that it folds into a dense layer. A constant column gets
    variance 1.

    Parameters
    ----------
    x : (n, k) array
        Training rows.
    """
    mean, variance = np.zeros(x.shape[1]), np.ones(x.shape[1])
    for k in range(x.shape[1]):
        column = x[:, k].astype(np.float64)
        low, high = np.quantile(column, (TAIL, 1.0 - TAIL))
        if low == high:  # nearly always the same value: the rare others decide
            low, high = column.min(), column.max()
        np.clip(column, low, high, out=column)
        mean[k] = column.mean()
        spread = column.var()
        if spread > 1e-12 * max(1.0, mean[k] ** 2):
            variance[k] = spread
    return mean, variance


def build(n_inputs: int, hidden: Sequence[int] = HIDDEN, mean: ArrayLike | None = None, variance: ArrayLike | None = None,
          seed: int = 1, activation: str = "relu") -> keras.Model:
    """Build the network.

    Parameters
    ----------
    n_inputs : int
        Columns of the input.
    hidden : sequence of int
        Nodes of each hidden layer; empty for logistic regression.
    mean, variance : (n_inputs,) arrays, optional
        Of the training inputs, as `moments` gives them; 0 and 1 by default.
    seed : int
        Of the initial weights.
    activation : str
        Of the hidden layers.

    Returns
    -------
    keras.Model
        Functional model (n, n_inputs) -> (n, 1), with layers `normalisation`, `hidden_1`, ..., `logit`.

    Raises
    ------
    ConfigError
        If a layer would have no node.
    """
    if n_inputs < 1 or any(nodes < 1 for nodes in hidden):
        raise ConfigError(f"hidden layers {tuple(hidden)} with {n_inputs} inputs: every layer needs at least one node")
    keras = import_keras()
    x = inputs = keras.Input((n_inputs,), name="inputs")
    x = keras.layers.Normalization(
        mean=np.zeros(n_inputs) if mean is None else np.asarray(mean, dtype=np.float64),
        variance=np.ones(n_inputs) if variance is None else np.asarray(variance, dtype=np.float64), name=NORMALISATION)(x)
    for i, nodes in enumerate(hidden, start=1):
        start = keras.initializers.HeNormal(seed=seed + 1000 * i)
        x = keras.layers.Dense(int(nodes), activation=activation, kernel_initializer=start, name=f"hidden_{i}")(x)
    start = keras.initializers.GlorotUniform(seed=seed)
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer=start, name=LOGIT)(x), name="tagger")


def normalisation_of(model: keras.Model) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (mean, standard deviation) of the stored normalisation; 0 and 1 for a model without one."""
    keras = import_keras()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean = np.asarray(keras.ops.convert_to_numpy(layer.mean), dtype=np.float64).reshape(-1)
            variance = np.asarray(keras.ops.convert_to_numpy(layer.variance), dtype=np.float64).reshape(-1)
            return mean, np.maximum(np.sqrt(variance), keras.config.epsilon())
    k = int(model.input_shape[-1])
    return np.zeros(k), np.ones(k)


def input_scales(model: keras.Model, spread: float = 3.0) -> NDArray[np.float64]:
    """Return per input the largest power of two that keeps |mean| + `spread` standard deviations within 1.

    Parameters
    ----------
    model : keras.Model
        With a stored normalisation.
    spread : float
        Standard deviations to cover.

    Returns
    -------
    (k,) float64 array
        Multiplying by it only shifts the binary point: exact in floating and in fixed point.
    """
    mean, deviation = normalisation_of(model)
    return np.exp2(-np.ceil(np.log2(np.abs(mean) + spread * deviation)))


def fold_normalisation(model: keras.Model, scales: ArrayLike | None = None) -> keras.Model:
    """Return the same function without the normalisation layer: folded(x * scales) = model(x).

    W' = W / (sigma scale), b' = b - (mean / sigma) W, computed in float64.

    Parameters
    ----------
    model : keras.Model
        A chain of layers in which the normalisation, if any, is followed by a Dense layer.
    scales : (k,) array, optional
        What the inputs will be multiplied by beforehand, as from `input_scales`; ones by default.

    Raises
    ------
    ConfigError
        If the layers are not such a chain, or the first Dense layer has no bias.
    """
    keras = import_keras()
    chain = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if chain and isinstance(chain[0], keras.layers.Normalization):
        chain = chain[1:]
    if not chain or not isinstance(chain[0], keras.layers.Dense) or any(_branches(layer) for layer in chain):
        raise ConfigError(f"model {model.name}: only a chain normalisation -> Dense -> ... can be folded, "
                          f"not {[type(layer).__name__ for layer in model.layers]}")
    mean, deviation = normalisation_of(model)
    factor = 1.0 / deviation
    scales = np.ones_like(mean) if scales is None else np.asarray(scales, dtype=np.float64)
    x = inputs = keras.Input(model.input_shape[1:], name="inputs")
    copies = []
    for layer in chain:
        copies.append(layer.__class__.from_config(layer.get_config()))
        x = copies[-1](x)
    for layer, copy in zip(chain, copies, strict=True):
        copy.set_weights(layer.get_weights())
    weights = [np.asarray(w, dtype=np.float64) for w in chain[0].get_weights()]
    kernel = weights[0] * (factor / scales)[:, None]
    shift = -(mean * factor) @ weights[0]
    if len(weights) == 1:
        raise ConfigError(f"layer {chain[0].name}: a bias is needed to take the mean of the normalisation")
    copies[0].set_weights([kernel.astype(np.float32), (weights[1] + shift).astype(np.float32)])
    return keras.Model(inputs, x, name=model.name)


def fixed_point_chain(model: keras.Model) -> tuple[NDArray[np.float64], list[Any]]:
    """Return what fixed point starts from: powers of two for the inputs, and copies of the layers that take what they give.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1).

    Returns
    -------
    scales : (k,) float64 array
        See `input_scales`.
    layers : list of keras.layers.Dense
        The normalisation folded into the first, see `fold_normalisation`.

    Raises
    ------
    ConfigError
        If the network is no such chain, whatever else it is good for; the message names the layer.
    """
    keras = import_keras()
    chain = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if chain and isinstance(chain[0], keras.layers.Normalization):
        chain = chain[1:]
    for layer in chain:
        wanted = "linear" if layer is chain[-1] else "relu"
        if (not isinstance(layer, keras.layers.Dense) or keras.activations.serialize(layer.activation) != wanted
                or not layer.use_bias):
            raise ConfigError(f"layer {layer.name} ({type(layer).__name__}) of the network cannot be quantised; allowed: Dense "
                              "layers with ReLU and a linear Dense layer at the end, all with a bias")
    taken, given = ([tuple(tensor.shape) for tensor in tensors] for tensors in (model.inputs, model.outputs))
    if [len(shape) for shape in taken] != [2] or [shape[1:] for shape in given] != [(1,)]:
        raise ConfigError(f"network {model.name} takes {taken} and gives {given}, so it cannot be quantised; allowed: one array "
                          "(rows, inputs) in, one logit a row out")
    scales = input_scales(model)
    return scales, dense_layers(fold_normalisation(model, scales))


def _branches(layer: Any) -> bool:
    return len(layer._inbound_nodes) != 1 or isinstance(layer.output, list | tuple) or isinstance(layer.input, list | tuple)


def dense_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers with a weight matrix (Dense and its quantised relatives) in order."""
    return [layer for layer in model.layers if len(getattr(getattr(layer, "kernel", None), "shape", ())) == 2]


def complexity(model: keras.Model) -> dict[str, Any]:
    """Return the size of the network.

    Returns
    -------
    dict
        `inputs`; `layout` (nodes of each hidden layer) and `nodes` (their sum); `parameters` (weights and biases of the dense
        layers, the stored normalisation not counted); `multiplications` (per row, the normalisation folded).
    """
    shapes = [tuple(int(n) for n in layer.kernel.shape) for layer in dense_layers(model)]
    layout = [shape[1] for shape in shapes[:-1]]
    return {"inputs": int(model.input_shape[-1]), "layout": layout, "nodes": sum(layout),
            "parameters": sum(a * b + (b if layer.use_bias else 0)
                              for layer, (a, b) in zip(dense_layers(model), shapes, strict=True)),
            "multiplications": sum(a * b for a, b in shapes)}

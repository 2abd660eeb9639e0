"""Small networks on the objects in a jet: sums over tracks, a recurrent network on their sequences, convolutions on an image.

All take raw arrays as `tagger.objects` makes them; the normalisation is part of the network, as in `tagger.model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tagger.model import NORMALISATION, import_keras, moments
from tagger.objects import flag_moments

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]
PER_TRACK, PER_JET = (48, 48), (48,)
"""Nodes of the deep-sets network before and behind its sum."""
UNITS, HEAD = 32, (32,)
"""Of the recurrent network's state, and of the layers behind it."""
FILTERS, KERNELS = (8, 16, 32), (5, 3, 3)
"""Of the convolutions: how many, and the pixels per side that they look at; each halves the image."""
_TRACKS_IN_SUM = 16.0  # keeps the sum of order one
_ENERGY = 1.0  # GeV, where the logarithm of a pixel begins


def deep_sets(x: Array, seed: int) -> keras.Model:
    """Return a network (n, N, features and flag) -> (n, 1): the same layers for each track, a sum, more layers.

    The order of the tracks and the number of padded ones do not matter (Zaheer et al., arXiv:1703.06114).
    """
    keras = import_keras()
    inputs = keras.Input(x.shape[1:], name="inputs")
    features, flag = inputs[..., :-1], inputs[..., -1:]
    h = _normalised(flag_moments(x))(features)
    for i, nodes in enumerate(PER_TRACK, start=1):
        h = _dense(nodes, seed + 1000 * i, f"track_{i}")(h)
    h = keras.ops.sum(h * flag, axis=1) / _TRACKS_IN_SUM
    return keras.Model(inputs, _head(h, PER_JET, seed), name="deep_sets")


def recurrent(x: Array, seed: int) -> keras.Model:
    """Return a network (n, 2, K, features and flag) -> (n, 1): one GRU for both track jets, the most displaced track last."""
    keras = import_keras()
    inputs = keras.Input(x.shape[1:], name="inputs")
    return keras.Model(inputs, _head(_states(inputs, x, seed), HEAD, seed), name="recurrent")


def recurrent_with_inputs(x: Array, seed: int, columns: int, shape: tuple[int, ...]) -> keras.Model:
    """Return `recurrent` beside the inputs of the row.

    Parameters
    ----------
    x : (n, columns + prod(shape)) array
        The inputs, then the flat sequences.
    seed : int
        Of the initial weights.
    columns : int
        Number of inputs.
    shape : tuple of int
        Of the sequences of one row.
    """
    keras = import_keras()
    inputs = keras.Input(x.shape[1:], name="inputs")
    row = _normalised(moments(x[:, :columns]))(inputs[:, :columns])
    tracks = keras.ops.reshape(inputs[:, columns:], (-1, *shape))
    states = _states(tracks, x[:, columns:].reshape(-1, *shape), seed)
    return keras.Model(inputs, _head(keras.ops.concatenate([row, states], axis=1), (64, *HEAD), seed),
                       name="recurrent_with_inputs")


def convolutional(x: NDArray[Any], seed: int) -> keras.Model:
    """Return a network (n, N, N, layers) [GeV] -> (n, 1): convolutions on logarithms, then the mean over the image."""
    keras = import_keras()
    inputs = keras.Input(x.shape[1:], name="inputs", dtype="float16")
    h = keras.ops.log1p(keras.ops.cast(inputs, "float32") / _ENERGY)
    for i, (filters, size) in enumerate(zip(FILTERS, KERNELS, strict=True), start=1):
        start = keras.initializers.HeNormal(seed=seed + 1000 * i)
        h = keras.layers.Conv2D(filters, size, strides=2, padding="same", activation="relu", kernel_initializer=start,
                                name=f"convolution_{i}")(h)
    h = keras.layers.GlobalAveragePooling2D()(h)
    return keras.Model(inputs, _head(h, HEAD, seed), name="convolutional")


def parameters(model: keras.Model) -> int:
    """Return the trained numbers of a network."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def _states(sequences: Any, x: Array, seed: int) -> Any:
    """Return the last states (n, 2 * UNITS) of a GRU on both track jets; padding leaves a state as it is."""
    keras = import_keras()
    steps, width = x.shape[2], x.shape[3]
    flat = keras.ops.reshape(sequences, (-1, steps, width))
    features, flag = flat[..., :-1], flat[..., -1]
    h = _normalised(flag_moments(x), "track_normalisation")(features)
    gru = keras.layers.GRU(UNITS, go_backwards=True, unroll=True, name="tracks",
                           kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1),
                           recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 2))
    return keras.ops.reshape(gru(h, mask=flag > 0.5), (-1, 2 * UNITS))


def _normalised(of: tuple[NDArray[np.float64], NDArray[np.float64]], name: str = NORMALISATION) -> Any:
    return import_keras().layers.Normalization(mean=of[0], variance=of[1], name=name)


def _dense(nodes: int, seed: int, name: str) -> Any:
    keras = import_keras()
    return keras.layers.Dense(nodes, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=seed), name=name)


def _head(h: Any, hidden: tuple[int, ...], seed: int) -> Any:
    keras = import_keras()
    for i, nodes in enumerate(hidden, start=1):
        h = _dense(nodes, seed + 500 * i, f"hidden_{i}")(h)
    return keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=seed), name="logit")(h)

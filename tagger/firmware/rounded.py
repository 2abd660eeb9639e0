"""A trained float network with all numbers rounded to W bits, as whole numbers: what post-training rounding costs in logic.

The formats are those of `tagger.fixed`: each input its own, one for the activations of a layer, one for the weights
behind each input; biases have four bits more. Inputs are cut downwards as at every port of ours, and half a step's mean
loss goes into the first bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.firmware.fixed_point import FixedLayer, FixedNetwork, Integers
from tagger.fixed import COVERED
from tagger.model import fixed_point_chain

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float64]
BITS = 8
"""What `--luts` of `tagger prune` assumes."""
_FINEST = 40


def rounded(model: keras.Model, calibration: NDArray[np.float32], bits: int = BITS) -> FixedNetwork:
    """Round a network.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1).
    calibration : (m, k) array
        Raw training rows that set the ranges.
    bits : int
        Of inputs, activations and weights, 2 to 16.

    Raises
    ------
    ConfigError
        If `bits` is not allowed, or the network is no such chain.
    """
    if not 2 <= bits <= 16:
        raise ConfigError(f"{bits} bits; allowed: 2 to 16")
    scales, layers = fixed_point_chain(model)
    values = calibration.astype(np.float64) * scales
    made = []
    for layer in layers:
        kernel, bias = (np.asarray(w, dtype=np.float64) for w in layer.get_weights())
        first, last = layer is layers[0], layer is layers[-1]
        made.append(_layer(values, kernel, bias, bits, first, last))
        values = values @ kernel + bias
        if not last:
            values = np.maximum(values, 0.0)
    return FixedNetwork(np.round(np.log2(scales)).astype(np.int64), tuple(made))


def _layer(values: Array, kernel: Array, bias: Array, bits: int, first: bool, last: bool) -> FixedLayer:
    top = np.quantile(np.abs(values), COVERED, axis=0)
    if not first:
        top = np.full(len(top), top.max())
    signed = (values.min(axis=0) < 0.0).astype(np.int64) if first else np.zeros(len(top), dtype=np.int64)
    integer = _integer_bits(top)
    fractional = np.where(top > 0.0, bits - signed - integer, -integer - signed)  # always 0: no bits
    input_bits = max(int(fractional.max()), 0)
    width = _integer_bits(np.abs(kernel).max(axis=1))
    steps = bits - 1 - width
    used = np.abs(kernel).max(axis=1) > 0.0
    weight_bits = int(np.clip(steps[used].max(initial=0), 0, _FINEST))
    whole = np.clip(np.round(np.ldexp(kernel, steps[:, None])), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    rows = np.ldexp(whole, (weight_bits - steps)[:, None])
    rows = np.where(used[:, None], np.floor(rows), 0.0)
    if first:
        bias = bias + 0.5 * np.ldexp(1.0, -fractional) @ kernel
    grid = min(max(bits + 3 - int(_integer_bits(np.abs(bias).max(initial=1e-30)[None])[0]), 0), weight_bits + input_bits)
    biases = np.ldexp(np.round(np.ldexp(bias, grid)), weight_bits + input_bits - grid)
    return FixedLayer(signed, integer, fractional, not first, rows.astype(np.int64), biases.astype(np.int64), weight_bits,
                      input_bits, not last)


def _integer_bits(largest: Any) -> Integers:
    bits: Integers = np.ceil(np.log2(np.maximum(largest, 2.0**-20))).astype(np.int64)
    return bits

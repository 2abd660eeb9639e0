"""Take the small network out of a gated one: an ordinary Keras model with the same logits and no gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.channels import KERNEL, Constants, Mask, Step, constants, functional, is_elementwise, needs, steps
from tagger.resize.folded import GatedDense
from tagger.resize.gate import Gate, as_array
from tagger.resize.recurrent import RECURRENT, RecurrentGate


class Shrunk(NamedTuple):
    """A small network and what it reads.

    Attributes
    ----------
    model : keras.Model
        Plain Keras layers only.
    inputs : array of int
        Columns of the large network's input that the small one takes, in order.
    """

    model: keras.Model
    inputs: NDArray[np.int64]


def shrink(model: keras.Model) -> Shrunk:
    """Remove what frozen gates have switched off.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential model with frozen gates, one input.

    Returns
    -------
    Shrunk
        The small model (not compiled), equal to the large one at inference to rounding, and its inputs.

    Raises
    ------
    ConfigError
        If a gate is not frozen, or the graph cannot be taken apart.
    """
    model = functional(model)
    chain = steps(model)
    state, needed = _analyse(model, chain, {s.layer.name: _kept(s.layer) for s in chain if isinstance(s.layer, Gate)})
    tensors: dict[int, Any] = {}
    for step in chain:
        if isinstance(step.layer, Gate) and not isinstance(step.layer, RecurrentGate):
            tensors[step.output] = tensors[step.inputs[0]]
        elif isinstance(step.layer, layers.InputLayer):
            tensors[step.output] = _small_input(step.layer, needed[step.output])
        else:
            tensors[step.output] = _small_call(step, state, needed, tensors)
    small = keras.Model(
        [tensors[id(x)] for x in model.inputs] if len(model.inputs) > 1 else tensors[id(model.inputs[0])],
        [tensors[id(x)] for x in model.outputs] if len(model.outputs) > 1 else tensors[id(model.outputs[0])],
        name=model.name,
    )
    return Shrunk(small, np.flatnonzero(needed[id(model.inputs[0])]))


def check_shrinkable(model: keras.Model) -> None:
    """Refuse a gated model that `shrink` could not take apart, whatever its gates will keep.

    Parameters
    ----------
    model : keras.Model
        With gates, frozen or not.

    Raises
    ------
    ConfigError
        Naming the layer that stands in the way.
    """
    model = functional(model)
    chain = steps(model)
    _analyse(model, chain, {s.layer.name: _first_node(s.layer) for s in chain if isinstance(s.layer, Gate)})


def _analyse(
    model: keras.Model, chain: list[Step], kept: Mapping[str, Mask]
) -> tuple[dict[int, Constants], dict[int, Mask]]:
    if len(model.inputs) != 1:
        raise ConfigError(f"model '{model.name}' has {len(model.inputs)} inputs: only one is supported")
    state = constants(chain, kept)
    return state, needs(chain, state, [id(x) for x in model.outputs])


def _kept(gate: Gate) -> Mask:
    mask = np.zeros(gate.width, dtype=bool)
    mask[gate.kept_channels()] = True
    return mask


def _first_node(gate: Gate) -> Mask:
    first: Mask = np.arange(gate.width) == 0 if gate.groups is None else np.equal(gate.groups, 0)
    return first


def _small_input(layer: keras.layers.Layer, needed: Mask) -> keras.KerasTensor:
    shape = (*layer.batch_shape[1:-1], int(needed.sum()))
    return keras.Input(shape, batch_size=layer.batch_shape[0], dtype=layer.dtype, name=layer.name)


def _small_call(step: Step, state: Mapping[int, Constants], needed: Mapping[int, Mask], tensors: dict[int, Any]) -> Any:
    """Call the small copy of a layer on the small tensors."""
    layer = step.layer.layer if isinstance(step.layer, RecurrentGate) else step.layer
    config, out = layer.get_config(), needed[step.output]
    weights: list[NDArray[Any]] = layer.get_weights()
    if type(layer) in KERNEL:
        given = state[step.inputs[-1]]
        weights, shifted = _small_kernel(layer, given, needed[step.inputs[-1]], out)
        config["units" if "units" in config else "filters"] = int(out.sum())
        config["use_bias"] = layer.use_bias or shifted
    elif type(layer) in RECURRENT:
        weights = _small_recurrent(layer.cell, state[step.inputs[0]], needed[step.inputs[0]], out)
        config |= {"units": int(out.sum()), "use_bias": len(weights) > 2}
    elif type(layer) is layers.Normalization and is_elementwise(layer):
        config["mean"] = _stored(layer.mean)[out]
        config["variance"] = _stored(layer.variance)[out]
        weights = []
    elif type(layer) is layers.BatchNormalization and is_elementwise(layer):
        weights = [values[out] for values in weights]
    if type(layer) is GatedDense:
        copy = layers.Dense.from_config(config)
        result = copy(tensors[step.inputs[0]])
    else:
        copy = type(layer).from_config(config)
        args, kwargs = step.node.arguments.fill_in(tensors)
        result = copy(*args, **kwargs)
    if copy.weights:
        copy.set_weights(weights)
    return result


def _small_kernel(
    layer: keras.layers.Layer, given: Constants, rows: Mask, columns: Mask
) -> tuple[list[NDArray[Any]], bool]:
    """Weights of the small layer; constants that came in go into the bias: b' = b + sum_dead c W."""
    kernel = as_array(layer.kernel).astype(np.float64)
    flat = kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0)
    shift = (given.value * given.dead) @ flat
    small = [kernel[..., rows, :][..., columns]]
    if layer.use_bias or np.any(shift):
        bias = as_array(layer.bias) if layer.use_bias else np.zeros(len(columns))
        small.append((bias + shift)[columns])
    return [weight.astype(layer.variable_dtype) for weight in small], bool(np.any(shift))


def _small_recurrent(cell: keras.layers.Layer, given: Constants, rows: Mask, units: Mask) -> list[NDArray[Any]]:
    """Weights of the small recurrent layer; its kernels hold one block of columns for each of the cell's gates."""
    kernel, states = as_array(cell.kernel).astype(np.float64), as_array(cell.recurrent_kernel)
    columns = np.tile(units, kernel.shape[1] // len(units))
    shift = (given.value * given.dead) @ kernel
    small = [kernel[rows][:, columns], states[units][:, columns]]
    if cell.use_bias or np.any(shift):
        doubled = getattr(cell, "reset_after", False)  # a row of biases for the inputs, one for the states
        bias = as_array(cell.bias) if cell.use_bias else np.zeros((2, len(columns)) if doubled else len(columns))
        shift = np.stack([shift, np.zeros_like(shift)]) if doubled else shift
        small.append((bias + shift)[..., columns])
    return [weight.astype(cell.variable_dtype) for weight in small]


def _stored(values: Any) -> NDArray[np.float64]:
    return np.asarray(as_array(values), dtype=np.float64).reshape(-1)

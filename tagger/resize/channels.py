"""Which channels of a network can go: constants are carried forwards, what is needed is carried backwards.

A channel is one entry of a tensor's last axis. Behind a frozen gate the channels not kept are constant zero; an
affine or elementwise layer turns a constant into another constant; a layer with a kernel absorbs constants into its
bias and needs only the channels that are alive. A layer of an unknown kind is left as it is: it needs all its
channels, alive. What cannot be taken apart this way is an error, raised when gates are inserted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.folded import GatedDense
from tagger.resize.gate import Gate
from tagger.resize.recurrent import RECURRENT, RecurrentGate, check_recurrent

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]

KERNEL = (layers.Dense, GatedDense, layers.Conv1D, layers.Conv2D)
"""Layers that mix channels through a kernel (..., in, out) and can lose columns and rows of it. `RECURRENT` ones can
too, but their units are gated inside. What comes in is the last of a layer's inputs: a `GatedDense` has its gates there."""
WITH_NODES = (
    layers.Wrapper, layers.Bidirectional, layers.RNN, layers.Dense, layers.EinsumDense, layers.Conv1D, layers.Conv2D,
    layers.Conv3D, layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose, layers.SeparableConv1D,
    layers.SeparableConv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
)  # fmt: skip
"""Layers that have nodes, and what derives from them: of these, `check_known` refuses the kinds that are not known."""
AFFINE = (layers.Normalization, layers.BatchNormalization)
SHAPELESS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU)
NOISE = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout)
POOLING = (
    layers.MaxPooling1D, layers.MaxPooling2D, layers.AveragePooling1D, layers.AveragePooling2D,
    layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D,
)  # fmt: skip
MIXING_ACTIVATIONS = ("softmax", "log_softmax", "sparsemax", "squareplus_softmax", "glu")
"""Activations that look at more than one channel."""


@dataclass(frozen=True)
class Step:
    """One call of a layer in a model's graph; tensors are named by number."""

    layer: keras.layers.Layer
    node: Any
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Constants:
    """Channels (n,) of a tensor that hold a known constant; `zero`: all constants, if any, are zero whatever the weights."""

    dead: Mask
    value: Array
    zero: bool = True


def functional(model: keras.Model) -> keras.Model:
    """A built Sequential or Functional model as a Functional one over the same layers.

    Raises
    ------
    ConfigError
        If the model is subclassed or not built: its graph is unknown.
    """
    if isinstance(model, keras.Sequential) and model.built:
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not hasattr(model, "_nodes_by_depth"):
        raise ConfigError(f"model '{model.name}': only functional and built sequential Keras models can be resized")
    return model


def steps(model: keras.Model) -> list[Step]:
    """Calls of layers of a functional model, inputs first.

    Raises
    ------
    ConfigError
        If a layer is called twice, has several outputs, makes a mask, or is no layer (a bare operation on tensors).
    """
    found: list[Step] = []
    for node in _calls(model):
        layer = node.operation
        if isinstance(layer, keras.Model):
            raise ConfigError(f"'{layer.name}' is a nested model: resizing needs plain layers, all in one graph")
        if not isinstance(layer, keras.layers.Layer):
            raise ConfigError(_no_layer(model, node))
        if layer in (step.layer for step in found) or len(node.outputs) != 1:
            raise ConfigError(f"layer '{layer.name}' is shared or has several outputs: it cannot be resized")
        found.append(Step(layer, node, tuple(id(x) for x in node.input_tensors), id(node.outputs[0])))
    return found


def _calls(model: keras.Model) -> list[Any]:
    """Keras's nodes, one for each call of a layer or operation, inputs first."""
    return [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]


def _no_layer(model: keras.Model, node: Any) -> str:
    """What is wrong with a bare operation, by the names of layers: a mask is made by some, beside the layer that it is of."""
    for call in _calls(model):
        layer, mask = call.operation, getattr(call.outputs[0], "_keras_mask", None)
        if isinstance(layer, keras.layers.Layer) and mask is not None and node in _operations_before(mask):
            return (f"layer '{layer.name}' ({type(layer).__name__}) makes a mask: allowed are models without masks, "
                    "so no Masking and no Embedding with mask_zero")
    origins = [x._keras_history.operation for before in _operations_before(node.outputs[0]) for x in before.input_tensors]
    names = dict.fromkeys(f"'{origin.name}'" for origin in origins if isinstance(origin, keras.layers.Layer))
    return (f"a bare operation ({type(node.operation).__name__}) behind layer {', '.join(names)}: resizing needs plain layers, "
            "such as ReLU or Concatenate; an operation can be put into a layer of one's own")


def _operations_before(tensor: Any) -> list[Any]:
    """Calls of bare operations that a tensor comes from, back to layers."""
    found: list[Any] = []
    behind = [tensor]
    while behind:
        history = behind.pop(0)._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if not isinstance(history.operation, keras.layers.Layer) and node not in found:
            found.append(node)
            behind += node.input_tensors
    return found


def check_known(layer: keras.layers.Layer, doing: str) -> None:
    """Refuse a layer whose nodes would be left out in silence, such as Bidirectional, TimeDistributed or Conv3D.

    Parameters
    ----------
    layer : keras.layers.Layer
        Any layer, built.
    doing : str
        What is done to the layers, such as "gated", for the message.

    Raises
    ------
    ConfigError
        If it is a dense, convolutional, recurrent or wrapped layer with a matrix, but not of a known kind.
    """
    known = type(layer) in KERNEL + RECURRENT or not isinstance(layer, WITH_NODES)
    if not known and any(len(weight.shape) > 1 for weight in layer.weights):
        kinds = ", ".join(kind.__name__ for kind in KERNEL + RECURRENT if kind is not GatedDense)
        raise ConfigError(f"layer '{layer.name}' ({type(layer).__name__}) cannot be {doing}: allowed are {kinds}, not wrapped")


def is_elementwise(layer: keras.layers.Layer) -> bool:
    """True if each channel of the output depends on the same channel of the input alone."""
    if type(layer) in KERNEL + SHAPELESS and not _plain_activation(layer):
        return False
    return type(layer) in NOISE + SHAPELESS or _is_affine(layer)


def constants(chain: Sequence[Step], kept: Mapping[str, Mask]) -> dict[int, Constants]:
    """Carry constants from the gates to the outputs.

    Parameters
    ----------
    chain : sequence of Step
        The graph.
    kept : mapping of str to array of bool
        For each gate's name the channels it keeps.

    Returns
    -------
    dict
        Constants of each tensor.
    """
    state: dict[int, Constants] = {}
    for step in chain:
        width = int(step.node.outputs[0].shape[-1] or 0)
        state[step.output] = _forward(step, [state[i] for i in step.inputs], kept, width)
    return state


def needs(chain: Sequence[Step], state: Mapping[int, Constants], outputs: Sequence[int]) -> dict[int, Mask]:
    """Carry what is needed from the outputs to the inputs.

    Raises
    ------
    ConfigError
        If a channel is needed by one consumer of a tensor and removed by another, or a removed one is needed.
    """
    needed = {tensor: np.zeros(len(info.dead), dtype=bool) for tensor, info in state.items()}
    for tensor in outputs:
        needed[tensor][:] = True
        if state[tensor].dead.any():
            raise ConfigError("a gate on the model's output cannot be shrunk: the output would change its shape")
    for step in reversed(chain):
        for tensor, mask in zip(step.inputs, _backward(step, needed[step.output], state), strict=True):
            needed[tensor] |= mask
    for step in chain:
        for tensor, mask in zip(step.inputs, _backward(step, needed[step.output], state), strict=True):
            if not np.array_equal(needed[tensor], mask):
                raise ConfigError(f"layer '{step.layer.name}' and a parallel branch need different channels of one "
                                  "tensor: put the gate before the branches part")
    return needed


def _forward(step: Step, given: list[Constants], kept: Mapping[str, Mask], width: int) -> Constants:
    layer = step.layer
    if isinstance(layer, layers.InputLayer) or type(layer) in KERNEL + RECURRENT:
        if type(layer) in KERNEL + RECURRENT:
            _check_kernel(layer, given[-1])
        return _alive(width)
    first = given[0]
    if isinstance(layer, RecurrentGate):
        return Constants(~kept[layer.name], np.zeros(width))
    if isinstance(layer, Gate):
        return Constants(first.dead | ~kept[layer.name], np.where(kept[layer.name], first.value, 0.0), first.zero)
    if type(layer) in NOISE + POOLING:
        return first
    if is_elementwise(layer):
        return _mapped(layer, first)
    if type(layer) is layers.Flatten and width:
        times = width // len(first.dead)
        return Constants(np.tile(first.dead, times), np.tile(first.value, times), first.zero)
    if _joins_channels(step):
        return Constants(np.concatenate([x.dead for x in given]), np.concatenate([x.value for x in given]),
                         all(x.zero for x in given))
    if any(x.dead.any() for x in given):
        raise ConfigError(f"layer '{layer.name}' ({type(layer).__name__}) behind a gate cannot be shrunk")
    return _alive(width)


def _backward(step: Step, needed: Mask, state: Mapping[int, Constants]) -> list[Mask]:
    layer = step.layer
    given = [state[i] for i in step.inputs]
    if not given:
        return []
    if type(layer) in KERNEL:
        return [~given[-1].dead] * len(given)
    if type(layer) in RECURRENT or isinstance(layer, RecurrentGate):
        if not np.array_equal(needed, ~state[step.output].dead):
            raise ConfigError(f"recurrent layer '{layer.name}' in front of a gate cannot be shrunk: gate it inside")
        return [~given[0].dead]
    if isinstance(layer, Gate):
        return [needed & ~state[step.output].dead]
    if type(layer) in NOISE + POOLING or is_elementwise(layer):
        return [needed & ~given[0].dead]
    if type(layer) is layers.Flatten and len(needed):
        used: Mask = np.any(needed.reshape(-1, len(given[0].dead)), axis=0)
        if not np.array_equal(np.tile(used, len(needed) // len(used)), needed):
            raise ConfigError(f"the channels behind '{layer.name}' cannot be gated one by one: gate before it")
        return [used]
    if _joins_channels(step):
        return list(np.split(needed, np.cumsum([len(x.dead) for x in given])[:-1]))
    if not needed.all():
        raise ConfigError(f"layer '{layer.name}' ({type(layer).__name__}) in front of a gate cannot be shrunk")
    return [np.ones_like(x.dead) for x in given]


def _alive(width: int) -> Constants:
    return Constants(np.zeros(width, dtype=bool), np.zeros(width))


def _mapped(layer: keras.layers.Layer, given: Constants) -> Constants:
    """Constants behind an elementwise layer: the layer itself maps them, as at inference."""
    rank = len(layer.input.shape)
    values = np.asarray(given.value, dtype="float32").reshape((1,) * (rank - 1) + (-1,))
    mapped = ops.convert_to_numpy(layer(values, training=False) if _is_affine(layer) else layer(values))
    mapped = np.asarray(mapped, dtype=float).reshape(-1)
    zero = not given.dead.any() or (given.zero and not _is_affine(layer) and not np.any(mapped[given.dead]))
    return Constants(given.dead, np.where(given.dead, mapped, 0.0), zero)


def _check_kernel(layer: keras.layers.Layer, given: Constants) -> None:
    if type(layer) in RECURRENT and given.dead.any():
        check_recurrent(layer)
    if type(layer) in (layers.Dense, GatedDense, *RECURRENT) or not given.dead.any():
        return
    if layer.groups != 1 or layer.data_format != "channels_last":
        raise ConfigError(f"layer '{layer.name}': only channels_last convolutions without groups can be shrunk")
    if layer.padding != "valid" and not given.zero:
        raise ConfigError(f"layer '{layer.name}' pads with zeros, but removed channels would be constants other than "
                          "zero there: put the gate behind the normalisation")


def _plain_activation(layer: keras.layers.Layer) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", "") not in MIXING_ACTIVATIONS


def _is_affine(layer: keras.layers.Layer) -> bool:
    axis = getattr(layer, "axis", None)
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    return type(layer) in AFFINE and tuple(axes) in ((-1,), (len(layer.input.shape) - 1,))


def _joins_channels(step: Step) -> bool:
    return type(step.layer) is layers.Concatenate and step.layer.axis in (-1, len(step.node.outputs[0].shape) - 1)

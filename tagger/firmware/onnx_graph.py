"""ONNX: a float or quantised network as a graph for onnxruntime and others, raw inputs (n, k) -> logit (n, 1).

A float network is its normalisation and its dense layers. A quantised one gets the cuts of its numbers written out (scale,
round down or to nearest, clip, scale back); its float32 sums are exact as long as they need at most 24 bits, so that it
gives Keras' logits to the bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError, SchemaError
from pseudoexp.optional import require
from tagger.firmware.fixed_point import FixedLayer, FixedNetwork
from tagger.model import dense_layers, normalisation_of

if TYPE_CHECKING:
    import keras

EXTRA = "onnx"
OPSET, IR = 17, 8
"""Versions that onnxruntime has read for years."""
INPUT, OUTPUT = "inputs", "logit"
TOLERANCE = 1e-4
"""Largest difference of a float network's logits, relative to the larger of 1 and the logit."""


class _Graph:
    """Nodes and constants, one tensor handed from node to node."""

    def __init__(self) -> None:
        self.helper = require("onnx", EXTRA).helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.tensor = INPUT

    def constant(self, values: Any) -> str:
        """Add a float32 constant and return its name."""
        array = np.asarray(values, dtype=np.float32)
        name = f"constant_{len(self.constants)}"
        self.constants.append(require("onnx", EXTRA).numpy_helper.from_array(array, name))
        return name

    def then(self, operation: str, *constants: Any) -> None:
        """Apply an operation to the tensor and constants."""
        name = f"tensor_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operation, [self.tensor, *map(self.constant, constants)], [name]))
        self.tensor = name

    def model(self, inputs: int) -> Any:
        """Return the checked model."""
        onnx = require("onnx", EXTRA)
        kind = onnx.TensorProto.FLOAT
        self.nodes[-1].output[0] = OUTPUT
        graph = self.helper.make_graph(
            self.nodes, "tagger", [self.helper.make_tensor_value_info(INPUT, kind, ["n", inputs])],
            [self.helper.make_tensor_value_info(OUTPUT, kind, ["n", 1])], self.constants)
        made = self.helper.make_model(graph, opset_imports=[self.helper.make_opsetid("", OPSET)], ir_version=IR,
                                      producer_name="pseudoexp tagger")
        onnx.checker.check_model(made, full_check=True)
        return made


def to_onnx(model: keras.Model) -> Any:
    """Return the ONNX model of a network.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1), or a quantised network.

    Raises
    ------
    ConfigError
        If it has other layers.
    """
    graph = _Graph()
    if any(type(layer).__name__ == "QDense" for layer in model.layers):
        _quantised(graph, FixedNetwork.from_keras(model))
    else:
        _float(graph, model)
    return graph.model(int(model.input_shape[-1]))


def _float(graph: _Graph, model: keras.Model) -> None:
    mean, deviation = normalisation_of(model)
    graph.then("Sub", mean)
    graph.then("Div", deviation)
    known = {"InputLayer", "Normalization", "Dense"}
    for layer in model.layers:
        said = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if type(layer).__name__ not in known or said not in ("relu", "linear"):
            raise ConfigError(f"layer {layer.name} ({type(layer).__name__}, {said}) has no counterpart here; allowed: Dense "
                              "layers with ReLU or linear")
    for layer in dense_layers(model):
        kernel, bias = layer.get_weights()
        graph.then("Gemm", kernel, bias)
        if layer.activation.__name__ == "relu":
            graph.then("Relu")


def _quantised(graph: _Graph, network: FixedNetwork) -> None:
    graph.then("Mul", np.exp2(network.exponents))
    for index, layer in enumerate(network.layers):
        _cut(graph, layer, rounds=bool(index) and layer.rounds)
        graph.then("Gemm", np.ldexp(layer.kernel.astype(np.float64), -layer.weight_bits),
                   np.ldexp(layer.bias.astype(np.float64), -layer.weight_bits - layer.input_bits))
        if layer.relu:
            graph.then("Relu")


def _cut(graph: _Graph, layer: FixedLayer, rounds: bool) -> None:
    low, high = (np.ldexp(limit.astype(np.float64), -layer.input_bits) for limit in layer.limits)
    graph.then("Max", low - 1.0)  # far beyond either end nothing overflows on the way
    graph.then("Min", high + 1.0)
    graph.then("Mul", np.exp2(layer.fractional))
    if rounds:
        graph.then("Add", 0.5)
    graph.then("Floor")
    graph.then("Mul", np.exp2(-layer.fractional))
    graph.then("Max", low)
    graph.then("Min", high)


class Session:
    """An ONNX file in onnxruntime, on one thread.

    Parameters
    ----------
    path : Path
        The file.
    providers : tuple of str
        Of onnxruntime, such as CPUExecutionProvider.

    Raises
    ------
    SchemaError
        If it is no ONNX file of ours.
    """

    def __init__(self, path: Path, providers: tuple[str, ...] = ("CPUExecutionProvider",)) -> None:
        runtime = require("onnxruntime", EXTRA)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self.session = runtime.InferenceSession(str(path), options, providers=list(providers))
            names = [tensor.name for tensor in (*self.session.get_inputs(), *self.session.get_outputs())]
        except Exception as error:  # its exceptions have no common base of their own
            raise SchemaError(f"{path}: onnxruntime cannot read it ({' '.join(str(error).split())[:120]})") from None
        if names != [INPUT, OUTPUT]:
            raise SchemaError(f"{path}: takes and gives {names}; allowed: {[INPUT, OUTPUT]}")

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logits (rows,) for raw inputs (rows, k)."""
        found = self.session.run([OUTPUT], {INPUT: np.ascontiguousarray(x, dtype=np.float32)})[0]
        return np.asarray(found, dtype=np.float64).reshape(-1)

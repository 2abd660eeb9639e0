"""Gates inside recurrent cells: a gate behind such a layer could not shrink its state.

The gate g of a unit stands wherever the unit acts: in the output, and in the state that the recurrent kernel mixes,
h U -> (g h) U = h (diag(g) U), for the other units and, by the diagonal of U, for itself. What LSTM and GRU carry on past
that kernel (the forget gate's c, the update gate's share of h) is not multiplied, or soft gates would make it fade by g^t.
SimpleRNN carries on nothing past it: while gates are soft, what a unit remembers of itself fades by g^t. At g = 0 the unit
acts on nothing and can be taken out: its rows and columns of all kernels go, and what is left is an ordinary, smaller layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from pseudoexp.errors import ConfigError
from tagger.resize.budget import Tensor
from tagger.resize.cancelout import CancelOut
from tagger.resize.gate import AutoPruner, Budget, Gate
from tagger.resize.open_gate import OpenGate


class _ScaledCell:
    """A cell whose recurrent kernel can be multiplied, row by row, for the time of a call."""

    scale: Tensor | None = None

    def multiply_by(self, scale: Tensor | None) -> None:
        """Set `scale`, past the layer that would keep it: in PyTorch a mask is a parameter, and would become the cell's."""
        object.__setattr__(self, "scale", scale)

    @property
    def recurrent_kernel(self) -> Tensor:
        """The kernel, its rows scaled while `scale` is set."""
        if self.scale is None:
            return self._recurrent_kernel
        kernel = ops.convert_to_tensor(self._recurrent_kernel)
        return kernel * ops.cast(self.scale, kernel.dtype)[:, None]

    @recurrent_kernel.setter
    def recurrent_kernel(self, variable: Any) -> None:
        """Keep what the cell's `build` makes."""
        self._recurrent_kernel = variable


class _SimpleRNNCell(_ScaledCell, layers.SimpleRNNCell): ...


class _LSTMCell(_ScaledCell, layers.LSTMCell): ...


class _GRUCell(_ScaledCell, layers.GRUCell): ...


CELLS: dict[Any, Any] = {layers.SimpleRNN: _SimpleRNNCell, layers.LSTM: _LSTMCell, layers.GRU: _GRUCell}
"""Recurrent layers that can be gated, and the cells used for that."""
RECURRENT = tuple(CELLS)


class RecurrentGate(Gate):
    """A recurrent layer with the gates of its units inside.

    Parameters
    ----------
    budget : Budget or None
        See `Gate`.
    layer : SimpleRNN, LSTM or GRU, or its serialised form
        Its configuration is copied; its weights are not.
    **kwargs
        Passed to the gate.

    Raises
    ------
    ConfigError
        If the layer keeps or returns its states: another unit count would change what others read.
    """

    def __init__(self, budget: Budget | None = None, layer: Any = None, **kwargs: Any) -> None:
        super().__init__(budget=budget, **kwargs)
        if isinstance(layer, dict):
            layer = {kind.__name__: kind for kind in CELLS}[layer["class_name"]].from_config(layer["config"])
        check_recurrent(layer)
        self.layer = type(layer).from_config(layer.get_config())
        cell = CELLS[type(layer)].from_config(self.layer.cell.get_config())
        del self.layer.cell
        self.layer.cell = cell

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Build the layer and the gate's variables."""
        self.layer.build(tuple(input_shape))
        self.layer.built = True
        super().build((*input_shape[:-1], int(self.layer.units)))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Run the layer, its units gated."""
        self.charge()
        gates = self.spread(self.gates(getattr(inputs, "graph", None)))
        self.layer.cell.multiply_by(gates)
        try:
            outputs = self.layer(inputs, training=training)
        finally:
            self.layer.cell.multiply_by(None)
        return outputs * ops.cast(gates, outputs.dtype)

    def compute_output_spec(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Shape of the layer's output; nothing is computed."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the layer's output."""
        return tuple(self.layer.compute_output_shape(tuple(input_shape)))

    def get_config(self) -> dict[str, Any]:
        """Configuration of the gate, with the layer's."""
        plain = {"class_name": type(self.layer).__name__, "config": self.layer.get_config()}
        return {**super().get_config(), "layer": plain}


def check_recurrent(layer: Any) -> None:
    """Refuse a recurrent layer that cannot be gated or shrunk.

    Raises
    ------
    ConfigError
        Naming the layer and the option in the way.
    """
    if type(layer) not in CELLS:
        raise ConfigError(f"layer {type(layer).__name__} cannot be gated inside: allowed are "
                          + ", ".join(kind.__name__ for kind in CELLS))
    for option in ("stateful", "return_state"):
        if getattr(layer, option):
            raise ConfigError(f"layer '{layer.name}' with {option}=True cannot be resized")


@keras.saving.register_keras_serializable(package="tagger")
class RecurrentPruner(RecurrentGate, AutoPruner):
    """`AutoPruner` inside a recurrent layer."""


@keras.saving.register_keras_serializable(package="tagger")
class RecurrentCancelOut(RecurrentGate, CancelOut):
    """`CancelOut` inside a recurrent layer."""


@keras.saving.register_keras_serializable(package="tagger")
class RecurrentOpenGate(RecurrentGate, OpenGate):
    """`OpenGate` inside a recurrent layer."""


INSIDE: dict[type[Gate], type[RecurrentGate]] = {
    AutoPruner: RecurrentPruner, CancelOut: RecurrentCancelOut, OpenGate: RecurrentOpenGate,
}  # fmt: skip
"""For each gate the one that stands inside recurrent layers."""

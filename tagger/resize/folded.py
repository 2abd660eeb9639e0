"""Gates that stand in the kernel behind them: x (diag(g) W) instead of (x diag(g)) W.

The two are equal, but a kernel has far fewer numbers than a batch of activations: neither these nor their gradient are
multiplied, and the gradient of the gates comes from that of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tagger.resize.budget import Tensor


@keras.saving.register_keras_serializable(package="tagger")
class GatedDense(keras.layers.Dense):
    """A Dense layer called as layer(x, gates), with one gate for each of its inputs; `Gate(folded=True)` gives them."""

    def build(self, inputs_shape: Sequence[int | None], gates_shape: Sequence[int | None] | None = None) -> None:
        """Make kernel and bias, those of a Dense."""
        super().build(inputs_shape)

    def call(self, inputs: Tensor, gates: Tensor) -> Tensor:
        """Multiply by the gated kernel."""
        outputs = ops.matmul(inputs, self.kernel * ops.expand_dims(gates, -1))
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_spec(self, inputs: keras.KerasTensor, gates: keras.KerasTensor) -> keras.KerasTensor:
        """As many outputs as units."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, inputs_shape: Sequence[int | None],
                             gates_shape: Sequence[int | None] | None = None) -> Any:
        """As many outputs as units."""
        return super().compute_output_shape(inputs_shape)

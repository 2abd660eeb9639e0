"""What bits cost while they are learned under a limit: a spring that holds the bit operations at a goal.

With E the network's EBOPs (the sum over all multiplications of the bits of one factor times the bits of the other) and G the
goal, the loss gets

    S / 2 * max(0, log(E / G))^2,

whose price of a relative change of E is S log(E / G): it grows with the excess until the bits stop resisting, and is zero
below the goal, so no price has to be guessed and none overshoots. G falls geometrically, step by step, from what the network
has at the start, slowly enough that the weights can follow.

Gates of `tagger.resize.gate` between the layers count: what stands behind a gate of 0.1 costs a tenth, in both factors.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.model import dense_layers
from tagger.resize.budget import Tensor
from tagger.resize.gate import Gate, find_gates
from tagger.resize.insert import INPUTS

STIFFNESS = 1.0
"""S: an excess of one per cent over the goal is kept if a per cent of bits is worth 1e-4 of cross-entropy."""


class PricedNetwork(keras.Model):
    """A functional quantised network, its layers shared with another, whose loss holds its EBOPs at a falling goal."""

    _ramp: Any = None

    def aim(self, first: float, last: float, steps: int, stiffness: float = STIFFNESS) -> None:
        """Let the goal go from `first` to `last` EBOPs within so many steps from now, and stay there."""
        if self._ramp is None:
            self._ramp = [keras.Variable(0.0, trainable=False, name=f"goal_{name}")
                          for name in ("first", "last", "start", "steps", "stiffness")]
        now = float(ops.convert_to_numpy(self.optimizer.iterations))
        values = (math.log(first), math.log(last), now, float(max(steps, 1)), stiffness)
        for variable, value in zip(self._ramp, values, strict=True):
            variable.assign(value)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Tensor:
        """Return the loss as compiled, and in training what the excess of bits costs."""
        loss = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        if not training or self._ramp is None:
            return loss
        first, last, start, steps, stiffness = (ops.convert_to_tensor(variable) for variable in self._ramp)
        done = ops.clip((ops.cast(self.optimizer.iterations, "float32") - start) / steps, 0.0, 1.0)
        size = ops.maximum(ebops(self, getattr(y_pred, "graph", None)), 1.0)
        excess = ops.log(size) - (first + (last - first) * done)
        return loss + 0.5 * stiffness * ops.square(ops.maximum(excess, 0.0))


def priced(model: keras.Model) -> PricedNetwork:
    """Return the network with a price on its bits; the layers are shared."""
    return PricedNetwork(model.input, model.output, name=model.name)


def ebops(model: keras.Model, trace: object | None = None) -> Tensor:
    """Return the EBOPs, differentiable in bit widths and gates; `trace` is the graph being made, if any."""
    total: Tensor = 0.0
    gates = {gate.name.removeprefix("gate_"): gate for gate in find_gates(model)}
    open_in = _opening(gates.get(INPUTS), trace)
    for layer in dense_layers(model):
        inputs, units = (int(n) for n in layer.kernel.shape)
        taken = layer.iq.bits_((1, inputs))
        taken = taken if open_in is None else taken * open_in[None, :]
        of_nodes = ops.matmul(taken, layer.kq.bits_((inputs, units)))[0]
        if layer.bq is not None:
            of_nodes = of_nodes + layer.bq.bits_((units,))
        open_in = _opening(gates.get(layer.name), trace)
        total = total + ops.sum(of_nodes if open_in is None else of_nodes * open_in)
    return total


def _opening(gate: Gate | None, trace: object | None) -> Tensor | None:
    return None if gate is None else gate.spread(gate.gates(trace))


def ebops_of(model: keras.Model) -> float:
    """Return the EBOPs as a number."""
    return float(np.asarray(ops.convert_to_numpy(ebops(model))))

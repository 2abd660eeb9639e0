"""Gates in a Keras model: what all gate layers share, and the layer `AutoPruner`.

A gate layer multiplies the last axis of its input by one number per node, made from one trainable score per node.
Its life has two phases: soft, where the gates follow the scores at a temperature, and frozen, where exactly the
budget's number of gates is 1 and the others are 0. Both live in the layer's variables, so that a saved model
continues where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.budget import Tensor
from tagger.resize.shared import CONSTRAINTS, Budget, as_array, restore_budget

__all__ = ["CONSTRAINTS", "AutoPruner", "Budget", "Gate", "as_array", "find_budgets", "find_gates"]

_SMALLEST = 1e-8
"""Variances below it have a root that is nearly linear: its slope stays finite at gates of 0 and 1, and nothing is left there."""


class Gate(keras.layers.Layer):
    """What all gate layers share: scores, the frozen selection, multiplication of the last axis.

    Parameters
    ----------
    budget : Budget or None
        Number of nodes to keep, shared with other gates if they hold the same object; None where a gate needs none.
    groups : sequence of int, optional
        For each channel the node 0, 1, ... it belongs to: channels of one node stay or go together, and the budget
        counts them once. By default each channel is a node.
    folded : bool
        The layer returns its gates alone, one per channel, for `tagger.resize.folded.GatedDense` layers behind it.
    **kwargs
        Passed to `keras.layers.Layer`.

    Attributes
    ----------
    size, width : int
        Nodes and channels, known once built.
    channels : array of int (size,)
        Channels of each node.

    Notes
    -----
    The scores start equal, so that nothing but training decides; `tagger.resize.schedule.Anneal` can start those of a
    trained network from a prior.
    """

    learns = True
    """The scores are trained."""
    fluctuating = False
    """Soft gates fluctuate in training."""

    def __init__(self, budget: Budget | None, groups: Sequence[int] | None = None, folded: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.budget, self.folded = budget, folded
        self.groups = None if groups is None else [int(node) for node in groups]
        if self.groups is not None and set(self.groups) != set(range(max(self.groups, default=-1) + 1)):
            raise ConfigError(f"gate '{self.name}': groups number the nodes from 0 on without a gap, not {self.groups}")
        self.size = self.width = 0
        if budget is not None:
            budget._join(self)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the variables: `scores` (n,), `mask` (n,), `temperature`, `frozen`; float32 under mixed precision."""
        if input_shape[-1] is None:
            raise ConfigError(f"gate '{self.name}': the last axis of its input must have a known length")
        self._fix_size(int(input_shape[-1]))
        kind = "float64" if self.variable_dtype == "float64" else "float32"
        fixed = {"dtype": kind, "trainable": False, "autocast": False}
        self.scores = self.add_weight(
            name="scores", shape=(self.size,), initializer="zeros", dtype=kind, trainable=self.learns, autocast=False
        )
        self.mask = self.add_weight(name="mask", shape=(self.size,), initializer="ones", **fixed)
        self.temperature = self.add_weight(name="temperature", shape=(), initializer="ones", **fixed)
        self.frozen = self.add_weight(name="frozen", shape=(), initializer="zeros", **fixed)

    def _fix_size(self, width: int) -> None:
        if self.groups is not None and len(self.groups) != width:
            raise ConfigError(f"gate '{self.name}': {len(self.groups)} channels are grouped, its input has {width}")
        self.width = width
        self.size = width if self.groups is None else max(self.groups) + 1

    @property
    def channels(self) -> NDArray[np.int64]:
        """Channels of each node (size,)."""
        return np.ones(self.size, dtype=np.int64) if self.groups is None else np.bincount(self.groups)

    @property
    def is_frozen(self) -> bool:
        """True once the gates are 0 and 1 for good."""
        return bool(self.built and as_array(self.frozen) > 0.5)

    def gates(self, trace: object | None = None) -> Tensor:
        """Gates (size,) in float32 (float64 for float64 layers): the frozen selection, or the soft gates.

        Parameters
        ----------
        trace : object, optional
            The graph being made, if any, see `Budget.part`.
        """
        raise NotImplementedError

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply the last axis by the gates; the gates alone if they are folded into what is behind."""
        self.charge()
        gates = ops.cast(self.spread(self.gates(getattr(inputs, "graph", None))), inputs.dtype)
        return gates if self.folded else inputs * gates

    def charge(self) -> None:
        """Add to the loss what the gates cost there: nothing, for most."""

    def spread(self, gates: Tensor) -> Tensor:
        """Gates of the channels (width,) from those of the nodes (size,)."""
        return gates if self.groups is None else ops.take(gates, np.asarray(self.groups, dtype="int32"))

    def kept_channels(self) -> NDArray[np.int64]:
        """Indices of the channels kept; see `kept`."""
        nodes = self.kept()
        return nodes if self.groups is None else np.flatnonzero(np.isin(self.groups, nodes))

    def kept(self) -> NDArray[np.int64]:
        """Indices of the nodes kept.

        Raises
        ------
        ConfigError
            If the gates are not frozen yet.
        """
        if not self.is_frozen:
            raise ConfigError(f"gate '{self.name}' is not frozen yet: train it with the callback Anneal first")
        return np.flatnonzero(as_array(self.mask) > 0.5)

    def compute_output_spec(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Nothing is computed, because other gates of the budget may not exist yet."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same shape as the input; the last axis alone if folded."""
        return input_shape[-1:] if self.folded else input_shape

    def get_config(self) -> dict[str, Any]:
        """Configuration of the layer, with the one of its budget."""
        return {**super().get_config(), "budget": self.budget.get_config() if self.budget else None,
                "groups": self.groups, "folded": self.folded}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Gate:
        """Restore a layer; gates of one model that shared a budget share one again."""
        config = dict(config)
        if config["budget"] is not None:
            config["budget"] = restore_budget(config["budget"], config["name"])
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**config)


@keras.saving.register_keras_serializable(package="tagger")
class AutoPruner(Gate):
    """Gates that keep their budget at every step of training and become 0 and 1 in its course.

    Put it after any layer whose last axis is to be pruned, behind its activation; train with the callback
    `tagger.resize.schedule.Anneal`; take the small model out with `tagger.resize.shrink.shrink`.

    Parameters
    ----------
    budget : Budget
        Number of nodes to keep, shared with other gates if they hold the same object.
    fluctuating : bool
        While the gates are soft and train, each channel gets sqrt(g (1 - g)) times what it is in another row of the batch on top,
        as the occupation g of a level fluctuates with the variance g (1 - g): signal over noise is g / (1 - g) in power. Without
        it whatever stands behind can undo a gate of a third by a weight of three, nothing presses half-open gates to open or
        close, and the freeze takes some of them by chance. Not for folded gates.
    **kwargs
        Passed to `keras.layers.Layer`.

    Attributes
    ----------
    fluctuation : variable
        How large the fluctuations are, as a share of the full ones; `tagger.resize.schedule.Anneal` lets it grow from 0 to 1 as
        the gates cool.

    Raises
    ------
    ConfigError
        If a folded gate should fluctuate.

    Examples
    --------
    >>> budget = Budget(nodes=24)
    >>> x = AutoPruner(budget)(keras.layers.Dense(64, activation="relu")(inputs))
    >>> x = AutoPruner(budget)(keras.layers.Dense(32, activation="relu")(x))
    """

    budget: Budget

    def __init__(self, budget: Budget | None, fluctuating: bool = False, **kwargs: Any) -> None:
        super().__init__(budget, **kwargs)
        if fluctuating and self.folded:
            raise ConfigError(f"gate '{self.name}' is folded: it cannot fluctuate")
        self.fluctuating = fluctuating

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the variables, `fluctuation` among them if the gates fluctuate."""
        super().build(input_shape)
        if self.fluctuating:
            self.fluctuation = self.add_weight(name="fluctuation", shape=(), initializer="zeros", dtype=self.scores.dtype,
                                               trainable=False, autocast=False)

    def gates(self, trace: object | None = None) -> Tensor:
        """This layer's part of the gates of its budget."""
        return self.budget.part(self, trace)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Multiply the last axis by the gates, which fluctuate in training if they are of that kind."""
        if not (self.fluctuating and training):
            return super().call(inputs)
        self.charge()
        gates = self.spread(self.gates(getattr(inputs, "graph", None)))
        width = self.fluctuation * (ops.sqrt(gates * (1.0 - gates) + _SMALLEST) - _SMALLEST**0.5)
        return inputs * ops.cast(gates, inputs.dtype) + ops.roll(inputs, 1, axis=0) * ops.cast(width, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Configuration of the layer."""
        return {**super().get_config(), "fluctuating": self.fluctuating}

    def charge(self) -> None:
        """The first gate of a "penalty" budget adds its loss."""
        if self.budget.constraint == "penalty" and self.budget.layers[0] is self:
            live = ops.convert_to_tensor(self.frozen) < 0.5
            self.add_loss(ops.where(live, self.budget.loss(), 0.0))


def find_gates(model: keras.Model) -> list[Gate]:
    """Gate layers of a model, in the order of its layers."""
    return [layer for layer in model.layers if isinstance(layer, Gate)]


def find_budgets(model: keras.Model) -> list[Budget]:
    """Budgets of a model, each once, in the order of its layers."""
    return list({id(gate.budget): gate.budget for gate in find_gates(model) if gate.budget is not None}.values())

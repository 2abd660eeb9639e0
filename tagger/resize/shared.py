"""The number of nodes, or their cost, that several gates may share."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.budget import SURE, Tensor, attach_gradient, check_count, hard_gates, levels, select
from tagger.resize.cost import Cost
from tagger.resize.priced import cheapest_first, check_limit, priced_hard, priced_occupation

if TYPE_CHECKING:
    from tagger.resize.gate import Gate

CONSTRAINTS = ("fermi", "penalty", "topk")
"""Ways to hold a budget while training: exactly, by a loss term, by a straight-through selection."""

_LATEST: weakref.WeakValueDictionary[tuple[str, ...], Budget] = weakref.WeakValueDictionary()


class Budget:
    """Number of nodes to keep, in total over all gate layers that hold this object; or what they may cost.

    Parameters
    ----------
    nodes : int or float
        Nodes to keep, at least one per layer; with a `cost` its limit.
    constraint : {"fermi", "penalty", "topk"}
        "fermi": gates sum to `nodes` at every step (see `tagger.resize.budget`). "penalty": independent gates and a
        loss term strength / T * ((sum g - nodes) / n)^2, which grows as T falls. "topk": the best `nodes` scores
        are 1 in the forward pass, the gradient is the one of "fermi".
    strength : float
        Weight of the loss term of "penalty".
    name : str
        Name for messages and files; several budgets of one model need different ones.
    cost : Cost, optional
        What is counted instead of nodes, of the particles of `layers` in their order; kept is then as much as fits.
    """

    def __init__(self, nodes: int | float, constraint: str = "fermi", strength: float = 1.0, name: str = "budget",
                 cost: Cost | None = None) -> None:
        if constraint not in CONSTRAINTS:
            raise ConfigError(f"constraint '{constraint}' is unknown: allowed are {', '.join(CONSTRAINTS)}")
        if nodes < 1:
            raise ConfigError(f"a budget of {nodes} nodes is impossible: at least 1 is needed")
        self.cost = cost
        self.nodes = int(nodes) if cost is None else float(nodes)
        self.constraint = constraint
        self.strength = float(strength)
        self.name = name
        self._members: list[Gate] = []
        self._order: tuple[str, ...] = ()
        self._pass: tuple[object, dict[int, Tensor]] | None = None

    @property
    def layers(self) -> list[Gate]:
        """Gate layers under this budget, in the order that breaks ties."""
        return list(self._members)

    @property
    def sizes(self) -> list[int]:
        """Nodes of each layer."""
        return [layer.size for layer in self._members]

    @property
    def frozen(self) -> bool:
        """True once exactly `nodes` gates are 1 and the others 0 for good."""
        return all(layer.is_frozen for layer in self._members)

    @property
    def temperature(self) -> float:
        """Temperature of the soft phase, in the unit of the scores."""
        return float(as_array(self._members[0].temperature))

    @temperature.setter
    def temperature(self, value: float) -> None:
        """Set it in all layers."""
        for layer in self._members:
            layer.temperature.assign(value)

    @property
    def fluctuation(self) -> float:
        """Share of the full fluctuations that soft gates have in training; 0 if none fluctuates."""
        return max((float(as_array(layer.fluctuation)) for layer in self._fluctuating()), default=0.0)

    @fluctuation.setter
    def fluctuation(self, value: float) -> None:
        """Set it in all layers that fluctuate."""
        for layer in self._fluctuating():
            layer.fluctuation.assign(value)

    def _fluctuating(self) -> list[Any]:
        return [layer for layer in self._members if layer.fluctuating]

    def check(self) -> None:
        """Refuse a budget that its layers cannot meet.

        Raises
        ------
        ConfigError
            If a layer is not part of a built model, or `nodes` is less than one node in each layer or more than all.
        """
        missing = [layer.name for layer in self._members if not layer.built]
        if missing:
            raise ConfigError(f"budget '{self.name}': gate {', '.join(missing)} is not part of a built model "
                              "(give the model an Input)")
        if self.cost is None:
            check_count(int(self.nodes), self.sizes)
        elif len(self.cost.linear) != len(self._members):
            raise ConfigError(f"budget '{self.name}': its cost is one of {len(self.cost.linear)} gates, "
                              f"it has {len(self._members)}")
        else:
            check_limit(self.nodes, self.cost, self._owners(), self._channels())

    def freeze(self, scores: Sequence[NDArray[np.floating[Any]]] | None = None) -> None:
        """Set the gates to 0 and 1 for good: the highest scores, at least one per layer, ties by index.

        Parameters
        ----------
        scores : sequence of arrays, optional
            One array per layer to rank by; by default the trained scores.
        """
        self.check()
        if scores is None:
            scores = [as_array(layer.scores) for layer in self._members]
        if self.cost is None:
            kept = select(np.concatenate(list(scores)), self._owners(), int(self.nodes))
        else:
            kept = cheapest_first(np.concatenate(list(scores)), self._owners(), self._channels(), self.cost, self.nodes)
        for layer, part in zip(self._members, np.split(kept, np.cumsum(self.sizes)[:-1]), strict=True):
            layer.mask.assign(part.astype("float32"))
            layer.frozen.assign(1.0)

    def layout(self) -> dict[str, float]:
        """Nodes left in each layer, by the gate's name: the sum of its gates, a whole number once frozen."""
        return {layer.name: float(ops.sum(layer.gates())) for layer in self._members}

    def spent(self) -> float:
        """What the gates cost at present, in the unit of `nodes`."""
        gates = np.concatenate([as_array(layer.gates()) for layer in self._members]).astype(float)
        if self.cost is None:
            return float(gates.sum())
        return float(self.cost.value(np.bincount(self._owners(), weights=gates * self._channels())))

    def gates(self) -> Tensor:
        """Gates of all layers, one after the other: the frozen selection, or the soft gates."""
        frozen = ops.convert_to_tensor(self._members[0].frozen) > 0.5
        if self.constraint == "penalty" or self.cost is not None:
            return ops.cond(frozen, lambda: _joined([layer.mask for layer in self._members]), self.soft_gates)
        scores, heat = _joined([layer.scores for layer in self._members]), ops.convert_to_tensor(self._members[0].temperature)
        fixed, owners, hard = ops.stop_gradient(scores), self._owners(), self.constraint == "topk"

        def selected() -> tuple[Tensor, ...]:
            kept = _joined([layer.mask for layer in self._members])
            known = (2.0 * kept - 1.0) * SURE, ops.zeros((len(self._members) + 1, len(owners)), dtype=scores.dtype)
            return (*known, kept) if hard else known

        def soft() -> tuple[Tensor, ...]:
            known = levels(fixed, owners, int(self.nodes), heat)
            return (*known, hard_gates(fixed, owners, int(self.nodes))) if hard else known

        # only what has no gradient depends on the condition: to differentiate one costs more than all of the rest
        argument, group, *best = ops.cond(frozen, selected, soft)
        gates = attach_gradient(argument, group, (scores - fixed) / heat)
        return gates + ops.stop_gradient(best[0] - gates) if hard else gates

    def soft_gates(self) -> Tensor:
        """Gates of a "penalty" or a cost at the present temperature, those of all layers one after the other."""
        scores = _joined([layer.scores for layer in self._members])
        heat = ops.convert_to_tensor(self._members[0].temperature)
        if self.cost is None or self.constraint == "penalty":
            return ops.sigmoid(scores / heat)
        owners, channels = self._owners(), self._channels()
        gates = priced_occupation(scores, owners, channels, self.cost, self.nodes, heat)
        if self.constraint == "topk":
            return gates + ops.stop_gradient(priced_hard(scores, owners, channels, self.cost, self.nodes) - gates)
        return gates

    def part(self, layer: Gate, trace: object | None = None) -> Tensor:
        """One layer's gates; ones until all layers are built.

        Parameters
        ----------
        layer : Gate
            One of `layers`.
        trace : object, optional
            The graph being made, if any. All layers of one pass through a graph share one solution; a layer that
            asks a second time starts the next pass.
        """
        position = next(i for i, member in enumerate(self._members) if member is layer)
        if not all(member.built for member in self._members):
            return ops.ones((layer.size,))
        if trace is None:
            return self._split(self.gates())[position]
        if self._pass is None or self._pass[0] is not trace or position not in self._pass[1]:
            self._pass = (trace, dict(enumerate(self._split(self.gates()))))
        gates = self._pass[1].pop(position)
        if not self._pass[1]:
            self._pass = None
        return gates

    def _split(self, values: Tensor) -> list[Tensor]:
        ends = np.cumsum(self.sizes)
        return [values[end - size : end] for end, size in zip(ends.tolist(), self.sizes, strict=True)]

    def loss(self) -> Tensor:
        """Loss term of "penalty": strength / T * ((C - nodes) / C_all)^2, and the same for layers below one node."""
        heat = ops.convert_to_tensor(self._members[0].temperature)
        parts = self._split(self.soft_gates())
        sums = [ops.sum(part) for part in parts]
        if self.cost is None:
            excess = (sum(sums) - self.nodes) / sum(self.sizes)
        else:
            held = ops.stack([ops.sum(part * ops.convert_to_tensor(layer.channels, dtype=part.dtype))
                              for layer, part in zip(self._members, parts, strict=True)])
            excess = (self.cost.tensor(held) - self.nodes) / float(self.cost.value([g.width for g in self._members]))
        empty = sum(
            ops.square(ops.relu(1.0 - part) / size) for part, size in zip(sums, self.sizes, strict=True)
        )
        return self.strength / heat * (ops.square(excess) + empty)

    def get_config(self) -> dict[str, Any]:
        """Plain dictionary that restores the budget; `layers` tells which gates share it."""
        return {
            "nodes": self.nodes,
            "constraint": self.constraint,
            "strength": self.strength,
            "name": self.name,
            "layers": [layer.name for layer in self._members],
            "cost": self.cost.to_dict() if self.cost else None,
        }

    def _owners(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self._members)), self.sizes)

    def _channels(self) -> NDArray[np.int64]:
        return np.concatenate([layer.channels for layer in self._members])

    def _join(self, layer: Gate) -> None:
        if layer.name in (member.name for member in self._members):
            raise ConfigError(f"budget '{self.name}' already has a gate named '{layer.name}'")
        self._members.append(layer)
        if layer.name in self._order:
            self._members.sort(key=lambda member: self._order.index(member.name))


def restore_budget(config: dict[str, Any], layer: str) -> Budget:
    """The budget meant by a layer's configuration: the one its fellows got, when the same model is being restored.

    Keras restores and clones a model layer by layer and knows nothing of objects that layers share. Layers that
    name the same budget over the same gates belong together, until a gate comes a second time: that is a new copy.
    """
    order = tuple(config["layers"])
    key = (config["name"], *order)
    budget = _LATEST.get(key)
    if budget is None or layer in (member.name for member in budget.layers):
        cost = config.get("cost")
        budget = Budget(**{name: value for name, value in config.items() if name not in ("layers", "cost")},
                        cost=Cost.from_dict(cost) if cost else None)
        budget._order = order
        _LATEST[key] = budget
    return budget


def as_array(values: Any) -> NDArray[np.floating[Any]]:
    """Value of a variable or tensor."""
    return np.asarray(ops.convert_to_numpy(ops.convert_to_tensor(values)))


def _joined(variables: Sequence[Any]) -> Tensor:
    return ops.concatenate([ops.convert_to_tensor(variable) for variable in variables])

"""Put gates into an existing model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize.budget import check_count, count_from_text
from tagger.resize.channels import AFFINE, KERNEL, SHAPELESS, WITH_NODES, Step, check_known, functional, steps
from tagger.resize.folded import GatedDense
from tagger.resize.gate import AutoPruner, Budget, Gate
from tagger.resize.graph_cost import cost_of
from tagger.resize.recurrent import INSIDE, RECURRENT
from tagger.resize.shrink import check_shrinkable

INPUTS, HIDDEN, ALL = "inputs", "hidden", "all"
"""Words for places; anything else is a list of layers' names."""


def insert_pruners(
    model: keras.Model,
    nodes: int | str,
    where: str | Sequence[str] = HIDDEN,
    constraint: str = "fermi",
    gate: type[Gate] = AutoPruner,
    name: str = "budget",
    cost: str = "nodes",
    groups: Mapping[str, Sequence[int]] | None = None,
    fold: bool = True,
    fluctuating: bool = True,
    **options: Any,
) -> keras.Model:
    """Copy a model, its weights included, with gates under one budget.

    Parameters
    ----------
    model : keras.Model
        Functional or built sequential model; it is not changed.
    nodes : int or str
        Nodes to keep in total, or a share such as "50%"; what they may cost at most with another `cost`, a share of
        what the whole network costs.
    where : str or sequence of str
        "hidden": all Dense, Conv and recurrent layers but the ones that give the output; a kind that cannot be gated, such as
        Bidirectional or TimeDistributed, is refused. "inputs": the features, behind their normalisation. "all": both.
        Otherwise names of layers, with commas or as a sequence.
    constraint : {"fermi", "penalty", "topk"}
        See `tagger.resize.gate.Budget`.
    gate : type
        Class of the gates.
    name : str
        Name of the budget; a second insertion needs another one.
    cost : {"nodes", "multiplications", "luts"}
        What the budget counts, see `tagger.resize.graph_cost.cost_of`. LUTs are multiplications times a constant, for limits
        known in LUTs: both give the same layouts.
    groups : mapping of str to sequence of int, optional
        For a layer's name the node each of its channels belongs to, see `tagger.resize.gate.Gate`.
    fold : bool
        Gates with nothing but Dense layers behind them multiply the kernels of these instead of the activations, which is
        the same in less time.
    fluctuating : bool
        Soft gates of inputs fluctuate, see `tagger.resize.gate.AutoPruner`; other gates, those under "topk" among them, never do.
    **options
        Passed to each gate.

    Returns
    -------
    keras.Model
        Functional model; gates are named after what they gate, as in `gate_hidden_1`.

    Raises
    ------
    ConfigError
        If a place is unknown, already gated or of a kind that cannot be gated, the number of nodes is impossible, or the
        result could not be shrunk.
    """
    model = functional(model)
    chain = steps(model)
    targets = _targets(model, chain, where)
    places = {_behind(target, chain).output: target for target in targets}
    members = dict(groups or {})
    unknown = [layer for layer in members if layer not in (target.layer.name for target in targets)]
    if unknown:
        raise ConfigError(f"groups of '{unknown[0]}': the budget spans "
                          + ", ".join(target.layer.name for target in targets))
    budget = _budget(nodes, targets, chain, members, cost, "features" if where == INPUTS else "nodes", constraint, name)
    gates: dict[int, Gate] = {}
    for place, target in sorted(places.items(), key=lambda item: targets.index(item[1])):
        said = {"budget": budget, "name": f"gate_{target.layer.name}", "groups": members.get(target.layer.name), **options}
        if fluctuating and gate is AutoPruner and constraint != "topk" and isinstance(target.layer, layers.InputLayer):
            said["fluctuating"] = True
        elif fold and type(target.layer) not in RECURRENT and _only_dense_behind(place, chain):
            said["folded"] = True
        gates[place] = INSIDE[gate](layer=target.layer, **said) if type(target.layer) in RECURRENT else gate(**said)
    gated = _copy(model, chain, gates)
    check_shrinkable(gated)
    budget.check()
    return gated


def _budget(nodes: int | str, targets: list[Step], chain: list[Step], groups: Mapping[str, Sequence[int]], cost: str,
            what: str, constraint: str, name: str) -> Budget:
    """The budget over some layers, its number or limit read and checked."""
    sizes = [max(groups[target.layer.name]) + 1 if target.layer.name in groups else int(target.node.outputs[0].shape[-1])
             for target in targets]
    if cost == "nodes":
        count = count_from_text(nodes, sum(sizes), what)
        check_count(count, sizes, what)
        return Budget(count, constraint=constraint, name=name)
    form = cost_of(chain, targets, cost)
    full = float(form.value([int(target.node.outputs[0].shape[-1]) for target in targets]))
    return Budget(count_from_text(nodes, round(full), cost), constraint=constraint, name=name, cost=form)


def gated_nodes(model: keras.Model, where: str | Sequence[str]) -> int:
    """Number of nodes that gates at these places would span."""
    model = functional(model)
    return sum(int(step.node.outputs[0].shape[-1]) for step in _targets(model, steps(model), where))


def _targets(model: keras.Model, chain: list[Step], where: str | Sequence[str]) -> list[Step]:
    """Layers whose nodes are to be gated, inputs first."""
    outputs = {id(x) for x in model.outputs}
    inputs = [step for step in chain if isinstance(step.layer, layers.InputLayer)]
    with_nodes = [step for step in chain
                  if isinstance(step.layer, WITH_NODES) and _behind(step, chain).output not in outputs]
    hidden = [step for step in with_nodes if type(step.layer) in KERNEL + RECURRENT]
    groups = {INPUTS: inputs, HIDDEN: hidden, ALL: inputs + hidden}
    if isinstance(where, str) and where in groups:
        found = groups[where]
        for step in with_nodes if where != INPUTS else []:
            check_known(step.layer, f"gated at '{where}' (names of layers can leave it as it is)")
    else:
        words = [word.strip() for word in where.split(",")] if isinstance(where, str) else list(where)
        known = {step.layer.name: step for step in inputs + hidden}
        wrong = [word for word in words if word not in known]
        if wrong or len(set(words)) != len(words):
            raise ConfigError(f"where: '{', '.join(wrong or words)}' is not a list of different layers that can be "
                              f"resized: allowed are {INPUTS}, {HIDDEN}, {ALL} or layers of {', '.join(known)}")
        found = [step for step in inputs + hidden if step.layer.name in words]
    if not found:
        raise ConfigError(f"model '{model.name}' has no layer to resize at '{where}'")
    return found


def _behind(step: Step, chain: list[Step]) -> Step:
    """The last of the normalisations and activations that follow a layer one by one: a gate stands behind it.

    The gate of a recurrent layer stands inside.
    """
    while type(step.layer) not in RECURRENT:
        users = [other for other in chain if step.output in other.inputs]
        if any(isinstance(user.layer, Gate) for user in users):
            raise ConfigError(f"layer '{step.layer.name}' has a gate already")
        if len(users) != 1 or type(users[0].layer) not in AFFINE + SHAPELESS:
            return step
        step = users[0]
    return step


def _only_dense_behind(place: int, chain: list[Step]) -> bool:
    """True if a tensor goes into Dense layers and nowhere else."""
    users = [step.layer for step in chain if place in step.inputs]
    return bool(users) and all(type(layer) is layers.Dense for layer in users)


def _sequences_alone(step: Step, args: Any, kwargs: dict[str, Any]) -> tuple[tuple[Any], dict[str, Any]]:
    """Arguments of a gated recurrent layer, which takes no mask and no initial state."""
    given = [name for name, value in kwargs.items() if value is not None and name in ("mask", "initial_state")]
    if given or len(args) != 1:
        raise ConfigError(f"recurrent layer '{step.layer.name}' gets {', '.join(given) or 'an initial state'}: "
                          "such a layer cannot be gated")
    return (args[0],), {}


def _copy(model: keras.Model, chain: list[Step], gates: dict[int, Gate]) -> keras.Model:
    """Copy of a model with gates behind some tensors."""
    tensors: dict[int, Any] = {}
    folded: dict[int, Any] = {}
    first: list[Any] = []
    for step in chain:
        if isinstance(step.layer, layers.InputLayer):
            shape, kind = step.layer.batch_shape, step.layer.dtype
            result = keras.Input(batch_shape=shape, dtype=kind, name=step.layer.name)
            first.append(result)
        else:
            args, kwargs = step.node.arguments.fill_in(tensors)
            inside = type(step.layer) in RECURRENT and step.output in gates
            copy = gates[step.output] if inside else type(step.layer).from_config(step.layer.get_config())
            if inside:
                args, kwargs = _sequences_alone(step, args, kwargs)
            if step.inputs[0] in folded:
                copy, args = GatedDense.from_config(step.layer.get_config()), (tensors[step.inputs[0]], folded[step.inputs[0]])
            result = copy(*args, **kwargs)
            (copy.layer if inside else copy).set_weights(step.layer.get_weights())
            if isinstance(copy, layers.Normalization):
                copy.finalize_state()
        tensors[step.output] = result
        if step.output in gates and type(step.layer) not in RECURRENT:
            gate = gates[step.output]
            (folded if gate.folded else tensors)[step.output] = gate(result)
    outputs = [tensors[id(x)] for x in model.outputs]
    return keras.Model(
        first if len(first) > 1 else first[0], outputs if len(outputs) > 1 else outputs[0], name=model.name
    )

"""Resize a network on a file: gates in, train, freeze, shrink, judge; and train the small layout afresh.

The number of epochs is the whole cost: the soft phase, the freeze and the training at the final size share it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import keras
import numpy as np

from pseudoexp.errors import ConfigError, GenerationError
from tagger.data import TaggerData
from tagger.evaluate import logits, to_run
from tagger.model import build, complexity, moments
from tagger.resize.baselines import OneShot, ranker
from tagger.resize.cancelout import CancelOut
from tagger.resize.cost import COSTS
from tagger.resize.gate import AutoPruner, Gate, find_budgets
from tagger.resize.insert import ALL, HIDDEN, INPUTS, insert_pruners
from tagger.resize.open_gate import OpenGate
from tagger.resize.phases import iterative, l1_then_cut, rank_only
from tagger.resize.retraining import retrain
from tagger.resize.schedule import COOLING, Anneal
from tagger.resize.shrink import shrink
from tagger.resize.trees import tree_scores
from tagger.runs import Run
from tagger.train import Report, TrainConfig, fit, progress, training_cost

METHODS: Mapping[str, type[Gate]] = {
    "autopruner": AutoPruner, "cancelout": CancelOut, "ranking": CancelOut, "random": OpenGate, "magnitude": OpenGate,
    "norm": OpenGate, "l1": OpenGate, "iterative": OpenGate, "trees": OpenGate,
}  # fmt: skip
"""Ways to choose what stays, and the gates they use: "cancelout" keeps exactly k and trains on, "ranking" is CancelOut as
published (rank, then a new network); "magnitude" ranks by norm x activation, "norm" by the norm alone; "trees" ranks the
inputs by a forest."""
FRACTIONS: Mapping[str, float] = {
    "autopruner": 0.6, "cancelout": 0.3, "ranking": 0.3, "magnitude": 0.3, "norm": 0.3, "l1": 0.3, "random": 0.0,
    "trees": 0.0, "iterative": 0.0,
}  # fmt: skip
"""Share of the epochs before the freeze, chosen on validation rows (bench/RESULTS.md)."""
HOLDING, SELECTING = "fermi", "topk"
"""What the defaults of `ResizeOptions.constraint` are. Soft gates do not feel that a layer of which one particle is left can tell
no two things apart: 64 gates of 1/64 pass all that 64 nodes say. The best nodes alone do, from the first step on."""
_RANKED_ROWS = 20_000
_CHECKED_ROWS = 4096


@dataclass(frozen=True)
class ResizeOptions:
    """How to resize.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    where : str
        What the budget spans, see `tagger.resize.insert.insert_pruners`.
    constraint : str, optional
        How "autopruner" holds its budget, see `tagger.resize.gate.Budget`: by default "topk", but "fermi" where inputs are
        chosen while a network is trained for the first time.
    fraction : float, optional
        Share of the epochs before the freeze, by default the method's of `FRACTIONS`; "random", "trees" and, on a
        trained network, "magnitude" and "norm" choose at once.
    retrain : bool
        Train the small layout from fresh weights afterwards, by the same configuration.
    tune : bool
        Train the small network on afterwards, by the same configuration, its weights kept.
    cost : str
        What the budget counts: "nodes", "multiplications" or "luts", which are multiplications times a constant.
    group_track_jets : bool
        The same feature of both track jets is one input: both stay or both go, and the pair counts once.
    rounds : int
        Times that "iterative" removes nodes.
    strength : float
        Weight of the L1 term of "l1".
    warm : bool
        On a trained network "autopruner" starts from the magnitudes of its nodes instead of from equal scores.
    fluctuating : bool
        Soft gates of inputs fluctuate, see `tagger.resize.gate.AutoPruner`.
    travel : float, optional
        Start temperature, see `tagger.resize.schedule.Anneal`.
    cooling : float
        How far it falls, see there.
    """

    method: str = "autopruner"
    where: str = HIDDEN
    constraint: str | None = None
    fraction: float | None = None
    retrain: bool = False
    tune: bool = False
    cost: str = "nodes"
    group_track_jets: bool = False
    rounds: int = 3
    strength: float = 1e-4
    warm: bool = True
    fluctuating: bool = True
    travel: float | None = None
    cooling: float = COOLING

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"method '{self.method}' is unknown: allowed are {', '.join(METHODS)}")
        if self.cost not in COSTS:
            raise ConfigError(f"cost '{self.cost}' is unknown: allowed are {', '.join(COSTS)}")
        if self.rounds < 1 or self.strength < 0.0:
            raise ConfigError(f"rounds {self.rounds}, strength {self.strength:g}: allowed are at least 1 round and no "
                              "negative strength")
        if self.group_track_jets and not self.spans_inputs:
            raise ConfigError(f"track jets are grouped among inputs, but the budget spans '{self.where}'")
        if self.method == "trees" and self.where != INPUTS:
            raise ConfigError("method 'trees' ranks inputs: only where = inputs is allowed")
        if self.fraction is None:
            object.__setattr__(self, "fraction", FRACTIONS[self.method])

    @property
    def spans_inputs(self) -> bool:
        """Inputs are among what the budget spans."""
        return self.where == ALL or INPUTS in [word.strip() for word in self.where.split(",")]

    def starts_from_magnitudes(self, trained: bool) -> bool:
        """Return whether the scores of "autopruner" start from what the nodes of a network, trained or not, are worth already."""
        return self.warm and trained and self.method == "autopruner"

    def constraint_on(self, trained: bool) -> str:
        """Return the constraint that holds for a network, trained or not."""
        return self.constraint or (HOLDING if self.spans_inputs and not self.starts_from_magnitudes(trained) else SELECTING)


class Resized(NamedTuple):
    """A network made small.

    Attributes
    ----------
    model : keras.Model
        The small network.
    gated : keras.Model
        The network with its frozen gates.
    data : TaggerData
        The rows, with the inputs of the small network.
    history : dict of list
        Of the training with gates.
    asked : dict
        `budget`: nodes to keep under the budget, or what they may cost; `cost`: what it counts; `spans`: nodes there
        were of each layer under it; `nodes` of the hidden layers or `features` where the budget fixes their number.
    kept : dict
        `budget`, in the same unit, and `spans`, of each layer under the budget; `nodes` and `features` of the small
        network.
    """

    model: keras.Model
    gated: keras.Model
    data: TaggerData
    history: dict[str, list[float]]
    asked: dict[str, Any]
    kept: dict[str, Any]


def select_features(
    data: TaggerData,
    features: int | str,
    options: ResizeOptions | None = None,
    config: TrainConfig | None = None,
    report: Report | None = None,
) -> Run:
    """Train a network from scratch down to exactly so many inputs.

    Parameters
    ----------
    data : TaggerData
        The file.
    features : int or str
        Inputs to keep, or a share such as "50%".
    options : ResizeOptions, optional
        How; `where` is "inputs" here.
    config : TrainConfig, optional
        How to train.
    report : callable, optional
        Called after each epoch.

    Returns
    -------
    Run
        Not saved yet; its network takes the inputs kept, in the file's order.
    """
    options = replace(options or ResizeOptions(), where=INPUTS)
    return _resized_run("select", None, data, features, options, config or TrainConfig(), report)


def prune(
    parent: Run | None,
    data: TaggerData,
    nodes: int | str,
    options: ResizeOptions | None = None,
    config: TrainConfig | None = None,
    report: Report | None = None,
) -> Run:
    """Make a network smaller while it trains, starting from the weights of a trained one or from none.

    Parameters
    ----------
    parent : Run or None
        With its model; it is not changed. None: a network of `config.hidden` and `config.inputs`, not trained before.
    data : TaggerData
        With the inputs of that model.
    nodes : int or str
        Nodes to keep in total over `options.where`, or a share such as "50%".
    options : ResizeOptions, optional
        How.
    config : TrainConfig, optional
        How to train; `hidden` and `inputs` are not looked at where there is a parent.
    report : callable, optional
        Called after each epoch.

    Returns
    -------
    Run
        Not saved yet.

    Raises
    ------
    ConfigError
        If the run was loaded without its network, or the place or the number of nodes is impossible.
    """
    return _resized_run("prune", parent, data, nodes, options or ResizeOptions(), config or TrainConfig(), report)


def _resized_run(command: str, parent: Run | None, data: TaggerData, count: int | str, options: ResizeOptions,
                 config: TrainConfig, report: Report | None) -> Run:
    """Resize the network of a run, or one that is not trained yet, and judge what is left."""
    options = replace(options, constraint=options.constraint_on(trained=parent is not None))
    start = time.perf_counter()
    if parent is None:
        data = data if config.inputs is None else data.select(config.inputs)
        model = build(len(data.inputs), config.hidden, *moments(data.train.x), seed=config.seed)
    elif parent.model is None:
        raise ConfigError(f"run {parent.name} was loaded without its network")
    else:
        model = parent.model
    resized = resize(model, data, count, options, config, report, trained=parent is not None)
    return _finish(resized, command, options, config, start, report, parent)


def resize(
    model: keras.Model,
    data: TaggerData,
    count: int | str,
    options: ResizeOptions,
    config: TrainConfig,
    report: Report | None = None,
    trained: bool = True,
) -> Resized:
    """Gate a copy of a model, train it, freeze it on the way, and take the small network out.

    Parameters
    ----------
    model : keras.Model
        Plain network (n, k) -> (n, 1) logits; it is not changed.
    data : TaggerData
        With k inputs.
    count : int or str
        Nodes to keep, or a share.
    options : ResizeOptions
        How.
    config : TrainConfig
        How to train; early stopping counts from the freeze.
    report : callable, optional
        Called after each epoch.
    trained : bool
        The weights mean something already.

    Returns
    -------
    Resized
        The small network and what belongs to it.

    Raises
    ------
    ConfigError
        If the place or the count is impossible.
    GenerationError
        If the small network is not equal to the gated one.
    """
    groups = {INPUTS: track_jet_groups(data.inputs)} if options.group_track_jets else None
    gated = insert_pruners(model, count, options.where, options.constraint_on(trained), METHODS[options.method],
                           cost=options.cost, groups=groups, fluctuating=options.fluctuating)
    history = _train_gated(gated, data, options, config, report, trained)
    small, inputs = shrink(gated)
    chosen = data.select([data.inputs[i] for i in inputs])
    _check_equal(gated, data, small, chosen)
    if options.method == "ranking":
        left = replace(config, epochs=max(config.epochs - len(history["loss"]), 1))
        small, more = retrain(small, chosen, left, report)
        history = {name: history[name] + more[name] for name in more if name in history}
    return Resized(small, gated, chosen, history, *counts(model, gated, small))


def _train_gated(gated: keras.Model, data: TaggerData, options: ResizeOptions, config: TrainConfig,
                 report: Report | None, trained: bool) -> dict[str, list[float]]:
    """Train a gated network by the method's scheme; its gates end frozen."""
    def watch(before: int) -> list[Any]:
        return [progress(config.epochs, report, before)] if report else []

    fraction = options.fraction or 0.0
    if options.method == "iterative":
        return iterative(gated, data, config, options.rounds, trained, data.train.x[:_RANKED_ROWS], watch)
    if options.method == "l1":
        return l1_then_cut(gated, data, config, fraction, options.strength, watch)
    if options.method == "ranking":
        return rank_only(gated, data, config, fraction, watch)
    schedule = _schedule(options, config, data, trained)
    callbacks: list[Any] = [schedule, *watch(0)]
    if config.patience:
        callbacks.append(keras.callbacks.EarlyStopping(
            "val_loss", patience=config.patience, restore_best_weights=True,
            start_from_epoch=schedule.soft_epochs(config.epochs)))
    return fit(gated, data, replace(config, patience=0), callbacks)


def track_jet_groups(inputs: Sequence[str]) -> list[int]:
    """For each input the number of its group: the same feature of both track jets is one, any other one stands alone."""
    features = [name.removeprefix("vr1_").removeprefix("vr2_") if name[:4] in ("vr1_", "vr2_") else f"jet_{name}"
                for name in inputs]
    order = list(dict.fromkeys(features))
    return [order.index(feature) for feature in features]


def _schedule(options: ResizeOptions, config: TrainConfig, data: TaggerData, trained: bool) -> Anneal:
    fraction = options.fraction or 0.0
    if options.method == "random":
        return OneShot(ranker("random", config.seed))
    if options.method == "trees":
        return OneShot(lambda gated: tree_scores(gated, data, config.seed))
    if options.method in ("magnitude", "norm"):
        rows = data.train.x[:_RANKED_ROWS] if options.method == "magnitude" else None
        return OneShot(ranker("magnitude", config.seed, rows), fraction=0.0 if trained else fraction)
    prior = ranker("magnitude", config.seed, data.train.x[:_RANKED_ROWS]) if options.starts_from_magnitudes(trained) else None
    return Anneal(fraction=fraction, travel=options.travel, cooling=options.cooling, prior=prior)


def _check_equal(gated: keras.Model, data: TaggerData, small: keras.Model, chosen: TaggerData) -> None:
    large = logits(gated, data.val.x[:_CHECKED_ROWS]).astype(np.float64)
    difference = np.abs(logits(small, chosen.val.x[:_CHECKED_ROWS]) - large)
    if not np.all(difference <= 1e-5 * np.maximum(np.abs(large), np.sqrt(np.mean(large**2)))):
        raise GenerationError(f"the small network differs from the gated one by {difference.max():.2g} in the logit")


def counts(model: keras.Model, gated: keras.Model, small: keras.Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was asked for and what was kept, in nodes of the whole network where the budget fixes them.

    See `Resized`; `gated` holds the frozen gates.
    """
    budget = find_budgets(gated)[0]
    spans = {gate.name.removeprefix("gate_"): gate.size for gate in budget.layers}
    left = {gate.name.removeprefix("gate_"): len(gate.kept()) for gate in budget.layers}
    before, after = complexity(model), complexity(small)
    asked: dict[str, Any] = {"budget": budget.nodes, "spans": spans, "cost": budget.cost.name if budget.cost else "nodes"}
    grouped = any(gate.groups for gate in budget.layers)
    if budget.cost is None and INPUTS not in spans:
        asked["nodes"] = before["nodes"] - sum(budget.sizes) + budget.nodes
    elif budget.cost is None and len(spans) == 1 and not grouped:
        asked["features"] = budget.nodes
    spent = sum(left.values()) if budget.cost is None else round(budget.spent(), 6)
    kept = {"budget": spent, "spans": left, "nodes": after["nodes"], "features": after["inputs"]}
    return asked, kept


def inherited(parent: Run | None, spans: Mapping[str, int]) -> dict[str, Any]:
    """Return what was asked of the parent and still stands, because the budget does not touch it."""
    touched = {"features"} if INPUTS in spans else set()
    touched |= {"nodes"} if set(spans) - {INPUTS} else set()
    before = parent.config.get("asked", {}) if parent is not None else {}
    return {key: before[key] for key in ("features", "nodes") if key in before and key not in touched}


def _finish(resized: Resized, command: str, options: ResizeOptions, config: TrainConfig, start: float,
            report: Report | None, parent: Run | None) -> Run:
    """Judge the small network, after a training from scratch if that was asked for."""
    model, history = resized.model, dict(resized.history)
    epochs = len(history["loss"])
    if options.retrain or options.tune:
        model, history = retrain(model, resized.data, config, report, fresh=options.retrain)
        epochs += len(history["loss"])
    said = {
        "command": command,
        "options": asdict(options) | asdict(config) | {"inputs": list(config.inputs) if config.inputs else None},
        "asked": {"method": options.method, "where": options.where}
        | inherited(parent, resized.asked["spans"]) | resized.asked,
        "kept": resized.kept,
        "parent": str(parent.path) if parent is not None else None,
        "training": training_cost(history, start) | {"epochs": epochs},
    }
    run = to_run(model, resized.data, said, history, gated=resized.gated)
    run.metrics["resize"] = {"asked": said["asked"], "kept": resized.kept, "training": said["training"],
                             "layout": resized.kept["spans"]}
    return run

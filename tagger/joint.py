"""AutoPruner and HGQ2 in one training: exactly so many nodes or inputs, and their bit widths, found together.

    words -> (gate of the inputs) -> QDense -> gate -> QDense -> gate ... -> QDense -> logit

The gates and their budget are those of `tagger.resize`, the layers those of `tagger.quantise`. What a node costs in bits
counts as far as its gate is open (`tagger.bit_price`), so a node that goes takes its bits out of the price, and one that is
expensive has a harder time to stay. After `FRACTION` of the epochs the gates are 0 and 1, exactly as many as asked for; the
bits and weights train on. The small quantised network is then cut out: no gates, the same whole numbers.

A gate of an input pulls it towards its mean, not towards zero, which may be far from any value it takes; at the freeze the
means of the inputs that went move into the first bias.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError
from tagger.bit_budget import BestUnder
from tagger.bit_price import priced
from tagger.data import TaggerData
from tagger.evaluate import logits, to_run
from tagger.model import dense_layers
from tagger.quantise import (
    CALIBRATION_ROWS,
    WORDS,
    Quantised,
    QuantiseOptions,
    convert,
    is_quantised,
    summary_of,
    word_scales,
    worth_compiling,
)
from tagger.resize.baselines import ranker
from tagger.resize.gate import Gate, as_array, find_gates
from tagger.resize.insert import HIDDEN, INPUTS, insert_pruners
from tagger.resize.schedule import Anneal
from tagger.resize.training import ResizeOptions, counts, inherited, track_jet_groups
from tagger.runs import Run
from tagger.train import Report, TrainConfig, fit, progress, training_cost

FRACTION = 0.4
"""Share of the epochs before the freeze; the bits fall for longer."""
BEFORE, BEHIND = "means_out", "means_in"
"""Layers on both sides of the inputs' gate."""


@dataclass(frozen=True)
class Budgeted:
    """What is to be left of a network while it is quantised.

    Attributes
    ----------
    count : int or str
        Nodes, or what they may cost at most; or a share such as "50%".
    where : str
        What the budget spans, see `tagger.resize.insert.insert_pruners`.
    cost : str
        What it counts, see there.
    group_track_jets : bool
        The same feature of both track jets is one input: both stay or both go, and the pair counts once.

    Raises
    ------
    ConfigError
        If `cost` is unknown, or track jets are grouped where no inputs are spanned.
    """

    count: int | str
    where: str = HIDDEN
    cost: str = "nodes"
    group_track_jets: bool = False

    def __post_init__(self) -> None:
        ResizeOptions(where=self.where, cost=self.cost, group_track_jets=self.group_track_jets)


@dataclass(frozen=True)
class Joint:
    """What `prune_and_quantise` returns.

    Attributes
    ----------
    quantised : Quantised
        The small network, quantised.
    gated : keras.Model
        The same with its frozen gates.
    data : TaggerData
        The rows, with the inputs of the small network.
    asked, kept : dict
        As in `tagger.resize.training.Resized`.
    """

    quantised: Quantised
    gated: keras.Model
    data: TaggerData
    asked: dict[str, Any]
    kept: dict[str, Any]


@keras.saving.register_keras_serializable(package="tagger")
class Shifted(keras.layers.Layer):
    """Adds a constant to each input; training does not move it."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the constants, zeros."""
        self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        """Add them."""
        return inputs + self.shift


class JointAnneal(Anneal):
    """`Anneal` of a gated quantised network: at the freeze what is known of closed inputs moves into the first bias."""

    def _freeze(self) -> None:
        live = any(not budget.frozen for budget in self.budgets)
        super()._freeze()
        names = [layer.name for layer in self.model.layers]
        if live and BEHIND in names:
            means, first = as_array(self.model.get_layer(BEHIND).shift), dense_layers(self.model)[0]
            closed = np.setdiff1d(np.arange(len(means)), self.model.get_layer(f"gate_{INPUTS}").kept_channels())
            first.bias.assign_add(means[closed] @ as_array(first.kernel)[closed])
            for name in (BEFORE, BEHIND):
                self.model.get_layer(name).shift.assign(np.zeros_like(means))


def gated_counterpart(model: keras.Model, data: TaggerData, budget: Budgeted) -> tuple[keras.Model, keras.Model]:
    """Return a float network with gates, and its quantised counterpart with the same gates.

    Raises
    ------
    ConfigError
        If the place or the number is impossible, or the network cannot be quantised.
    """
    groups = {INPUTS: track_jet_groups(data.inputs)} if budget.group_track_jets else None
    gated = insert_pruners(model, budget.count, budget.where, cost=budget.cost, groups=groups, fold=False, fluctuating=False)
    gates = {gate.name.removeprefix("gate_"): gate for gate in find_gates(gated)}
    rows = data.train.x[:CALIBRATION_ROWS]
    plain = convert(model, rows)
    scales = word_scales(plain)
    h = inputs = keras.Input(model.input_shape[1:], name="inputs")
    h = keras.layers.Rescaling(scales.tolist(), name=WORDS)(h)
    if INPUTS in gates:
        means = (rows.mean(axis=0) * scales).astype(np.float32)
        out, back = Shifted(name=BEFORE), Shifted(name=BEHIND)
        h = back(gates[INPUTS](out(h)))
        out.shift.assign(-means)
        back.shift.assign(means)
    for layer in dense_layers(plain):
        h = layer(h)
        if layer.name in gates:
            h = gates[layer.name](h)
    return gated, keras.Model(inputs, h, name=plain.name)


def cut_out(gated: keras.Model) -> tuple[keras.Model, NDArray[np.int64]]:
    """Return the small quantised network behind frozen gates, and the columns that it takes.

    Its whole numbers are those of the gated one, so are its logits.
    """
    gates = {gate.name.removeprefix("gate_"): gate for gate in find_gates(gated)}
    layers = dense_layers(gated)
    taken = columns = _open(gates.get(INPUTS), layers[0].kernel.shape[0])
    h = inputs = keras.Input((len(columns),), name="inputs")
    h = keras.layers.Rescaling(word_scales(gated)[columns].tolist(), name=WORDS)(h)
    for layer in layers:
        kept = _open(gates.get(layer.name), layer.kernel.shape[1])
        copy = type(layer).from_config(layer.get_config() | {"units": len(kept)})
        h = copy(h)
        _assign(copy, layer, taken, kept)
        taken = kept
    return keras.Model(inputs, h, name=gated.name), columns


def _open(gate: Gate | None, width: int) -> NDArray[np.int64]:
    return np.arange(width) if gate is None else gate.kept_channels()


def _assign(copy: Any, layer: Any, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
    """Copy the weights and formats of some inputs and nodes of a QDense."""
    cut: tuple[tuple[Any, Any, tuple[Any, ...]], ...] = (
        (copy.iq.quantizer, layer.iq.quantizer, (slice(None), rows)),
        (copy.kq.quantizer, layer.kq.quantizer, np.ix_(rows, columns)), (copy.bq.quantizer, layer.bq.quantizer, (columns,)))
    for new, old, where in cut:
        for variable, given in zip(new.variables, old.variables, strict=True):
            values = np.asarray(given)
            variable.assign(values if values.ndim == 0 else values[where])
    copy.kernel.assign(np.asarray(layer.kernel)[np.ix_(rows, columns)])
    copy.bias.assign(np.asarray(layer.bias)[columns])
    copy._beta.assign(layer._beta)


def prune_and_quantise(model: keras.Model, data: TaggerData, budget: Budgeted, options: QuantiseOptions,
                       report: Report | None = None, luts: Callable[[keras.Model], float] | None = None) -> Joint:
    """Prune a trained float network and learn its bit widths in one training.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1); it is not changed.
    data : TaggerData
        With the model's inputs.
    budget : Budgeted
        What is to be left.
    options : QuantiseOptions
        How; `luts` is needed.
    report : callable, optional
        Called after each epoch.
    luts : callable, optional
        Network -> LUTs as synthesised, see `tagger.bit_budget.BestUnder`.

    Raises
    ------
    ConfigError
        If the network is quantised already, the budget is impossible, or nothing fits under the limit.
    """
    if is_quantised(model):
        raise ConfigError("this network is quantised already; prune and quantise the float network it was made from")
    if options.luts is None or options.epochs < 3:
        raise ConfigError("pruning while the bits are learned needs a limit of LUTs and at least 3 epochs")
    floating, gated = gated_counterpart(model, data, budget)
    rank = ranker("magnitude", options.seed, data.train.x[:CALIBRATION_ROWS])
    anneal = JointAnneal(fraction=FRACTION, prior=lambda _: rank(floating))
    keeper = BestUnder(options.luts, options.epochs, data.train.x[:CALIBRATION_ROWS], luts, lambda net: cut_out(net)[0])
    plan = TrainConfig(epochs=options.epochs, batch=options.batch_for(len(data.train)), seed=options.seed, patience=0,
                       learning_rate=options.learning_rate)
    trained = priced(gated)
    history = fit(trained, data, plan, [anneal, keeper, *([progress(options.epochs, report)] if report else [])],
                  jit=worth_compiling(options, data))
    keeper.restore()
    small, columns = cut_out(gated)
    chosen = data.select([data.inputs[i] for i in columns])
    summary = summary_of(small, chosen, keeper, Scored(logits(model, data.val.x), data.val.y == 1, data.val.weight).auc()[0])
    return Joint(Quantised(small, history, summary), gated, chosen, *counts(model, gated, small))


def joint_run(parent: Run, data: TaggerData, budget: Budgeted, options: QuantiseOptions, report: Report | None = None,
              luts: Callable[[keras.Model], float] | None = None) -> Run:
    """Prune and quantise a run in one training and judge the result on the test split.

    Parameters
    ----------
    parent, data, options, report, luts
        As in `tagger.quantise.quantised_run`.
    budget : Budgeted
        What is to be left.

    Returns
    -------
    Run
        Not saved yet; its network takes the inputs kept; `metrics` has `quantisation` and `resize`.
    """
    start = time.perf_counter()
    done = prune_and_quantise(parent.model, data, budget, options, report, luts)
    history = done.quantised.history
    cost = training_cost(history, start)
    asked = inherited(parent, done.asked["spans"]) | done.asked
    asked |= {"method": "autopruner", "where": budget.where, "luts": options.luts}
    run = to_run(done.quantised.model, done.data, {
        "command": "quantise", "options": asdict(options) | {"budget": asdict(budget)}, "asked": asked, "kept": done.kept,
        "parent": str(parent.path or ""), "training": cost}, history)
    areas = {name: Scored(score, data.test.y == 1, data.test.weight).auc()[0]
             for name, score in (("auc", run.scores["score"]), ("float_auc", logits(parent.model, data.test.x)))}
    run.metrics["quantisation"] = done.quantised.summary | areas
    run.metrics["resize"] = {"asked": asked, "kept": done.kept, "training": cost, "layout": done.kept["spans"]}
    return run

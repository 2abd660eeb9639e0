"""Fixed point, bit by bit: a float network becomes one whose bit widths are learned together with its weights (HGQ2).

Chang Sun et al., "Gradient-based Automatic Mixed Precision Quantization for Neural Networks On-Chip", arXiv:2405.00645:
every weight and every activation has its own number of bits; the loss gets beta * EBOPs, where EBOPs, the sum over all
multiplications of (bits of one factor) * (bits of the other), follows the LUTs a network costs.

The quantised network takes raw inputs, as every run does:

    x -> x * 2^k (layer `words`; a shift, exact) -> QDense ... -> QDense -> logit

Firmware begins behind the shift. How numbers are cut there and later:

- An input is truncated (TRN) and saturates (SAT). Masses, momenta and significances have tails that no sensible number
  of bits covers; beyond the learned range a value sticks to the end of the range instead of wrapping round to the other
  end, which would turn the most signal-like jets into background. Truncation needs no adder, and its half step of bias
  is absorbed while training. An input that is never negative in training has no sign bit: negative values become 0.
- An activation is rounded and saturates as well, so no input whatsoever overflows inside.
- A weight is rounded; its integer bits follow from its value (`trace_minmax`), so it cannot overflow.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, DataError, MissingExtra
from tagger.bit_budget import BestUnder, SmallestWithin
from tagger.bit_price import priced
from tagger.data import TaggerData
from tagger.evaluate import logits, to_run
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.rows import CHECK_FILE, CHECK_ROWS, CheckRows
from tagger.model import dense_layers, fixed_point_chain
from tagger.runs import Run
from tagger.train import Report, TrainConfig, fit, progress, training_cost

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
try:
    import keras
except ImportError as error:
    raise MissingExtra(error.name or "keras", "fpga") from None
try:
    from hgq.config import QuantizerConfig
    from hgq.constraints import MinMax
    from hgq.layers import QDense
    from hgq.utils import trace_minmax
except ImportError as error:
    raise MissingExtra("hgq2" if (error.name or "hgq").startswith("hgq") else str(error.name), "fpga") from None

WORDS = "words"
"""Name of the layer that multiplies the inputs by powers of two."""
COVERED = 0.995
"""Share of the training rows that the first guess of a range covers; training then moves the range."""
STEPS_PER_DEVIATION = 16
"""Finest steps per standard deviation of an input or activation at the start."""
WEIGHT_BITS = 6
"""Fractional bits of weights and biases at the start."""
RANGES = {"integer": (-8, 6), "input": (-4, 8), "activation": (-4, 7), "weight": (-6, 8)}
"""Allowed integer bits and fractional bits; sums of 64 products of these are exact in float32."""
CALIBRATION_ROWS = 20_000
COMPILED_ROWS = 500_000
"""Rows times epochs from which on the steps are compiled."""


@dataclass(frozen=True)
class QuantiseOptions:
    """How to quantise.

    Attributes
    ----------
    beta : float
        Weight of EBOPs in the loss; it grows to this exponentially from a hundredth of it.
    epochs : int
        Passes over the training rows at most.
    tolerance : float
        AUC on the validation split that may be lost against the float network: the smallest network within it is taken.
    patience : int
        Training ends after so many epochs in a row outside the tolerance.
    learning_rate : float
        Of Adam at the start of the cosine schedule.
    batch : int or None
        Rows per step; by default at least 64 steps make an epoch.
    seed : int
        Of the order of the rows.
    luts : float or None
        Keep the best network that takes at most so many LUTs instead; `beta` follows, `tolerance` and `patience` do
        not matter.
    """

    beta: float = 3e-5
    epochs: int = 60
    tolerance: float = 0.0015
    patience: int = 10
    learning_rate: float = 3e-3
    batch: int | None = None
    seed: int = 1
    luts: float | None = None

    def __post_init__(self) -> None:
        """Check the values; `ConfigError` names the first that is wrong."""
        for name, low, high in (("beta", 0.0, 1.0), ("learning_rate", 1e-8, 1.0), ("tolerance", 0.0, 0.5)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} {value!r}; allowed: {low:g} to {high:g}")
        for name in ("epochs", "patience", "batch"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} {value!r}; allowed: a positive integer")
        if self.luts is not None and not 10.0 <= self.luts <= 1e7:
            raise ConfigError(f"luts {self.luts!r}; allowed: 10 to 10000000")

    def batch_for(self, rows: int) -> int:
        """Return the rows per step for so many training rows."""
        return self.batch or int(np.clip(2 ** int(np.log2(max(rows, 64) / 64)), 32, 1024))


@dataclass(frozen=True)
class Quantised:
    """What `quantise` returns.

    Attributes
    ----------
    model : keras.Model
        Raw inputs (n, k) -> (n, 1) logits.
    history : dict of list
        Per epoch: `loss`, `val_loss`, `val_auc`, `ebops`, `beta`.
    summary : dict
        `ebops`, `float_val_auc`, `val_auc`, `epoch` taken, `layers` (bits), `inputs` (formats), `left` (inputs, then nodes of
        each hidden layer, that bits of zero have not taken away); JSON types only.
    """

    model: keras.Model
    history: dict[str, list[float]]
    summary: dict[str, Any]


def quantise(model: keras.Model, data: TaggerData, options: QuantiseOptions = QuantiseOptions(),
             report: Report | None = None, luts: Callable[[keras.Model], float] | None = None) -> Quantised:
    """Turn a float network into a quantised one by training its bit widths and weights.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1), as in every run.
    data : TaggerData
        With the model's inputs.
    options : QuantiseOptions
        See there.
    report : callable, optional
        Called after each epoch, see `tagger.train.Report`; the logs hold `ebops` and `beta` too.
    luts : callable, optional
        With `options.luts`: network -> LUTs as synthesised, see `tagger.bit_budget.BestUnder`.

    Raises
    ------
    ConfigError
        If the network is no such chain, is quantised already, or `beta` leaves no bit in a layer.
    """
    if is_quantised(model):
        raise ConfigError("this network is quantised already; quantise takes the float network it was made from")
    quantised = convert(model, data.train.x[:CALIBRATION_ROWS])
    reference = _val_auc(model, data)
    keeper = (SmallestWithin(reference, options) if options.luts is None
              else BestUnder(options.luts, options.epochs, data.train.x[:CALIBRATION_ROWS], luts))
    plan = TrainConfig(epochs=options.epochs, batch=options.batch_for(len(data.train)), seed=options.seed, patience=0,
                       learning_rate=options.learning_rate)
    trained = quantised if options.luts is None else priced(quantised)
    history = fit(trained, data, plan, [keeper, *([progress(options.epochs, report)] if report else [])],
                  jit=worth_compiling(options, data))
    keeper.restore()
    return Quantised(quantised, history, summary_of(quantised, data, keeper, reference))


def worth_compiling(options: QuantiseOptions, data: TaggerData) -> bool:
    """Return whether compiled steps, which take half the time, win back the seconds that their compilation takes."""
    return options.epochs * len(data.train) > COMPILED_ROWS


def summary_of(model: keras.Model, data: TaggerData, keeper: SmallestWithin | BestUnder, reference: float) -> dict[str, Any]:
    """Return the summary of a quantised network whose weights are final, see `Quantised`.

    Parameters
    ----------
    model : keras.Model
        The network.
    data : TaggerData
        With its inputs.
    keeper : SmallestWithin or BestUnder
        What chose the weights.
    reference : float
        The float network's validation AUC.

    Raises
    ------
    ConfigError
        If a layer has no bit left.
    """
    ebops = trace_minmax(model, data.train.x[:CALIBRATION_ROWS])
    layers = bit_widths(model)
    for layer in layers:
        if not layer["ebops"]:
            raise ConfigError(f"no bit is left in layer {layer['name']}: a smaller --beta or more --luts are needed")
    return {"ebops": int(ebops), "float_val_auc": reference, "val_auc": _val_auc(model, data),
            "epoch": keeper.best_epoch, "within_tolerance": keeper.within, "layers": layers,
            "inputs": input_words(model, data.inputs), "left": FixedNetwork.from_keras(model).left} | keeper.summary


def quantised_run(parent: Run, data: TaggerData, options: QuantiseOptions = QuantiseOptions(),
                  report: Report | None = None, luts: Callable[[keras.Model], float] | None = None) -> Run:
    """Quantise a run and judge the result on the test split.

    Parameters
    ----------
    parent : Run
        With a float network.
    data : TaggerData
        With the parent's inputs.
    options : QuantiseOptions
        See there.
    report : callable, optional
        Called after each epoch, see `tagger.train.Report`.
    luts : callable, optional
        See `quantise`.

    Returns
    -------
    Run
        Not saved yet; `metrics["quantisation"]` holds the summary of `Quantised` with the test `auc` and `float_auc`.
    """
    start = time.perf_counter()
    done = quantise(parent.model, data, options, report, luts)
    before = parent.config.get("asked", {})
    aim = {"tolerance": options.tolerance} if options.luts is None else {"luts": options.luts}
    asked = {key: before[key] for key in ("features", "nodes") if key in before} | aim
    run = to_run(done.model, data, {
        "command": "quantise", "options": asdict(options), "asked": asked,
        "parent": str(parent.path or ""), "training": training_cost(done.history, start)}, done.history)
    areas = {name: Scored(score, data.test.y == 1, data.test.weight).auc()[0]
             for name, score in (("auc", run.scores["score"]), ("float_auc", logits(parent.model, data.test.x)))}
    run.metrics["quantisation"] = done.summary | areas
    return run


def save_with_rows(run: Run, data: TaggerData, path: str | Path, force: bool = False) -> Path:
    """Save a quantised run with rows of its test split for the bit check, and return its folder."""
    folder = run.save(path, force)
    CheckRows.of(data.test, run.scores["score"], CHECK_ROWS).save(folder / CHECK_FILE)
    return folder


def is_quantised(model: keras.Model) -> bool:
    """Return whether the network came out of `quantise`."""
    return any(isinstance(layer, QDense) for layer in model.layers)


def convert(model: keras.Model, x: NDArray[np.float32]) -> keras.Model:
    """Return the quantised counterpart of a float network, with its weights, before any training.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1).
    x : (n, k) array
        Raw training rows, from which the first ranges are guessed.

    Raises
    ------
    ConfigError
        If the network is no such chain; the message names the layer.
    """
    scales, chain = fixed_point_chain(model)
    h = inputs = keras.Input(model.input_shape[1:], name="inputs")
    h = keras.layers.Rescaling(scales.tolist(), name=WORDS)(h)
    values = x.astype(np.float64) * scales
    for layer in chain:
        copy = _quantised_layer(layer, first=layer is chain[0])
        h = copy(h)
        copy.kernel.assign(layer.kernel)
        copy.bias.assign(layer.bias)
        _set_ranges(copy, values)
        values = values @ np.asarray(layer.kernel, dtype=np.float64) + np.asarray(layer.bias, dtype=np.float64)
        values = np.maximum(values, 0.0)
    return keras.Model(inputs, h, name="tagger_quantised")


def _quantised_layer(layer: keras.layers.Dense, first: bool) -> QDense:
    """Return an untrained QDense of the same shape; see the module's text for the way numbers are cut."""
    place = "input" if first else "activation"
    lane = QuantizerConfig("kif", "datalane", k0=first, i0=1, f0=5, round_mode="TRN" if first else "RND",
                           overflow_mode="SAT", ic=MinMax(*RANGES["integer"]), fc=MinMax(*RANGES[place]))
    fixed = {"round_mode": "RND", "overflow_mode": "WRAP", "i_decay_speed": float("inf"), "is_weight": True,
             "homogeneous_axis": (), "f0": WEIGHT_BITS, "ic": MinMax(-12, 12), "fc": MinMax(*RANGES["weight"])}
    return QDense(layer.units, activation=keras.activations.serialize(layer.activation), name=layer.name, iq_conf=lane,
                  kq_conf=QuantizerConfig("kif", "weight", **fixed), bq_conf=QuantizerConfig("kif", "bias", **fixed),
                  beta0=0.0)


def _set_ranges(layer: QDense, values: NDArray[np.float64]) -> None:
    """Guess sign, integer and fractional bits of a layer's inputs from their values (n, inputs)."""
    cut = layer.iq.quantizer
    top = np.quantile(np.abs(values), COVERED, axis=0)
    spread = np.minimum(values.std(axis=0), top)
    fine = RANGES["input"]
    cut._k.assign((values.min(axis=0) < 0.0)[None].astype(np.uint8))
    cut._i.assign(np.clip(np.ceil(np.log2(top + 1e-6)), *RANGES["integer"])[None])
    cut._f.assign(np.clip(np.ceil(np.log2(STEPS_PER_DEVIATION / (spread + 1e-6))), fine[0], fine[1] - 1)[None])


def _val_auc(model: keras.Model, data: TaggerData) -> float:
    return Scored(logits(model, data.val.x), data.val.y == 1, data.val.weight).auc()[0]


def firmware_part(model: keras.Model) -> keras.Model:
    """Return the part of a quantised network that becomes firmware: words (n, k) -> logit, sharing its layers.

    Raises
    ------
    DataError
        If the network is not quantised.
    """
    if not is_quantised(model):
        raise DataError("the network is not quantised: run `tagger quantise` first and export the run it writes")
    h = words = keras.Input(model.input_shape[1:], name=WORDS)
    for layer in dense_layers(model):
        h = layer(h)
    return keras.Model(words, h, name="firmware")


def word_scales(model: keras.Model) -> NDArray[np.float32]:
    """Return the powers of two (k,) by which a quantised network multiplies its inputs."""
    return np.asarray(model.get_layer(WORDS).scale, dtype=np.float32)


def _formats(layer: QDense) -> tuple[NDArray[np.int64], ...]:
    """Return sign, integer and fractional bits (inputs,) of what a layer takes."""
    parts = [np.broadcast_to(np.asarray(part), (1, layer.kernel.shape[0]))[0] for part in layer.iq.quantizer.kif]
    return tuple(part.astype(np.int64) for part in parts)


def input_words(model: keras.Model, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what is cut from each input.

    Parameters
    ----------
    model : keras.Model
        A quantised network.
    names : tuple of str
        Of its inputs.

    Returns
    -------
    list of dict
        `name`; `scale_exponent` k, the word being x * 2^k; `bits`, `integer` and `fractional` bits used of the word
        (the first two with the sign); `signed`; 0 bits mean that the network ignores the input.
    """
    exponents = np.log2(word_scales(model)).astype(int)
    result = []
    for name, exponent, k, i, f in zip(names, exponents, *_formats(dense_layers(model)[0]), strict=True):
        bits = max(int(k + i + f), 0)
        result.append({"name": name, "scale_exponent": int(exponent), "bits": bits, "signed": bool(k),
                       "integer": int(k + i) if bits else 0, "fractional": int(f) if bits else 0})
    return result


def bit_widths(model: keras.Model) -> list[dict[str, Any]]:
    """Return per layer: `name`, `shape`, `ebops`, mean `input_bits` and `weight_bits`, share of `zero_weights`.

    Bits count the sign; a weight of no bit counts as 0 and as a zero weight.
    """
    result = []
    for layer in dense_layers(model):
        taken = np.maximum(sum(_formats(layer)), 0)
        kernel = np.asarray(layer.qkernel)
        bits = np.where(kernel != 0.0, np.asarray(layer.kq.bits), 0.0)
        result.append({"name": layer.name, "shape": [int(n) for n in kernel.shape], "ebops": int(layer.ebops),
                       "input_bits": float(taken.mean()), "weight_bits": float(bits.mean()),
                       "zero_weights": float(np.mean(kernel == 0.0))})
    return result

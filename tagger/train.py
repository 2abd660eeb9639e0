"""Train a network on a file: Adam with a cosine schedule, early stopping on the weighted validation loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pseudoexp.errors import ConfigError, GenerationError
from tagger.data import TaggerData
from tagger.evaluate import logits, to_run
from tagger.metrics import Scored
from tagger.model import HIDDEN, build, import_keras, moments
from tagger.runs import Run

if TYPE_CHECKING:
    import keras

Report = Callable[[int, int, dict[str, float], float], None]
"""Called as report(epoch, epochs, logs, seconds left)."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes
    ----------
    hidden : tuple of int
        Nodes of the hidden layers.
    epochs : int
        At most; the cosine schedule ends there.
    batch : int or None
        Rows per step; None: a power of two that gives at least 64 steps per epoch, from 32 to 1024 (see `batch_for`).
    learning_rate : float
        Of Adam at the start.
    seed : int
        Of weights and order of rows.
    patience : int
        Epochs without a better validation loss after which to stop; 0 never stops and keeps the last weights.
    inputs : tuple of str or None
        Names of the inputs, all 39 for None.
    """

    hidden: tuple[int, ...] = HIDDEN
    epochs: int = 40
    batch: int | None = None
    learning_rate: float = 2e-3
    seed: int = 1
    patience: int = 8
    inputs: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if any(nodes < 1 for nodes in self.hidden):
            raise ConfigError(f"hidden layers {self.hidden}: every layer needs at least 1 node")
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0), ("patience", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} {value}: at least {least} is allowed")
        if not 0.0 < self.learning_rate < 1.0:
            raise ConfigError(f"learning rate {self.learning_rate}: allowed are values between 0 and 1")

    def batch_for(self, rows: int) -> int:
        """Return the rows per step for a training split of so many rows."""
        return self.batch or int(np.clip(2 ** int(np.log2(max(rows, 64) / 64)), 32, 1024))


def train(data: TaggerData, config: TrainConfig | None = None, report: Report | None = None) -> Run:
    """Build a network, train it and judge it on the test split.

    Parameters
    ----------
    data : TaggerData
        The file; narrowed to `config.inputs`.
    config : TrainConfig, optional
        How to train.
    report : callable, optional
        Called after each epoch, see `Report`.

    Returns
    -------
    Run
        Not saved yet.
    """
    config = config or TrainConfig()
    data = data if config.inputs is None else data.select(config.inputs)
    start = time.perf_counter()
    import_keras().utils.set_random_seed(config.seed)
    model = build(len(data.inputs), config.hidden, *moments(data.train.x), seed=config.seed)
    history = fit(model, data, config, [progress(config.epochs, report)] if report else [])
    options = asdict(config) | {"inputs": None if config.inputs is None else list(config.inputs)}
    return to_run(model, data, {"command": "train", "options": options, "asked": {},
                                "training": training_cost(history, start)}, history)


def training_cost(history: dict[str, list[float]], start: float) -> dict[str, float]:
    """Return what a training cost: `epochs`, and `seconds` since `start` (of `time.perf_counter`)."""
    return {"epochs": len(history["loss"]), "seconds": round(time.perf_counter() - start, 2)}


def fit(model: keras.Model, data: TaggerData, config: TrainConfig, callbacks: Sequence[Any] = ()) -> dict[str, list[float]]:
    """Train a network in place on data.train, watching data.val.

    The loss is the cross-entropy of the logit, weighted to equal class totals. With `config.patience` the weights of the
    epoch of lowest validation loss are restored at the end. The order of rows follows `config.seed`.

    Parameters
    ----------
    model : keras.Model
        (n, k) -> (n, 1) logits; compiled here.
    data : TaggerData
        With k inputs.
    config : TrainConfig
        How to train; `hidden` and `inputs` are not looked at.
    callbacks : sequence of keras.callbacks.Callback
        More callbacks; the logs hold `loss`, `val_loss`, `val_auc`.

    Returns
    -------
    dict of list
        `loss`, `val_loss`, `val_auc`, `learning_rate` per epoch.

    Raises
    ------
    GenerationError
        If the loss is no longer finite.
    """
    keras = import_keras()
    keras.utils.set_random_seed(config.seed)
    batch = config.batch_for(len(data.train))
    steps = -(-len(data.train) // batch)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, max(1, steps * config.epochs))
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=keras.losses.BinaryCrossentropy(from_logits=True),
                  weighted_metrics=[], jit_compile=False)
    watch: list[Any] = [_validation_auc(data), keras.callbacks.TerminateOnNaN(), *callbacks]
    if config.patience:
        watch.append(keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True))
    log = model.fit(data.train.x, data.train.y.astype(np.float32), sample_weight=data.train.training_weight(),
                    validation_data=(data.val.x, data.val.y.astype(np.float32), data.val.training_weight()),
                    batch_size=batch, validation_batch_size=65536, epochs=config.epochs, shuffle=True, verbose=0,
                    callbacks=watch)
    history = {name: [float(v) for v in values] for name, values in log.history.items()}
    if not history.get("loss") or not np.all(np.isfinite(history["loss"])):
        raise GenerationError("the loss is not finite: try a smaller learning rate")
    passed = steps * np.arange(len(history["loss"]))
    history["learning_rate"] = [float(keras.ops.convert_to_numpy(rate(int(step)))) for step in passed]
    return history


def _validation_auc(data: TaggerData) -> Any:
    """Return a callback that adds the weighted `val_auc` to the logs of each epoch."""

    def add(epoch: int, logs: dict[str, float]) -> None:
        scored = Scored(logits(callback.model, data.val.x), data.val.y == 1, data.val.weight)
        logs["val_auc"] = scored.auc()[0] if np.all(np.isfinite(scored.score)) else 0.5

    callback = import_keras().callbacks.LambdaCallback(on_epoch_end=add)
    return callback


def progress(epochs: int, report: Report) -> Any:
    """Return a callback that calls `report` after each epoch with the seconds left if all epochs are run."""
    start = time.perf_counter()

    def tell(epoch: int, logs: dict[str, float]) -> None:
        left = (time.perf_counter() - start) / (epoch + 1) * (epochs - epoch - 1)
        report(epoch + 1, epochs, dict(logs), left)

    return import_keras().callbacks.LambdaCallback(on_epoch_end=tell)

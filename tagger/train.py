"""Train a network on a file: Adam with a cosine schedule, early stopping on the weighted validation loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, GenerationError
from tagger.data import Split, TaggerData
from tagger.evaluate import logits, to_run
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
    soft_share : float
        Weight of the teacher's logits in the loss, the labels having the rest; for rows that have a teacher.
    soft_temperature : float
        Both logits are divided by it in the teacher's part.
    """

    hidden: tuple[int, ...] = HIDDEN
    epochs: int = 40
    batch: int | None = None
    learning_rate: float = 2e-3
    seed: int = 1
    patience: int = 8
    inputs: tuple[str, ...] | None = None
    soft_share: float = 0.5
    soft_temperature: float = 2.0

    def __post_init__(self) -> None:
        if any(nodes < 1 for nodes in self.hidden):
            raise ConfigError(f"hidden layers {self.hidden}: every layer needs at least 1 node")
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0), ("patience", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} {value}: at least {least} is allowed")
        if not 0.0 < self.learning_rate < 1.0:
            raise ConfigError(f"learning rate {self.learning_rate}: allowed are values between 0 and 1")
        if not (0.0 <= self.soft_share <= 1.0 and self.soft_temperature > 0.0):
            raise ConfigError(f"soft share {self.soft_share} at temperature {self.soft_temperature}: allowed are a share "
                              "from 0 to 1 and a positive temperature")

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


def fit(model: keras.Model, data: TaggerData, config: TrainConfig, callbacks: Sequence[Any] = (),
        jit: bool = False) -> dict[str, list[float]]:
    """Train a network in place on data.train, watching data.val.

    The loss is the cross-entropy of the logit, weighted to equal class totals; where the rows carry the logits of a
    teacher, `config.soft_share` of it is the cross-entropy to those. With `config.patience` the weights of the
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
    jit : bool
        Compile the step: worth its seconds for layers of many small operations. Rows that fill no batch are left out
        then, so that there is one shape to compile.

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
    train = data.train.take(slice(0, len(data.train) // batch * batch or None)) if jit else data.train
    steps = -(-len(train) // batch)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, max(1, steps * config.epochs))
    loss = keras.losses.BinaryCrossentropy(from_logits=True) if data.train.soft is None else _taught_loss(config)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, weighted_metrics=[],
                  jit_compile=jit or needs_jit())
    watch: list[Any] = [_validation_auc(data), keras.callbacks.TerminateOnNaN(), *callbacks]
    if config.patience:
        watch.append(keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True))
    log = model.fit(train.x, _targets(train), sample_weight=train.training_weight(),
                    validation_data=(data.val.x, _targets(data.val), data.val.training_weight()),
                    batch_size=batch, validation_batch_size=65536, epochs=config.epochs, shuffle=True, verbose=0,
                    callbacks=watch)
    history = {name: [float(v) for v in values] for name, values in log.history.items()}
    if not history.get("loss") or not np.all(np.isfinite(history["loss"])):
        raise GenerationError("the loss is not finite: try a smaller learning rate")
    passed = steps * np.arange(len(history["loss"]))
    history["learning_rate"] = [float(keras.ops.convert_to_numpy(rate(int(step)))) for step in passed]
    return history


def needs_jit() -> bool:
    """Return whether a backend is slow without compilation; TensorFlow's graphs of networks this small start sooner."""
    return str(import_keras().backend.backend()) == "jax"


def _targets(part: Split) -> NDArray[np.float32]:
    """Labels (n,), or labels and the teacher's logits (n, 2)."""
    labels = part.y.astype(np.float32)
    return labels if part.soft is None else np.stack([labels, part.soft], axis=1)


def _taught_loss(config: TrainConfig) -> Callable[[Any, Any], Any]:
    """Return (1 - a) H(y, s) + a T^2 H(sigmoid(t / T), s / T) of student s and teacher t (Hinton et al. 2015).

    The square of T keeps the gradients of both parts of one size.
    """
    ops = import_keras().ops
    share, heat = config.soft_share, config.soft_temperature

    def entropy(target: Any, logit: Any) -> Any:
        return ops.softplus(logit) - target * logit

    def loss(targets: Any, logit: Any) -> Any:
        student = logit[:, 0]
        taught = entropy(ops.sigmoid(targets[:, 1] / heat), student / heat)
        return (1.0 - share) * entropy(targets[:, 0], student) + share * heat**2 * taught

    return loss


def _validation_auc(data: TaggerData) -> Any:
    """Return a callback that adds the weighted `val_auc` to the logs of each epoch."""

    def add(epoch: int, logs: dict[str, float]) -> None:
        scored = Scored(logits(callback.model, data.val.x), data.val.y == 1, data.val.weight)
        logs["val_auc"] = scored.auc()[0] if np.all(np.isfinite(scored.score)) else 0.5

    callback = import_keras().callbacks.LambdaCallback(on_epoch_end=add)
    return callback


def progress(epochs: int, report: Report, before: int = 0) -> Any:
    """Return a callback that calls `report` after each epoch with the seconds left if all epochs are run.

    `before` epochs of another training count to the same `epochs`.
    """
    start = time.perf_counter()

    def tell(epoch: int, logs: dict[str, float]) -> None:
        left = (time.perf_counter() - start) / (epoch + 1) * (epochs - before - epoch - 1)
        report(before + epoch + 1, epochs, dict(logs), left)

    return import_keras().callbacks.LambdaCallback(on_epoch_end=tell)

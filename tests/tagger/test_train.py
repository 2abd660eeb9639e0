"""Training: learns, repeats itself, keeps the best weights, refuses nonsense."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, GenerationError
from tagger.evaluate import logits
from tagger.model import build, moments
from tagger.train import TrainConfig, fit, train

QUICK = TrainConfig(hidden=(8,), epochs=4, batch=64, seed=4)


def fresh(data, seed=4):
    return build(len(data.inputs), (8,), *moments(data.train.x), seed=seed)


def test_it_learns(small_run):
    figures = small_run.metrics["weightings"]["benchmark"]
    assert figures["auc"] > 0.93
    assert small_run.history["val_loss"][-1] < 0.95 * small_run.history["val_loss"][0]
    assert small_run.config["command"] == "train"
    assert small_run.config["options"]["hidden"] == (16, 8)
    assert small_run.config["data"]["dataset_hash"]
    assert set(small_run.history) == {"loss", "val_loss", "val_auc", "learning_rate"}


def test_val_auc_is_the_weighted_auc(small_data):
    model = fresh(small_data)
    history = fit(model, small_data, TrainConfig(epochs=1, patience=0))
    part = small_data.val
    expected = Scored(logits(model, part.x), part.y == 1, part.weight).auc()[0]
    assert history["val_auc"] == [pytest.approx(expected)]


def test_the_seed_decides_everything(small_data):
    first, again, other = (train(small_data, TrainConfig(hidden=(8,), epochs=2, batch=256, seed=s, inputs=("pt", "mass")))
                           for s in (4, 4, 5))
    assert first.history == again.history
    assert np.array_equal(first.scores["score"], again.scores["score"])
    assert not np.array_equal(first.scores["score"], other.scores["score"])
    assert first.inputs == ("pt", "mass")


def test_the_best_weights_come_back(small_data):
    model = fresh(small_data)
    history = fit(model, small_data, TrainConfig(epochs=12, batch=64, learning_rate=0.2, patience=2, seed=1))
    part = small_data.val
    weight = part.training_weight().astype(float)
    z = logits(model, part.x).astype(float)
    loss = np.average(np.logaddexp(0, z) - part.y * z, weights=weight)
    assert len(history["loss"]) < 12
    assert loss == pytest.approx(min(history["val_loss"]), rel=1e-3)


def test_weights_matter(small_data):
    """Rows of weight nearly 0 do not move the network."""
    half = small_data.train.pt < np.median(small_data.train.pt)
    spoilt = np.where(half, 1 - small_data.train.y, small_data.train.y).astype(np.int8)
    weight = np.where(half, 1e-9, small_data.train.weight)
    data = replace(small_data, train=replace(small_data.train, y=spoilt, weight=weight))
    assert fit(fresh(data), data, QUICK)["val_auc"][-1] > 0.9


def test_callbacks_see_the_logs(small_data):
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    fit(fresh(small_data), small_data, TrainConfig(epochs=2), [spy])
    assert [set(logs) for logs in seen] == [{"loss", "val_loss", "val_auc"}] * 2


def test_progress_is_reported(small_data):
    lines = []
    train(small_data.select(["mass"]), TrainConfig(hidden=(2,), epochs=2, seed=1), lambda *line: lines.append(line))
    assert [(epoch, epochs) for epoch, epochs, _, _ in lines] == [(1, 2), (2, 2)]
    assert lines[-1][3] == 0.0


def test_a_diverging_training_is_an_error(small_data):
    weight = small_data.train.weight.copy()
    weight[0] = np.nan
    data = replace(small_data, train=replace(small_data.train, weight=weight))
    with pytest.raises(GenerationError, match="not finite"):
        fit(fresh(small_data), data, QUICK)


@pytest.mark.parametrize("bad", [{"hidden": (4, 0)}, {"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"patience": -1},
                                 {"seed": -1}, {"learning_rate": float("nan")}])
def test_impossible_options(bad):
    with pytest.raises(ConfigError, match=next(iter(bad)).split("_")[0]):
        TrainConfig(**bad)


@pytest.mark.parametrize(("rows", "batch"), [(100, 32), (4800, 64), (32_000, 256), (160_000, 1024), (4_000_000, 1024)])
def test_small_samples_get_enough_steps(rows, batch):
    assert TrainConfig().batch_for(rows) == batch
    assert TrainConfig(batch=77).batch_for(rows) == 77

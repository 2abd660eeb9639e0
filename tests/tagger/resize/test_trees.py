"""Inputs ranked by a forest: those that tell the classes apart, by the training rows' weights, grouped inputs together."""

import keras
import numpy as np
import pytest
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.data import Split, TaggerData
from tagger.resize import trees
from tagger.resize.insert import insert_pruners
from tagger.resize.open_gate import OpenGate
from tagger.resize.trees import tree_scores

NAMES = ("a", "b", "c", "d", "e", "f")
pytest.importorskip("sklearn")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(trees, "TREES", 20)


def split(n, seed):
    """Return rows in which input 1 tells the classes apart, input 4 less so, and input 5 does in rows of next to no weight."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 6)).astype(np.float32), np.arange(n, dtype=np.int8) % 2
    light = np.arange(n) % 4 < 2
    x[:, 1] += np.where(light, 0, 3 * y)
    x[:, 4] += np.where(light, 0, y)
    x[:, 5] += np.where(light, 30 * y, 0)
    ones = np.ones(n)
    return Split(x, y, np.where(light, 1e-9, 1.0), ones, np.arange(n), x[:, 0], x[:, 0], y)


@pytest.fixture(scope="module")
def data():
    return TaggerData(NAMES, split(2000, 1), split(10, 2), split(10, 3))


def gated(where="inputs", **options):
    inputs = keras.Input((6,), name="inputs")
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(4, name="hidden")(inputs)))
    return insert_pruners(model, 2, where, gate=OpenGate, **options)


def test_shares_of_the_inputs_follow_what_they_tell(data):
    (scores,) = tree_scores(gated(), data, 1).values()
    assert scores.argsort()[::-1][:2].tolist() == [1, 4] and scores[1] > 2 * scores[4]
    assert scores.sum() == pytest.approx(1.0) and (scores >= 0.0).all()


def test_grouped_inputs_add_up(data):
    groups = [0, 1, 2, 0, 1, 2]
    (alone,), (together,) = (tree_scores(model, data, 1).values() for model in (gated(), gated(groups={"inputs": groups})))
    assert together == pytest.approx(alone[:3] + alone[3:]) and together.argmax() == 1


def test_the_seed_decides(data):
    first, again, other = (next(iter(tree_scores(gated(), data, seed).values())) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_gates_elsewhere_are_refused(data):
    with pytest.raises(ConfigError, match="the budget must span the inputs alone"):
        tree_scores(gated("hidden"), data, 1)

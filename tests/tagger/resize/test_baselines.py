"""Random and magnitude pruning in the same harness."""

import keras
import numpy as np
from gate_conformance import GateConformance, toy
from keras import layers

from tagger.resize.baselines import OneShot, magnitude_scores, random_scores, ranker
from tagger.resize.gate import find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.open_gate import OpenGate


class TestOpenGate(GateConformance):
    layer = OpenGate
    trains_scores = False

    def test_is_open_until_the_freeze(self):
        assert np.array_equal(self.gates(self.model(5)), np.ones(13))


def _two_columns():
    """A network that reads inputs 1 and 4 alone, 4 with a tenth of the weight."""
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layers.Dense(1)(inputs))
    kernel = np.full((6, 1), 1e-6)
    kernel[1], kernel[4] = 1.0, 0.1
    model.set_weights([kernel, np.zeros(1)])
    return insert_pruners(model, 1, "inputs", gate=OpenGate)


def test_magnitude_is_weight_times_spread():
    model, x = _two_columns(), toy(256)[0]
    (norm,) = magnitude_scores(model).values()
    assert norm.argmax() == 1 and np.isclose(norm.mean(), 1)
    x[:, 4] *= 100
    (spread,) = magnitude_scores(model, x).values()
    assert spread.argmax() == 4


def test_one_shot_freezes_by_the_ranking_it_is_given():
    model = _two_columns()
    model.compile("adam", "mse")
    model.fit(*toy(64), verbose=0, callbacks=[OneShot(ranker("magnitude", 0))])
    assert find_gates(model)[0].kept().tolist() == [1]


def test_random_scores_follow_the_seed():
    model = TestOpenGate().model(5)
    first, again, other = (random_scores(model, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)

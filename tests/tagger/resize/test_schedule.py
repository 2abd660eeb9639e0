"""The schedule: temperatures, the freeze before the last phase, the log."""

import keras
import numpy as np
import pytest
from gate_conformance import toy
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize.gate import AutoPruner, Budget, as_array, find_budgets, find_gates
from tagger.resize.schedule import Anneal


def _model(nodes=3):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    x = layers.Dense(8, activation="relu")(AutoPruner(Budget(nodes), name="gate_inputs")(inputs))
    model = keras.Model(inputs, layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    return model


class _Watch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.frozen, self.kernels = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.frozen.append(find_budgets(self.model)[0].frozen)

    def on_epoch_end(self, epoch, logs=None):
        self.kernels.append(self.model.layers[-1].get_weights()[0])


class _First(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.gates = as_array(find_gates(self.model)[0].gates())


def test_cools_geometrically_then_freezes_and_trains_on():
    model, anneal, watch = _model(), Anneal(start=0.5, stop=0.005), _Watch()
    log = model.fit(*toy(), epochs=5, batch_size=128, verbose=0, callbacks=[anneal, watch])
    np.testing.assert_allclose(log.history["temperature"], [0.5, 0.05, 0.005, 0, 0], rtol=1e-5)
    assert watch.frozen == [False, False, False, True, True]
    assert np.array_equal(anneal.history[3]["gate_inputs"], anneal.history[4]["gate_inputs"])
    assert not np.array_equal(watch.kernels[3], watch.kernels[4])
    np.testing.assert_allclose(log.history["nodes_gate_inputs"], 3, rtol=1e-5)


def test_fluctuations_grow_as_the_gates_cool():
    inputs, seen = keras.Input((6,)), []
    budget = Budget(3)
    model = keras.Model(inputs, layers.Dense(1)(AutoPruner(budget, fluctuating=True)(inputs)))
    model.compile("adam", "mse")
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(budget.fluctuation))
    model.fit(*toy(), epochs=5, batch_size=128, verbose=0, callbacks=[Anneal(), watch])
    assert seen[:3] == [0.0, 0.5, 1.0] and budget.frozen


def test_the_default_start_follows_rate_and_steps():
    starts = []
    for batch in (64, 128):
        model, anneal = _model(), Anneal()
        model.fit(*toy(), epochs=2, batch_size=batch, verbose=0, callbacks=[anneal])
        starts.append(anneal.history[0]["temperature"])
    assert starts[0] == pytest.approx(2 * starts[1]) and starts[1] == pytest.approx(0.15 * 0.01 * 4)


def test_a_prior_sets_the_odds_of_the_gates():
    """At the start temperature odds are proportional to the importance, whatever the budget's potential."""

    model, first = _model(), _First()
    importance = np.array([4.0, 2.0, 1.0, 1.0, 0.5, 0.0])
    anneal = Anneal(prior=lambda model: {"gate_inputs": importance})
    model.fit(*toy(), epochs=2, batch_size=128, verbose=0, callbacks=[anneal, first])
    odds = first.gates / (1.0 - first.gates)
    np.testing.assert_allclose(odds / odds[2], [4.0, 2.0, 1.0, 1.0, 0.5, 1e-3], rtol=1e-3)
    assert first.gates.sum() == pytest.approx(3.0, rel=1e-5)


def test_a_training_stopped_early_still_ends_exactly():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model = _model(2)
    model.fit(*toy(), epochs=50, batch_size=128, verbose=0, callbacks=[Stop(), Anneal()])
    assert len(find_gates(model)[0].kept()) == 2


def test_finds_the_inputs_that_decide():
    for seed in (1, 2, 3):
        model = _model(2)
        model.fit(*toy(2048, seed=seed), epochs=8, batch_size=64, verbose=0, callbacks=[Anneal()])
        assert find_gates(model)[0].kept().tolist() == [0, 1]


@pytest.mark.parametrize("arguments", [{"fraction": 1.2}, {"start": 0.1, "stop": 0.2}, {"stop": -1.0}, {"travel": 0.0},
                                       {"cooling": 0.5}])
def test_impossible_schedules_are_refused(arguments):
    with pytest.raises(ConfigError):
        Anneal(**arguments)

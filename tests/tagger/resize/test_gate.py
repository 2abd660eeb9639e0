"""The pruning layer and its shared budget."""

import gc
from functools import partial
from typing import ClassVar

import keras
import numpy as np
import pytest
from gate_conformance import GateConformance, toy
from gradients import FLOAT, assert_same, differences, gradients
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize.gate import AutoPruner, Budget, as_array, find_budgets, find_gates
from tagger.resize.schedule import Anneal


class TestFermi(GateConformance):
    layer = AutoPruner
    exact_sum = True


class TestPenalty(GateConformance):
    layer = AutoPruner
    options: ClassVar[dict[str, str]] = {"constraint": "penalty"}

    def test_the_loss_vanishes_only_at_the_budget(self):
        model = self.model(5)
        budget = find_budgets(model)[0]
        budget.temperature = 0.1
        for gate, values in zip(find_gates(model), ([9, 9, 9, -9, -9, -9, -9, -9], [9, 9, -9, -9, -9]), strict=True):
            gate.scores.assign(values)
        assert float(budget.loss()) < 1e-10
        find_gates(model)[1].scores.assign([9, 9, 9, 9, -9])
        assert float(budget.loss()) == pytest.approx(10 * (2 / 13) ** 2, rel=1e-4)
        model(toy(4)[0])
        assert len(model.losses) == 1 and float(model.losses[0]) > 0.2
        budget.freeze()
        model(toy(4)[0])
        assert float(model.losses[0]) == 0


class TestTopK(GateConformance):
    layer = AutoPruner
    options: ClassVar[dict[str, str]] = {"constraint": "topk"}
    exact_sum = True
    straight_through = True


class TestFluctuating(GateConformance):
    layer = partial(AutoPruner, fluctuating=True)
    exact_sum = True

    def half_open(self, dtype=None):
        """A model with gates of all sizes and seven tenths of the fluctuations."""
        model = self.model(5, dtype=dtype)
        self.scatter(model)
        budget = find_budgets(model)[0]
        budget.temperature, budget.fluctuation = 0.5, 0.7
        return model

    def test_training_adds_another_row_by_the_root_of_the_occupation_s_variance(self):
        gate, x = find_gates(self.half_open())[0], np.random.default_rng(2).normal(size=(20, 8)).astype("float32")
        g = as_array(gate.gates())
        assert 0.02 < g.min() < g.max() < 0.98
        np.testing.assert_array_equal(as_array(gate(x)), x * g)
        noise = 0.7 * np.sqrt(g * (1 - g)) * np.roll(x, 1, axis=0)
        np.testing.assert_allclose(as_array(gate(x, training=True)), x * g + noise, atol=3e-4)

    def test_gates_of_zero_and_one_do_not_fluctuate(self):
        model, x = self.half_open(), np.ones((4, 8), dtype="float32")
        find_budgets(model)[0].freeze()
        gate = find_gates(model)[0]
        np.testing.assert_array_equal(as_array(gate(x, training=True)), x * as_array(gate.gates()))

    def test_nor_do_any_before_the_schedule_lets_them(self):
        gate, x = find_gates(self.model(5))[0], toy(8, 8)[0]
        np.testing.assert_array_equal(as_array(gate(x, training=True)), as_array(gate(x)))

    def test_the_scores_feel_the_fluctuations(self):
        model, x = self.half_open(FLOAT), toy(16)[0].astype(FLOAT)
        scores = [gate.scores for gate in find_gates(model)]

        def total():
            return keras.ops.sum(keras.ops.square(model(x, training=True)))

        assert_same(gradients(total, scores), differences(total, scores))

    def test_a_folded_gate_cannot(self):
        with pytest.raises(ConfigError, match="'folded' is folded"):
            AutoPruner(Budget(2), fluctuating=True, folded=True, name="folded")


@pytest.mark.parametrize("fluctuating", [False, True])
def test_only_fluctuations_close_gates_that_weights_can_undo(fluctuating):
    """Two of six inputs decide, one is to be kept: a linear layer makes good for gates of any size but 0."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((6,))
    x = AutoPruner(Budget(1), fluctuating=fluctuating, name="gate_inputs")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    anneal = Anneal(cooling=20.0)
    model.fit(*toy(2048), batch_size=64, epochs=10, verbose=0, callbacks=[anneal])
    g = anneal.history[anneal.freeze_epoch - 1]["gate_inputs"]
    half_open = float(np.sum(g * (1 - g)))
    assert half_open < 0.02 if fluctuating else half_open > 0.2
    if fluctuating:
        assert list(find_gates(model)[0].kept()) == [0]


def test_the_number_of_layers_bounds_the_budget():
    model = TestFermi().model(5)
    budget = find_budgets(model)[0]
    for nodes, allowed in ((1, "2 to 13"), (14, "2 to 13")):
        budget.nodes = nodes
        with pytest.raises(ConfigError, match=allowed):
            budget.check()
        model.compile("adam", "mse")
        with pytest.raises(ConfigError, match=allowed):
            model.fit(*toy(8), verbose=0, callbacks=[Anneal()])


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigError, match="fermi, penalty, topk"):
        Budget(3, constraint="bose")
    with pytest.raises(ConfigError, match="at least 1"):
        Budget(0)
    with pytest.raises(ConfigError, match="not frozen"):
        find_gates(TestFermi().model(5))[0].kept()
    budget = Budget(2)
    AutoPruner(budget, name="twice")
    with pytest.raises(ConfigError, match="twice"):
        AutoPruner(budget, name="twice")
    with pytest.raises(ConfigError, match="not part of a built model"):
        budget.check()


def test_each_copy_of_a_model_has_a_budget_of_its_own():
    model = TestFermi().model(5)
    copies = [keras.models.clone_model(model) for _ in range(3)]
    budgets = [find_budgets(copy) for copy in [model, *copies]]
    assert all(len(found) == 1 for found in budgets) and len({id(found[0]) for found in budgets}) == 4
    del copies, budgets
    gc.collect()
    assert len(find_budgets(keras.models.clone_model(model))) == 1


def test_two_budgets_in_one_model_stay_apart(tmp_path):
    one, two = Budget(2, name="one"), Budget(3, name="two")
    x = inputs = keras.Input((6,))
    x = AutoPruner(one, name="gate_in")(x)
    x = AutoPruner(two, name="gate_out")(layers.Dense(8, activation="relu")(x))
    model = keras.Model(inputs, layers.Dense(1)(x))
    TestFermi().train(model)
    model.save(tmp_path / "m.keras")
    assert [b.layout() for b in find_budgets(keras.saving.load_model(tmp_path / "m.keras"))] == [
        {"gate_in": 2.0}, {"gate_out": 3.0}]


def test_gates_work_in_a_sequential_model():
    budget = Budget(4)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), AutoPruner(budget),
                              layers.Dense(4, activation="relu"), AutoPruner(budget), layers.Dense(1)])
    TestFermi().train(model)
    assert sum(len(gate.kept()) for gate in find_gates(model)) == 4


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow's tensors name their graph")
def test_one_solution_serves_all_layers_of_a_pass(monkeypatch):
    model = TestFermi().model(5)
    budget, calls = find_budgets(model)[0], []
    original = Budget.gates
    monkeypatch.setattr(Budget, "gates", lambda self: calls.append(1) or original(self))
    model.predict(toy(8)[0], verbose=0)
    assert len(calls) == 1 and budget._pass is None


def test_eager_calls_see_new_scores():
    model, x = TestFermi().model(5), toy(8)[0]
    first = as_array(model(x))
    TestFermi().scatter(model)
    find_budgets(model)[0].temperature = 0.01
    assert not np.allclose(as_array(model(x)), first)

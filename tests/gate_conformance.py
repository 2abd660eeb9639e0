"""What every gate layer must do; a layer's tests inherit `GateConformance` and name the layer."""

from typing import ClassVar

import keras
import numpy as np
import pytest
from gradients import FLOAT, assert_same, differences, gradients
from keras import layers

from tagger.resize.gate import Budget, Gate, as_array, find_budgets, find_gates
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import shrink

CASES = 10 if keras.backend.backend() == "jax" else 50
"""Random budgets; JAX compiles a dozen programs for each."""
FITTED = CASES // 10
"""As many of them in networks of random layout, through all of the schedule."""


def toy(rows=512, inputs=6, seed=1):
    """Inputs of which the first two decide, and the labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    y = (x[:, 0] * 1.5 - x[:, 1] + 0.3 * rng.normal(size=rows) > 0).astype("float32")
    return x, y


class GateConformance:
    """Inherit and set `layer`.

    `options` are passed to the budget; `exact_sum` tells that the gates meet the budget while they are soft, to `accuracy` at a
    budget of 5; `straight_through` that they declare the gradient of other, soft gates; `trained` how many of the random
    budgets in one network are met after steps of training, the others at once.
    """

    layer: type[Gate]
    options: ClassVar[dict[str, str]] = {}
    exact_sum = False
    accuracy = 1e-6 * 13
    trains_scores = True
    straight_through = False
    trained = CASES - FITTED
    shape: tuple[int, ...] = (6,)

    def budget(self, nodes, gates):
        return Budget(self.limit(nodes), **self.options)

    def limit(self, nodes):
        """What a budget of so many nodes counts."""
        return nodes

    def any_limit(self, layout, rng):
        """What a budget over layers of so many nodes may be."""
        return int(rng.integers(len(layout), sum(layout) + 1))

    def rows(self, count=512):
        return toy(count)

    def hidden_layer(self, x, units, place, budget, dtype):
        x = layers.Dense(units, activation="relu", dtype=dtype)(x)
        return self.layer(budget=budget, name=f"gate_{place}", dtype=dtype)(x)

    def model(self, nodes, on_inputs=False, hidden=(8, 5), seed=1, dtype=None):
        keras.utils.set_random_seed(seed)
        budget = self.budget(nodes, len(hidden) + on_inputs)
        x = inputs = keras.Input(self.shape, name="inputs")
        x = layers.Normalization(mean=np.linspace(-1, 1, 6), variance=np.linspace(0.5, 2, 6))(x)
        if on_inputs:
            x = self.layer(budget=budget, name="gate_inputs")(x)
        for place, units in enumerate(hidden):
            x = self.hidden_layer(x, units, place, budget, dtype)
        return keras.Model(inputs, layers.Dense(1, dtype="float64" if dtype == "float64" else "float32")(x))

    def train(self, model, epochs=3, jit=False):
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=jit)
        anneal = Anneal()
        model.fit(*self.rows(), batch_size=128, epochs=epochs, verbose=0, callbacks=[anneal])
        return anneal

    def scatter(self, model, seed=1):
        rng = np.random.default_rng(seed)
        for gate in find_gates(model):
            gate.scores.assign(rng.normal(size=gate.size))

    def gates(self, model):
        return np.concatenate([as_array(gate.gates()) for gate in find_gates(model)])

    def scores(self, model):
        return np.concatenate([as_array(gate.scores) for gate in find_gates(model)])

    def check_frozen(self, model):
        """Exactly the budget is left, and at least one node of each layer."""
        budget = find_budgets(model)[0]
        kept = [len(gate.kept()) for gate in find_gates(model)]
        assert set(self.gates(model)) <= {0.0, 1.0} and self.gates(model).sum() == sum(kept)
        assert sum(kept) == budget.nodes and min(kept) >= 1

    def frozen(self, nodes, on_inputs, seed=1):
        """A model with random scores, frozen."""
        model = self.model(nodes, on_inputs, seed=seed)
        self.scatter(model, seed)
        find_budgets(model)[0].freeze()
        return model

    @pytest.mark.parametrize("jit", [False, True])
    def test_trains_and_ends_with_exactly_the_budget(self, jit):
        model = self.model(5)
        before = self.scores(model)
        anneal = self.train(model, jit=jit)
        self.check_frozen(model)
        assert find_budgets(model)[0].nodes == self.limit(5) and set(self.gates(model)) == {0.0, 1.0}
        assert len(anneal.history) == 3 and anneal.history[-1]["temperature"] == 0
        assert np.any(self.scores(model) != before) == self.trains_scores

    def test_any_budget_is_met_after_some_steps_of_training(self):
        """Random cases: a budget, scores and a temperature; one or two steps of training; the freeze."""
        rng = np.random.default_rng(5)
        (x, y), moved = self.rows(32), 0
        for case in range(CASES - FITTED):
            if case % 10 == 0:
                model = self.model(5, seed=case)
                model.compile(keras.optimizers.Adam(0.1), keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
            budget = find_budgets(model)[0]
            budget.nodes = self.limit(int(rng.integers(2, 14)))
            budget.temperature = rng.choice([1.0, 0.1])
            for gate in find_gates(model):
                gate.frozen.assign(0.0)
                gate.mask.assign(np.ones(gate.size))
                gate.scores.assign(rng.integers(-2, 3, gate.size) * rng.choice([0.0, 1.0, 100.0]))
            before = self.scores(model)
            for _ in range(1 + case % 2 if case < self.trained else 0):
                model.train_on_batch(x, y)
            moved += bool(np.any(self.scores(model) != before))
            budget.freeze()
            self.check_frozen(model)
        assert moved > 0.8 * self.trained if self.trains_scores else moved == 0

    def test_any_layout_ends_with_exactly_its_budget(self):
        """Random cases: one to three hidden layers of 2 to 9 nodes and a budget; the schedule in five epochs of one step."""
        rng, moved = np.random.default_rng(6), 0
        for case in range(FITTED):
            layout = tuple(int(nodes) for nodes in rng.integers(2, 10, 1 + case % 3))
            model, anneal = self.model(len(layout), hidden=layout, seed=case), Anneal()
            find_budgets(model)[0].nodes = self.any_limit(layout, rng)
            model.compile(keras.optimizers.Adam(0.1), keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
            before = self.scores(model)
            model.fit(*self.rows(32), batch_size=32, epochs=5, verbose=0, callbacks=[anneal])
            heats = [entry["temperature"] for entry in anneal.history]
            assert heats[0] > heats[1] > heats[2] > heats[3] == heats[4] == 0
            moved += bool(np.any(self.scores(model) != before))
            self.check_frozen(model)
        assert moved > FITTED / 2 if self.trains_scores else moved == 0

    def test_gates_sum_to_the_budget_at_every_temperature(self):
        if not self.exact_sum:
            pytest.skip("holds its budget only once frozen")
        model = self.model(5)
        self.scatter(model)
        budget = find_budgets(model)[0]
        for heat in (10.0, 1.0, 0.1, 0.01, 1e-4):
            budget.temperature = heat
            assert abs(budget.spent() - budget.nodes) < self.accuracy

    @pytest.mark.parametrize("heat", [1.0, 0.1])
    def test_the_gradient_matches_finite_differences(self, heat):
        """In float64 where Keras has it, through all layers that share a budget, losses included, with respect to every score.

        Of gates that pass a gradient straight through, the sum with random weights against that of the soft ones.
        """
        if not self.trains_scores:
            pytest.skip("trains no score")
        model = self.model(5, dtype=FLOAT)
        self.scatter(model)
        budget, scores = find_budgets(model)[0], [gate.scores for gate in find_gates(model)]
        budget.temperature = heat
        x = self.rows(16)[0].astype(FLOAT)
        weights = keras.ops.convert_to_tensor(np.random.default_rng(3).normal(size=13), dtype=FLOAT)

        def total():
            if self.straight_through:
                return keras.ops.sum(weights * keras.ops.concatenate([gate.gates() for gate in find_gates(model)]))
            return keras.ops.sum(keras.ops.square(model(x))) + sum(model.losses)

        assert all(score.dtype == FLOAT for score in scores)
        found = gradients(total, scores)
        if self.straight_through:
            assert set(self.gates(model).round(6)) == {0.0, 1.0}
            budget.constraint = "fermi"
        assert_same(found, differences(total, scores))

    @pytest.mark.parametrize("frozen", [False, True])
    def test_survives_saving_and_cloning(self, frozen, tmp_path):
        model, x = self.model(6, on_inputs=True), self.rows()[0]
        self.scatter(model)
        find_budgets(model)[0].temperature = 0.3
        if frozen:
            find_budgets(model)[0].freeze()
        model.save(tmp_path / "gated.keras")
        expected = model.predict(x, verbose=0)
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for copy in (keras.saving.load_model(tmp_path / "gated.keras"), clone):
            np.testing.assert_array_equal(copy.predict(x, verbose=0), expected)
            assert len(find_budgets(copy)) == 1 and find_budgets(copy)[0] is not find_budgets(model)[0]
            assert [type(gate) for gate in find_gates(copy)] == [type(gate) for gate in find_gates(model)]
            assert [gate.name for gate in find_budgets(copy)[0].layers] == [gate.name for gate in find_gates(model)]
            assert find_budgets(copy)[0].get_config() == find_budgets(model)[0].get_config()
            assert find_budgets(copy)[0].frozen == frozen

    @pytest.mark.parametrize("on_inputs", [False, True])
    def test_the_shrunk_network_is_the_same_function(self, on_inputs, tmp_path):
        x = self.rows()[0]
        for nodes in (3, 9):
            model = self.frozen(nodes, on_inputs, seed=nodes)
            small, inputs = shrink(model)
            units = [layer.units for layer in small.layers if hasattr(layer, "units")]
            assert [len(inputs)] * on_inputs + units[:-1] == [len(gate.kept()) for gate in find_gates(model)]
            assert not find_gates(small)
            small.save(tmp_path / "model.keras")
            assert b"tagger" not in (tmp_path / "model.keras").read_bytes()
            expected = model.predict(x, verbose=0)
            found = keras.saving.load_model(tmp_path / "model.keras").predict(x[..., inputs], verbose=0)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    def test_the_exported_network_gives_the_same_bits(self):
        """Frozen, shrunk, in fixed point: Keras, whole numbers and the graph that becomes Verilog, in da4ml's own interpreter."""
        pytest.importorskip("hgq")
        pytest.importorskip("da4ml")
        from tagger.evaluate import logits
        from tagger.firmware.adder_graph import AdderGraph
        from tagger.firmware.fixed_point import FixedNetwork
        from tagger.quantise import convert

        small, inputs = shrink(self.frozen(9, on_inputs=True))
        x = np.random.default_rng(4).normal(size=(1000, 6)).astype("float32")[:, inputs]
        quantised = convert(small, x)
        assert np.corrcoef(logits(quantised, x), logits(small, x))[0, 1] > 0.9
        x = np.concatenate([x, 30.0 * x])  # the second half saturates
        network = FixedNetwork.from_keras(quantised)
        words = np.ldexp(network.words(x).astype(float), -network.layers[0].input_bits)
        expected = logits(quantised, x).astype(float)
        assert len(np.unique(expected)) > 20
        np.testing.assert_array_equal(network.logits(x), expected)
        np.testing.assert_array_equal(AdderGraph.of(network).whole.predict(words)[:, 0], expected)

    def test_scores_stay_in_float32_under_mixed_precision(self):
        model = self.model(5, dtype="mixed_bfloat16")
        self.scatter(model)
        budget, gate = find_budgets(model)[0], find_gates(model)[0]
        budget.temperature = 0.01
        assert gate.compute_dtype == "bfloat16" and gate.scores.dtype == "float32"
        assert keras.backend.standardize_dtype(gate(np.ones((2, *gate.input.shape[1:]), dtype="float32")).dtype) == "bfloat16"
        if self.exact_sum:
            assert abs(budget.spent() - budget.nodes) < self.accuracy
        self.train(model, epochs=2)
        self.check_frozen(model)

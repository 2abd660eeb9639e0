"""What every gate layer must do; a layer's tests inherit `GateConformance` and name the layer."""

from typing import ClassVar

import keras
import numpy as np
import pytest
from keras import layers

from tagger.resize.gate import Budget, Gate, as_array, find_budgets, find_gates
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import shrink


def toy(rows=512, inputs=6, seed=1):
    """Inputs of which the first two decide, and the labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    y = (x[:, 0] * 1.5 - x[:, 1] + 0.3 * rng.normal(size=rows) > 0).astype("float32")
    return x, y


class GateConformance:
    """Inherit and set `layer`; `options` are passed to the budget, `exact_sum` tells that gates sum to the budget."""

    layer: type[Gate]
    options: ClassVar[dict[str, str]] = {}
    exact_sum = False
    trains_scores = True

    def model(self, nodes, on_inputs=False, hidden=(8, 5), seed=1, dtype=None):
        keras.utils.set_random_seed(seed)
        budget = Budget(nodes, **self.options)
        x = inputs = keras.Input((6,), name="inputs")
        x = layers.Normalization(mean=np.linspace(-1, 1, 6), variance=np.linspace(0.5, 2, 6))(x)
        if on_inputs:
            x = self.layer(budget=budget, name="gate_inputs")(x)
        for i, units in enumerate(hidden):
            x = layers.Dense(units, activation="relu", dtype=dtype)(x)
            x = self.layer(budget=budget, name=f"gate_{i}", dtype=dtype)(x)
        return keras.Model(inputs, layers.Dense(1, dtype="float64" if dtype == "float64" else "float32")(x))

    def train(self, model, epochs=3, jit=False):
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=jit)
        anneal = Anneal()
        model.fit(*toy(), batch_size=128, epochs=epochs, verbose=0, callbacks=[anneal])
        return anneal

    def scatter(self, model, seed=1):
        rng = np.random.default_rng(seed)
        for gate in find_gates(model):
            gate.scores.assign(rng.normal(size=gate.size))

    def gates(self, model):
        return np.concatenate([as_array(gate.gates()) for gate in find_gates(model)])

    @pytest.mark.parametrize("jit", [False, True])
    def test_trains_and_ends_with_exactly_the_budget(self, jit):
        model = self.model(5)
        before = [as_array(gate.scores).copy() for gate in find_gates(model)]
        anneal = self.train(model, jit=jit)
        gates = self.gates(model)
        assert set(gates) == {0.0, 1.0} and gates.sum() == 5
        assert len(anneal.history) == 3 and anneal.history[-1]["temperature"] == 0
        moved = any(np.any(as_array(gate.scores) != old)
                    for gate, old in zip(find_gates(model), before, strict=True))
        assert moved == self.trains_scores

    def test_any_budget_freezes_to_exactly_so_many(self):
        rng = np.random.default_rng(5)
        for case in range(50):
            model = self.model(int(rng.integers(2, 14))) if case % 10 == 0 else model  # noqa: F821
            budget = find_budgets(model)[0]
            budget.nodes = int(rng.integers(2, 14))
            for gate in find_gates(model):
                gate.frozen.assign(0.0)
                gate.scores.assign(rng.integers(-2, 3, gate.size) * rng.choice([0.0, 1.0, 100.0]))
            budget.freeze()
            kept = [len(gate.kept()) for gate in find_gates(model)]
            assert sum(kept) == budget.nodes and min(kept) >= 1
            assert self.gates(model).sum() == budget.nodes
            assert set(self.gates(model)) <= {0.0, 1.0}

    def test_gates_sum_to_the_budget_at_every_temperature(self):
        if not self.exact_sum:
            pytest.skip("holds its budget only once frozen")
        model = self.model(5)
        self.scatter(model)
        for heat in (10.0, 1.0, 0.1, 0.01, 1e-4):
            find_budgets(model)[0].temperature = heat
            assert abs(self.gates(model).sum() - 5) < 1e-6 * 13

    @pytest.mark.parametrize("frozen", [False, True])
    def test_survives_saving_and_cloning(self, frozen, tmp_path):
        model, x = self.model(6, on_inputs=True), toy()[0]
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
            assert [gate.name for gate in find_budgets(copy)[0].layers] == [gate.name for gate in find_gates(model)]
            assert find_budgets(copy)[0].get_config() == find_budgets(model)[0].get_config()
            assert find_budgets(copy)[0].frozen == frozen

    @pytest.mark.parametrize("on_inputs", [False, True])
    def test_the_shrunk_network_is_the_same_function(self, on_inputs, tmp_path):
        x = toy()[0]
        for nodes in (3, 9):
            model = self.model(nodes, on_inputs=on_inputs, seed=nodes)
            self.scatter(model, seed=nodes)
            find_budgets(model)[0].freeze()
            small, inputs = shrink(model)
            assert sum(weight.shape[-1] for weight in small.get_weights()[::2][:-1]) == nodes - on_inputs * len(inputs)
            assert not find_gates(small)
            small.save(tmp_path / "model.keras")
            assert b"tagger" not in (tmp_path / "model.keras").read_bytes()
            expected = model.predict(x, verbose=0)
            found = keras.saving.load_model(tmp_path / "model.keras").predict(x[:, inputs], verbose=0)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    def test_scores_stay_in_float32_under_mixed_precision(self):
        model = self.model(5, dtype="mixed_bfloat16")
        self.scatter(model)
        find_budgets(model)[0].temperature = 0.01
        gate = find_gates(model)[0]
        assert gate.compute_dtype == "bfloat16" and gate.scores.dtype == "float32"
        assert keras.backend.standardize_dtype(gate(np.ones((2, 8), dtype="float32")).dtype) == "bfloat16"
        if self.exact_sum:
            assert abs(self.gates(model).sum() - 5) < 1e-6 * 13
        self.train(model, epochs=2)
        assert self.gates(model).sum() == 5

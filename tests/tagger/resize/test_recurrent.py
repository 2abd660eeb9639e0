"""Gates inside recurrent cells: the same function at full budget, trained, saved, shrunk to an ordinary layer."""

import keras
import numpy as np
import pytest
from gate_conformance import GateConformance
from keras import layers

from tagger.resize.baselines import magnitude_scores
from tagger.resize.gate import AutoPruner, Budget, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.recurrent import RecurrentPruner
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import shrink


def _network(kind, **options):
    inputs = keras.Input((4, 6), name="inputs")
    x = layers.Normalization(mean=np.linspace(-1, 1, 6), variance=np.linspace(0.5, 2, 6))(inputs)
    x = kind(8, return_sequences=True, name="first", **options)(x)
    x = layers.Dropout(0.1)(x)
    x = kind(5, name="second", **options)(x)
    return keras.Model(inputs, layers.Dense(1, name="logit")(x))


def _rows():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(256, 4, 6)).astype("float32")
    return x, (x[:, :, 0].sum(axis=1) > 0).astype("float32")


@pytest.mark.parametrize(("kind", "options"), [
    (layers.SimpleRNN, {}), (layers.LSTM, {"use_bias": False}), (layers.GRU, {}),
    (layers.GRU, {"reset_after": False, "dropout": 0.1})])
def test_units_go_from_the_cell(kind, options, tmp_path):
    keras.utils.set_random_seed(2)
    model, (x, y) = _network(kind, **options), _rows()
    full = insert_pruners(model, "100%", "all")
    np.testing.assert_allclose(full.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    gated = insert_pruners(model, 9, "all")
    gated.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    gated.fit(x, y, batch_size=64, epochs=2, verbose=0, callbacks=[Anneal()])
    kept = {gate.name: len(gate.kept()) for gate in find_gates(gated)}
    assert sum(kept.values()) == 9
    gated.save(tmp_path / "gated.keras")
    expected = gated.predict(x, verbose=0)
    again = keras.saving.load_model(tmp_path / "gated.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    small, inputs = shrink(gated)
    assert [type(layer) for layer in small.layers if layer.name in ("first", "second")] == [kind, kind]
    assert (small.get_layer("first").units, small.get_layer("second").units) == (kept["gate_first"], kept["gate_second"])
    np.testing.assert_allclose(small.predict(x[..., inputs], verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_multiplications_count_the_states_too():
    model = insert_pruners(_network(layers.LSTM), "40%", cost="multiplications")
    budget = find_budgets(model)[0]
    full = 4 * 4 * (6 * 8 + 8 * 8) + 4 * 4 * (8 * 5 + 5 * 5) + 5
    assert budget.cost.value([8, 5]) == full and budget.nodes == round(0.4 * full)
    assert budget.spent() == pytest.approx(budget.nodes, rel=1e-4)
    scores = magnitude_scores(model, _rows()[0])
    assert [len(values) for values in scores.values()] == [8, 5] and all(np.isclose(v.mean(), 1) for v in scores.values())


class TestRecurrentPruner(GateConformance):
    """The conformance of a gate, on a recurrent layer between dense ones."""

    layer = AutoPruner
    exact_sum = True

    def model(self, nodes, on_inputs=False, hidden=(8, 5), seed=1, dtype=None):
        keras.utils.set_random_seed(seed)
        budget = Budget(nodes, **self.options)
        x = inputs = keras.Input((6,), name="inputs")
        if on_inputs:
            x = AutoPruner(budget, name="gate_inputs")(x)
        x = layers.Reshape((1, 6))(x) if not on_inputs else x
        if on_inputs:
            return super().model(nodes, on_inputs, hidden, seed, dtype)
        x = RecurrentPruner(budget, layers.GRU(hidden[0], dtype=dtype), name="gate_0", dtype=dtype)(x)
        x = layers.Dense(hidden[1], activation="relu", dtype=dtype)(x)
        x = AutoPruner(budget, name="gate_1", dtype=dtype)(x)
        return keras.Model(inputs, layers.Dense(1, dtype="float64" if dtype == "float64" else "float32")(x))

    def test_the_shrunk_network_is_the_same_function(self):
        """See `test_units_go_from_the_cell`."""

    def test_scores_stay_in_float32_under_mixed_precision(self):
        model = self.model(5, dtype="mixed_bfloat16")
        gate = find_gates(model)[0]
        assert gate.compute_dtype == "bfloat16" and gate.scores.dtype == "float32"
        assert keras.backend.standardize_dtype(gate(np.ones((2, 1, 6), dtype="float32")).dtype) == "bfloat16"
        self.train(model, epochs=2)
        assert self.gates(model).sum() == 5

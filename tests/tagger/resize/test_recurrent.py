"""Gates inside recurrent cells: the same function at full budget, trained, saved, shrunk to an ordinary layer."""

import keras
import numpy as np
import pytest
from gate_conformance import GateConformance, toy
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize.baselines import magnitude_scores
from tagger.resize.cancelout import CancelOut
from tagger.resize.gate import AutoPruner, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.open_gate import OpenGate
from tagger.resize.recurrent import INSIDE
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


class RecurrentConformance(GateConformance):
    """The conformance of a gate inside a recurrent layer, which shares its budget with one behind a dense layer."""

    shape = (3, 6)

    def rows(self, count=512):
        x, y = toy(3 * count)
        return x.reshape(count, 3, 6), y[2::3]

    def hidden_layer(self, x, units, place, budget, dtype):
        if place > 0:
            return super().hidden_layer(x, units, place, budget, dtype)
        return INSIDE[self.layer](budget=budget, layer=layers.GRU(units, dtype=dtype), name="gate_0", dtype=dtype)(x)

    def test_the_exported_network_gives_the_same_bits(self):
        """There is no firmware of recurrent layers, and it says so."""
        pytest.importorskip("hgq")
        from tagger.quantise import convert

        small, inputs = shrink(self.frozen(9, on_inputs=True))
        with pytest.raises(ConfigError, match=r"layer \S+ \(GRU\) of the network cannot be quantised"):
            convert(small, self.rows()[0][..., inputs])


class TestRecurrentPruner(RecurrentConformance):
    layer = AutoPruner
    exact_sum = True


class TestRecurrentCancelOut(RecurrentConformance):
    layer = CancelOut


class TestRecurrentOpenGate(RecurrentConformance):
    layer = OpenGate
    trains_scores = False

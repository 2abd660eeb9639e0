"""CancelOut: its gates, its loss, its ranking, and exactly k at the end."""

import keras
import numpy as np
import pytest
from gate_conformance import GateConformance, toy
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize.cancelout import CancelOut
from tagger.resize.gate import as_array, find_budgets, find_gates
from tagger.resize.shrink import shrink


class TestCancelOut(GateConformance):
    layer = CancelOut


def test_gates_and_loss_are_the_published_ones():
    gate = CancelOut(variance=0.7, sparsity=0.3)
    gate.build((None, 4))
    gate.scores.assign([2.0, -1.0, 0.0, 5.0])
    out = gate(np.ones((1, 4), dtype="float32"))
    np.testing.assert_allclose(as_array(out)[0], 1 / (1 + np.exp(-np.array([2.0, -1.0, 0.0, 5.0]))), rtol=1e-6)
    share = np.array([2.0, -1.0, 0.0, 5.0]) / 4
    assert float(gate.losses[0]) == pytest.approx(0.3 * np.abs(share).sum() - 0.7 * share.var(), rel=1e-5)
    assert gate.ranking().tolist() == [3, 0, 2, 1]


def test_the_original_only_ranks(tmp_path):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layers.Dense(1)(CancelOut(name="rank")(inputs)))
    model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(*toy(2048), epochs=8, batch_size=64, verbose=0)
    assert set(model.get_layer("rank").ranking()[:2]) == {0, 1}
    assert find_budgets(model) == [] and len(find_gates(model)) == 1
    with pytest.raises(ConfigError, match="not frozen"):
        shrink(model)
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").get_layer("rank").budget is None

"""Gates in the kernels behind them: the same function and gradients, the same small network, saved and cloned alike."""

import keras
import numpy as np
import pytest
from gate_conformance import toy
from keras import layers

from tagger.resize import Anneal, find_budgets, find_gates, insert_pruners, shrink
from tagger.resize.folded import GatedDense


def _network(branches=False):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,), name="inputs")
    x = layers.Dense(8, activation="relu", name="first")(inputs)
    x = layers.BatchNormalization()(x)
    second = layers.Dense(5, activation="tanh", use_bias=False, name="second")(x)
    x = layers.Concatenate()([second, layers.Dense(3, name="third")(x)]) if branches else second
    return keras.Model(inputs, layers.Dense(1, name="logit")(x))


def _pair(branches=False, nodes=6, where="first,second"):
    model = _network(branches)
    pair = [insert_pruners(model, nodes, where, fold=fold) for fold in (True, False)]
    rng = np.random.default_rng(2)
    for name in [gate.name for gate in find_gates(pair[0])]:
        scores = rng.normal(size=pair[0].get_layer(name).size)
        for gated in pair:
            gated.get_layer(name).scores.assign(scores)
            find_budgets(gated)[0].temperature = 0.5
    return pair


@pytest.mark.parametrize("branches", [False, True])
def test_gates_fold_where_only_dense_layers_stand_behind(branches):
    folded, plain = _pair(branches)
    kinds = {layer.name: type(layer) for layer in folded.layers}
    assert kinds["second"] is GatedDense and kinds["logit"] is (layers.Dense if branches else GatedDense)
    assert [gate.folded for gate in find_gates(folded)] == [True, not branches]
    assert not any(isinstance(layer, GatedDense) for layer in plain.layers)


@pytest.mark.parametrize("branches", [False, True])
def test_folded_gates_learn_the_same(branches):
    """The same values, and the same weights and scores after a training."""
    pair = _pair(branches)
    x, y = toy()
    np.testing.assert_allclose(*(model.predict(x, verbose=0) for model in pair), rtol=1e-5, atol=1e-6)
    for model in pair:
        model.compile(keras.optimizers.SGD(0.1), keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=128, epochs=2, verbose=0, shuffle=False, callbacks=[Anneal(start=0.5, stop=0.4, fraction=1.0)])
    weights = [{weight.path.split("/", 1)[-1]: np.asarray(weight) for weight in model.weights} for model in pair]
    assert weights[0].keys() == weights[1].keys()
    for name, values in weights[0].items():
        np.testing.assert_allclose(values, weights[1][name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_saved_cloned_and_shrunk_alike(tmp_path):
    folded, plain = _pair()
    x = toy()[0]
    folded.save(tmp_path / "gated.keras")
    clone = keras.models.clone_model(folded)
    clone.set_weights(folded.get_weights())
    for copy in (keras.saving.load_model(tmp_path / "gated.keras"), clone):
        np.testing.assert_array_equal(copy.predict(x, verbose=0), folded.predict(x, verbose=0))
        assert find_budgets(copy)[0].get_config() == find_budgets(folded)[0].get_config()
    for model in (folded, plain):
        find_budgets(model)[0].freeze()
    small, other = shrink(folded).model, shrink(plain).model
    assert [type(layer) for layer in small.layers] == [type(layer) for layer in other.layers]
    for mine, its in zip(small.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_allclose(small.predict(x, verbose=0), folded.predict(x, verbose=0), rtol=1e-5, atol=1e-6)

"""Small layouts built afresh: any Keras model, other weights, what it was adapted to kept."""

import keras
import numpy as np
import pytest
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.resize import Anneal, fresh_copy, insert_pruners, shrink


def _matrices(model):
    return [weight for weight in model.get_weights() if weight.ndim > 1 and np.any(weight)]


def _of_all_kinds():
    """Recurrent, wrapped, nested, with and without seeds, behind an adapted normalisation."""
    adapted = layers.Normalization()
    adapted.adapt(np.random.default_rng(1).normal(3.0, 2.0, size=(100, 4, 6)))
    inputs = keras.Input((4, 6), name="inputs")
    x = layers.TimeDistributed(layers.Dense(5, kernel_initializer=keras.initializers.HeNormal(seed=4)))(adapted(inputs))
    x = layers.GRU(5)(layers.Conv1D(5, 2)(x))
    x = keras.Sequential([keras.Input((5,)), layers.Dense(5), layers.Dense(5)])(x)
    return keras.Model(inputs, layers.Dense(1)(x))


def test_any_model_gets_weights_of_its_own():
    model = _of_all_kinds()
    before = [weight.copy() for weight in model.get_weights()]
    first, again, other = (fresh_copy(model, seed) for seed in (1, 1, 2))
    assert [w.shape for w in first.get_weights()] == [w.shape for w in before] and not first.compiled
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for one in (model, other):
        assert not any(np.allclose(a, b) for a, b in zip(_matrices(first), _matrices(one), strict=True))
    nested = _matrices(first)[-3:-1]
    assert nested[0].shape == nested[1].shape and not np.allclose(*nested), "layers are kept apart"
    normed = [next(layer for layer in one.layers if isinstance(layer, layers.Normalization)) for one in (model, first)]
    x = np.ones((2, 4, 6), dtype="float32")
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(layer(x)) for layer in normed))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), "the original is left alone"


def test_a_pruned_model_of_the_users_own_is_trained_afresh():
    """Several classes, another loss: what `retrain` with its file of jets cannot serve."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(512, 6)).astype("float32")
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(8, activation="relu"),
                              layers.Dense(3)])
    gated = insert_pruners(model, 7)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    gated.compile("adam", loss)
    gated.fit(x, y, epochs=2, verbose=0, callbacks=[Anneal()])
    small, _ = shrink(gated)
    again = fresh_copy(small, seed=3)
    assert [w.shape for w in again.get_weights()] == [w.shape for w in small.get_weights()]
    again.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    history = again.fit(x, y, epochs=15, verbose=0).history
    assert history["accuracy"][-1] > 0.75 > history["accuracy"][0]


def test_an_unknown_layout_is_refused():
    class Own(keras.Model):
        pass

    for model in (Own(name="own"), keras.Sequential([layers.Dense(3)], name="own")):
        with pytest.raises(ConfigError, match=r"model 'own'.*only functional and built sequential"):
            fresh_copy(model, 1)

"""The small network: the same logits through every kind of layer that is supported."""

import keras
import numpy as np
import pytest
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.model import build
from tagger.resize.gate import AutoPruner, Budget, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import shrink


def _randomise(model, seed=1):
    """Random weights everywhere, also where training would have put them (moving averages, offsets)."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if not hasattr(layer, "mask"):
            layer.set_weights([rng.normal(size=w.shape) ** 2 + 0.1 if "variance" in v.name else rng.normal(size=w.shape)
                               for v, w in zip(layer.weights, layer.get_weights(), strict=True)])
        else:
            layer.scores.assign(rng.normal(size=layer.size))
    for budget in find_budgets(model):
        budget.freeze()


def _same(model, rows=64):
    x = np.random.default_rng(9).normal(size=(rows, *model.input_shape[1:])).astype("float32")
    small, inputs = shrink(model)
    large, found = (keras.ops.convert_to_numpy(net(values, training=False))
                    for net, values in ((model, x), (small, x[..., inputs])))
    np.testing.assert_allclose(found, large, rtol=1e-5, atol=1e-5 * np.abs(large).max())
    assert not find_gates(small)
    return small, inputs


def _gated(inputs, x, nodes, where="hidden"):
    model = insert_pruners(keras.Model(inputs, x), nodes, where)
    _randomise(model)
    return model


def test_dense_with_normalisation_dropout_and_activations():
    inputs = keras.Input((7,), name="inputs")
    x = layers.Normalization(mean=np.arange(7.0), variance=np.arange(1, 8.0))(inputs)
    x = layers.BatchNormalization()(layers.Dense(9, use_bias=False)(x))
    x = layers.Dropout(0.3)(layers.Activation("gelu")(x))
    x = layers.LeakyReLU()(layers.Dense(6)(x))
    small, kept = _same(_gated(inputs, layers.Dense(2)(x), 9, "all"))
    assert len(kept) + sum(layer.units for layer in small.layers if isinstance(layer, layers.Dense)) - 2 == 9
    assert small.input_shape == (None, len(kept))


def test_twenty_random_budgets_are_kept_to_the_node():
    """As `bench/bench_resize.py --only exact` does with training."""
    rng = np.random.default_rng(2024)
    sizes = {"inputs": 6, "hidden_1": 8, "hidden_2": 5, "hidden_3": 3}
    for seed in range(20):
        names = [str(name) for name in rng.permutation(list(sizes))[: rng.integers(1, 5)]]
        count = int(rng.integers(len(names), sum(sizes[name] for name in names) + 1))
        model = insert_pruners(build(6, (8, 5, 3), seed=seed), count, names)
        _randomise(model, seed)
        small, kept = _same(model, rows=16)
        widths = dict(zip(sizes, [len(kept), *(layer.units for layer in small.layers[2:-1])], strict=True))
        assert sum(widths[name] for name in names) == count and all(width >= 1 for width in widths.values())
        assert all(widths[name] == sizes[name] for name in set(sizes) - set(names))


def test_constants_behind_a_gate_go_into_the_bias():
    """Batch normalisation and a sigmoid turn removed zeros into other constants; the next layer has no bias."""
    budget = Budget(3)
    x = inputs = keras.Input((5,))
    x = AutoPruner(budget)(layers.Dense(8)(x))
    x = layers.Activation("sigmoid")(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Dense(2, use_bias=False)(x))
    _randomise(model)
    small, _ = _same(model)
    assert small.layers[-1].use_bias and not model.layers[-1].use_bias


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_convolutions_pooling_and_flatten(padding):
    inputs = keras.Input((8, 8, 3), name="inputs")
    x = layers.Conv2D(6, 3, padding=padding, activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(5, 2, padding=padding, activation="relu")(x)
    x = layers.Dense(4, activation="relu")(layers.Flatten()(x))
    small, kept = _same(_gated(inputs, layers.Dense(1)(x), 9, "all"), rows=8)
    assert small.input_shape[-1] == len(kept)


def test_sequences_and_global_pooling():
    inputs = keras.Input((10, 4), name="inputs")
    x = layers.GlobalAveragePooling1D()(layers.Conv1D(6, 3, activation="relu")(inputs))
    _same(_gated(inputs, layers.Dense(1)(x), 3), rows=8)


def test_the_firmware_has_no_convolutions():
    """A small network that `shrink` makes may be one that only Keras can run, and whoever asks for more is told."""
    pytest.importorskip("hgq")
    from tagger.quantise import convert

    inputs = keras.Input((10, 4), name="inputs")
    x = layers.GlobalAveragePooling1D()(layers.Conv1D(6, 3, activation="relu")(inputs))
    small, _ = shrink(_gated(inputs, layers.Dense(1)(x), 3))
    with pytest.raises(ConfigError, match=r"layer \S+ \(Conv1D\) of the network cannot be quantised"):
        convert(small, np.zeros((8, 10, 4), dtype="float32"))


def test_parallel_branches_that_are_joined():
    inputs = keras.Input((5,), name="inputs")
    a, b = layers.Dense(4, activation="relu")(inputs), layers.Dense(6, activation="relu")(inputs)
    _same(_gated(inputs, layers.Dense(1)(layers.Concatenate()([a, b])), 5))


def test_zeros_and_padding_do_not_mix_with_other_constants():
    x = inputs = keras.Input((8, 8, 3))
    x = AutoPruner(Budget(2))(layers.Conv2D(6, 3, activation="relu")(x))
    x = layers.Conv2D(2, 3, padding="same", name="padded")(layers.BatchNormalization()(x))
    model = keras.Model(inputs, x)
    _randomise(model)
    with pytest.raises(ConfigError, match="padded"):
        shrink(model)


def _convolutional(kind, padding, behind):
    """Two blocks of a convolution, a ReLU and a normalisation before the place of the gate, or behind it."""
    conv, dropout, pooling = {1: (layers.Conv1D, layers.SpatialDropout1D, layers.GlobalAveragePooling1D),
                              2: (layers.Conv2D, layers.SpatialDropout2D, layers.GlobalAveragePooling2D)}[kind]
    x = inputs = keras.Input((9,) * kind + (3,), name="inputs")
    for filters in (6, 5):
        relu, norm = layers.ReLU(), layers.BatchNormalization()
        x = conv(filters, 3, padding=padding)(x)
        x = norm(dropout(0.1)(relu(x))) if behind else relu(norm(x))
    return keras.Model(inputs, layers.Dense(1)(pooling()(x)))


@pytest.mark.parametrize(("kind", "padding", "behind"), [
    (1, "same", False), (1, "causal", False), (1, "valid", False), (1, "valid", True),
    (2, "same", False), (2, "valid", False), (2, "valid", True)])
def test_convolutional_networks_with_normalisation(kind, padding, behind):
    """A gate behind a normalisation leaves exact zeros, at the border as well."""
    keras.utils.set_random_seed(4)
    gated = insert_pruners(_convolutional(kind, padding, behind), 5, "hidden")
    rng = np.random.default_rng(5)
    for layer in gated.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2.0, w.shape) for w in layer.get_weights()])
    gated.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    x = rng.normal(size=(64, *gated.input_shape[1:])).astype("float32")
    gated.fit(x, x.mean(axis=tuple(range(1, x.ndim))) > 0, batch_size=32, epochs=2, verbose=0, callbacks=[Anneal()])
    small, _ = _same(gated)
    assert sum(layer.filters for layer in small.layers if hasattr(layer, "filters")) == 5


@pytest.mark.parametrize(("kind", "padding"), [(1, "same"), (1, "causal"), (2, "same")])
def test_a_normalisation_between_gate_and_padding_is_refused_at_insertion(kind, padding):
    with pytest.raises(ConfigError, match=r"pads with zeros.*put the gate behind the normalisation"):
        insert_pruners(_convolutional(kind, padding, True), 5, "hidden")


def test_what_cannot_be_taken_apart_is_named():
    inputs = keras.Input((5,))
    hidden = layers.Dense(4, name="hidden")(inputs)
    beside = keras.Model(inputs, layers.Concatenate()([AutoPruner(Budget(2))(hidden), hidden]))
    at_the_end = keras.Model(inputs, AutoPruner(Budget(2))(hidden))
    for model in (beside, at_the_end):
        _randomise(model)
        with pytest.raises(ConfigError):
            shrink(model)
    branch = keras.Model(inputs, layers.Dense(1)(
        layers.Concatenate()([layers.Dense(2)(AutoPruner(Budget(2))(hidden)), layers.Dense(2)(hidden)])))
    _randomise(branch)
    with pytest.raises(ConfigError, match="parallel branch"):
        shrink(branch)


def test_unfrozen_gates_are_refused():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, layers.Dense(1)(AutoPruner(Budget(2), name="soft")(inputs)))
    with pytest.raises(ConfigError, match="soft"):
        shrink(model)

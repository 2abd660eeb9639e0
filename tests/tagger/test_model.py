"""The network, its normalisation, and the fold of the normalisation into the first layer."""

import numpy as np
import pytest

from pseudoexp.errors import ConfigError
from tagger import model as models
from tagger.model import build, complexity, fixed_point_chain, fold_normalisation, input_scales, moments, normalisation_of


@pytest.fixture(scope="module")
def network(small_data):
    return build(39, (16, 8), *moments(small_data.train.x), seed=2)


def output(model, x):
    return np.asarray(model(np.asarray(x, dtype=np.float32)))


def test_moments_of_a_gaussian_are_the_plain_ones():
    x = np.random.default_rng(1).normal([2.0, -5e5], [3.0, 1e5], (200_000, 2)).astype(np.float32)
    mean, variance = moments(x)
    assert mean == pytest.approx(x.mean(axis=0), rel=1e-2)
    assert np.sqrt(variance) == pytest.approx(x.std(axis=0), rel=2e-2)


def test_moments_are_not_ruled_by_a_tail():
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (10_000, 1)).astype(np.float32)
    x[:3] = 1e6
    assert moments(x)[1][0] == pytest.approx(1.0, rel=0.05)


def test_moments_of_constant_and_rarely_filled_columns():
    x = np.zeros((10_000, 2), dtype=np.float32)
    x[:4, 1] = 3.0
    mean, variance = moments(x)
    assert (mean[0], variance[0]) == (0.0, 1.0)
    assert variance[1] == pytest.approx(x[:, 1].var(), rel=1e-3)


def test_the_network_normalises_what_it_is_given(small_data, network):
    mean, deviation = normalisation_of(network)
    x = small_data.test.x[:50]
    h = (x - mean) / deviation
    for layer in models.dense_layers(network):
        kernel, bias = layer.get_weights()
        h = h @ kernel + bias
        h = h if layer.name == "logit" else np.maximum(h, 0)
    assert output(network, x) == pytest.approx(h, rel=1e-4, abs=1e-4)


def test_the_seed_decides_the_weights():
    first, again, other = (build(4, (3,), seed=s).get_weights()[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_empty_layer():
    with pytest.raises(ConfigError, match="at least one node"):
        build(4, (3, 0))


def test_scales_are_powers_of_two_that_bring_inputs_to_order_one(small_data, network):
    scales = input_scales(network)
    assert np.array_equal(np.exp2(np.round(np.log2(scales))), scales)
    mean, deviation = normalisation_of(network)
    reach = (np.abs(mean) + 3 * deviation) * scales
    assert np.all((reach > 0.5) & (reach <= 1.0))


def test_fold_computes_the_same(small_data, network):
    x, expected = small_data.test.x, output(network, small_data.test.x)
    scales = input_scales(network)
    folded = fold_normalisation(network, scales)
    assert not any(type(layer).__name__ == "Normalization" for layer in folded.layers)
    assert output(folded, x * scales) == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert output(fold_normalisation(network), x) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_fold_leaves_the_model_alone_and_takes_one_without_normalisation(network):
    before = [w.copy() for w in network.get_weights()]
    plain = fold_normalisation(network, input_scales(network))
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    x = np.random.default_rng(3).normal(size=(20, 39))
    assert output(fold_normalisation(plain), x) == pytest.approx(output(plain, x), rel=1e-5, abs=1e-6)


def test_fold_refuses_branches():
    import keras

    x = keras.Input((4,))
    y = keras.layers.Dense(4)(x)
    with pytest.raises(ConfigError, match="chain"):
        fold_normalisation(keras.Model(x, keras.layers.Add()([y, keras.layers.Dense(4)(y)])))


def network_of(*chain, shape=(8,)):
    import keras

    h = x = keras.Input(shape)
    for layer in chain:
        h = layer(h)
    return keras.Model(x, h)


def branches(kind):
    """A network of Dense layers that is no chain: two inputs, two outputs, or a layer met twice."""
    import keras

    x, z = keras.Input((8,)), keras.Input((8,))
    dense, last = keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)
    if kind == "inputs":
        return keras.Model([x, z], last(keras.layers.Add(name="sum")([x, z])))
    if kind == "outputs":
        return keras.Model(x, [keras.layers.Dense(1)(dense(x)), last(x)])
    return keras.Model(x, last(dense(dense(x))))


@pytest.mark.parametrize(("made", "message"), [
    (lambda k: network_of(k.Conv1D(4, 2, name="conv"), k.Flatten(), k.Dense(1), shape=(4, 2)), r"layer conv \(Conv1D\)"),
    (lambda k: network_of(k.LSTM(4, name="lstm"), k.Dense(1), shape=(4, 2)), r"layer lstm \(LSTM\)"),
    (lambda k: network_of(k.Dense(4, "relu"), k.Reshape((2, 2)), k.GRU(4), k.Dense(1)), r"\(Reshape\)"),
    (lambda k: network_of(k.Dense(4, "relu"), k.Normalization(mean=0.0, variance=1.0, name="late"), k.Dense(1)), "layer late"),
    (lambda k: network_of(k.Dense(4, "tanh", name="bent"), k.Dense(1)), "layer bent"),
    (lambda k: network_of(k.Dense(4, "relu"), k.Dense(1, use_bias=False, name="bare")), "layer bare .*all with a bias"),
    (lambda k: network_of(k.Dense(4, "relu"), k.Dense(1), shape=(3, 8)), r"takes \[\(None, 3, 8\)\]"),
    (lambda k: network_of(k.Dense(2)), r"gives \[\(None, 2\)\]"), (lambda k: branches("inputs"), "layer sum"),
    (lambda k: branches("outputs"), "cannot be quantised"), (lambda k: branches("twice"), "only a chain"),
])
def test_fixed_point_wants_a_chain(made, message):
    import keras

    with pytest.raises(ConfigError, match=message):
        fixed_point_chain(made(keras.layers))


def test_fixed_point_starts_from_folded_layers(small_data, network):
    scales, layers = fixed_point_chain(network)
    assert np.array_equal(scales, input_scales(network)) and [layer.units for layer in layers] == [16, 8, 1]
    h = small_data.test.x * scales
    for layer in layers:
        h = layer(h.astype(np.float32) if layer is layers[0] else h)
    assert np.asarray(h) == pytest.approx(output(network, small_data.test.x), rel=1e-4, abs=1e-4)


def test_complexity():
    assert complexity(build(39)) == {"inputs": 39, "layout": [64, 32, 16], "nodes": 112,
                                     "parameters": 39 * 64 + 64 + 64 * 32 + 32 + 32 * 16 + 16 + 16 + 1,
                                     "multiplications": 39 * 64 + 64 * 32 + 32 * 16 + 16}
    assert complexity(build(3, ()))["nodes"] == 0

"""Bernoulli units: their mean, both gradients against the exact sum over all states, networks with and without them."""

import itertools

import numpy as np
import pytest

pytest.importorskip("keras")
import keras
from keras import ops

from pseudoexp.errors import ConfigError, SchemaError
from tagger.evaluate import logits
from tagger.invariant.bernoulli import Bernoulli, expected, log_probability, sampled_logits, stochastic, stochastic_network
from tagger.invariant.network import ManyViews
from tagger.model import build
from tagger.runs import load_model


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def states(n):
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)), dtype="float32")


@pytest.fixture(scope="module")
def tiny():
    """Two stochastic layers of 3 and 2 units: 32 states."""
    network = stochastic_network(2, (3, 2), None, None, "score", 7)
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(0, 1.0, w.shape) if w.ndim else w for w in network.get_weights()])
    return network


def exact_loss(weights, x, y):
    """E[cross-entropy] of one row by all 32 states, as a tensor of the weights."""
    (w1, c1, w2, c2, w3, c3) = weights
    a1 = ops.matmul(x, w1) + c1
    total = 0.0
    for first in states(3):
        a2 = ops.matmul(first[None, :], w2) + c2
        for second in states(2):
            z = (ops.matmul(second[None, :], w3) + c3)[0, 0]
            chance = ops.exp(log_probability(a1, first[None, :]) + log_probability(a2, second[None, :]))[0]
            total = total + chance * (ops.softplus(z) - y * z)
    return total


def dense_weights(network):
    return [w for layer in network.layers if isinstance(layer, keras.layers.Dense) for w in layer.trainable_variables]


def test_draws_have_the_right_mean_and_inference_is_the_mean():
    layer = Bernoulli(seed=3)
    a = np.tile(np.linspace(-4, 4, 9, dtype="float32"), (20_000, 1))
    drawn = np.asarray(layer(a, training=True))
    p = sigmoid(a[0])
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.all(np.abs(drawn.mean(axis=0) - p) < 4.5 * np.sqrt(p * (1 - p) / len(a)))
    assert not np.array_equal(drawn, np.asarray(layer(a, training=True)))
    np.testing.assert_allclose(np.asarray(layer(a, training=False))[0], p, rtol=1e-6)
    with pytest.raises(ConfigError, match=r"gradient 'reinforce' is unknown.*straight-through, score"):
        Bernoulli("reinforce")


@pytest.mark.parametrize(("gradient", "factor"), [("straight-through", 1.0), ("score", 0.0)])
def test_what_flows_back_through_a_draw(gradient, factor):
    """Straight-through: as through the expectation, whatever was drawn; score: nothing."""
    tf = pytest.importorskip("tensorflow")
    layer, a = Bernoulli(gradient, seed=3), tf.constant([[-2.0, 0.3, 1.7]])
    weight = np.array([[1.0, -2.0, 3.0]], dtype="float32")
    for _ in range(3):
        with tf.GradientTape() as tape:
            tape.watch(a)
            loss = tf.reduce_sum(layer(a, training=True) * weight)
        p = sigmoid(np.asarray(a))
        slope = tape.gradient(loss, a)
        np.testing.assert_allclose(0.0 if slope is None else slope, factor * weight * p * (1 - p), rtol=1e-5)


def estimates(network, x, y, draws, repeats):
    """Gradients of the training loss, (repeats, parameters)."""
    tf = pytest.importorskip("tensorflow")
    trained = ManyViews(network, 1, None, 0.0, draws)
    views, label = tf.constant(x)[:, None, :], tf.constant([y])
    found = []
    for _ in range(repeats):
        with tf.GradientTape() as tape:
            loss = trained.compute_loss(views, label, training=True)
        found.append(np.concatenate([np.ravel(g) for g in tape.gradient(loss, dense_weights(network))]))
    return np.array(found)


def test_the_score_function_has_the_exact_gradient(tiny):
    """Against the sum over all states, in every weight; the straight-through gradient is elsewhere."""
    tf = pytest.importorskip("tensorflow")
    x, y = np.array([[0.8, -1.1]], dtype="float32"), 1.0
    with tf.GradientTape() as tape:
        loss = exact_loss(dense_weights(tiny), x, y)
    exact = np.concatenate([np.ravel(g) for g in tape.gradient(loss, dense_weights(tiny))])

    def pulls(network, draws):
        found = estimates(network, x, y, draws, 60)
        return (found.mean(axis=0) - exact) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)) + 1e-9)

    for draws in (2, 1000):
        assert np.abs(pulls(tiny, draws)).max() < 4.5
    through = stochastic(expected(tiny), "straight-through")
    assert np.abs(pulls(through, 1000)).max() > 10.0


def test_networks_with_and_without_draws_are_one_function(tmp_path):
    plain = build(3, (4, 2), seed=2, activation="sigmoid")
    x = np.random.default_rng(1).normal(size=(50, 3)).astype("float32")
    drawn = stochastic(plain, "score", seed=5)
    np.testing.assert_allclose(logits(drawn, x), logits(plain, x), rtol=1e-6)
    np.testing.assert_array_equal(logits(expected(drawn), x), logits(plain, x))
    assert [layer.name for layer in expected(drawn).layers] == [layer.name for layer in plain.layers]
    drawn.save(tmp_path / "drawn.keras")
    again = load_model(tmp_path / "drawn.keras")
    assert [layer.gradient for layer in again.layers if isinstance(layer, Bernoulli)] == ["score"] * 2
    np.testing.assert_array_equal(logits(again, x), logits(drawn, x))
    with pytest.raises(SchemaError, match="no layer of sigmoid units"):
        stochastic(build(3, (4,)))


def test_the_mean_of_draws_is_the_sum_over_all_states(tiny):
    x = np.array([[0.8, -1.1]], dtype="float32")
    w1, c1, w2, c2, w3, c3 = (np.asarray(w, dtype=float) for w in dense_weights(tiny))
    total = 0.0
    for first in states(3):
        for second in states(2):
            chance = 1.0
            for p, b in ((sigmoid(x @ w1 + c1)[0], first), (sigmoid(first @ w2 + c2), second)):
                chance *= np.prod(np.where(b > 0, p, 1 - p))
            total += chance * sigmoid(second @ w3 + c3)[0]
    drawn = sampled_logits(tiny, np.repeat(x, 2000, axis=0), 20)
    assert sigmoid(drawn.astype(float)).mean() == pytest.approx(total, abs=0.002)
    assert abs(sigmoid(logits(tiny, x)[0]) - total) > 0.004  # the expectation of each layer is another figure

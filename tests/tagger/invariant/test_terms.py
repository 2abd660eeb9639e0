"""Terms of the loss against scipy and by hand: equal views cost nothing, missing ones do not count."""

import numpy as np
import pytest

pytest.importorskip("keras")
from keras import ops
from scipy.stats import bernoulli

from tagger.invariant.terms import Adversary, divergence, reversed_gradient, spread


def test_divergence_is_that_of_the_units():
    a = np.random.default_rng(1).normal(0, 2, (5, 3, 4)).astype("float32")
    present = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 1, 1]], dtype="float32")
    a[4] = a[4, :1]
    p = 1 / (1 + np.exp(-a.astype(float)))
    expected = []
    for i in range(5):
        there = p[i][present[i] > 0]
        expected.append(np.mean(bernoulli.entropy(there.mean(axis=0)) - bernoulli.entropy(there).mean(axis=0)))
    found = np.asarray(divergence(a, present))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert found[0] > 0.01 and np.abs(found[3:]).max() < 1e-6
    far = np.array([[[60.0], [-60.0]]], dtype="float32")
    assert np.asarray(divergence(far, np.ones((1, 2), "float32")))[0] == pytest.approx(np.log(2), abs=1e-5)


def test_spread_by_hand():
    logit = np.array([[1.0, 3.0, 99.0], [2.0, 2.0, 2.0]], dtype="float32")
    present = np.array([[1, 1, 0], [1, 1, 1]], dtype="float32")
    np.testing.assert_allclose(np.asarray(spread(logit, present)), [1.0, 0.0], atol=1e-6)


def test_reversed_gradient():
    tf = pytest.importorskip("tensorflow")
    x = tf.constant([1.0, -2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = reversed_gradient(x, 0.7)
        loss = tf.reduce_sum(y * y)
    np.testing.assert_allclose(y, x, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, x), -0.7 * 2 * np.asarray(x), rtol=1e-6)


def test_adversary_knows_nothing_at_first_and_learns():
    tf = pytest.importorskip("tensorflow")
    adversary, rng = Adversary(3, seed=2), np.random.default_rng(1)
    label = rng.integers(0, 2, 500).astype("float32")
    logit = rng.normal(0, 1, (500, 3)).astype("float32") + np.array([0.0, 3.0, 6.0], dtype="float32") * (2 * label[:, None] - 1)
    optimizer = tf.keras.optimizers.Adam(0.02)
    losses = []
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(adversary(logit, label))
        losses.append(float(loss))
        weights = adversary.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    assert losses[0] > 0.9 and losses[-1] < 0.5  # log 3 = 1.10; it may use the class: the shift has another sign there
    assert ops.shape(adversary(logit, label)) == (500, 3)

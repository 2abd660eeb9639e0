"""Networks on tracks and images use what they are given, and only that: orders and padding that must not matter do not."""

import numpy as np
import pytest
from mock_file import mock_images

from pseudoexp.benchmark.metrics import Scored
from tagger import object_networks as networks
from tagger.evaluate import logits

ROWS = 3000


def toy_tracks(shape, seed=1, gap=1.5):
    """Return tracks with a flag, whose third feature is larger in signal; fewer tracks than places."""
    rng = np.random.default_rng(seed)
    y = rng.random(ROWS) < 0.5
    x = rng.normal(0.0, 1.0, (ROWS, *shape)).astype(np.float32)
    x[..., 2] += gap * y.reshape(-1, *[1] * (len(shape) - 1))
    flag = np.arange(shape[-2]) < rng.integers(2, shape[-2] + 1, (ROWS, *shape[:-2], 1))
    x[..., -1] = flag
    return x * flag[..., None], y


def area(model, x, y):
    """Return the AUC on the second half after two passes over the first."""
    import keras

    half = ROWS // 2
    keras.utils.set_random_seed(1)
    model.compile(keras.optimizers.Adam(5e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(x[:half], y[:half].astype(np.float32), batch_size=64, epochs=6, verbose=0)
    return Scored(logits(model, x[half:]), y[half:], np.ones(ROWS - half)).auc()[0]


@pytest.fixture(scope="module")
def sums():
    x, y = toy_tracks((10, 6))
    model = networks.deep_sets(x, 1)
    return model, x, area(model, x, y)


@pytest.fixture(scope="module")
def gru():
    x, y = toy_tracks((2, 5, 6))
    model = networks.recurrent(x, 1)
    return model, x, area(model, x, y)


def test_both_learn(sums, gru):
    assert sums[2] > 0.9 and gru[2] > 0.9


def test_order_and_padding_do_not_matter_to_a_sum(sums):
    model, x, _ = sums
    expected = logits(model, x[:200])
    assert np.ptp(expected) > 1.0
    assert np.allclose(logits(model, x[:200, np.random.default_rng(2).permutation(10)]), expected, atol=1e-4)
    garbage = x[:200].copy()
    garbage[..., :-1][garbage[..., -1] == 0] = 5.0
    assert np.allclose(logits(model, garbage), expected, atol=1e-4)
    wider = networks.deep_sets(np.concatenate([x, 0.0 * x], axis=1), 1)
    wider.set_weights(model.get_weights())
    assert np.allclose(logits(wider, np.concatenate([x, 0.0 * x], axis=1)[:200]), expected, atol=1e-4)


def test_padding_does_not_matter_to_a_sequence_but_its_order_does(gru):
    model, x, _ = gru
    expected = logits(model, x[:200])
    garbage = x[:200].copy()
    garbage[..., :-1][garbage[..., -1] == 0] = 5.0
    assert np.allclose(logits(model, garbage), expected, atol=1e-4)
    longer = np.concatenate([x, 0.0 * x[:, :, :2]], axis=2)
    wider = networks.recurrent(longer, 1)
    wider.set_weights(model.get_weights())
    assert np.allclose(logits(wider, longer[:200]), expected, atol=1e-4)
    full = x[x[..., -1].all(axis=(1, 2))]
    assert abs(logits(model, full[:, :, ::-1]) - logits(model, full)).max() > 0.01
    assert abs(logits(model, full[:, ::-1]) - logits(model, full)).max() > 1e-3


def test_inputs_of_the_row_count_beside_the_sequences():
    x, y = toy_tracks((2, 4, 6), gap=0.0)
    columns = np.random.default_rng(3).normal(1e5 * y[:, None], 5e4, (ROWS, 3)).astype(np.float32)
    flat = np.concatenate([columns, x.reshape(ROWS, -1)], axis=1)
    model = networks.recurrent_with_inputs(flat, 1, 3, x.shape[1:])
    assert area(model, flat, y) > 0.9
    seen = networks.recurrent_with_inputs(np.concatenate([0 * columns, toy_tracks((2, 4, 6))[0].reshape(ROWS, -1)], axis=1), 1, 3,
                                          x.shape[1:])
    assert area(seen, np.concatenate([0 * columns, toy_tracks((2, 4, 6))[0].reshape(ROWS, -1)], axis=1), y) > 0.85


def test_an_image_is_seen():
    y = np.random.default_rng(1).random(ROWS) < 0.5
    x = schema_images(y)
    model = networks.convolutional(x, 1)
    assert networks.parameters(model) < 50_000
    assert area(model, x, y) > 0.9


def schema_images(signal, pixels=16):
    return mock_images(signal, pixels).astype(np.float16)



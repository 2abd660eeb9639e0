"""The integer model: equal to Keras bit for bit, and honest about the bits its sums need."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("hgq")
import quantised_toy as toy

from tagger.evaluate import logits
from tagger.firmware.fixed_point import EXACT_BITS, FixedLayer, FixedNetwork
from tagger.firmware.verify import stress_rows
from tagger.quantise import word_scales


def _layer(**changes):
    one = np.array([1])
    plain = FixedLayer(signed=one, integer=one, fractional=one * 2, rounds=False, kernel=np.array([[1]]),
                       bias=np.array([0]), weight_bits=0, input_bits=2, relu=False)
    return replace(plain, **changes)


@pytest.mark.parametrize("rows", ["test", "stress"])
def test_equal_to_keras(rows):
    model = toy.quantised().model
    x = toy.data().test.x if rows == "test" else stress_rows(word_scales(model))
    assert np.array_equal(FixedNetwork.from_keras(model).logits(x), logits(model, x).astype(np.float64))


def test_sums_are_exact_in_float32():
    assert max(FixedNetwork.from_keras(toy.quantised().model).sum_bits) <= EXACT_BITS


def test_truncation_and_saturation_by_hand():
    layer = _layer()  # 4 bits: -2 ... 1.75 in steps of 0.25
    eighths = np.array([[0], [1], [3], [-1], [-16], [-17], [14], [15], [99]])
    assert layer.cut(eighths, 3)[:, 0].tolist() == [0, 0, 1, -1, -8, -8, 7, 7, 7]


def test_rounding_is_to_nearest_with_ties_up():
    layer = _layer(rounds=True)
    assert layer.cut(np.array([[1], [3], [-1], [-3], [15]]), 3)[:, 0].tolist() == [1, 2, 0, -1, 7]


def test_unsigned_clips_at_zero_and_no_bits_give_zero():
    assert _layer(signed=np.array([0])).cut(np.array([[-5], [5]]), 2)[:, 0].tolist() == [0, 5]
    assert _layer(integer=np.array([-3])).cut(np.array([[-5], [5]]), 2)[:, 0].tolist() == [0, 0]


def test_relu_and_bias():
    layer = _layer(kernel=np.array([[3, -3]]), bias=np.array([1, 1]), relu=True)
    assert layer.sums(np.array([[2], [-2]])).tolist() == [[7, 0], [0, 7]]


def test_sum_bits_by_hand():
    # inputs of -8 ... 7 quarters, weights 3 and -5: no sum beyond 8 * 8 = 64, which takes 7 bits
    two = {"signed": np.array([1, 1]), "integer": np.array([1, 1]), "fractional": np.array([2, 2])}
    assert _layer(kernel=np.array([[3], [-5]]), **two).sum_bits == 7
    assert _layer(kernel=np.array([[12], [-20]]), **two).sum_bits == 7


def _chain(*kernels, dead=()):
    """Layers of so many weights; `dead` are inputs of the first one that have no bit."""
    layers = []
    for kernel in map(np.array, kernels):
        one = np.ones(len(kernel), dtype=int)
        integer = np.where(np.isin(np.arange(len(kernel)), dead), -3, 1) if not layers else one
        layers.append(_layer(signed=one * (integer > 0), integer=integer, fractional=2 * one, kernel=kernel,
                             bias=np.ones(kernel.shape[1], dtype=int)))
    return FixedNetwork(np.zeros(len(layers[0].kernel), dtype=int), tuple(layers))


def test_what_is_left_by_hand():
    """Three inputs, three nodes: an unread node and the input that it alone takes, a constant node, an input of no bit."""
    first, last = [[1, 0, 0], [1, 1, 0], [0, 1, 0]], [[1], [0], [2]]
    assert _chain(first, last).left == [2, 1]
    assert _chain(first, last, dead=[1]).left == [1, 1]
    assert _chain([[1, 2], [3, 4]], [[1], [1]]).left == [2, 2]
    assert _chain([[1, 0], [0, 1]], [[0], [0]]).left == [0, 0]


def test_nothing_but_what_is_left_moves_the_logit():
    """Inputs that do not count may say what they want; those that do are heard somewhere."""
    network = FixedNetwork.from_keras(toy.quantised().model)
    kernel = network.layers[0].kernel.copy()
    kernel[[1, 4]] = 0
    network = replace(network, layers=(replace(network.layers[0], kernel=kernel), *network.layers[1:]))
    x = toy.data().test.x
    heard = []
    for column in range(x.shape[1]):
        other = x.copy()
        other[:, column] = np.roll(x[:, column], 1)
        heard.append(bool(np.any(network.logits(other) != network.logits(x))))
    assert network.left[0] == sum(heard) and not heard[1] and not heard[4]

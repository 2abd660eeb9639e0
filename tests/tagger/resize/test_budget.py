"""Occupation numbers: the sum, the derivative, the layers' minimum, the limit of zero temperature."""

import keras
import numpy as np
import pytest
from gradients import FLOAT, assert_same, differences, gradients
from keras import ops
from scipy.optimize import brentq
from scipy.special import expit

from pseudoexp.errors import ConfigError
from tagger.resize import budget

TEMPERATURES = (10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4)


def _occupation(scores, owners, count, heat):
    """Gates with their gradient, as a budget puts them together."""
    fixed = ops.stop_gradient(scores)
    return budget.attach_gradient(*budget.levels(fixed, owners, count, ops.cast(heat, scores.dtype)), (scores - fixed) / heat)


def _gates(scores, count, heat, owners=None, dtype="float32"):
    owners = np.zeros(len(scores), dtype=int) if owners is None else owners
    tensor = ops.convert_to_tensor(np.asarray(scores, dtype=dtype))
    return np.asarray(ops.convert_to_numpy(_occupation(tensor, owners, count, heat)), dtype=float)


def _scores(kind, n, rng):
    return {"normal": rng.normal(size=n), "tied": np.zeros(n), "few": rng.integers(0, 4, n) * 1.0,
            "heavy": rng.standard_cauchy(n)}[kind]


def _convex_optimum(scores, owners, count, heat):
    """The same problem solved slowly: bracketing root search in float64 for every layer and for the pool."""
    layers = int(owners.max()) + 1
    span = (scores.min() - 60 * heat - 1, scores.max() + 60 * heat + 1)
    alone = np.full(layers, -np.inf)
    for k in range(layers):
        mine = scores[owners == k]
        if len(mine) > 1:
            alone[k] = brentq(lambda mu, mine=mine: expit((mine - mu) / heat).sum() - 1, *span, xtol=1e-14)

    def gates(mu):
        return expit((scores - np.minimum(mu, alone)[owners]) / heat)

    mu = span[1] if count == layers else brentq(lambda mu: gates(mu).sum() - count, *span, xtol=1e-14)
    return gates(mu)


@pytest.mark.parametrize("kind", ["normal", "tied", "few", "heavy"])
def test_the_sum_holds_at_every_temperature(kind):
    rng = np.random.default_rng(1)
    for n in (2, 3, 39, 500):
        scores = _scores(kind, n, rng)
        for count in sorted({1, n // 3 or 1, n - 1}):
            for heat in TEMPERATURES:
                gates = _gates(scores, count, heat)
                assert abs(gates.sum() - count) < 1e-6 * n, (n, count, heat)
                assert np.all(np.diff(gates[np.argsort(scores, kind="stable")]) >= -1e-6)


def test_a_converged_search_is_not_thrown_back_by_rounding():
    """Equal scores are solved in one step; every later one lands on an end of the bracket, or just outside."""
    for count in range(1, 39):
        for heat in (10.0, 0.3):
            np.testing.assert_allclose(_gates(np.zeros(39), count, heat), count / 39, rtol=1e-5)


def test_all_nodes_is_the_identity():
    assert np.array_equal(_gates([3.0, -1.0, 0.5], 3, 0.1), np.ones(3))


def test_a_layer_never_falls_below_one_particle():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(25):
        sizes = rng.integers(1, 12, rng.integers(2, 5))
        owners = np.repeat(np.arange(len(sizes)), sizes)
        if len(owners) == len(sizes):
            continue
        scores = rng.normal(size=len(owners)) + 3 * rng.normal(size=len(sizes))[owners]
        count = int(rng.integers(len(sizes), len(owners)))
        heat = 10 ** rng.uniform(-3, 1)
        scores = scores.astype("float32").astype(float)
        gates, exact = _gates(scores, count, heat, owners), _convex_optimum(scores, owners, count, heat)
        assert abs(gates.sum() - count) < 1e-6 * len(owners)
        assert np.bincount(owners, gates).min() > 1 - 1e-5
        np.testing.assert_allclose(gates, exact, atol=2e-5)
        held += np.any(np.bincount(owners, exact) < 1 + 1e-9)
    assert held > 3


def test_zero_temperature_is_the_selection():
    rng = np.random.default_rng(3)
    for _ in range(10):
        owners = np.repeat([0, 1, 2], rng.integers(1, 10, 3))
        scores = rng.permutation(len(owners)) + 20.0 * owners
        count = int(rng.integers(3, len(owners) + 1))
        kept = budget.select(scores, owners, count)
        np.testing.assert_allclose(_gates(scores, count, 1e-3, owners), kept, atol=1e-6)
        hard = budget.hard_gates(ops.convert_to_tensor(scores.astype("float32")), owners, count)
        assert np.array_equal(ops.convert_to_numpy(hard), kept)


def test_ties_go_by_index_and_layers_keep_one():
    owners = np.array([0, 0, 0, 1, 1])
    kept = budget.select(np.zeros(5), owners, 3)
    assert kept.tolist() == [True, True, False, True, False]
    hard = budget.hard_gates(ops.zeros(5), owners, 3)
    assert ops.convert_to_numpy(hard).tolist() == [1, 1, 0, 1, 0]
    assert budget.select([5.0, 4.0, 3.0, -2.0, -1.0], owners, 2).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("owners", [np.zeros(7, int), np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 2, 2, 2])])
def test_the_derivative_is_exact(owners):
    """d(sum c g)/ds by automatic differentiation against central differences, in float64 where Keras has it."""
    rng = np.random.default_rng(4)
    weights = ops.convert_to_tensor(rng.normal(size=7), dtype=FLOAT)
    scores = keras.Variable(rng.normal(size=7) - 2.0 * owners, dtype=FLOAT)
    for heat in (3.0, 0.5, 0.1):

        def total(heat=heat):
            return ops.sum(weights * _occupation(ops.convert_to_tensor(scores), owners, 4, heat))

        assert_same(gradients(total, [scores]), differences(total, [scores]), atol=1e-7)


@pytest.mark.parametrize(("count", "sizes", "words"), [
    (0, [4], "allowed are 1 to 4"), (5, [4], "allowed are 1 to 4"), (2, [4, 4, 4], "allowed are 3 to 12"),
    (1, [], "no layer")])
def test_impossible_budgets_name_the_range(count, sizes, words):
    with pytest.raises(ConfigError, match=words):
        budget.check_count(count, sizes)


def test_counts_are_read_from_text():
    assert [budget.count_from_text(text, 112) for text in ("40", "50%", 7, "12.5%", " 4e1 ")] == [40, 56, 7, 14, 40]
    assert budget.count_from_text("50%", 5) == 3
    for text in ("abc", "1.5", "nan", "%", "inf%"):
        with pytest.raises(ConfigError, match="whole number"):
            budget.count_from_text(text, 10)

"""Shapley values against sums over all subsets, and against functions whose values are known."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tagger.shapley import BLOCKS, JETS, mean_absolute, of_drawn_jets, shapley_values


def rows(rng, n, k):
    return rng.normal(size=(n, k)).astype(np.float32)


def entangled(x):
    return x[:, 0] * x[:, 1] + np.maximum(x[:, 2] - x[:, 3], 0.0) + np.where(x[:, 4] > 0.0, x[:, 0] * x[:, 2], 0.3 * x[:, 5])


def exact(function, x, references):
    """The definition: marginal contributions to all subsets S, weighted with |S|! (k - |S| - 1)! / k!."""
    n, k = x.shape
    worth = {}
    for size in range(k + 1):
        for chosen in combinations(range(k), size):
            mixed = np.repeat(references[None], n, axis=0)
            mixed[:, :, list(chosen)] = x[:, None, list(chosen)]
            worth[chosen] = function(mixed.reshape(-1, k)).reshape(n, -1).mean(axis=1)
    values = np.zeros((n, k))
    for chosen, value in worth.items():
        weight = math.factorial(len(chosen)) * math.factorial(k - len(chosen) - 1) / math.factorial(k) if len(chosen) < k else 0.0
        for i in set(range(k)) - set(chosen):
            values[:, i] += weight * (worth[tuple(sorted((*chosen, i)))] - value)
    return values


def test_all_subsets():
    rng = np.random.default_rng(1)
    x, references = rows(rng, 5, 6), rows(rng, 8, 6)
    many = np.array([shapley_values(entangled, x, references, rng) for _ in range(100)])
    error = many.std(axis=0) / 10.0
    expected = exact(entangled, x, references)
    assert np.abs(expected).max() > 0.5 and error.max() < 0.05
    assert np.all(np.abs(many.mean(axis=0) - expected) < 4.5 * error + 1e-6)


def test_a_linear_function_has_no_error():
    rng = np.random.default_rng(2)
    x, references, slope = rows(rng, 20, 4), rows(rng, 10, 4), np.array([2.0, -1.0, 0.5, 0.0])
    values = shapley_values(lambda z: z.astype(np.float64) @ slope, x, references, rng)
    assert np.allclose(values, slope * (x - references.mean(axis=0)), atol=1e-6)


def test_the_values_of_a_row_add_up():
    rng = np.random.default_rng(3)
    x, references = rows(rng, 7, 6), rows(rng, 4, 6)
    total = shapley_values(entangled, x, references, rng).sum(axis=1)
    assert np.allclose(total, entangled(x) - entangled(references).mean(), atol=1e-5)


def test_blocks_do_not_mix():
    """The values of a block are those against its own reference rows."""
    rng = np.random.default_rng(4)
    x, references = rows(rng, 6, 3).reshape(2, 3, 3), rows(rng, 8, 3).reshape(2, 4, 3)
    both = shapley_values(lambda z: z.sum(axis=1), x, references, rng)
    assert both.shape == (2, 3, 3)
    assert np.allclose(both, x - references.mean(axis=1, keepdims=True), atol=1e-5)


def test_the_mean_of_a_linear_logit_and_its_error(small_data):
    """Mean |w (x - mean)| over jets drawn by weight; the error covers the scatter between seeds."""
    data = small_data.select(["vr1_ip3d_bu", "vr2_eta"])
    part = data.val
    column = part.x[:, 0].astype(np.float64)
    slope = 1.0 / column.std()
    found = [mean_absolute(of_drawn_jets(lambda z: slope * z[:, 0], data, seed), {"bu": [0], "eta": [1]}) for seed in range(200)]
    means = np.array([one["mean"]["bu"] for one in found])
    expected = np.average(np.abs(slope * (column - np.average(column, weights=part.weight))), weights=part.weight)
    assert means.mean() == pytest.approx(expected, abs=4.0 * means.std() / np.sqrt(200) + 0.01)
    assert np.mean([one["error"]["bu"] for one in found]) == pytest.approx(means.std(), rel=0.2)
    assert all(one["mean"]["eta"] == 0.0 for one in found)


def test_heavy_jets_are_drawn(small_data):
    """Of a split in which one class has no weight, only the other one is looked at."""
    part = small_data.val
    x = np.where(part.y[:, None] == 1, 1.0, 99.0 + 0.0 * part.x).astype(np.float32)
    weight = np.where(part.y == 1, part.weight, 0.0)
    values = of_drawn_jets(lambda z: z.sum(axis=1), replace(small_data, val=replace(part, x=x, weight=weight)))
    assert values.shape == (BLOCKS, JETS, 39) and not values.any()


def test_sums_are_made_jet_by_jet():
    """Values that cancel in every jet are nothing together."""
    values = np.array([[[1.0, -1.0, 2.0], [3.0, -3.0, 0.0]], [[2.0, -2.0, 0.0], [0.0, 0.0, 4.0]]])
    found = mean_absolute(values, {"first": [0], "both": [0, 1], "all": [0, 1, 2]})
    assert found["mean"] == {"first": 1.5, "both": 0.0, "all": 1.5}
    assert found["error"] == pytest.approx({"first": 0.5, "both": 0.0, "all": 0.5})
    assert found["rows"] == 4

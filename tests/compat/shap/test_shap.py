"""Our Shapley values against the exact ones of the package shap."""

import numpy as np
import pytest

from tagger.shapley import shapley_values

shap = pytest.importorskip("shap")


def network(x):
    """A small network of made-up weights."""
    rng = np.random.default_rng(1)
    for nodes in (16, 8):
        x = np.maximum(x @ rng.normal(size=(x.shape[1], nodes)) / np.sqrt(x.shape[1]), 0.0)
    return x @ rng.normal(size=x.shape[1])


def test_a_network_of_eight_inputs():
    rng = np.random.default_rng(2)
    x, references = rng.normal(size=(12, 8)), rng.normal(size=(20, 8))
    expected = shap.ExactExplainer(network, shap.maskers.Independent(references, max_samples=20))(x).values
    many = np.array([shapley_values(network, x, references, rng) for _ in range(200)])
    error = many.std(axis=0) / np.sqrt(200)
    assert error.max() < 0.02 * np.abs(expected).max()
    assert np.all(np.abs(many.mean(axis=0) - expected) < 4.5 * error)

"""The quick logarithm and the quick exponential function against the library's."""

import numpy as np

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.exponential import quick_exp, quick_log


@kernel
def logarithms(x: np.ndarray) -> np.ndarray:
    """Return the logarithm of every entry."""
    y = np.empty(len(x))
    for i in range(len(x)):
        y[i] = quick_log(x[i])
    return y


def test_accuracy_from_the_smallest_to_large_numbers():
    rng = np.random.default_rng(1)
    edges = 2.0 ** np.arange(-40, 20)
    x = np.concatenate([rng.uniform(0, 1, 100_000), 10.0 ** rng.uniform(-300, 300, 20_000), edges, np.nextafter(edges, 0.0),
                        1.0 - 2.0 ** -np.arange(1.0, 34.0)])
    exact = np.log(x)
    assert (np.abs(logarithms(x) - exact) < 2e-15 * np.maximum(1.0, np.abs(exact))).all()


def test_of_a_random_number_just_below_one_is_negative():
    assert logarithms(np.array([1.0 - 2.0**-33, 1.0 - 2.0**-20])).max() < 0.0


@kernel
def exponentials(x: np.ndarray) -> np.ndarray:
    """Return e to the power of every entry."""
    y = np.empty(len(x))
    for i in range(len(x)):
        y[i] = quick_exp(x[i])
    return y


def test_accuracy_of_the_exponential_function():
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-1, 1, 100_000), rng.uniform(-690, 690, 100_000), np.arange(-600.0, 600.0) * np.log(2) / 256])
    assert (np.abs(exponentials(x) / np.exp(x) - 1.0) < 1e-15 * (2.0 + np.abs(x))).all()
    assert exponentials(np.zeros(1))[0] == 1.0

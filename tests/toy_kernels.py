"""Kernels that call each other, for the tests of how kernels are compiled and linked."""

import numpy as np

from pseudoexp.core.jit import inline, kernel


@inline
def scaled(x: float, y: float) -> float:
    return x / y


@kernel
def total_of(values: np.ndarray, y: float) -> float:
    total = 0.0
    for x in values:
        total += scaled(x, y)
    return total


@kernel
def twice(values: np.ndarray, y: float) -> float:
    return total_of(values, y) + total_of(values[1:], y)


@kernel
def beyond(values: np.ndarray, i: int) -> float:
    return total_of(values, values[i])

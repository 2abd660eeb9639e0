"""Gradients of a number with respect to Keras variables, whichever backend Keras runs on, and finite differences beside them."""

import keras
import numpy as np

from tagger.resize.gate import as_array

PRECISE = keras.backend.backend() == "tensorflow"
"""On other backends Keras takes float64 for float32 wherever two tensors meet."""
FLOAT = "float64" if PRECISE else "float32"
STEP = 1e-5 if PRECISE else 3e-3


def gradients(total, variables):
    """d total() / d variable, an array for each variable, by automatic differentiation."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = total()
        found = tape.gradient(value, [variable.value for variable in variables])
    elif backend == "torch":
        import torch

        found = torch.autograd.grad(total(), [variable.value for variable in variables])
    else:
        import jax

        def of(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True)), collect_losses=True):
                return total()

        found = jax.grad(of)([variable.value for variable in variables])
    return [as_array(slope) for slope in found]


def differences(total, variables):
    """The same by central differences."""
    found = []
    for variable in variables:
        start, slopes = as_array(variable).copy(), []
        for j in range(len(start)):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[j] += sign * STEP
                variable.assign(moved)
                sides.append(float(as_array(total())))
            slopes.append((sides[0] - sides[1]) / (2 * STEP))
        variable.assign(start)
        found.append(np.array(slopes))
    return found


def assert_same(found, expected, atol=1e-8):
    """Gradients and differences agree to 1e-5.

    Where only float32 is to be had, to five per cent of the largest: the wide steps may cross a kink.
    """
    for slopes, other in zip(found, expected, strict=True):
        assert np.any(slopes != 0.0)
        exact = {"rtol": 1e-5, "atol": atol}
        np.testing.assert_allclose(slopes, other, **(exact if PRECISE else {"rtol": 0.0, "atol": 0.05 * np.abs(other).max()}))

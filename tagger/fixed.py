"""Post-training fixed point: a trained network with all numbers rounded to W bits, nothing trained again.

The normalisation is folded, inputs are scaled by powers of two. Weights and biases of a layer share one format, its
inputs another: W bits, the sign included where one is needed, as many before the binary point as the largest weight, or
the largest activation of the training rows but one in ten thousand, demands. Values are rounded to nearest and saturate.
Computed in float64, which holds every sum exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.figures import summary
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError
from tagger.data import TaggerData
from tagger.evaluate import logits
from tagger.model import fixed_point_chain

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float64]
WIDTHS = tuple(range(3, 17))
"""Bits that `scan` tries."""
COVERED = 0.9999
"""Share of the training rows' values that a format holds."""
ROWS = 20_000
TOLERANCE = 0.001
"""AUC whose loss counts as broken."""


def cut(values: Array, bits: int, largest: float, signed: bool = True) -> Array:
    """Round to `bits` bits and saturate.

    Parameters
    ----------
    values : array
        Numbers.
    bits : int
        Of each, the sign included.
    largest : float
        Magnitude that has to fit.
    signed : bool
        One bit is a sign; otherwise negative numbers become 0.
    """
    integer = int(np.ceil(np.log2(max(largest, 1e-30))))
    step = 2.0 ** (integer - bits + signed)
    low = -(2.0**integer) if signed else 0.0
    return np.clip(np.round(values / step) * step, low, 2.0**integer - step)


def fixed_logits(model: keras.Model, x: NDArray[np.float32], calibration: NDArray[np.float32], bits: int) -> Array:
    """Logits (n,) of rows (n, k) with all weights, inputs and activations in `bits` bits.

    Parameters
    ----------
    model : keras.Model
        A chain normalisation -> Dense (ReLU) -> ... -> Dense(1).
    x : array (n, k)
        Raw inputs.
    calibration : array (m, k)
        Raw training rows that set the ranges; the float network's activations on them are looked at.
    bits : int
        At least 2.

    Raises
    ------
    ConfigError
        If `bits` is too small, or the network is no such chain.
    """
    if bits < 2:
        raise ConfigError(f"{bits} bits: at least 2 are needed, a sign and a digit")
    scales, layers = fixed_point_chain(model)
    values, exact = x.astype(np.float64) * scales, calibration.astype(np.float64) * scales
    for layer in layers:
        kernel, bias = (np.asarray(w, dtype=np.float64) for w in layer.get_weights())
        largest = np.quantile(np.abs(exact), COVERED, axis=0)
        signed = bool(np.any(exact < 0.0))
        if layer is layers[0]:  # the raw inputs differ by orders of magnitude: a format for each
            values = np.stack([cut(values[:, k], bits, float(largest[k])) for k in range(values.shape[1])], axis=1)
        else:
            values = cut(values, bits, float(largest.max()), signed)
        values = values @ _rounded(kernel, bits) + cut(bias, bits + 4, float(np.abs(bias).max()))
        exact = exact @ kernel + bias
        if layer is not layers[-1]:
            values, exact = np.maximum(values, 0.0), np.maximum(exact, 0.0)
    result: Array = values[:, 0]
    return result


def _rounded(kernel: Array, bits: int) -> Array:
    """Weights in `bits` bits, a format for each row: its input's scale went into it."""
    return np.stack([cut(row, bits, float(np.abs(row).max())) for row in kernel])


def scan(model: keras.Model, data: TaggerData, widths: Sequence[int] = WIDTHS, split: str = "test") -> list[dict[str, Any]]:
    """Figures of a network rounded to each of some widths, the float network's last.

    Parameters
    ----------
    model : keras.Model
        See `fixed_logits`.
    data : TaggerData
        With its inputs.
    widths : sequence of int
        Bits to try.
    split : str
        Rows to judge on.

    Returns
    -------
    list of dict
        `bits` (None for the float network) and the figures of `pseudoexp.benchmark.figures.summary`.
    """
    part = data.split(split)
    scores: list[tuple[int | None, NDArray[Any]]] = [
        (bits, fixed_logits(model, part.x, data.train.x[:ROWS], bits)) for bits in widths]
    scores.append((None, logits(model, part.x)))
    return [{"bits": bits, **summary(Scored(score, part.y == 1, part.weight, part.event))} for bits, score in scores]


def breaks_at(table: Sequence[dict[str, Any]], tolerance: float = TOLERANCE) -> int | None:
    """The largest width at which more than `tolerance` of AUC is lost against the float network; None if none is."""
    exact = next(row["auc"] for row in table if row["bits"] is None)
    lost = [row["bits"] for row in table if row["bits"] is not None and exact - row["auc"] > tolerance]
    return max(lost, default=None)

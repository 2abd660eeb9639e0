"""Shapley values: how much each input moves the network's logit of a jet, averaged over the orders in which inputs become known.

A set of inputs is worth the mean logit of the jet's values of these and a reference jet's values of all others, so that the
values of a jet add up to its logit less the references' mean (Lundberg and Lee, NeurIPS 2017, arXiv:1705.07874, interventional).
Orders are sampled, each with its reverse (Mitchell et al., JMLR 23 (2022) 43); every jet meets every reference jet once: what
inputs do on their own, without one another, has no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.data import TaggerData

BLOCKS, JETS = 8, 40
"""Independent estimates whose scatter is the error; jets of each, and as many reference jets."""

Inputs = NDArray[np.float32]
Array = NDArray[np.float64]
Function = Callable[[Inputs], NDArray[Any]]


def shapley_values(function: Function, x: Inputs, references: Inputs, rng: np.random.Generator) -> Array:
    """Return the Shapley values (..., n, k) of rows (..., n, k), each against all reference rows (..., m, k) of its block.

    Parameters
    ----------
    function : callable
        (rows, k) array -> (rows,) values.
    x, references : (..., n, k) and (..., m, k) arrays
        Rows to explain, and those that stand for "unknown"; leading dimensions count blocks.
    rng : Generator
        Of the orders: one per row and reference row, and its reverse.
    """
    shape = (*x.shape[:-1], *references.shape[-2:])
    known = np.broadcast_to(x[..., :, None, :], shape).reshape(-1, shape[-1])
    unknown = np.broadcast_to(references[..., None, :, :], shape).reshape(-1, shape[-1])
    return _of_pairs(function, known, unknown, rng).reshape(shape).mean(axis=-2)


def _of_pairs(function: Function, known: Inputs, unknown: Inputs, rng: np.random.Generator) -> Array:
    """Return the values (p, k) of rows (p, k) against one reference row each."""
    pairs, inputs = known.shape
    row = np.arange(pairs)
    order = rng.permuted(np.tile(np.arange(inputs), (pairs, 1)), axis=1)
    total = np.zeros(known.shape)
    for turn in (order, order[:, ::-1]):
        mixed = unknown.copy()
        before = np.asarray(function(mixed), dtype=np.float64)
        for column in turn.T:
            mixed[row, column] = known[row, column]
            after = np.asarray(function(mixed), dtype=np.float64)
            total[row, column] += 0.5 * (after - before)
            before = after
    return total


def of_drawn_jets(function: Function, data: TaggerData, seed: int = 1) -> Array:
    """Return the Shapley values (blocks, jets, k) of a logit for jets of the validation split, drawn by benchmark weights.

    Parameters
    ----------
    function : callable
        Inputs of jets (rows, k) -> logits (rows,).
    data : TaggerData
        With the inputs of the function.
    seed : int
        Of the jets, the reference jets and the orders.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(data.val), size=(2, BLOCKS, JETS), p=data.val.weight / data.val.weight.sum())
    jets, references = data.val.x[drawn]
    return shapley_values(function, jets, references, rng)


def mean_absolute(values: Array, columns: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return the mean absolute Shapley value of inputs, or of sums of some of them.

    Orders are sampled, and absolute values turn this into a lift of means that are small: by up to 0.01 where the largest is
    1.2, in a network 64-32-16 of 39 inputs.

    Parameters
    ----------
    values : (blocks, jets, k) array
        See `of_drawn_jets`.
    columns : mapping
        Name -> the inputs whose values are added.

    Returns
    -------
    dict
        `mean` and `error` (name -> value), of `rows` jets. The error is that of the mean of independent blocks: it
        includes the choice of jets, of reference jets and of orders.
    """
    sums = np.stack([values[..., list(mine)].sum(axis=-1) for mine in columns.values()], axis=-1)
    blocks = np.abs(sums).mean(axis=1)
    mean, error = blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    return {"rows": sums[..., 0].size, "mean": dict(zip(columns, mean.tolist(), strict=True)),
            "error": dict(zip(columns, error.tolist(), strict=True))}

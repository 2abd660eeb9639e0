"""The cost of a model's graph as a form of the nodes its gates keep, see `tagger.resize.cost`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.channels import KERNEL, Step, check_known
from tagger.resize.cost import ACTIVATION_BITS, COSTS, LUTS_PER_BIT_OPERATION, WEIGHT_BITS, Cost
from tagger.resize.recurrent import RECURRENT, RecurrentGate

Count = NDArray[np.float64]
"""Channels kept of a tensor (1 + gates,): a constant, then the coefficient of each gate's particles."""


def cost_of(chain: Sequence[Step], targets: Sequence[Step], name: str) -> Cost:
    """Multiplications or LUTs of a graph.

    Parameters
    ----------
    chain : sequence of Step
        The graph.
    targets : sequence of Step
        Calls whose output channels are gated, in the order of the budget's layers.
    name : {"multiplications", "luts"}
        "multiplications" per row of all Dense, Conv and recurrent layers, where positions or time steps are not known
        per one of them. "luts": times `LUTS_PER_BIT_OPERATION` and the bits of both factors, so for limits known in LUTs;
        of the same share the two choose the same layouts.

    Returns
    -------
    Cost
        Of the particles of the targets.

    Raises
    ------
    ConfigError
        If the name is unknown, or a layer has multiplications that cannot be counted.
    """
    if name not in COSTS[1:]:
        raise ConfigError(f"cost '{name}' is unknown: allowed are {', '.join(COSTS)}")
    factor = 1.0 if name == "multiplications" else LUTS_PER_BIT_OPERATION * WEIGHT_BITS * ACTIVATION_BITS
    k = len(targets)
    total = np.zeros((k + 1, k + 1))
    counts: dict[int, Count] = {}
    for step in chain:
        check_known(step.layer, f"counted in {name}")
        width = int(step.node.outputs[0].shape[-1] or 0)
        given = [counts[tensor] for tensor in step.inputs]
        out = _behind(step.layer, given, width, k)
        for i, target in enumerate(targets):
            if target.output == step.output:
                out = np.eye(k + 1)[i + 1]
        for times, first, second in _products(step, given, out):
            total += factor * times * np.outer(first, second)
        counts[step.output] = out
    total = 0.5 * (total + total.T)
    return Cost(name, float(total[0, 0]), tuple(2.0 * total[0, 1:]), tuple(map(tuple, total[1:, 1:])))


def _behind(layer: keras.layers.Layer, given: Sequence[Count], width: int, k: int) -> Count:
    """Channels behind a layer that is not gated."""
    if type(layer) is layers.Concatenate:
        return np.sum(given, axis=0)
    if given and type(layer) not in KERNEL + RECURRENT and not isinstance(layer, RecurrentGate):
        before = int(layer.input.shape[-1] or 0) if not isinstance(layer.input, list | tuple) else 0
        if type(layer) is layers.Flatten and before:
            return given[0] * (width / before)
        if before == width:
            return given[0]
    return np.eye(k + 1)[0] * width


def _products(step: Step, given: Sequence[Count], out: Count) -> list[tuple[float, Count, Count]]:
    """(times, inputs, outputs) of each matrix that a layer multiplies by."""
    layer, shape = step.layer, step.node.outputs[0].shape
    if type(layer) in KERNEL:
        places = _known(shape[1:-1]) * float(np.prod(layer.kernel.shape[:-2]))
        return [(places, given[0], out)]
    inner: Any = layer.layer if isinstance(layer, RecurrentGate) else layer
    if type(inner) in RECURRENT:
        times = _known(step.node.input_tensors[0].shape[1:2])
        blocks = inner.cell.kernel.shape[1] // inner.units
        return [(times * blocks, given[0], out), (times * blocks, out, out)]
    return []


def _known(sizes: Sequence[int | None]) -> float:
    return float(np.prod([size or 1 for size in sizes]))

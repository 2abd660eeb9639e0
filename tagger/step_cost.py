"""What gates cost per training step: the same network plain and with gates by turns, so that a noisy machine is fair to all."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np

from tagger.data import TaggerData
from tagger.model import build, moments
from tagger.resize import find_budgets, insert_pruners, shrink

PLAIN = "plain"
ROUNDS, REPEATS = 150, 3
"""Rounds by turns, of which the quickest counts; steps in one turn."""


def step_costs(data: TaggerData, hidden: tuple[int, ...], nodes: int | str, features: int, batch: int, compiled: bool,
               rounds: int = ROUNDS) -> dict[str, float]:
    """Return seconds per training step, the quickest of many rounds by turns.

    Parameters
    ----------
    data : TaggerData
        Its first training rows make the batch.
    hidden : tuple of int
        Nodes of the network's hidden layers.
    nodes : int or str
        Budget of the gates behind hidden layers.
    features : int
        Budget of the gates behind the inputs.
    batch : int
        Rows per step.
    compiled : bool
        Compile the steps (XLA).
    rounds : int
        How often every network has its turn.

    Returns
    -------
    dict
        Of the network without gates (`PLAIN`), with gates on nodes that select ("nodes, topk") or are soft ("nodes, fermi"),
        after the freeze ("nodes, frozen"), with gates on inputs ("inputs, fermi"), and of the small network ("shrunk").
    """
    plain = build(len(data.inputs), hidden, *moments(data.train.x))
    frozen = insert_pruners(plain, nodes, constraint="topk")
    models = {PLAIN: plain, "nodes, topk": insert_pruners(plain, nodes, constraint="topk"),
              "nodes, fermi": insert_pruners(plain, nodes, constraint="fermi"),
              "inputs, fermi": insert_pruners(plain, features, "inputs", constraint="fermi"), "nodes, frozen": frozen}
    find_budgets(frozen)[0].freeze()
    models["shrunk"] = shrink(frozen).model
    steps = {name: _stepper(model, data, batch, compiled) for name, model in models.items()}
    times = [{name: _seconds(step) for name, step in steps.items()} for _ in range(rounds)]
    return {name: min(one[name] for one in times) for name in steps}


def _stepper(model: keras.Model, data: TaggerData, batch: int, compiled: bool) -> Callable[[], object]:
    rows = np.arange(batch) % len(data.train)
    x, y = keras.ops.convert_to_tensor(data.train.x[rows]), keras.ops.convert_to_tensor(data.train.y[rows, None] * 1.0)
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=compiled)
    model.train_on_batch(x, y)
    return lambda: model.train_on_batch(x, y)


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(REPEATS):
        step()
    return (time.perf_counter() - start) / REPEATS

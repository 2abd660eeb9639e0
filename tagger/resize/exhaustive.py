"""Every layout, or every set of inputs, of a small network: trained side by side, the best ones again on fresh seeds.

Hundreds of small networks are one large one whose kernels have an axis more: (member, in, out). Their losses add up,
Adam treats every weight alone, so that each member learns as if it were trained on its own, on the same order of rows.
A member's missing inputs and nodes are masked out.

The best of many is partly luck. Therefore members are ranked on the validation rows, the winners are trained afresh
on seeds that had no part in their choice, and what a pruner found is trained on those same fresh seeds beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError
from tagger.data import Split, TaggerData
from tagger.model import moments
from tagger.train import TrainConfig, needs_jit

MEMBERS = 400
"""Networks trained at a time."""
FRESH = 4
"""Fresh seeds for each seed of the search: layouts differ by less than the seeds of one scatter."""
Kernel = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """A network to try.

    Attributes
    ----------
    inputs : tuple of int
        Columns it takes.
    layout : tuple of int
        Nodes of its hidden layers.
    """

    inputs: tuple[int, ...]
    layout: tuple[int, ...]


def all_layouts(sizes: Sequence[int], nodes: int) -> list[tuple[int, ...]]:
    """All ways to keep so many nodes in layers of these sizes, at least one in each.

    Raises
    ------
    ConfigError
        If there is none.
    """
    ranges = [range(1, min(size, nodes) + 1) for size in sizes]
    found = [layout for layout in product(*ranges) if sum(layout) == nodes]
    if not found:
        raise ConfigError(f"no layout of {'-'.join(map(str, sizes))} has {nodes} nodes with one in every layer")
    return found


def all_choices(inputs: int, features: int) -> list[tuple[int, ...]]:
    """All sets of so many of these inputs, as columns.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if not 1 <= features <= inputs:
        raise ConfigError(f"{features} features of {inputs}: allowed are 1 to {inputs}")
    return list(combinations(range(inputs), features))


@keras.saving.register_keras_serializable(package="tagger")
class StackedDense(keras.layers.Layer):
    """Dense layers of many networks: (batch, member, in) -> (batch, member, out).

    Parameters
    ----------
    kernels : array (members, in, out)
        First weights; what is zero there stays zero.
    relu : bool
        Negative outputs become 0.
    """

    def __init__(self, kernels: Kernel, relu: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.relu = kernels, relu

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make kernels, biases and the mask of what is there."""
        members, _, out = self.first.shape
        self.kernel = self.add_weight(shape=self.first.shape, name="kernel")
        self.bias = self.add_weight(shape=(members, out), initializer="zeros", name="bias")
        self.mask = self.add_weight(shape=self.first.shape, trainable=False, name="mask")
        self.kernel.assign(self.first)
        self.mask.assign((self.first != 0.0).astype("float32"))

    def call(self, x: Any) -> Any:
        """Multiply each member's values by its own kernel."""
        values = ops.matmul(ops.transpose(x, (1, 0, 2)), self.kernel * self.mask)
        values = ops.transpose(values, (1, 0, 2)) + self.bias
        return ops.relu(values) if self.relu else values


def train_many(data: TaggerData, candidates: Sequence[Candidate], seeds: Sequence[int], config: TrainConfig,
               report: Any = None) -> NDArray[np.float64]:
    """Train every candidate once for each seed.

    Parameters
    ----------
    data : TaggerData
        The file.
    candidates : sequence of Candidate
        All of the same number of hidden layers.
    seeds : sequence of int
        Of the weights.
    config : TrainConfig
        `epochs`, `batch` and `learning_rate`; the last weights count.
    report : callable, optional
        Called as report(networks trained, of how many) after each stack.

    Returns
    -------
    array (candidates, seeds, 2)
        AUC on the validation and on the test rows, benchmark weights.
    """
    members = [(candidate, seed) for candidate in candidates for seed in seeds]
    areas: list[list[float]] = []
    for start in range(0, len(members), MEMBERS):
        stack = members[start : start + MEMBERS]
        model = _stack(data, stack)
        _fit_stack(model, data, config)
        areas += [[area(score, part) for part, score in ((data.val, val), (data.test, test))]
                  for val, test in zip(_logits(model, data.val.x).T, _logits(model, data.test.x).T, strict=True)]
        if report:
            report(len(areas), len(members))
    return np.array(areas).reshape(len(candidates), len(seeds), 2)


def _stack(data: TaggerData, members: Sequence[tuple[Candidate, int]]) -> keras.Model:
    """The networks as one, each with weights of its own."""
    mean, variance = moments(data.train.x)
    x = inputs = keras.Input((len(mean),), name="inputs")
    x = keras.layers.Normalization(mean=mean, variance=variance)(x)
    x = keras.layers.Reshape((1, len(mean)))(x)
    x = keras.layers.UpSampling1D(len(members))(x)
    depth = len(members[0][0].layout)
    widths = [len(mean), *(max(c.layout[i] for c, _ in members) for i in range(depth)), 1]
    kernels = [np.zeros((len(members), a, b), dtype=np.float32) for a, b in pairwise(widths)]
    for m, (candidate, seed) in enumerate(members):
        rng = np.random.default_rng([seed, *candidate.inputs, *candidate.layout])
        rows: Sequence[int] = candidate.inputs
        for i, nodes in enumerate((*candidate.layout, 1)):
            spread = np.sqrt((2.0 if i < depth else 1.0) / len(rows))
            kernels[i][np.ix_([m], list(rows), range(nodes))] = rng.normal(0.0, spread, (1, len(rows), nodes))
            rows = range(nodes)
    for i, kernel in enumerate(kernels):
        x = StackedDense(kernel, relu=i < depth)(x)
    return keras.Model(inputs, keras.layers.Reshape((len(members),))(x))


def _fit_stack(model: keras.Model, data: TaggerData, config: TrainConfig) -> None:
    keras.utils.set_random_seed(config.seed)
    batch = config.batch_for(len(data.train))
    steps = -(-len(data.train) // batch)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, max(1, steps * config.epochs))

    def loss(target: Any, logit: Any) -> Any:
        return ops.sum(ops.softplus(logit) - target * logit, axis=-1)  # of all members: one does not feel another

    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=needs_jit())
    model.fit(data.train.x, data.train.y.astype(np.float32)[:, None], sample_weight=data.train.training_weight(),
              batch_size=batch, epochs=config.epochs, verbose=0)


def _logits(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([ops.convert_to_numpy(model(x[i : i + 2048], training=False)) for i in range(0, len(x), 2048)])


def area(score: NDArray[np.float32], part: Split) -> float:
    """AUC on these rows, benchmark weights."""
    return float(Scored(score, part.y == 1, part.weight).auc()[0])


def search(data: TaggerData, candidates: Sequence[Candidate], found: Sequence[Candidate], seeds: Sequence[int],
           config: TrainConfig, winners: int = 3, report: Any = None) -> dict[str, Any]:
    """Try all candidates, train the winners and what a pruner found on fresh seeds.

    Parameters
    ----------
    data : TaggerData
        The file.
    candidates : sequence of Candidate
        All there are.
    found : sequence of Candidate
        What a pruner found, one for each of its seeds.
    seeds : sequence of int
        Of the search; the fresh ones are `FRESH` times as many others.
    config : TrainConfig
        How to train each.
    winners : int
        Candidates of the highest mean validation AUC to train afresh.
    report : callable, optional
        See `train_many`.

    Returns
    -------
    dict
        `candidates` (each with `inputs`, `layout`, `val`, `test` AUC per seed), `order` (indices, best validation AUC
        first), `winners` and `found` (each with `index`, `rank`, `test` AUC per fresh seed); JSON types only.
    """
    areas = train_many(data, candidates, seeds, config, report)
    order = [int(i) for i in np.argsort(-areas[:, :, 0].mean(axis=1), kind="stable")]
    fresh = [seed + 1000 * block for block in range(1, FRESH + 1) for seed in seeds]
    again = sorted({*order[:winners], *(candidates.index(candidate) for candidate in found)})
    retrained = dict(zip(again, train_many(data, [candidates[i] for i in again], fresh, config), strict=True))

    def entry(i: int) -> dict[str, Any]:
        return {"index": i, "rank": order.index(i) + 1, "test": retrained[i][:, 1].tolist()}

    return {
        "candidates": [{"inputs": [data.inputs[k] for k in c.inputs], "layout": list(c.layout), "val": a[:, 0].tolist(),
                        "test": a[:, 1].tolist()} for c, a in zip(candidates, areas, strict=True)],
        "order": order, "winners": [entry(i) for i in order[:winners]],
        "found": [entry(candidates.index(candidate)) for candidate in found],
    }

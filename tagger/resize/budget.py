"""Gates that keep a budget: occupation numbers at a fixed number of particles.

For the scores s of the n nodes that share a budget of N, the gates are

    g_i = sigmoid((s_i - mu) / T),   mu such that sum_i g_i = N,

the occupation numbers of n levels by N fermions at temperature T with the chemical potential mu. They solve
the convex problem "maximise sum_i g_i s_i + T sum_i H(g_i) subject to sum_i g_i = N" (H: entropy). When several
layers share the budget, every layer must keep at least one node; the same problem with sum_(i in l) g_i >= 1 has
the solution mu_l = min(mu, m_l), m_l being the potential at which layer l alone holds one particle: layers that
would fall below one form groups of their own, the rest is the *pool*. For T -> 0 both become the selection of
`select`: the best node of every layer, then the best of the rest.

mu is found by trying many values of it at once and Newton steps from the best. Nothing is differentiated through the
search: within a group

    dmu / ds_j = w_j C_j / sum_k w_k C_k,   w = g (1 - g),   C_j = dC / dg_j,

holds exactly for every cost C(g) that grows in every gate; here every node costs one, C_j = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from pseudoexp.errors import ConfigError

SPACING = 0.125
"""Distance of the potentials that are tried before Newton's steps, in units of the temperature."""
NEWTON_STEPS = {"float32": 2, "float64": 4}
"""From half of that, 2e-3 and 2e-6 are left, or less; then 2e-12 and rounding. The sum holds to 1e-6 n."""
_TINY = 1e-30
_FAR = 1e30
SURE = 1e4
"""Argument of a gate that is 1 whatever happens; with a minus, 0."""
_STEEP = 60.0
_SLIVER = 1e-9

Tensor = Any
"""A tensor of whichever backend Keras runs on."""


def check_count(count: int, sizes: Sequence[int], what: str = "nodes") -> None:
    """Refuse a budget that cannot be met.

    Parameters
    ----------
    count : int
        Nodes to keep.
    sizes : sequence of int
        Nodes of each layer the budget spans.
    what : str
        What is counted, for the message.

    Raises
    ------
    ConfigError
        If `count` is not between the number of layers and the number of nodes.
    """
    total = sum(sizes)
    if not sizes:
        raise ConfigError(f"a budget of {count} {what} spans no layer")
    if not len(sizes) <= count <= total:
        layers = "1 layer" if len(sizes) == 1 else f"{len(sizes)} layers, at least one each"
        raise ConfigError(f"cannot keep {count} {what}: allowed are {len(sizes)} to {total} ({layers})")


def count_from_text(text: str | int | float, total: int, what: str = "nodes") -> int:
    """Number of nodes meant by `40` or `"50%"`.

    Parameters
    ----------
    text : str, int or float
        A whole number, or a percentage with its sign.
    total : int
        What 100 % is.
    what : str
        What is counted, for the message.

    Returns
    -------
    int
        The number; a percentage is rounded to the nearest whole number, halves upwards.

    Raises
    ------
    ConfigError
        If the text is neither, or more than 100 %.
    """
    word = str(text).strip()
    try:
        value = float(word.removesuffix("%"))
    except ValueError:
        value = math.nan
    if word.endswith("%") and math.isfinite(value):
        if value > 100.0:
            raise ConfigError(f"'{text}' is more than all {total} {what}: a share is at most 100%")
        return math.floor(value * total / 100.0 + 0.5)
    if not math.isfinite(value) or value != math.floor(value):
        raise ConfigError(f"'{text}' is not a number of {what}: give a whole number or a share such as 50%")
    return int(value)


def select(scores: ArrayLike, owners: ArrayLike, count: int) -> NDArray[np.bool_]:
    """The `count` highest scores, at least one per layer, ties by index.

    Parameters
    ----------
    scores : array (n,)
        One score per node.
    owners : array of int (n,)
        The layer of each node, 0 to layers - 1.
    count : int
        Nodes to keep.

    Returns
    -------
    array of bool (n,)
        True for the nodes kept; exactly `count` of them.

    Raises
    ------
    ConfigError
        If the count is impossible.
    """
    values, layer = np.asarray(scores), np.asarray(owners)
    check_count(count, [int(k) for k in np.bincount(layer)])
    order = np.argsort(-values, kind="stable")
    best = np.zeros(len(values), dtype=bool)
    best[order[np.unique(layer[order], return_index=True)[1]]] = True
    first = np.concatenate([order[best[order]], order[~best[order]]])
    kept = np.zeros(len(values), dtype=bool)
    kept[first[:count]] = True
    return kept


def hard_gates(scores: Tensor, owners: NDArray[np.int64], count: int) -> Tensor:
    """The same selection as `select`, inside a graph.

    Parameters
    ----------
    scores : tensor (n,)
        One score per node.
    owners : array of int (n,)
        The layer of each node, known when the graph is made.
    count : int
        Nodes to keep.

    Returns
    -------
    tensor (n,)
        1 for the nodes kept, 0 for the others; no gradient.
    """
    scores = ops.stop_gradient(scores)
    n = len(owners)
    # the layers' best come before all others; rounding may tie them, but they are kept in any order
    key = scores + best_of_layers(scores, owners) * (ops.max(scores) - ops.min(scores) + 1.0)
    return ops.sum(ops.one_hot(ops.argsort(-key)[:count], n, dtype=scores.dtype), axis=0)


def best_of_layers(scores: Tensor, owners: NDArray[np.int64]) -> Tensor:
    """1 for the best node of every layer, ties by index, and 0 for the others, (n,), inside a graph."""
    member = ops.convert_to_tensor(membership(owners))
    winners = ops.argmax(ops.where(member, scores[None, :], ops.min(scores) - 1.0), axis=1)
    return ops.max(ops.one_hot(winners, len(owners), dtype=scores.dtype), axis=0)


def levels(scores: Tensor, owners: NDArray[np.int64], count: int, heat: Tensor) -> tuple[Tensor, Tensor]:
    """Arguments (n,) of the sigmoids that the gates are, and the groups of nodes as a matrix (groups, n) of 0 and 1.

    What `attach_gradient` needs; nothing here is differentiated. The nodes of a group share a potential, those of none are
    where they are for good. The gates sum to `count` to 1e-6 n and to at least 1 in each layer; `owners` has the layer of each
    node, 0 to layers - 1, `count` is between the number of layers and n, `heat` is T > 0 in the unit of the scores.
    """
    owners = np.asarray(owners)
    sizes = np.bincount(owners)
    alone = sizes[owners] == 1
    n, groups = len(owners), len(sizes) + 1
    if count >= n or np.all(alone):
        return ops.full((n,), SURE, dtype=scores.dtype), ops.zeros((groups, n), dtype=scores.dtype)
    if np.any(alone):  # layers of one node always keep it; the budget of the others is what is left
        rest = np.flatnonzero(~alone)
        place = np.zeros(n, dtype="int32")
        place[rest] = np.arange(len(rest))
        argument, group = levels(ops.take(scores, rest), np.unique(owners[rest], return_inverse=True)[1],
                                 count - int(alone.sum()), heat)
        unfixed = ops.convert_to_tensor((~alone).astype(float), dtype=scores.dtype)
        group = ops.pad(ops.take(group, place, axis=1) * unfixed, ((0, groups - group.shape[0]), (0, 0)))
        return ops.where(unfixed > 0.5, ops.take(argument, place), SURE), group
    if len(sizes) == 1:
        group = ops.concatenate([ops.zeros((1, n), dtype=scores.dtype), ops.ones((1, n), dtype=scores.dtype)], axis=0)
        return arguments_of_all(scores, count, heat), group
    return _floored(scores, owners, count, heat)


def _floored(scores: Tensor, owners: NDArray[np.int64], count: int, heat: Tensor) -> tuple[Tensor, Tensor]:
    """Arguments of the gates when several layers share the budget, and the groups as a (layers + 1, n) matrix of 0, 1.

    With S_l(mu) the particles in layer l, layer l is held at one particle if and only if S_l(mu) < 1, that is
    m_l < mu, that is sum_k max(1, S_k(m_l)) > N: which layers these are is known before mu is. Mostly there are none, and
    the potential of all nodes together is the solution.
    """
    layers = int(owners.max()) + 1
    member = ops.convert_to_tensor(membership(owners).astype(float), dtype=scores.dtype)
    if count == layers:
        alone = arguments(scores, member, ops.ones((layers,), dtype=scores.dtype), heat)
        return ops.sum(alone * member, axis=0), ops.pad(member, ((0, 1), (0, 0)))
    everyone = ops.ones((1, len(owners)), dtype=scores.dtype)
    shared = arguments_of_all(scores, count, heat)
    some_short = ops.any(ops.matmul(member, ops.sigmoid(shared)) < 1.0)
    return ops.cond(some_short, lambda: _held(scores, member, count, heat),
                    lambda: (shared, ops.concatenate([ops.zeros_like(member), everyone], axis=0)))


def _held(scores: Tensor, member: Tensor, count: int, heat: Tensor) -> tuple[Tensor, Tensor]:
    """The same where some layers are held at one particle."""
    alone = arguments(scores, member, ops.ones((member.shape[0],), dtype=scores.dtype), heat)
    filled = ops.maximum(ops.matmul(ops.sigmoid(alone), ops.transpose(member)), 1.0)
    held = ops.cast(ops.sum(filled, axis=1) > count * (1.0 + 1e-6), scores.dtype)
    pool = 1.0 - ops.matmul(held, member)
    rest = arguments(scores, pool[None, :], (count - ops.sum(held))[None], heat)[0]
    argument = ops.where(pool > 0.5, rest, ops.sum(alone * member, axis=0))
    return argument, ops.concatenate([member * held[:, None], pool[None, :]], axis=0)


def attach_gradient(argument: Tensor, group: Tensor, shift: Tensor, price: Tensor | float = 1.0) -> Tensor:
    """sigmoid(argument) with the implicit derivative; `shift` is (s - stop_gradient(s)) / T, zero in value.

    The sum of w over a group is bounded from below where every gate of it is saturated and has no gradient; `price`
    is dC / dg of the nodes, in any unit.
    """
    weight = ops.sigmoid(argument) * ops.sigmoid(-argument) * price
    total = ops.maximum(ops.matmul(group, weight), _TINY)
    drift = ops.matmul(group, weight * shift) / total
    return ops.sigmoid(argument + shift - ops.matmul(drift, group))


def arguments(scores: Tensor, mask: Tensor, counts: Tensor, heat: Tensor) -> Tensor:
    """(s - mu) / T for each row of a mask, mu such that the gates of the row's nodes sum to the row's count.

    Parameters
    ----------
    scores : tensor (n,)
    mask : tensor (rows, n)
        1 for the nodes of the row, else 0.
    counts : tensor (rows,)
        Whole numbers, at least 1 and below the number of nodes of the row.
    heat : scalar tensor

    Returns
    -------
    tensor (rows, n)
        Arguments of the sigmoid, also of the nodes outside the row.
    """
    inside = mask > 0.5
    falling = -ops.sort(-ops.where(inside, scores[None, :], ops.min(scores) - 1.0), axis=1)
    place = ops.cast(counts, "int32")[:, None]
    last_in = ops.take_along_axis(falling, place - 1, axis=1)
    first_out = ops.take_along_axis(falling, ops.minimum(place, falling.shape[1] - 1), axis=1)
    z = _centred(scores[None, :], last_in, first_out, heat)
    filled = counts[:, None]
    # a full row (only by rounding, see _floored) counts as one with a sliver of a hole
    high = ops.log(ops.maximum(ops.sum(mask, axis=1, keepdims=True) - filled, _SLIVER))
    low = ops.minimum(-ops.log(filled), high)
    return z - _search(ops.where(inside, z, -_FAR), filled, low, high)


def arguments_of_all(scores: Tensor, count: int, heat: Tensor) -> Tensor:
    """The same (n,) of all nodes together and a number known when the graph is made, in fewer operations."""
    best = ops.top_k(scores, count + 1)[0]
    z = _centred(scores, best[count - 1], best[count], heat)[None, :]
    return (z - _search(z, float(count), -math.log(count), math.log(scores.shape[0] - count)))[0]


def _centred(scores: Tensor, last_in: Tensor, first_out: Tensor, heat: Tensor) -> Tensor:
    """z = (s - (s_(N) + s_(N+1)) / 2) / T; differences near s_(N), the N-th largest score, are exact in float32."""
    return ((scores - last_in) + 0.5 * (last_in - first_out)) / heat


def _search(z: Tensor, filled: Tensor | float, low: Tensor | float, high: Tensor | float) -> Tensor:
    """mu / T in units of z, (rows, 1); z (rows, n), all else (rows, 1) or numbers.

    At the root as many particles are missing among the N best nodes as are found among the others. The N-th best one and
    the one behind it, at z = d and -d, bound both: sigmoid(mu - d) <= (n - N) sigmoid(-d - mu) and N sigmoid(mu - d) >=
    sigmoid(-d - mu), from which -ln N <= mu <= ln(n - N) for every d, at every temperature. Points at a distance of
    `SPACING` in that bracket are tried at once; from the middle of two of them Newton's error e falls to e^2 / 2 or less
    with each step, because the second derivative of sum_i g_i is never larger than the first.
    """
    points = int(2.0 * math.log(z.shape[1]) / SPACING) + 1
    decay = ops.exp(ops.clip(-z, -_STEEP, _STEEP))  # a gate is 1 / (1 + exp(mu) decay)
    width = (high - low) / (points + 1)
    tried = ops.exp(low + width * ops.arange(1, points + 1, dtype=z.dtype)[None, :])
    occupied = ops.sum(1.0 / (1.0 + tried[:, :, None] * decay[:, None, :]), axis=2)
    low = low + width * ops.sum(ops.cast(occupied > filled, z.dtype), axis=1, keepdims=True)
    high, mu = low + width, low + 0.5 * width
    for _ in range(NEWTON_STEPS[keras.backend.standardize_dtype(z.dtype)]):
        gate = 1.0 / (1.0 + ops.exp(mu) * decay)
        excess = ops.sum(gate, axis=1, keepdims=True) - filled
        slope = ops.sum(gate * (1.0 - gate), axis=1, keepdims=True)
        mu = ops.minimum(ops.maximum(mu + excess / (slope + _TINY), low), high)
    return ops.stop_gradient(mu)


def membership(owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Row l marks the nodes of layer l."""
    return np.arange(int(owners.max()) + 1)[:, None] == owners[None, :]

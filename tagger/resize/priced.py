"""Gates under a budget that is no plain number of nodes: multiplications, LUTs, any cost that grows in every gate.

As in `tagger.resize.budget`, g_i = sigmoid((s_i - mu_l) / T) with mu_l = min(mu, m_l), m_l being the potential at
which layer l alone holds one particle; but now C(S) = limit fixes mu, S_l = sum_(i in l) c_i g_i with c_i the channels
that node i switches. C falls in mu, so that mu is found by the same Newton steps in a bracket, on log C. Its
derivative follows from C = limit: within the pool

    dmu / ds_j = w_j p_j / sum_k w_k p_k,   w = g (1 - g),   p_j = c_j dC / dS_l(j).

Such gates do not become binary by themselves: as T -> 0 one of them stays fractional. `cheapest_first` rounds down:
going down the scores it takes every node that still fits, so that less is left over than the cheapest unused node.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.budget import Tensor, arguments, attach_gradient, best_of_layers, membership
from tagger.resize.cost import Cost

STEPS = 24
"""Newton steps; few are needed, and a loop makes more of them cheap."""
_MARGIN = 14.0
"""In units of T; gates this far from mu are open or closed to 1e-6."""
_TINY = 1e-30


def check_limit(limit: float, cost: Cost, owners: NDArray[np.int64], channels: NDArray[np.int64]) -> None:
    """Refuse a limit that one node per layer exceeds, or that is not positive.

    Raises
    ------
    ConfigError
        Naming what is allowed.
    """
    layers = np.unique(owners)
    least = float(cost.value([channels[owners == layer].max() for layer in layers]))
    full = float(cost.value(np.bincount(owners, weights=channels)))
    if not least <= limit <= full * (1.0 + 1e-9):
        raise ConfigError(f"cannot keep within {limit:g} {cost.name}: allowed are {least:g} (one node in each of "
                          f"{len(layers)} layers) to {full:g} (all)")


def cheapest_first(scores: ArrayLike, owners: NDArray[np.int64], channels: NDArray[np.int64], cost: Cost,
                   limit: float) -> NDArray[np.bool_]:
    """The best node of every layer, then down the scores whatever still fits; ties by index.

    Parameters
    ----------
    scores : array (n,)
        One score per node.
    owners : array of int (n,)
        The layer of each node, 0 to layers - 1.
    channels : array of int (n,)
        Channels that each node switches.
    cost : Cost
        Of the particles per layer.
    limit : float
        What the selection may cost.

    Returns
    -------
    array of bool (n,)
        True for the nodes kept; the cost is at most `limit`, and no other node would fit.

    Raises
    ------
    ConfigError
        If the limit is impossible.
    """
    check_limit(limit, cost, owners, channels)
    order = np.argsort(-np.asarray(scores), kind="stable")
    best = np.zeros(len(owners), dtype=bool)
    best[order[np.unique(owners[order], return_index=True)[1]]] = True
    kept = best.copy()
    filled = np.bincount(owners, weights=channels * kept)
    for i in order[~best[order]]:
        more = filled.copy()
        more[owners[i]] += channels[i]
        if float(cost.value(more)) <= limit * (1.0 + 1e-12):
            kept[i], filled = True, more
    return kept


def priced_occupation(scores: Tensor, owners: NDArray[np.int64], channels: NDArray[np.int64], cost: Cost,
                      limit: float, temperature: Tensor | float) -> Tensor:
    """Fermi-Dirac gates of all nodes under one limit of the cost.

    Parameters
    ----------
    scores : tensor (n,), float32 or float64
        One score per node.
    owners, channels : arrays of int (n,)
        The layer of each node, and the channels it switches, known when the graph is made.
    cost : Cost
        Of the particles per layer.
    limit : float
        What the gates cost.
    temperature : float or scalar tensor
        T > 0, in the unit of the scores.

    Returns
    -------
    tensor (n,)
        Gates in [0, 1] of cost `limit` to 1e-5, at least one particle per layer; the derivative with respect to the
        scores is exact.
    """
    if limit >= float(cost.value(np.bincount(owners, weights=channels))) * (1.0 - 1e-9):
        return ops.ones_like(scores) + 0.0 * scores
    member, weight = _constants(owners, channels, scores.dtype)
    fixed = ops.stop_gradient(scores)
    heat = ops.cast(temperature, scores.dtype)
    alone = arguments(fixed, member, ops.ones((member.shape[0],), dtype=scores.dtype), heat)
    floor = ops.sum(alone * member, axis=0)
    z = (fixed - _crossing(fixed, member, weight, cost, limit)) / heat
    mu = _potential(z, floor, member, weight, cost, limit)
    argument = ops.maximum(z - mu, floor)
    held = ops.cast(floor > z - mu, scores.dtype)
    groups = ops.concatenate([member * held[None, :], (1.0 - held)[None, :]], axis=0)
    particles = ops.matmul(member, weight * ops.sigmoid(argument))
    price = ops.matmul(cost.marginal(particles), member) * weight
    price = ops.where(held > 0.5, ops.ones_like(price), price / ops.maximum(ops.max(price), _TINY))
    return attach_gradient(argument, groups, (scores - fixed) / heat, ops.stop_gradient(price))


def priced_hard(scores: Tensor, owners: NDArray[np.int64], channels: NDArray[np.int64], cost: Cost,
                limit: float) -> Tensor:
    """The best node of every layer, then down the scores until one does not fit: 0 and 1 (n,), no gradient."""
    member, weight = _constants(owners, channels, scores.dtype)
    fixed = ops.stop_gradient(scores)
    order = ops.argsort(-fixed)
    spent = _spent_in_order(order, member, weight, cost)
    rank = ops.argsort(order)
    fits = ops.cast(ops.take(spent, rank) <= limit * (1.0 + 1e-6), scores.dtype)
    return ops.maximum(fits, best_of_layers(fixed, owners))


def _constants(owners: NDArray[np.int64], channels: NDArray[np.int64], dtype: Any) -> tuple[Tensor, Tensor]:
    return (ops.convert_to_tensor(membership(owners).astype(float), dtype=dtype),
            ops.convert_to_tensor(channels.astype(float), dtype=dtype))


def _spent_in_order(order: Tensor, member: Tensor, weight: Tensor, cost: Cost) -> Tensor:
    """Cost (n,) of the first 1, 2, ... nodes of an order together with the best node of every layer."""
    shares = ops.take(ops.transpose(member) * weight[:, None], order, axis=0)
    taken = ops.cumsum(shares, axis=0)
    present = ops.cast(shares > 0.0, shares.dtype)
    is_first = present * ops.cast(ops.cumsum(present, axis=0) < 1.5, shares.dtype)
    return cost.tensor(ops.maximum(taken, ops.sum(shares * is_first, axis=0, keepdims=True)))


def _crossing(scores: Tensor, member: Tensor, weight: Tensor, cost: Cost, limit: float) -> Tensor:
    """Score of the node at which the limit is passed: near mu, so that differences to it are exact in float32."""
    order = ops.argsort(-scores)
    over = ops.cast(_spent_in_order(order, member, weight, cost) > limit * (1.0 + 1e-6), "int32")
    return ops.take(scores, ops.take(order, ops.argmax(over)))


def _potential(z: Tensor, floor: Tensor, member: Tensor, weight: Tensor, cost: Cost, limit: float) -> Tensor:
    """mu / T (scalar) in units of z, by Newton steps on log C safeguarded by bisection."""
    reach = float(np.log(int(z.shape[0])) + _MARGIN)
    low = ops.zeros_like(z[0]) - reach

    def newton(_: Tensor, state: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        mu, low, high = state
        argument = ops.maximum(z - mu, floor)
        gate = ops.sigmoid(argument)
        particles = ops.matmul(member, weight * gate)
        spent = cost.tensor(particles)
        free = ops.cast(z - mu >= floor, z.dtype) * gate * ops.sigmoid(-argument) * weight
        slope = ops.sum(ops.matmul(member, free) * cost.marginal(particles))
        excess = ops.log(spent / limit)
        low, high = ops.where(excess > 0, mu, low), ops.where(excess > 0, high, mu)
        step = mu + excess * spent / ops.maximum(slope, _TINY)
        accepted = ops.logical_and(step >= low, step <= high)
        return ops.where(accepted, step, 0.5 * (low + high)), low, high

    return ops.stop_gradient(ops.fori_loop(0, STEPS, newton, (ops.zeros_like(low), low, -low))[0])

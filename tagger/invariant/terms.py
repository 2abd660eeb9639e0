"""What a network is charged for telling the views of a jet apart, and the adversary that tries to.

Views stand on an axis of their own, (..., views) or (..., views, units); `present` is 1 where a jet has the view and 0
where it is missing. Only keras.ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any
TINY = 1e-7


def mean_over_views(values: Tensor, present: Tensor) -> Tensor:
    """Return the mean over the last axis of what is present there."""
    return ops.sum(values * present, axis=-1) / ops.maximum(ops.sum(present, axis=-1), 1.0)


def spread(logit: Tensor, present: Tensor) -> Tensor:
    """Return the mean squared deviation of the logits (n, V) of a jet from their mean, (n,)."""
    mean = mean_over_views(logit, present)
    return mean_over_views(ops.square(logit - ops.expand_dims(mean, -1)), present)


def divergence(activation: Tensor, present: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence of Bernoulli units between the views of a jet, (n,) in nats.

    H(mean over views of p) - mean over views of H(p) for each unit, p = sigmoid(a) and H the entropy of one draw; the mean
    over the units. 0 if every unit has the same probability in all views, at most log(views).

    Parameters
    ----------
    activation : (n, V, units) tensor
        a of each unit in each view.
    present : (n, V) tensor
        Which views there are.
    """
    there = ops.expand_dims(present, 1)  # (n, 1, V)
    a = ops.swapaxes(activation, 1, 2)  # (n, units, V)
    p = ops.sigmoid(a)
    own = mean_over_views(ops.softplus(a) - a * p, there)
    middle = mean_over_views(p, there)
    common = -middle * ops.log(middle + TINY) - (1.0 - middle) * ops.log(1.0 - middle + TINY)
    return ops.mean(common - own, axis=-1)


def reversed_gradient(x: Tensor, strength: float) -> Tensor:
    """Return x, through which a gradient flows back times -`strength` (Y. Ganin et al., arXiv:1505.07818)."""
    return ops.stop_gradient(x) * (1.0 + strength) - strength * x


class Adversary(keras.layers.Layer):
    """A network that guesses from the logit and the class of a jet under which pile-up it was seen.

    It is given the class, so that what it may use is how the logit moves within a class.

    Parameters
    ----------
    views : int
        How many there are to choose from.
    hidden : sequence of int
        Nodes of its hidden layers.
    seed : int
        Of its weights.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(self, views: int, hidden: Sequence[int] = (32, 16), seed: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.views = views
        self.inner = [keras.layers.Dense(nodes, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed + i))
                      for i, nodes in enumerate(hidden)]
        self.last = keras.layers.Dense(views, kernel_initializer=keras.initializers.GlorotUniform(seed))

    def call(self, logit: Tensor, label: Tensor) -> Tensor:
        """Return the cross-entropy (n, V) of its guesses for logits (n, V) of jets of the classes (n,)."""
        label = ops.broadcast_to(ops.expand_dims(label, -1), ops.shape(logit))
        x = ops.stack([logit / 4.0, label, logit * label / 4.0], axis=-1)  # logits are a few units wide
        for layer in self.inner:
            x = layer(x)
        guess = ops.log_softmax(self.last(x), axis=-1)  # (n, V, views)
        return -ops.sum(guess * ops.eye(self.views), axis=-1)

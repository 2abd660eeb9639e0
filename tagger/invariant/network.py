"""The network while it trains: it sees all views of a jet at once and carries the loss of its method.

loss = cross-entropy of the labels, mean over the views present, + strength x term, the term being

* "units": the Jensen-Shannon divergence between the views of the hidden units' probabilities, mean over all layers;
* "logit": the squared deviation of the views' logits from their mean;
* "adversary": the adversary's cross-entropy, which it lowers and the network, through a reversed gradient, raises.

"units" and "logit" are taken of the expectation, which is what the network says once it is trained. The labels' part is
taken of draws where there are Bernoulli units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.invariant.bernoulli import Bernoulli, activations, log_probability, score_term
from tagger.invariant.terms import Adversary, divergence, mean_over_views, reversed_gradient, spread

Tensor = Any
TERMS = ("units", "logit", "adversary")


class ManyViews(keras.Model):
    """A network on jets in several views, with its loss.

    Parameters
    ----------
    network : keras.Model
        (n, k) -> (n, 1) logits; trained in place.
    views : int
        Views of a jet.
    term : str or None
        One of `TERMS`; None or a strength of 0 leaves it out.
    strength : float
        Its weight; of the adversary that of the reversed gradient.
    draws : int
        Of each row, where the network has Bernoulli units; 0: they say their expectation in training, too.
    first_only : bool
        Learn from the first view alone.
    seed : int
        Of the adversary.
    """

    def __init__(self, network: keras.Model, views: int, term: str | None, strength: float, draws: int = 2,
                 first_only: bool = False, seed: int = 1) -> None:
        super().__init__()
        self.network, self.inner = network, activations(network)
        drawn = [layer for layer in network.layers if isinstance(layer, Bernoulli)]
        self.score = any(layer.gradient == "score" for layer in drawn)
        self.draws = draws if drawn else 1
        self.views, self.term, self.strength, self.first_only = views, term, strength, first_only
        self.adversary = Adversary(views, seed=seed) if term == "adversary" else None

    def build(self, input_shape: Any) -> None:
        """Make the adversary's weights; the network has its own already."""
        if self.adversary is not None:
            self.adversary(ops.zeros((1, self.views)), ops.zeros((1,)))
        super().build(input_shape)

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Return the logits (n, V) of jets (n, V, k), of zeros where a view is missing; drawn units say their expectation."""
        return ops.reshape(self.network(self._rows(x)[0], training=False), (-1, self.views))

    def compute_loss(self, x: Tensor = None, y: Tensor = None, y_pred: Tensor = None, sample_weight: Tensor = None,
                     training: bool = True) -> Tensor:
        """Return the loss of jets (n, V, k) with labels (n,) and weights (n,)."""
        rows, present = self._rows(x)
        found = self.inner(rows, training=False)
        logit, *units = found if isinstance(found, list) else [found]
        logit = ops.reshape(logit, (-1, self.views))
        label = ops.cast(y, logit.dtype)
        loss = self._labels(rows, label, present) if training and units and self.draws else self._entropy(logit, label, present)
        if self.term is not None and self.strength > 0.0:
            loss = loss + self._charge(logit, units[0::2], label, present)
        return ops.mean(loss if sample_weight is None else loss * sample_weight)

    def _rows(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows (n V, k) without NaN, and which views are present (n, V)."""
        there = ops.all(ops.isfinite(x), axis=-1)
        rows = ops.where(ops.expand_dims(there, -1), x, ops.zeros_like(x))
        return ops.reshape(rows, (-1, x.shape[-1])), ops.cast(there, x.dtype)

    def _entropy(self, logit: Tensor, label: Tensor, present: Tensor) -> Tensor:
        """Return the labels' cross-entropy per jet (..., n) of logits (..., n, V)."""
        return mean_over_views(self._each(logit, label), self._learnt(present))

    def _each(self, logit: Tensor, label: Tensor) -> Tensor:
        return ops.softplus(logit) - ops.expand_dims(label, -1) * logit

    def _learnt(self, present: Tensor) -> Tensor:
        """Which views count for the labels."""
        return present * ops.eye(1, self.views) if self.first_only else present

    def _labels(self, rows: Tensor, label: Tensor, present: Tensor) -> Tensor:
        """Return the labels' part (n,) of drawn units, with the score function's term where that is the gradient."""
        shape = (self.draws, -1, self.views)
        logit, *units = self.inner(ops.tile(rows, (self.draws, 1)), training=True)
        each = self._each(ops.reshape(logit, shape), label)
        loss = ops.mean(mean_over_views(each, self._learnt(present)), axis=0)
        if not self.score:
            return loss
        chances = [log_probability(a, b) for a, b in zip(units[0::2], units[1::2], strict=True)]
        term = score_term(each, ops.reshape(sum(chances), shape))
        return loss + mean_over_views(term - ops.stop_gradient(term), self._learnt(present))

    def _charge(self, logit: Tensor, units: list[Tensor], label: Tensor, present: Tensor) -> Tensor:
        """Return strength x term per jet (n,)."""
        if self.adversary is not None:
            guesses = self.adversary(reversed_gradient(logit, self.strength), label)
            return mean_over_views(guesses, present)
        if self.term == "logit":
            return self.strength * spread(logit, present)
        layers = [divergence(ops.reshape(a, (-1, self.views, a.shape[-1])), present) for a in units]
        return self.strength * sum(layers) / len(layers)

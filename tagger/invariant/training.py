"""Train a network on the same jets under several amounts of pile-up, so that it says the same of a jet in all of them.

Ways to do it, with equal rows and epochs:

* nominal: ReLU units, the first file only, as `tagger train`; the others are looked at in the end
* plain: ReLU units, all files, nothing but the labels
* paired: ReLU units, and the logits of a jet's views are drawn together
* stochastic: Bernoulli units, and their probabilities in a jet's views are drawn together
* adversarial: ReLU units, and an adversary that guesses the pile-up from the logit
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np

from pseudoexp.errors import ConfigError
from tagger.evaluate import logits, to_run
from tagger.invariant.bernoulli import GRADIENTS, expected, sampled_logits, stochastic_network
from tagger.invariant.movement import judge
from tagger.invariant.network import ManyViews
from tagger.invariant.views import Views
from tagger.model import build, import_keras, moments
from tagger.runs import Run
from tagger.train import Report, TrainConfig, fit, progress, training_cost


class Method(NamedTuple):
    """What a method charges, how much by default, and Adam's learning rate at the start, chosen on validation rows."""

    term: str | None
    strength: float
    rate: float = 1e-2


METHODS: Mapping[str, Method] = {
    "nominal": Method(None, 0.0), "plain": Method(None, 0.0), "paired": Method("logit", 0.1),
    "stochastic": Method("units", 10.0, rate=3e-2), "adversarial": Method("adversary", 1.0),
}  # fmt: skip
TERMS = ("units", "logit")
"""Terms to choose from in a stochastic network."""


@dataclass(frozen=True)
class InvariantOptions:
    """How to make a network say the same under all pile-up.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    strength : float, optional
        Weight of its term, the method's of `METHODS` by default.
    gradient : str
        Of the Bernoulli units, see `tagger.invariant.bernoulli`.
    term : str
        Of a stochastic network: "units" or "logit", see `tagger.invariant.network`.
    draws : int
        Of each row in a step, with Bernoulli units; the score function needs two. 0: sigmoid units that are never drawn.
    samples : int
        Draws whose mean is judged beside the expectation, 0 for none.
    """

    method: str = "stochastic"
    strength: float | None = None
    gradient: str = GRADIENTS[0]
    term: str = TERMS[0]
    draws: int = 2
    samples: int = 16

    def __post_init__(self) -> None:
        for name, value, allowed in (("method", self.method, METHODS), ("gradient", self.gradient, GRADIENTS),
                                     ("term", self.term, TERMS)):
            if value not in allowed:
                raise ConfigError(f"{name} '{value}' is unknown: allowed are {', '.join(allowed)}")
        least = 2 if self.gradient == "score" else 0
        if self.draws < least or self.samples < 0:
            raise ConfigError(f"draws {self.draws}, samples {self.samples}: allowed are at least {least} with gradient "
                              f"{self.gradient} and no negative number of samples")
        if self.strength is None:
            object.__setattr__(self, "strength", METHODS[self.method].strength)
        elif not 0.0 <= self.strength < np.inf:
            raise ConfigError(f"strength {self.strength:g}: allowed are 0 and more")
        elif self.strength > 0.0 and METHODS[self.method].term is None:
            raise ConfigError(f"strength {self.strength:g}: method '{self.method}' has no term to weigh")

    @property
    def drawn(self) -> bool:
        """Whether the units are Bernoulli units."""
        return self.method == "stochastic"

    @property
    def charged(self) -> str | None:
        """The term of the loss."""
        return self.term if self.drawn else METHODS[self.method].term


def train_invariant(views: Views, options: InvariantOptions | None = None, config: TrainConfig | None = None,
                    report: Report | None = None) -> Run:
    """Train a network on jets in several views and judge it under each.

    All epochs are run and the last weights kept: the loss of some methods does not say which epoch is best.

    Parameters
    ----------
    views : Views
        The files, the first one nominal.
    options : InvariantOptions, optional
        The method.
    config : TrainConfig, optional
        How to train; `patience` is not looked at. By default with the method's learning rate.
    report : callable, optional
        Called after each epoch.

    Returns
    -------
    Run
        Not saved yet: a plain network, in which sigmoid units stand for the expectations of Bernoulli units, judged on the
        first file; `metrics["invariance"]` has what `tagger.invariant.movement.judge` says of all files, and `sampled`, the
        same of the mean of draws.
    """
    options = options or InvariantOptions()
    config = replace(config or TrainConfig(learning_rate=METHODS[options.method].rate), patience=0)
    nominal = views.data[0]
    start = time.perf_counter()
    import_keras().utils.set_random_seed(config.seed)
    middle = moments(nominal.train.x)
    network = (stochastic_network(len(nominal.inputs), config.hidden, *middle, options.gradient, config.seed) if options.drawn
               else build(len(nominal.inputs), config.hidden, *middle, seed=config.seed))
    trained = ManyViews(network, len(views.data), options.charged, options.strength or 0.0, options.draws,
                        options.method == "nominal", config.seed)
    history = fit(trained, views.together(), config, [progress(config.epochs, report)] if report else [])
    plain = expected(network) if options.drawn else network
    said = {"command": "invariant", "options": asdict(config) | {"inputs": list(nominal.inputs)} | asdict(options), "asked": {},
            "training": training_cost(history, start), "files": [data.source for data in views.data]}
    run = to_run(plain, nominal, said, history)
    tests = [data.test.x for data in views.data]
    run.metrics["invariance"] = judge(views, [logits(plain, x) for x in tests])
    if options.drawn and options.draws and options.samples:
        drawn = judge(views, [sampled_logits(network, x, options.samples) for x in tests])
        run.metrics["invariance"]["sampled"] = {"samples": options.samples, "figures": drawn["figures"], "moved": drawn["moved"]}
    return run

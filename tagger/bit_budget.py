"""Which epoch's network a quantisation keeps, and how the price of a bit moves while it trains.

`SmallestWithin` raises beta and keeps the fewest EBOPs within a loss of AUC. `BestUnder` is given LUTs: a goal of EBOPs falls
to what so many LUTs hold (`tagger.bit_price`), da4ml says twice how many LUTs a bit operation takes in this network, and of
the later epochs the one of the best AUC whose network fits is kept. Synthesis may have the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.bit_price import STIFFNESS, ebops_of
from tagger.model import dense_layers

if TYPE_CHECKING:
    from tagger.quantise import QuantiseOptions

START_OF_BETA = 0.01
"""First beta as a share of the last."""
GROWTH = 0.7
"""Share of the epochs over which beta grows; the rest runs at the full beta."""
DESCENT = 0.6
"""Share of the epochs in which the bit operations fall to their goal."""
AIM, AIM_CHECKED = 0.96, 1.0
"""Estimated LUTs aimed at, in units of the limit: alone, and where synthesis, which finds fewer, has the last word."""
SPAN = 0.2
"""Share of the goal that goes in the epochs behind the descent, so that candidates of several sizes are there."""
SLACK = 1.1
"""Excess over the goal that a candidate may have."""
LAGGING, STIFFER = 1.08, 2.0
"""Excess over the goal beyond which the spring gets stiffer, and by which factor per epoch: short trainings need it."""
LUTS_PER_EBOP = 1.0
"""First guess; measured once the descent is over."""
TRACED_ROWS = 1024
TRIES = 8
"""Networks measured at the end at most."""


class SmallestWithin(keras.callbacks.Callback):
    """Raises beta, and keeps the weights of the fewest EBOPs whose validation AUC is within the tolerance.

    Parameters
    ----------
    reference : float
        The float network's validation AUC.
    options : QuantiseOptions
        Last beta, tolerance, patience.
    """

    summary: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, reference: float, options: QuantiseOptions) -> None:
        super().__init__()
        self.reference, self.options = reference, options
        self.best: list[NDArray[Any]] | None = None
        self.best_epoch, self.within, self.outside = 0, False, 0
        self._key = (True, np.inf)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set this epoch's beta."""
        part = min(1.0, epoch / max(GROWTH * self.options.epochs, 1.0))
        self.beta = self.options.beta * START_OF_BETA ** (1.0 - part)
        for layer in dense_layers(self.model):
            layer._beta.assign(self.beta)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Judge this epoch's network."""
        area = logs["val_auc"]
        ebops = ebops_of(self.model)
        logs.update(ebops=ebops, beta=self.beta)
        bad = area < self.reference - self.options.tolerance
        self.outside = self.outside + 1 if bad else 0
        key = (bad, -area if bad else float(ebops))
        if key < self._key or self.best is None:
            self._key, self.best, self.best_epoch, self.within = key, self.model.get_weights(), epoch + 1, not bad
        if self.outside >= self.options.patience and self.within:
            self.model.stop_training = True

    def restore(self) -> None:
        """Put the weights kept back into the network."""
        if self.best is not None:
            self.model.set_weights(self.best)


@dataclass(frozen=True)
class Candidate:
    """An epoch's network.

    Attributes
    ----------
    epoch : int
        From 1.
    val_auc, ebops : float
        Validation AUC, and effective bit operations.
    weights : list of arrays
        Of the network.
    """

    epoch: int
    val_auc: float
    ebops: float
    weights: list[NDArray[Any]]


class BestUnder(keras.callbacks.Callback):
    """Steers the bits so that the network takes at most so many LUTs, and keeps the best that does.

    Parameters
    ----------
    limit : float
        LUTs.
    epochs : int
        Of the training.
    x : (n, k) array
        Raw training rows; their ranges fix the weights' integer bits before a network is measured.
    check : callable, optional
        Network -> LUTs as synthesised: candidates are tried from the best down until one fits. Without it da4ml's
        estimate decides.
    plain : callable, optional
        Network in training -> the one to measure, without gates.
    """

    within = True

    def __init__(self, limit: float, epochs: int, x: NDArray[np.float32],
                 check: Callable[[keras.Model], float] | None = None,
                 plain: Callable[[keras.Model], keras.Model] | None = None) -> None:
        super().__init__()
        self.limit, self.epochs, self.x, self.check = limit, epochs, x, check
        self.plain = plain or (lambda model: model)
        self.ratio, self.stiffness = LUTS_PER_EBOP, STIFFNESS
        self.descent = min(max(round(DESCENT * epochs), 1), epochs - 1)
        self.measured = {round(0.8 * self.descent), self.descent, round(self.descent + 0.4 * (epochs - self.descent))}
        self.candidates: list[Candidate] = []
        self.summary: dict[str, Any] = {}
        self.best_epoch = 0

    def goal(self, epoch: int) -> float:
        """EBOPs to have after so many epochs."""
        aim = (AIM if self.check is None else AIM_CHECKED) * self.limit / self.ratio
        if epoch < self.descent:
            return float(self._start ** (1.0 - epoch / self.descent) * aim ** (epoch / self.descent))
        late = (epoch - self.descent) / max(self.epochs - self.descent, 1)
        return aim * (1.0 - SPAN * late)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Note where the descent starts."""
        self._start = max(ebops_of(self.model), 2.0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Let the goal fall for another epoch."""
        self.model.aim(self.goal(epoch), self.goal(epoch + 1), int(self.params.get("steps") or 1), self.stiffness)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Take this epoch's network if it is small enough."""
        size = ebops_of(self.model)
        logs.update(ebops=size, goal=self.goal(epoch + 1))
        if epoch + 1 in self.measured:
            self.ratio = max(estimated_luts(self._small()), 1.0) / max(size, 1.0)
        if size > LAGGING * self.goal(epoch + 1):
            self.stiffness *= STIFFER
        if epoch + 1 > self.descent and size <= SLACK * self.goal(self.descent):
            self.candidates.append(Candidate(epoch + 1, float(logs["val_auc"]), size, self.model.get_weights()))

    def _small(self) -> keras.Model:
        from hgq.utils import trace_minmax

        trace_minmax(self.model, self.x[:TRACED_ROWS])
        return self.plain(self.model)

    def restore(self) -> None:
        """Put the best weights that fit, and say anything, back into the network.

        Raises
        ------
        ConfigError
            If no epoch's network fitted.
        """
        waiting = sorted(self.candidates, key=lambda one: -one.val_auc)
        tried: list[dict[str, float]] = []
        while waiting and len(tried) < TRIES:
            ratio = min(one["synthesised"] / one["ebops"] for one in tried) if tried else 0.0
            # what the last ones took says which others are too large; if it says so of all, the smallest is tried
            candidate = next((one for one in waiting if ratio * one.ebops <= self.limit),
                             min(waiting, key=lambda one: one.ebops))
            waiting.remove(candidate)
            self.model.set_weights(candidate.weights)
            self.best_epoch = candidate.epoch
            network = self._small()
            estimated = estimated_luts(network)
            luts = estimated if self.check is None else self.check(network)
            tried.append({"epoch": candidate.epoch, "ebops": candidate.ebops, "estimated": estimated, "synthesised": luts})
            if 0.0 < luts <= self.limit:  # one of no LUTs always says the same
                self.summary = {"luts": {"limit": self.limit, "estimated": estimated,
                                         "synthesised": None if self.check is None else luts,
                                         "fitting_epochs": len(self.candidates), "tried": tried if self.check else []}}
                return
        raise ConfigError(f"no network of at most {self.limit:g} LUTs was found in {self.epochs} epochs: "
                          "more --epochs, a smaller network to start from, or more LUTs")


def estimated_luts(model: keras.Model) -> float:
    """Return the LUTs of a quantised network as da4ml estimates them, its decision included."""
    from tagger.firmware.adder_graph import AdderGraph
    from tagger.firmware.fixed_point import FixedNetwork

    return float(AdderGraph.of(FixedNetwork.from_keras(model), 0.0).estimate["luts"] or 0.0)


def synthesised_luts(model: keras.Model) -> float:
    """Return the LUTs of a quantised network as Yosys synthesises it, without a clock, its decision included."""
    from tagger.firmware.fixed_point import FixedNetwork
    from tagger.firmware.synthesis import network_cells

    return float(network_cells(FixedNetwork.from_keras(model)).luts)

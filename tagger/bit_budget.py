"""Which epoch's network a quantisation keeps, and how the price of a bit moves while it trains.

`SmallestWithin` raises beta and keeps the fewest EBOPs within a loss of AUC. `BestUnder` is given LUTs: beta rises by the
same factor in each epoch until the size is near, then only as the size stops falling; once a network has fitted it is
lowered a little while there is room and raised a little while there is none; of the epochs whose network fits, the one of
the best AUC is kept. LUTs are da4ml's estimate of the network as it is then; synthesis may have the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.model import dense_layers

if TYPE_CHECKING:
    from tagger.quantise import QuantiseOptions

START_OF_BETA = 0.01
"""First beta as a share of the last."""
GROWTH = 0.7
"""Share of the epochs over which beta grows; the rest runs at the full beta."""
DESCENT = 0.6
"""Share of the epochs in which a steered beta would pass its whole range."""
BETAS = (1e-5, 3e-3)
"""Range of a steered beta."""
ROOM, UP, DOWN = 0.85, 1.3, 0.7
"""Share of the limit below which there is room, and factors of beta without and with it, once a network has fitted."""
STALLED = 0.9
"""Share of an epoch's size above which the next epoch's no longer falls by itself."""
MEASURED = 3.0
"""In units of the limit, EBOPs below which the LUTs are estimated by da4ml, which takes seconds for a large network."""
LUTS_PER_EBOP = 0.9
"""First guess, of networks of 20,000 LUTs; smaller ones need fewer."""


def ebops_of(model: keras.Model) -> int:
    """Return the sum of the layers' EBOPs."""
    return sum(int(layer.ebops) for layer in dense_layers(model))


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
    val_auc, luts : float
        Validation AUC, and LUTs as da4ml estimates them.
    weights : list of arrays
        Of the network.
    """

    epoch: int
    val_auc: float
    luts: float
    weights: list[NDArray[Any]]


class BestUnder(keras.callbacks.Callback):
    """Steers beta so that the network takes at most so many LUTs, and keeps the best that does.

    Parameters
    ----------
    limit : float
        LUTs.
    epochs : int
        Of the training.
    x : (n, k) array
        Raw training rows; their ranges fix the weights' integer bits before a network is measured.
    check : callable, optional
        Network -> LUTs as synthesised: candidates are tried from the best down until one fits. Without it the estimate
        decides.
    """

    within = True

    def __init__(self, limit: float, epochs: int, x: NDArray[np.float32],
                 check: Callable[[keras.Model], float] | None = None) -> None:
        super().__init__()
        self.limit, self.epochs, self.x, self.check = limit, epochs, x, check
        self.beta, self.ratio, self.last = BETAS[0], LUTS_PER_EBOP, np.inf
        self.candidates: list[Candidate] = []
        self.summary: dict[str, Any] = {}
        self.best_epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set this epoch's beta."""
        for layer in dense_layers(self.model):
            layer._beta.assign(self.beta)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Measure this epoch's network and choose the next beta."""
        ebops = ebops_of(self.model)
        logs.update(ebops=ebops, beta=self.beta)
        size = self.ratio * ebops
        if ebops <= MEASURED * self.limit:
            size = self._measure(ebops)
            if 0.0 < size <= self.limit:
                self.candidates.append(Candidate(epoch + 1, float(logs["val_auc"]), size, self.model.get_weights()))
        if size > MEASURED * self.limit:
            self.beta *= (BETAS[1] / BETAS[0]) ** (1.0 / max(DESCENT * self.epochs, 1.0))
        elif not self.candidates:  # close: bits go on falling at the same price
            self.beta *= UP if size > STALLED * self.last else 1.0
        elif size > self.limit:
            self.beta *= UP
        elif size < ROOM * self.limit:
            self.beta *= DOWN
        self.last = size

    def _measure(self, ebops: int) -> float:
        from hgq.utils import trace_minmax

        trace_minmax(self.model, self.x)
        size = estimated_luts(self.model)
        self.ratio = size / max(ebops, 1)
        return size

    def restore(self) -> None:
        """Put the best weights that fit back into the network.

        Raises
        ------
        ConfigError
            If no epoch's network fitted.
        """
        tried = []
        for candidate in sorted(self.candidates, key=lambda one: -one.val_auc):
            self.model.set_weights(candidate.weights)
            self.best_epoch = candidate.epoch
            luts = None
            if self.check is not None:
                from hgq.utils import trace_minmax

                trace_minmax(self.model, self.x)
                luts = self.check(self.model)
                tried.append({"epoch": candidate.epoch, "estimated": candidate.luts, "synthesised": luts})
            if luts is None or luts <= self.limit:
                self.summary = {"luts": {"limit": self.limit, "estimated": candidate.luts, "synthesised": luts,
                                         "fitting_epochs": len(self.candidates), "tried": tried}}
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

"""The schedule of a gated training: cool down, freeze, train on.

The temperature falls geometrically, epoch by epoch (assignments inside an epoch would be lost on the JAX backend),
from a start where the scores move the gates little to a stop where the gates are nearly 0 and 1. Then the gates are
frozen to exactly the numbers asked for, ties broken by index, and for the last part of the training the weights go
on as an ordinary network of the final size.

The unit of temperature is what the scores can travel: an Adam step moves a score by at most about the learning
rate, so the start is set from learning rate x steps of the soft phase, and short trainings decide as well as long ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.resize.gate import Budget, as_array, find_budgets, find_gates

TRAVEL = 0.15
"""Default start temperature, in units of learning rate x steps of the soft phase."""
WARM_TRAVEL = 0.05
"""The same where the scores start from a prior: less heat, or what is known already would melt."""
COOLING = 150.0
"""Default ratio of start and stop temperature."""
LEAST = 1e-3
"""Importances below this count as this: a node that is dead now may come to life."""
Prior = Callable[[keras.Model], Mapping[str, NDArray[np.floating[Any]]]]


class Anneal(keras.callbacks.Callback):
    """Cool the gates of a model, freeze them, and log them.

    Parameters
    ----------
    start : float, optional
        Temperature of the first epoch, in the unit of the scores; by default `travel` times what the scores can
        travel in the soft phase.
    stop : float, optional
        Temperature of the last epoch before the freeze; by default start / `cooling`.
    fraction : float
        Share of the epochs before the freeze.
    travel : float, optional
        What the default of `start` is made of; by default `TRAVEL`, with a prior `WARM_TRAVEL`.
    cooling : float
        What the default of `stop` is made of.
    prior : callable, optional
        Model -> importances by gate's name, from which the scores of a trained network start: s = start * log(importance),
        so that the odds g / (1 - g) of a gate begin proportional to the importance. Without it the scores start equal.

    Attributes
    ----------
    history : list of dict
        Per epoch: temperature and the gates by layer name.

    Raises
    ------
    ConfigError
        If the fraction is not within 0 and 1, or the temperatures do not fall.
    """

    def __init__(self, start: float | None = None, stop: float | None = None, fraction: float = 0.6,
                 travel: float | None = None, cooling: float = COOLING,
                 prior: Prior | None = None) -> None:
        super().__init__()
        if not 0.0 <= fraction <= 1.0:
            raise ConfigError(f"fraction = {fraction}: the share of epochs before the freeze is between 0 and 1")
        if not 0.0 < (stop or 1e-9) <= (start or np.inf):
            raise ConfigError(f"temperatures {start} to {stop}: they must be positive and fall")
        if travel is None:
            travel = TRAVEL if prior is None else WARM_TRAVEL
        if not (travel > 0.0 and cooling >= 1.0):
            raise ConfigError(f"travel {travel}, cooling {cooling}: allowed are travel above 0 and cooling of at least 1")
        self.start, self.stop, self.fraction, self.travel, self.cooling = start, stop, fraction, travel, cooling
        self.prior = prior
        self.freeze_epoch = 0
        self.history: list[dict[str, float | NDArray[np.float32]]] = []

    def soft_epochs(self, epochs: int) -> int:
        """Epochs before the freeze: the share asked for, rounded, at most all but one."""
        return min(round(self.fraction * epochs), epochs - 1)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the budgets and fix the temperatures."""
        self.budgets = find_budgets(self.model)
        for budget in self.budgets:
            budget.check()
        epochs, steps = int(self.params["epochs"]), int(self.params.get("steps") or 1)
        self.freeze_epoch = self.soft_epochs(epochs)
        rate = float(as_array(self.model.optimizer.learning_rate))
        self._first = self.start or max(self.travel * rate * steps * max(self.freeze_epoch, 1), 1e-6)
        self._last = self.stop or self._first / self.cooling
        if self.prior is not None:
            for name, values in self.prior(self.model).items():
                self.model.get_layer(name).scores.assign(self._first * np.log(np.maximum(values, LEAST)))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the temperature, or freeze."""
        if epoch >= self.freeze_epoch:
            self._freeze()
            return
        done = epoch / max(self.freeze_epoch - 1, 1)
        for budget in self.budgets:
            budget.temperature = self._first * (self._last / self._first) ** done
            budget.fluctuation = done

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the temperature and the nodes left per layer."""
        gates = {gate.name: as_array(gate.gates()) for gate in find_gates(self.model)}
        heat = 0.0 if epoch >= self.freeze_epoch else self.budgets[0].temperature
        self.history.append({"temperature": heat, **gates})
        if logs is not None:
            logs["temperature"] = heat
            logs.update({f"nodes_{name}": float(values.sum()) for name, values in gates.items()})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Freeze if training ended before its time."""
        self._freeze()

    def scores_of(self, budget: Budget) -> Sequence[NDArray[np.floating[Any]]] | None:
        """Scores to freeze a budget by; None for the trained ones."""
        return None

    def _freeze(self) -> None:
        for budget in self.budgets:
            if not budget.frozen:
                budget.freeze(self.scores_of(budget))

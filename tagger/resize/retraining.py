"""Train a small layout again: from fresh weights, or on from those it has."""

from __future__ import annotations

from typing import Any

import keras

from tagger.data import TaggerData
from tagger.train import Report, TrainConfig, fit, progress


def retrain(model: keras.Model, data: TaggerData, config: TrainConfig, report: Report | None = None,
            fresh: bool = True) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a network of the same layout, as a new one from fresh weights or on from the weights it has.

    Parameters
    ----------
    model : keras.Model
        Gives the layout and the normalisation; it is not changed.
    data : TaggerData
        With its inputs.
    config : TrainConfig
        How to train; its seed makes the weights.
    report : callable, optional
        Called after each epoch.
    fresh : bool
        From fresh weights; otherwise they are tuned.

    Returns
    -------
    keras.Model, dict of list
        The new network and its history.
    """
    keras.utils.set_random_seed(config.seed)
    copy = keras.models.clone_model(model, clone_function=_fresh_copy(config.seed))
    if not fresh:
        copy.set_weights(model.get_weights())
    history = fit(copy, data, config, [progress(config.epochs, report)] if report else [])
    return copy, history


def _fresh_copy(seed: int) -> Any:
    """A function that copies a layer's configuration with other seeds for its initial weights."""

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        clone = type(layer).from_config(layer.get_config())
        start = getattr(clone, "kernel_initializer", None)
        if start is not None and getattr(start, "seed", None) is not None:
            other = start.seed + 7919 * (seed + 1)  # the layer's own seed keeps layers apart
            clone.kernel_initializer = type(start).from_config(start.get_config() | {"seed": other})
        return clone

    return copy

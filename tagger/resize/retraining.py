"""Train a small layout again: from fresh weights, or on from those it has."""

from __future__ import annotations

from itertools import count
from typing import Any

import keras

from tagger.data import TaggerData
from tagger.resize.channels import functional
from tagger.train import Report, TrainConfig, fit, progress


def fresh_copy(model: keras.Model, seed: int) -> keras.Model:
    """Build a network of the same layout with fresh weights, such as the small one that `shrink` returns.

    Parameters
    ----------
    model : keras.Model
        Any functional or built sequential Keras model; it is not changed.
    seed : int
        Of the initial weights: every layer draws others, each its own, the same for the same seed.

    Returns
    -------
    keras.Model
        Functional and not compiled: to be compiled and trained as the task wants. A `Normalization` keeps what it was adapted to.

    Raises
    ------
    ConfigError
        If the model is subclassed or not built: its layout is unknown.
    """
    places = count(1)

    def build_afresh(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(_reseeded(layer.get_config(), 7919 * (seed + 1), places))

    copy = keras.models.clone_model(functional(model), clone_function=build_afresh)
    _keep_moments(model, copy)
    return copy


def retrain(model: keras.Model, data: TaggerData, config: TrainConfig, report: Report | None = None,
            fresh: bool = True) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a tagger of the same layout, as a new one from fresh weights or on from the weights it has.

    Any other network: `fresh_copy`, compiled and fitted as it wants.

    Parameters
    ----------
    model : keras.Model
        (n, k) -> (n, 1) logits; gives the layout and the normalisation; it is not changed.
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

    Raises
    ------
    ConfigError
        See `fresh_copy`.
    GenerationError
        If the loss is no longer finite.
    """
    keras.utils.set_random_seed(config.seed)
    copy = fresh_copy(model, config.seed)
    if not fresh:
        copy.set_weights(model.get_weights())
        _keep_moments(model, copy)
    history = fit(copy, data, config, [progress(config.epochs, report)] if report else [])
    return copy, history


def _reseeded(config: Any, shift: int, places: count[int]) -> Any:
    """A layer's configuration with other seeds in all its initializers; those that have none get one by their `places`.

    The layer's own seed keeps layers apart.
    """
    if isinstance(config, list | tuple):
        return type(config)(_reseeded(part, shift, places) for part in config)
    if not isinstance(config, dict):
        return config
    found = {key: _reseeded(part, shift, places) for key, part in config.items()}
    for key, part in found.items():
        inside = part.get("config") if key.endswith("initializer") and isinstance(part, dict) else None
        if isinstance(inside, dict) and "seed" in inside:
            own = inside["seed"] if isinstance(inside["seed"], int) else 104729 * next(places)
            found[key] = part | {"config": inside | {"seed": own + shift}}
    return found


def _keep_moments(model: keras.Model, copy: keras.Model) -> None:
    """Give the normalisations of a copy what those of the model were adapted to."""
    for old, new in zip(model._flatten_layers(), copy._flatten_layers(), strict=True):
        if isinstance(old, keras.layers.Normalization):
            new.set_weights(old.get_weights())
            new.finalize_state()

"""Quality of every way to resize, at the same size, from the same network, on the same rows, seeds and epochs.

`measure` trains for one seed and keeps the test logits of every network; `table` turns the logits of all seeds into AUC
and 1/eps_B with the paired differences to AutoPruner. Errors of a mean over seeds have two parts: what another seed
would give (standard deviation / sqrt(seeds)), and what other test events would give (bootstrap of events, the same
replicas for both networks of a difference).

`scan` tries the settings of the schedule and looks at validation rows only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from tagger.data import TaggerData
from tagger.evaluate import logits, to_run
from tagger.model import build, moments
from tagger.resize.training import METHODS, ResizeOptions, prune, resize, retrain
from tagger.runs import Run
from tagger.train import TrainConfig, fit

REPLICAS = 100
FIGURES: dict[str, Callable[[Scored], float]] = {
    "AUC": lambda scored: scored.auc()[0],
    "1/eps_B at 50 %": lambda scored: 1.0 / max(scored.rejection(0.5)["background"], 1e-9),
    "1/eps_B at 60 %": lambda scored: 1.0 / max(scored.rejection(0.6)["background"], 1e-9),
}
FIRST = "autopruner"
"""The method the others are compared with."""
SETTINGS: dict[str, tuple[float, ...]] = {
    "travel": (0.05, 0.15, 0.5), "cooling": (15.0, 150.0, 1500.0), "fraction": (0.4, 0.6, 0.8),
}
"""Values tried one at a time, the others at their defaults."""
Logits = dict[str, NDArray[np.float32]]
Layouts = dict[str, list[int]]


def layout(model: keras.Model) -> list[int]:
    """Inputs and the units of all dense layers."""
    return [model.input_shape[-1], *(layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense))]


def measure(data: TaggerData, seed: int, epochs: int, share: str, features: int, found: Logits, shapes: Layouts) -> None:
    """Train for one seed what is not in `found`, and put logits on the test split and layouts there, by name."""
    config = TrainConfig(seed=seed, epochs=epochs)
    quick = replace(config, epochs=epochs // 2)

    def note(name: str, model: keras.Model, rows: TaggerData) -> None:
        found[name], shapes[name] = logits(model, rows.test.x), layout(model)
        print(f"  seed {seed}  {name:40s} {'-'.join(map(str, shapes[name]))}", flush=True)

    parent = None
    for method in METHODS:
        name, scratch = f"{share} of nodes, {method}", f"{share} of nodes, its layout from scratch"
        if name not in found or (method == FIRST and scratch not in found):
            parent = parent or _full(data, config)
            note("full network", parent.model, data)
            run = prune(parent, data, share, ResizeOptions(method=method), quick)
            note(name, run.model, data)
            if method == FIRST:
                note(scratch, retrain(run.model, data, config)[0], data)
        name = f"{features} features, {method}"
        if name not in found:
            blank = build(len(data.inputs), config.hidden, *moments(data.train.x), seed=seed)
            options = ResizeOptions(method=method, where="inputs")
            chosen = resize(blank, data, features, options, config, trained=False)
            note(name, chosen.model, chosen.data)


def _full(data: TaggerData, config: TrainConfig) -> Run:
    """The network that all prunings of a seed start from."""
    model = build(len(data.inputs), config.hidden, *moments(data.train.x), seed=config.seed)
    return to_run(model, data, {}, fit(model, data, config))


def quality(data: TaggerData, seeds: int, epochs: int, share: str, features: int, folder: Path) -> None:
    """Measure what the files in `folder` do not hold yet, and print the table of all."""
    folder.mkdir(parents=True, exist_ok=True)
    everything, shapes = [], []
    for seed in range(1, seeds + 1):
        target = folder / f"seed{seed}.npz"
        kept = dict(np.load(target)) if target.exists() else {"layouts": np.array("{}")}
        layouts: Layouts = json.loads(str(kept.pop("layouts")))
        found: Logits = kept
        measure(data, seed, epochs, share, features, found, layouts)
        np.savez_compressed(target, layouts=json.dumps(layouts), **found)
        everything.append(found)
        shapes.append(layouts)
    print(f"{len(data.train)} training rows, {len(data.test)} test rows, {seeds} seeds, {epochs} epochs (pruning: {epochs // 2})")
    table({name: np.stack([found[name] for found in everything]) for name in everything[0]}, data)
    for name in everything[0]:
        print(f"{name:40s} " + "  ".join("-".join(map(str, shape[name])) for shape in shapes))


def table(found: Logits, data: TaggerData) -> None:
    """Print figures and paired differences; `found` holds (seeds, rows) logits by name."""
    signal, weight, event = data.test.y == 1, data.test.weight, data.test.event
    clusters = np.unique(event, return_inverse=True)[1]
    rng = np.random.default_rng(1)
    weights = [weight] + [weight * rng.poisson(1.0, clusters.max() + 1)[clusters] for _ in range(REPLICAS)]
    values = {name: np.array([[[figure(scored) for figure in FIGURES.values()] for scored in
                               (Scored(score, signal, w) for score in scores)] for w in weights])
              for name, scores in found.items()}  # (1 + replicas, seeds, figures)
    for k, figure in enumerate(FIGURES):
        print(f"\n{figure}: mean over seeds +- seeds +- test events, median, per seed; difference of {FIRST} to it")
        for name in sorted(values):
            mine = values[name][:, :, k]
            rival = values.get(name.rsplit(", ", 1)[0] + f", {FIRST}")
            line = f"{name:40s} {_digits(mine)}  median {np.median(mine[0]):.5g}  [{' '.join(f'{v:.5g}' for v in mine[0])}]"
            if rival is not None and not name.endswith(FIRST):
                difference = rival[:, :, k] - mine
                line += f"  difference {_digits(difference)} [{' '.join(f'{v:+.3g}' for v in difference[0])}]"
            print(line, flush=True)
    print()


def _digits(values: NDArray[np.float64]) -> str:
    """Mean over seeds of the first replica with its two errors; values (1 + replicas, seeds)."""
    seeds = values.shape[1]
    by_seed = values[0].std(ddof=1) / np.sqrt(seeds) if seeds > 1 else float("nan")
    return f"{values[0].mean():.5g} +- {by_seed:.2g} +- {values[1:].mean(axis=1).std(ddof=1):.2g}"


def scan(data: TaggerData, seeds: int, epochs: int, share: str, features: int) -> None:
    """Print validation AUC over the settings of the schedule, the mean difference to the default, and baselines' settings."""
    areas: dict[tuple[str, str], list[float]] = {}
    trials: list[tuple[str, ResizeOptions]] = [("default", ResizeOptions())]
    trials += [("equal scores", ResizeOptions(warm=False))]
    trials += [(f"{name} {value:g}", replace(ResizeOptions(), **{name: value})) for name, tried in SETTINGS.items()
               for value in tried if value != getattr(ResizeOptions(), name)]
    trials += [(f"constraint {name}", ResizeOptions(constraint=name)) for name in ("fermi", "penalty", "topk")]
    trials += [("random", ResizeOptions(method="random"))]
    trials += [(f"{method}, fraction {value}", ResizeOptions(method=method, fraction=value))
               for method in ("magnitude", "cancelout") for value in (0.3, 0.6)]
    for seed in range(1, seeds + 1):
        config = TrainConfig(seed=seed, epochs=epochs)
        quick = replace(config, epochs=epochs // 2)
        blank = build(len(data.inputs), config.hidden, *moments(data.train.x), seed=seed)
        full = keras.models.clone_model(blank)
        full.set_weights(blank.get_weights())
        for layer in full.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()
        fit(full, data, config)
        for name, options in trials:
            nodes = resize(full, data, share, options, quick, trained=True)
            inputs = resize(blank, data, features, replace(options, where="inputs"), config, trained=False)
            for place, result in (("nodes", nodes), ("features", inputs)):
                part = result.data.val
                areas.setdefault((place, name), []).append(
                    Scored(logits(result.model, part.x), part.y == 1, part.weight).auc()[0])
            last = "  ".join(f"{place} {areas[place, name][-1]:.5f}" for place in ("nodes", "features"))
            print(f"  seed {seed}  {name:24s} {last}", flush=True)
    print(f"validation AUC, {len(data.train)} training rows, {len(data.val)} validation rows, {epochs} epochs "
          f"(pruning: {epochs // 2})")
    for (place, name), values in sorted(areas.items()):
        shift = np.array(values) - np.array(areas[place, "default"])
        print(f"{place:9s} {name:24s} mean {np.mean(values):.5f}  to the default {shift.mean():+.5f} "
              f"[{' '.join(f'{v:+.5f}' for v in shift)}]")


def bits(data: TaggerData, seeds: int, epochs: int) -> None:
    """Print what the price of a bit operation buys: size and validation AUC of quantised networks."""
    from tagger.quantise import QuantiseOptions, quantise

    print(f"{len(data.train)} training rows, {len(data.val)} validation rows, tolerance {QuantiseOptions().tolerance:g}")
    for seed in range(1, seeds + 1):
        parent = _full(data, TrainConfig(seed=seed, epochs=epochs))
        for beta in (1e-5, 3e-5, 1e-4):
            done = quantise(parent.model, data, QuantiseOptions(beta=beta, seed=seed)).summary
            print(f"  seed {seed}  beta {beta:g}: {done['ebops']} effective bit operations, "
                  f"validation AUC {done['val_auc']:.5f}, float {done['float_val_auc']:.5f}, epoch {done['epoch']}", flush=True)

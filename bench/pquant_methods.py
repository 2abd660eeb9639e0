"""Which methods of pquant-ml run on a network of ours, and what they leave of it.

    pip install pquant-ml==0.1.0 optuna
    python bench/pquant_methods.py --data data.h5 --model runs/base

Its configurations as shipped, quantisation off, sparsity 0.75 unless said otherwise where a method knows one; a failure is
printed, not raised.
What one of them is worth beside the methods of a sweep, on the sweep's own full networks, rows, batches and learning rate:

    python bench/pquant_methods.py --data bench/data.h5 --model runs/resizing/base/* --only "pdp structured" --epsilon 0.25 \\
        --spare logit --rows 0 --epochs 8 --batch 512 --split test
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from pseudoexp.benchmark.metrics import Scored
from tagger.data import TaggerData
from tagger.model import dense_layers
from tagger.runs import Run
from tagger.train import TrainConfig, fit

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "pdp": ("pdp", {}), "pdp structured": ("pdp", {"structured_pruning": True}), "activation": ("ap", {}),
    "wanda": ("wanda", {}), "autosparse": ("autosparse", {}), "cs": ("cs", {}), "dst": ("dst", {}), "mdmm": ("mdmm", {}),
    "fitcompress": ("fitcompress", {})}
SHORT = {"t_delta": 20, "t_start_collecting_batch": 20}


def bare(model: keras.Model) -> keras.Model:
    """Return the network behind its normalisation, weights included."""
    layers = dense_layers(model)
    h = inputs = keras.Input((layers[0].kernel.shape[0],))
    copies = [type(layer).from_config(layer.get_config()) for layer in layers]
    for copy in copies:
        h = copy(h)
    for copy, layer in zip(copies, layers, strict=True):
        copy.set_weights(layer.get_weights())
    return keras.Model(inputs, h)


@dataclass(frozen=True)
class Outcome:
    """What a method made of a network."""

    auc: float
    rejection: float
    share: float
    nodes: list[int]

    def __str__(self) -> str:
        return (f"AUC {self.auc:.4f}, 1/eps_B at 50 % {self.rejection:.0f}, weights kept {self.share:.0%}, "
                f"nodes with an input {self.nodes}")


def normalised(data: TaggerData, model: keras.Model) -> TaggerData:
    """Return the rows as the layers behind the network's normalisation see them."""
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    parts = {name: replace(getattr(data, name), x=np.asarray(layer(getattr(data, name).x))) for name in ("train", "val", "test")}
    return replace(data, **parts)


def one(name: str, model: keras.Model, data: TaggerData, seed: int, options: argparse.Namespace) -> Outcome:
    """Train with a method, as `tagger.train.fit` does, and return what came out."""
    data = normalised(data, model)
    pquant, train = import_module("pquant"), import_module("pquant.core.keras.train")
    file, more = METHODS[name]
    config = pquant.load_from_file(str(Path(pquant.__file__).parent / "configs" / f"config_{file}.yaml"))
    config.quantization_parameters.enable_quantization = False
    settings = config.pruning_parameters
    settings.disable_pruning_for_layers = [word for word in options.spare.split(",") if word]
    more = more | {"sparsity": options.sparsity} | ({} if options.epsilon is None else {"epsilon": options.epsilon})
    for key, value in (SHORT | more).items():
        if hasattr(settings, key):
            setattr(settings, key, value)
    network = pquant.add_compression_layers(bare(model), config, (None, len(data.inputs)))
    watch = train.PQuantCallback(config, log_ebops=False, log_keep_ratio=False, pretraining_epochs=1, epochs=options.epochs - 2,
                                 fine_tuning_epochs=1)
    words = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.pop("stage", None))  # histories hold numbers
    fit(network, data, TrainConfig(epochs=watch.total_epochs, batch=options.batch, learning_rate=options.rate, seed=seed,
                                   patience=0), [watch, words])
    rows = getattr(data, options.split)
    score = np.asarray(network(rows.x, training=False))[:, 0]
    scored = Scored(score, rows.y == 1, rows.weight)
    kept = [np.asarray(layer.kernel) != 0.0 for layer in network.layers if hasattr(layer, "kernel")]
    return Outcome(scored.auc()[0], scored.rejection(0.5)["rejection"] or np.inf,
                   sum(part.sum() for part in kept) / sum(part.size for part in kept),
                   [int(part.any(0).sum()) for part in kept])


def main() -> None:
    """Run every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="file made by `pseudoexp generate`")
    parser.add_argument("--model", required=True, nargs="+", help="run folders of float networks")
    parser.add_argument("--rows", type=int, default=16384, help="for training; 0: all")
    parser.add_argument("--epochs", type=int, default=12, help="the first without pruning, the last to tune")
    parser.add_argument("--spare", default="", help="layers not to prune, such as logit, with commas")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at the start")
    parser.add_argument("--sparsity", type=float, default=0.75, help="of the methods that know one")
    parser.add_argument("--epsilon", type=float, help="how fast pdp prunes; as shipped if left out")
    parser.add_argument("--split", choices=["val", "test"], default="val", help="rows of the figures")
    parser.add_argument("--only", choices=list(METHODS))
    options = parser.parse_args()
    runs = [Run.load(folder) for folder in options.model]
    data = TaggerData.load(options.data, runs[0].inputs)
    if options.rows:
        data = replace(data, train=data.train.take(slice(0, options.rows)))
    for name in [options.only] if options.only else METHODS:
        came_out = []
        for seed, run in enumerate(runs, 1):
            try:
                came_out.append(one(name, run.model, data, seed, options))
                said = str(came_out[-1])
            except Exception as error:  # whatever a foreign library raises
                said = f"fails: {type(error).__name__}: {' '.join(str(error).split())[-120:]}"
            print(f"{name:15s} {said}", flush=True)
        if len(came_out) > 1:
            columns = {"AUC": [each.auc for each in came_out], "1/eps_B": [each.rejection for each in came_out]}
            for title, values in columns.items():
                print(f"{name:15s} {title}: median {np.median(values):.5g} ({min(values):.5g} to {max(values):.5g})", flush=True)


if __name__ == "__main__":
    main()

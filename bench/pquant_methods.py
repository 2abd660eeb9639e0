"""Which methods of pquant-ml run on a network of ours, and what they leave of it.

    pip install pquant-ml==0.1.0 optuna
    python bench/pquant_methods.py --data data.h5 --model runs/base

Its configurations as shipped, quantisation off, sparsity 0.75 where a method knows one; a failure is printed, not raised.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
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

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "pdp": ("pdp", {}), "pdp structured": ("pdp", {"structured_pruning": True}), "activation": ("ap", {}),
    "wanda": ("wanda", {}), "autosparse": ("autosparse", {}), "cs": ("cs", {}), "dst": ("dst", {}), "mdmm": ("mdmm", {}),
    "fitcompress": ("fitcompress", {})}
SHORT = {"sparsity": 0.75, "t_delta": 20, "t_start_collecting_batch": 20}


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


def one(name: str, model: keras.Model, data: TaggerData, epochs: int, spare: list[str]) -> str:
    """Train with a method and return what came out."""
    pquant, train = import_module("pquant"), import_module("pquant.core.keras.train")
    file, more = METHODS[name]
    config = pquant.load_from_file(str(Path(pquant.__file__).parent / "configs" / f"config_{file}.yaml"))
    config.quantization_parameters.enable_quantization = False
    settings = config.pruning_parameters
    settings.disable_pruning_for_layers = spare
    for key, value in (SHORT | more).items():
        if hasattr(settings, key):
            setattr(settings, key, value)
    normalise = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    network = pquant.add_compression_layers(bare(model), config, (None, len(data.inputs)))
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    watch = train.PQuantCallback(config, log_ebops=False, log_keep_ratio=False, pretraining_epochs=1, epochs=epochs - 2,
                                 fine_tuning_epochs=1)
    network.fit(np.asarray(normalise(data.train.x)), data.train.y[:, None].astype(np.float32), epochs=watch.total_epochs,
                sample_weight=data.train.training_weight(), batch_size=256, verbose=0, callbacks=[watch])
    score = np.asarray(network(np.asarray(normalise(data.val.x)), training=False))[:, 0]
    kept = [np.asarray(layer.kernel) != 0.0 for layer in network.layers if hasattr(layer, "kernel")]
    area = Scored(score, data.val.y == 1, data.val.weight).auc()[0]
    share = sum(part.sum() for part in kept) / sum(part.size for part in kept)
    return f"validation AUC {area:.4f}, weights kept {share:.0%}, nodes with an input {[int(p.any(0).sum()) for p in kept]}"


def main() -> None:
    """Run every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="file made by `pseudoexp generate`")
    parser.add_argument("--model", required=True, help="run folder of a float network")
    parser.add_argument("--rows", type=int, default=16384, help="for training")
    parser.add_argument("--epochs", type=int, default=12, help="the first without pruning, the last to tune")
    parser.add_argument("--spare", default="", help="layers not to prune, such as logit, with commas")
    parser.add_argument("--only", choices=list(METHODS))
    options = parser.parse_args()
    run = Run.load(options.model)
    data = TaggerData.load(options.data, run.inputs)
    data = replace(data, train=data.train.take(slice(0, options.rows)))
    for name in [options.only] if options.only else METHODS:
        try:
            said = one(name, run.model, data, options.epochs, [word for word in options.spare.split(",") if word])
        except Exception as error:  # whatever a foreign library raises
            said = f"fails: {type(error).__name__}: {' '.join(str(error).split())[-120:]}"
        print(f"{name:15s} {said}", flush=True)


if __name__ == "__main__":
    main()

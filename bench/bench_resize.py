"""What AutoPruner promises, measured: exact counts, quality beside the baselines, cost per step.

    python bench/bench_resize.py --data data.h5
    python bench/bench_resize.py --data data.h5 --only scan --rows 60000 --seeds 2
    python bench/bench_resize.py --data data.h5 --only quality --seeds 5 --scores scores/

`exact`: 20 resizings with random budgets, places and seeds; every one must keep what was asked for, and the small
network must equal the gated one. `quality`: AUC and 1/eps_B on the test split at a quarter of the hidden nodes, and at
a given number of features, all methods from the same trained network, rows, seeds and epochs; beside them the full
network and the layout found, trained from scratch. `scan`: validation AUC over the settings that the defaults were
chosen from; `bits`: the same for the price of a bit operation. `cost`: time per training step with and without gates,
batch and compilation stated.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from resize_quality import bits, quality, scan

from tagger.data import TaggerData
from tagger.evaluate import logits
from tagger.model import build, moments
from tagger.resize.training import ResizeOptions, resize
from tagger.step_cost import PLAIN, step_costs
from tagger.train import TrainConfig

PLACES = ("hidden", "inputs", "all", "hidden_1", "hidden_2,hidden_3", "inputs,hidden_3")


def exact(data: TaggerData, runs: int) -> None:
    """Print asked for and kept of resizings with random budgets, places and seeds."""
    rng = np.random.default_rng(2024)
    mean_variance = moments(data.train.x)
    good = 0
    for run in range(runs):
        where, seed = str(rng.choice(PLACES)), int(rng.integers(1, 1000))
        model = build(len(data.inputs), (64, 32, 16), *mean_variance, seed=seed)
        layers = {"hidden": 3, "all": 4}.get(where, where.count(",") + 1)
        sizes = {"inputs": len(data.inputs), "hidden_1": 64, "hidden_2": 32, "hidden_3": 16}
        names = {"hidden": list(sizes)[1:], "all": list(sizes)}.get(where, where.split(","))
        count = int(rng.integers(layers, sum(sizes[name] for name in names) + 1))
        result = resize(model, data, count, ResizeOptions(where=where), TrainConfig(epochs=3, seed=seed, patience=0))
        widths = [len(result.data.inputs), *(layer.units for layer in result.model.layers[2:-1])]
        kept = sum(width for name, width in zip(sizes, widths, strict=True) if name in names)
        difference = np.abs(logits(result.model, result.data.test.x) - logits(result.gated, data.test.x)).max()
        good += kept == count
        print(f"{run + 1:3d}  {where:18s} seed {seed:3d}  asked {count:3d}  kept {kept:3d}  "
              f"layout {widths}  largest difference of logits {difference:.1e}", flush=True)
    print(f"kept = asked for in {good} of {runs} runs")


def cost(data: TaggerData, batches: list[int], rounds: int) -> None:
    """Print milliseconds per step, plain and gated by turns."""
    for compiled in (False, True):
        for batch in batches:
            best = step_costs(data, (64, 32, 16), "25%", 12, batch, compiled, rounds)
            print(f"batch {batch:4d} jit {compiled!s:5s} " + "  ".join(
                f"{name} {1e3 * t:.2f} ms ({t / best[PLAIN] - 1:+.0%})" for name, t in best.items()), flush=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="file made by `pseudoexp generate`")
    parser.add_argument("--only", choices=("exact", "quality", "scan", "bits", "cost"))
    parser.add_argument("--runs", type=int, default=20, help="of `exact`")
    parser.add_argument("--seeds", type=int, default=5, help="of `quality` and `scan`")
    parser.add_argument("--epochs", type=int, default=24, help="of `quality` and `scan`; pruning takes half of them")
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024, 4096], help="rows per step, of `cost`")
    parser.add_argument("--rounds", type=int, default=150, help="of `cost`")
    parser.add_argument("--rows", type=int, help="of the file; training takes the first 80 %% of this number")
    parser.add_argument("--scores", type=Path, default=Path("scores"), help="folder for the logits of `quality`")
    parser.add_argument("--share", default="25%", help="of hidden nodes in `quality`")
    parser.add_argument("--features", type=int, default=8, help="in `quality`")
    options = parser.parse_args()
    data = TaggerData.load(options.data)
    if options.rows:
        data = replace(data, train=data.train.take(slice(0, round(0.8 * options.rows))))
    if options.only in (None, "exact"):
        exact(data, options.runs)
    if options.only in (None, "quality"):
        quality(data, options.seeds, options.epochs, options.share, options.features, options.scores)
    if options.only == "scan":
        scan(data, options.seeds, options.epochs, options.share, options.features)
    if options.only == "bits":
        bits(data, options.seeds, options.epochs)
    if options.only in (None, "cost"):
        cost(data, options.batches, options.rounds)


if __name__ == "__main__":
    main()

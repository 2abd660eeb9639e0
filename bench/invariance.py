"""Which way of training says the same of a jet under any pile-up, at which price: methods, strengths, seeds.

    python bench/invariance.py mu0.h5 mu60.h5 mu200.h5 --out invariance.json
    python bench/invariance.py mu0.h5 mu60.h5 mu200.h5 --out invariance.json --show     # the table of what is there

Every training goes as `tagger invariant` does, but learns from the jets that are in the first and the last file only, so that
all methods have the same rows. A network is judged on all test rows of each file and, as to its movement, on the test jets of
both files. Strengths are to be compared on equal rejection: the first file's figures stand beside the movement. What is in the
JSON file already is not made again. Prints Markdown: medians (lowest to highest) over the seeds.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.invariant.training import METHODS, InvariantOptions, train_invariant
from tagger.invariant.views import Views
from tagger.train import TrainConfig

GRID = {
    "plain": [None], "nominal": [None], "paired": [0.1, 0.3, 1.0, 10.0], "adversarial": [1.0, 10.0, 100.0],
    "stochastic": [0.0, 10.0, 100.0], "sigmoid": [10.0, 100.0, 1000.0], "score": [10.0], "stochastic-logit": [0.3],
}
"""Methods and strengths; "sigmoid" is stochastic without draws, "score" by the score function, "stochastic-logit" is
charged for logits as paired is."""
COLUMNS = ("AUC mu {0:g}", "AUC mu {1:g}", "1/eps_B at 50 % mu {0:g}", "60 % mu {0:g}", "70 % mu {0:g}", "70 % mu {1:g}",
           "hbb that change sides [%]", "hbb above the cut at mu {1:g} [%]", "W1 hbb", "W1 qcd", "guess hbb", "guess qcd")


def options(method: str, strength: float | None) -> InvariantOptions:
    """Return the options of a row of the table."""
    if method == "sigmoid":
        return InvariantOptions("stochastic", strength, draws=0)
    if method == "score":
        return InvariantOptions("stochastic", strength, gradient="score", draws=4)
    if method == "stochastic-logit":
        return InvariantOptions("stochastic", strength, term="logit", draws=1)
    return InvariantOptions(method, strength, draws=1)


def shared(views: Views) -> Views:
    """Return the views with the training rows of the jets that are in the first and the last file."""
    rows = views.rows["train"]
    return replace(views, rows=views.rows | {"train": rows[(rows[:, (0, -1)] >= 0).all(axis=1)]})


def figures(found: dict[str, Any]) -> list[float | None]:
    """Return the columns of one training."""
    first, last, moved = found["figures"][0], found["figures"][-1], found["moved"][-1]
    return [first["auc"], last["auc"], *(first["rejection"][e]["rejection"] for e in ("0.5", "0.6", "0.7")),
            last["rejection"]["0.7"]["rejection"],
            100.0 * moved["hbb"]["changed"]["0.5"], 100.0 * moved["hbb"]["passes"]["0.5"][1],
            moved["hbb"]["wasserstein"], moved["qcd"]["wasserstein"], moved["hbb"]["guess"], moved["qcd"]["guess"]]


def show(done: dict[str, Any], sampled: bool = False) -> None:
    """Print the table."""
    pileup = next(iter(done.values()))["found"]["pileup"]
    print("| method | strength | seeds | " + " | ".join(c.format(pileup[0], pileup[-1]) for c in COLUMNS) + " |")
    print("|---" * (3 + len(COLUMNS)) + "|")
    for method, strengths in GRID.items():
        for strength in strengths:
            own = [entry["found"] for entry in done.values() if (entry["method"], entry["strength"]) == (method, strength)]
            own = [found["sampled"] for found in own if "sampled" in found] if sampled else own
            if own:
                columns = zip(*(figures(found) for found in own), strict=True)
                cells = [_cell(np.array(column, dtype=float)) for column in columns]
                print(f"| {method} | {'' if strength is None else f'{strength:g}'} | {len(own)} | {' | '.join(cells)} |")


def _cell(values: Any) -> str:
    middle = np.nanmedian(values)
    digits = 0 if middle >= 100 else 1 if middle >= 1 else 4 if middle > 0.9 else 3
    spread = f" ({np.nanmin(values):.{digits}f}-{np.nanmax(values):.{digits}f})" if len(values) > 1 else ""
    return f"{middle:.{digits}f}{spread}"


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--only", nargs="*", help="some lines of the table, such as 'paired 0.3'")
    parser.add_argument("--show", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    done = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    if not arguments.show:
        views = shared(Views.load(arguments.files))
        print(json.dumps(views.counts()), flush=True)
        for seed in range(1, arguments.seeds + 1):
            for method in GRID:
                for strength in GRID[method]:
                    line = f"{method} {strength}"
                    name = f"{line} seed {seed}"
                    if name not in done and (arguments.only is None or line in arguments.only):
                        chosen = options(method, strength)
                        config = TrainConfig(epochs=arguments.epochs, seed=seed, patience=0,
                                             learning_rate=METHODS[chosen.method].rate)
                        run = train_invariant(views, chosen, config)
                        done[name] = {"method": method, "strength": strength, "seed": seed, "config": asdict(config),
                                      "training": run.config["training"], "found": run.metrics["invariance"]}
                        arguments.out.write_text(json.dumps(done) + "\n")
                        print(name, run.config["training"], flush=True)
    show(done)
    print("\nMean of 16 draws instead of the expectation:\n")
    show(done, sampled=True)


if __name__ == "__main__":
    main()

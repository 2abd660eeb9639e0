"""What the smallest network of a report looks at, beside the largest: permutation importances and Shapley values.

IP3D's three ratios of a track jet also stand as one quantity, with `*` at the end of its name: they are shuffled together, and
their Shapley values are added jet by jet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from tagger.report.tables import DASH, Table, measured
from tagger.runs import Run

IMPORTANCE, SHAPLEY = "loss of AUC, shuffled", "mean |SHAP|"
FIRST = 15
"""Inputs of the largest network in the figure, besides those of the smallest."""


def pair(runs: Sequence[Run]) -> list[Run]:
    """Return the largest and the smallest run (inputs, then multiplications) with Shapley values, or the only one."""
    known = [run for run in runs if "quantities" in run.histograms]
    if not known:
        return []
    large, small = (choose(known, key=lambda run: (len(run.inputs), run.metrics["model"]["multiplications"]))
                    for choose in (max, min))
    return [large] if large is small else [large, small]


def measures(run: Run) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return importance, mean |SHAP| and its error by name, of all inputs and of the quantities that are several of them."""
    sources = (run.histograms["quantities"], run.histograms)
    importance = {name: value for found in sources for name, value in found["importance"].items()}
    mean, error = ({name: value for found in sources for name, value in found["shapley"][key].items()}
                   for key in ("mean", "error"))
    return importance, mean, error


def order(chosen: Sequence[Run]) -> list[str]:
    """Return all names, those first that move the first network's logit most."""
    first = measures(chosen[0])[1]
    names = dict.fromkeys(name for run in chosen for name in measures(run)[1])
    return sorted(names, key=lambda name: -first.get(name, 0.0))


def drawn(chosen: Sequence[Run]) -> list[str]:
    """Return the names for a figure: the first ones, and what the last network takes."""
    kept = measures(chosen[-1])[1] if len(chosen) > 1 else {}
    return [name for k, name in enumerate(order(chosen)) if k < FIRST or name in kept]


def attributions(chosen: Sequence[Run]) -> Table:
    """Both measures of every input and quantity of some networks."""
    heads = ("input", *(f"{run.name}: {what}" for run in chosen for what in (IMPORTANCE, SHAPLEY)))
    rows = [(name, *(cell for run in chosen for cell in _cells(run, name))) for name in order(chosen)]
    return Table(heads, tuple((None, cells) for cells in rows))


def _cells(run: Run, name: str) -> list[str]:
    importance, mean, error = measures(run)
    return [f"{importance[name]:.5f}", measured(mean[name], error[name])] if name in mean else [DASH, DASH]


def agreement(chosen: Sequence[Run]) -> Table:
    """Spearman's rank correlations: of the networks over what they share, and of the two measures within each."""
    heads = ("compared", "networks", "inputs", "rank correlation", "with IP3D as one", "rank correlation")
    both = " and ".join(run.name for run in chosen)
    pairs = [(what, both, [(run, what) for run in chosen]) for what in (IMPORTANCE, SHAPLEY)] if len(chosen) > 1 else []
    pairs += [(f"{IMPORTANCE}, and {SHAPLEY}", run.name, [(run, IMPORTANCE), (run, SHAPLEY)]) for run in chosen]
    rows = [(what, names, *(cell for together in (False, True) for cell in _ranks(*(_values(*side, together) for side in sides))))
            for what, names, sides in pairs]
    return Table(heads, tuple((None, cells) for cells in rows))


def _values(run: Run, what: str, together: bool) -> dict[str, float]:
    """Return one measure of a run's inputs, or of its quantities."""
    found: dict[str, Any] = run.histograms["quantities"] if together else run.histograms
    values: dict[str, float] = found["importance"] if what == IMPORTANCE else found["shapley"]["mean"]
    return values


def _ranks(first: dict[str, float], second: dict[str, float]) -> list[str]:
    """Return how many names both sides have, and Spearman's rank correlation over these."""
    names = [name for name in first if name in second]
    values = np.array([[side[name] for name in names] for side in (first, second)])
    if len(names) < 3 or np.ptp(values, axis=1).min() == 0.0:
        return [str(len(names)), DASH]
    return [str(len(names)), f"{spearmanr(*values).statistic:.2f}"]

"""Judge a network on one split: AUC, rejections, flavours, pT bins, mass sculpting, size.

Every figure stands with its error and effective sample size. The headline is the benchmark weighting; unweighted and
cross-section-weighted figures stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.figures import figures as benchmark_figures
from pseudoexp.benchmark.metrics import Scored
from tagger.data import Split, TaggerData, quantities
from tagger.model import complexity, import_keras
from tagger.runs import Run
from tagger.shapley import Function, mean_absolute, of_drawn_jets

if TYPE_CHECKING:
    import keras

HEADLINE = 0.5
"""Signal efficiency at which sculpting and single figures are given."""
BATCH = 65536
ROC_POINTS = np.concatenate([np.arange(0.10, 0.995, 0.01), [0.995]])
BINS = 50
"""Bins of the inputs' histograms at most."""
IMPORTANCE_ROWS = 20_000


def logits(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the network's logits (n,) of rows (n, k)."""
    keras = import_keras()
    out = np.empty(len(x), dtype=np.float32)
    for start in range(0, len(x), BATCH):  # not model.predict: its fixed cost of 50 ms would rule the importances
        rows = slice(start, start + BATCH)
        out[rows] = keras.ops.convert_to_numpy(model(x[rows], training=False))[:, 0]
    return out


def compiled_logits(model: keras.Model) -> Function:
    """Return rows (n, k) -> logits (n,), for many calls with arrays of few shapes: each shape is compiled once."""
    shell = import_keras().Model(model.inputs, model.outputs)
    shell.compile(jit_compile="auto")
    return lambda x: np.asarray(shell.predict_on_batch(x))[:, 0]


def evaluate(model: keras.Model, data: TaggerData, split: str = "test") -> dict[str, Any]:
    """Judge a network on one split.

    Parameters
    ----------
    model : keras.Model
        (n, k) -> (n, 1) logits; k = len(data.inputs).
    data : TaggerData
        The file.
    split : {"test", "val", "train"}
        Which rows.

    Returns
    -------
    dict
        JSON types only: `split`, `rows`, `model` (see `tagger.model.complexity`), `weightings` (name -> figures),
        `flavours` (background flavour -> figures against all signal), `pt_bins`, `mass_sculpting`. Figures are `auc`,
        `auc_error`, `rows_*`, `n_eff_*` and `rejection` ("0.5" -> see `pseudoexp.benchmark.metrics.Scored.rejection`).
    """
    part = data.split(split)
    return figures(logits(model, part.x), part) | {"split": split, "model": complexity(model)}


def figures(score: NDArray[np.floating[Any]], part: Split) -> dict[str, Any]:
    """Return all figures of given scores (n,) on given rows, as `evaluate` does, without those of the network."""
    found = benchmark_figures(score, part, HEADLINE)
    return found | {"mass_sculpting": found["mass_sculpting"][f"{HEADLINE:g}"]}


def to_run(model: keras.Model, data: TaggerData, config: dict[str, Any], history: dict[str, list[float]],
           gated: keras.Model | None = None) -> Run:
    """Judge a finished network on the test split and return the run, with all that the report shows; not saved yet.

    Parameters
    ----------
    model : keras.Model
        The plain network.
    data : TaggerData
        With the inputs of this network.
    config : dict
        What config.json shall say, see `Run.config`; `data` and `versions` are added.
    history : dict
        Of the training.
    gated : keras.Model, optional
        The network with its gates.
    """
    part = data.test
    score = logits(model, part.x)
    metrics = figures(score, part) | {"split": "test", "model": complexity(model)}
    packages = ["hgq2"] if any(type(layer).__module__.startswith("hgq") for layer in model.layers) else []
    columns: dict[str, NDArray[Any]] = {
        "score": score, "target": part.y, "weight": part.weight, "physical": part.physical, "event": part.event,
        "pt": part.pt, "mass": part.mass, "flavour": part.flavour}
    return Run(model=model, inputs=data.inputs, config={**config, "data": data.source, "versions": versions(*packages)},
               metrics=metrics, history=history, gated=gated, scores=columns,
               histograms={"roc": roc_curve(score, part), "inputs": input_histograms(part, data.inputs)},
               explain=lambda: attributions(model, data))


def versions(*packages: str) -> dict[str, str]:
    """Return the versions that made a run.

    Parameters
    ----------
    *packages : str
        What else was used, by its name in pip; what is not there is left out.

    Returns
    -------
    dict
        Of `pseudoexp`, `keras`, `numpy`, the backend and the packages, by their names; `backend` is that of the backend.
    """
    import keras

    import pseudoexp

    backend = keras.backend.backend()
    found = {"pseudoexp": pseudoexp.__version__, "keras": keras.__version__, "backend": backend,
             backend: getattr(import_module(backend), "__version__", "unknown"), "numpy": np.__version__}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def roc_curve(score: NDArray[np.float32], part: Split) -> dict[str, list[float | None]]:
    """Return `signal` efficiencies with `background` efficiency and its `error`, benchmark weights."""
    rate, error = Scored(score, part.y == 1, part.weight, part.event).roc(ROC_POINTS)
    return {"signal": ROC_POINTS.tolist(), "background": rate.tolist(),
            "error": [None if np.isnan(e) else float(e) for e in error]}


def input_histograms(part: Split, inputs: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Return per input `edges` between the quantiles 0.5 and 99.5 % of all rows, and the `hbb` and `qcd` shares per bin."""
    result = {}
    bins = int(min(BINS, 2.0 * len(part) ** (1 / 3)))  # Rice's rule: few rows would show nothing but their scatter
    for k, name in enumerate(inputs):
        column = part.x[:, k].astype(np.float64)
        low, high = np.quantile(column, (0.005, 0.995))
        if not high > low:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, bins + 1)
        if np.array_equal(column, np.round(column)) and high - low < BINS:  # counts: one bin per number
            edges = np.arange(low - 0.5, high + 1.0)
        shares = {}
        for label, title in ((1, "hbb"), (0, "qcd")):
            rows = part.y == label
            content = np.histogram(np.clip(column[rows], edges[0], edges[-1]), edges, weights=part.weight[rows])[0]
            shares[title] = (content / part.weight[rows].sum()).tolist()
        result[name] = {"edges": edges.tolist(), **shares}
    return result


def attributions(model: keras.Model, data: TaggerData) -> dict[str, Any]:
    """Return what a network looks at: `importance` and `shapley` (`tagger.shapley.mean_absolute`) of every input.

    The same stands under `quantities`, with IP3D's ratios of a track jet as one, see `tagger.data.quantity`.
    """
    columns = {name: [k] for k, name in enumerate(data.inputs)}
    together = quantities(data.inputs)
    function = compiled_logits(model)
    single = importance(function, data)
    joint = importance(function, data, {name: mine for name, mine in together.items() if len(mine) > 1})
    values = of_drawn_jets(function, data)
    return {"importance": single, "shapley": mean_absolute(values, columns), "quantities": {
        "importance": {name: joint.get(name, single[data.inputs[mine[0]]]) for name, mine in together.items()},
        "shapley": mean_absolute(values, together)}}


def importance(function: Function, data: TaggerData, columns: Mapping[str, Sequence[int]] | None = None,
               seed: int = 1) -> dict[str, float]:
    """Return per input the loss in AUC of a function of rows when its values are shuffled among rows.

    That is of the validation split, with benchmark weights. Correlated inputs stand in for one another, so the figures rank
    inputs; they do not add up. With `columns`, name -> inputs, those of a name are shuffled together.
    """
    part = data.val.take(slice(0, IMPORTANCE_ROWS))
    if len(np.unique(part.y)) < 2:
        part = data.val
    rng = np.random.default_rng(seed)
    full = Scored(function(part.x), part.y == 1, part.weight).auc()[0]
    result = {}
    x = part.x.copy()
    for name, mine in ({name: [k] for k, name in enumerate(data.inputs)} if columns is None else columns).items():
        kept = x[:, list(mine)]
        x[:, list(mine)] = kept[rng.permutation(len(kept))]
        result[name] = full - Scored(function(x), part.y == 1, part.weight).auc()[0]
        x[:, list(mine)] = kept
    return result

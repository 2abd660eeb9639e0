"""The report: one HTML page that needs nothing but itself, made from run folders alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pseudoexp import __version__
from pseudoexp.benchmark.figures import WEIGHTINGS
from pseudoexp.core.files import whole_file
from pseudoexp.errors import ConfigError, DataError, MissingExtra, SchemaError
from tagger.report import attributions, tables
from tagger.report.circuits import Circuit, circuits_table, is_export, load_circuits, made_with
from tagger.report.pileup import pileup
from tagger.report.robustness import robustness, samples
from tagger.robustness import stored
from tagger.runs import Run


def load_runs(paths: Sequence[str | Path], trouble: Callable[[str], None] | None = None) -> list[Run]:
    """Read run folders without their networks.

    A folder of an export holds no run and is passed over: `tagger.report.circuits` looks at it.

    Parameters
    ----------
    paths : sequence of paths
        Run folders.
    trouble : callable, optional
        Told of every folder that is there but damaged, which is then left out; without it the first one is an error.

    Raises
    ------
    DataError
        If no run is left, or two runs have the same name.
    SchemaError
        If a folder is not there.
    """
    runs = []
    for folder in (Path(path) for path in paths):
        try:
            if not is_export(folder):
                runs.append(_finished(Run.load(folder, with_model=False)))
        except (SchemaError, DataError) as error:
            if trouble is None or not folder.is_dir():
                raise
            trouble(str(error))
    if not runs:
        raise DataError("no run folder was given, or none of them can be read: the report needs at least one")
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"runs called {', '.join(twice)} stand twice in the list; their names must differ")
    return runs


def _finished(run: Run) -> Run:
    if "weightings" not in run.metrics or "model" not in run.metrics:
        raise DataError(f"{run.path}: metrics.json holds no figures of a finished run")
    stored(run)
    return run


def write_report(paths: Sequence[str | Path], out: str | Path, force: bool = False,
                 trouble: Callable[[str], None] | None = None) -> Path:
    """Write the report on some runs.

    Parameters
    ----------
    paths : sequence of paths
        Run folders, in the order of the report; among them folders of exports, of which the page has what was synthesised.
    out : str or Path
        The HTML file, written under a temporary name and renamed.
    force : bool
        Replace an existing file.
    trouble : callable, optional
        Told of every damaged folder, which the page then names; without it the first one is an error.

    Raises
    ------
    ConfigError
        If the file exists (without `force`) or cannot be written.
    DataError
        If the runs cannot be reported on.
    SchemaError
        If a folder is no run folder.
    """
    target = Path(out)
    if target.exists() and (not force or not target.is_file()):
        raise ConfigError(f"{target}: exists already; --force replaces a file")
    troubles: list[str] = []
    note = troubles.append if trouble else None
    html = render(load_runs(paths, note), troubles, load_circuits(paths, note))
    for line in troubles:
        if trouble:
            trouble(line)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as file:
            file.write(html.encode())
    except OSError as error:
        raise ConfigError(f"{target}: cannot write there ({error.strerror})") from None
    return target


def render(runs: Sequence[Run], troubles: Sequence[str] = (), circuits: Sequence[Circuit] = ()) -> str:
    """Return the page on runs and on circuits made of them as text; `troubles` are named on it.

    Raises
    ------
    MissingExtra
        Without jinja2, matplotlib or mplhep.
    """
    try:
        from pseudoexp.pages.template import page_template
        from tagger.report import plots
    except ImportError as error:
        raise MissingExtra(error.name or "matplotlib", "tagger") from None
    template = page_template("tagger.report", "page.html", subscripts=subscripts)
    return template.render(plots=plots, count=tables.count, troubles=troubles, circuits=circuits_table(circuits),
                           made_with=made_with(circuits), **_context(runs, plots))


def _context(runs: Sequence[Run], plots: Any) -> dict[str, Any]:
    names = tables.importance_order(runs)
    shapes: dict[str, Any] = {}
    for run in runs:
        shapes = run.histograms.get("inputs", {}) | shapes
    with_shape = [name for name in names if name in shapes]
    return {
        "runs": runs, "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "version": __version__,
        "data": _same(runs, "data"), "rows": runs[0].metrics["rows"],
        "size": tables.size(runs), "budgets": tables.budgets(runs),
        "performance": {w: tables.performance(runs, w) for w in WEIGHTINGS},
        "flavours": tables.flavours(runs), "pt_bins": tables.pt_bins(runs), "firmware": tables.firmware(runs),
        "pileup": pileup(runs), "robustness": robustness(runs), "samples": samples(runs),
        "bits": [(run.name, table) for run in runs if (table := tables.bit_widths(run))],
        "inputs": names, "importance": _importance(runs), "input_plot": plots.inputs(shapes, with_shape) if with_shape else "",
        "attributions": attributions, "chosen": attributions.pair(runs),
        "has_scores": any(run.scores for run in runs), "has_history": any(run.history.get("loss") for run in runs),
        "has_sculpting": any(run.metrics.get("mass_sculpting", {}).get("distance") is not None for run in runs),
        "configs": [(run, json.dumps(run.config, indent=1)) for run in runs],
    }


def _same(runs: Sequence[Run], key: str) -> list[dict[str, Any]]:
    """Return the different values of a key of the configurations, in order."""
    values: list[dict[str, Any]] = []
    for run in runs:
        value = run.config.get(key, {})
        if value and value not in values:
            values.append(value)
    return values


def _importance(runs: Sequence[Run]) -> dict[str, float]:
    """Return the importances of the run with most inputs, scaled to a largest one of 1."""
    weight = max(runs, key=lambda run: len(run.inputs)).histograms.get("importance", {})
    top = max((float(value) for value in weight.values()), default=0.0)
    return {name: max(0.0, float(value) / top) if top > 0.0 else 0.0 for name, value in weight.items()}


def subscripts(text: str) -> Any:
    """Return text as markup in which what follows `_` stands below the line."""
    from markupsafe import Markup, escape

    words = []
    for word in str(text).split(" "):
        base, mark, below = word.partition("_")
        words.append(f"{escape(base)}<sub>{escape(below)}</sub>" if mark and base in ("n", "1/ε", "(ε", "ε") else escape(word))
    return Markup(" ".join(words))

"""The page on one sweep or several, and its numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pseudoexp import __version__
from pseudoexp.core.files import whole_file
from pseudoexp.errors import ConfigError, MissingExtra
from tagger.report import attributions
from tagger.report import sweep_tables as tables
from tagger.report.page import subscripts
from tagger.report.sweep_summary import Summary, gathered, looks, missing, summarise
from tagger.report.tables import count, percent
from tagger.sweep import Result, load_results
from tagger.sweep_request import USED, Request


def is_sweep(path: str | Path) -> bool:
    """Tell whether a folder is one of a sweep."""
    return (Path(path) / "jobs.json").is_file() and (Path(path) / "sweep.toml").is_file()


def write_sweep_report(folders: Sequence[str | Path], out: str | Path, force: bool = False) -> tuple[Path, list[str]]:
    """Write the page on one sweep or several, and its numbers as JSON of the same name beside it.

    Parameters
    ----------
    folders : sequence of paths
        Written by `tagger sweep`.
    out : str or Path
        The HTML file.
    force : bool
        Replace existing files.

    Returns
    -------
    Path, list of str
        The page, and what was missing or damaged.

    Raises
    ------
    ConfigError
        If a file exists (without `force`) or cannot be written, or two sweeps have the same figure or name.
    DataError
        If no job of a sweep is finished.
    SchemaError
        If a folder is none of a sweep.
    """
    target = Path(out)
    beside = target.with_suffix(".json")
    for path in (target, beside):
        if path.exists() and (not force or not path.is_file()):
            raise ConfigError(f"{path}: exists already; --force replaces a file")
    summaries: dict[str, Summary] = {}
    troubles = []
    for folder in map(Path, folders):
        name = folder.resolve().name
        if name in summaries:
            raise ConfigError(f"sweeps called {name} stand twice in the list; their names must differ")
        results, wrong = load_results(folder)
        asked = Request.load(folder / "sweep.toml")
        summaries[name] = summarise(results) | {"plan": _plan(asked, results), "notes": asked.notes}
        troubles += wrong
    summary = gathered(summaries)
    html = render_sweep(summary, troubles)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((beside, json.dumps(summary, indent=1, allow_nan=False) + "\n"), (target, html)):
            with whole_file(path) as file:
                file.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{target}: cannot write there ({error.strerror})") from None
    return target, troubles


def _plan(asked: Request, results: Sequence[Result]) -> dict[str, Any]:
    """Epochs, seeds and batch of a sweep; None for epochs that no result of it looks at."""
    epochs = {"prune_epochs": asked.prune_epochs, "quantise_epochs": asked.common["quantise_epochs"]}
    kinds = {result["kind"] for result in results}
    seeds = sorted({result["seed"] for result in results} - {None}) or list(asked.seeds)
    return {"epochs": asked.common["epochs"], "batch": asked.common["batch"], "seeds": seeds,
            **{key: value if kinds & set(USED[key]) else None for key, value in epochs.items()}}


def render_sweep(summary: Summary, troubles: Sequence[str]) -> str:
    """Return the page as text.

    Raises
    ------
    MissingExtra
        Without jinja2, matplotlib or mplhep.
    """
    try:
        from pseudoexp.pages.template import page_template
        from tagger.report import plots, sweep_plots
    except ImportError as error:
        raise MissingExtra(error.name or "matplotlib", "tagger") from None
    template = page_template("tagger.report", "sweep.html", subscripts=subscripts)
    impossible, failed = missing(troubles)
    exact = [pair for pair in summary["asked"] if pair["unit"] in ("nodes", "features")]
    return template.render(
        plots=sweep_plots, bars=plots.attributions, tables=tables, looked=attributions, chosen=looks(summary["networks"]),
        count=count, percent=percent, version=__version__, summary=summary,
        impossible=impossible, failed=failed,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), exact=sum(p["asked"] == p["kept"] for p in exact), runs=len(exact))

"""How a tagger fares on other samples than its own: under pile-up, in another detector, on another generator's events.

The test split of each sample is looked at twice: at thresholds found there, which says what the network can still tell apart,
and at those found on its own test split, which says what somebody gets who does not know that the sample is another one. A
threshold from elsewhere has no error; those of its rates come from the rows of the sample, with rows of one event taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pseudoexp.benchmark.figures import scored, summary
from pseudoexp.core.files import require_writable, whole_file
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, DataError, SchemaError
from pseudoexp.validation.samples import configuration
from tagger.data import Split, read_split, source_of
from tagger.evaluate import logits
from tagger.runs import Run, json_text

EFFICIENCIES = ("0.5", "0.6")
"""Nominal signal efficiencies of the thresholds that are tried elsewhere."""
FILE = "robustness.json"


@dataclass(frozen=True)
class Sample:
    """The test split of a file with all inputs.

    Attributes
    ----------
    name : str
        Of the file, without its ending.
    facts : dict
        See `TaggerData.source`, and `engine`, `card`, `pileup`.
    part : Split
        The rows; their columns are `pseudoexp.dataset.schema.INPUTS`.
    """

    name: str
    facts: dict[str, Any]
    part: Split


def load_samples(paths: Sequence[str | Path]) -> list[Sample]:
    """Read files, each known by its name without the ending.

    Raises
    ------
    ConfigError
        If two files have the same name.
    DataError
        If a test split lacks a class.
    """
    names = [Path(path).stem for path in paths]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"samples called {', '.join(twice)} stand twice in the list; their names must differ")
    return [Sample(name, facts_of(path), read_split(path, "test")) for name, path in zip(names, paths, strict=True)]


def facts_of(path: str | Path) -> dict[str, Any]:
    """Return what was sampled, and how."""
    said = configuration(probe(path))
    card = said.get("card")
    return source_of(path) | {"path": Path(path).name, "engine": said.get("engine"), "pileup": said.get("pileup"),
                              "card": card.get("name") if isinstance(card, dict) else card}


def judge(run: Run, sample: Sample) -> dict[str, Any]:
    """Return the figures of a run on a sample; inputs are taken by name.

    Returns
    -------
    dict
        JSON types only: `sample` (facts), `figures` (`pseudoexp.benchmark.figures.summary`, thresholds found there) and
        `at_nominal_thresholds` (nominal efficiency -> `threshold` and `pseudoexp.benchmark.metrics.Scored.at`).

    Raises
    ------
    DataError
        If the run holds no thresholds.
    """
    cuts = _thresholds(run)
    columns = [schema.INPUTS.index(name) for name in run.inputs]
    found = scored(logits(run.model, sample.part.x[:, columns]), sample.part)
    return {"sample": sample.facts, "figures": summary(found),
            "at_nominal_thresholds": {e: {"threshold": cut} | found.at(cut) for e, cut in cuts.items()}}


def _thresholds(run: Run) -> dict[str, float]:
    try:
        points = run.metrics["weightings"]["benchmark"]["rejection"]
        return {e: float(points[e]["threshold"]) for e in EFFICIENCIES}
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{run.path}: metrics.json holds no figures of a finished run") from None


def robustness(runs: Sequence[str | Path], others: Sequence[str | Path], force: bool = False,
               report: Callable[[str, str, dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """Judge runs on other samples, and add what was found to robustness.json in each run's folder.

    Parameters
    ----------
    runs, others : sequences of paths
        Run folders; files made by `pseudoexp generate`.
    force : bool
        Replace figures on another file of the same name.
    report : callable, optional
        Called with the names of run and sample and the figures, see `judge`.

    Returns
    -------
    dict
        Run -> sample -> figures, those of earlier calls included.

    Raises
    ------
    ConfigError
        If names are not unique, figures on another file of the same name exist (without `force`), or a folder cannot be
        written to.
    DataError
        If a sample or a run cannot be judged.
    SchemaError
        If a file or a folder is damaged.
    """
    loaded = [Run.load(path) for path in runs]
    names = [run.name for run in loaded]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"runs called {', '.join(twice)} stand twice in the list; their names must differ")
    samples = load_samples(others)
    for run in loaded:
        _check(run, samples, force)
    result = {}
    for run in loaded:
        found = {}
        for sample in samples:
            found[sample.name] = judge(run, sample)
            if report:
                report(run.name, sample.name, found[sample.name])
        run.robustness = {"samples": stored(run) | found}
        with whole_file(Path(run.path or ".") / FILE) as file:
            file.write(json_text(run.robustness).encode())
        result[run.name] = run.robustness["samples"]
    return result


def _check(run: Run, samples: Sequence[Sample], force: bool) -> None:
    """Refuse, before any work is done, what could not be stored."""
    target = Path(run.path or ".") / FILE
    require_writable(target)
    _thresholds(run)
    for sample in samples:
        old = stored(run).get(sample.name)
        if old and not force and old["sample"].get("dataset_hash") != sample.facts["dataset_hash"]:
            raise ConfigError(f"{target}: holds figures on another file called {sample.name}; --force replaces them")


def stored(run: Run) -> dict[str, Any]:
    """Return what robustness.json of a run holds: sample -> figures, see `judge`; empty without.

    Raises
    ------
    SchemaError
        If something is missing in it.
    """
    try:
        found = dict(run.robustness.get("samples", {}))
        for entry in found.values():
            _ = entry["sample"].get, entry["figures"]["auc"], entry["figures"]["auc_error"]
            for e in EFFICIENCIES:
                _ = entry["figures"]["rejection"][e]["rejection"], entry["at_nominal_thresholds"][e]["signal"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SchemaError(f"{run.path}: {FILE} is damaged; `tagger robustness` makes it again once it is removed") from None
    return found

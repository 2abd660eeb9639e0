"""The two comparisons of `pseudoexp validate`: of two files, and of an engine's particle level with Pythia8."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pseudoexp import __version__
from pseudoexp.core.files import whole_file
from pseudoexp.dataset.digest import finite
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.errors import ConfigError
from pseudoexp.optional import require_installed
from pseudoexp.validation.compare import CROSS_SECTION, Fraction, Table, breaches, compare_samples, count_fractions
from pseudoexp.validation.distances import Distance, Moments
from pseudoexp.validation.limits import Breach, Limits, load_limits
from pseudoexp.validation.panels import Panel, reference_panels, sample_panels
from pseudoexp.validation.particle_level import EVENT_COLUMNS, PROCESSES, ParticleLevel, generate
from pseudoexp.validation.reference import BIASED, SAMPLING, compare_with_reference, cross_section, groups, reference
from pseudoexp.validation.samples import configuration, read_samples, require_comparable

Progress = Callable[[str, int, int], None]
PAGE, FIGURES = "index.html", "validation.json"
"""Files written into the folder."""
_LEADING = {"signal": "sig_higgs", "qcd": "qcd_lead"}
TABLE = ("m", "ntrk", "ncon", "ftrk", "nvr10", "v1pt", "v2pt", "v1n", "v2n", "dR12")
"""Observables of leading jets whose means and spreads are judged at particle level."""
_PYTHIA_SEED = 1_000_003
"""Added to the seed of fresh Pythia8 events, so that Pythia8 is never compared with itself event by event."""


@dataclass(frozen=True)
class Outcome:
    """A finished comparison.

    Attributes
    ----------
    title : str
        What was compared.
    labels : tuple of str
        Names of the two samples.
    facts : dict
        Where they come from.
    tables : list of (Table, list of Panel)
        Figures and histograms per class or group.
    breaches : list of Breach
        Figures beyond their limits.
    limits : Limits
        The limits.
    warnings : list of str
        What the reader should know.
    """

    title: str
    labels: tuple[str, str]
    facts: dict[str, Any]
    tables: list[tuple[Table, list[Panel]]]
    breaches: list[Breach]
    limits: Limits
    warnings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """No figure is beyond its limit."""
        return not self.breaches

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"title": self.title, "package_version": __version__, "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "first": self.labels[0], "second": self.labels[1], "facts": self.facts, "warnings": self.warnings,
                "passed": self.passed, "breaches": [asdict(b) for b in self.breaches],
                "limits": {"sigmas": self.limits.sigmas, "expected_below": self.limits.expected_below,
                           **{scope: dict(table) for scope, table in self.limits.values.items()}},
                "tables": [table.as_json() for table, _ in self.tables]}


def _outcome(title: str, labels: tuple[str, str], facts: dict[str, Any], tables: list[tuple[Table, list[Panel]]],
             limits: Limits, warnings: list[str]) -> Outcome:
    broken = [breach for table, _ in tables for breach in breaches(table, limits)]
    return Outcome(title, labels, facts, tables, broken, limits, warnings)


def validate_files(first: str | Path, second: str | Path, limits: str | Path | None = None, anyway: bool = False,
                   seed: int = 1, progress: Progress | None = None) -> Outcome:
    """Compare the rows of two files class by class.

    Parameters
    ----------
    first, second : str or Path
        Files of `pseudoexp generate`, sampled alike; the first is the standard.
    limits : str or Path, optional
        TOML file of limits.
    anyway : bool
        Compare files that differ in more than the engine.
    seed : int
        Of the two-sample test.
    progress : callable, optional
        Called as ``progress(line, 0, 0)`` when something new begins.

    Raises
    ------
    ConfigError
        If a file or the limits cannot be read.
    DataError
        If the files cannot be compared.
    """
    held = load_limits(limits)
    warnings = require_comparable(first, second, anyway)
    samples = [read_samples(path) for path in (first, second)]
    tables = []
    for name in ("hbb", "qcd"):
        one, two = (s[name] for s in samples)
        tables.append((compare_samples("rows", name, one, two, _tell(progress), seed), sample_panels(one, two)))
    labels = tuple(_label(path) for path in (first, second))
    facts = {label: _facts(path) | {"rows": {name: len(rows) for name, rows in sample.items()}}
             for label, path, sample in zip(("first", "second"), (first, second), samples, strict=True)}
    return _outcome(f"{Path(second).name} against {Path(first).name}", (labels[0], labels[1]), facts, tables, held, warnings)


def _tell(progress: Progress | None) -> Callable[[str], None] | None:
    return None if progress is None else lambda text: progress(text, 0, 0)


def _label(path: str | Path) -> str:
    return f"{Path(path).stem} ({configuration(probe(path)).get('engine', 'unknown engine')})"


def _facts(path: str | Path) -> dict[str, Any]:
    known = configuration(probe(path))
    chosen = ("engine", "engine_version", "seed", "pt_bias", "pthat_min", "pileup", "dataset_version")
    return {"file": str(path), **{key: known.get(key) for key in chosen}}


def validate_reference(engine: str = "builtin", n: int = 20_000, pythia: int = 0, limits: str | Path | None = None,
                       seed: int = 1, progress: Progress | None = None) -> Outcome:
    """Compare an engine's particle level with the shipped reference histograms and with fresh Pythia8 events.

    Parameters
    ----------
    engine : str
        The engine.
    n : int
        Events per process, pT-hat > 250 GeV without bias for the histograms; as many with the default sampling if `pythia`.
    pythia : int
        Fresh Pythia8 events per process with the default sampling, 0 for none.
    limits : str or Path, optional
        TOML file of limits.
    seed : int
        Of the events.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    ConfigError
        For a wrong argument.
    DataError
        If too few events give jets.
    MissingExtra
        If an engine is not installed.
    """
    held = load_limits(limits)
    tables = []
    for process in PROCESSES:
        level = generate(engine, process, n, seed, SAMPLING, _count(progress, f"{engine} {process}", n))
        tables += reference_tables(level)
        if pythia:
            tables += _fresh_tables(engine, process, n, pythia, seed, progress)
    facts = {"engine": engine, "events": n, "seed": seed, "reference": "PYTHIA 8.318.2, pT-hat > 250 GeV",
             "fresh Pythia8 events": pythia}
    return _outcome(f"engine {engine} against Pythia8, particle level", ("Pythia8", engine), facts, tables, held, [])


def _count(progress: Progress | None, stage: str, total: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(stage, done, total)


def reference_tables(level: ParticleLevel) -> list[tuple[Table, list[Panel]]]:
    """Return the comparison of an engine's particle level with the shipped histograms, one table per process."""
    distances = compare_with_reference(level)
    names = tuple(distances)
    group = _LEADING[level.process]
    judged = tuple(name for name in names if name in {f"{group}__{o}" for o in TABLE} or "_event__n" in name)
    sigma, weight = cross_section(level.process), level.weight
    found = Moments(len(weight), float(weight.mean()), float(weight.std()) / math.sqrt(len(weight)), 0.0, 0.0)
    distances[CROSS_SECTION] = Distance(Moments(1, sigma, 0.0, 0.0, 0.0), found, 1.0, 0.0, 0.0, 0.0, 0.0)
    fractions = tuple(fraction for hadron, column in (("b", "nB"), ("c", "nD"))
                      for fraction in _reference_fractions(hadron, f"{group}__{column}", level))
    shapes = tuple(name for name in names if name not in BIASED)
    table = Table("reference", level.process, distances, shapes, judged, fractions=fractions)
    return [(table, reference_panels(level, names))]


def _reference_fractions(hadron: str, key: str, level: ParticleLevel) -> Iterator[Fraction]:
    values = groups(level).get(key)
    if values is not None:
        counts = reference()[key].all_counts()[1:]
        yield from count_fractions(hadron, "all", counts, np.bincount(values.astype(np.int64), minlength=3).astype(float))


def _fresh_tables(engine: str, process: str, n: int, pythia: int, seed: int, progress: Progress | None,
                  ) -> list[tuple[Table, list[Panel]]]:
    """Return the comparison with fresh Pythia8 events: jets of the class, and whole events."""
    ours = generate(engine, process, n, seed, DEFAULT_SAMPLING, _count(progress, f"{engine} {process}, default sampling", n))
    theirs = generate("pythia8", process, pythia, seed + _PYTHIA_SEED, DEFAULT_SAMPLING,
                      _count(progress, f"pythia8 {process}, default sampling", pythia))
    return particle_tables(theirs, ours, _tell(progress), seed)


def particle_tables(first: ParticleLevel, second: ParticleLevel, tell: Callable[[str], None] | None = None,
                    seed: int = 1) -> list[tuple[Table, list[Panel]]]:
    """Return the comparison of two samples of generated events: jets of the class, and whole events."""
    kind = "Higgs jets" if first.process == "signal" else "leading QCD jets"
    jets, others = first.jet_sample(), second.jet_sample()
    events, other_events = first.event_sample(), second.event_sample()
    return [(compare_samples("particles", kind, jets, others, tell, seed, ()), sample_panels(jets, others)),
            (compare_samples("particles", f"{first.process} events", events, other_events, tell, seed, EVENT_COLUMNS),
             sample_panels(events, other_events))]


def require_packages() -> None:
    """Raise `MissingExtra` if a package for the two-sample test or the page is not installed, before any work is done."""
    require_installed("validation", "sklearn", "matplotlib", "mplhep", "jinja2")


def require_folder(folder: Path, force: bool) -> None:
    """Raise `ConfigError` unless the output folder can be made, or is one of ours and `force` replaces its files."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: exists and is not a folder")
    if not force and any((folder / name).exists() for name in (PAGE, FIGURES)):
        raise ConfigError(f"{folder}: holds a comparison already; --force replaces it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror})") from None


def write(outcome: Outcome, folder: str | Path, force: bool = False) -> Path:
    """Write page and figures into a folder; return the page's path.

    Raises
    ------
    ConfigError
        If the folder holds a comparison already (without `force`) or cannot be written.
    MissingExtra
        Without jinja2, matplotlib or mplhep.
    """
    from pseudoexp.validation.page import render

    target = Path(folder)
    require_folder(target, force)
    figures = json.dumps(finite(outcome.as_json()), indent=1, allow_nan=False) + "\n"
    page = render(outcome)
    try:
        for name, text in ((FIGURES, figures), (PAGE, page)):
            with whole_file(target / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written ({error.strerror})") from None
    return target / PAGE

"""What datasets are asked: how alike two are, what is in one, what an experiment or a trigger would see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.experiments.trigger import Trigger
    from pseudoexp.validation.run import Outcome


def validate(first: str | Path | None = None, second: str | Path | None = None, *, reference: bool = False,
             engine: str = "builtin", n: int | float | str = "20k", pythia: int | float | str = 0,
             limits: str | Path | None = None, anyway: bool = False, seed: int = 1, progress: Any = None) -> Outcome:
    """Tell how far two samples are apart, as ``python -m pseudoexp validate`` does.

    Parameters
    ----------
    first, second : str or Path, optional
        Two files sampled alike; the first is the standard.
    reference : bool, optional
        Hold the particle level of an engine against the shipped reference histograms instead.
    engine : str, optional
        With `reference`: the engine.
    n, pythia : int, float or str, optional
        With `reference`: events per process, and fresh Pythia8 events per process to compare with, too.
    limits : str or Path, optional
        TOML file of limits; the package's by default.
    anyway : bool, optional
        Compare files that differ in more than the engine.
    seed : int, optional
        Of the two-sample test and of generated events.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; as ``progress(line, 0, 0)`` when something new begins.

    Returns
    -------
    pseudoexp.validation.run.Outcome
        `passed`, `breaches`, `tables`, `as_json()`; `pseudoexp.validation.run.write` makes the page.

    Raises
    ------
    ConfigError
        For a wrong argument.
    DataError
        If the samples cannot be compared.
    MissingExtra
        If an engine or scikit-learn is not installed.
    """
    from pseudoexp.production.run_config import parse_count, require_engine
    from pseudoexp.validation.run import validate_files, validate_reference

    if reference:
        if first is not None or second is not None:
            raise ConfigError("validate takes two datasets, or --reference without any")
        events, fresh = parse_count(n, "n", 500, 10**8), parse_count(pythia, "pythia", 0, 10**8)
        for needed in ("pythia8", engine) if fresh else (engine,):
            require_engine(needed)
        return validate_reference(engine, events, fresh, limits, seed, progress)
    if first is None or second is None:
        raise ConfigError("validate takes two datasets, or --reference without any")
    return validate_files(first, second, limits, anyway, seed, progress)


def explore(file: str | Path, out: str | Path = "explore.html", *, events: Sequence[int | str] | None = None,
            force: bool = False, progress: Any = None) -> Path:
    """Write an interactive page on a dataset, as ``python -m pseudoexp explore`` does.

    Parameters
    ----------
    file : str or Path
        A dataset.
    out : str or Path, optional
        The page.
    events : sequence of int, optional
        `eventNumber`s to make again and draw; one of each class by default, where that is possible.
    force : bool, optional
        Replace an existing page.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; as ``progress(line, 0, 0)`` when something new begins.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError
        For a wrong option.
    MissingExtra
        Without plotly or jinja2.
    """
    from pseudoexp.exploring.page import explore as make

    given = None if events is None else [str(number) for number in events]
    return make(file, out, given, force, progress or (lambda stage, done, total: None))


def toys(file: str | Path, lumi: float | str = 140.0, n_toys: int | float | str = 1000, selection: str = "",
         out: str | Path | None = None, *, scores: str | Path | None = None, split: str | None = None,
         window: tuple[float, float] = (90.0, 140.0), mass_range: tuple[float, float] = (40.0, 240.0), bins: int | str = 40,
         signal_strength: float | str = 1.0, seed: int | str = 1, plot: str | Path | None = None,
         force: bool = False, progress: Any = None) -> dict[str, Any]:
    """Draw pseudo-experiments from the weighted events of a dataset, as ``python -m pseudoexp toys`` does.

    Parameters
    ----------
    file : str or Path
        A dataset with both classes.
    lumi : float, optional
        Integrated luminosity [1/fb].
    n_toys : int, optional
        Pseudo-experiments; the first ones stay the same when there are more.
    selection : str, optional
        Condition on the columns of a jet, see `pseudoexp.dataset.expression.Expression`; all jets without.
    out : str or Path, optional
        HDF5 file for all toys.
    scores : str or Path, optional
        File of scores (see `pseudoexp.benchmark.scores`) for the split's rows, which selections call `score`.
    split : {"train", "val", "test"}, optional
        Only events of a split; their weights are those of all.
    window, mass_range : pair of float, optional
        Mass window and range of the mass spectrum [GeV].
    bins : int, optional
        Bins of the mass spectrum.
    signal_strength : float, optional
        Times the signal's cross-section.
    seed : int, optional
        Of the toys.
    plot : str or Path, optional
        Draw mass spectra and significances into this file (png, pdf, svg).
    force : bool, optional
        Replace an existing file.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    dict
        `classes` (cross-sections, yields with their errors), `significance` per test, `toys` (moments of each column),
        `warnings`, `settings`; see docs/experiments.md.

    Raises
    ------
    ConfigError
        For a wrong option.
    DataError
        If no event of a class is selected.
    """
    from pseudoexp.experiments.record import run
    from pseudoexp.experiments.toys import Settings
    from pseudoexp.production.run_config import parse_count, parse_float

    settings = Settings(parse_float(lumi, "lumi", 1e-6, 1e6), parse_count(n_toys, "n_toys", 1, 10**6), selection, split,
                        _masses(window, "window"), _masses(mass_range, "mass_range"),
                        parse_count(bins, "bins", 1, 1000), parse_float(signal_strength, "signal_strength", 0.0, 1e9),
                        parse_count(seed, "seed", 0, 2**63 - 1), "" if scores is None else str(scores))
    return run(file, settings, None if out is None else Path(out), None if plot is None else Path(plot), force,
               progress or (lambda stage, done, total: None))


def _masses(values: Sequence[float], name: str) -> tuple[float, float]:
    try:
        low, high = values
        return float(low), float(high)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} = {str(values)[:100]}; allowed: two rising masses in GeV from 0 on") from None


def rate(file: str | Path, score: str = "score", selection: str = "", *, scores: str | Path | None = None,
         luminosity: float | str = 5e34, mu: float | str = 200.0, inelastic: float | str = 80.0,
         efficiencies: Sequence[float] | None = None, split: str | None = None, progress: Any = None) -> Trigger:
    """Return the rate of a trigger on a score, as ``python -m pseudoexp rate`` does.

    Parameters
    ----------
    file : str or Path
        A dataset with both classes.
    score : str
        Number per jet, higher for the signal: an expression over the columns, see `pseudoexp.dataset.expression.Expression`.
    selection : str, optional
        Condition that a jet fulfils besides.
    scores : str or Path, optional
        File of scores (see `pseudoexp.benchmark.scores`) for the split's rows, which expressions call `score`.
    luminosity : float, optional
        Instantaneous luminosity [1/cm^2/s].
    mu : float, optional
        Mean number of inelastic collisions per crossing.
    inelastic : float, optional
        Their cross-section [mb].
    efficiencies : sequence of float, optional
        Signal efficiencies to report, 0.3 to 0.95 by default.
    split : {"train", "val", "test"}, optional
        Only events of a split.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    pseudoexp.experiments.trigger.Trigger
        `points`, `curve`, `candidates` [Hz], `notes`, `as_dict()`.

    Raises
    ------
    ConfigError
        For a wrong option.
    DataError
        If no event of a class is selected.
    """
    from pseudoexp.experiments.trigger import EFFICIENCIES, Machine, trigger
    from pseudoexp.production.run_config import parse_float

    machine = Machine(parse_float(luminosity, "luminosity", 1e28, 1e37), parse_float(mu, "mu", 1e-3, 1e4),
                      parse_float(inelastic, "inelastic", 1.0, 1000.0))
    return trigger(file, score, selection, split, machine, EFFICIENCIES if efficiencies is None else efficiencies, scores,
                   progress or (lambda stage, done, total: None))

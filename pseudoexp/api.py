"""The public functions; the command line calls the same ones with the same names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.reader import Dataset, Selection
from pseudoexp.engines import DEFAULT_ENGINE
from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch
    from pseudoexp.experiments.trigger import Trigger
    from pseudoexp.replaying.story import Story
    from pseudoexp.validation.run import Outcome

__all__ = ["convert", "events", "explore", "generate", "load", "load_benchmark", "merge", "particles", "rate", "replay", "shift",
           "toys", "validate", "verify"]


def load(path: str | Path, split: str | None = "train", *, return_X_y: bool = False, weight: str | None = "benchmark",
         columns: Sequence[str] | None = None, keep_unmatched: bool = False, shifted: bool = False) -> Any:
    """Read a dataset.

    Parameters
    ----------
    path : str or Path
        The file.
    split : {"train", "val", "test"} or None, optional
        Rows with `eventNumber` % 10 <= 7, == 8, == 9, or all.
    return_X_y : bool, optional
        Return the pair (data, target) only.
    weight : {"benchmark", "physical", ...} or None, optional
        `benchmarkWeight` as it stands in the file; or `mcEventWeight` over the events tried per process in this
        split, in pb, so that the sum over any selection is its cross-section; or no weights. A file with
        `mcEventWeights` has also its names, such as ``"fsr_muR_2"``: as `physical`, for these parameters.
    columns : sequence of str, optional
        Fields of `jets` to put into `data`, the 39 inputs by default.
    keep_unmatched : bool, optional
        Keep the rows of class `other` (target -1), where the file has them.
    shifted : bool, optional
        Of a file made by `shift`: read the rows under the shifted card instead of the nominal one.

    Returns
    -------
    Bunch
        `data` (n, columns) float32 (wider only if a column asks for it), `target` (n,) int8 with 1 = hbb and
        0 = qcd, `weight` (n,) float64 or None, `feature_names`, `DESCR`; methods `to_pandas()` and `batches(size)`.
        Data are read when first asked for; all inputs of an uncompressed file (`split=None`) are a view into the
        mapped file.

    Raises
    ------
    ConfigError
        For a wrong argument or a file that cannot be read.
    SchemaError
        For a file that is foreign, truncated or damaged.

    Examples
    --------
    >>> X, y = pseudoexp.load("data.h5", return_X_y=True)      # doctest: +SKIP
    """
    if isinstance(columns, str):
        raise ConfigError(f"columns {columns!r}; allowed: a sequence of names")
    chosen = schema.INPUTS if columns is None else tuple(columns)
    dataset = Dataset(Selection(probe(path), split, weight, chosen, keep_unmatched, shifted))
    return (dataset.data, dataset.target) if return_X_y else dataset


def generate(n: int | float | str, out: str | Path, *, signal_fraction: float = 0.5, seed: int = 1, threads: int = 0,
             engine: str = DEFAULT_ENGINE, card: str = "atlas-itk", pt_bias: float = 4.0, pthat_min: float = 150.0,
             pileup: float = 0.0, tracks: int = 0, images: int = 0, compression: str = "none", keep_unmatched: bool = False,
             variations: bool = False, hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "", force: bool = False,
             resume: bool = False, shard: str = "", dask: str = "", dry_run: bool = False, profile: bool = False,
             progress: Any = None, make_chunk: Any = "pseudoexp.chain:make_chunk") -> Bunch:
    """Generate a dataset, as ``python -m pseudoexp generate`` does.

    Parameters
    ----------
    n : int, float or str
        Rows of class hbb or qcd, exactly; 4e6 and "200k" are understood.
    out : str or Path
        The file to write.
    signal_fraction : float, optional
        Fraction of hbb rows.
    seed : int, optional
        The seed; a smaller `n` gives the first rows of a larger one.
    threads : int, optional
        Worker processes, 0 for one per core; the rows do not depend on it.
    engine : str, optional
        The event generator: builtin, pythia8, or hepmc, which reads the events from two files.
    card : str, optional
        Detector card: a name or the path of a TOML file.
    pt_bias, pthat_min : float, optional
        Power of the sampling bias in pT-hat, which the weights undo, and the lowest pT-hat [GeV].
    pileup : float, optional
        Mean number of pile-up collisions.
    tracks : int, optional
        Tracks per row in the dataset `tracks`, 0 without.
    images : int, optional
        Pixels per side of the calorimeter images in the dataset `images`, up to 64; 0 without.
    compression : {"none", "lzf", "gzip"}, optional
        Compression; uncompressed files are read several times faster.
    keep_unmatched : bool, optional
        Keep signal jets that are not hbb, as class `other`; they do not count for `n`.
    variations : bool, optional
        Write event weights for other parameters of showers and fragmentation (dataset `mcEventWeights`); engine "builtin" only.
    hepmc_signal, hepmc_qcd : str or Path, optional
        HepMC3 or HepMC2 files (plain, gzip, bzip2 or xz) for ``engine="hepmc"``; `pt_bias` and `pthat_min` are theirs.
    force : bool, optional
        Replace an existing file.
    resume : bool, optional
        Continue an interrupted run.
    shard : str, optional
        Make part i of n, as "i/n", of the file that the other options describe; `merge` puts the parts together.
    dask : str, optional
        Address of a Dask scheduler whose workers make the rows, such as "tcp://host:8786"; "local:4" starts four workers here.
    dry_run : bool, optional
        Check everything and return the plan; write nothing.
    profile : bool, optional
        Also measure what each stage takes within the kernels; the summary's `profile` has it.
    progress : callable, optional
        Called as ``progress(stage, rows_done, rows)``; as ``progress(line, 0, 0)`` while kernels are compiled.
    make_chunk : callable or str, optional
        Another source of rows, see `pseudoexp.production.chunk`.

    Returns
    -------
    Bunch
        The summary (see `pseudoexp.production.run.produce`), or the plan with `dry_run`.

    Raises
    ------
    ConfigError
        For a wrong option.
    SchemaError, DataError
        If a HepMC file is foreign or truncated; if its events are too few or not of the process.
    GenerationError
        If the production fails; finished chunks are kept for `resume`.

    Examples
    --------
    >>> pseudoexp.generate("20k", "data.h5", seed=7)      # doctest: +SKIP
    """
    from pseudoexp.production.run import plan, produce
    from pseudoexp.production.run_config import RunConfig
    from pseudoexp.production.shard import parse_shard

    part = parse_shard(shard)
    config = RunConfig.from_options(n, card, signal_fraction=signal_fraction, seed=seed, engine=engine, pt_bias=pt_bias,
                                    pthat_min=pthat_min, pileup=pileup, tracks=tracks, images=images,
                                    keep_unmatched=keep_unmatched, variations=variations,
                                    hepmc_signal=str(hepmc_signal), hepmc_qcd=str(hepmc_qcd))
    if dry_run:
        return plan(config, Path(out), threads=threads, compression=compression, force=force, resume=resume, shard=part,
                    dask=dask)
    return produce(config, Path(out), threads=threads, compression=compression, force=force, resume=resume, shard=part,
                   dask=dask, profile=profile, make_chunk=make_chunk, progress=progress)


def load_benchmark(name: str = "v1-small", split: str | None = "train", *, return_X_y: bool = False,
                   weight: str | None = "benchmark", columns: Sequence[str] | None = None, threads: int = 0,
                   progress: Any = None) -> Any:
    """Read a release of the benchmark, made at its first use: see `pseudoexp.benchmark.store.load_benchmark`."""
    from pseudoexp.benchmark.store import load_benchmark as read

    return read(name, split, return_X_y=return_X_y, weight=weight, columns=columns, threads=threads, progress=progress)


def load_objects(path: str | Path, name: str, split: str | None = "train", *, keep_unmatched: bool = False) -> Any:
    """Read the tracks or the images of the rows that `load` returns, in the same order.

    Parameters
    ----------
    path : str or Path
        A file made with `tracks` or `images`.
    name : {"tracks", "images"}
        Which.
    split, keep_unmatched : optional
        As in `load`.

    Returns
    -------
    structured array
        Tracks (n, N) of `schema.TRACK_DTYPE`, padded; or images (n, N, N) of `schema.IMAGE_DTYPE`.

    Raises
    ------
    ConfigError
        If there is no such dataset or split.

    Examples
    --------
    >>> images = pseudoexp.load_objects("data.h5", "images").view("<f2").reshape(-1, 32, 32, 2)      # doctest: +SKIP
    """
    from pseudoexp.dataset.objects import read_objects

    return read_objects(probe(path), name, split, keep_unmatched)


def merge(shards: Sequence[str | Path], out: str | Path, *, n: int | float | str | None = None, compression: str = "none",
          force: bool = False, progress: Any = None) -> Bunch:
    """Put the shards of a production together, as ``python -m pseudoexp merge`` does: see `pseudoexp.production.merge.merge`."""
    from pseudoexp.production.merge import merge as make

    return make(shards, out, n=n, compression=compression, force=force, progress=progress)


def convert(path: str | Path, out: str | Path, *, to: str, split: str | None = None, columns: Sequence[str] | None = None,
            force: bool = False, progress: Any = None) -> Bunch:
    """Write a dataset as Parquet or ROOT, as ``python -m pseudoexp convert`` does: see `pseudoexp.converting.convert.convert`."""
    from pseudoexp.converting.convert import convert as make

    return make(path, out, to=to, split=split, columns=columns, force=force, progress=progress)


def particles(process: str = "signal", n: int = 1000, seed: int = 1, pthat_min: float = 150, pt_bias: float = 0,
              engine: str = DEFAULT_ENGINE, hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "") -> Bunch:
    """Generate events and return their particles before any detector: see `pseudoexp.particle_level.particles`."""
    from pseudoexp.particle_level import particles as generate_particles

    return generate_particles(process, n, seed, pthat_min, pt_bias, engine, hepmc_signal, hepmc_qcd)


def events(process: str, n: int | float | str, out: str | Path, *, engine: str = DEFAULT_ENGINE, seed: int = 1,
           pthat_min: float = 150.0, pt_bias: float = 4.0, variations: bool = False, force: bool = False,
           progress: Any = None) -> Bunch:
    """Write events as HepMC3 text, as ``python -m pseudoexp events`` does: see `pseudoexp.event_file.write_event_file`."""
    from pseudoexp.event_file import write_event_file

    return write_event_file(process, n, out, engine=engine, seed=seed, pthat_min=pthat_min, pt_bias=pt_bias,
                            variations=variations, force=force, progress=progress)


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


def replay(event: int | str, process: str | None = None, *, file: str | Path | None = None, seed: int = 1,
           engine: str = DEFAULT_ENGINE, card: str = "atlas-itk", pt_bias: float = 4.0, pthat_min: float = 150.0,
           pileup: float = 0.0, tracks: int = 0, signal_fraction: float = 0.5, keep_unmatched: bool = False,
           hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "") -> Story:
    """Make one event of a run again and return its story, as ``python -m pseudoexp replay`` tells it.

    Parameters
    ----------
    event : int or str
        `eventNumber`, as in the file.
    process : {"signal", "qcd"}, optional
        What the event is taken for; checked, since the number says it.
    file : str or Path, optional
        A dataset whose configuration is taken instead of the options below.
    seed, engine, card, pt_bias, pthat_min, pileup, tracks, signal_fraction, keep_unmatched : optional
        The run, as in `generate`.
    hepmc_signal, hepmc_qcd : str or Path, optional
        As in `generate`; needed also with `file`, if those events made it.

    Returns
    -------
    Story
        Stages with facts and tables, and the rows as in the file, to the bit.

    Raises
    ------
    ConfigError
        For a wrong option, or a file that another version made.
    GenerationError
        If the event cannot be made.

    Examples
    --------
    >>> story = pseudoexp.replay(123456, engine="builtin")      # doctest: +SKIP
    >>> story.fact("hard", "process"), story.table("shower", "branchings")      # doctest: +SKIP
    """
    from pseudoexp.production.run_config import RunConfig
    from pseudoexp.replaying.ask import ask
    from pseudoexp.replaying.request import configuration_of, numbered

    inputs = {"hepmc_signal": str(hepmc_signal), "hepmc_qcd": str(hepmc_qcd)}
    if file is not None:
        config = configuration_of(file, **inputs)
    else:
        config = RunConfig.from_options(1, card, signal_fraction=signal_fraction, seed=seed, engine=engine, pt_bias=pt_bias,
                                        pthat_min=pthat_min, pileup=pileup, tracks=tracks, keep_unmatched=keep_unmatched,
                                        **inputs)
    return ask(numbered(config, event, process))


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


def shift(file: str | Path, card: str, out: str | Path, *, threads: int = 0, compression: str = "none", force: bool = False,
          hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "", progress: Any = None) -> Bunch:
    """Put the events of a dataset through another detector card: see `pseudoexp.production.shift.shift`."""
    from pseudoexp.production.shift import shift as make

    return make(file, card, out, threads=threads, compression=compression, force=force, hepmc_signal=hepmc_signal,
                hepmc_qcd=hepmc_qcd, progress=progress)


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
                        (float(window[0]), float(window[1])), (float(mass_range[0]), float(mass_range[1])),
                        parse_count(bins, "bins", 1, 1000), parse_float(signal_strength, "signal_strength", 0.0, 1e9),
                        parse_count(seed, "seed", 0, 2**63 - 1), "" if scores is None else str(scores))
    return run(file, settings, None if out is None else Path(out), None if plot is None else Path(plot), force,
               progress or (lambda stage, done, total: None))


def verify(path: str | Path, *, repair: bool = False, threads: int = 0, hepmc_signal: str | Path = "",
           hepmc_qcd: str | Path = "", progress: Any = None, make_chunk: Any = "pseudoexp.chain:make_chunk") -> Bunch:
    """Hold a dataset against its hashes, as ``python -m pseudoexp verify`` does.

    Parameters
    ----------
    path : str or Path
        The file.
    repair : bool, optional
        Make the changed rows again, and write attributes anew; the file is replaced only by what it was.
    threads : int, optional
        Worker processes for rows that are made again, 0 for one per core.
    hepmc_signal, hepmc_qcd : str or Path, optional
        The files of events, if the dataset was made from such.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; as ``progress(line, 0, 0)`` when something new begins.
    make_chunk : callable or str, optional
        What made the rows, see `generate`.

    Returns
    -------
    Bunch
        `path`, `rows`, `dataset_hash`, `sha256` (None without a sidecar), `repaired` (bool), `changed`: the rows that were made
        again (`pseudoexp.production.repair.Changed`).

    Raises
    ------
    DamagedFile
        If the file is not what it was; the message names the rows, or their blocks where they cannot be made again here.
    ConfigError, SchemaError
        If it cannot be read or is not one of ours.
    """
    from pseudoexp.production.repair import Inputs
    from pseudoexp.production.verifying import verify_file

    inputs = Inputs(threads, make_chunk, str(hepmc_signal), str(hepmc_qcd))
    return verify_file(path, repair, inputs, progress or (lambda stage, done, total: None))

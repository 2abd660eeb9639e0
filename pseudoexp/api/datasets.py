"""Datasets: make them, read them, put them together, check them."""

from __future__ import annotations

import json
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


def info(path: str | Path) -> Bunch:
    """Say what a dataset holds and how it was made, as ``python -m pseudoexp info`` does; reads no rows.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Bunch
        JSON types only: `path`, `bytes`, `rows`, `counts` (class -> rows), `configuration` (engine, detector card, seed and all
        that decides a row), the other attributes of the file, such as `dataset_version` and `dataset_hash`, `datasets` (name ->
        `shape`, `columns`, `compression`, `contiguous`).

    Raises
    ------
    ConfigError, SchemaError
        If the file cannot be read or is not one of ours.
    """
    from pseudoexp.bunch import Bunch

    found = probe(path)
    attributes = {name: value for name, value in found.attributes.items() if name != "jet_counts"}
    for name in ("configuration", "shifted_configuration"):
        if name in attributes:
            attributes[name] = json.loads(attributes[name])
    datasets = {name: {"shape": list(d.shape), "columns": list(d.dtype.names or ()), "compression": d.compression,
                       "contiguous": d.offset is not None} for name, d in found.datasets.items()}
    facts = {"path": str(found.path), "bytes": found.size, "rows": found.rows, "counts": found.counts}
    return Bunch(facts | attributes | facts | {"datasets": datasets})


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


def load_benchmark(name: str = "v1-small", split: str | None = "train", *, return_X_y: bool = False,
                   weight: str | None = "benchmark", columns: Sequence[str] | None = None, threads: int = 0,
                   progress: Any = None) -> Any:
    """Read a release of the benchmark, made at its first use: see `pseudoexp.benchmark.store.load_benchmark`."""
    from pseudoexp.benchmark.store import load_benchmark as read

    return read(name, split, return_X_y=return_X_y, weight=weight, columns=columns, threads=threads, progress=progress)


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


def shift(file: str | Path, card: str, out: str | Path, *, threads: int = 0, compression: str = "none", force: bool = False,
          hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "", progress: Any = None) -> Bunch:
    """Put the events of a dataset through another detector card: see `pseudoexp.production.shift.shift`."""
    from pseudoexp.production.shift import shift as make

    return make(file, card, out, threads=threads, compression=compression, force=force, hepmc_signal=hepmc_signal,
                hepmc_qcd=hepmc_qcd, progress=progress)


def verify(path: str | Path, *, repair: bool = False, threads: int = 0, hepmc_signal: str | Path = "",
           hepmc_qcd: str | Path = "", listing: str | Path = "", progress: Any = None,
           make_chunk: Any = "pseudoexp.chain:make_chunk") -> Bunch:
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
    listing : str or Path, optional
        A file to write if anything is damaged: every changed row and column of every damaged block, a line each (dataset, row,
        column); without it the message names 20 rows, of 20 damaged blocks at most.
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
    return verify_file(path, repair, inputs, progress or (lambda stage, done, total: None), Path(listing) if listing else None)

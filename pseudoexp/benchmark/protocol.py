"""The protocol: which figures a set of scores gets, over seeds, and under other circumstances. `BENCHMARK.md` says why.

Weights: the benchmark weight enters the threshold (the weighted signal efficiency), the background's pass rate and the area
alike, so that every figure is one of the same two populations: both classes with the QCD jets' spectrum of pT and |eta|. A
tagger then gains nothing from how the events were sampled. Errors are those of the weighted sums, first over the rows of
an event. Over seeds the median is quoted, with the standard deviation between the seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.benchmark.figures import EFFICIENCIES, figures, scored, summary
from pseudoexp.benchmark.registry import Release, release
from pseudoexp.benchmark.rows import Rows, read_rows
from pseudoexp.benchmark.scores import Scores, align, read_scores, scores_sha256
from pseudoexp.benchmark.store import Tell, require
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.errors import ConfigError

PROTOCOL = "1"
"""Raised when any figure changes its meaning."""
HEADLINE = 0.6
"""Signal efficiency of the headline number, the background rejection there."""
FEWEST_SEEDS = 5
Source = str | Path | Mapping[str, ArrayLike]


def evaluate(scores: Source, split: str = "test", *, name: str | Release | None = "v1-small", data: str | Path | None = None,
             transfer: Mapping[str, Source] | None = None, seeds: Sequence[int] = (),
             progress: Tell | None = None) -> dict[str, Any]:
    """Judge scores by the protocol.

    Parameters
    ----------
    scores : path or mapping
        An .npz or HDF5 file, or arrays by the same names: `score` (n,) or (n, seeds), and `eventNumber` with `jet`, or `row`.
    split : {"test", "val", "train"}, optional
        Which rows; the leaderboard takes "test".
    name : str or None, optional
        The release; made first where it is not in the cache. None with `data`: a file that is no release.
    data : str or Path, optional
        The file, if it is not to be that in the cache; with a `name` it must be the release.
    transfer : mapping, optional
        Release -> scores of the same networks on its test split, in the same order of seeds.
    seeds : sequence of int, optional
        Of the trainings: a wrong number of them is refused before a release is made or a score judged.
    progress : callable, optional
        As in `pseudoexp.load_benchmark`.

    Returns
    -------
    dict
        JSON types only: `protocol`, `release` and `data` (what was judged), `split`, `rows`, `scores_sha256`, `headline`
        and `over_seeds` (median, its error, spread, values), `figures` (of the seed nearest to the median headline, see
        `pseudoexp.benchmark.figures.figures`), `figures_of_seed`, `transfer` (release -> the same at the thresholds of its
        own and, as `at_these_thresholds`, at those of `scores`).

    Raises
    ------
    ConfigError, SchemaError, DataError
        For wrong arguments, files and scores; the message names the row.
    """
    submitted = read_scores(scores)
    one = None if name is None else release(name)
    wanted = split if one is None else one.load_split(split)
    others = [(release(other), read_scores(source)) for other, source in (transfer or {}).items()]
    require_seeds(seeds, columns := submitted.score.shape[1])
    for _, moved in others:
        if (count := moved.score.shape[1]) != columns:
            raise ConfigError(f"{moved.where}: {count} seeds; allowed: {columns}, as many as on the release itself")
    info = _file(one, data, progress)
    rows = read_rows(info, wanted)
    aligned = align(submitted, rows, f"split {split!r} of {one.name if one else info.path}")
    result = {"protocol": PROTOCOL, "release": facts(one, info), "split": split} | judged(aligned, rows)
    thresholds = [[scored(column, rows).threshold(e) for e in EFFICIENCIES] for column in aligned.T]
    result["transfer"] = {other.name: _transferred(other, moved, thresholds, progress) for other, moved in others}
    return result


def require_seeds(seeds: Sequence[int], columns: int) -> None:
    """Refuse seeds, if any, that are not one for each column of scores.

    Raises
    ------
    ConfigError
        If there are more or fewer.
    """
    if len(seeds) not in (0, columns):
        raise ConfigError(f"{len(seeds)} seeds for {columns} columns of scores; allowed: one each")


def _file(one: Release | None, data: str | Path | None, progress: Tell | None) -> FileInfo:
    if one is None:
        if data is None:
            raise ConfigError("neither a release nor a file to judge the scores on; allowed: name or data")
        return probe(data)
    if data is None:
        return require(one, progress=progress)
    from pseudoexp.benchmark.compare import compare

    if found := compare(data, one).differences:
        raise ConfigError(f"{data}: not release {one.name} ({found[0]}); `verify FILE --release {one.name}` tells more")
    return probe(data)


def facts(one: Release | None, info: FileInfo) -> dict[str, Any]:
    """Return what was judged: the release's name and status, versions and hash of the file."""
    configuration = json.loads(info.attributes["configuration"])
    return {"name": one.name if one else None, "status": one.status if one else None,
            "engine": configuration.get("engine"), "engine_version": configuration.get("engine_version"),
            "dataset_version": info.attributes.get("dataset_version"), "dataset_hash": info.attributes.get("dataset_hash")}


def judged(aligned: NDArray[np.float64], rows: Rows) -> dict[str, Any]:
    """Return all figures of scores (n, seeds) in the order of n rows."""
    per_seed = [summary(scored(column, rows)) for column in aligned.T]
    headline = [_value(one["rejection"][f"{HEADLINE:g}"]) for one in per_seed]
    middle = int(np.argsort(headline, kind="stable")[(len(headline) - 1) // 2])
    over = _over_seeds(per_seed)
    return {"rows": {"signal": int((rows.y == 1).sum()), "background": int((rows.y == 0).sum())}, "seeds": aligned.shape[1],
            "scores_sha256": scores_sha256(aligned, rows),
            "headline": {"figure": f"1/eps_B at {HEADLINE:.0%} signal efficiency", **over["rejection"][f"{HEADLINE:g}"]},
            "over_seeds": over, "figures_of_seed": middle, "figures": figures(aligned[:, middle], rows, HEADLINE)}


def _value(point: Mapping[str, Any]) -> float:
    """Return a rejection, infinity where no background row passes."""
    return np.inf if point["rejection"] is None else float(point["rejection"])


def _over_seeds(per_seed: list[dict[str, Any]]) -> dict[str, Any]:
    """Return median, typical error and spread of AUC and rejections."""
    points = {f"{e:g}": [one["rejection"][f"{e:g}"] for one in per_seed] for e in EFFICIENCIES}
    return {"auc": spread([one["auc"] for one in per_seed], [one["auc_error"] for one in per_seed]),
            "rejection": {e: spread([_value(p) for p in found], [p["rejection_error"] for p in found],
                                    [p.get("rejection_above") for p in found]) for e, found in points.items()}}


def spread(values: list[float], errors: list[float | None], limits: list[float | None] | None = None) -> dict[str, Any]:
    """Return the median of seeds, its statistical error (the median of the seeds' own) and the seeds' standard deviation.

    Where the median is infinite, for no background row passes, it is None and `above` the smallest lower limit.
    """
    known = [e for e in errors if e is not None]
    median = float(np.median(values)) if np.isfinite(np.sort(values)[:len(values) // 2 + 1]).all() else np.inf
    entry: dict[str, Any] = {
        "median": median if np.isfinite(median) else None, "error": float(np.median(known)) if known else None,
        "spread": float(np.std(values, ddof=1)) if len(values) > 1 and np.isfinite(values).all() else None,
        "values": [v if np.isfinite(v) else None for v in values]}
    if not np.isfinite(median):
        entry["above"] = min(limit for limit in limits or [] if limit is not None)
    return entry


def _transferred(other: Release, submitted: Scores, thresholds: list[list[float]], progress: Tell | None) -> dict[str, Any]:
    """Return the figures on another release, at its own thresholds and at those chosen before."""
    info = require(other, progress=progress)
    rows = read_rows(info, other.load_split("test"))
    aligned = align(submitted, rows, f"split 'test' of {other.name}")
    kept: dict[str, Any] = {}
    for k, e in enumerate(EFFICIENCIES):
        rates = [[float(np.average(column[rows.y == label] >= cuts[k], weights=rows.weight[rows.y == label])) for label in (1, 0)]
                 for column, cuts in zip(aligned.T, thresholds, strict=True)]
        kept[f"{e:g}"] = dict(zip(("signal_efficiency", "background_efficiency"), np.median(rates, axis=0).tolist(), strict=True))
    per_seed = [summary(scored(column, rows)) for column in aligned.T]
    return {"release": facts(other, info), "scores_sha256": scores_sha256(aligned, rows), "over_seeds": _over_seeds(per_seed),
            "at_these_thresholds": kept}

"""All figures of given scores on given rows: AUC, rejections, flavours, pT bins, mass sculpting.

Every figure stands with its error and effective sample size. The headline is the benchmark weighting; unweighted and
cross-section-weighted figures stand beside it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.benchmark.flavours import BACKGROUNDS, SIGNAL
from pseudoexp.benchmark.metrics import Scored, jensen_shannon
from pseudoexp.errors import ConfigError

EFFICIENCIES = (0.3, 0.5, 0.6, 0.7)
"""Signal efficiencies of the working points."""
WEIGHTINGS = ("benchmark", "unweighted", "physical")
"""benchmark: equal class totals, signal (pT, |eta|) as QCD's; physical: cross-sections in pb."""
PT_EDGES = (250.0, 350.0, 500.0, 750.0, 1000.0, 3000.0)
"""Bins of the large-R jet's pT [GeV]."""
MASS_EDGES = np.arange(50.0, 251.0, 10.0)
"""Bins of the large-R jet's mass [GeV]."""
FEWEST = 20
"""Rows of a class below which a subsample gets no figures."""

Array = NDArray[np.float64]


class Judged(Protocol):
    """Rows on which scores are judged; arrays of n rows each."""

    @property
    def y(self) -> NDArray[np.int8]:
        """1 for hbb, 0 for qcd."""

    @property
    def weight(self) -> Array:
        """Benchmark weights."""

    @property
    def physical(self) -> Array:
        """Weights in pb."""

    @property
    def event(self) -> NDArray[np.int64]:
        """Event numbers."""

    @property
    def pt(self) -> NDArray[np.float32]:
        """Of the large-R jet [GeV]."""

    @property
    def mass(self) -> NDArray[np.float32]:
        """Of the large-R jet [GeV]."""

    @property
    def flavour(self) -> NDArray[np.int8]:
        """Index into `BACKGROUNDS`, `SIGNAL` in signal rows."""


def weighting(part: Judged, name: str) -> Array:
    """Return the weights called `name`, one of `WEIGHTINGS`.

    Raises
    ------
    ConfigError
        If the name is unknown.
    """
    if name == "benchmark":
        return part.weight
    if name == "physical":
        return part.physical
    if name == "unweighted":
        return np.ones(len(part.y))
    raise ConfigError(f"weighting {name!r}; allowed: {', '.join(WEIGHTINGS)}")


def scored(score: ArrayLike, part: Judged, name: str = "benchmark") -> Scored:
    """Return scores (n,) of rows under one of the weightings."""
    return Scored(score, part.y == 1, weighting(part, name), part.event)


def summary(one: Scored) -> dict[str, Any]:
    """Return AUC and rejections with errors and effective sample sizes."""
    area, error = one.auc()
    return {"auc": area, "auc_error": error,
            "rows_signal": int(one.signal.sum()), "rows_background": int((~one.signal).sum()),
            "n_eff_signal": one.effective_size(one.signal), "n_eff_background": one.effective_size(~one.signal),
            "rejection": {f"{e:g}": one.rejection(e) for e in EFFICIENCIES}}


def subsample(score: Array, part: Judged, rows: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Return the summary of some of the rows, None if they are too few for one."""
    counts = [int((part.y[rows] == label).sum()) for label in (0, 1)]
    weights = [float(part.weight[rows & (part.y == label)].sum()) for label in (0, 1)]
    if min(counts) < FEWEST or min(weights) <= 0.0:
        return None
    return summary(Scored(score[rows], part.y[rows] == 1, part.weight[rows], part.event[rows]))


def by_flavour(score: Array, part: Judged) -> dict[str, Any]:
    """Return the figures of each background flavour against all signal, with its share of the background."""
    return {name: _of_flavour(score, part, i) for i, name in enumerate(BACKGROUNDS)}


def _of_flavour(score: Array, part: Judged, flavour: int) -> dict[str, Any]:
    rows = part.flavour == flavour
    result: dict[str, Any] = {"rows": int(rows.sum())}
    total = float(part.weight[part.y == 0].sum())
    result["share"] = float(part.weight[rows].sum()) / total
    return result | (subsample(score, part, rows | (part.flavour == SIGNAL)) or {})


def in_pt_bins(score: Array, part: Judged, cut: float) -> list[dict[str, Any]]:
    """Return per bin the figures at the bin's own thresholds and eps_S, eps_B of the cut made for all pT."""
    bins = []
    for low, high in pairwise(PT_EDGES):
        rows = (part.pt >= low) & (part.pt < high)
        entry: dict[str, Any] = {"low": low, "high": high, "rows": int(rows.sum())}
        own = subsample(score, part, rows)
        if own is not None:
            for label, name in ((1, "signal"), (0, "background")):
                mine = rows & (part.y == label)
                entry[f"{name}_efficiency"] = float(np.average(score[mine] >= cut, weights=part.weight[mine]))
        bins.append(entry | (own or {}))
    return bins


def sculpting(one: Scored, part: Judged, efficiency: float) -> dict[str, Any]:
    """Return the Jensen-Shannon distance of the background's mass before and after the cut at a signal efficiency.

    `noise` is what the distance would be on average if the cut did not look at the mass: for N effective rows in k bins,
    the divergence of a sample from its parent is (k - 1) / (8 N ln 2) bits.
    """
    background = part.y == 0
    passed = background & (one.score >= one.threshold(efficiency))
    before, after = (np.histogram(part.mass[rows], MASS_EDGES, weights=part.weight[rows])[0]
                     for rows in (background, passed))
    square = np.histogram(part.mass[passed], MASS_EDGES, weights=part.weight[passed] ** 2)[0]
    entry: dict[str, Any] = {"efficiency": efficiency, "edges": MASS_EDGES.tolist(), "rows_after": int(passed.sum()),
                             "before": before.tolist(), "after": after.tolist(),
                             "after_error": np.sqrt(square).tolist(), "distance": None, "noise": None}
    inside = passed & (part.mass >= MASS_EDGES[0]) & (part.mass < MASS_EDGES[-1])
    if before.sum() > 0.0 and after.sum() > 0.0:
        size = one.effective_size(inside)
        entry["distance"] = jensen_shannon(before, after)
        entry["noise"] = float(min(1.0, np.sqrt((np.count_nonzero(before) - 1) / (8.0 * np.log(2.0) * size))))
    return entry


def figures(score: ArrayLike, part: Judged, headline: float) -> dict[str, Any]:
    """Return all figures of scores (n,) on n rows.

    Parameters
    ----------
    score : (n,) array
        Higher for the signal.
    part : Judged
        The rows.
    headline : float
        Signal efficiency of the cut that is followed through the pT bins.

    Returns
    -------
    dict
        JSON types only: `rows`, `weightings` (name -> `summary`), `flavours` (background flavour -> figures against all
        signal), `pt_bins`, `mass_sculpting` (efficiency -> `sculpting`).
    """
    exact = np.asarray(score, dtype=np.float64)
    one = scored(exact, part)
    return {
        "rows": {"signal": int((part.y == 1).sum()), "background": int((part.y == 0).sum())},
        "weightings": {name: summary(scored(exact, part, name)) for name in WEIGHTINGS},
        "flavours": by_flavour(exact, part),
        "pt_bins": in_pt_bins(exact, part, one.threshold(headline)),
        "mass_sculpting": {f"{e:g}": sculpting(one, part, e) for e in EFFICIENCIES},
    }

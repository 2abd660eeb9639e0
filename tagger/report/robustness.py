"""The report's tables of runs that were judged on other samples than their own, see `tagger.robustness`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagger.report.tables import DASH, Table, count, measured, rejection
from tagger.robustness import EFFICIENCIES, stored
from tagger.runs import Run

NOMINAL = "nominal"


def robustness(runs: Sequence[Run]) -> Table | None:
    """Figures of each run on its own sample and on each other one; None if no run was judged on another."""
    heads = ("run", "sample", "AUC", *(f"1/ε_B at {float(e):.0%}" for e in EFFICIENCIES),
             *(head for e in EFFICIENCIES for head in (f"ε_S at the nominal {float(e):.0%} cut", "1/ε_B there")))
    rows = []
    for i, run in enumerate(runs):
        if found := stored(run):
            own = run.metrics["weightings"]["benchmark"]
            rows.append((i, (run.name, NOMINAL, *_own_cuts(own), *[DASH] * 2 * len(EFFICIENCIES))))
            rows += [(i, (run.name, name, *_own_cuts(entry["figures"]), *_nominal_cuts(entry["at_nominal_thresholds"])))
                     for name, entry in found.items()]
    return Table(heads, tuple(rows)) if rows else None


def _own_cuts(figures: dict[str, Any]) -> list[str]:
    return [measured(figures["auc"], figures["auc_error"]), *(rejection(figures["rejection"].get(e)) for e in EFFICIENCIES)]


def _nominal_cuts(points: dict[str, Any]) -> list[str]:
    cells = []
    for e in EFFICIENCIES:
        point = points[e]
        cells += [f"{measured(100.0 * point['signal'], 100.0 * point['signal_error'])} %", rejection(point)]
    return cells


def samples(runs: Sequence[Run]) -> Table:
    """What the other samples are; the same name stands twice if runs were judged on different files of it."""
    heads = ("sample", "engine", "card", "pile-up", "rows", "hash")
    rows = dict.fromkeys((name, *_facts(entry["sample"])) for run in runs for name, entry in stored(run).items())
    return Table(heads, tuple((None, row) for row in rows))


def _facts(sample: dict[str, Any]) -> list[str]:
    pileup = sample.get("pileup")
    return [str(sample.get("engine") or DASH), str(sample.get("card") or DASH), DASH if pileup is None else f"{pileup:g}",
            count(sample.get("rows")), str(sample.get("dataset_hash") or DASH)[:12]]

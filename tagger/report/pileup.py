"""The report's table of runs that were judged on the same jets under several amounts of pile-up, see `tagger.invariant`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagger.report.tables import DASH, Table, measured, percent, rejection
from tagger.runs import Run

HEADS = ("run", "µ", "AUC", "1/ε_B at 50%", "1/ε_B at 60%", "hbb above the nominal 50 % cut", "hbb that change sides",
         "Wasserstein distance, hbb", "QCD", "AUC of guessing µ, hbb", "QCD")


def pileup(runs: Sequence[Run]) -> Table | None:
    """Figures under each pile-up, and how far the score moves from the nominal one; None if no run was judged so."""
    rows = []
    for i, run in enumerate(runs):
        found = run.metrics.get("invariance")
        if found:
            moves = [None, *found["moved"]]
            for mu, figures, moved in zip(found["pileup"], found["figures"], moves, strict=True):
                points = [rejection(figures["rejection"][e]) for e in ("0.5", "0.6")]
                rows.append((i, (run.name, f"{mu:g}", measured(figures["auc"], figures["auc_error"]), *points, *_moved(moved))))
    return Table(HEADS, tuple(rows)) if rows else None


def _moved(moved: dict[str, Any] | None) -> list[str]:
    if moved is None:
        return [percent(0.5), *[DASH] * 5]
    hbb, qcd = moved["hbb"], moved["qcd"]
    return [percent(hbb["passes"]["0.5"][1]), percent(hbb["changed"]["0.5"]), f"{hbb['wasserstein']:.3f}",
            f"{qcd['wasserstein']:.3f}", f"{hbb['guess']:.3f}", f"{qcd['guess']:.3f}"]

"""The cut-flow: events tried, events with a row, rows, and what is left after cuts anyone would try first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo

STEPS = ("Jets in the file (rows)", "mass of 90 to 140 GeV", "SV1 vertex in both track jets", "true b hadron in both track jets")


@dataclass
class Step:
    """What is left of a class: rows, events, and their cross-section [pb]."""

    rows: int = 0
    events: int = 0
    cross_section: float = 0.0


class Flow:
    """Counts block by block; the rows of an event follow each other within their class."""

    def __init__(self, info: FileInfo) -> None:
        self._tried = [int(t) for t in info.attributes["events_tried"]]
        self.steps = [[Step() for _ in STEPS] for _ in info.classes]
        self._last = np.full((len(info.classes), len(STEPS)), -1, dtype=np.int64)

    def add(self, rows: NDArray[np.void]) -> None:
        """Count rows."""
        left = np.ones(len(rows), dtype=np.bool_)
        numbers, weights, labels = rows["eventNumber"], rows["mcEventWeight"], rows["flavour_label"]
        mass = rows["mass"] / schema.MEV
        cuts = (left, (mass >= 90.0) & (mass < 140.0), rows["vr1_has_sv"] & rows["vr2_has_sv"],
                (rows["vr1_truth_label"] == 5) & (rows["vr2_truth_label"] == 5))
        for i, cut in enumerate(cuts):
            left = left & cut
            for label, steps in enumerate(self.steps):
                own = left & (labels == label)
                number = numbers[own]
                new = np.diff(number, prepend=self._last[label, i]) != 0
                steps[i].rows += len(number)
                steps[i].events += int(new.sum())
                steps[i].cross_section += float(weights[own][new].sum()) / max(self._tried[label % 2], 1)
                if len(number):
                    self._last[label, i] = number[-1]

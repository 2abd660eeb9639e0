"""Histograms of every column by class and pT, in one pass over the file and flat memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.exploring.axes import Axis, shown

PT_EDGES = (250.0, 350.0, 450.0, 600.0, 1000.0)
"""Lower edges of the slices in jet pT [GeV]; the last is open."""
KINDS = 5
"""Rows; sums of weights [pb] and of their squares; sums of benchmark weights and of their squares."""


class Histograms:
    """Sums per class, slice of pT, kind and bin."""

    def __init__(self, info: FileInfo, axes: Sequence[Axis]) -> None:
        self.axes = axes
        self.classes = len(info.classes)
        self.sums = [np.zeros((KINDS, self.classes * len(PT_EDGES) * axis.bins)) for axis in axes]
        tried = np.maximum(info.attributes["events_tried"], 1).astype(np.float64)
        self._tried = np.array([tried[0], tried[1], tried[0]])

    def add(self, rows: NDArray[np.void]) -> None:
        """Count rows."""
        label = rows["flavour_label"].astype(np.int64)
        pt = np.searchsorted(PT_EDGES[1:], shown(rows["pt"], schema.MEV), side="right")
        weight = rows["mcEventWeight"] / self._tried[label]
        benchmark = rows["benchmarkWeight"].astype(np.float64)
        kinds = (None, weight, weight**2, benchmark, benchmark**2)
        for axis, sums in zip(self.axes, self.sums, strict=True):
            values = shown(rows[axis.name], axis.scale)
            known = np.isfinite(values)
            everything = known.all()
            place = (label * len(PT_EDGES) + pt) * axis.bins + axis.index(np.where(known, values, 0.0))
            for k, w in enumerate(kinds):
                chosen = w if w is None or everything else w[known]
                sums[k] += np.bincount(place if everything else place[known], chosen, sums.shape[1])

    def table(self, i: int) -> NDArray[np.float64]:
        """Return the sums of column i: (classes, slices, kinds, bins)."""
        return self.sums[i].reshape(KINDS, self.classes, len(PT_EDGES), self.axes[i].bins).transpose(1, 2, 0, 3)

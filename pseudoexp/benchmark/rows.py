"""The rows that scores are judged on, and their identities.

A row is known by `eventNumber` and `jet`: 0 for the event's first row in the file, 1 for its next one, and so on (rows of
class `other` do not count); or by `row`, its number in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.flavours import LABEL_COLUMNS, flavours_of
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import Selection, blocks, target
from pseudoexp.dataset.splits import in_split
from pseudoexp.errors import DataError

_COLUMNS = ("eventNumber", "pt", "mass", "benchmarkWeight", *LABEL_COLUMNS)


@dataclass(frozen=True)
class Rows:
    """Rows of one split, n in all, in the order of the file; see `pseudoexp.benchmark.figures.Judged`.

    Attributes
    ----------
    y : (n,) int8 array
        1 for hbb, 0 for qcd.
    weight, physical : (n,) float64 arrays
        Benchmark weights, and weights in pb.
    event, jet, row : (n,) int64 arrays
        The identities.
    pt, mass : (n,) float32 arrays
        Of the large-R jet [GeV].
    flavour : (n,) int8 array
        Background flavour.
    """

    y: NDArray[np.int8]
    weight: NDArray[np.float64]
    physical: NDArray[np.float64]
    event: NDArray[np.int64]
    jet: NDArray[np.int64]
    row: NDArray[np.int64]
    pt: NDArray[np.float32]
    mass: NDArray[np.float32]
    flavour: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.y)


def read_rows(info: FileInfo, split: str | None) -> Rows:
    """Read what is needed of the rows of a split (all for None).

    Raises
    ------
    DataError
        If a class has no row, or no weight.
    """
    selection = Selection(info, split, "physical", ("pt",), unmatched=False)
    pieces: list[tuple[NDArray[np.generic], ...]] = []
    start = 0
    for block in blocks(info):
        chosen = in_split(block["eventNumber"], split) & (block["flavour_label"] < 2)
        physical = selection.weights(block, chosen)
        assert physical is not None
        pieces.append((*(block[name][chosen] for name in _COLUMNS), target(block["flavour_label"][chosen]), physical,
                       start + np.flatnonzero(chosen)))
        start += len(block)
    joined = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
    column = dict(zip((*_COLUMNS, "y", "physical", "row"), joined, strict=True))
    rows = Rows(y=column["y"], weight=column["benchmarkWeight"].astype(np.float64), physical=column["physical"],
                event=column["eventNumber"].astype(np.int64), jet=_jets(column["eventNumber"]), row=column["row"],
                pt=(column["pt"] / schema.MEV).astype(np.float32), mass=(column["mass"] / schema.MEV).astype(np.float32),
                flavour=flavours_of(column, column["y"] == 1))
    _check(info, split, rows)
    return rows


def _jets(event: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row how many rows of its event stand before it."""
    order = np.argsort(event, kind="stable")
    first = np.flatnonzero(np.diff(event[order], prepend=event[order][:1] - 1))
    jet = np.empty(len(event), dtype=np.int64)
    jet[order] = np.arange(len(event)) - np.repeat(first, np.diff(first, append=len(event)))
    return jet


def _check(info: FileInfo, split: str | None, rows: Rows) -> None:
    where = f"{info.path}: " + ("" if split is None else f"split {split!r} has ")
    for label, name in ((1, "hbb"), (0, "qcd")):
        mine = rows.y == label
        if not mine.any():
            raise DataError(f"{where}no {name} row; a score is judged on both classes")
        for weights in (rows.weight, rows.physical):
            if not (np.isfinite(weights[mine]).all() and weights[mine].sum() > 0.0):
                raise DataError(f"{where}{name} rows whose weights are not finite or do not sum to more than 0")

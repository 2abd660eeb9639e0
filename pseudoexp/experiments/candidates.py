"""Events of a file with the cross-section each stands for: jets are chosen, events are counted.

An event is one of nature's throws, whatever the number of its jets that pass. It counts once, with its hardest selected jet
as the candidate; how many of its jets were selected is kept beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.expression import Expression
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import blocks
from pseudoexp.dataset.splits import events_in_split, in_split
from pseudoexp.errors import DataError
from pseudoexp.experiments.columns import Block

SIGNAL, BACKGROUND = "hbb", "qcd"
Array = NDArray[np.float64]
_SIGMAS = 6.0


@dataclass(frozen=True)
class Events:
    """Events of one class with at least one selected jet.

    Attributes
    ----------
    number : (n,) int64 array
        `eventNumber`, rising.
    cross_section : (n,) array
        What each event stands for [pb]: its weight over the events tried.
    pt, mass : (n,) arrays
        Of the hardest selected jet [GeV].
    jets : (n,) int64 array
        Selected jets.
    score : (n,) array
        The largest score of the selected jets; 0 without a score.
    """

    number: NDArray[np.int64]
    cross_section: Array
    pt: Array
    mass: Array
    jets: NDArray[np.int64]
    score: Array

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True)
class Sample:
    """One class of a file.

    Attributes
    ----------
    events : Events
        The selected ones.
    seen : int
        Events with a row, selected or not.
    fiducial : float
        Their cross-section [pb].
    square : float
        Sum of the squares of what each of them stands for [pb^2].
    generated : float
        Cross-section of all events tried, as the file says it [pb].
    """

    events: Events
    seen: int
    fiducial: float
    square: float
    generated: float

    @property
    def efficiency(self) -> float:
        """Share of the fiducial cross-section that is selected."""
        return float(self.events.cross_section.sum() / self.fiducial)


def read_samples(info: FileInfo, selection: Expression | None = None, score: Expression | None = None, split: str | None = None,
                 scores: NDArray[np.float64] | None = None, tell: Callable[[int], None] = lambda rows: None) -> dict[str, Sample]:
    """Return the samples `hbb` and `qcd` of a file.

    Parameters
    ----------
    info : FileInfo
        From `pseudoexp.dataset.probe.probe`.
    selection : Expression, optional
        Which jets are selected; all without.
    score : Expression, optional
        A number per jet.
    split : {"train", "val", "test"}, optional
        Use the events of a split alone; weights grow accordingly.
    scores : (rows,) array, optional
        What the expressions call `score`: of the split's rows in the order of the file, those of class `other` left out.
    tell : callable, optional
        Called with the rows read so far.

    Raises
    ------
    DataError
        If a class has no rows, a weight is negative or not finite, a score is not a number, or weights do not fit the
        cross-section of the file.
    """
    pieces: dict[int, list[NDArray[np.void]]] = {0: [], 1: []}
    done = used = 0
    for block in blocks(info):
        done += len(block)
        kept = block[in_split(block["eventNumber"], split) & (block["flavour_label"] < 2)]
        own = None if scores is None else scores[used:used + len(kept)]
        used += len(kept)
        rows = _rows(Block(kept, own), len(kept), selection, score)
        exists = kept["passes_nominal"] if "passes_nominal" in (kept.dtype.names or ()) else np.ones(len(kept), np.bool_)
        for label, parts in pieces.items():
            parts.append(rows[exists & (kept["flavour_label"] == label)])
        tell(done)
    return {name: _sample(info, name, np.concatenate(pieces[label] or [np.zeros(0, _ROW)]), split)
            for label, name in enumerate((SIGNAL, BACKGROUND))}


_ROW = np.dtype([("number", np.int64), ("weight", np.float64), ("pt", np.float32), ("mass", np.float32), ("selected", np.bool_),
                 ("score", np.float64)])


def _rows(block: Block, count: int, selection: Expression | None, score: Expression | None) -> NDArray[Any]:
    rows = np.zeros(count, _ROW)
    rows["number"], rows["weight"] = block["eventNumber"], block["mcEventWeight"]
    rows["pt"], rows["mass"] = block["pt"] / schema.MEV, block["mass"] / schema.MEV
    rows["selected"] = True if selection is None else selection(block)
    rows["score"] = 0.0 if score is None else score(block)
    return rows


def _sample(info: FileInfo, name: str, rows: NDArray[Any], split: str | None) -> Sample:
    process = info.classes.index(name)
    tried = events_in_split(int(info.attributes["events_tried"][process]), split)
    where = f"{info.path}{f', split {split}' if split else ''}"
    if not len(rows) or not tried:
        raise DataError(f"{where}: no row of class {name}; allowed: a file with both classes")
    if not (np.isfinite(rows["weight"]).all() and rows["weight"].min() >= 0.0):
        raise DataError(f"{where}: weights of class {name} from {rows['weight'].min():.3g} pb; allowed: finite ones from 0 on")
    if np.isnan(rows["score"][rows["selected"]]).any():
        raise DataError(f"{where}: the score of a selected jet of class {name} is not a number")
    rows["weight"] /= tried
    each = rows[np.unique(rows["number"], return_index=True)[1]]["weight"]
    generated = float(info.attributes["cross_section"][process])
    if each.sum() > generated + _SIGMAS * float(np.sqrt((each**2).sum())) + 1e-9 * generated:
        raise DataError(f"{where}: the events of class {name} with a row add up to {each.sum():.5g} pb, more than all events "
                        f"tried: {generated:.5g} pb; allowed: weights as docs/file.md says")
    return Sample(by_event(rows[rows["selected"]]), len(each), float(each.sum()), float((each**2).sum()), generated)


def by_event(rows: NDArray[Any]) -> Events:
    """Return the events of selected rows (fields number, weight [pb], pt, mass [GeV], score)."""
    rows = rows[np.lexsort((-rows["pt"], rows["number"]))]
    number, first, jets = np.unique(rows["number"], return_index=True, return_counts=True)
    best = np.maximum.reduceat(rows["score"], first) if len(first) else np.zeros(0)
    hardest = rows[first]
    return Events(number, hardest["weight"].copy(), hardest["pt"].astype(np.float64), hardest["mass"].astype(np.float64),
                  jets.astype(np.int64), best)

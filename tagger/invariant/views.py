"""The same jets under several amounts of pile-up: files of one sequence of events, joined row by row.

`generate --pileup` leaves the particles of every event as they are, and from the detector on no random number depends on the
outcome of another, so files that differ in nothing but pile-up hold the same jets, measured otherwise. A jet has no name in
the file: rows of one event and class belong together if they are the nearest in eta and pT. A jet that does not pass the
selection under one pile-up is missing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pseudoexp
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.validation.samples import configuration, differences
from tagger.data import SPLITS, Split, TaggerData

SAME = ("engine", "engine_version", "seed", "card", "calibration_sha256", "pt_bias", "pthat_min", "dataset_version")
"""Settings in which the files must agree to hold the same jets."""
ETA_SCALE, PT_SCALE = 0.1, 0.3
"""What counts as one unit of distance: in eta, and in the logarithm of pT."""
MAX_DISTANCE = 3.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Views:
    """The same jets in V files.

    Attributes
    ----------
    pileup : tuple of float
        Mean number of pile-up collisions of each file.
    data : tuple of TaggerData
        The files, each with all of its rows.
    rows : dict of (n, V) int64 arrays
        Split -> for each jet its row in that split of each file, -1 where it is missing.
    """

    pileup: tuple[float, ...]
    data: tuple[TaggerData, ...]
    rows: dict[str, NDArray[np.int64]]

    @classmethod
    def load(cls, paths: Sequence[str | Path], inputs: Sequence[str] | None = None) -> Views:
        """Read files and join their rows.

        Parameters
        ----------
        paths : sequence of paths
            Two files or more, the first one nominal.
        inputs : sequence of str, optional
            Names of the inputs, all 39 by default.

        Raises
        ------
        ConfigError
            If there are fewer than two files, or an input is unknown.
        DataError
            If the files do not hold the same jets under different pile-up.
        """
        pileup = require_same_jets(paths)
        data = tuple(TaggerData.load(path, inputs) for path in paths)
        rows = {}
        for split in SPLITS:
            rows[split] = join([_marks(path, split, one.split(split)) for path, one in zip(paths, data, strict=True)])
            if not (rows[split] >= 0).all(axis=1).any():
                raise DataError(f"no jet of split {split!r} is in all of {', '.join(map(str, paths))}")
        return cls(pileup, data, rows)

    def counts(self) -> dict[str, dict[str, Any]]:
        """Return per split the number of `jets`, of those under `all` files, and of those `missing` under each."""
        return {split: {"jets": len(rows), "all": int((rows >= 0).all(axis=1).sum()), "missing": (rows < 0).sum(axis=0).tolist()}
                for split, rows in self.rows.items()}

    def together(self) -> TaggerData:
        """Return the jets with all their views: `x` of every split is (n, V, k), NaN where a view is missing.

        What stands beside `x` is from the first file that has the jet. Validation and test hold the jets of the first
        file only, so that they can be judged there.
        """
        splits: dict[str, Any] = {}
        for split in SPLITS:
            rows = self.rows[split]
            splits[split] = self._stacked(split, rows if split == "train" else rows[rows[:, 0] >= 0])
        return replace(self.data[0], **splits)

    def _stacked(self, split: str, rows: NDArray[np.int64]) -> Split:
        parts = [one.split(split) for one in self.data]
        x = np.stack([np.where(rows[:, v, None] >= 0, part.x[rows[:, v]], np.float32(np.nan))
                      for v, part in enumerate(parts)], axis=1)
        first = np.argmax(rows >= 0, axis=1)
        columns: dict[str, Any] = {}
        for field in fields(Split):
            if field.name not in ("x", "soft"):
                choices = [getattr(part, field.name)[rows[:, v]] for v, part in enumerate(parts)]
                columns[field.name] = np.choose(first, choices)
        return Split(x=x, **columns)


def require_same_jets(paths: Sequence[str | Path]) -> tuple[float, ...]:
    """Return the pile-up of each file.

    Raises
    ------
    ConfigError
        If there are fewer than two files.
    DataError
        If they differ in more than pile-up, or two have the same.
    """
    if len(paths) < 2:
        raise ConfigError(f"{len(paths)} file is given; allowed are two or more, of the same events under different pile-up")
    found = []
    for path in paths:
        info = probe(path)
        found.append(configuration(info) | {"seed": int(info.attributes["seed"])})
    for path, other in zip(paths[1:], found[1:], strict=True):
        if apart := differences(found[0], other, SAME):
            raise DataError(f"{paths[0]} and {path} do not hold the same jets, they differ in {', '.join(apart)}; "
                            "allowed: files made by the same command but for --pileup and --n")
    pileup = tuple(float(one.get("pileup", 0.0)) for one in found)
    for i, value in enumerate(pileup):
        if value in pileup[:i]:
            raise DataError(f"{paths[pileup.index(value)]} and {paths[i]} have the same pile-up of {value:g}; "
                            "allowed: a different one in each file")
    return pileup


@dataclass(frozen=True)
class Marks:
    """By what rows are told to be the same jet: event, class, eta, pT."""

    event: NDArray[np.int64]
    y: NDArray[np.int8]
    eta: Array
    log_pt: Array


def _marks(path: str | Path, split: str, part: Split) -> Marks:
    eta = np.asarray(pseudoexp.load(path, split, weight=None, columns=("eta",)).data[:, 0], dtype=np.float64)
    return Marks(part.event, part.y, eta, np.log(part.pt.astype(np.float64)))


def join(files: Sequence[Marks]) -> NDArray[np.int64]:
    """Return the outer join of the rows of V files: (n, V), the row of each jet in each file, -1 where it is missing.

    Jets stand in the order of the first file, then those that only later files have.
    """
    known = files[0]
    rows = np.arange(len(known.event))[:, None]
    for marks in files[1:]:
        mine = nearest(known, marks)
        left = np.setdiff1d(np.arange(len(marks.event)), mine[mine >= 0])
        old = np.concatenate([rows, np.full((len(left), rows.shape[1]), -1)])
        rows = np.column_stack([old, np.concatenate([mine, left])])
        known = Marks(*(np.concatenate([getattr(known, f.name), getattr(marks, f.name)[left]]) for f in fields(Marks)))
    return rows.astype(np.int64)


def nearest(first: Marks, second: Marks) -> NDArray[np.int64]:
    """Return for each row of the first file the row of the second that is the same jet, -1 without.

    Of all pairs of one event and class the nearest belongs together, then the nearest of the others, and so on.
    """
    keys = [2 * marks.event + marks.y for marks in (first, second)]
    order = np.argsort(keys[1], kind="stable")
    low, high = (np.searchsorted(keys[1][order], keys[0], side) for side in ("left", "right"))
    a = np.repeat(np.arange(len(keys[0])), high - low)
    b = order[np.arange(len(a)) - np.repeat(np.cumsum(high - low) - high, high - low)]
    distance = np.hypot((first.eta[a] - second.eta[b]) / ETA_SCALE, (first.log_pt[a] - second.log_pt[b]) / PT_SCALE)
    found = np.full(len(keys[0]), -1)
    taken = np.zeros(len(keys[1]), dtype=bool)
    for k in np.argsort(distance, kind="stable"):
        if distance[k] >= MAX_DISTANCE:
            break
        if found[a[k]] < 0 and not taken[b[k]]:
            found[a[k]], taken[b[k]] = b[k], True
    return found

"""What expressions can name: the columns of a file, and `score` from a file of scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.rows import read_rows
from pseudoexp.benchmark.scores import align, read_scores
from pseudoexp.dataset.expression import Expression
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.errors import ConfigError

SCORE = "score"


@dataclass(frozen=True)
class Scored:
    """Scores (rows,) of a split's hbb and qcd rows in the order of the file, and how many seeds the file of scores has."""

    values: NDArray[np.float64]
    seeds: int

    def notes(self) -> list[str]:
        """Return what a reader of figures should know of the scores."""
        return [f"the scores have {self.seeds} seeds: the first is used"] if self.seeds > 1 else []


def scored(info: FileInfo, scores: str | Path, split: str | None) -> Scored:
    """Read scores and align them with the rows of a split.

    Raises
    ------
    ConfigError, SchemaError
        If the file of scores cannot be read.
    DataError
        If a row has no score, or a score no row.
    """
    what = f"split {split!r} of {info.path}" if split else str(info.path)
    aligned = align(read_scores(scores), read_rows(info, split), what)
    return Scored(aligned[:, 0].copy(), aligned.shape[1])


def parsed(text: str, info: FileInfo, scores: Scored | None, condition: bool, what: str = "selection") -> Expression:
    """Return an expression over the columns of a file and its scores.

    Raises
    ------
    ConfigError
        If it cannot be understood.
    """
    known = {name: info.jets.dtype[name] for name in info.jets.dtype.names or ()}
    if scores is not None:
        known[SCORE] = scores.values.dtype
    elif re.search(rf"\b{SCORE}\b", text):
        raise ConfigError(f"{what} {text!r}: no column {SCORE!r}; allowed: with --scores FILE, as `benchmark score` takes it")
    return Expression(text, known, condition, what)


class Block(Mapping[str, Any]):
    """Columns of some rows together with their scores."""

    def __init__(self, rows: NDArray[np.void], score: NDArray[np.float64] | None) -> None:
        self._rows, self._score = rows, score

    def __getitem__(self, name: str) -> Any:
        return self._score if name == SCORE else self._rows[name]

    def __iter__(self) -> Any:
        return iter((*(self._rows.dtype.names or ()), *([SCORE] if self._score is not None else [])))

    def __len__(self) -> int:
        return len(list(iter(self)))

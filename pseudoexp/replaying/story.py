"""What a replay returns: stages with facts and tables, the rows, and what a picture shows. Plain data, no physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Value = float | int | str | bool

STAGES = ("hard", "shower", "mpi", "remnants", "strings", "hadrons", "decays", "tracks", "jets", "vertices", "row")
"""Names of the stages, in their order."""
TITLES = {
    "hard": "Hard process", "shower": "Showers of the hard process", "mpi": "Multi-parton interactions",
    "remnants": "Beam remnants", "strings": "Colour reconnection and strings", "hadrons": "Primary hadrons",
    "decays": "Decays", "tracks": "Tracks and primary vertex", "jets": "Jets", "vertices": "Secondary vertices",
    "row": "Rows of the file"}


class Fact(NamedTuple):
    """One value with its name; `key` is its name for programs."""

    key: str
    text: str
    value: Value
    unit: str = ""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    unit: str = ""


class Table(NamedTuple):
    """A table; `key` is its name for programs."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]


@dataclass(frozen=True)
class Stage:
    """One stage of the event.

    Attributes
    ----------
    name : str
        One of `STAGES`.
    facts : list of Fact
        What there is to say in single values.
    tables : list of Table
        What there is to list.
    missing : str
        Why there is nothing to tell; empty if there is.
    """

    name: str
    facts: list[Fact] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    missing: str = ""


@dataclass(frozen=True)
class Story:
    """One event.

    Attributes
    ----------
    number : int
        `eventNumber`, as in the file.
    process : str
        ``signal`` or ``qcd``.
    event : int
        Its number within the process.
    seed : int
        Seed of the run.
    engine : str
        The event generator.
    card : str
        The detector's name.
    stages : dict
        `Stage` by name.
    rows : structured array (rows,) of `schema.JET_DTYPE`
        As they stand in the file.
    tracks : structured array (rows, N) of `schema.TRACK_DTYPE` or None
        Their tracks, if asked for.
    picture : dict
        Arrays for the drawing.
    """

    number: int
    process: str
    event: int
    seed: int
    engine: str
    card: str
    stages: dict[str, Stage]
    rows: NDArray[np.void]
    tracks: NDArray[np.void] | None
    picture: dict[str, NDArray[Any]]

    def fact(self, stage: str, key: str) -> Value:
        """Return the value of a fact."""
        return next(f.value for f in self.stages[stage].facts if f.key == key)

    def table(self, stage: str, key: str) -> list[dict[str, Value]]:
        """Return a table as one dictionary per row."""
        found = next(t for t in self.stages[stage].tables if t.key == key)
        return [dict(zip((c.name for c in found.columns), row, strict=True)) for row in found.rows]

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the picture as plain values, for JSON."""
        stages = {name: {"missing": stage.missing, **{f.key: f.value for f in stage.facts},
                         **{t.key: self.table(name, t.key) for t in stage.tables}}
                  for name, stage in self.stages.items()}
        return {"eventNumber": self.number, "process": self.process, "event": self.event, "seed": self.seed,
                "engine": self.engine, "card": self.card, "stages": stages,
                "rows": [{name: row[name].item() for name in self.rows.dtype.names or ()} for row in self.rows]}

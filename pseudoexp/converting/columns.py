"""The columns of a converted file: one flat list over all datasets of ours, with types, units and meanings.

Columns of `jets` keep their names; those of any other dataset get its name and an underscore in front, such as
`tracks_d0`. A dot in a name becomes a p (`mcEventWeights_fsr_muR_0p5`), because ROOT and many a query language take it
for a separator. Tracks become lists without padding, so that `valid` says nothing any more and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.errors import ConfigError, SchemaError

Rows = dict[str, NDArray[np.void]]
"""Compound rows of the same jets, by the name of their dataset."""
TRACKS, VALID = "tracks", "valid"
_FIELDS = {"jets": schema.JET_FIELDS + schema.PAIR_FIELDS, schema.SHIFTED: schema.JET_FIELDS + schema.PAIR_FIELDS,
           TRACKS: schema.TRACK_FIELDS, schema.VARIATIONS: schema.VARIATION_FIELDS}
CONVERTED = tuple(_FIELDS)
"""Datasets that have columns; images and a shard's table of chunks have none."""


@dataclass(frozen=True)
class Column:
    """One column: its name in the converted file, where it comes from, its type there and its meaning."""

    name: str
    dataset: str
    field: str
    dtype: np.dtype[Any]
    unit: str
    description: str

    @property
    def jagged(self) -> bool:
        """Whether a row holds a list."""
        return self.dataset == TRACKS

    def values(self, rows: Rows) -> NDArray[Any]:
        """Return the values of some rows in this machine's byte order; of tracks those of all rows, one behind the other."""
        compound = rows[self.dataset]
        given = (compound[compound[VALID]] if self.jagged else compound)[self.field]
        if self.dtype.kind == "b":  # any other byte than 0 is true
            return np.asarray(given.view(np.uint8) != 0)
        return np.ascontiguousarray(given, dtype=self.dtype)


def all_columns(info: FileInfo) -> tuple[Column, ...]:
    """Return the columns of all datasets of a file, `jets` first.

    Raises
    ------
    SchemaError
        For a column that is no number.
    """
    return tuple(_column(info, dataset, field) for dataset in _FIELDS if dataset in info.datasets
                 for field in info.datasets[dataset].dtype.names or () if (dataset, field) != (TRACKS, VALID))


def _column(info: FileInfo, dataset: str, field: str) -> Column:
    known = {f.name: f for f in _FIELDS[dataset]}.get(field, schema.Field(field, "", "", ""))
    dtype = info.datasets[dataset].dtype[field]
    if dtype.kind not in "biuf" or dtype.itemsize not in (1, 2, 4, 8) or dtype == np.float16:
        raise SchemaError(f"{info.path}: `{dataset}` column {field} has type {dtype}; allowed: numbers")
    name = field if dataset == "jets" else f"{dataset}_{field}"
    return Column(name.replace(".", "p"), dataset, field, dtype.newbyteorder("="), known.unit, known.description)


def chosen_columns(info: FileInfo, names: Sequence[str] | None) -> tuple[Column, ...]:
    """Return the columns asked for, in that order: names of columns, `inputs`, or names of datasets for all of theirs."""
    known = all_columns(info)
    if names is None:
        return known
    chosen: dict[str, Column] = {}
    for name in names:
        found = list(_named(known, name))
        if not found:
            groups = ["inputs", *dict.fromkeys(column.dataset for column in known)]
            raise ConfigError(f"{info.path}: no column {name!r}; allowed: {', '.join(groups)}, or any of "
                              f"{', '.join(column.name for column in known)}")
        chosen |= {column.name: column for column in found}
    if not chosen:
        raise ConfigError("columns is empty; allowed: at least one column")
    return tuple(chosen.values())


def _named(known: Iterable[Column], name: str) -> Iterable[Column]:
    if name == "inputs":
        return (column for column in known if column.dataset == "jets" and column.field in schema.INPUTS)
    return (column for column in known if name in (column.name, column.dataset))


def lengths(rows: Rows) -> NDArray[np.int64]:
    """Return the number of tracks of each row."""
    return np.asarray(rows[TRACKS][VALID].sum(axis=1, dtype=np.int64))

"""The axis of each column: what it is called, where its bins begin and end; from a sample of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import rows_at

SAMPLE_ROWS, SAMPLE_PIECES = 200_000, 40
"""Rows, and places they are taken from, that decide on bins and correlations."""
_BINS, _FEW_BINS, _FEW_ROWS = 60, 20, 1000
_TAILS = (0.002, 0.99)
_GROUPS = (("vr1_", "Track jet 1"), ("vr2_", "Track jet 2"))


@dataclass(frozen=True)
class Axis:
    """Bins of equal width; the outermost ones hold what lies beyond.

    Attributes
    ----------
    name, unit, description : str
        Of the column; momenta are shown in GeV.
    group : str
        What it stands under.
    scale : float
        File units per unit shown.
    low, high : float
        Outer edges.
    bins : int
        How many.
    whole : bool
        One bin per whole number.
    """

    name: str
    unit: str
    description: str
    group: str
    scale: float
    low: float
    high: float
    bins: int
    whole: bool

    def index(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the bin of finite values in shown units."""
        place = (values - self.low) * (self.bins / (self.high - self.low))
        return np.asarray(np.clip(place, 0, self.bins - 1), dtype=np.int64)


def sampled(info: FileInfo) -> NDArray[np.void]:
    """Return at most `SAMPLE_ROWS` rows, all of a small file, else pieces spread evenly over it."""
    if info.rows <= SAMPLE_ROWS:
        return rows_at(info, "jets", 0, info.rows)
    each = SAMPLE_ROWS // SAMPLE_PIECES
    starts = np.linspace(0, info.rows - each, SAMPLE_PIECES).astype(int)
    return schema.join([rows_at(info, "jets", int(start), each) for start in starts])


def axes_of(sample: NDArray[np.void]) -> list[Axis]:
    """Return an axis per column, inputs first."""
    fields = {f.name: f for f in schema.JET_FIELDS + schema.PAIR_FIELDS}
    return [_axis(fields.get(name, schema.Field(name, "", "", "")), sample[name]) for name in sample.dtype.names or ()]


def _axis(field: schema.Field, column: NDArray) -> Axis:
    unit, scale = ("GeV", schema.MEV) if field.unit == "MeV" else (field.unit, 1.0)
    values = shown(column, scale)
    values = values[np.isfinite(values)]
    whole = column.dtype.kind in "biu" or bool(len(values) and (values == np.round(values)).all())
    low, high = (float(q) for q in np.quantile(values, _TAILS)) if len(values) else (0.0, 1.0)
    if whole and high - low < _BINS:
        low, high = float(np.floor(low)) - 0.5, float(np.ceil(high)) + 0.5
        return Axis(field.name, unit, field.description, _group(field.name), scale, low, high, round(high - low), True)
    if not high > low:
        low, high = low - 0.5, low + 0.5
    return Axis(field.name, unit, field.description, _group(field.name), scale, low, high,
                _BINS if len(values) > _FEW_ROWS else _FEW_BINS, False)


def shown(column: NDArray, scale: float) -> NDArray[np.float64]:
    """Return a column in the units that are shown."""
    return np.asarray(column.astype(np.float64) / scale)


def _group(name: str) -> str:
    found = next((title for start, title in _GROUPS if name.startswith(start)), "Large-R jet")
    return f"Inputs: {found}" if name in schema.INPUTS else f"Further: {found}"

"""Rows to check firmware with: a quantised run keeps some of its test split beside its network (check.npz)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import read_arrays
from pseudoexp.errors import DataError, SchemaError
from tagger.data import Split, TaggerData

CHECK_FILE = "check.npz"
CHECK_ROWS = 20_000
"""Rows of the test split that a quantised run keeps for the check."""
_KINDS = {"x": ("f", 2), "y": ("i", 1), "weight": ("f", 1), "event": ("i", 1), "logits": ("f", 1), "split_rows": ("i", 0)}
"""Kind of number and dimensions of what is stored."""


@dataclass(frozen=True)
class CheckRows:
    """Rows to check the firmware with.

    Attributes
    ----------
    x : (n, k) float32 array
        Raw inputs.
    y, weight, event : (n,) arrays
        1 for hbb; benchmark weights; event numbers.
    logits : (n,) float32 array or None
        What the network said when it was made.
    split_rows : int
        Rows of the whole test split.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int8]
    weight: NDArray[np.float64]
    event: NDArray[np.int64]
    logits: NDArray[np.float32] | None
    split_rows: int

    @classmethod
    def of(cls, split: Split, logits: NDArray[np.float32] | None = None, most: int | None = None) -> CheckRows:
        """Return the first `most` rows of a split, all by default."""
        part = split.take(slice(most))
        return cls(part.x, part.y, part.weight, part.event, None if logits is None else logits[:most], len(split))

    @classmethod
    def of_file(cls, path: str | Path, inputs: Sequence[str]) -> CheckRows:
        """Return all rows of the test split of a data file."""
        return cls.of(TaggerData.load(path, inputs).test)

    def head(self, most: int) -> CheckRows:
        """Return the first `most` rows."""
        logits = None if self.logits is None else self.logits[:most]
        return CheckRows(self.x[:most], self.y[:most], self.weight[:most], self.event[:most], logits, self.split_rows)

    def save(self, path: Path) -> None:
        """Write the rows; the file appears when it is complete."""
        scratch = path.with_name(f".{path.name}.tmp.npz")
        arrays: dict[str, Any] = {name: getattr(self, name) for name in ("x", "y", "weight", "event", "split_rows")}
        if self.logits is not None:
            arrays["logits"] = self.logits
        np.savez_compressed(scratch, **arrays)
        scratch.rename(path)

    @classmethod
    def load(cls, path: Path, inputs: int) -> CheckRows:
        """Read the rows of a run with so many inputs.

        Raises
        ------
        DataError
            If the file is not there.
        SchemaError
            If it is damaged, larger than `pseudoexp.core.files.MOST_ARRAYS`, or has other inputs.
        """
        if not path.is_file():
            raise DataError(f"{path}: no stored rows for the bit check; name the data file of the run with --data")
        stored = read_arrays(path, "the rows of a bit check")
        kinds = {name: (array.dtype.kind, array.ndim) for name, array in stored.items()}
        if kinds | {"logits": ("f", 1)} != _KINDS:
            raise SchemaError(f"{path}: not the rows of a bit check; allowed: numbers called {', '.join(_KINDS)}")
        rows = cls(stored["x"], stored["y"], stored["weight"], stored["event"], stored.get("logits"), int(stored["split_rows"]))
        lengths = {len(array) for array in stored.values() if array.ndim}
        if rows.x.shape[1] != inputs or len(lengths) != 1 or not len(rows.x):
            raise SchemaError(f"{path}: rows of {inputs} inputs are needed, found {rows.x.shape}")
        if not np.all(np.isfinite(rows.x)) or not np.all(np.isfinite(rows.weight)):
            raise SchemaError(f"{path}: holds inputs or weights that are not finite")
        return rows

"""Rows to check firmware with: a quantised run keeps some of its test split beside its network (check.npz)."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import DataError, SchemaError
from tagger.data import Split, TaggerData

CHECK_FILE = "check.npz"
CHECK_ROWS = 20_000
"""Rows of the test split that a quantised run keeps for the check."""


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
            If it is damaged or has other inputs.
        """
        if not path.is_file():
            raise DataError(f"{path}: no stored rows for the bit check; name the data file of the run with --data")
        try:
            with np.load(path, allow_pickle=False) as file:
                logits = file["logits"] if "logits" in file.files else None
                rows = cls(file["x"], file["y"], file["weight"], file["event"], logits, int(file["split_rows"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise SchemaError(f"{path}: not the rows of a bit check, or damaged") from None
        lengths = {len(rows.x), len(rows.y), len(rows.weight), len(rows.event)}
        if rows.x.ndim != 2 or rows.x.shape[1] != inputs or len(lengths) != 1 or not len(rows.x):
            raise SchemaError(f"{path}: rows of {inputs} inputs are needed, found {rows.x.shape}")
        return rows

"""The public functions; the command line calls the same ones with the same names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.reader import Dataset, Selection
from pseudoexp.errors import ConfigError

__all__ = ["load"]


def load(path: str | Path, split: str | None = "train", *, return_X_y: bool = False, weight: str | None = "benchmark",
         columns: Sequence[str] | None = None, keep_unmatched: bool = False) -> Any:
    """Read a dataset.

    Parameters
    ----------
    path : str or Path
        The file.
    split : {"train", "val", "test"} or None, optional
        Rows with `eventNumber` % 10 <= 7, == 8, == 9, or all.
    return_X_y : bool, optional
        Return the pair (data, target) only.
    weight : {"benchmark", "physical"} or None, optional
        `benchmarkWeight` as it stands in the file; or `mcEventWeight` over the events tried per process in this
        split, in pb, so that the sum over any selection is its cross-section; or no weights.
    columns : sequence of str, optional
        Fields of `jets` to put into `data`, the 39 inputs by default.
    keep_unmatched : bool, optional
        Keep the rows of class `other` (target -1), where the file has them.

    Returns
    -------
    Bunch
        `data` (n, columns) float32 (wider only if a column asks for it), `target` (n,) int8 with 1 = hbb and
        0 = qcd, `weight` (n,) float64 or None, `feature_names`, `DESCR`; methods `to_pandas()` and `batches(size)`.
        Data are read when first asked for; all inputs of an uncompressed file (`split=None`) are a view into the
        mapped file.

    Raises
    ------
    ConfigError
        For a wrong argument or a file that cannot be read.
    SchemaError
        For a file that is foreign, truncated or damaged.

    Examples
    --------
    >>> X, y = pseudoexp.load("data.h5", return_X_y=True)      # doctest: +SKIP
    """
    if isinstance(columns, str):
        raise ConfigError(f"columns {columns!r}; allowed: a sequence of names")
    chosen = schema.INPUTS if columns is None else tuple(columns)
    dataset = Dataset(Selection(probe(path), split, weight, chosen, keep_unmatched))
    return (dataset.data, dataset.target) if return_X_y else dataset

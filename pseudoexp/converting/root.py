"""ROOT: one TTree `jets`, tracks as jagged branches with the counter `ntracks`; the file's attributes as TObjStrings."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np

from pseudoexp.converting.columns import TRACKS, Column, Rows, lengths
from pseudoexp.optional import require_installed

TREE = "jets"
FOLDER = "attributes"


def require() -> None:
    """Raise MissingExtra without uproot or awkward."""
    require_installed("root", "uproot", "awkward")


class RootFile:
    """Writes rows, one basket per branch and call."""

    def __init__(self, file: BinaryIO, columns: tuple[Column, ...], attributes: dict[str, str]) -> None:
        import uproot

        self._plain = [column for column in columns if not column.jagged]
        self._jagged = [column for column in columns if column.jagged]
        self._file = uproot.recreate(os.fdopen(os.dup(file.fileno()), "r+b"))  # uproot closes what it writes to
        branches: dict[str, Any] = {column.name: column.dtype for column in self._plain}
        if self._jagged:
            members = ", ".join(f"{column.field}: {column.dtype.name}" for column in self._jagged)
            branches[TRACKS] = f"var * {{{members}}}"
        self._tree = self._file.mktree(TREE, branches, title="large-R jets")
        for name, text in attributes.items():
            self._file[f"{FOLDER}/{name}"] = text

    def write(self, rows: Rows) -> None:
        """Append rows."""
        arrays: dict[str, Any] = {column.name: column.values(rows) for column in self._plain}
        if self._jagged:
            arrays[TRACKS] = self._lists(rows)
        self._tree.extend(arrays)

    def _lists(self, rows: Rows) -> Any:
        import awkward as ak

        ends = np.concatenate([[0], np.cumsum(lengths(rows))])
        contents = [ak.contents.NumpyArray(column.values(rows)) for column in self._jagged]
        records = ak.contents.RecordArray(contents, [column.field for column in self._jagged])
        return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(ends), records))

    def close(self) -> None:
        """Write what stands at the end of the file."""
        self._file.close()

"""What is converted: the rows of all chosen datasets, block by block, and what the file says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp import __version__
from pseudoexp.converting.columns import TRACKS, Column, Rows, chosen_columns
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import blocks
from pseudoexp.dataset.splits import in_split

READ_BYTES = 1 << 25
"""Of a block that is read at once."""
GROUP_BYTES = 1 << 24
"""Of rows that are written together (row group, basket); one such group per open file is what a conversion keeps in memory."""


@dataclass(frozen=True)
class Source:
    """A file of ours and the columns wanted of it."""

    info: FileInfo
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, info: FileInfo, columns: Sequence[str] | None) -> Source:
        """Return the source for names of columns; `ConfigError` for unknown ones."""
        return cls(info, chosen_columns(info, columns))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets that have to be read, `jets` (which decides the split) always."""
        return tuple(dict.fromkeys(["jets", *(column.dataset for column in self.columns)]))

    def row_bytes(self) -> int:
        """Return the bytes of one row over all datasets read."""
        layouts = [self.info.datasets[name] for name in self.datasets]
        return sum(int(np.prod(layout.shape[1:], dtype=np.int64)) * layout.dtype.itemsize for layout in layouts)

    def blocks(self) -> Iterator[Rows]:
        """Yield all rows in order, some at a time."""
        size = max(1, READ_BYTES // self.row_bytes())
        for pieces in zip(*(blocks(self.info, name, size) for name in self.datasets), strict=True):
            yield dict(zip(self.datasets, pieces, strict=True))

    def attributes(self, split: str | None) -> dict[str, str]:
        """Return what a converted file says about itself, as texts: plain ones as they are, everything else as JSON.

        These are the attributes of `jets` and of the root, units and descriptions of the columns, and `split`.
        """
        given: dict[str, Any] = self.info.root | self.info.attributes
        units = {column.name: column.unit for column in self.columns}
        told: dict[str, Any] = {
            "units": units, "descriptions": {column.name: column.description for column in self.columns},
            "split": split or "all", "source": self.info.path.name, "converter": f"pseudoexp {__version__}"}
        if TRACKS in self.datasets:
            told["tracks_per_row"] = self.info.datasets[TRACKS].shape[1]
        return {name: value if isinstance(value, str) else canonical_json(value) for name, value in (given | told).items()}


def in_rows(rows: Rows, split: str | None) -> Rows:
    """Return those of some rows that belong to a split."""
    if split is None:
        return rows
    member: NDArray[np.bool_] = in_split(rows["jets"]["eventNumber"], split)
    return {name: part[member] for name, part in rows.items()}


@dataclass
class Gathered:
    """Collects rows until there are enough for one group."""

    size: int
    parts: list[Rows] = field(default_factory=list)
    count: int = 0

    def add(self, rows: Rows) -> Iterator[Rows]:
        """Take rows; yield whole groups."""
        self.parts.append(rows)
        self.count += len(rows["jets"])
        if self.count >= self.size:
            everything = self._joined()
            whole = self.count - self.count % self.size
            for start in range(0, whole, self.size):
                yield {name: part[start:start + self.size] for name, part in everything.items()}
            self.parts = [{name: part[whole:].copy() for name, part in everything.items()}]
            self.count -= whole

    def rest(self) -> Iterator[Rows]:
        """Yield what is left over."""
        if self.count:
            yield self._joined()

    def _joined(self) -> Rows:
        return {name: schema.join([part[name] for part in self.parts]) for name in self.parts[0]}

"""Reads a file back: 39 inputs, target and weight of a split, whole or in batches.

Contiguous files are mapped: the matrix of all rows is a view into the file. A split costs one copy, made in one
pass over the file; batches need memory for a few blocks only, and are read in a thread while the caller has those before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pseudoexp.bunch import Bunch
from pseudoexp.core.ahead import ahead
from pseudoexp.dataset import packed, schema
from pseudoexp.dataset.probe import DatasetInfo, FileInfo
from pseudoexp.dataset.splits import events_in_split, in_split, residues
from pseudoexp.errors import ConfigError, DamagedFile
from pseudoexp.optional import require

if TYPE_CHECKING:
    import pandas as pd

READ_ROWS = 20_000
"""Rows per read."""
PIECE_ROWS = 4000
"""Rows of `jets` per piece of a selection: what is read stays in the processor's cache until it is copied."""
AHEAD_ROWS = 4 * PIECE_ROWS
"""Rows that are read ahead of a batch, one batch at least."""
WEIGHTS = ("benchmark", "physical")
Piece = tuple[NDArray[Any], NDArray[np.int8], "NDArray[np.float64] | None"]


@dataclass(frozen=True)
class Selection:
    """What to read of a file: see `pseudoexp.api.load`."""

    info: FileInfo
    split: str | None
    weight: str | None
    columns: tuple[str, ...]
    unmatched: bool
    shifted: bool = False

    def __post_init__(self) -> None:
        residues(self.split)
        known_weights = [*WEIGHTS, *(self.info.datasets[schema.VARIATIONS].dtype.names or () if self._has_variations else ())]
        if self.weight is not None and self.weight not in known_weights:
            raise ConfigError(f"weight {self.weight!r}; allowed: {', '.join(known_weights)} or None")
        if self.shifted and schema.SHIFTED not in self.info.datasets:
            raise ConfigError(f"{self.info.path}: no dataset `{schema.SHIFTED}`; shifted=True is for files made by `shift`")
        known = self.layout.dtype.names or ()
        for name in self.columns:
            if name not in known:
                raise ConfigError(f"{self.info.path}: no column {name!r}; allowed: {', '.join(known)}")
        if not self.columns:
            raise ConfigError("columns is empty; allowed: at least one column")

    @property
    def _has_variations(self) -> bool:
        return schema.VARIATIONS in self.info.datasets

    @property
    def varied(self) -> bool:
        """Whether the weight is one for other parameters."""
        return self.weight is not None and self.weight not in WEIGHTS

    @property
    def dataset(self) -> str:
        """Name of the dataset that is read."""
        return schema.SHIFTED if self.shifted else "jets"

    @property
    def layout(self) -> DatasetInfo:
        """The layout of the dataset that is read."""
        return self.info.datasets[self.dataset]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds all columns."""
        return np.result_type(*(self.layout.dtype[name] for name in self.columns))

    @property
    def all_rows(self) -> bool:
        """No row is left out."""
        one_card = schema.SHIFTED not in self.info.datasets
        return one_card and self.split is None and (self.unmatched or len(self.info.classes) == 2)

    def pieces(self) -> Iterator[Piece]:
        """Yield data, target and weight of the selected rows, block by block."""
        variations = blocks(self.info, schema.VARIATIONS, PIECE_ROWS) if self.varied else repeat(None)
        for block, varied in zip(blocks(self.info, self.dataset, PIECE_ROWS), variations, strict=False):
            rows = slice(None) if self.all_rows else self._mask(block)
            yield self.matrix(block, rows), target(block["flavour_label"][rows]), self.weights(block, rows, varied)

    def _mask(self, block: NDArray[np.void]) -> NDArray[np.bool_]:
        mask = in_split(block["eventNumber"], self.split)
        if schema.SHIFTED in self.info.datasets:
            mask = mask & block["passes_shifted" if self.shifted else "passes_nominal"]
        return mask if self.unmatched else mask & (block["flavour_label"] < 2)

    def matrix(self, block: NDArray[np.void], rows: Any) -> NDArray[Any]:
        """Return the columns of some rows of a block, (rows, columns); a view where that is possible."""
        if self.columns == schema.INPUTS:
            return np.asarray(inputs_view(block)[rows])
        return np.stack([block[name][rows].astype(self.dtype) for name in self.columns], axis=1)

    def weights(self, block: NDArray[np.void], rows: Any, varied: NDArray[np.void] | None = None
                ) -> NDArray[np.float64] | None:
        """Return the weights of some rows of a block; `varied` are the block's weights for other parameters."""
        if self.weight is None:
            return None
        if self.weight == "benchmark":
            return np.asarray(block["benchmarkWeight"][rows], dtype=np.float64)
        tried = [max(1, events_in_split(int(t), self.split)) for t in self.info.attributes["events_tried"]]
        process = (block["flavour_label"][rows] == 1).astype(np.int64)
        own = block["mcEventWeight"] if varied is None else varied[self.weight]
        return np.asarray(own[rows] / np.array(tried, dtype=np.float64)[process])


def inputs_view(block: NDArray[np.void]) -> NDArray[np.float32]:
    """Return the 39 inputs of compound rows as a strided (rows, 39) view."""
    rows = len(block)
    return np.ndarray((rows, len(schema.INPUTS)), np.dtype("<f4"), buffer=block, strides=(block.strides[0], 4))


def target(label: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return 1 for hbb, 0 for qcd and -1 for other; `DamagedFile` for anything else."""
    if len(label) and not 0 <= label.min() <= label.max() < len(schema.CLASSES):
        raise DamagedFile(f"flavour_label holds {label.min()} to {label.max()}; allowed: 0 to {len(schema.CLASSES) - 1}")
    return np.array([1, 0, -1], dtype=np.int8)[label]


def blocks(info: FileInfo, dataset: str = "jets", size: int = READ_ROWS) -> Iterator[NDArray[np.void]]:
    """Yield the rows of a dataset, `size` at a time; `DamagedFile` where they cannot be decompressed."""
    layout = info.datasets[dataset]
    if layout.offset is None:
        yield from _packed_blocks(info, dataset, size)
        return
    with info.path.open("rb") as stream:
        for start in range(0, layout.shape[0], size):
            yield _mapped_rows(stream, layout, start, min(size, layout.shape[0] - start))


def rows_at(info: FileInfo, dataset: str, start: int, count: int) -> NDArray[np.void]:
    """Return some rows of a dataset; `DamagedFile` where they cannot be decompressed."""
    layout = info.datasets[dataset]
    if layout.offset is None:
        import h5py

        with h5py.File(info.path, "r") as file:
            return next(_read_blocks(info, file[dataset], dataset, max(count, 1), start))[:count]
    with info.path.open("rb") as stream:
        return _mapped_rows(stream, layout, start, count)


def _mapped_rows(stream: BinaryIO, layout: DatasetInfo, start: int, count: int) -> NDArray[np.void]:
    per_row = int(np.prod(layout.shape[1:], dtype=np.int64))
    stream.seek((layout.offset or 0) + start * per_row * layout.dtype.itemsize)
    return np.fromfile(stream, layout.dtype, count * per_row).reshape(count, *layout.shape[1:])


def _packed_blocks(info: FileInfo, dataset: str, size: int) -> Iterator[NDArray[np.void]]:
    import h5py

    with h5py.File(info.path, "r") as file:
        stored = file[dataset]
        if size < stored.chunks[0] or not packed.is_ours(stored):
            yield from _read_blocks(info, stored, dataset, size)
            return
        with closing(packed.unpacked(stored, size)) as found:
            for start in range(0, len(stored), size):
                try:
                    rows = next(found)
                except OSError:
                    raise _damaged(info, dataset, start, size) from None
                yield rows


def _read_blocks(info: FileInfo, stored: Any, dataset: str, size: int, first: int = 0) -> Iterator[NDArray[np.void]]:
    for start in range(first, len(stored), size):
        try:
            rows = stored[start:start + size]
        except OSError:
            raise _damaged(info, dataset, start, size) from None
        yield rows


def _damaged(info: FileInfo, dataset: str, start: int, size: int) -> DamagedFile:
    return DamagedFile(f"{info.path}: rows {start} to {start + size - 1} of `{dataset}` cannot be decompressed: "
                       "the file is damaged")


def mapped(info: FileInfo) -> NDArray[np.void]:
    """Return `jets` of a contiguous file as a private map: pages come when they are used, writing never
    reaches the file."""
    return np.asarray(np.memmap(info.path, info.jets.dtype, "c", info.jets.offset or 0, info.jets.shape))


class Dataset(Bunch):
    """A selection of rows; `data`, `target` and `weight` are read when first asked for."""

    LAZY = ("data", "target", "weight")

    def __init__(self, selection: Selection) -> None:
        super().__init__(feature_names=list(selection.columns), DESCR=description(selection.info))
        object.__setattr__(self, "_selection", selection)

    def batches(self, size: int) -> Iterator[Bunch]:
        """Yield bunches of `size` rows (the last may be shorter) without keeping the file in memory.

        A thread reads ahead while the caller is busy; it ends with the iterator.

        Raises
        ------
        ConfigError
            If `size` is not a positive integer.
        """
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ConfigError(f"batch size {size!r}; allowed: a positive integer")
        return self._batches(int(size))

    def _batches(self, size: int) -> Iterator[Bunch]:
        for piece in ahead(self._whole_batches(size), max(1, AHEAD_ROWS // max(size, PIECE_ROWS))):
            for start in range(0, len(piece[1]), size):
                yield self._bunch(_cut(piece, start, start + size))

    def _whole_batches(self, size: int) -> Iterator[Piece]:
        """Yield the rows, each time as many batches as there are; the last may be shorter."""
        waiting: list[Piece] = []
        count = 0
        for piece in self._selection.pieces():
            waiting.append(piece)
            count += len(piece[1])
            if count >= size:
                joined, whole = _join(waiting), count - count % size
                yield _cut(joined, 0, whole)
                waiting, count = [_cut(joined, whole, count)], count - whole
        if count:
            yield _join(waiting)

    def _bunch(self, piece: Piece) -> Bunch:
        return Bunch(data=piece[0], target=piece[1], weight=piece[2], feature_names=self["feature_names"])

    def to_pandas(self) -> pd.DataFrame:
        """Return `data` as a frame with its names, then `target` and, where there is one, `weight`.

        Raises
        ------
        MissingExtra
            Without pandas.
        """
        frame = require("pandas", "tagger").DataFrame(self["data"], columns=self["feature_names"])
        frame["target"] = self["target"]
        if self["weight"] is not None:
            frame["weight"] = self["weight"]
        return frame

    def _read(self) -> None:
        selection: Selection = self._selection
        info = selection.info
        mappable = selection.all_rows and info.jets.offset is not None and not selection.varied
        if mappable and selection.columns == schema.INPUTS:
            rows = mapped(info)
            everything = slice(None)
            piece: Piece = (inputs_view(rows), target(rows["flavour_label"]), selection.weights(rows, everything))
        else:
            piece = _gather(selection)
        self.update(zip(self.LAZY, piece, strict=True))

    def __missing__(self, key: str) -> Any:
        if key not in self.LAZY:
            raise KeyError(key)
        self._read()
        return self[key]

    def __contains__(self, key: object) -> bool:
        return key in self.LAZY or super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return an item, reading the rows if it is one of them, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter([*self.LAZY, *(key for key in super().__iter__() if key not in self.LAZY)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def keys(self) -> Any:
        """Return all names, those not read yet included."""
        return list(iter(self))

    def values(self) -> Any:
        """Return all items; this reads the rows."""
        return [self[key] for key in self]

    def items(self) -> Any:
        """Return all pairs of name and item; this reads the rows."""
        return [(key, self[key]) for key in self]

    def __repr__(self) -> str:
        selection: Selection = self._selection
        return f"<Dataset {selection.info.path}, split {selection.split}, {len(selection.columns)} columns>"


def _gather(selection: Selection) -> Piece:
    """Read all selected rows into arrays that are made once and cut to size in place."""
    rows = selection.info.rows
    data = np.empty((rows, len(selection.columns)), dtype=selection.dtype)
    targets = np.empty(rows, dtype=np.int8)
    weights = None if selection.weight is None else np.empty(rows, dtype=np.float64)
    end = 0
    for some_data, some_targets, some_weights in selection.pieces():
        start, end = end, end + len(some_targets)
        data[start:end] = some_data
        targets[start:end] = some_targets
        if weights is not None:
            weights[start:end] = some_weights
    data.resize((end, data.shape[1]), refcheck=False)
    targets.resize(end, refcheck=False)
    if weights is not None:
        weights.resize(end, refcheck=False)
    return data, targets, weights


def _join(pieces: Sequence[Piece]) -> Piece:
    data, targets, weights = zip(*pieces, strict=True)
    return (np.concatenate(data), np.concatenate(targets),
            None if weights[0] is None else np.concatenate(weights))


def _cut(piece: Piece, start: int, stop: int) -> Piece:
    data, targets, weights = piece
    return data[start:stop], targets[start:stop], None if weights is None else weights[start:stop]


def description(info: FileInfo) -> str:
    """Return the text for `DESCR`: what the rows are, where they come from, what the columns mean."""
    a = info.attributes
    lines = [f"{info.rows} large-R jets from pp collisions at 14 TeV for boosted H->bb tagging ({info.path.name}).",
             "Rows: " + ", ".join(f"{count} {name}" for name, count in info.counts.items()) + ".",
             f"Dataset version {a.get('dataset_version')}, seed {a.get('seed')}, hash {a.get('dataset_hash')}.",
             f"Configuration: {a.get('configuration')}",
             "target: 1 = hbb, 0 = qcd. Splits: eventNumber % 10 <= 7 train, 8 val, 9 test.", "", "Inputs:"]
    lines += [f"  {f.name}{f' [{f.unit}]' if f.unit else ''}: {f.description}" for f in schema.INPUT_FIELDS]
    return "\n".join(lines)

"""Asks a child process what a file is, before this process touches it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pseudoexp.core.files import require_regular
from pseudoexp.core.limited import ask
from pseudoexp.dataset import probe_child, schema
from pseudoexp.errors import ConfigError, SchemaError

SECONDS = 30.0
"""Wall-clock limit of the child."""
FILTERS = {1, 2, 3, 32000}
"""HDF5's numbers of gzip, shuffle, fletcher32 and lzf; others would be looked for as plug-ins on the disk."""
_DIMENSIONS = {"tracks": 2, "images": 3}
"""Of the datasets that have more than one."""
MOST_ROW = 1 << 20
MOST_CHUNK = 1 << 27
"""Bytes of a row, and of a compressed piece once unpacked."""
MOST_UNPACKED, MOST_RATIO = 1 << 30, 100
"""Bytes that any file may hold once unpacked, and how many times its size a larger one may; rows of ours shrink to a third."""


@dataclass(frozen=True)
class DatasetInfo:
    """Layout of one dataset of rows.

    Attributes
    ----------
    shape : tuple of int
        Rows, then the shape of one row.
    dtype : dtype
        Compound type in the file.
    offset : int or None
        Position of the first byte if the rows are contiguous in the file, else None.
    compression : str
        Name of the compression, `none` without.
    locators : tuple of int
        `DatasetDigest.locators` as stored, empty where the file has none.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.void]
    offset: int | None
    compression: str
    locators: tuple[int, ...]


@dataclass(frozen=True)
class FileInfo:
    """A file with our layout: its attributes (of `jets`, else of the root), its datasets, and the root's own attributes."""

    path: Path
    size: int
    attributes: dict[str, Any]
    datasets: dict[str, DatasetInfo]
    root: dict[str, Any] = field(default_factory=dict)

    @property
    def jets(self) -> DatasetInfo:
        """The layout of `jets`."""
        return self.datasets["jets"]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.jets.shape[0]

    @property
    def classes(self) -> list[str]:
        """Names of the values of `flavour_label`."""
        return list(self.attributes["flavour_label"])

    @property
    def counts(self) -> dict[str, int]:
        """Rows per class, empty where the file does not say."""
        counts = json.loads(self.attributes.get("jet_counts", "{}"))
        return {name: counts[name] for name in self.classes if name in counts}


def probe(path: str | Path) -> FileInfo:
    """Return what a file holds, if it is one of ours.

    Raises
    ------
    ConfigError
        If there is no such file or it cannot be read.
    SchemaError
        If it is foreign, truncated, damaged or of another version.
    """
    path = Path(path)
    require_regular(path)
    try:
        with path.open("rb"):
            status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    return _probe(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _probe(path: Path, inode: int, size: int, modified: int) -> FileInfo:
    answer = _ask(path)
    if "error" in answer:
        raise SchemaError(f"{path}: {_reason(path, answer['error'])}")
    if "jets" not in answer["datasets"]:
        raise SchemaError(f"{path}: no dataset `jets`; it holds: {', '.join(answer['names']) or 'nothing'}")
    info = FileInfo(path, size, answer["attributes"], {n: _dataset(path, n, d) for n, d in answer["datasets"].items()},
                    answer["root"])
    _check(info)
    return info


def _ask(path: Path) -> dict[str, Any]:
    return ask(probe_child.__file__, str(path.absolute()), seconds=SECONDS, work="reading its layout", library="HDF5 library")


def _reason(path: Path, error: str) -> str:
    with path.open("rb") as file:
        magic = file.read(8)
    if magic != b"\x89HDF\r\n\x1a\n":
        return "not an HDF5 file"
    if "truncated" in error:
        return "truncated HDF5 file (a copy or download that did not finish?)"
    return f"damaged or foreign HDF5 file ({error})"


def _dataset(path: Path, name: str, layout: dict[str, Any]) -> DatasetInfo:
    fields = layout["fields"]
    if not fields or not layout["shape"]:
        raise SchemaError(f"{path}: `{name}` is not a compound dataset with one row per jet")
    try:
        dtype = np.dtype({"names": [f[0] for f in fields], "formats": [f[1] for f in fields],
                          "offsets": [f[2] for f in fields], "itemsize": layout["itemsize"]})
    except (TypeError, ValueError):
        raise SchemaError(f"{path}: `{name}` has columns of types that are not ours") from None
    if dtype.hasobject or dtype.itemsize > MOST_ROW:
        raise SchemaError(f"{path}: `{name}` has columns of types that are not ours")
    if foreign := sorted(set(layout["filters"]) - FILTERS):
        raise SchemaError(f"{path}: `{name}` is packed by a filter (number {foreign[0]}) that is not ours; allowed: gzip, lzf")
    if layout["chunk_bytes"] > MOST_CHUNK:
        raise SchemaError(f"{path}: `{name}` is cut into pieces of {layout['chunk_bytes']:.3g} bytes; allowed: {MOST_CHUNK:.3g}")
    if not layout["allocated"]:
        raise SchemaError(f"{path}: `{name}` has rows that were never written")
    return DatasetInfo(tuple(layout["shape"]), dtype, layout["offset"], layout["compression"],
                       tuple(layout["locators"]))


def _check(info: FileInfo) -> None:
    version = str(info.attributes.get("format_version", "none"))
    if version.split(".")[0] != schema.FORMAT_VERSION.split(".")[0]:
        raise SchemaError(f"{info.path}: format version {version}; allowed: {schema.FORMAT_VERSION.split('.')[0]}.x")
    _check_columns(info, "jets", schema.JET_FIELDS)
    if schema.SHIFTED in info.datasets:
        for name in ("jets", schema.SHIFTED):
            _check_columns(info, name, schema.JET_FIELDS + schema.PAIR_FIELDS)
    if "tracks" in info.datasets:
        _check_columns(info, "tracks", schema.TRACK_FIELDS)
    if "images" in info.datasets:
        _check_columns(info, "images", schema.IMAGE_FIELDS)
    if schema.VARIATIONS in info.datasets:
        _check_columns(info, schema.VARIATIONS, schema.VARIATION_FIELDS)
    if schema.CHUNKS in info.datasets:
        _check_columns(info, schema.CHUNKS, schema.CHUNK_FIELDS)
    _check_attributes(info)
    if info.rows < 1:
        raise SchemaError(f"{info.path}: `jets` has no rows")
    for name, dataset in info.datasets.items():
        if len(dataset.shape) != _DIMENSIONS.get(name, 1) or (name != schema.CHUNKS and dataset.shape[0] != info.rows):
            raise SchemaError(f"{info.path}: `{name}` has the shape {dataset.shape}, `jets` {info.jets.shape}")
    for name, dataset in info.datasets.items():
        unpacked = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
        if unpacked > max(MOST_UNPACKED, MOST_RATIO * info.size):
            raise SchemaError(f"{info.path}: `{name}` would become {unpacked / 1e9:.3g} GB out of {info.size / 1e9:.3g}")
        end = (dataset.offset or 0) + unpacked
        if dataset.offset is not None and end > info.size:
            raise SchemaError(f"{info.path}: truncated: `{name}` ends behind the end of the file")


def _check_attributes(info: FileInfo) -> None:
    given = info.attributes
    try:
        checks = {"flavour_label": tuple(given["flavour_label"]) in (schema.CLASSES[:2], schema.CLASSES),
                  "events_tried": [type(t) for t in given["events_tried"]] == [int, int],
                  "configuration": isinstance(json.loads(given["configuration"]), dict),
                  "jet_counts": isinstance(json.loads(given.get("jet_counts", "{}")), dict),
                  "shifted_configuration": isinstance(json.loads(given.get("shifted_configuration", "{}")), dict),
                  "block_locators": all(isinstance(n, int) for d in info.datasets.values() for n in d.locators)}
    except KeyError as error:
        raise SchemaError(f"{info.path}: attribute {error.args[0]} is missing on `jets`") from None
    except (TypeError, ValueError, RecursionError):
        raise SchemaError(f"{info.path}: an attribute of `jets` is not what it should be") from None
    for name, good in checks.items():
        if not good:
            raise SchemaError(f"{info.path}: attribute {name} is not what it should be: {str(given.get(name))[:60]}")


def _check_columns(info: FileInfo, name: str, fields: tuple[schema.Field, ...]) -> None:
    dtype = info.datasets[name].dtype
    for column in fields:
        if dtype.names is None or column.name not in dtype.names:
            raise SchemaError(f"{info.path}: `{name}` has no column {column.name}")
        if dtype[column.name] != np.dtype(column.dtype):
            raise SchemaError(f"{info.path}: `{name}` column {column.name} has type {dtype[column.name]}; "
                              f"allowed: {np.dtype(column.dtype)}")
    if name in ("jets", schema.SHIFTED) and list(dtype.names or ())[:len(schema.INPUTS)] != list(schema.INPUTS):
        raise SchemaError(f"{info.path}: the first {len(schema.INPUTS)} columns of `jets` are not the inputs in order")

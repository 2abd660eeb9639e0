"""Holds any file against a release: configuration field by field, hash, rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.registry import Release, release
from pseudoexp.benchmark.store import path_of
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.reader import blocks
from pseudoexp.production.plan import class_rows

MOST_NAMED = 5
"""Rows that are named one by one."""


@dataclass(frozen=True)
class Comparison:
    """What a file and a release have in common.

    Attributes
    ----------
    release : Release
        The release.
    differences : list of str
        A line on each difference; empty if the file is the release, as far as that can be said.
    notes : list of str
        What else there is to know, such as that the release has no hash yet.
    """

    release: Release
    differences: list[str]
    notes: list[str]


def compare(path: str | Path, name: str | Release) -> Comparison:
    """Hold a file, whose own hashes are right, against a release.

    Parameters
    ----------
    path : str or Path
        The file.
    name : str
        The release.

    Raises
    ------
    ConfigError
        If there is no such release or the file cannot be read.
    SchemaError
        If it is not a file of ours.
    """
    one, info = release(name), probe(path)
    differences = _configuration(info, one)
    expected = dict(zip(("hbb", "qcd"), class_rows(one.signal_fraction, one.n), strict=True))
    if info.counts != expected:
        differences.append(f"rows: {_counts(info.counts)}; {one.name}: {_counts(expected)}")
    notes = [one.notice()] if one.notice() else []
    found = str(info.attributes.get("dataset_hash"))
    if not one.dataset_hash:
        notes.append("the rows themselves cannot be compared: the release has no dataset hash")
    elif found != one.dataset_hash:
        differences.append(f"dataset hash: {found}; {one.name}: {one.dataset_hash}")
        differences += _rows(info, one)
    if differences and info.attributes.get("configuration_hash") == one.config.hash() and info.rows < one.n:
        notes.append(f"the file holds the first {info.rows} rows of the release's sequence")
    return Comparison(one, differences, notes)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "unknown"


def _configuration(info: FileInfo, one: Release) -> list[str]:
    """Return a line on each field of the configuration that differs, dotted names for fields of the card."""
    own = _leaves(json.loads(info.attributes["configuration"]))  # `probe` knows that it is an object
    theirs = _leaves(json.loads(canonical_json(one.identity())))
    return [f"{key}: {_shown(own, key)}; {one.name}: {_shown(theirs, key)}" for key in sorted(own.keys() | theirs.keys())
            if own.get(key) != theirs.get(key)]


def _leaves(mapping: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in mapping.items():
        leaves |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return leaves


def _shown(values: dict[str, Any], key: str) -> str:
    return repr(values[key])[:200] if key in values else "not there"


def _rows(info: FileInfo, one: Release) -> list[str]:
    """Return which rows differ from those of the release, if this machine has it."""
    path = path_of(one)
    if not path.exists():
        return []
    other = probe(path)
    if other.jets.dtype != info.jets.dtype:
        columns = set(info.jets.dtype.names or ()) ^ set(other.jets.dtype.names or ())
        return [f"columns of `jets`: {', '.join(sorted(columns)) or 'other types'}"]
    lines: list[str] = []
    count = start = 0
    for mine, theirs in zip(blocks(info), blocks(other), strict=False):
        size = min(len(mine), len(theirs))
        unequal = np.stack([_unequal(mine[name][:size], theirs[name][:size]) for name in mine.dtype.names or ()])
        rows = np.flatnonzero(unequal.any(axis=0))
        for row in rows[:MOST_NAMED - len(lines)]:
            names = [name for name, differs in zip(mine.dtype.names or (), unequal[:, row], strict=True) if differs]
            lines.append(f"row {start + row} (eventNumber {mine['eventNumber'][row]}): {', '.join(names[:8])}"
                         + (f" and {len(names) - 8} more" if len(names) > 8 else ""))
        count += len(rows)
        start += size
    return [*lines, f"rows that differ: {count} of the first {start}"]


def _unequal(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((a != b) & ~(_missing(a) & _missing(b)))


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)

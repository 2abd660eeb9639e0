"""What is compared: columns of one class of jets, from a file or from generated events, and whether two files can be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.reader import blocks
from pseudoexp.errors import DataError
from pseudoexp.validation.two_sample import Rows

EXTRAS = ("tau21", "D2", "dR_vr1_vr2", "massUntrimmed", "GhostBHadronsFinalCount", "GhostCHadronsFinalCount")
"""Columns of a file that are compared besides the 39 inputs."""
SAMPLING = ("pt_bias", "pthat_min")
"""Settings without which unweighted rows cannot be compared at all."""
CIRCUMSTANCES = ("card", "calibration_sha256", "pileup", "dataset_version", "format_version")
"""Settings whose difference would show as a difference of the engines."""
MIN_ROWS = 100


@dataclass(frozen=True)
class Sample:
    """Jets of one class.

    Attributes
    ----------
    names : tuple of str
        Observables; the first `inputs` of them go into the two-sample test.
    inputs : int
        How many.
    data : (n, k) float32 array
        Values in GeV, mm, rad; NaN where a jet has no such thing.
    event : (n,) int64 array
        Number of the jet's event.
    pt : (n,) array
        Transverse momentum [GeV].
    """

    names: tuple[str, ...]
    inputs: int
    data: NDArray[np.float32]
    event: NDArray[np.int64]
    pt: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.event)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return the values of an observable where it exists."""
        values = self.data[:, self.names.index(name)].astype(np.float64)
        return values[~np.isnan(values)]

    def rows(self) -> Rows:
        """Return the inputs of the two-sample test."""
        return Rows(self.data[:, :self.inputs], self.event)

    def take(self, rows: Any) -> Sample:
        """Return some jets: a slice, a mask or indices."""
        return Sample(self.names, self.inputs, self.data[rows], self.event[rows], self.pt[rows])


def read_samples(path: str | Path) -> dict[str, Sample]:
    """Return the rows of a file by class, `hbb` and `qcd`.

    Raises
    ------
    DataError
        If a class has too few rows or an input that is not finite.
    """
    info = probe(path)
    names = (*schema.INPUTS, *EXTRAS)
    factors = np.array([1.0 / f.scale for n in names for f in schema.JET_FIELDS if f.name == n])
    wanted = {"hbb": 0, "qcd": 1}
    parts: dict[str, list[tuple[NDArray[Any], ...]]] = {name: [] for name in wanted}
    for block in blocks(info):
        for name, label in wanted.items():
            rows = block[block["flavour_label"] == label]
            data = np.stack([rows[column] for column in names], axis=1).astype(np.float64) * factors
            parts[name].append((data.astype(np.float32), rows["eventNumber"].astype(np.int64)))
    result = {}
    for name, pieces in parts.items():
        data, event = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
        if len(event) < MIN_ROWS:
            raise DataError(f"{path}: {len(event)} rows of class {name}; a comparison needs {MIN_ROWS}")
        if not np.isfinite(data).all():
            raise DataError(f"{path}: an observable of class {name} is not finite")
        result[name] = Sample(names, len(schema.INPUTS), data, event, data[:, 0])
    return result


def configuration(info: FileInfo) -> dict[str, Any]:
    """Return what a file says it was made with."""
    try:
        found: dict[str, Any] = json.loads(info.attributes["configuration"])
    except (KeyError, ValueError):
        found = {}
    return found


def differences(first: dict[str, Any], second: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Return a text per setting that differs, such as ``pileup 0.0 and 60.0``."""
    return [_difference(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def _difference(key: str, first: Any, second: Any) -> str:
    if isinstance(first, dict) and isinstance(second, dict):
        inner = next(k for k in sorted(first.keys() | second.keys()) if first.get(k) != second.get(k))
        return _difference(f"{key}.{inner}", first.get(inner), second.get(inner))
    return f"{key} {_short(first)} and {_short(second)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 30 else f"{text[:12]}..."


def require_comparable(first: str | Path, second: str | Path, anyway: bool = False) -> list[str]:
    """Return warnings about two files, or refuse to compare them.

    Raises
    ------
    DataError
        If the files were sampled differently; without `anyway`, also if they differ in the detector card, its
        calibration, pile-up or the version of the data.
    """
    one, two = (configuration(probe(path)) for path in (first, second))
    if sampled := differences(one, two, SAMPLING):
        raise DataError(f"{first} and {second} cannot be compared row by row, they were sampled differently: "
                        + ", ".join(sampled))
    others = differences(one, two, CIRCUMSTANCES)
    if others and not anyway:
        raise DataError(f"{first} and {second} differ in more than the engine: {', '.join(others)}; "
                        "--anyway compares them nevertheless")
    warnings = [f"the files differ in {text}" for text in others]
    same = probe(first).attributes.get("configuration_hash") == probe(second).attributes.get("configuration_hash")
    if same:
        warnings.append("both files are parts of one sequence of rows: they share events")
    return warnings

"""What Salt wants: one HDF5 file per split, and its normalisation, class weights and configuration as YAML.

Salt takes training, validation and test sets from different files, reads the compound datasets by name, and shifts and
scales inputs by `norm_dict.yaml`, here with the means and standard deviations of the training rows. The files are no datasets
of ours any more (rows of one split have no hash): `format_version` and `dataset_hash` stand under other names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pseudoexp.converting.columns import TRACKS, VALID, Column, Rows
from pseudoexp.converting.moments import Moments
from pseudoexp.converting.salt_template import configuration
from pseudoexp.dataset import schema
from pseudoexp.dataset.reader import target
from pseudoexp.errors import DataError

CHUNK_ROWS = 1000
ORIGIN, LABEL = "ftagTruthOriginLabel", "flavour_label"
ORIGINS = 8
_RENAMED = {"format_version": "source_format_version", "dataset_hash": "source_dataset_hash"}


def require() -> None:
    """Do nothing: the files need no package of Salt's, only those who read them do."""


class SaltFile:
    """Writes the rows of one split and adds up what the YAML files say."""

    def __init__(self, file: BinaryIO, columns: tuple[Column, ...], attributes: dict[str, str]) -> None:
        import h5py

        self._file = h5py.File(file.name, "w")
        self._attributes = {_RENAMED.get(name, name): text for name, text in attributes.items()}
        self.split = attributes["split"]
        self.columns = [column for column in columns if column.dtype.kind == "f"]
        self.moments = {(column.dataset, column.field): Moments() for column in self.columns}
        self.labels = np.zeros(len(schema.CLASSES), dtype=np.int64)
        self.origins = np.zeros(ORIGINS, dtype=np.int64)

    def write(self, rows: Rows) -> None:
        """Append rows."""
        for name, part in rows.items():
            if name not in self._file:
                self._file.create_dataset(name, (0, *part.shape[1:]), part.dtype, maxshape=(None, *part.shape[1:]),
                                          chunks=(CHUNK_ROWS, *part.shape[1:]))
            dataset = self._file[name]
            dataset.resize(len(dataset) + len(part), axis=0)
            dataset[len(dataset) - len(part):] = schema.join([part])  # with zeros in the padding
        for column in self.columns:
            self.moments[column.dataset, column.field].add(column.values(rows))
        target(rows["jets"][LABEL])  # refuses any other than the three
        self.labels += np.bincount(rows["jets"][LABEL], minlength=len(self.labels))
        if TRACKS in rows:
            origins = rows[TRACKS][rows[TRACKS][VALID]][ORIGIN]
            self.origins += np.bincount(origins[(origins >= 0) & (origins < ORIGINS)], minlength=ORIGINS)

    def close(self) -> None:
        """Write the attributes and close the file."""
        if not self._file:
            return
        for item in [self._file, *([self._file["jets"]] if "jets" in self._file else [])]:
            for name, text in self._attributes.items():
                item.attrs[name] = json.loads(text) if name == LABEL else text
        self._file.close()


def texts(files: Sequence[SaltFile], folder: Path, classes: Sequence[str], tracks: int) -> dict[str, str]:
    """Return the YAML files by name, from what the first file (the training set) added up."""
    train = files[0]
    for file in files:
        if not file.labels.any():
            raise DataError(f"split {file.split} has no rows; Salt needs some in each")
    weights = {"jets": {LABEL: _weights(train.labels[:len(classes)])}}
    if tracks:
        weights[TRACKS] = {ORIGIN: _weights(train.origins)}
    return {"norm_dict.yaml": _norm_dict(train), "class_dict.yaml": _yaml(weights),
            "salt.yaml": configuration(folder.absolute(), classes, tracks)}


def _weights(counts: Any) -> list[float]:
    """Return weights that give all classes the same total and the mean object 1; 0 for a class without objects."""
    present = max(1, int((counts > 0).sum()))
    return [float(counts.sum() / (present * count)) if count else 0.0 for count in counts]


def _norm_dict(train: SaltFile) -> str:
    by_dataset: dict[str, dict[str, dict[str, float]]] = {}
    for (dataset, name), moments in train.moments.items():
        by_dataset.setdefault(dataset, {})[name] = {"mean": moments.mean, "std": moments.spread}
    return _yaml(by_dataset)


def _yaml(value: Any, indent: int = 0) -> str:
    """Write nested maps; YAML knows a number with an exponent by its point."""
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(f"{' ' * indent}{key}:\n{_yaml(item, indent + 2)}")
        elif isinstance(item, list):
            lines.append(f"{' ' * indent}{key}: [{', '.join(f'{number:.9e}' for number in item)}]\n")
        else:
            lines.append(f"{' ' * indent}{key}: {item:.9e}\n")
    return "".join(lines)

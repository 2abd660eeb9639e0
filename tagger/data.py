"""What the tagger trains and is judged on: the three splits of a file, its inputs chosen by name.

The inputs stay in the file's units and precision (MeV, float32) and in one array per split; everything else is a column
beside them: weights, event numbers (rows of one event are correlated), kinematics for the report, the background's flavour.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pseudoexp
from pseudoexp.benchmark.figures import weighting
from pseudoexp.benchmark.flavours import LABEL_COLUMNS, flavours_of
from pseudoexp.dataset import schema
from pseudoexp.errors import ConfigError, DataError

SPLITS = ("train", "val", "test")
_COLUMNS = ("eventNumber", "pt", "mass", *LABEL_COLUMNS)


@dataclass(frozen=True)
class Split:
    """Rows of one split, n in all.

    Attributes
    ----------
    x : (n, k) float32 array
        Inputs in the file's units.
    y : (n,) int8 array
        1 for hbb, 0 for qcd.
    weight : (n,) float64 array
        Benchmark weights as in the file.
    physical : (n,) float64 array
        Weights in pb; the sum over any selection is its cross-section.
    event : (n,) int64 array
        Event numbers.
    pt, mass : (n,) float32 arrays
        Of the large-R jet [GeV].
    flavour : (n,) int8 array
        See `pseudoexp.benchmark.flavours`: index into `BACKGROUNDS`, `SIGNAL` in signal rows.
    soft : (n,) float32 array, optional
        Logits of a teacher, see `tagger.distil`; a training on rows that have them learns from them too.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int8]
    weight: NDArray[np.float64]
    physical: NDArray[np.float64]
    event: NDArray[np.int64]
    pt: NDArray[np.float32]
    mass: NDArray[np.float32]
    flavour: NDArray[np.int8]
    soft: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def weighting(self, name: str) -> NDArray[np.float64]:
        """Return the weights called `name`, one of `WEIGHTINGS`.

        Raises
        ------
        ConfigError
            If the name is unknown.
        """
        return weighting(self, name)

    def training_weight(self) -> NDArray[np.float32]:
        """Return benchmark weights scaled to equal class totals and mean 1 within this split."""
        weight = self.weight.copy()
        for label in (0, 1):
            rows = self.y == label
            weight[rows] *= 0.5 * len(self) / weight[rows].sum()
        return weight.astype(np.float32)

    def take(self, rows: Any) -> Split:
        """Return some rows: a slice, a mask or indices."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        chosen: dict[str, Any] = {name: None if column is None else column[rows] for name, column in columns.items()}
        return Split(**chosen)


@dataclass(frozen=True)
class TaggerData:
    """The splits of one file.

    Attributes
    ----------
    inputs : tuple of str
        Names of the columns of every `Split.x`.
    train, val, test : Split
        eventNumber % 10 <= 7, == 8, == 9.
    source : dict
        Where the rows come from: `path`, `rows`, `dataset_hash`, `dataset_version`, `seed`.
    """

    inputs: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    source: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path, inputs: Sequence[str] | None = None) -> TaggerData:
        """Read a pseudoexp file.

        Parameters
        ----------
        path : str or Path
            The file.
        inputs : sequence of str, optional
            Names of the inputs in the order wanted; all 39 in the file's order by default.

        Raises
        ------
        ConfigError
            If a name is no input, or twice there.
        DataError
            If a split lacks one of the classes or a class has no weight.
        """
        names = check_inputs(inputs)
        splits = {split: read_split(path, split, names) for split in SPLITS}
        return cls(inputs=names, source=source_of(path), **splits)

    def split(self, name: str) -> Split:
        """Return the split called `name`.

        Raises
        ------
        ConfigError
            If the name is unknown.
        """
        if name not in SPLITS:
            raise ConfigError(f"split {name!r}; allowed: {', '.join(SPLITS)}")
        chosen: Split = getattr(self, name)
        return chosen

    def select(self, inputs: Sequence[str]) -> TaggerData:
        """Return the same rows with some of the inputs, in the order given.

        Raises
        ------
        ConfigError
            If a name is not among the inputs here.
        """
        names = check_inputs(inputs, self.inputs)
        if names == self.inputs:
            return self
        columns = [self.inputs.index(name) for name in names]
        chosen: dict[str, Any] = {s: replace(self.split(s), x=np.ascontiguousarray(self.split(s).x[:, columns])) for s in SPLITS}
        return replace(self, inputs=names, **chosen)


def check_inputs(inputs: Sequence[str] | None, known: Sequence[str] = schema.INPUTS) -> tuple[str, ...]:
    """Return the names as a tuple, all of `known` for None.

    Raises
    ------
    ConfigError
        If there is none, one is unknown, or one stands twice.
    """
    if inputs is None:
        return tuple(known)
    names = tuple(inputs)
    if not names:
        raise ConfigError("inputs: at least one name is needed")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3) or [*known[:5], "..."]
            raise ConfigError(f"input {name!r} is not there; allowed: {', '.join(near)}")
        if names.count(name) > 1:
            raise ConfigError(f"input {name!r} stands {names.count(name)} times; once is allowed")
    return names


def quantity(name: str) -> str:
    """Return the name of an input, or one name for IP3D's three ratios of a track jet.

    They have rank two (bu = bc + cu): which of them a network takes says little.
    """
    stem, mark, _ = name.partition("_ip3d_")
    return f"{stem}{mark}*" if mark else name


def quantities(inputs: Sequence[str]) -> dict[str, list[int]]:
    """Return the columns of each quantity, see `quantity`, in the order of the inputs."""
    columns: dict[str, list[int]] = {}
    for k, name in enumerate(inputs):
        columns.setdefault(quantity(name), []).append(k)
    return columns


def read_split(path: str | Path, split: str, inputs: tuple[str, ...] = schema.INPUTS) -> Split:
    """Read one split of a pseudoexp file, with the inputs of these names.

    Raises
    ------
    DataError
        If the split lacks one of the classes, a class has no weight, or an input is not finite.
    """
    rows = pseudoexp.load(path, split, weight="benchmark", columns=inputs)
    target = np.asarray(rows.target)
    for label, name in ((1, "hbb"), (0, "qcd")):
        mine = target == label
        if not mine.any():
            raise DataError(f"{path}: no {name} row in split {split!r}; training and evaluation need both classes in "
                            "train, val and test (a larger --n, or --signal-fraction between 0 and 1)")
        if not rows.weight[mine].sum() > 0.0:
            raise DataError(f"{path}: the benchmark weights of class {name} in split {split!r} do not sum to more than 0")
    broken = [name for k, name in enumerate(inputs) if not np.isfinite(rows.data[:, k]).all()]
    if broken:
        raise DataError(f"{path}: NaN or infinity in split {split!r} in {', '.join(broken)}; every input must be finite")
    beside = pseudoexp.load(path, split, weight="physical", columns=_COLUMNS)
    column = {name: beside.data[:, i] for i, name in enumerate(_COLUMNS)}
    return Split(x=np.ascontiguousarray(rows.data, dtype=np.float32), y=target, weight=np.asarray(rows.weight),
                 physical=np.asarray(beside.weight), event=column["eventNumber"].astype(np.int64),
                 pt=(column["pt"] / schema.MEV).astype(np.float32), mass=(column["mass"] / schema.MEV).astype(np.float32),
                 flavour=flavours_of(column, target == 1))


def source_of(path: str | Path) -> dict[str, Any]:
    """Return where the rows of a file come from, see `TaggerData.source`."""
    from pseudoexp.dataset.probe import probe

    info = probe(path)
    known = {key: info.attributes.get(key) for key in ("dataset_hash", "dataset_version", "seed", "configuration_hash")}
    return {"path": str(path), "rows": int(info.rows), **{key: _scalar(value) for key, value in known.items()}}


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value

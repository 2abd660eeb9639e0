"""The run folder: what every command of the tagger writes and the next one reads.

    model.keras      the plain, deployable network; ends in the logit
    gated.keras      the network with its gates, where gates were used
    config.json      command, options, what was asked for, data set, parent run, versions
    metrics.json     `tagger.evaluate.evaluate` on the test split
    history.csv      one line per epoch
    features.json    the inputs by name, in the order of the network's columns
    scores.npz       logits of the test split with labels, weights, event numbers (for the report)
    histograms.json  histograms of the inputs, their importance and Shapley values (for the report)
    firmware.json    the firmware check, written by `export`
    robustness.json  figures on other samples, written by `robustness`

A folder is written under a temporary name and renamed; nothing in it is pickled. A process with limits reads
the weights before Keras does.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import read_arrays, require_writable
from pseudoexp.errors import ConfigError, DataError, SchemaError
from pseudoexp.optional import require
from tagger.network_file import checked, written

if TYPE_CHECKING:
    import keras

MOST_TEXT = 1 << 25
"""Bytes of a JSON or CSV file; those of ours hold some 100 kB."""
RUN_FORMAT = 1
"""Version of the folder's layout, stored in config.json."""
JSON_FILES = ("config", "metrics", "features")
LAYER_PACKAGES = (('"tagger>Bernoulli"', "tagger.invariant.bernoulli", "tagger"),
                  ('"tagger', "tagger.resize", "tagger"), ('"hgq', "hgq.layers", "fpga"))
"""(mark in a saved model, module that registers its layers, extra it comes with)."""


@dataclass
class Run:
    """A trained network and all that is known about it.

    Attributes
    ----------
    model : keras.Model or None
        The plain network (n, inputs) -> (n, 1) logits; None if loaded without.
    inputs : tuple of str
        Names of the network's columns, in order.
    config : dict
        `command`, `options`, `asked` (such as nodes, features, method), `data`, `parent`, `versions`; JSON types only.
    metrics : dict
        What `tagger.evaluate.evaluate` returned.
    history : dict of list
        Column name to one value per epoch.
    gated : keras.Model or None
        The network with gates; from a folder only through `load_gated`.
    scores : dict of arrays
        Columns of scores.npz.
    histograms : dict
        Content of histograms.json.
    firmware : dict or None
        Content of firmware.json.
    robustness : dict
        Content of robustness.json, see `tagger.robustness`.
    path : Path or None
        The folder, once saved or loaded.
    explain : callable or None
        Makes what takes as long as a short training, and what only a saved run needs: more of `histograms`.
    """

    model: keras.Model | None
    inputs: tuple[str, ...]
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    gated: keras.Model | None = None
    scores: dict[str, NDArray[Any]] = field(default_factory=dict)
    histograms: dict[str, Any] = field(default_factory=dict)
    firmware: dict[str, Any] | None = None
    robustness: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    explain: Callable[[], dict[str, Any]] | None = None

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write the folder under a temporary name beside `path`, then rename it.

        Raises
        ------
        ConfigError
            If `path` exists (without `force`), is no run folder, or cannot be written.
        """
        target = Path(path)
        check_target(target, force)
        if self.explain is not None:
            self.histograms, self.explain = self.histograms | self.explain(), None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        except OSError as error:
            raise ConfigError(f"{target}: cannot write there ({error.strerror})") from None
        try:
            self._write(scratch)
            scratch.chmod(0o755)
            if target.exists():
                shutil.rmtree(target)
            scratch.rename(target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        self.path = target
        return target

    def _write(self, folder: Path) -> None:
        for name, network in (("model.keras", self.model), ("gated.keras", self.gated)):
            if network is not None:
                network.save(folder / name)
                written(folder / name)
        write_json(folder / "config.json", {"run_format": RUN_FORMAT} | self.config)
        write_json(folder / "metrics.json", self.metrics)
        write_json(folder / "features.json", {"inputs": list(self.inputs)})
        write_json(folder / "histograms.json", self.histograms)
        if self.firmware is not None:
            write_json(folder / "firmware.json", self.firmware)
        if self.robustness:
            write_json(folder / "robustness.json", self.robustness)
        _write_history(folder / "history.csv", self.history)
        if self.scores:
            np.savez_compressed(folder / "scores.npz", **self.scores)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, with_model: bool = True) -> Run:
        """Read a run folder.

        Parameters
        ----------
        path : str or Path
            The folder.
        with_model : bool
            Load the network too (imports Keras).

        Raises
        ------
        SchemaError
            If the folder is not a run folder or a file in it is damaged.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise SchemaError(f"{folder}: no such run folder")
        missing = [f"{name}.json" for name in JSON_FILES if not (folder / f"{name}.json").is_file()]
        if missing or not (folder / "model.keras").is_file():
            raise SchemaError(f"{folder}: not a run folder of tagger ({', '.join(missing or ['model.keras'])} missing)")
        config = read_json(folder / "config.json")
        if config.pop("run_format", None) != RUN_FORMAT:
            raise SchemaError(f"{folder}: config.json is not of run format {RUN_FORMAT}")
        inputs = read_json(folder / "features.json").get("inputs")
        if not isinstance(inputs, list) or not inputs or not all(isinstance(name, str) for name in inputs):
            raise SchemaError(f"{folder / 'features.json'}: needs a list of names under 'inputs'")
        run = cls(model=load_model(folder / "model.keras") if with_model else None, inputs=tuple(inputs), config=config,
                  metrics=read_json(folder / "metrics.json"), history=_read_history(folder / "history.csv"),
                  scores=_read_scores(folder / "scores.npz"), histograms=_read_optional(folder / "histograms.json") or {},
                  firmware=_read_optional(folder / "firmware.json"),
                  robustness=_read_optional(folder / "robustness.json") or {}, path=folder)
        if run.model is not None and run.model.input_shape[-1] != len(inputs):
            raise SchemaError(f"{folder}: the network takes {run.model.input_shape[-1]} inputs, "
                              f"features.json names {len(inputs)}")
        return run

    def load_gated(self) -> keras.Model:
        """Return the network with its gates.

        Raises
        ------
        DataError
            If the run used no gates.
        """
        if self.gated is None:
            if self.path is None or not (self.path / "gated.keras").is_file():
                raise DataError(f"{self.path or 'this run'}: holds no gated network")
            self.gated = load_model(self.path / "gated.keras")
        return self.gated

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name if self.path else "unsaved"


def check_target(path: str | Path, force: bool = False) -> None:
    """Refuse an output folder before any work is done for it.

    Raises
    ------
    ConfigError
        If `path` exists without `force`, is something other than a run folder, or cannot be written.
    """
    target = Path(path)
    require_writable(next(parent for parent in target.absolute().parents if parent.exists()) / target.name)
    if not target.exists():
        return
    if not force:
        raise ConfigError(f"{target}: exists already; --force replaces it")
    if not target.is_dir() or (any(target.iterdir()) and not (target / "config.json").is_file()):
        raise ConfigError(f"{target}: exists and is not a run folder; it is not replaced, even with --force")


def load_model(path: str | Path) -> keras.Model:
    """Load a saved network, importing what registers its layers first; Keras' safe mode stays on.

    Raises
    ------
    SchemaError
        If the file is not a network saved by Keras, see `tagger.network_file.checked`.
    MissingExtra
        If its layers belong to a package that is not installed.
    """
    layers = checked(Path(path))
    keras = require("keras", "tagger")
    for mark, module, extra in LAYER_PACKAGES:
        if mark in layers:
            require(module, extra)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras, h5py or a layer says: the file is at fault
        text = str(error).strip().split("\n")[0]
        raise SchemaError(f"{path}: Keras cannot read this network ({text[:120]})") from None


def json_text(content: dict[str, Any]) -> str:
    """Return JSON with sorted-as-given keys, one level of indentation per depth; numpy scalars become numbers."""
    return json.dumps(content, indent=1, default=_plain, allow_nan=False) + "\n"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON as `json_text` makes it."""
    path.write_text(json_text(content))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    SchemaError
        If the file is missing, damaged, longer than `MOST_TEXT` bytes or not an object.
    """
    try:
        content = json.loads(_text(path))
    except (OSError, ValueError, RecursionError):
        raise SchemaError(f"{path}: missing or not JSON") from None
    if not isinstance(content, dict):
        raise SchemaError(f"{path}: not a JSON object")
    return content


def _text(path: Path) -> str:
    """Return the text of a file that is no longer than it may be."""
    if not path.is_file() or path.stat().st_size > MOST_TEXT:
        raise SchemaError(f"{path}: missing, or longer than {MOST_TEXT} bytes")
    return path.read_text()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _read_optional(path: Path) -> dict[str, Any] | None:
    return read_json(path) if path.is_file() else None


def _write_history(path: Path, history: dict[str, list[float]]) -> None:
    names = list(history)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *names])
        for epoch, values in enumerate(zip(*(history[name] for name in names), strict=True), start=1):
            writer.writerow([epoch, *(repr(float(value)) for value in values)])


def _read_history(path: Path) -> dict[str, list[float]]:
    if not path.is_file():
        return {}
    try:
        rows = list(csv.DictReader(io.StringIO(_text(path), newline="")))
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {}) if name != "epoch"}
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        raise SchemaError(f"{path}: not a table of numbers") from None


def _read_scores(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        return {}
    return read_arrays(path, "the scores of a run")

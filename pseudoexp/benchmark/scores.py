"""Submitted scores: read from a file, put into the order of the rows by their identities, never by order alone.

A file (.npz, or HDF5) has `score` (n,) or (n, seeds), and says which row each score is for: `eventNumber` and `jet` (0 for
the event's first row in the file, 1 for its next), or `row`, the number in the file; or all three, if they agree.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.benchmark import scores_child
from pseudoexp.benchmark.rows import Rows
from pseudoexp.core.files import read_arrays, require_regular, whole_file
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.errors import ConfigError, DataError, SchemaError

NAMES = scores_child.NAMES
MOST_SEEDS = 100
MOST_BYTES = scores_child.MOST_BYTES
_SECONDS = 120.0
_KEYS = ("eventNumber", "jet", "row")


@dataclass(frozen=True)
class Scores:
    """Scores and what they are for, as submitted.

    Attributes
    ----------
    where : str
        Where they come from, for messages.
    score : (n, seeds) float64 array
        Higher for the signal; one column per seed.
    keys : dict
        Some of `eventNumber`, `jet`, `row`: (n,) int64 arrays.
    """

    where: str
    score: NDArray[np.float64]
    keys: dict[str, NDArray[np.int64]]

    def name(self, i: int) -> str:
        """Return what entry i is for."""
        return f"entry {i} (" + ", ".join(f"{key} {values[i]}" for key, values in self.keys.items()) + ")"


def save_scores(path: str | Path, score: ArrayLike, eventNumber: ArrayLike, jet: ArrayLike) -> None:
    """Write a file of scores for ``benchmark score``.

    Parameters
    ----------
    path : str or Path
        The .npz file.
    score : (n,) or (n, seeds) array
        Higher for the signal; one column per seed of the training.
    eventNumber, jet : (n,) int arrays
        The rows' identities, as `identities` returns them.

    Raises
    ------
    ConfigError
        If the arrays are no scores, or the file cannot be written.
    """
    one = of_arrays({"score": score, "eventNumber": eventNumber, "jet": jet}, "scores")
    stored = one.score if np.asarray(score).dtype != np.float32 else one.score.astype(np.float32)
    try:
        with whole_file(Path(path)) as file:
            np.savez_compressed(file, score=stored, eventNumber=one.keys["eventNumber"], jet=one.keys["jet"].astype(np.int32))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def read_scores(source: str | Path | Mapping[str, ArrayLike]) -> Scores:
    """Read scores from a file, or take them from arrays by the same names.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a column is missing or of the wrong kind or length.
    SchemaError
        If it is not a file of arrays.
    DataError
        If a score is not finite.
    """
    if isinstance(source, Mapping):
        return of_arrays(source, "scores")
    path = Path(source)
    require_regular(path)
    try:
        with path.open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    hdf5 = magic == b"\x89HDF\r\n\x1a\n"
    return of_arrays(_from_hdf5(path) if hdf5 else read_arrays(path, "an .npz or HDF5 file of scores", MOST_BYTES), str(path))


def _from_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    command = [sys.executable, "-P", str(Path(scores_child.__file__)), str(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, env=environment,
                              check=False)
        answer = done.stdout
    except subprocess.TimeoutExpired:
        raise SchemaError(f"{path}: reading it took more than {_SECONDS:g} s") from None
    try:
        if answer[:1] == b"{":
            raise SchemaError(f"{path}: not a file of scores ({json.loads(answer)['error']})")
        with np.load(io.BytesIO(answer), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        raise SchemaError(f"{path}: reading it broke the HDF5 library (status {done.returncode})") from None


def of_arrays(arrays: Mapping[str, ArrayLike], where: str) -> Scores:
    """Return scores of arrays: see `read_scores`."""
    if "score" not in arrays:
        raise ConfigError(f"{where}: no column 'score'; it holds: {', '.join(map(str, list(arrays)[:20])) or 'nothing'}")
    score = np.asarray(arrays["score"])
    if score.dtype.kind != "f" or score.ndim not in (1, 2) or not score.size or score.size > MOST_SEEDS * len(score):
        raise ConfigError(f"{where}: score is {_kind(score)}; allowed: floating-point numbers, (n,) or (n, seeds) with at most "
                          f"{MOST_SEEDS} seeds")
    score = score.reshape(len(score), -1).astype(np.float64)
    keys = {name: _key(arrays[name], name, len(score), where) for name in _KEYS if name in arrays}
    if "row" not in keys and not {"eventNumber", "jet"} <= keys.keys():
        raise ConfigError(f"{where}: nothing says which rows the scores are for; allowed: columns eventNumber and jet, or row")
    one = Scores(where, score, keys)
    if len(bad := np.flatnonzero(~np.isfinite(score).all(axis=1))):
        value = next(value for value in score[bad[0]] if not np.isfinite(value))
        raise DataError(f"{where}: the score of {one.name(int(bad[0]))} is {value}{_more(bad)}; allowed: finite numbers")
    return one


def _kind(values: NDArray[Any]) -> str:
    return f"an array {values.shape} of {values.dtype}"


def _key(values: ArrayLike, name: str, count: int, where: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.shape != (count,):
        raise ConfigError(f"{where}: {name} is {_kind(array)}; allowed: whole numbers, one for each of {count} scores")
    if array.dtype.kind == "u" and len(array) and int(array.max()) > np.iinfo(np.int64).max:
        raise ConfigError(f"{where}: {name} holds {array.max()}; allowed: numbers up to {np.iinfo(np.int64).max}")
    return array.astype(np.int64)


def _more(places: NDArray[Any]) -> str:
    return f" (and {len(places) - 1} more)" if len(places) > 1 else ""


def align(scores: Scores, rows: Rows, what: str) -> NDArray[np.float64]:
    """Return the scores (n, seeds) in the order of the rows.

    Parameters
    ----------
    scores : Scores
        What was submitted.
    rows : Rows
        The n rows that are judged.
    what : str
        What these are, for messages, such as "split 'test' of v1-small".

    Raises
    ------
    DataError
        If a row has no score or two, or a score has no row; the message names it.
    """
    places = _places(scores, rows, what)
    entry = np.full(len(rows), -1, dtype=np.int64)
    entry[places] = np.arange(len(places))
    doubled = np.flatnonzero(entry[places] != np.arange(len(places)))
    if len(doubled):
        first, last = int(doubled[0]), int(entry[places[doubled[0]]])
        raise DataError(f"{scores.where}: {scores.name(first)} stands there again as entry {last}{_more(doubled)}; "
                        "allowed: one score per row")
    if len(missing := np.flatnonzero(entry < 0)):
        i = missing[0]
        raise DataError(f"{scores.where}: no score for row {rows.row[i]} (eventNumber {rows.event[i]}, jet {rows.jet[i]}) of "
                        f"{what}{_more(missing)}; allowed: a score for each of its {len(rows)} rows")
    return scores.score[entry]


def _places(scores: Scores, rows: Rows, what: str) -> NDArray[np.int64]:
    """Return for each entry the place of its row among the rows."""
    by_row = _places_by_row(scores, rows) if "row" in scores.keys else None
    by_event = _places_by_event(scores, rows) if {"eventNumber", "jet"} <= scores.keys.keys() else None
    for found in (by_row, by_event):
        if found is not None and len(foreign := np.flatnonzero(found < 0)):
            raise DataError(f"{scores.where}: {scores.name(int(foreign[0]))} is no row of {what}{_more(foreign)}")
    places = by_row if by_row is not None else by_event
    assert places is not None
    given = {"eventNumber": rows.event, "jet": rows.jet}
    for key, values in scores.keys.items():
        if key in given and len(wrong := np.flatnonzero(given[key][places] != values)):
            i = int(wrong[0])
            raise DataError(f"{scores.where}: {scores.name(i)}: {key} of that row is {given[key][places[i]]}{_more(wrong)}")
    return places


def _places_by_row(scores: Scores, rows: Rows) -> NDArray[np.int64]:
    place = np.minimum(np.searchsorted(rows.row, scores.keys["row"]), len(rows) - 1)
    return np.where(rows.row[place] == scores.keys["row"], place, -1)


def _places_by_event(scores: Scores, rows: Rows) -> NDArray[np.int64]:
    order = np.lexsort((rows.jet, rows.event))
    events, first, count = np.unique(rows.event[order], return_index=True, return_counts=True)
    event, jet = scores.keys["eventNumber"], scores.keys["jet"]
    which = np.minimum(np.searchsorted(events, event), len(events) - 1)
    known = (events[which] == event) & (jet >= 0) & (jet < count[which])
    return np.where(known, order[np.where(known, first[which] + jet, 0)], -1)


def scores_sha256(aligned: NDArray[np.float64], rows: Rows) -> str:
    """Return the SHA-256 of scores in the order of the rows, and of the rows' identities; files of any kind give the same."""
    digest = hashlib.sha256(canonical_json({"shape": list(aligned.shape)}).encode())
    for array in (rows.event.astype("<i8"), rows.jet.astype("<i8"), aligned.astype("<f8")):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

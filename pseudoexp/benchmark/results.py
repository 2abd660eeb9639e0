"""Results: what a method reached, as one JSON file that says how it was made and from which scores; and its check.

A result is checked by judging its scores again: every number has to come out as stored.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pseudoexp.benchmark.figures import EFFICIENCIES
from pseudoexp.benchmark.protocol import HEADLINE, PROTOCOL, Source, evaluate, require_seeds
from pseudoexp.benchmark.registry import release, releases
from pseudoexp.benchmark.store import Tell
from pseudoexp.core.files import read_text, whole_file
from pseudoexp.errors import ConfigError

FORMAT = 1
TOLERANCE = 1e-9
"""Relative difference by which a number may come out otherwise: sums run in another order elsewhere."""
MOST_BYTES = 1 << 22
MOST_NAMED = 20
_NEEDED = ("format", "about", "protocol", "release", "split", "seeds", "scores_sha256", "headline", "over_seeds", "figures")


@dataclass(frozen=True)
class About:
    """What a result says about its method.

    Attributes
    ----------
    method : str
        A short name, such as "boosted-trees".
    title : str
        A line on what it is.
    inputs : str
        What it reads, such as "39 inputs".
    parameters : int or None
        Trained numbers.
    seeds : tuple of int
        Of the trainings, in the order of the scores.
    command : str
        What makes the scores.
    """

    method: str
    title: str = ""
    inputs: str = ""
    parameters: int | None = None
    seeds: tuple[int, ...] = ()
    command: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,59}", self.method):
            raise ConfigError(f"method {self.method!r}; allowed: small letters, digits and . _ -, 60 at most")
        for name in ("title", "inputs", "command"):
            text = getattr(self, name)
            if len(text) > 500 or not text.isprintable():
                raise ConfigError(f"{name} of {self.method}: allowed: one line of 500 letters at most")


def with_about(found: Mapping[str, Any], about: About) -> dict[str, Any]:
    """Return a result: what `evaluate` found, and the method.

    Raises
    ------
    ConfigError
        If there are not as many seeds as columns of scores.
    """
    require_seeds(about.seeds, found["seeds"])
    return {"format": FORMAT, "about": asdict(about) | {"seeds": list(about.seeds)}, **found}


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write((json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def read_result(path: str | Path) -> dict[str, Any]:
    """Read a result.

    Raises
    ------
    ConfigError
        If it is none, or one of another protocol.
    """
    text = read_text(Path(path), MOST_BYTES)
    try:
        found = json.loads(text)
        missing = [key for key in _NEEDED if key not in found] if isinstance(found, dict) else ["format"]
        if missing or found["format"] != FORMAT:
            raise ConfigError(f"{path}: no result of the benchmark ({missing[0] if missing else 'another format'})")
        if found["protocol"] != PROTOCOL:
            raise ConfigError(f"{path}: protocol {str(found['protocol'])[:20]!r}; allowed: {PROTOCOL!r}")
        _check_types(found, path)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: no result of the benchmark ({type(error).__name__})") from None
    return dict(found)


def _check_types(found: dict[str, Any], path: str | Path) -> None:
    """Raise ConfigError or what wrong types lead to, unless all that the table shows is there and of its type."""
    about, facts = found["about"], found["release"]
    About(**about | {"seeds": tuple(map(int, about["seeds"]))})
    texts = [about["inputs"], about["title"], about["command"], found["split"], found["scores_sha256"],
             *(facts[key] for key in ("name", "status", "engine", "engine_version", "dataset_version", "dataset_hash"))]
    for text in texts:
        if not isinstance(text, str) or not text.isprintable():
            raise ConfigError(f"{path}: {str(text)[:40]!r} where a text belongs")
    if facts["name"] not in releases():
        raise ConfigError(f"{path}: release {facts['name'][:40]!r}; allowed: {', '.join(releases())}")
    rejection = found["over_seeds"]["rejection"]
    entries = [found["headline"], *(rejection[f"{e:g}"] for e in EFFICIENCIES)]
    area, sculpted = found["over_seeds"]["auc"], found["figures"]["mass_sculpting"][f"{HEADLINE:g}"]
    needed = [area["median"], area["error"], found["seeds"],
              *(entry["above"] for entry in entries if entry["median"] is None),
              *([sculpted["noise"]] if sculpted["distance"] is not None else [])]
    others = [about["parameters"], area["spread"], sculpted["distance"],
              *(entry[key] for entry in entries for key in ("median", "error", "spread"))]
    for value in [*needed, *(value for value in others if value is not None)]:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
            raise ConfigError(f"{path}: {str(value)[:40]!r} where a number belongs")


def check(path: str | Path, scores: Source, data: str | Path | None = None, transfer: Mapping[str, Source] | None = None,
          progress: Tell | None = None) -> list[str]:
    """Judge the scores of a result again.

    Parameters
    ----------
    path : str or Path
        The result.
    scores : path or mapping
        The scores that it says it is made from.
    data : str or Path, optional
        The release's file, if it is not to be that in the cache.
    transfer : mapping, optional
        Scores on other releases, as in `evaluate`.
    progress : callable, optional
        As in `pseudoexp.load_benchmark`.

    Returns
    -------
    list of str
        A line on each number that comes out otherwise; empty if all is as stored.
    """
    stored = read_result(path)
    if unchecked := sorted(stored.get("transfer", {}).keys() ^ (transfer or {}).keys()):
        raise ConfigError(f"{path}: scores on {unchecked[0]} are needed for the check as for the result: --transfer NAME=FILE")
    found = evaluate(scores, stored["split"], name=stored["release"]["name"], data=data, transfer=transfer, progress=progress)
    kept = {key: value for key, value in stored.items() if key not in ("format", "about")}
    return differences(kept, json.loads(json.dumps(found)))[:MOST_NAMED]


def differences(stored: Any, found: Any, place: str = "") -> list[str]:
    """Return a line on each leaf of two nested structures that differs by more than rounding; the release's status may."""
    if isinstance(stored, dict) and isinstance(found, dict):
        keys = [key for key in stored.keys() | found.keys() if f"{place}{key}" != "release.status"]
        return [line for key in sorted(keys) for line in differences(stored.get(key), found.get(key), f"{place}{key}.")]
    if isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        return [line for i, (a, b) in enumerate(zip(stored, found, strict=True)) for line in differences(a, b, f"{place}{i}.")]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (stored, found))
    if stored == found or (numbers and math.isclose(stored, found, rel_tol=TOLERANCE, abs_tol=1e-12)):
        return []
    return [f"{place.rstrip('.')}: {str(stored)[:80]} stored, {str(found)[:80]} found"]


def file_name(one: Mapping[str, Any]) -> str:
    """Return the name of a result's file among the leaderboard's."""
    return f"{one['about']['method']}-{one['release']['name']}.json"


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return all results of a folder, the best first.

    Raises
    ------
    ConfigError
        If a file is no result, or not called METHOD-RELEASE.json.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no folder of results")
    found = []
    for path in sorted(folder.glob("*.json")):
        one = read_result(path)
        if path.name != file_name(one):
            raise ConfigError(f"{path}: allowed: METHOD-RELEASE.json, here {file_name(one)}")
        found.append(one)
    return sorted(found, key=lambda one: (one["release"]["name"], -_rank(one["headline"])))


def _rank(entry: Mapping[str, Any]) -> float:
    return math.inf if entry["median"] is None else float(entry["median"])


def outdated(one: Mapping[str, Any]) -> bool:
    """Return whether a result is of other rows than the release has now, as far as its hash is known."""
    current = release(one["release"]["name"]).dataset_hash
    return bool(current) and one["release"]["dataset_hash"] != current


def named_sources(words: Sequence[str]) -> dict[str, Path]:
    """Return what ``NAME=FILE`` words say.

    Raises
    ------
    ConfigError
        If a word is not of this form, or a name is no release or stands twice.
    """
    found: dict[str, Path] = {}
    for word in words:
        name, sign, file = word.partition("=")
        if not sign or not file or name in found:
            raise ConfigError(f"--transfer {word!r}; allowed: NAME=FILE, each release once")
        found[release(name).name] = Path(file)
    return found

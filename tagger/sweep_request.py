"""What a sweep.toml asks for, checked, and the jobs it comes to.

A job's name ends with a hash of all that decides its outcome, the data included: what is there already is skipped, what
was asked differently is a different job.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from pseudoexp.core.files import read_text
from pseudoexp.errors import ConfigError

METHODS = 1
"""Raised when the same settings give another network: results and full networks made before are made anew then."""

GRID: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "prune": {"method": ("autopruner",), "nodes": ("50%",), "constraint": ("topk",), "cost": ("nodes",), "where": ("hidden",),
              "rounds": (3,), "retrain": (False,), "tune": (False,), "epochs": (0,), "untrained": (False,)},
    "select": {"method": ("autopruner",), "features": (12,), "constraint": ("fermi",), "rounds": (3,), "retrain": (False,),
               "group_track_jets": (False,)},
    "fixed": {"nodes": ("100%",)},
    "quantise": {"beta": (3e-5,), "nodes": ("100%",), "tolerance": (0.0015,)},
    "luts": {"method": ("hgq",), "luts": (2000,)},
    "distil": {"hidden": ([16, 8],), "share": (0.5,), "temperature": (2.0,), "nodes": ("none",)},
    "layouts": {"hidden": ([16, 16, 16],), "nodes": (12,)},
    "features": {"inputs": ([],), "features": (3,), "hidden": ([16, 16, 16],)},
    "robustness": {"features": ("all",), "nodes": ("100%",)},
    "steps": {"batch": (1024,), "compiled": (False,), "nodes": ("25%",), "features": (12,)},
}
"""Kinds of scans, with what can be varied in each and the values that stand where nothing is said (0 epochs: those of
`prune_epochs`, of an `untrained` network, which there is no full one for, those of `epochs`).

The `tolerance` is that of `tagger.quantise.QuantiseOptions`: a narrow one lets most prices `beta` end at one size, a wide one
shows how size and AUC follow from the price.
"""
LATER = ("epochs", "tolerance", "untrained")
"""Keys that a grid did not have from the start: left out of a job where they have their usual values, its name is as before."""
PER_SEED = ("prune", "select", "fixed", "quantise", "luts", "distil", "robustness")
"""Kinds of which every seed is a job of its own; the others take all seeds at once."""
COMMON: Mapping[str, Any] = {"rows": None, "hidden": [64, 32, 16], "epochs": 40, "prune_epochs": None, "batch": None,
                             "learning_rate": 2e-3, "patience": 0, "quantise_epochs": 60, "others": []}
"""Settings that hold for the whole sweep."""
LEAST: Mapping[str, int] = {"rows": 100, "epochs": 1, "prune_epochs": 1, "batch": 1, "patience": 0, "quantise_epochs": 1}
"""Whole numbers among them, and the least that each may be."""
MOST = 2**31 - 1
"""Of any whole number."""
USED: Mapping[str, tuple[str, ...]] = {
    "quantise_epochs": ("quantise", "luts"), "prune_epochs": ("prune", "fixed", "quantise", "layouts", "robustness"),
    "others": ("robustness",),
}  # fmt: skip
"""Kinds that look at a common setting, where not all do: a change of it makes new jobs of those alone."""


@dataclass(frozen=True)
class Job:
    """One training, or one group of them.

    Attributes
    ----------
    kind : str
        A key of `GRID`.
    seed : int or None
        None where one job takes all seeds.
    settings : dict
        One value for each key of the grid.
    name : str
        Of the result's file.
    """

    kind: str
    seed: int | None
    settings: dict[str, Any]
    name: str


@dataclass(frozen=True)
class Request:
    """What a sweep.toml asks for.

    Attributes
    ----------
    data : Path
        The file.
    seeds : tuple of int
        Of every training, where a scan has none of its own.
    common : dict
        Values of `COMMON`.
    scans : tuple of dict
        `kind`, a tuple of values for each key of its grid, and its own `seeds` if it has any.
    notes : dict
        Kind of scans to what the page shall say besides, such as a reason that no figure shows.
    text : str
        The file's text.
    """

    data: Path
    seeds: tuple[int, ...]
    common: dict[str, Any]
    scans: tuple[dict[str, Any], ...]
    notes: dict[str, str]
    text: str

    @classmethod
    def load(cls, path: str | Path) -> Request:
        """Read and check a sweep.toml.

        Raises
        ------
        ConfigError
            If it is missing, no TOML, or asks for something unknown or impossible.
        """
        source = Path(path)
        text = read_text(source)
        try:
            content = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{source}: not TOML ({str(error)[:200]})") from None
        for key in content:
            if key not in ("data", "seeds", "scan", "notes", *COMMON):
                raise ConfigError(f"{source}: '{key}' is unknown; allowed: data, seeds, scan, notes, {', '.join(COMMON)}")
        data, seeds = content.get("data"), content.get("seeds", [1])
        if not isinstance(data, str) or "\0" in data:
            raise ConfigError(f"{source}: data = \"FILE.h5\" is needed, the file made by `pseudoexp generate`")
        for key in COMMON:
            if key in content:
                _check_common(key, content[key], source)
        common = {key: content.get(key, default) for key, default in COMMON.items()}
        scans = content.get("scan", [])
        if not (isinstance(scans, list) and scans):
            raise ConfigError(f"{source}: at least one [[scan]] is needed; kinds: {', '.join(GRID)}")
        return cls(source.parent / data, _seeds(seeds, source), common,
                   tuple(_scan(scan, source) for scan in scans), _notes(content.get("notes", {}), source), text)

    @property
    def prune_epochs(self) -> int:
        """Epochs of what starts from a trained network."""
        return int(self.common["prune_epochs"] or max(self.common["epochs"] // 2, 2))

    @property
    def others(self) -> list[Path]:
        """Files of other samples, on which networks of kind `robustness` are judged."""
        return [self.data.parent / name for name in self.common["others"]]

    def jobs(self, fingerprint: str) -> list[Job]:
        """All jobs, each once, in the order of the scans; `fingerprint` stands for the data."""
        found: dict[str, Job] = {}
        for scan in self.scans:
            keys = list(GRID[scan["kind"]])
            for values in product(*(scan[key] for key in keys)):
                settings = _that_matter(scan["kind"], dict(zip(keys, values, strict=True)))
                for seed in scan.get("seeds", self.seeds) if scan["kind"] in PER_SEED else (None,):
                    job = self._job(scan["kind"], seed, settings, fingerprint)
                    found[job.name] = job
        return list(found.values())

    def _job(self, kind: str, seed: int | None, settings: dict[str, Any], fingerprint: str) -> Job:
        decides: dict[str, Any] = {"kind": kind, "seed": seed, "settings": settings, "data": fingerprint,
                                   "common": {key: value for key, value in self.common.items() if kind in USED.get(key, GRID)}}
        if seed is None:
            decides["seeds"] = list(self.seeds)
        if kind in USED["others"]:
            decides["common"]["others"] = [_fingerprint(path) for path in self.others]
        named = ("method", "nodes", "features", "luts")
        differs = [value for key, value in settings.items() if key in named or value != GRID[kind][key][0]]
        words = [kind, *(_word(value) for value in differs), *([] if seed is None else [f"s{seed}"])]
        return Job(kind, seed, settings, "-".join(word for word in words if word) + "-" + digest(decides))


def _seeds(seeds: Any, source: Path) -> tuple[int, ...]:
    """Check seeds, and take each once."""
    if not (isinstance(seeds, list) and seeds and all(_whole(seed, 0) for seed in seeds)):
        raise ConfigError(f"{source}: seeds = {seeds!r:.100}; allowed: a list of whole numbers from 0 to {MOST}")
    return tuple(dict.fromkeys(seeds))


def _notes(notes: Any, source: Path) -> dict[str, str]:
    """Check notes: text by kind of scan."""
    if not (isinstance(notes, dict) and set(notes) <= set(GRID) and all(isinstance(text, str) for text in notes.values())):
        raise ConfigError(f"{source}: [notes]: allowed: text by kind of scan, {', '.join(GRID)}")
    return notes


def _check_common(key: str, value: Any, source: Path) -> None:
    """Refuse a value of a common setting that is none whatever the data; the rest is checked where it is used."""
    if key in LEAST:
        right, allowed = _whole(value, LEAST[key]), f"a whole number of at least {LEAST[key]}"
    elif key == "hidden":
        right, allowed = isinstance(value, list) and all(_whole(nodes, 1) for nodes in value), "a list of whole numbers from 1 on"
    elif key == "others":
        right, allowed = _alike(value, [""]) and "\0" not in "".join(value), "a list of files made by `pseudoexp generate`"
    else:
        right, allowed = _alike(value, COMMON[key]), "a finite number from 0 on"
    if not right:
        raise ConfigError(f"{source}: {key} = {value!r:.100}; allowed: {allowed}")


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= MOST


def _alike(value: Any, usual: Any, share: bool = False) -> bool:
    """True if a value can stand where another usually does; with `share` a number may be a text, such as "50%", and back."""
    if isinstance(usual, list):
        return isinstance(value, list) and all(_alike(one, usual[0] if usual else "") for one in value)
    if share:
        return isinstance(value, str) or _whole(value, 1)
    if isinstance(usual, float):
        return type(value) in (int, float) and 0 <= value <= MOST
    return _whole(value, min(usual, 1)) if type(usual) is int else type(value) is type(usual)


def _scan(scan: Any, source: Path) -> dict[str, Any]:
    """Check one [[scan]] and fill in what it leaves out; a single value means a list of one."""
    kind = scan.get("kind") if isinstance(scan, dict) else None
    if not isinstance(kind, str) or kind not in GRID:
        raise ConfigError(f"{source}: [[scan]] kind = {kind!r:.100}; allowed: {', '.join(GRID)}")
    grid = GRID[kind]
    found: dict[str, Any] = {"kind": kind, **grid}
    for key, values in scan.items():
        if key == "kind":
            continue
        if key == "seeds" and kind in PER_SEED:
            found[key] = _seeds(values, source)
            continue
        if key not in grid:
            allowed = ", ".join([*grid, *(["seeds"] if kind in PER_SEED else [])])
            raise ConfigError(f"{source}: '{key}' is unknown in a scan of kind {kind}; allowed: {allowed}")
        nested = isinstance(grid[key][0], list)  # a layout or a list of inputs is one value
        single = not isinstance(values, list) or (nested and not (values and isinstance(values[0], list)))
        found[key] = (values,) if single else tuple(values)
        usual, share = grid[key][0], key in ("nodes", "features") and kind in PER_SEED
        if not (found[key] and all(_alike(value, float(usual) if key == "luts" else usual, share) for value in found[key])):
            allowed = f"values like {usual!r}" + (", none below 0" if isinstance(usual, float) else "")
            raise ConfigError(f"{source}: {key} = {values!r:.100} in a scan of kind {kind}; allowed: {allowed}")
    return found


def _that_matter(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings in which those that this method does not look at have their usual values: no job is done twice."""
    method = settings.get("method")
    idle = {"constraint"} if method != "autopruner" else set()
    idle |= {"rounds"} if method != "iterative" else set()
    if kind == "prune" and method == "none":
        idle, settings = set(settings) - {"method", "nodes"}, settings | {"nodes": "100%"}
    matter = {key: GRID[kind][key][0] if key in idle else value for key, value in settings.items()}
    return {key: value for key, value in matter.items() if key not in LATER or value != GRID[kind][key][0]}


def digest(content: Any) -> str:
    """Eight digits that stand for plain content, and for `METHODS` once that was raised."""
    said = content if METHODS == 1 else {"methods": METHODS, "content": content}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "_".join(str(item) for item in value[:4])
    return re.sub(r"[^A-Za-z0-9._]+", "", str(value).replace("%", "pc"))


def jobs_of(request: Request) -> list[Job]:
    """The jobs of a request, whatever is done of them."""
    return request.jobs(_fingerprint(request.data))


@lru_cache
def _fingerprint(path: Path) -> str:
    """What stands for a file in a job's name."""
    from pseudoexp.dataset.probe import probe

    info = probe(path)
    return str(info.attributes.get("dataset_hash") or info.rows)

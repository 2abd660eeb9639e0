"""The releases: named datasets of which every row is decided by `releases.toml`.

A release is a candidate, whose rows may change until it is frozen, or frozen. What made a file of it (engine, dataset
version, calibration, card) is pinned with the hash of its rows; an installation with other versions cannot make it and says so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from pseudoexp.dataset.splits import RESIDUES
from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.production.run_config import RunConfig

CANDIDATE, FROZEN = "candidate", "frozen"
SOURCE = "releases.toml"
TEST_ONLY = {"test": tuple(range(10))}
"""Splits of a release that is independent of all others and only for tests."""
PINS = ("engine_version", "dataset_version", "weights_table", "configuration_hash", "dataset_hash")
"""Keys that say what made a file of a release."""
_HASHES = ("weights_table", "configuration_hash", "dataset_hash")
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {"str": ((str,), "a text"), "int": ((int,), "a whole number"),
                                                   "float": ((int, float), "a number")}
_SAME_PARTICLES = ("seed", "engine", "signal_fraction")


@dataclass(frozen=True)
class Release:
    """A named dataset.

    Attributes
    ----------
    name, title : str
        What it is called, and what it is.
    status : str
        "candidate": rows may still change; "frozen".
    base : str
        The release with the same particles, empty if there is none.
    n, seed, engine, card, signal_fraction, pileup, tracks, images : optional
        The configuration, as in `pseudoexp.generate`; everything else is the default there.
    splits : mapping
        Split -> residues of `eventNumber` modulo 10.
    ms_per_row : float
        Milliseconds of one core per row, roughly.
    engine_version, dataset_version : str
        What made it; empty in a candidate that takes what is installed.
    weights_table : str
        SHA-256 of the card's calibration, which holds the benchmark weights; may be empty in a candidate.
    configuration_hash, dataset_hash : str
        Of the file; may be empty in a candidate.
    """

    name: str
    title: str
    status: str
    base: str
    n: int
    seed: int
    engine: str
    card: str
    signal_fraction: float
    pileup: float
    tracks: int
    splits: Mapping[str, tuple[int, ...]]
    ms_per_row: float
    images: int = 0
    engine_version: str = ""
    dataset_version: str = ""
    weights_table: str = ""
    configuration_hash: str = ""
    dataset_hash: str = ""

    @property
    def frozen(self) -> bool:
        """Whether its rows never change again."""
        return self.status == FROZEN

    @cached_property
    def config(self) -> RunConfig:
        """The run that makes it, by this installation's versions."""
        from pseudoexp.production.run_config import RunConfig

        return RunConfig.from_options(self.n, self.card, seed=self.seed, engine=self.engine, pileup=self.pileup,
                                      tracks=self.tracks, images=self.images, signal_fraction=self.signal_fraction)

    def identity(self) -> dict[str, Any]:
        """Return the configuration that its file has: the installation's, with the versions that are pinned."""
        return self.config.identity() | {"n": self.n} | self._pinned()

    def _pinned(self) -> dict[str, str]:
        pins = {"engine_version": self.engine_version, "dataset_version": self.dataset_version,
                "calibration_sha256": self.weights_table}
        return {key: value for key, value in pins.items() if value}

    def load_split(self, split: str | None) -> str | None:
        """Return what `pseudoexp.load` calls a split of this release: None where it is all rows.

        Raises
        ------
        ConfigError
            If the release has no such split.
        """
        if split is None:
            if "train" not in self.splits:
                raise ConfigError(f"{self.name}: for tests only; allowed: split 'test'")
            return None
        if split not in self.splits:
            raise ConfigError(f"{self.name}: no split {split!r}; allowed: {', '.join(self.splits)}")
        return None if len(self.splits[split]) == 10 else split

    def require_reproducible(self) -> None:
        """Raise unless this installation makes the release's rows.

        Raises
        ------
        ConfigError
            If a version, the calibration or the card is another than the release's.
        MissingExtra
            If the engine is not installed.
        """
        from pseudoexp.production.run_config import require_engine

        require_engine(self.engine)
        installed = self.config.identity()
        for key, wanted in self._pinned().items():
            if installed[key] != wanted:
                self._refuse(f"{key} {wanted}", str(installed[key]))
        if self.configuration_hash and self.config.hash() != self.configuration_hash:
            self._refuse(f"configuration {self.configuration_hash[:12]} (engine, card, calibration and versions)",
                         self.config.hash()[:12])

    def _refuse(self, needed: str, have: str) -> None:
        raise ConfigError(f"{self.name} ({self.status}) was made by engine {self.engine} with {needed}, this installation has "
                          f"{have}: it cannot make the release; allowed: the version of the package that made it, or a "
                          f"copy of the file (verify FILE --release {self.name} checks one)")

    def notice(self) -> str:
        """Return a line on a release that is not frozen, nothing for others."""
        if self.frozen:
            return ""
        what = f"dataset hash {self.dataset_hash[:12]} so far" if self.dataset_hash else "no dataset hash yet"
        return f"{self.name} is a candidate, not a frozen release: its rows may still change ({what})"


def release(name: str | Release) -> Release:
    """Return a release by its name.

    Raises
    ------
    ConfigError
        If there is no release of this name.
    """
    if isinstance(name, Release):
        return name
    known = releases()
    if name not in known:
        raise ConfigError(f"release {name!r}; allowed: {', '.join(known)}")
    return known[name]


@lru_cache(maxsize=1)
def releases() -> dict[str, Release]:
    """Return all releases by name."""
    return parse((resources.files(__package__) / SOURCE).read_text(encoding="utf-8"), SOURCE)


def parse(text: str, where: str) -> dict[str, Release]:
    """Return the releases of a TOML text.

    Raises
    ------
    ConfigError
        For anything that is not as it should be; the message names release, key, value and what is allowed.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not TOML ({str(error)[:200]})") from None
    found = {name: _release(name, table, where) for name, table in content.items()}
    for one in found.values():
        _check_base(one, found, where)
    return found


def _release(name: str, table: Any, where: str) -> Release:
    place = f"{where}: [{name}]"
    if not re.fullmatch(r"v[0-9]+(-[a-z0-9]+)*", name) or not isinstance(table, dict):
        raise ConfigError(f"{place}: allowed: tables with names such as v1 or v1-small")
    known = [f for f in fields(Release) if f.name != "name"]
    if extra := sorted(table.keys() - {f.name for f in known}):
        raise ConfigError(f"{place}: {extra[0]!r} is not known; allowed: {', '.join(f.name for f in known)}")
    values: dict[str, Any] = {}
    for f in known:
        if f.name in table:
            values[f.name] = _splits(table[f.name], place) if f.name == "splits" else _plain(table[f.name], f.name, f.type, place)
        elif f.name not in (*PINS, "images"):
            raise ConfigError(f"{place}: {f.name} is missing")
    one = Release(name, **values)
    _check(one, place)
    return one


def _plain(value: Any, key: str, kind: Any, place: str) -> Any:
    types, allowed = _KINDS[str(kind)]
    if type(value) not in types:
        raise ConfigError(f"{place}: {key} = {str(value)[:100]!r}; allowed: {allowed}")
    return float(value) if kind == "float" else value


def _splits(value: Any, place: str) -> dict[str, tuple[int, ...]]:
    try:
        found = {name: tuple(residues) for name, residues in value.items()}
    except (AttributeError, TypeError):
        found = {}
    if found not in (RESIDUES, TEST_ONLY):
        raise ConfigError(f"{place}: splits = {str(value)[:100]}; allowed: {_spelled(RESIDUES)} or {_spelled(TEST_ONLY)}")
    return found


def _spelled(splits: Mapping[str, tuple[int, ...]]) -> str:
    return "{ " + ", ".join(f"{name} = {list(residues)}" for name, residues in splits.items()) + " }"


def _check(one: Release, place: str) -> None:
    if one.status not in (CANDIDATE, FROZEN):
        raise ConfigError(f"{place}: status = {one.status!r}; allowed: {CANDIDATE}, {FROZEN}")
    if one.engine == "hepmc":
        raise ConfigError(f"{place}: engine = 'hepmc'; allowed: an engine that makes its events itself")
    if one.frozen and (missing := [key for key in PINS if not getattr(one, key)]):
        raise ConfigError(f"{place}: a frozen release without {missing[0]}")
    if one.dataset_hash and (missing := [key for key in PINS if not getattr(one, key)]):
        raise ConfigError(f"{place}: a dataset_hash without {missing[0]}")
    for key in _HASHES:
        if (value := getattr(one, key)) and not re.fullmatch("[0-9a-f]{64}", value):
            raise ConfigError(f"{place}: {key} = {value!r}; allowed: 64 hexadecimal digits")
    if not 0.0 < one.ms_per_row < 1e6:
        raise ConfigError(f"{place}: ms_per_row = {one.ms_per_row!r}; allowed: a number above 0")
    try:
        _ = one.config
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def _check_base(one: Release, found: Mapping[str, Release], where: str) -> None:
    if not one.base:
        return
    if one.base not in found:
        raise ConfigError(f"{where}: [{one.name}]: base = {one.base!r}; allowed: {', '.join(found)}, or an empty text")
    for key in _SAME_PARTICLES:
        if getattr(one, key) != getattr(found[one.base], key):
            raise ConfigError(f"{where}: [{one.name}]: {key} is not that of its base {one.base}: other particles")

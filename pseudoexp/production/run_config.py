"""What the rows depend on: one frozen dataclass, its canonical JSON, and the hash that names the dataset."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pseudoexp.config import load_card, to_mapping
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json, file_sha256
from pseudoexp.detector.pileup_place import LIBRARY_VERSION
from pseudoexp.engines import DEFAULT_ENGINE, ENGINES
from pseudoexp.engines.hepmc.index import index_of
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError
from pseudoexp.optional import require_installed

if TYPE_CHECKING:
    from pseudoexp.detector.card import DetectorCard

MAX_ROWS = 10**11
MAX_TRACKS = 500
MAX_PIXELS = 64
MAX_PILEUP = 300.0
_SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}
_DISTRIBUTIONS = {"pythia8": ("pythia8mc", "pythia"), "hepmc": ("pyhepmc", "hepmc")}
"""Engine -> (the package that it needs, our extra that brings it), where it needs one."""
_BUILTIN_VERSION = "0.15"
"""Raised when any event of the built-in engine changes, or which of them can give rows."""
_HEPMC_VERSION = "0.1"
"""Raised when any HepMC event is read as something else than before."""
_INPUTS = ("hepmc_signal", "hepmc_qcd")
_SAMPLING = ("pt_bias", "pthat_min")


def parse_count(value: Any, name: str, low: int = 1, high: int = MAX_ROWS) -> int:
    """Return a whole number from 4000000, 4e6, "4e6", "200k", "4M" or "4_000_000".

    Raises
    ------
    ConfigError
        If it is no whole number within [low, high].
    """
    text = str(value).strip()
    factor = _SUFFIXES.get(text[-1:], 1)
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        number = Decimal(text[:-1] if factor > 1 else text) * factor
        if not number.is_finite() or number != number.to_integral_value() or not low <= number <= high:
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigError(f"{name} = {value!r}; allowed: a whole number from {low} to {high:.3g}, "
                          "such as 5000, 4e6 or 200k") from None
    return int(number)


def parse_float(value: Any, name: str, low: float, high: float) -> float:
    """Return a finite number within [low, high], or raise ConfigError."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise ConfigError(f"{name} = {value!r}; allowed: a number from {low:g} to {high:g}")
    return number


@dataclass(frozen=True)
class RunConfig:
    """Everything the rows depend on. Threads and compression are not among it.

    Attributes
    ----------
    n : int
        Rows of class hbb or qcd.
    card : DetectorCard
        The detector.
    signal_fraction : float
        Fraction f of hbb rows: row r is hbb iff floor((r + 1) f) > floor(r f).
    seed : int
        0 <= seed < 2**63.
    engine : str
        The event generator.
    pt_bias, pthat_min : float
        Power of the sampling bias in pT-hat, and the lowest pT-hat [GeV].
    pileup : float
        Mean number of pile-up collisions.
    tracks : int
        Tracks per row in the dataset `tracks`, 0 without.
    keep_unmatched : bool
        Keep signal jets that are not hbb as class `other`.
    hepmc_signal, hepmc_qcd : str
        The files that the engine `hepmc` reads; `pt_bias` and `pthat_min` say nothing there.
    variations : bool
        Write the weights for other parameters; the rows do not depend on it.
    images : int
        Pixels per side of an image in the dataset `images`, 0 without.

    Raises
    ------
    ConfigError
        For an impossible value.
    """

    n: int
    card: DetectorCard
    signal_fraction: float = 0.5
    seed: int = 1
    engine: str = DEFAULT_ENGINE
    pt_bias: float = 4.0
    pthat_min: float = 150.0
    pileup: float = 0.0
    tracks: int = 0
    keep_unmatched: bool = False
    hepmc_signal: str = ""
    hepmc_qcd: str = ""
    variations: bool = False
    images: int = 0

    def __post_init__(self) -> None:
        values = {
            "n": parse_count(self.n, "n"),
            "signal_fraction": parse_float(self.signal_fraction, "signal_fraction", 0.0, 1.0),
            "seed": parse_count(self.seed, "seed", 0, 2**63 - 1),
            "pt_bias": EngineSettings(pt_bias=self.pt_bias).pt_bias,
            "pthat_min": EngineSettings(pthat_min=self.pthat_min).pthat_min,
            "pileup": parse_float(self.pileup, "pileup", 0.0, MAX_PILEUP),
            "tracks": parse_count(self.tracks, "tracks", 0, MAX_TRACKS),
            "keep_unmatched": bool(self.keep_unmatched), "variations": bool(self.variations),
            "images": parse_count(self.images, "images", 0, MAX_PIXELS),
        }
        if self.engine not in ENGINES:
            raise ConfigError(f"engine {self.engine!r}; allowed: {', '.join(ENGINES)}")
        self._check_inputs()
        if self.variations and self.engine != "builtin":
            raise ConfigError(f"variations: engine {self.engine!r} has no weights for them; allowed: engine 'builtin'")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_inputs(self) -> None:
        """Raise ConfigError unless the engine `hepmc`, and no other, has its files."""
        if self.engine != "hepmc":
            if given := [name for name in _INPUTS if getattr(self, name)]:
                raise ConfigError(f"{given[0]}: allowed: with engine 'hepmc'")
            return
        needed = {"hepmc_signal": float(self.signal_fraction) > 0.0, "hepmc_qcd": float(self.signal_fraction) < 1.0}
        for name in _INPUTS:
            object.__setattr__(self, name, str(getattr(self, name)))
            if needed[name] and not getattr(self, name):
                raise ConfigError(f"engine 'hepmc': {name} is missing; allowed: a HepMC file")
        for name in _SAMPLING:
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: the files of engine 'hepmc' have their own; allowed: none")

    @property
    def engine_settings(self) -> EngineSettings:
        """What the engine needs to know besides process, seed and event numbers."""
        return EngineSettings(self.pthat_min, self.pt_bias, (), self.hepmc_signal, self.hepmc_qcd)

    @classmethod
    def from_options(cls, n: Any, card: str = "atlas-itk", **options: Any) -> RunConfig:
        """Return the configuration of user's options; the card by name or path."""
        return cls(n=n, card=load_card(card), **options)

    def identity(self) -> dict[str, Any]:
        """Return what names the endless sequence of rows: all but `n`, with versions and the whole card."""
        left_out = ("n", "card", *_INPUTS, *(_SAMPLING if self.engine == "hepmc" else ()))
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        values |= {f"{name}_sha256": index_of(path).sha256 for name in _INPUTS if (path := getattr(self, name))}
        for name in ("variations", "images"):
            if not values[name]:  # a file without them is what it always was
                del values[name]
        if self.pileup > 0.0:
            values["pileup_library"] = LIBRARY_VERSION
        return values | {"card": to_mapping(self.card), "calibration_sha256": calibration_sha256(self.card.calibration),
                         "engine_version": engine_version(self.engine), "format_version": schema.FORMAT_VERSION,
                         "dataset_version": schema.DATASET_VERSION}

    def json(self) -> str:
        """Return the canonical JSON of the whole configuration."""
        return canonical_json(self.identity() | {"n": self.n})

    def hash(self) -> str:
        """Return the SHA-256 of `identity`: files with the same hash are prefixes of one sequence."""
        return hashlib.sha256(canonical_json(self.identity()).encode()).hexdigest()


def engine_version(engine: str) -> str:
    """Return the version of an engine, or of the package it runs on; "none" if that is not installed."""
    if engine != "pythia8":
        return {"builtin": _BUILTIN_VERSION, "hepmc": _HEPMC_VERSION}[engine]
    package, _ = _DISTRIBUTIONS[engine]
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def calibration_sha256(name: str) -> str:
    """Return the SHA-256 of the calibration a card names, "none" if there is none yet."""
    from pseudoexp.calibration import find  # brings the kernels along

    try:
        return file_sha256(find(name))
    except ConfigError:
        return "none"


def require_engine(engine: str) -> None:
    """Raise MissingExtra if the package behind an engine is not installed."""
    package, extra = _DISTRIBUTIONS.get(engine, ("numba", ""))
    require_installed(extra, package)


def difference(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> str:
    """Return the first difference of two identities as ``key: old, not new``, checksums last; empty if there is none."""
    for key in sorted(old.keys() | new.keys(), key=lambda name: (name.endswith("sha256"), name)):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            if found := difference(a, b, f"{prefix}{key}."):
                return found
        elif a != b:
            return f"{prefix}{key}: {a!r}, not {b!r}"
    return ""

"""Strict configuration: TOML -> frozen dataclass.

A configuration is a frozen dataclass whose annotations are its schema: `float`, `int`, `bool`, `str`,
`tuple[T, ...]` and nested dataclasses, with the allowed range beside the type
(``Annotated[float, Range(0.0, 10.0)]``). An unknown key, a wrong type or an impossible value is a
`ConfigError` of one line that names the key, the value and what is allowed. A card may build on another one:
``base = "atlas-itk"`` takes everything from there that the card does not say itself.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudoexp.core.files import read_text
from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.detector.card import DetectorCard

CARDS = Path(__file__).resolve().parent / "cards"
_MAX_DEPTH = 8
_T = typing.TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Range:
    """The closed interval that a number, or every number of a sequence, must lie in."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def from_mapping(cls: type[_T], mapping: Mapping[str, Any], where: str) -> _T:
    """Make the dataclass `cls` from a mapping.

    Parameters
    ----------
    cls : type
        A frozen dataclass; its annotations are the schema.
    mapping : mapping
        What a TOML file or a command line says.
    where : str
        The source, for messages.

    Raises
    ------
    ConfigError
        For unknown or missing keys, wrong types and values out of range.
    """
    result: _T = _build(cls, mapping, where, "")
    return result


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a configuration as nested dictionaries and lists, the inverse of `from_mapping`."""
    return {f.name: _plain(getattr(config, f.name)) for f in dataclasses.fields(config)}


def list_cards() -> list[str]:
    """Return the names of the detector cards that come with the package."""
    return sorted(path.stem for path in CARDS.glob("*.toml"))


def read_card(name_or_path: str | Path) -> dict[str, Any]:
    """Return a card as a mapping, with its bases merged in.

    Raises
    ------
    ConfigError
        If there is no such card, the TOML is broken, or bases form a circle.
    """
    return _read_card(str(name_or_path), Path.cwd(), [])


def load_card(name_or_path: str | Path) -> DetectorCard:
    """Return a detector card by name (`list_cards`) or by the path of a TOML file."""
    from pseudoexp.detector.card import DetectorCard  # it imports this module

    return from_mapping(DetectorCard, read_card(name_or_path), f"card {name_or_path}")


def _read_card(name: str, folder: Path, seen: list[str]) -> dict[str, Any]:
    path = CARDS / f"{name}.toml"
    if not path.is_file():
        path = folder / name
    if not (path.suffix == ".toml" and path.is_file()):
        raise ConfigError(f"no card {name!r}; allowed: {', '.join(list_cards())}, or the path of a .toml file")
    if str(path) in seen or len(seen) >= _MAX_DEPTH:
        raise ConfigError(f"card {name}: base cards form a circle: {' -> '.join([*seen, str(path)])}")
    mapping = read_toml(path)
    base = mapping.pop("base", None)
    mapping.setdefault("name", path.stem)
    if base is None:
        return mapping
    if not isinstance(base, str):
        raise ConfigError(f"card {name}: base = {base!r}; allowed: the name or the path of a card")
    return _merged(_read_card(base, path.parent, [*seen, str(path)]), mapping)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file; ConfigError if it cannot be read."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML ({str(error)[:200]})") from None


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            result[key] = _merged(old, value)
        else:
            result[key] = value
    return result


def _build(cls: Any, mapping: Any, where: str, prefix: str) -> Any:
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{where}: {prefix.rstrip('.')} = {mapping!r}; allowed: a table")
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for key in mapping:
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {prefix}{key}; allowed: {', '.join(fields)}")
    values = {}
    for name, field in fields.items():
        if name in mapping:
            values[name] = _convert(mapping[name], hints[name], where, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}: missing key {prefix}{name}")
    try:
        return cls(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {prefix}{error}") from None


def _convert(value: Any, hint: Any, where: str, key: str, allowed: Range | None = None) -> Any:
    if typing.get_origin(hint) is typing.Annotated:
        hint, allowed = typing.get_args(hint)[:2]
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, key + ".")
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where}: {key} = {value!r}; allowed: a list")
        inner = typing.get_args(hint)[0]
        return tuple(_convert(v, inner, where, f"{key}[{i}]", allowed) for i, v in enumerate(value))
    return _scalar(value, hint, where, key, allowed)


def _scalar(value: Any, hint: type, where: str, key: str, allowed: Range | None) -> Any:
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}
    right = isinstance(value, (int, float) if hint is float else hint)
    if not right or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where}: {key} = {value!r}; allowed: {names[hint]}")
    if hint in (int, float):
        if not math.isfinite(value):
            raise ConfigError(f"{where}: {key} = {value!r}; allowed: a finite number")
        if allowed is not None and not allowed.low <= value <= allowed.high:
            raise ConfigError(f"{where}: {key} = {value!r}; allowed: {allowed}")
    return hint(value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value

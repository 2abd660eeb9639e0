"""The report's table of circuits: what `tagger synthesise` found of exported projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pseudoexp.errors import SchemaError
from tagger.firmware.synthesis_report import COLUMNS, figures, late, read, short
from tagger.report.tables import DASH, Table
from tagger.runs import read_json


@dataclass(frozen=True)
class Circuit:
    """A synthesised project.

    Attributes
    ----------
    name : str
        Its folder's; with those around it as far as it takes to tell two apart.
    content : dict
        Of its synthesis.json.
    """

    name: str
    content: dict[str, Any]


def is_export(folder: Path) -> bool:
    """Tell whether a folder holds an exported project and no run.

    Raises
    ------
    SchemaError
        If it says so in a file that is damaged.
    """
    return (folder / "firmware.json").is_file() and not (folder / "config.json").is_file() and bool(
        read_json(folder / "firmware.json"))


def load_circuits(paths: Sequence[str | Path], trouble: Callable[[str], None] | None = None) -> list[Circuit]:
    """Read what was found of those folders that are exported projects and were synthesised.

    Parameters
    ----------
    paths : sequence of paths
        Folders; all others are passed over.
    trouble : callable, optional
        Told of a damaged synthesis.json, which is then left out; without it the first one is an error.

    Raises
    ------
    SchemaError
        If a synthesis.json is damaged.
    """
    found: dict[Path, dict[str, Any]] = {}
    for folder in map(Path, paths):
        try:
            content = read(folder) if _is_sound_export(folder) else None
        except SchemaError as error:
            if trouble is None:
                raise
            trouble(str(error))
            continue
        if content is not None:
            found[folder.resolve()] = content
    return [Circuit(_name(place, [other for other in found if other != place]), content) for place, content in found.items()]


def _name(place: Path, others: Sequence[Path]) -> str:
    """The end of a path that no other one has."""
    parts = next(n for n in range(1, len(place.parts) + 1)
                 if all(other.parts[-n:] != place.parts[-n:] for other in others))
    return "/".join(place.parts[-parts:])


def _is_sound_export(folder: Path) -> bool:
    try:
        return is_export(folder)
    except SchemaError:  # told where runs are read
        return False


def circuits_table(circuits: Sequence[Circuit]) -> Table | None:
    """One row per circuit and number of additions per stage, None without any."""
    rows = [(None, (one.name, one.content["part"], f"{one.content['clock_ns']:g} ns",
                    *(DASH if value is None else short(value) for value in row)))
            for one in circuits for row in figures(one.content)]
    return Table(("project", "part", "clock", *COLUMNS), tuple(rows)) if rows else None


def made_with(circuits: Sequence[Circuit]) -> list[str]:
    """Tools with their versions, each different one once, and what was not placed in time."""
    tools = dict.fromkeys(f"{name}: {version}" for one in circuits for name, version in one.content["versions"].items())
    return [*tools, *(f"{one.name}, {line}" for one in circuits for line in late(one.content))]

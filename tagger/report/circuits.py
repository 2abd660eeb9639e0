"""The report's table of circuits: what `tagger synthesise` found of exported projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pseudoexp.errors import SchemaError
from tagger.firmware.synthesis_report import COLUMNS, figures, read, short
from tagger.report.tables import DASH, Table
from tagger.runs import read_json


@dataclass(frozen=True)
class Circuit:
    """A synthesised project.

    Attributes
    ----------
    name : str
        Its folder's; with the folder around it where two have the same.
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
    folders = [folder for folder in map(Path, paths) if _is_sound_export(folder)]
    often = Counter(folder.resolve().name for folder in folders)
    found = []
    for folder in folders:
        place = folder.resolve()
        try:
            content = read(folder)
        except SchemaError as error:
            if trouble is None:
                raise
            trouble(str(error))
            continue
        if content is not None:
            found.append(Circuit(place.name if often[place.name] == 1 else f"{place.parent.name}/{place.name}", content))
    return found


def _is_sound_export(folder: Path) -> bool:
    try:
        return is_export(folder)
    except SchemaError:  # told where runs are read
        return False


def circuits_table(circuits: Sequence[Circuit]) -> Table | None:
    """One row per circuit and number of additions per stage, None without any."""
    rows = [(None, (one.name, *(DASH if value is None else short(value) for value in row)))
            for one in circuits for row in figures(one.content)]
    return Table(("project", *COLUMNS), tuple(rows)) if rows else None


def made_with(circuits: Sequence[Circuit]) -> list[str]:
    """Tools, with their versions, and the clock and part asked for: each different one once."""
    said = [line for one in circuits for line in (
        *(f"{name}: {version}" for name, version in one.content["versions"].items()),
        f"clock {one.content['clock_ns']:g} ns, part {one.content['part']}")]
    return list(dict.fromkeys(said))

"""What synthesis found, as files in the project's folder and as a table; estimated and synthesised figures share no column."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pseudoexp.errors import ConfigError, SchemaError
from tagger.runs import read_json, write_json

REPORT = "synthesis"
"""Name of the report in the project's folder, as .json and .txt."""
COLUMNS = ("additions/stage", "latency clocks", "latency ns", "LUT est. da4ml", "FF est. da4ml", "LUT Yosys", "FF Yosys",
           "DSP Yosys", "CARRY Yosys", "ECP5 LUT4", "ECP5 fmax MHz", "LUT Vivado", "fmax Vivado")
"""Heads of the table; what the last two would hold only Vivado could say."""


def figures(content: dict[str, Any]) -> list[tuple[float | None, ...]]:
    """Return one row per point of a synthesis.json, in the order of `COLUMNS`; None is what was not measured."""
    return [(point["additions_per_stage"], point["latency_cycles"], point["latency_ns"], point["estimated"]["luts"],
             point["estimated"]["flip_flops"], *(point["synthesised"][key] for key in ("luts", "flip_flops", "dsps", "carries")),
             *((point["placed"] or {}).get(key) for key in ("luts4", "fmax_mhz")), None, None) for point in content["points"]]


def text(content: dict[str, Any]) -> str:
    """Return the report as a table; a dash is what was not measured or only Vivado could say."""
    rows: list[Sequence[str]] = [COLUMNS]
    rows += [["-" if value is None else short(value) for value in row] for row in figures(content)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    table = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    table += "".join(f"\n{line}" for line in late(content))
    tools = "; ".join(f"{name}: {said}" for name, said in content["versions"].items())
    return (f"{table}\n\nclock {content['clock_ns']:g} ns, part {content['part']} (cells of its family; timing on it only "
            f"Vivado could say)\n{tools}\n")


def late(content: dict[str, Any]) -> list[str]:
    """Return a line for each point of a synthesis.json that was not placed in the time it was given."""
    minutes = [((p["placed"] or {}).get("stopped_after_minutes"), p["additions_per_stage"]) for p in content["points"]]
    return [f"ECP5 at {'-' if levels is None else short(levels)} additions/stage: no clock within {m:g} minutes"
            for m, levels in minutes if m]


def short(value: float) -> str:
    """Return a number with all the digits that were measured."""
    return f"{value:.10g}"


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write synthesis.json and synthesis.txt, each whole or not at all.

    Raises
    ------
    ConfigError
        If they cannot be written there.
    """
    scratch = folder / f".{REPORT}.tmp"
    try:
        write_json(scratch, content)
        scratch.replace(folder / f"{REPORT}.json")
        scratch.write_text(text(content))
        scratch.replace(folder / f"{REPORT}.txt")
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise ConfigError(f"{folder}: the report cannot be written there ({error.strerror})") from None


def read(folder: Path) -> dict[str, Any] | None:
    """Read the synthesis.json of a project; None if it was not synthesised.

    Raises
    ------
    SchemaError
        If the file is damaged.
    """
    path = folder / f"{REPORT}.json"
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        whole = bool(text(content)) and isinstance(content["part"], str) and isinstance(content["points"], list)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        whole = False
    if not whole:
        raise SchemaError(f"{path}: not a report of `tagger synthesise`, or damaged")
    return content

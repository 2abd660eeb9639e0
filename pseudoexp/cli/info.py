"""``pseudoexp info``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def info(
    file: Annotated[Path, typer.Argument(help="A dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a dataset holds and how it was made; reads no rows."""
    import pseudoexp

    found = pseudoexp.info(file)
    typer.echo(json.dumps(found, indent=2) if as_json else text(found))


def text(found: Mapping[str, Any]) -> str:
    """Return the facts as aligned lines."""
    skipped = ("datasets", "configuration", "counts", "shifted_configuration")
    lines = {k: v for k, v in found.items() if k not in skipped}
    if "shifted_configuration" in found:
        lines["shifted card"] = found["shifted_configuration"]["card"]["name"]
    lines["rows"] = f"{found['rows']} ({', '.join(f'{count} {name}' for name, count in found['counts'].items())})"
    for name, dataset in found["datasets"].items():
        shape = " x ".join(map(str, dataset["shape"]))
        lines[name] = f"{shape}, {len(dataset['columns'])} columns, compression {dataset['compression']}"
    for key, value in found["configuration"].items():
        lines.setdefault(key, value["name"] if isinstance(value, dict) and "name" in value else value)
    return "\n".join(f"{key:20} {value}" for key, value in lines.items())

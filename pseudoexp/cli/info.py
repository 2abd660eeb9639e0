"""``pseudoexp info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pseudoexp.dataset.probe import FileInfo


def info(
    file: Annotated[Path, typer.Argument(help="A dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a dataset holds and how it was made; reads no rows."""
    from pseudoexp.dataset.probe import probe

    found = facts(probe(file))
    typer.echo(json.dumps(found, indent=2) if as_json else text(found))


def facts(found: FileInfo) -> dict[str, Any]:
    """Return everything about a file as plain values."""
    attributes = dict(found.attributes)
    if "shifted_configuration" in attributes:
        attributes["shifted_configuration"] = json.loads(attributes["shifted_configuration"])
    datasets = {name: {"shape": list(d.shape), "columns": list(d.dtype.names or ()), "compression": d.compression,
                       "contiguous": d.offset is not None} for name, d in found.datasets.items()}
    return {"path": str(found.path), "bytes": found.size, "rows": found.rows, "counts": found.counts,
            "configuration": json.loads(attributes.pop("configuration")),
            **{k: v for k, v in attributes.items() if k != "jet_counts"}, "datasets": datasets}


def text(found: dict[str, Any]) -> str:
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

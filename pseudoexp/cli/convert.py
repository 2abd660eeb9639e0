"""``pseudoexp convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp convert data.h5 --to parquet --out mirror",
    "pseudoexp convert data.h5 --to parquet --out test.parquet --split test --columns inputs,flavour_label,benchmarkWeight",
    "pseudoexp convert data.h5 --to root --out data.root",
    "pseudoexp convert data.h5 --to salt --out for_salt",
))


def convert(
    file: Annotated[Path, typer.Argument(help="A dataset.")],
    to: Annotated[str, typer.Option(help="parquet, root or salt.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; for Parquet a name without .parquet is a folder: "
                                                    "one file per split. For Salt always a folder.")],
    split: Annotated[str, typer.Option(help="train, val or test; all rows by default.")] = "",
    columns: Annotated[str, typer.Option(help="Names with commas between; inputs: the 39; a dataset's name: all of its columns; "
                                              "everything by default.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Write a dataset as Parquet (extra parquet) or ROOT tree (extra root), with types, units and attributes; or what Salt wants:
    HDF5 per split, norm_dict.yaml, class_dict.yaml and a configuration."""
    from pseudoexp.api import convert as make

    names = [name.strip() for name in columns.split(",")] if columns else None
    with interruptible(), Progress("rows", quiet) as progress:
        summary = make(file, out, to=to, split=split or None, columns=names, force=force, progress=progress.update)
    if not quiet:
        typer.echo(summary_text(summary))


def summary_text(summary: Bunch) -> str:
    """Return the summary as lines."""
    rows = ", ".join(f"{count} rows in {name}" for name, count in summary.rows.items())
    rate = sum(summary.rows.values()) / max(summary.seconds, 1e-9)
    lines = [f"{summary.path}: {rows}; {len(summary.columns)} columns, {summary.bytes / 1e6:.1f} MB",
             f"  {summary.seconds:.1f} s, {rate:.0f} rows/s"]
    return "\n".join(lines + [f"  left out: {name}" for name in summary.left_out])

"""`tagger verify`: an exported folder built again and compared bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Folder written by `tagger export`.")],
    trust: Annotated[bool, typer.Option("--trust", help="hls4ml: compile and run the folder's own C++, which could do anything.")
                     ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but mismatches.")] = False,
) -> None:
    """Build an exported folder again from its own files and compare every logit and decision with those stored in it.

    Exit code 1 if a single bit differs; the first row that does is named. Verilog and ONNX from anywhere can be checked:
    nothing but the circuit or the graph is taken from the folder. hls4ml's C++ needs --trust.

    Example: tagger verify fw
    """
    from tagger.firmware.recheck import recheck

    done = recheck(folder, None if quiet else lambda line: typer.echo(line, err=True), trust)
    if not quiet:
        typer.echo(f"{done.what}: {done.rows.rows} rows, {done.rows.mismatches} differ; {done.extreme.rows} extreme rows, "
                   f"{done.extreme.mismatches} differ")
    for trouble in done.troubles:
        typer.echo(f"error: {folder}: {trouble}", err=True)
    if not done.passed:
        raise typer.Exit(1)

"""`tagger export`: a quantised run as firmware, checked bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(help="Run folder written by `tagger quantise`.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    backend: Annotated[str, typer.Option(help="Tool that writes the firmware: hls4ml.")] = "hls4ml",
    part: Annotated[str, typer.Option(help="FPGA.")] = "xcvu13p-flga2577-2-e",
    clock: Annotated[float, typer.Option(help="Clock period in ns.")] = 5.0,
    reuse: Annotated[int, typer.Option(help="Times each multiplier is used per row.")] = 1,
    data: Annotated[Path | None, typer.Option(help="Check with this file's test split, not the stored rows.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing export.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Write a quantised run as a Vitis HLS project, compile its C simulation and compare every logit with Keras.

    Exit code 1 if a single bit differs.

    Example: tagger export runs/q --out fw --part xcvu13p-flga2577-2-e --clock 5
    """
    from tagger.firmware.export import check_request, export
    from tagger.firmware.hls import Target
    from tagger.firmware.rows import CheckRows
    from tagger.runs import Run

    target = Target(part=part, clock_ns=clock, reuse=reuse)
    check_request(out, backend, force)
    quantised = Run.load(run)
    rows = None if data is None else CheckRows.of_file(data, quantised.inputs)
    done = export(quantised, out, target, backend, rows, force, report=None if quiet else _step)
    found = done.summary
    if not quiet:
        typer.echo(f"bit check   {found['rows_compared']} rows, {found['mismatches']} differ; "
                   f"{found['stress_rows_compared']} extreme rows, {found['stress_mismatches']} differ")
        typer.echo(f"size        {found['ebops']} EBOPs, logit {found['logit_format']}")
        typer.echo(f"firmware    {done.folder}")
    if not done.passed:
        typer.echo(f"error: the firmware does not compute what the network computes: see {done.folder}/firmware.json",
                   err=True)
        raise typer.Exit(1)


def _step(line: str) -> None:
    typer.echo(line, err=True)

"""`tagger export`: a quantised run as firmware, checked bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    run: Annotated[Path, typer.Argument(help="Run folder written by `tagger quantise`; for onnx any run folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    backend: Annotated[str, typer.Option(help="What to write: hls4ml (Vitis HLS), verilog (da4ml), onnx.")] = "hls4ml",
    part: Annotated[str, typer.Option(help="FPGA.")] = "xcvu13p-flga2577-2-e",
    clock: Annotated[str, typer.Option(help="Clock period or frequency, such as 5ns or 200MHz.")] = "5ns",
    reuse: Annotated[int, typer.Option(help="hls4ml: times each multiplier is used per row.")] = 1,
    latency_cutoff: Annotated[float | None, typer.Option(
        help="verilog: additions one after the other per clock; 0 without a clock; by default one per ns.")] = None,
    efficiency: Annotated[float, typer.Option(help="hls4ml, verilog: signal efficiency at which the decision cuts.")] = 0.5,
    data: Annotated[Path | None, typer.Option(help="Check with this file's test split, not the stored rows.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing export.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Write a quantised run as firmware, compile it (C simulation, or Verilator) and compare every logit with Keras.

    Exit code 1 if a single bit differs.

    Example: tagger export runs/q --backend verilog --out fw --clock 5ns
    """
    from tagger.firmware.export import check_request, export
    from tagger.firmware.rows import CheckRows
    from tagger.firmware.target import Target, period
    from tagger.runs import Run

    target = Target(part, period(clock), reuse, latency_cutoff, efficiency)
    check_request(out, backend, force)
    quantised = Run.load(run)
    rows = None if data is None else CheckRows.of_file(data, quantised.inputs)
    done = export(quantised, out, target, backend, rows, force, report=None if quiet else _step)
    found = done.summary
    if not quiet and "tolerance" in found:
        typer.echo(f"compared    {found['rows_compared']} {found['rows']}, {found['mismatches']} differ by more than "
                   f"{found['tolerance']:g}")
        typer.echo(f"onnx        {done.folder}")
    elif not quiet:
        typer.echo(f"bit check   {found['rows_compared']} rows, {found['mismatches']} differ; "
                   f"{found['stress_rows_compared']} extreme rows, {found['stress_mismatches']} differ")
        typer.echo(f"size        {found['ebops']} EBOPs, logit {found['logit_format']}")
        if "estimated" in found:
            typer.echo(f"estimated   {found['estimated']['luts']:.0f} LUTs (da4ml), {_timing(found)}")
        typer.echo(f"firmware    {done.folder}")
    if not done.passed:
        typer.echo(f"error: the firmware does not compute what the network computes: see {done.folder}/firmware.json",
                   err=True)
        raise typer.Exit(1)


def _timing(found: dict[str, Any]) -> str:
    cycles = found["pipeline"]["latency_cycles"]
    return f"{cycles} clocks, {found['pipeline']['latency_ns']:g} ns" if cycles else "no clock"


def _step(line: str) -> None:
    typer.echo(line, err=True)

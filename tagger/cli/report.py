"""`tagger report`: one page on any number of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, in the order of the report, and exports that were "
                                               "synthesised; or folders of sweeps.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Write a self-contained HTML page on runs: ROC curves, histograms, rejections with errors, sizes, firmware.

    Firmware: the check of its bits, stored with the run, and what `tagger synthesise` found of the exports among the folders.

    Of folders of sweeps alone: figures against nodes, features and LUTs, and the numbers as JSON beside the page. Several
    sweeps share a page if each has its own kinds of figures.

    Example: tagger report runs/* fw/ --out report.html
    """
    from tagger.report.page import write_report
    from tagger.report.sweep import is_sweep, write_sweep_report

    if all(map(is_sweep, runs)):
        written, troubles = write_sweep_report(runs, out, force)
        for trouble in troubles:
            typer.echo(f"warning: {trouble}", err=True)
    else:
        written = write_report(runs, out, force, trouble=lambda line: typer.echo(f"warning: left out: {line}", err=True))
    if not quiet:
        typer.echo(f"report  {written.resolve()}")

"""`tagger report`: one page on any number of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, in the order of the report.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Write a self-contained HTML page on runs: ROC curves, histograms, rejections with errors, sizes, firmware check.

    Example: tagger report runs/* --out report.html
    """
    from tagger.report.page import write_report

    written = write_report(runs, out, force)
    if not quiet:
        typer.echo(f"report  {written.resolve()}")

"""`tagger synthesise`: LUTs, flip-flops and a clock of an exported Verilog project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Folder written by `tagger export --backend verilog`.")],
    cutoffs: Annotated[str, typer.Option(help="Also with so many additions per stage, such as 0,1,2,4; 0 has no clock.")] = "",
    place_minutes: Annotated[float, typer.Option(help="How long nextpnr (ECP5) may take for a clock; 0: do without.")] = 10.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Synthesise with Yosys for UltraScale+, place and route on an ECP5; write synthesis.json and .txt into the folder.

    Estimated and synthesised figures have columns of their own; what only Vivado could say is left empty.

    Example: tagger synthesise fw --cutoffs 1,2,4
    """
    from tagger.cli.terminal import numbers
    from tagger.firmware.export import NETWORK_FILE
    from tagger.firmware.fixed_point import FixedNetwork
    from tagger.firmware.recheck import read_summary
    from tagger.firmware.synthesis import check_project, synthesise
    from tagger.firmware.synthesis_report import text

    summary, others = read_summary(folder), numbers(cutoffs, "--cutoffs")
    check_project(folder, summary, others, place_minutes)
    content = synthesise(folder, summary, FixedNetwork.load(folder / NETWORK_FILE), others, place_minutes,
                         None if quiet else lambda line: typer.echo(line, err=True))
    if not quiet:
        typer.echo(text(content), nl=False)

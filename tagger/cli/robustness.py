"""`tagger robustness`: finished runs on other samples than their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tagger.cli.terminal import rejection_text


def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    other: Annotated[list[Path], typer.Option(help="File made by `pseudoexp generate`; several times.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write all figures to.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file, and figures on another file of the same "
                                                        "name.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Judge runs on other samples: under pile-up, in a worse detector, on another generator's events.

    The figures are stored in the run folders, where `tagger report` finds them. The card worse-impact has a tenth more of
    impact-parameter resolution.

    Example: tagger robustness runs/base runs/half --other mu60.h5 --other pythia8.h5
    """
    from pseudoexp.core.files import require_new_file, whole_file
    from tagger.robustness import robustness
    from tagger.runs import json_text

    if out is not None:
        require_new_file(out, force)
    found = robustness(runs, other, force, None if quiet else show)
    if out is not None:
        with whole_file(out) as file:
            file.write(json_text(found).encode())


def show(run: str, sample: str, found: dict[str, Any]) -> None:
    """Print the figures of one run on one sample."""
    figures = found["figures"]
    cells = [f"{rejection_text(figures['rejection'][e])} at {float(e):.0%}" for e in found["at_nominal_thresholds"]]
    typer.echo(f"{run} on {sample}: AUC {figures['auc']:.4f} +- {figures['auc_error']:.4f}, rejection {', '.join(cells)}")
    for e, point in found["at_nominal_thresholds"].items():
        typer.echo(f"  the nominal threshold of {float(e):.0%} lets {point['signal']:.1%} +- {point['signal_error']:.1%} of the "
                   f"signal through, rejection {rejection_text(point)}")

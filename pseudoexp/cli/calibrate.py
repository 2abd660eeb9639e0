"""``pseudoexp calibrate``."""

from __future__ import annotations

from typing import Annotated

import typer

from pseudoexp.cli.progress import Progress


def calibrate(
    card: Annotated[str, typer.Argument(help="Detector card: a name or the path of a TOML file.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Make the IP3D templates and the jet energy and mass scale of a card, once, at mu = 0."""
    from pseudoexp.calibration import calibrate as make

    with Progress("events", quiet) as progress:
        path = make(card, progress=progress.update)
    if not quiet:
        typer.echo(f"wrote {path}")

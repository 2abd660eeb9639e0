"""``pseudoexp explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp explore data.h5 --out explore.html",
    "pseudoexp explore data.h5 --out explore.html --event 40 --event 50",
    "pseudoexp explore data.h5 --out explore.html --no-events",
))


def explore(
    file: Annotated[Path, typer.Argument(help="A dataset.")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("explore.html"),
    event: Annotated[list[str] | None, typer.Option("--event", help="eventNumber to draw, made again; may be repeated. One of "
                                                                    "each class by default.")] = None,
    no_events: Annotated[bool, typer.Option("--no-events", help="Draw no event: making one again takes ten seconds.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Write an interactive page on a dataset: distributions, correlations, events, cut-flow. It needs no network."""
    from pseudoexp.api import explore as make

    with interruptible(), Progress("rows", quiet) as progress:
        page = make(file, out, events=[] if no_events else event or None, force=force, progress=progress.update)
    if not quiet:
        typer.echo(f"page {page}")

"""``pseudoexp merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pseudoexp.cli.generate import summary_text
from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp merge shards/* --out data.h5",
    "pseudoexp merge shards/*.h5 --out data.h5 --n 3.9e6 --compression gzip",
))


def merge(
    shards: Annotated[list[Path], typer.Argument(help="The files of all shards, in any order.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    n: Annotated[str, typer.Option("--n", help="Rows; those that the shards were made for by default.")] = "",
    compression: Annotated[str, typer.Option(help="none, lzf or gzip; none reads fastest.")] = "none",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Put the shards of a production together (generate --shard): the file that one run would have made."""
    from pseudoexp.api import merge as make

    with interruptible(), Progress("rows", quiet, {"checking": "shards"}) as progress:
        summary = make(shards, out, n=n or None, compression=compression, force=force, progress=progress.update)
    if not quiet:
        typer.echo(summary_text(summary))

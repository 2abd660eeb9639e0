"""``pseudoexp shift``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp shift data.h5 --card worse.toml --out shifted.h5",
    "pseudoexp shift data.h5 --card atlas-run2 --out run2.h5 --threads 8",
))


def shift(
    file: Annotated[Path, typer.Argument(help="A dataset made by generate.")],
    card: Annotated[str, typer.Option(help="The other detector card: a name (see cards list) or a TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    threads: Annotated[int, typer.Option(help="Worker processes; 0: one per core.")] = 0,
    compression: Annotated[str, typer.Option(help="none, lzf or gzip; none reads fastest.")] = "none",
    hepmc_signal: Annotated[str, typer.Option(help="HepMC file of signal events, if the dataset was made from such.")] = "",
    hepmc_qcd: Annotated[str, typer.Option(help="HepMC file of QCD events, if the dataset was made from such.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Put the events of a dataset through another detector: the same jets under both cards, row by row."""
    from pseudoexp.api import shift as make

    with interruptible(), Progress("events", quiet) as progress:
        summary = make(file, card, out, threads=threads, compression=compression, force=force,
                       hepmc_signal=hepmc_signal, hepmc_qcd=hepmc_qcd, progress=progress.update)
    if not quiet:
        typer.echo(summary_text(summary))


def summary_text(summary: Bunch) -> str:
    """Return the summary as lines."""
    lines = [f"{summary.path}: {summary.rows} jets that pass under at least one card"]
    for name, both in summary.both.items():
        lines.append(f"  {name}: {both} under both, {summary.only_nominal[name]} only under the nominal card, "
                     f"{summary.only_shifted[name]} only under the shifted one")
    return "\n".join([*lines, f"  {summary.seconds:.1f} s, {sum(summary.events.values()) / summary.seconds:.1f} events/s",
                      f"  dataset hash {summary.dataset_hash}", f"  sha256 {summary.sha256}"])

"""``pseudoexp events``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress
from pseudoexp.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp events --process signal --n 1e4 --out signal.hepmc3",
    "pseudoexp events --process qcd --n 100k --out qcd.hepmc3.gz --engine builtin --seed 7",
))


def events(
    process: Annotated[str, typer.Option(help="signal (g b -> H b, H -> bb) or qcd.")],
    n: Annotated[str, typer.Option("--n", help="Events; 1e4 and 10k are understood.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; .gz compresses. About 0.1 MB per event.")],
    engine: Annotated[str, typer.Option(help="Event generator: builtin or pythia8.")] = DEFAULT_ENGINE,
    seed: Annotated[int, typer.Option(help="Same seed and options, same events.")] = 1,
    pthat_min: Annotated[float, typer.Option(help="Lowest pT-hat [GeV].")] = 150.0,
    pt_bias: Annotated[float, typer.Option(help="Power of the sampling bias in pT-hat; weights undo it; 0: none.")] = 4.0,
    variations: Annotated[bool, typer.Option("--variations", help="Add weights for other parameters (engine builtin).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Write events as HepMC3 text: the ones that generate makes of the same options."""
    from pseudoexp.event_file import write_event_file

    with interruptible(), Progress("events", quiet) as progress:
        summary = write_event_file(process, n, out, engine=engine, seed=seed, pthat_min=pthat_min, pt_bias=pt_bias,
                                   variations=variations, force=force, progress=progress.update)
    if not quiet:
        typer.echo(summary_text(summary))


def summary_text(summary: Bunch) -> str:
    """Return the summary as lines."""
    return "\n".join([
        f"{summary.path}: {summary.events} {summary.process} events, seed {summary.seed}, {summary.bytes / 1e6:.1f} MB",
        f"  cross-section {summary.cross_section:.4g} +- {summary.error:.2g} pb",
        f"  {summary.seconds:.1f} s, {summary.rate:.1f} events/s"])

"""``pseudoexp rate``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

if TYPE_CHECKING:
    from pseudoexp.experiments.trigger import Trigger

EXAMPLES = "\n\n".join((
    "Examples:",
    'pseudoexp rate data.h5 --score "vr1_ip3d_bu + vr2_ip3d_bu" --plot rate.png',
    'pseudoexp rate data.h5 --score "vr1_sv1_mass" --selection "mass > 90e3" --luminosity 7.5e34 --mu 200 --json',
    "pseudoexp rate data.h5 --scores scores.npz --split test",
))


def rate(
    file: Annotated[Path, typer.Argument(help="A dataset with both classes.")],
    score: Annotated[str, typer.Option(help="Number per jet, higher for the signal: an expression over the columns.")] = "score",
    selection: Annotated[str, typer.Option(help="Condition that a jet fulfils besides, such as 'mass > 60e3' (MeV).")] = "",
    scores: Annotated[Path | None, typer.Option(help="File of scores (.npz or HDF5) that the expressions call `score`; as for "
                                                    "`benchmark score`.")] = None,
    luminosity: Annotated[str, typer.Option(help="Instantaneous luminosity [1/cm^2/s].")] = "5e34",
    mu: Annotated[str, typer.Option(help="Mean number of inelastic collisions per crossing.")] = "200",
    inelastic: Annotated[str, typer.Option(help=r"Inelastic cross-section \[mb].")] = "80",
    efficiency: Annotated[list[float] | None, typer.Option(help="Signal efficiency to show; may be repeated.")] = None,
    split: Annotated[str, typer.Option(help="Only events of train, val or test; weights grow accordingly.")] = "",
    plot: Annotated[Path | None, typer.Option(help="Draw rate against efficiency into this file (png, pdf, svg).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing plot.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no table.")] = False,
) -> None:
    """Tell the rate of a trigger on a score at a luminosity, against signal efficiency, and the data reduction."""
    from pseudoexp.api import rate as compute
    from pseudoexp.dataset.digest import finite
    from pseudoexp.experiments.plot_file import require_plot, write_plot

    if plot:
        require_plot(plot, force)
    with interruptible(), Progress("rows", quiet) as progress:
        found = compute(file, score, selection, scores=scores, luminosity=luminosity, mu=mu, inelastic=inelastic,
                        efficiencies=efficiency, split=split or None, progress=progress.update)
    if plot:
        from pseudoexp.experiments.plots import rate_figure

        write_plot(plot, rate_figure, found)
    if as_json:
        typer.echo(json.dumps(finite(found.as_dict()), indent=2, allow_nan=False))
    elif not quiet:
        show(found)
        if plot:
            typer.echo(f"drawn: {plot}")


def show(found: Trigger) -> None:
    """Print the table, then what it leaves out."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
    machine = found.machine
    title = (f"{machine.luminosity:g} /cm2/s, mu = {machine.pileup:g}: {machine.crossings / 1e6:.3g} million crossings/s "
             f"(inelastic {machine.inelastic:g} mb); QCD events with a candidate: {found.candidates:.4g} Hz")
    table = Table(title=title, title_justify="left")
    for head in ("signal efficiency", "threshold", "rate [Hz]", "crossings per event", "candidates per event", "signal per day",
                 "sampled", "effective"):
        table.add_column(head, justify="right")
    for p in found.points:
        table.add_row(f"{p.efficiency:.4f} ± {p.efficiency_error:.4f}", f"{p.threshold:.5g}",
                      f"{p.rate:.4g} ± {p.rate_error:.2g}", f"{p.crossings_per_event:.4g}", f"{p.candidates_per_event:.4g}",
                      f"{p.signal_per_day:.3g}", str(p.sampled), f"{p.effective:.0f}")
    console.print(table)
    for text in found.notes:
        console.print(f"- {escape(text)}")

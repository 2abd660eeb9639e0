"""``pseudoexp toys``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

EXAMPLES = "\n\n".join((
    "Examples:",
    'pseudoexp toys data.h5 --lumi 140 --n-toys 1000 --selection "vr1_ip3d_bu > 5 and vr2_ip3d_bu > 5" --out toys.h5',
    'pseudoexp toys data.h5 --scores scores.npz --split test --selection "score > 0.9"',
    'pseudoexp toys data.h5 --lumi 3000 --selection "pt > 450e3" --split test --json',
))
_TITLES = {"counting": "counting, all masses", "window": "counting, mass window", "spectrum": "spectrum, b known",
           "shape": "spectrum, b normalised"}
_WIDTH = 130


def toys(
    file: Annotated[Path, typer.Argument(help="A dataset with both classes.")],
    lumi: Annotated[str, typer.Option(help="Integrated luminosity [1/fb].")] = "140",
    n_toys: Annotated[str, typer.Option(help="Pseudo-experiments.")] = "1000",
    selection: Annotated[str, typer.Option(help="Condition on the columns of a jet, in the file's units (MeV), such as "
                                                "'mass > 90e3 and abs(eta) < 1.5'.")] = "",
    scores: Annotated[Path | None, typer.Option(help="File of scores (.npz or HDF5) that the expressions call `score`; as for "
                                                    "`benchmark score`.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="HDF5 file for all toys.")] = None,
    split: Annotated[str, typer.Option(help="Only events of train, val or test; weights grow accordingly.")] = "",
    window: Annotated[tuple[float, float], typer.Option(help="Mass window [GeV].")] = (90.0, 140.0),
    mass_range: Annotated[tuple[float, float], typer.Option(help="Of the mass spectrum [GeV].")] = (40.0, 240.0),
    bins: Annotated[str, typer.Option(help="Of the mass spectrum.")] = "40",
    signal_strength: Annotated[str, typer.Option(help="Times the signal's cross-section.")] = "1",
    seed: Annotated[str, typer.Option(help="Of the toys.")] = "1",
    plot: Annotated[Path | None, typer.Option(help="Draw mass spectra and significances into this file (png, pdf, svg).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Draw pseudo-experiments of a luminosity: yields, mass spectra, significance and its spread."""
    from pseudoexp.api import toys as make
    from pseudoexp.dataset.digest import finite

    with interruptible(), Progress("toys", quiet, {"reading": "rows"}) as progress:
        found = make(file, lumi, n_toys, selection, out, scores=scores, split=split or None, window=window, mass_range=mass_range,
                     bins=bins, signal_strength=signal_strength, seed=seed, plot=plot, force=force, progress=progress.update)
    if as_json:
        typer.echo(json.dumps(finite(found), indent=2, allow_nan=False))
    elif not quiet:
        show(found)
        if out:
            typer.echo(f"toys: {out}")
        if plot:
            typer.echo(f"drawn: {plot}")


def show(found: dict[str, Any]) -> None:
    """Print yields, then significances."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    settings = found["settings"]
    table = Table(title=f"{settings['n_toys']} toys of {settings['luminosity']:g} /fb", title_justify="left")
    for head in ("yield", "expected", "error of the sample", "sampled", "effective", "heaviest", "mean of toys",
                 "spread of toys"):
        table.add_column(head, justify="left" if head == "yield" else "right")
    for cells in yield_rows(found):
        table.add_row(*cells)
    console.print(table)
    table = Table(title=f"significance, signal strength {settings['signal_strength']:g}", title_justify="left")
    for head in ("test", "expected", "error of the sample", "b from the sample", "median of toys", "68 % of toys", "spread"):
        table.add_column(head, justify="left" if head == "test" else "right")
    for test, z in found["significance"].items():
        low, high = z["toys"]["low"], z["toys"]["high"]
        known = [_number(value) for value in (z["value"], z["error"], z["with_error"], z["toys"]["median"])]
        table.add_row(_TITLES[test], *known, f"{low:+.3g} to {high:+.3g}", _number(z["toys"]["std"]))
    console.print(table)
    for text in found["warnings"]:
        console.print(f"[yellow]{escape(text)}[/]")


def yield_rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table of yields."""
    low, high = found["settings"]["window"]
    for name, short in (("hbb", "signal"), ("qcd", "background")):
        for what, text in (("events", "events"), ("window", f"of {low:g} to {high:g} GeV")):
            y, toys_of = found["classes"][name][what], found["toys"][f"{short}_{what}"]
            yield (f"{name} {text}", _number(y["expected"]), _number(y["error"]), str(y["sampled"]), f"{y['effective']:.0f}",
                   f"{y['largest']:.2%}", _number(toys_of["mean"]), _number(toys_of["std"]))


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4g}"

"""``pseudoexp validate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pseudoexp.cli.progress import Progress
from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.validation.compare import Table
    from pseudoexp.validation.run import Outcome

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp validate pythia8.h5 builtin.h5 --out validation/",
    "pseudoexp validate --reference --engine builtin --n 50k --out validation/",
    "pseudoexp validate --reference --n 20k --pythia 20k --limits mine.toml --out validation/",
))
_SHOWN, _WIDTH = 15, 130


def validate(
    files: Annotated[list[Path] | None, typer.Argument(help="Two datasets sampled alike; the first is the standard.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for index.html and validation.json.")] = Path("validation"),
    reference: Annotated[bool, typer.Option("--reference", help="Particle level against shipped histograms.")] = False,
    engine: Annotated[str, typer.Option(help="With --reference: the engine.")] = "builtin",
    n: Annotated[str, typer.Option("--n", help="With --reference: events per process.")] = "20k",
    pythia: Annotated[str, typer.Option(help="With --reference: fresh Pythia8 events per process, too.")] = "0",
    limits: Annotated[Path | None, typer.Option(help="TOML file of limits; the package's by default.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Compare files that differ in card, pile-up or version.")] = False,
    seed: Annotated[int, typer.Option(help="Of the two-sample test and of generated events.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing comparison.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> int:
    """Tell how far two samples are apart: distances, correlations, a classifier two-sample test, a page.

    Exit code 0: all figures within their limits; 1: at least one beyond; 2: not comparable, or a mistake.
    """
    from pseudoexp.api import validate as compare
    from pseudoexp.validation.run import require_folder, require_packages, write

    if len(files or []) not in (0, 2):
        raise ConfigError("validate takes two datasets, or --reference without any")
    first, second = files or (None, None)
    require_packages()
    require_folder(out, force)
    with Progress("events", quiet) as progress:
        outcome = compare(first, second, reference=reference, engine=engine, n=n, pythia=pythia, limits=limits, anyway=anyway,
                          seed=seed, progress=progress.update)
    page = write(outcome, out, force=True)
    if not quiet:
        show(outcome)
        typer.echo(f"page {page}")
    return 0 if outcome.passed else 1


def show(outcome: Outcome) -> None:
    """Print the tables, then the verdict."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    for text in outcome.warnings:
        console.print(f"[yellow]{escape(text)}[/]")
    for table, _ in outcome.tables:
        console.print(_observables(table, {b.observable for b in outcome.breaches if b.sample == table.sample}))
        for where, v in table.verdicts.items():
            names = ", ".join(name for name, _ in v.inputs[:5])
            console.print(f"two-sample test, {where}: AUC {v.auc:.4f} +- {v.error:.4f} ({v.rows} rows of each; {names})")
    for breach in outcome.breaches:
        console.print(f"[red]beyond its limit:[/] {escape(breach.line())}")
    console.print("all figures within their limits" if outcome.passed else f"{len(outcome.breaches)} figures beyond their limits")


def _observables(table: Table, broken: set[str]) -> Any:
    """Return the observables that differ most as a rich table."""
    from rich.table import Table as RichTable

    grid = RichTable(title=f"{table.sample}: the {_SHOWN} observables that differ most", title_justify="left")
    for head in ("observable", "first mean", "second mean", "shift", "spread shift", "TVD beyond statistics", "W/spread", "p"):
        grid.add_column(head, justify="left" if head == "observable" else "right")
    order = sorted(table.distances.items(), key=lambda item: item[1].p_value)
    for name, d in order[:_SHOWN]:
        grid.add_row(name, f"{d.first.mean:.4g} ± {d.first.mean_error:.2g}", f"{d.second.mean:.4g} ± {d.second.mean_error:.2g}",
                     f"{d.mean_shift[0]:+.1%}", f"{d.spread_shift[0]:+.1%}", f"{d.excess:+.4f}", f"{d.wasserstein:.3f}",
                     f"{d.p_value:.2g}", style="red" if name in broken else None)
    return grid

"""``pseudoexp replay``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pseudoexp.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from pseudoexp.replaying.story import Stage, Story, Table, Value

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp replay --event 123456 --process qcd",
    "pseudoexp replay --event 123456 --engine pythia8 --stage shower --rows 0",
    "pseudoexp replay --event 40 --file data.h5 --plot event.png",
))
_WIDTH = 150


def replay(
    event: Annotated[str, typer.Option("--event", help="eventNumber, as in the file; it says which class the event is of.")],
    process: Annotated[str, typer.Option(help="signal or qcd, to be sure.")] = "",
    file: Annotated[Path | None, typer.Option(help="Take all that follows from this dataset, and compare.")] = None,
    seed: Annotated[int, typer.Option(help="The run's seed.")] = 1,
    engine: Annotated[str, typer.Option(help="Event generator of the run: builtin, pythia8 or hepmc.")] = DEFAULT_ENGINE,
    card: Annotated[str, typer.Option(help="Detector card: a name or a TOML file.")] = "atlas-itk",
    pt_bias: Annotated[float, typer.Option(help="The run's sampling bias in pT-hat.")] = 4.0,
    pthat_min: Annotated[float, typer.Option(help="The run's lowest pT-hat [GeV].")] = 150.0,
    pileup: Annotated[float, typer.Option(help="Mean number of pile-up collisions.")] = 0.0,
    tracks: Annotated[int, typer.Option(help="Tracks per row in the dataset tracks.")] = 0,
    signal_fraction: Annotated[float, typer.Option(help="The run's fraction of hbb rows; for benchmarkWeight.")] = 0.5,
    keep_unmatched: Annotated[bool, typer.Option("--keep-unmatched", help="Keep other signal jets too.")] = False,
    hepmc_signal: Annotated[str, typer.Option(help="HepMC file of signal events, for engine hepmc.")] = "",
    hepmc_qcd: Annotated[str, typer.Option(help="HepMC file of QCD events, for engine hepmc.")] = "",
    stage: Annotated[str, typer.Option(help="Tell one stage only: hard, shower, mpi, remnants, strings, hadrons, decays, "
                                            "tracks, jets, vertices or row.")] = "",
    rows: Annotated[int, typer.Option(help="Lines of a table to print; 0: all.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with everything.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the event into this file (png, pdf, svg).")] = None,
) -> None:
    """Tell one event's story, stage by stage, from the hard process to its rows in the file."""
    from pseudoexp.api import replay as ask

    inputs = {"hepmc_signal": hepmc_signal, "hepmc_qcd": hepmc_qcd}
    options: dict[str, Any] = inputs if file else inputs | {
        "seed": seed, "engine": engine, "card": card, "pt_bias": pt_bias, "pthat_min": pthat_min, "pileup": pileup,
        "tracks": tracks, "signal_fraction": signal_fraction, "keep_unmatched": keep_unmatched}
    stages = _stages(stage)
    if plot:
        from pseudoexp.replaying.picture import require_place

        require_place(plot)
    with _waiting():
        story = ask(event, process or None, file=file, **options)
    if plot:
        from pseudoexp.replaying.picture import draw

        draw(story, plot)
    if as_json:
        typer.echo(json.dumps(_json(story, stages), indent=2, allow_nan=False))
        return
    console = _rich_print if sys.stdout.isatty() else _plain_print
    console(story, stages, rows)
    if file:
        typer.echo(_compared(story, file))
    if plot:
        typer.echo(f"drawn: {plot}")


def _waiting() -> AbstractContextManager[Any]:
    """Return what shows a terminal that work goes on."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("making the event again")


def _stages(stage: str) -> tuple[str, ...]:
    from pseudoexp.errors import ConfigError
    from pseudoexp.replaying.story import STAGES

    if stage and stage not in STAGES:
        raise ConfigError(f"stage {stage!r}; allowed: {', '.join(STAGES)}")
    return (stage,) if stage else STAGES


def _json(story: Story, stages: tuple[str, ...]) -> Any:
    from pseudoexp.dataset.digest import finite

    found = story.as_dict()
    found["stages"] = {name: found["stages"][name] for name in stages}
    return finite(found)


def _compared(story: Story, file: Path) -> str:
    from pseudoexp.replaying.compare import rows_in

    stored = rows_in(file, story.number)
    if stored.tobytes() == story.rows.tobytes():
        return f"{file}: holds the same {len(stored)} rows, bit for bit"
    if len(stored) < len(story.rows) and stored.tobytes() == story.rows[:len(stored)].tobytes():
        return f"{file}: holds the first {len(stored)} of these {len(story.rows)} rows, bit for bit; it ends before the rest"
    return f"{file}: holds {len(stored)} rows of this event, NOT the same"


def text_of(value: Value) -> str:
    """Return a value as it is printed: four significant digits, yes or no for truth values."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else ("-" if math.isnan(value) else f"{value:+.0f}")
    return str(value)


def header(story: Story) -> str:
    """Return the line above a story."""
    return (f"event {story.number} ({story.process} {story.event}), seed {story.seed}, engine {story.engine}, card {story.card}: "
            f"{len(story.rows)} row{'' if len(story.rows) == 1 else 's'}")


def heading(stage: Stage) -> str:
    """Return the line above a stage."""
    from pseudoexp.replaying.story import STAGES, TITLES

    return f"{STAGES.index(stage.name) + 1}. {TITLES[stage.name]} ({stage.name})"


def _cells(table: Table, rows: int) -> tuple[list[str], list[tuple[str, ...]], int]:
    heads = [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
    shown = table.rows[:rows] if rows > 0 else table.rows
    return heads, [tuple(map(text_of, row)) for row in shown], len(table.rows) - len(shown)


def plain(story: Story, stages: tuple[str, ...], rows: int) -> Iterator[str]:
    """Yield the story in lines without decoration."""
    yield header(story)
    for name in stages:
        yield from ("", *_plain_stage(story.stages[name], rows))


def _plain_stage(stage: Stage, rows: int) -> Iterator[str]:
    yield heading(stage)
    if stage.missing:
        yield f"   not available: {stage.missing}"
    width = max((len(fact.text) for fact in stage.facts), default=0)
    yield from (f"   {fact.text:{width}}  {text_of(fact.value)} {fact.unit}".rstrip() for fact in stage.facts)
    for table in stage.tables:
        heads, cells, hidden = _cells(table, rows)
        yield f"   {table.title}: {'' if table.rows else 'none'}".rstrip()
        if not table.rows:
            continue
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        for line in (heads, *cells):
            yield ("     " + "  ".join(f"{cell:{w}}" for cell, w in zip_longest(line, widths, fillvalue=""))).rstrip()
        if hidden:
            yield f"     ... and {hidden} more (--rows 0)"


def _plain_print(story: Story, stages: tuple[str, ...], rows: int) -> None:
    for line in plain(story, stages, rows):
        typer.echo(line)


def _rich_print(story: Story, stages: tuple[str, ...], rows: int) -> None:
    from rich.console import Console
    from rich.panel import Panel

    console = Console()
    console.print(Panel(header(story), style="bold"))
    for name in stages:
        _rich_stage(console, story.stages[name], rows)


def _rich_stage(console: Any, stage: Stage, rows: int) -> None:
    from rich import box
    from rich.table import Table as RichTable

    console.rule(f"[bold cyan]{heading(stage)}[/]", align="left")
    if stage.missing:
        console.print(f"not available: {stage.missing}", style="yellow", markup=False)
    if stage.facts:
        grid = RichTable.grid(padding=(0, 2, 0, 0))
        for fact in stage.facts:
            grid.add_row(fact.text, f"[bold]{text_of(fact.value)}[/] {fact.unit}")
        console.print(grid)
    for table in stage.tables:
        heads, cells, hidden = _cells(table, rows)
        if not table.rows:
            console.print(f"{table.title}: none", style="dim", markup=False)
            continue
        view = RichTable(title=table.title, title_justify="left", title_style="italic", box=box.SIMPLE_HEAD, header_style="bold",
                         caption=f"... and {hidden} more (--rows 0)" if hidden else None, caption_justify="left",
                         padding=(0, 1, 0, 0), pad_edge=False)
        for head, first, *column in zip(heads, table.rows[0], *cells, strict=True):
            words = isinstance(first, str)
            view.add_column(head.replace(" [", "\n\\["), justify="left" if words else "right", overflow="fold",
                            min_width=None if words else max(map(len, column)))
        for line in cells:
            view.add_row(*(cell.replace("[", "\\[") for cell in line))
        console.print(view)

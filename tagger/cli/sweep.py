"""`tagger sweep`: a grid of trainings that survives interruptions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

MOST_RESIDENT = 6 * 10**9
"""Bytes of memory from which on the jobs left are done in a fresh process: compiled steps are never given back, 0.2 GB for
every job of kind `luts`."""


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def command(
    request: Annotated[Path, typer.Argument(help="TOML file that says what to do.")],
    out: Annotated[Path, typer.Option(help="Folder of the results; what it holds already is not done again.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but troubles.")] = False,
) -> None:
    r"""Run a grid of prunings, selections, quantisations, distillations and exhaustive searches; go on where it stopped.

    The file names data, seeds and what is common to all trainings, and any number of \[\[scan]] with a kind (prune, select,
    fixed, quantise, luts, distil, layouts, features, robustness, steps), lists of values and, where wanted, seeds of its own;
    `others` names files on which networks of kind robustness are judged, \[notes] what the page shall say. Every finished job
    is a file of its own: Ctrl-C or a kill costs the job at work, and the same command goes on. Exit code 1 if a job failed.

    Example: tagger sweep sweep.toml --out runs/sweep1 && tagger report runs/sweep1 --out resizing.html
    """
    from pseudoexp.cli.interruption import interruptible
    from tagger.sweep import run
    from tagger.sweep_request import Request, jobs_of

    asked = Request.load(request)
    if dry_run:
        for job in jobs_of(asked):
            typer.echo(job.name)
        return
    with interruptible(lambda: f"the same command goes on from {len(list((out / 'results').glob('*.json')))} finished jobs"):
        done = run(asked, out, report=None if quiet else typer.echo, pause=lambda: resident() > MOST_RESIDENT)
    if done.paused:
        options = ["--quiet"] if quiet else []
        os.execv(sys.executable, [sys.executable, "-m", "tagger", "sweep", str(request), "--out", str(out), *options])
    if not quiet:
        typer.echo(f"finished    {done.done} jobs, {done.skipped} were there, {len(done.failed)} failed")
        typer.echo(f"results     {out / 'results'}")
    for name, reason in done.failed.items():
        typer.echo(f"error: {name}: {reason}", err=True)
    if done.failed:
        raise typer.Exit(1)

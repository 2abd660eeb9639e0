"""``pseudoexp calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pseudoexp.cli.progress import Progress
from pseudoexp.errors import ConfigError


def calibrate(
    card: Annotated[str, typer.Argument(help="Detector card: a name or the path of a TOML file.")],
    events: Annotated[str, typer.Option("--events", help="Events to generate, half of them signal.")] = "50k",
    out: Annotated[Path | None, typer.Option("--out", help="The file; CARD.npz here by default.")] = None,
    threads: Annotated[int, typer.Option(help="Worker processes; 0: one per core.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Make the IP3D templates and the jet energy and mass scale of a card, once, at mu = 0."""
    from pseudoexp.calibrate import calibrate as make
    from pseudoexp.config import load_card
    from pseudoexp.core.files import require_writable
    from pseudoexp.production.run_config import parse_count, require_engine

    count = parse_count(events, "events", 1000, 10**9)
    path = out or Path(f"{load_card(card).name}.npz")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; --force replaces it")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    if path.suffix != ".npz" or path.is_dir():
        raise ConfigError(f"{path}: allowed: the name of a .npz file")
    require_writable(path)
    require_engine("pythia8")
    with Progress("steps", quiet) as progress:
        made = make(card, count, path, parse_count(threads, "threads", 0, 4096),
                    lambda done, total: progress.update("calibrating", done, total))
    if not quiet:
        typer.echo(f"wrote {made}; a card uses it with: calibration = \"{made}\"")

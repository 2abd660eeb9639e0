"""`tagger transfer`: train on one file, test on another, and the reverse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tagger.cli.terminal import epoch_line, numbers, rejection_text, words


def command(
    first: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    second: Annotated[Path, typer.Argument(help="Another one, such as of another engine.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write all figures to.")] = None,
    hidden: Annotated[str, typer.Option(help="Nodes of the hidden layers.")] = "64,32,16",
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 40,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of rows.")] = 1,
    inputs: Annotated[str | None, typer.Option(help="Names of the inputs, with commas; all 39 by default.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Take files that differ in card, pile-up or version.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train on each of two files and test on both: what is lost when a network moves from one to the other.

    Example: tagger transfer pythia8.h5 builtin.h5 --out transfer.json
    """
    from pseudoexp.core.files import require_writable
    from pseudoexp.errors import ConfigError
    from pseudoexp.validation.samples import require_comparable
    from tagger.data import TaggerData
    from tagger.runs import write_json
    from tagger.train import TrainConfig
    from tagger.transfer import transfer

    if out is not None:
        if out.exists() and not (force and out.is_file()):
            raise ConfigError(f"{out}: exists already; --force replaces a file")
        require_writable(out)
    config = TrainConfig(hidden=numbers(hidden, "--hidden"), epochs=epochs, seed=seed, inputs=words(inputs))
    warnings = require_comparable(first, second, anyway)
    data = [TaggerData.load(path, config.inputs) for path in (first, second)]
    names = {"first": first.stem, "second": second.stem}

    def report(name: str) -> Callable[..., None]:
        typer.echo(f"training on {names[name]}")
        return epoch_line

    result = transfer(data[0], data[1], config, None if quiet else report)
    if out is not None:
        write_json(out, result | {"warnings": warnings})
    if not quiet:
        show(result, names, warnings)


def show(result: dict[str, Any], names: dict[str, str], warnings: list[str]) -> None:
    """Print rejections side by side, then what moving costs."""
    for text in warnings:
        typer.echo(f"warning: {text}")
    for trained, mine in result["results"].items():
        for tested, figures in mine.items():
            cells = [f"{rejection_text(figures['rejection'][e])} at {float(e):.0%}" for e in ("0.5", "0.6")]
            typer.echo(f"trained on {names[trained]}, tested on {names[tested]}: AUC {figures['auc']:.4f} +- "
                       f"{figures['auc_error']:.4f}, rejection {', '.join(cells)}")
    for tested, losses in result["losses"].items():
        cells = [f"{_loss(entry)} at {float(e):.0%}" for e, entry in losses.items()]
        typer.echo(f"loss of rejection on {names[tested]} of the network from elsewhere: {', '.join(cells)}")


def _loss(entry: dict[str, float | None]) -> str:
    if entry["loss"] is None:
        return "unknown"
    error = "" if entry["error"] is None else f" +- {entry['error']:.1%}"
    return f"{entry['loss']:+.1%}{error}"

"""What the subcommands print, and the options they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from tagger.runs import Run


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Return the whole numbers of a list with commas; an empty text is an empty list.

    Raises
    ------
    ConfigError
        If a word is no whole number.
    """
    parts = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() for word in parts):
        raise ConfigError(f"{option} {text!r}: whole numbers with commas are allowed, such as 64,32,16")
    return tuple(int(word) for word in parts)


def exactly_one(given: dict[str, str | None]) -> tuple[str, str]:
    """Return name and text of the one option that was given.

    Raises
    ------
    ConfigError
        If none or several were.
    """
    said = [(name, text) for name, text in given.items() if text is not None]
    if len(said) != 1:
        raise ConfigError(f"exactly one of {', '.join('--' + name for name in given)} is needed, {len(said)} are given")
    return said[0]


def words(text: str | None) -> tuple[str, ...] | None:
    """Return the words of a list with commas, None for None."""
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())


def epoch_line(epoch: int, epochs: int, logs: dict[str, float], seconds_left: float) -> None:
    """Print one line on an epoch."""
    left = f"{seconds_left:.0f} s left" if seconds_left < 100 else f"{seconds_left / 60:.0f} min left"
    typer.echo(f"epoch {epoch:3d}/{epochs}  loss {logs['loss']:.4f}  val loss {logs['val_loss']:.4f}  "
               f"val AUC {logs['val_auc']:.4f}  {left}")


def summary(run: Run) -> None:
    """Print size, AUC, rejections and place of a saved run."""
    model, figures = run.metrics["model"], run.metrics["weightings"]["benchmark"]
    layout = "-".join(str(nodes) for nodes in model["layout"])
    typer.echo(f"network     {model['inputs']} inputs, {layout} hidden nodes, {model['parameters']} parameters")
    typer.echo(f"AUC         {figures['auc']:.4f} +- {figures['auc_error']:.4f}  (test split, benchmark weights)")
    cells = [f"{rejection_text(point)} at {float(efficiency):.0%}" for efficiency, point in figures["rejection"].items()]
    typer.echo(f"rejection   {', '.join(cells)}")
    typer.echo(f"run folder  {run.path}")


def rejection_text(point: dict[str, Any]) -> str:
    """Return a rejection with its error, or its lower limit, such as '153 +- 12' or '> 200'."""
    if point["rejection"] is None:
        return f"> {point['rejection_above']:.3g}"
    digits = 0 if point["rejection"] >= 100 else 1
    return f"{point['rejection']:.{digits}f} +- {point['rejection_error']:.{digits}f}"

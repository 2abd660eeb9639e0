"""`tagger train`: a network from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.terminal import epoch_line, numbers, summary, words


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    hidden: Annotated[str, typer.Option(help="Nodes of the hidden layers.")] = "64,32,16",
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 40,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 2e-3,
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss before stopping; 0: never.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of rows.")] = 1,
    inputs: Annotated[str | None, typer.Option(help="Names of the inputs, with commas; all 39 by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train the H->bb network on a file and judge it on the test split.

    Example: tagger train data.h5 --out runs/base --hidden 64,32,16
    """
    from tagger.data import TaggerData
    from tagger.runs import check_target
    from tagger.train import TrainConfig, train

    config = TrainConfig(hidden=numbers(hidden, "--hidden"), epochs=epochs, batch=batch, learning_rate=learning_rate,
                         seed=seed, patience=patience, inputs=words(inputs))
    check_target(out, force)
    run = train(TaggerData.load(data, config.inputs), config, report=None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        summary(run)

"""`tagger select`: a network on exactly so many features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    features: Annotated[str, typer.Option(help="Inputs to keep: a number, or a share such as 30%.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    method: Annotated[str, typer.Option(help="autopruner, cancelout, ranking (CancelOut as published), magnitude, norm, "
                                                "l1, iterative, random, trees.")] = "autopruner",
    constraint: Annotated[str | None, typer.Option(help="Of autopruner: fermi, penalty or topk; fermi by default.")] = None,
    hidden: Annotated[str, typer.Option(help="Nodes of the hidden layers.")] = "64,32,16",
    epochs: Annotated[int, typer.Option(help="Epochs at most; of autopruner 60 % of them before the choice is final.")] = 40,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 2e-3,
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss, after the choice.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of rows.")] = 1,
    inputs: Annotated[str | None, typer.Option(help="Inputs to choose from, with commas; all 39 by default.")] = None,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train afresh on the features kept.")] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Train the small network on, its weights kept.")] = False,
    rounds: Annotated[int, typer.Option(help="Of iterative: times that some are removed.")] = 3,
    group_track_jets: Annotated[bool, typer.Option(
        "--group-track-jets", help="The same feature of both track jets counts once: both stay or both go.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train a network and find its best inputs while it trains: exactly as many as asked for are left.

    Example: tagger select data.h5 --features 12 --out runs/f12
    """
    from tagger.cli.terminal import epoch_line, numbers, summary, words
    from tagger.data import TaggerData
    from tagger.resize.training import ResizeOptions, select_features
    from tagger.runs import check_target
    from tagger.train import TrainConfig

    options = ResizeOptions(method=method, where="inputs", constraint=constraint, retrain=retrain, tune=tune,
                            rounds=rounds, group_track_jets=group_track_jets)
    config = TrainConfig(hidden=numbers(hidden, "--hidden"), epochs=epochs, batch=batch, learning_rate=learning_rate,
                         seed=seed, patience=patience, inputs=words(inputs))
    check_target(out, force)
    rows = TaggerData.load(data, config.inputs)
    run = select_features(rows, features, options, config, report=None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        typer.echo(f"features    {', '.join(run.inputs)}")
        summary(run)

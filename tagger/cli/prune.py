"""`tagger prune`: a trained network made smaller, to exactly so many nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    model: Annotated[Path, typer.Option(help="Run folder of the network to start from.")],
    nodes: Annotated[str, typer.Option(help="Nodes to keep in total: a number, or a share such as 50%.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    where: Annotated[str, typer.Option(help="hidden, inputs, all, or names of layers with commas.")] = "hidden",
    method: Annotated[str, typer.Option(help="autopruner, cancelout, random or magnitude.")] = "autopruner",
    constraint: Annotated[str, typer.Option(help="Of autopruner: fermi, penalty or topk.")] = "fermi",
    epochs: Annotated[int, typer.Option(help="Epochs at most; of autopruner 60 % of them before the choice is final.")] = 40,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 2e-3,
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss, after the choice.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the order of rows.")] = 1,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train the layout found afresh.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Make a network smaller while it trains on: exactly as many nodes as asked for are left, each layer keeps one.

    Example: tagger prune data.h5 --model runs/f12 --nodes 50% --out runs/half
    """
    from tagger.cli.terminal import epoch_line, summary
    from tagger.data import TaggerData
    from tagger.resize.training import ResizeOptions, prune
    from tagger.runs import Run, check_target
    from tagger.train import TrainConfig

    options = ResizeOptions(method=method, where=where, constraint=constraint, retrain=retrain)
    config = TrainConfig(epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed, patience=patience)
    check_target(out, force)
    parent = Run.load(model)
    rows = TaggerData.load(data, parent.inputs)
    run = prune(parent, rows, nodes, options, config, report=None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        kept = run.metrics["resize"]
        typer.echo(f"kept        {kept['kept']['budget']} of {kept['asked']['budget']} asked for: "
                   + ", ".join(f"{name} {count}" for name, count in kept["layout"].items()))
        summary(run)

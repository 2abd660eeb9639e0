"""`tagger distil`: a small network that learns from a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    teacher: Annotated[Path, typer.Option(help="Run folder of the large network.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    hidden: Annotated[str, typer.Option(help="Nodes of the student's hidden layers.")] = "16,8",
    nodes: Annotated[str | None, typer.Option(help="Resize the student meanwhile: nodes to keep, or a share.")] = None,
    method: Annotated[str, typer.Option(help="Of the resizing, see `tagger prune`.")] = "autopruner",
    share: Annotated[float, typer.Option(help="The teacher's share of the loss, 0 to 1.")] = 0.5,
    temperature: Annotated[float, typer.Option(help="By which both logits are divided in the teacher's part.")] = 2.0,
    inputs: Annotated[str | None, typer.Option(help="The student's inputs, with commas; the teacher's by default.")] = None,
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 40,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 2e-3,
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss after which to stop.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of rows.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train a small network on the labels and on the logits of a large one; with --nodes it is resized meanwhile.

    Example: tagger distil data.h5 --teacher runs/base --hidden 16,8 --out runs/d
    """
    from tagger.cli.terminal import epoch_line, numbers, summary, words
    from tagger.data import TaggerData
    from tagger.distil import distil
    from tagger.runs import Run, check_target
    from tagger.train import TrainConfig

    chosen = words(inputs)
    config = TrainConfig(hidden=numbers(hidden, "--hidden"), epochs=epochs, batch=batch, learning_rate=learning_rate,
                         seed=seed, patience=patience, inputs=chosen, soft_share=share, soft_temperature=temperature)
    check_target(out, force)
    large = Run.load(teacher)
    rows = TaggerData.load(data, tuple(dict.fromkeys([*large.inputs, *(chosen or ())])))
    run = distil(rows, large, config, nodes, method, report=None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        summary(run)

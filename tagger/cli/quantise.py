"""`tagger quantise`: a run in fixed point, its bit widths learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    model: Annotated[Path, typer.Option(help="Run folder of a float network.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    beta: Annotated[float, typer.Option(help="Price of a bit operation: larger makes a smaller network.")] = 3e-5,
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 60,
    tolerance: Annotated[float, typer.Option(help="Validation AUC that may be lost.")] = 0.0015,
    patience: Annotated[int, typer.Option(help="Stop after so many epochs in a row outside the tolerance.")] = 10,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 3e-3,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of the order of the rows.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Turn a run into fixed point: bits are learned, and the smallest network within the tolerance is kept.

    Example: tagger quantise data.h5 --model runs/half --out runs/q
    """
    from tagger.cli.terminal import epoch_line, summary
    from tagger.data import TaggerData
    from tagger.quantise import QuantiseOptions, quantised_run, save_with_rows
    from tagger.runs import Run, check_target

    options = QuantiseOptions(beta=beta, epochs=epochs, tolerance=tolerance, patience=patience,
                              learning_rate=learning_rate, batch=batch, seed=seed)
    check_target(out, force)
    parent = Run.load(model)
    rows = TaggerData.load(data, parent.inputs)
    run = quantised_run(parent, rows, options, report=None if quiet else epoch_line)
    save_with_rows(run, rows, out, force)
    if quiet:
        return
    summary(run)
    found = run.metrics["quantisation"]
    typer.echo(f"quantised   {found['ebops']} EBOPs; test AUC {found['auc']:.4f}, float {found['float_auc']:.4f}; "
               f"epoch {found['epoch']}")
    if not found["within_tolerance"]:
        typer.echo(f"note: no epoch stayed within {tolerance:g} of the float network's validation AUC; "
                   "try a smaller --beta or more --epochs", err=True)

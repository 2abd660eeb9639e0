"""`tagger prune`: a network made smaller while it trains, to exactly so many nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    model: Annotated[Path | None, typer.Option(help="Run folder of the trained network to start from; without it a new "
                                                    "one is pruned while it learns.")] = None,
    hidden: Annotated[str | None, typer.Option(help="Without --model: hidden layers of the network that is pruned; 64,32,16 "
                                                    "by default.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Without --model: inputs to use, with commas; all 39 by default.")] = None,
    nodes: Annotated[str | None, typer.Option(help="Nodes to keep in total: a number, or a share such as 50%.")] = None,
    multiplications: Annotated[str | None, typer.Option(help="Instead of nodes: multiplications at most, or a share.")] = None,
    luts: Annotated[str | None, typer.Option(help="Instead of nodes: LUTs of 8 bits at most, or a share. The price is that of "
                                                  "multiplications times a constant; synthesis decides.")] = None,
    synthesis: Annotated[bool, typer.Option("--synthesis/--estimate", help="With --luts: synthesise (Yosys) the network in "
                                            "8 bits and correct until it fits; or trust the estimate.")] = True,
    group_track_jets: Annotated[bool, typer.Option(
        "--group-track-jets", help="The same input of both track jets stays or goes as one.")] = False,
    where: Annotated[str, typer.Option(help="hidden, inputs, all, or names of layers with commas.")] = "hidden",
    method: Annotated[str, typer.Option(help="autopruner, cancelout, ranking (CancelOut as published), magnitude, norm, "
                                                "l1, iterative, random.")] = "autopruner",
    constraint: Annotated[str | None, typer.Option(help="Of autopruner: fermi, penalty or topk; topk by default, without "
                                                         "--model fermi where inputs are among what is pruned.")] = None,
    epochs: Annotated[int, typer.Option(help="Epochs at most; of autopruner 60 % of them before the choice is final.")] = 40,
    batch: Annotated[int | None, typer.Option(help="Rows per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start of the cosine schedule.")] = 2e-3,
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss, after the choice.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the order of rows and, without --model, of the weights.")] = 1,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train the layout found afresh.")] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Train the small network on, its weights kept.")] = False,
    rounds: Annotated[int, typer.Option(help="Of iterative: times that some are removed.")] = 3,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Make a network smaller while it trains: exactly as many nodes as asked for are left, each layer keeps one.

    With --model training goes on from that network's weights; without it a new network is trained and pruned in the same
    --epochs. --retrain and --tune take as many again, --luts prunes up to four times.

    Example: tagger prune data.h5 --model runs/f12 --nodes 50% --out runs/half
    """
    from pseudoexp.errors import ConfigError
    from tagger.cli.terminal import epoch_line, exactly_one, numbers, summary, words
    from tagger.data import TaggerData
    from tagger.firmware.adder_graph import require_da4ml
    from tagger.firmware.tools import yosys
    from tagger.resize.lut_check import prune_under
    from tagger.resize.training import ResizeOptions, prune
    from tagger.runs import Run, check_target
    from tagger.train import TrainConfig

    cost, count = exactly_one({"nodes": nodes, "multiplications": multiplications, "luts": luts})
    options = ResizeOptions(method=method, where=where, constraint=constraint, retrain=retrain, tune=tune, rounds=rounds,
                            cost=cost, group_track_jets=group_track_jets)
    if model is not None and (hidden, inputs) != (None, None):
        raise ConfigError("--hidden and --inputs are those of the network of --model: they are for prunings without it")
    layers = TrainConfig.hidden if hidden is None else numbers(hidden, "--hidden")
    config = TrainConfig(hidden=layers, inputs=words(inputs), epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed,
                         patience=patience)
    check_target(out, force)
    verified = cost == "luts" and synthesis
    if verified:
        require_da4ml()
        yosys()
    parent = Run.load(model) if model else None
    rows = TaggerData.load(data, parent.inputs if parent else config.inputs)
    run = (prune_under if verified else prune)(parent, rows, count, options, config, None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        kept = run.metrics["resize"]
        unit = "" if cost == "nodes" else f" {cost}"
        typer.echo(f"kept        {kept['kept']['budget']:g} of {kept['asked']['budget']:g}{unit} asked for: "
                   + ", ".join(f"{name} {count}" for name, count in kept["layout"].items()))
        if verified:
            typer.echo(f"LUTs        {kept['luts']['synthesised']:.0f} of {kept['luts']['limit']:.0f}, rounded to 8 bits and "
                       f"synthesised (Yosys), {len(kept['luts']['tried'])} prunings")
        summary(run)

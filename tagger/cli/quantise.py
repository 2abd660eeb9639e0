"""`tagger quantise`: a run in fixed point, its bit widths learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from tagger.joint import Budgeted
    from tagger.quantise import QuantiseOptions
    from tagger.runs import Run


def command(
    data: Annotated[Path, typer.Argument(help="File made by `pseudoexp generate`.")],
    model: Annotated[Path, typer.Option(help="Run folder of a float network.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    beta: Annotated[float, typer.Option(help="Price of a bit operation: larger makes a smaller network.")] = 3e-5,
    luts: Annotated[float | None, typer.Option(help="Instead of a tolerance: keep the best network of at most so many "
                                                    "LUTs; beta follows.")] = None,
    synthesis: Annotated[bool, typer.Option("--synthesis/--estimate", help="With --luts: synthesise (Yosys) what is kept, and "
                                            "step down while it is too large; or trust da4ml's estimate.")] = True,
    nodes: Annotated[str | None, typer.Option(help="With --luts: prune in the same training (AutoPruner) to exactly so many "
                                                   "nodes, or a share such as 50%.")] = None,
    multiplications: Annotated[str | None, typer.Option(help="Instead of nodes: multiplications at most, or a share.")] = None,
    where: Annotated[str, typer.Option(help="Of --nodes: hidden, inputs, all, or names of layers with commas.")] = "hidden",
    group_track_jets: Annotated[bool, typer.Option("--group-track-jets", help="Of --where inputs or all: the same input of both "
                                                   "track jets stays or goes as one.")] = False,
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

    Examples: tagger quantise data.h5 --model runs/half --out runs/q
    tagger quantise data.h5 --model runs/base --luts 2000 --nodes 50% --out runs/q
    """
    from tagger.cli.terminal import epoch_line, exactly_one, summary
    from tagger.data import TaggerData
    from tagger.joint import Budgeted, joint_run
    from tagger.quantise import QuantiseOptions, quantised_run, save_with_rows
    from tagger.runs import Run, check_target

    options = QuantiseOptions(beta=beta, epochs=epochs, tolerance=tolerance, patience=patience,
                              learning_rate=learning_rate, batch=batch, seed=seed, luts=luts)
    budget = None
    if nodes is not None or multiplications is not None:
        cost, count = exactly_one({"nodes": nodes, "multiplications": multiplications})
        if luts is None:
            raise ConfigError(f"--{cost} prunes towards a limit of LUTs: --luts is needed beside it")
        budget = Budgeted(count, where, cost, group_track_jets)
    elif group_track_jets:
        raise ConfigError("--group-track-jets says how inputs are pruned: --nodes or --multiplications is needed beside it")
    check = _synthesis(synthesis) if luts is not None else None
    check_target(out, force)
    parent = Run.load(model)
    rows = TaggerData.load(data, parent.inputs)
    told = None if quiet else epoch_line
    if budget is None:
        run = quantised_run(parent, rows, options, told, check)
    else:
        run = joint_run(parent, rows, budget, options, told, check)
    save_with_rows(run, rows.select(run.inputs), out, force)
    if quiet:
        return
    summary(run)
    _say(run, budget, options)


def _say(run: Run, budget: Budgeted | None, options: QuantiseOptions) -> None:
    """Print what was kept, what it costs and what a network outside the tolerance lacks."""
    if budget is not None:
        resized = run.metrics["resize"]
        unit = "" if budget.cost == "nodes" else f" {budget.cost}"
        typer.echo(f"kept        {resized['kept']['budget']:g} of {resized['asked']['budget']:g}{unit} asked for: "
                   + ", ".join(f"{name} {count}" for name, count in resized["layout"].items()))
    found = run.metrics["quantisation"]
    typer.echo(f"quantised   {found['ebops']} EBOPs; test AUC {found['auc']:.4f}, float {found['float_auc']:.4f}; "
               f"epoch {found['epoch']}")
    typer.echo(f"left        {left_text(found['left'], [len(run.inputs), *run.metrics['model']['layout']])}")
    if options.luts is not None:
        luts = found["luts"]
        made = "not synthesised" if luts["synthesised"] is None else f"{luts['synthesised']:.0f} synthesised (Yosys)"
        typer.echo(f"LUTs        {luts['estimated']:.0f} estimated (da4ml), {made}; limit {options.luts:g}")
    if not found["within_tolerance"]:
        typer.echo(f"note: no epoch stayed within {options.tolerance:g} of the float network's validation AUC; "
                   "try a smaller --beta or more --epochs", err=True)


def left_text(left: list[int], before: list[int]) -> str:
    """Return what bits of zero have left of the inputs and of the nodes of each hidden layer, and what they took."""
    nodes = f", {'-'.join(map(str, left[1:]))} nodes" if left[1:] else ""
    took = "none away" if left == before else "the others away" if any(left) else "all away, the logit is a constant"
    return f"{left[0]} of {before[0]} inputs{nodes}; bits of zero took {took}"


def _synthesis(wanted: bool) -> Callable[[Any], float] | None:
    """Return what synthesises a network, None if the estimate is enough; complain before any work if a tool is missing."""
    from tagger.bit_budget import synthesised_luts
    from tagger.firmware.adder_graph import require_da4ml
    from tagger.firmware.tools import yosys

    require_da4ml()
    if not wanted:
        return None
    yosys()
    return synthesised_luts

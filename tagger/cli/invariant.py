"""`tagger invariant`: a network that says the same of a jet whatever the pile-up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    files: Annotated[list[Path], typer.Argument(help="The same events under different pile-up; the first one is nominal.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    method: Annotated[str, typer.Option(help="nominal (the first file alone), plain (all), paired (and the logits of a jet's "
                                             "views drawn together), stochastic (Bernoulli units, their probabilities drawn "
                                             "together) or adversarial.")] = "stochastic",
    strength: Annotated[float | None, typer.Option(help="Weight of the method's term in the loss.")] = None,
    gradient: Annotated[str, typer.Option(help="Of Bernoulli units: straight-through or score.")] = "straight-through",
    term: Annotated[str, typer.Option(help="Of a stochastic network: units or logit.")] = "units",
    draws: Annotated[int, typer.Option(help="Of each row in a step, with Bernoulli units; 0: sigmoid units, never drawn.")] = 2,
    samples: Annotated[int, typer.Option(help="Draws whose mean is judged beside the expectation; 0: none.")] = 16,
    hidden: Annotated[str, typer.Option(help="Nodes of the hidden layers.")] = "64,32,16",
    epochs: Annotated[int, typer.Option(help="Epochs; all are run.")] = 20,
    batch: Annotated[int | None, typer.Option(help="Jets per step; at least 64 steps per epoch by default.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam, at the start of the cosine schedule; 0.03 for "
                                                             "stochastic, else 0.01.")] = None,
    seed: Annotated[int, typer.Option(help="Of the weights, the order of rows and the draws.")] = 1,
    inputs: Annotated[str | None, typer.Option(help="Names of the inputs, with commas; all 39 by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train on the same jets under several amounts of pile-up and say how far the score moves between them.

    Example: tagger invariant mu0.h5 mu60.h5 mu200.h5 --method stochastic --out runs/calm
    """
    from tagger.cli.terminal import epoch_line, numbers, summary, words
    from tagger.invariant.training import METHODS, InvariantOptions, train_invariant
    from tagger.invariant.views import Views
    from tagger.runs import check_target
    from tagger.train import TrainConfig

    options = InvariantOptions(method, strength, gradient, term, draws, samples)
    rate = METHODS[method].rate if learning_rate is None else learning_rate
    config = TrainConfig(hidden=numbers(hidden, "--hidden"), epochs=epochs, batch=batch, learning_rate=rate, seed=seed,
                         patience=0, inputs=words(inputs))
    check_target(out, force)
    run = train_invariant(Views.load(files, config.inputs), options, config, report=None if quiet else epoch_line)
    run.save(out, force)
    if not quiet:
        summary(run)
        show(run.metrics["invariance"])


def show(found: dict[str, Any]) -> None:
    """Print what was joined, the figures under each pile-up, and how far the score moves."""
    from tagger.cli.terminal import rejection_text

    jets = found["jets"]["test"]
    missing = ", ".join(f"{n} not at mu {mu:g}" for mu, n in zip(found["pileup"], jets["missing"], strict=True))
    typer.echo(f"test jets   {jets['jets']}, {jets['all']} of them in all files, {missing}")
    for mu, figures in zip(found["pileup"], found["figures"], strict=True):
        cells = [f"{rejection_text(figures['rejection'][e])} at {float(e):.0%}" for e in ("0.5", "0.6")]
        typer.echo(f"mu {mu:<8g} AUC {figures['auc']:.4f} +- {figures['auc_error']:.4f}, rejection {', '.join(cells)}")
    for moved in found["moved"]:
        first, other = moved["pileup"]
        for name in ("hbb", "qcd"):
            own = moved[name]
            typer.echo(f"mu {first:g} to {other:g}, {name}: {own['changed']['0.5']:.2%} change sides at "
                       f"50 %, Wasserstein distance {own['wasserstein']:.3f} sigma, pile-up guessed with AUC {own['guess']:.3f}")

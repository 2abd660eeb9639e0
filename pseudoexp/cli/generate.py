"""``pseudoexp generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pseudoexp.cli.interruption import interruptible, nothing_written
from pseudoexp.cli.progress import Progress
from pseudoexp.core.files import real_place
from pseudoexp.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp generate --n 20k --out data.h5",
    "pseudoexp generate --n 4e6 --out data.h5 --seed 7 --threads 16 --resume",
    "pseudoexp generate --n 4e6 --out shards/3.h5 --shard 3/8",
    "pseudoexp generate --n 1e8 --out data.h5 --dask tcp://scheduler:8786",
    "pseudoexp generate --n 1e6 --out hlt.h5 --card hlt --pileup 60 --tracks 40",
    "pseudoexp generate --n 10k --out herwig.h5 --engine hepmc --hepmc-signal hbb.hepmc.gz --hepmc-qcd qcd.hepmc.gz",
))


def generate(
    n: Annotated[str, typer.Option("--n", help="Rows of class hbb or qcd, exactly; 4e6 and 200k are understood.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    signal_fraction: Annotated[float, typer.Option(help="Fraction of hbb rows.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Same seed and options, same rows.")] = 1,
    threads: Annotated[int, typer.Option(help="Worker processes; 0: one per core.")] = 0,
    engine: Annotated[str, typer.Option(help="builtin, pythia8, or hepmc (reads files).")] = DEFAULT_ENGINE,
    card: Annotated[str, typer.Option(help="Detector card: a name (see cards list) or a TOML file.")] = "atlas-itk",
    pt_bias: Annotated[float, typer.Option(help="Power of the sampling bias in pT-hat; weights undo it.")] = 4.0,
    pthat_min: Annotated[float, typer.Option(help="Lowest pT-hat [GeV].")] = 150.0,
    pileup: Annotated[float, typer.Option(help="Mean number of pile-up collisions.")] = 0.0,
    tracks: Annotated[int, typer.Option(help="Tracks per row in the dataset tracks; 0: none.")] = 0,
    images: Annotated[int, typer.Option(help="Pixels per side of the calorimeter images in the dataset images, such as 32; "
                                             "0: none.")] = 0,
    compression: Annotated[str, typer.Option(help="none, lzf or gzip; none reads fastest.")] = "none",
    keep_unmatched: Annotated[bool, typer.Option("--keep-unmatched", help="Keep other signal jets too.")] = False,
    variations: Annotated[bool, typer.Option("--variations", help="Write event weights for other shower and fragmentation "
                                                                  "parameters (engine builtin): mcEventWeights.")] = False,
    hepmc_signal: Annotated[str, typer.Option(help="HepMC file of signal events, for --engine hepmc.")] = "",
    hepmc_qcd: Annotated[str, typer.Option(help="HepMC file of QCD events, for --engine hepmc.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    shard: Annotated[str, typer.Option(help="Make part i of n of the file, as i/n; merge puts the parts together.")] = "",
    dask: Annotated[str, typer.Option(help="Have a Dask scheduler's workers make the rows: tcp://host:8786; local:4 starts "
                                           "four here.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, print the plan, write nothing.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Print what each stage took, from hard process to file.")
                      ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Generate a dataset: one row per large-R jet with 39 inputs, H->bb signal and QCD background."""
    from pseudoexp.api import generate as make

    options: dict[str, Any] = {
        "signal_fraction": signal_fraction, "seed": seed, "threads": threads, "engine": engine, "card": card,
        "pt_bias": pt_bias, "pthat_min": pthat_min, "pileup": pileup, "tracks": tracks, "images": images,
        "compression": compression, "keep_unmatched": keep_unmatched, "variations": variations,
        "hepmc_signal": hepmc_signal, "hepmc_qcd": hepmc_qcd, "force": force, "resume": resume, "shard": shard, "dask": dask}
    if dry_run:
        typer.echo(plan_text(make(n, out, dry_run=True, **options)))
        return
    with interruptible(lambda: _kept(out)), Progress("rows", quiet, {"pile-up library": "events"}) as progress:
        summary = make(n, out, progress=progress.update, profile=profile, **options)
    if not quiet:
        typer.echo(summary_text(summary))
    if profile:
        from pseudoexp.cli.profile import profile_text

        typer.echo(profile_text(summary))


def _kept(out: Path) -> str:
    parts = Path(f"{real_place(out)}.parts")
    return (f"finished chunks are kept in {parts}, the same command with --resume continues" if parts.exists()
            else nothing_written())


def plan_text(plan: Bunch) -> str:
    """Return the plan as lines."""
    library = ["the pile-up library is made first: three minutes of one core, once per user"] if plan.makes_pileup_library else []
    share = [f"shard {plan.shard}: about these rows, and a margin"] if plan.shard else []
    return "\n".join([
        f"{plan.path}: {plan.rows['hbb']} hbb + {plan.rows['qcd']} qcd rows, {plan.bytes / 1e6:.1f} MB uncompressed",
        f"about {plan.chunks['signal']} signal and {plan.chunks['qcd']} QCD chunks", *share, *library,
        f"seed {plan.configuration['seed']}, configuration {plan.configuration_hash}",
        "dry run: nothing written",
    ])


def summary_text(summary: Bunch) -> str:
    """Return the summary as lines."""
    counts = " + ".join(f"{count} {name}" for name, count in summary.rows.items())
    lines = [f"{summary.path}: {counts} rows, seed {summary.seed}"]
    for process, tried in summary.events_tried.items():
        lines.append(f"  {process}: {tried} events tried, cross-section {summary.cross_section[process]:.4g} pb"
                     + _efficiency(summary, process))
    if "rate" in summary:
        lines.append(f"  {summary.seconds:.1f} s, {summary.rate:.1f} rows/s")
    else:
        lines.append("  complete already, verified")
    return "\n".join([*lines, f"  dataset hash {summary.dataset_hash}", f"  sha256 {summary.sha256}"])


def _efficiency(summary: Bunch, process: str) -> str:
    efficiency: dict[str, Any] = summary.get("filter_efficiency", {})
    return f", filter efficiency {efficiency[process]:.4g}" if process in efficiency else ""

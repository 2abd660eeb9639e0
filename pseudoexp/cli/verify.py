"""``pseudoexp verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress

EXAMPLES = "\n\n".join((
    "Examples:",
    "pseudoexp verify data.h5",
    "pseudoexp verify data.h5 --repair",
    "pseudoexp verify data.h5 --list changed.txt",
    "pseudoexp verify v1-small.h5 --release v1-small",
))


def verify(
    file: Annotated[Path, typer.Argument(help="A dataset.")],
    repair: Annotated[bool, typer.Option("--repair", help="Make exactly the changed rows again.")] = False,
    threads: Annotated[int, typer.Option(help="Worker processes to make rows again; 0: one per core.")] = 0,
    listing: Annotated[Path | None, typer.Option("--list", metavar="FILE", help="If anything is damaged, write every changed row "
                                                 "and column there, a line each: dataset, row, column.")] = None,
    release: Annotated[str, typer.Option(help="Compare the file with a release of the benchmark, too.")] = "",
    hepmc_signal: Annotated[str, typer.Option(help="HepMC file of signal events, if the dataset was made from such.")] = "",
    hepmc_qcd: Annotated[str, typer.Option(help="HepMC file of QCD events, if the dataset was made from such.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> int:
    """Recompute the hashes of a dataset and name every changed row. Exit code 1 if anything differs."""
    from pseudoexp.api import verify as check

    if release:
        from pseudoexp.benchmark.registry import release as known

        known(release)

    with interruptible(lambda: f"{file} is as it was"), Progress("blocks", quiet) as progress:
        checked = check(file, repair=repair, threads=threads, hepmc_signal=hepmc_signal, hepmc_qcd=hepmc_qcd,
                        listing=listing or "", progress=progress.update)
    if checked.repaired:
        from pseudoexp.production.verifying import naming

        rows = f"{len(checked.changed)} rows made again: {naming(checked.changed, len(checked.changed))}"
        what = rows if checked.changed else "all rows were as written"
        typer.echo(f"{file}: repaired; {what}")
    typer.echo(f"{file}: {checked.rows} rows, dataset hash {checked.dataset_hash} as written")
    typer.echo(f"sha256 {checked.sha256} as in the sidecar" if checked.sha256 else "no sidecar with the file's SHA-256")
    return _compare(file, release) if release else 0


def _compare(file: Path, name: str) -> int:
    from pseudoexp.benchmark.compare import compare

    found = compare(file, name)
    for line in (*found.differences, *found.notes):
        typer.echo(line)
    is_it = "is not" if found.differences else "is" if found.release.dataset_hash else "may be, by its configuration,"
    typer.echo(f"{file} {is_it} release {found.release.name} ({found.release.status})")
    return 1 if found.differences else 0

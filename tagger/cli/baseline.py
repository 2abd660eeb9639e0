"""`tagger baseline`: what simple methods reach on the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(help="cuts, kinematics, logistic, boosted-trees, network; deep-sets, gru, gru-inputs "
                                         "on tracks, cnn on images; or all that read the 39 inputs alone: all.")],
    release: Annotated[str, typer.Option(help="The release.")] = "v1-small",
    out: Annotated[Path, typer.Option(help="Folder for the results, NAME-RELEASE.json.")] = Path("benchmark/results"),
    scores: Annotated[Path, typer.Option(help="Folder for the scores, NAME-RELEASE.npz.")] = Path("benchmark/scores"),
    seeds: Annotated[int, typer.Option(help="Trainings, with the seeds 1, 2, ...")] = 5,
    data: Annotated[Path | None, typer.Option(help="The release's file, if it is not to be that in the cache.")] = None,
    objects: Annotated[Path | None, typer.Option(help="A file with the same rows that has the tracks or images, if they are not "
                                                      "to come from v1-tracks or v1-images.")] = None,
    transfer: Annotated[list[str] | None, typer.Option(help="A further release to be scored on; several times.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train a baseline of the benchmark several times, judge it by the protocol, write scores and result.

    Example: tagger baseline all --release v1-small && pseudoexp benchmark table --into README.md --into BENCHMARK.md
    """
    from pseudoexp.benchmark.compare import compare
    from pseudoexp.benchmark.registry import release as known
    from pseudoexp.benchmark.results import write_result
    from pseudoexp.cli.benchmark import value_text
    from pseudoexp.core.files import require_writable
    from pseudoexp.errors import ConfigError
    from tagger.baselines import BASELINES, baseline, run

    one, names = known(release), [each for each, one in BASELINES.items() if not one.reads] if name == "all" else [name]
    if not 1 <= seeds <= 100:
        raise ConfigError(f"--seeds {seeds}; allowed: 1 to 100")
    for each in names:
        baseline(each)
        if (target := out / f"{each}-{one.name}.json").exists() and not force:
            raise ConfigError(f"{target} exists already; --force replaces it")
    if data is not None and (found := compare(data, one).differences):
        raise ConfigError(f"{data}: not release {one.name} ({found[0]})")
    for other in transfer or []:
        known(other)
    for folder in (out, scores):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made ({error.strerror})") from None
        require_writable(folder / "a")
    if not quiet and one.notice():
        typer.echo(one.notice())
    for each in names:
        words = f"python -m tagger baseline {each} --release {one.name}" + (f" --seeds {seeds}" if seeds != 5 else "")
        words += "".join(f" --transfer {other}" for other in transfer or [])
        result = run(each, one, scores, seeds=range(1, seeds + 1), data=data, objects=objects,
                     transfer=transfer or [], command=words, tell=None if quiet else typer.echo)
        write_result(out / f"{each}-{one.name}.json", result)
        if not quiet:
            typer.echo(f"{each}: AUC {value_text(result['over_seeds']['auc'], 4)}; {result['headline']['figure']} "
                       f"{value_text(result['headline'], 1)}")

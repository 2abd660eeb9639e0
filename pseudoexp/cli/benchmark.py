"""``pseudoexp benchmark``."""

from __future__ import annotations

from datetime import date as date_type
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pseudoexp.cli.interruption import interruptible
from pseudoexp.cli.progress import Progress
from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.benchmark.registry import Release

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich",
                  help="Releases of the benchmark, scores judged by its protocol, the leaderboard.")
_UNITS = {"pile-up library": "events"}
_FILE = typer.Argument(help="Scores (.npz or HDF5): `score` (n,) or (n, seeds), `eventNumber` and `jet`, or `row`.")
_TRANSFER = typer.Option(help="NAME=FILE: scores of the same networks on another release. May be given several times.")
_DATA = typer.Option(help="The release's file, if it is not to be that in the cache.")


@app.command("list")
def list_releases() -> None:
    """List the releases: what they are, what decides their rows, which of them this machine has."""
    from pseudoexp.benchmark.registry import releases

    for one in releases().values():
        typer.echo(describe(one))


def describe(one: Release) -> str:
    """Return the lines on a release."""
    from pseudoexp.benchmark.store import path_of

    path = path_of(one)
    state = "frozen" if one.frozen else "CANDIDATE, rows may still change"
    splits = ", ".join(one.splits)
    engine = f"{one.engine} {one.engine_version or '(as installed)'}"
    return (f"{one.name:12} {one.title} [{state}]\n{'':12} {one.n} rows, seed {one.seed}, engine {engine}, dataset "
            f"{one.dataset_version or '(as installed)'}, card {one.card}, pile-up {one.pileup:g}, tracks {one.tracks}, "
            f"images {one.images}, splits {splits}\n"
            f"{'':12} dataset hash {one.dataset_hash or 'none yet'}, " + (f"in {path}" if path.exists() else "not made here yet"))


@app.command(epilog="Examples:\n\npseudoexp benchmark make v1-small\n\npseudoexp benchmark make v1 --out v1.h5 --threads 32")
def make(
    name: Annotated[str, typer.Argument(help="The release.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; in the user's cache by default.")] = None,
    threads: Annotated[int, typer.Option(help="Worker processes; 0: one per core.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="With --out: replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Make a release, or go on with it, and verify its hash. An interrupted making goes on with the same command."""
    from pseudoexp.benchmark.registry import release
    from pseudoexp.benchmark.store import announcement, path_of, require
    from pseudoexp.benchmark.store import make as produce

    one = release(name)
    with interruptible(lambda: "finished chunks are kept, the same command goes on"), Progress("rows", quiet, _UNITS) as progress:
        if out is None:
            path, found = path_of(one), str(require(one, threads, progress.update).attributes["dataset_hash"])
        else:
            one.require_reproducible()
            progress.update(announcement(one, out, threads), 0, 0)
            path, found = out, produce(one, out, threads, progress.update, force).dataset_hash
    if not quiet:
        typer.echo(f"{path}: {one.n} rows, dataset hash {found}" + (", as released" if one.dataset_hash else ""))
        if one.notice():
            typer.echo(one.notice())


@app.command(epilog="Example:\n\npseudoexp benchmark score scores.npz --release v1-small --method my-net --seeds 1,2,3,4,5")
def score(
    file: Annotated[Path, _FILE],
    name: Annotated[str, typer.Option("--release", help="The release that the scores are for.")] = "v1-small",
    split: Annotated[str, typer.Option(help="The split; the leaderboard takes test.")] = "test",
    out: Annotated[Path | None, typer.Option(help="JSON file to write; FILE.json by default.")] = None,
    method: Annotated[str, typer.Option(help="Short name of the method; that of FILE by default.")] = "",
    title: Annotated[str, typer.Option(help="A line on what it is.")] = "",
    inputs: Annotated[str, typer.Option(help="What it reads, such as '39 inputs'.")] = "",
    parameters: Annotated[int | None, typer.Option(help="Trained numbers.")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the trainings, with commas.")] = "",
    made_by: Annotated[str, typer.Option(help="The command that makes the scores.")] = "",
    transfer: Annotated[list[str] | None, _TRANSFER] = None,
    data: Annotated[Path | None, _DATA] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing JSON file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Judge scores on a release by the protocol: print the figures, write a result as JSON."""
    from pseudoexp.benchmark.registry import release
    from pseudoexp.benchmark.results import About, named_sources, with_about, write_result
    from pseudoexp.core.files import require_writable

    target = out or file.with_suffix(".json")
    if target.is_dir() or (target.exists() and not force):
        raise ConfigError(f"{target} exists already; --force replaces a file, --out names another")
    require_writable(target)
    about = About(method or file.stem.lower(), title, inputs, parameters, numbers(seeds), made_by)
    others, one = named_sources(transfer or []), release(name)
    found = _evaluate(file, split, quiet, name=one.name, data=data, transfer=others, seeds=about.seeds)
    write_result(target, with_about(found, about))
    if not quiet:
        typer.echo(f"result {target}")


@app.command(epilog="Example:\n\npseudoexp benchmark evaluate data.h5 scores.npz --split val")
def evaluate(
    data: Annotated[Path, typer.Argument(help="Any dataset; it need not be a release.")],
    file: Annotated[Path, _FILE],
    split: Annotated[str, typer.Option(help="The split.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge scores on any dataset by the same protocol; nothing is written."""
    found = _evaluate(file, split, as_json, name=None, data=data)
    if as_json:
        import json

        typer.echo(json.dumps(found, indent=2))


@app.command(epilog="Example:\n\npseudoexp benchmark check benchmark/results/my-net-v1-small.json my-net.npz")
def check(
    result: Annotated[Path, typer.Argument(help="A result (JSON).")],
    file: Annotated[Path, _FILE],
    transfer: Annotated[list[str] | None, _TRANSFER] = None,
    data: Annotated[Path | None, _DATA] = None,
) -> int:
    """Check a result by judging its scores again. Exit code 1 if anything comes out otherwise."""
    from pseudoexp.benchmark.results import check as recompute
    from pseudoexp.benchmark.results import named_sources

    with interruptible(), Progress("rows", units=_UNITS) as progress:
        lines = recompute(result, file, data, named_sources(transfer or []), progress.update)
    for line in lines:
        typer.echo(line)
    typer.echo(f"{result}: {'differs' if lines else 'every figure comes out as stored'}")
    return 1 if lines else 0


@app.command(epilog="Example:\n\npseudoexp benchmark table --into README.md --into BENCHMARK.md")
def table(
    results: Annotated[Path, typer.Option(help="Folder of results.")] = Path("benchmark/results"),
    into: Annotated[list[Path] | None, typer.Option(help="Markdown file whose leaderboard is brought up to date.")] = None,
    dry: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 if a file is not up to date.")] = False,
) -> int:
    """Print the leaderboard, or write it between the markers of Markdown files."""
    from pseudoexp.benchmark.results import read_results
    from pseudoexp.benchmark.table import render
    from pseudoexp.benchmark.table import table as markdown

    if not into:
        typer.echo(markdown(read_results(results)))
        return 0
    stale = render(into, results, write=not dry)
    for page in stale:
        typer.echo(f"{page}: {'not up to date' if dry else 'brought up to date'}")
    return 1 if dry and stale else 0


@app.command(epilog="Example:\n\npseudoexp convert v1-small.h5 --to parquet --out mirror\n\n"
                    "pseudoexp benchmark croissant v1-small --data v1-small.h5 --mirror mirror --url https://example.org")
def croissant(
    name: Annotated[str, typer.Argument(help="The release.")],
    mirror: Annotated[Path, typer.Option(help="Folder that `convert FILE --to parquet --out FOLDER` made of it.")],
    url: Annotated[str, typer.Option(help="Where the release is offered.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write; MIRROR/croissant.json by default.")] = None,
    data: Annotated[Path | None, _DATA] = None,
    date: Annotated[str, typer.Option(help="Day of publication, such as 2026-11-21; today by default.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write Croissant metadata (JSON-LD) of a release and its Parquet mirror, as search engines and mlcroissant read them."""
    from pseudoexp.benchmark.croissant import write
    from pseudoexp.benchmark.registry import release
    from pseudoexp.benchmark.store import path_of

    one = release(name)
    path = data or path_of(one)
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file; `benchmark make {name}` makes the release, --data names a copy")
    target = out or mirror / "croissant.json"
    write(one, path, mirror, target, _address(url), str(_day(date)), force)
    typer.echo(f"{target}: release {one.name}, dataset hash {one.dataset_hash[:12]}")


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://")) or any(c.isspace() for c in url):
        raise ConfigError(f"--url {url!r}; allowed: an address that begins with https:// or http://")
    return url


def _day(text: str) -> date_type:
    try:
        return date_type.fromisoformat(text) if text else date_type.today()
    except ValueError:
        raise ConfigError(f"--date {text!r}; allowed: a day such as 2026-11-21") from None


def numbers(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list with commas."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() for word in words):
        raise ConfigError(f"--seeds {text!r}; allowed: whole numbers with commas, such as 1,2,3,4,5")
    return tuple(map(int, words))


def _evaluate(file: Path, split: str, quiet: bool, **options: Any) -> dict[str, Any]:
    from pseudoexp.benchmark.protocol import evaluate as judge

    with interruptible(), Progress("rows", quiet, _UNITS) as progress:
        found = judge(file, split, progress=progress.update, **options)
    if not quiet:
        show(found)
    return found


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    from pseudoexp.benchmark.registry import release

    facts, over, rows, figures = found["release"], found["over_seeds"], found["rows"], found["figures"]
    typer.echo(f"{facts['name'] or 'no release'}, split {found['split']}: {rows['signal']} signal and {rows['background']} "
               f"background rows, engine {facts['engine']} {facts['engine_version']}, dataset hash {facts['dataset_hash']}")
    if facts["name"] and (notice := release(facts["name"]).notice()):
        typer.echo(notice)
    _line("AUC", value_text(over["auc"], 4))
    for efficiency, entry in over["rejection"].items():
        _line(f"1/eps_B at {float(efficiency):.0%}", value_text(entry, 1))
    parts = [(f"{name} ({entry['share']:.1%})", entry) for name, entry in figures["flavours"].items()]
    parts += [(f"pT {entry['low']:.0f} to {entry['high']:.0f} GeV", entry) for entry in figures["pt_bins"]]
    for name, entry in parts:
        if "rejection" in entry:
            _line(f"  at 60%, {name}", _rejection(entry["rejection"]["0.6"]))
    for efficiency, entry in figures["mass_sculpting"].items():
        if entry["distance"] is not None:
            _line(f"mass sculpting at {float(efficiency):.0%}", f"{entry['distance']:.3f} (a blind cut: {entry['noise']:.3f})")
    for name, entry in found.get("transfer", {}).items():
        moved = entry["over_seeds"]
        _line(f"on {name}", f"AUC {value_text(moved['auc'], 4)}; 1/eps_B at 60% {value_text(moved['rejection']['0.6'], 1)}")


def _line(head: str, text: str) -> None:
    typer.echo(f"{head:32}{text}")


def value_text(entry: dict[str, Any], digits: int) -> str:
    """Return a median with its error and spread, or the lower limit."""
    if entry["median"] is None:
        return f"> {entry['above']:.3g}"
    error = "" if entry["error"] is None else f" +- {entry['error']:.{digits}f}"
    seeds = "" if entry["spread"] is None else f", spread of {len(entry['values'])} seeds {entry['spread']:.{digits}f}"
    return f"{entry['median']:.{digits}f}{error}{seeds}"


def _rejection(point: dict[str, Any]) -> str:
    if point["rejection"] is None:
        return f"> {point['rejection_above']:.3g}"
    return f"{point['rejection']:.1f} +- {point['rejection_error']:.1f}"

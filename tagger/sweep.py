"""A sweep: a grid of trainings from one TOML file, each result one small file, so that any interruption costs one training.

    sweep.toml           the request, as given
    base/NAME/           run folders of the full networks, one per seed, from which prunings start
    results/NAME.json    one per job, written under a temporary name and renamed; what of it is read: `tagger.sweep_forms`

The request and its jobs are `tagger.sweep_request`'s. Jobs whose results are there already are skipped; results that no longer
belong to the request stay and are not looked at.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pseudoexp.core.files import whole_file
from pseudoexp.errors import ConfigError, PseudoexpError, SchemaError
from tagger import sweep_forms
from tagger.sweep_request import GRID, LATER, Job, Request

FAILED = "failed.json"
"""Why the jobs of the last run failed that did, by their names."""
Result = dict[str, Any]


@dataclass
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    total, skipped, done : int
        Jobs: all, found finished, finished now.
    failed : dict
        Job's name to what was wrong.
    paused : bool
        Whether it stopped although jobs are left, as `run` was asked to.
    """

    total: int = 0
    skipped: int = 0
    done: int = 0
    paused: bool = False
    failed: dict[str, str] = field(default_factory=dict)


def read_result(path: Path) -> Result | None:
    """A finished job's result; None if there is none.

    Raises
    ------
    SchemaError
        If the file is damaged, or lacks what a result of its kind holds.
    """
    try:
        content = json.loads(path.read_text(), parse_constant=_refuse)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        raise SchemaError(f"{path}: damaged") from None
    wrong = sweep_forms.misfit(content, sweep_forms.COMMON)
    if wrong is None and content["kind"] not in GRID:
        wrong = "kind"
    if wrong is None:
        kind = content["kind"]
        settings = {key: object for key in GRID[kind] if key not in LATER}
        wrong = sweep_forms.misfit(content, {**sweep_forms.FORMS[kind], "settings": settings})
    if wrong:
        raise SchemaError(f"{path}: not a result of a sweep ({wrong} is missing or of another sort)")
    return content


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def run(request: Request, out: str | Path, report: Callable[[str], None] | None = None,
        pause: Callable[[], bool] | None = None) -> Progress:
    """Do what is missing of a sweep.

    Parameters
    ----------
    request : Request
        What to do.
    out : str or Path
        Folder; made if it is not there.
    report : callable, optional
        Called with one line for each job and each trouble.
    pause : callable, optional
        Asked after each job that is done; if it says so, the rest is left for another call.

    Returns
    -------
    Progress
        Jobs that failed are named there; they are tried again by the next call.

    Raises
    ------
    ConfigError
        If the request is impossible with these data, the folder cannot be written, or another sweep works in it.
    """
    from tagger.sweep_jobs import Workbench

    folder, say = Path(out), report or (lambda line: None)
    bench = Workbench(request, folder, say)  # before anything is written: what it refuses leaves a folder as it was
    with locked(folder):
        with whole_file(folder / "sweep.toml") as file:
            file.write(request.text.encode())
        progress = Progress(total=len(bench.jobs))
        waiting = [job for job in bench.jobs if not _finished(folder, job, say)]
        progress.skipped = progress.total - len(waiting)
        _note_failed(folder, progress.failed)
        with whole_file(folder / "jobs.json") as file:
            file.write(json.dumps([job.name for job in bench.jobs], indent=1).encode())
        start = time.perf_counter()
        for job in waiting:
            number = progress.skipped + progress.done + len(progress.failed) + 1
            try:
                result = bench.do(job)
            except PseudoexpError as error:
                progress.failed[job.name] = str(error)
                _note_failed(folder, progress.failed)
                say(f"{number}/{progress.total}  {job.name}: {error}")
                continue
            with whole_file(folder / "results" / f"{job.name}.json") as file:
                file.write((json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
            progress.done += 1
            each = (time.perf_counter() - start) / (progress.done + len(progress.failed))
            say(f"{number}/{progress.total}  {job.name}  {result['line']}  {_left(each * (progress.total - number))}")
            if pause is not None and job is not waiting[-1] and pause():
                progress.paused = True
                break
    return progress


def _note_failed(folder: Path, failed: dict[str, str]) -> None:
    """Write why the jobs failed that did, for the report."""
    with whole_file(folder / FAILED) as file:
        file.write((json.dumps(failed, indent=1) + "\n").encode())


def _why(folder: Path) -> dict[str, str]:
    try:
        return {str(name): str(reason) for name, reason in json.loads((folder / FAILED).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _finished(folder: Path, job: Job, say: Callable[[str], None]) -> bool:
    try:
        return read_result(folder / "results" / f"{job.name}.json") is not None
    except SchemaError as error:
        say(f"{error}; it is made again")
        return False


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a sweep's folder for oneself; the lock dies with its process.

    Raises
    ------
    ConfigError
        If it cannot be written, is something else, or is held by another process.
    """
    try:
        if folder.exists() and not (folder / "sweep.toml").is_file() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder}: exists and is not the folder of a sweep")
        (folder / "results").mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot write there ({error.strerror})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder}: another sweep is at work there") from None
        yield


def load_results(folder: str | Path) -> tuple[list[Result], list[str]]:
    """Results that belong to the last request of a sweep's folder, and what was wrong with others.

    Raises
    ------
    SchemaError
        If the folder holds no sweep.
    """
    place = Path(folder)
    try:
        names = json.loads((place / "jobs.json").read_text())
    except (OSError, ValueError, RecursionError):
        names = None
    if sweep_forms.misfit(names, [str]):
        raise SchemaError(f"{place}: not the folder of a sweep (jobs.json is missing or damaged)")
    results, troubles, why = [], [], _why(place)
    for name in names:
        try:
            result = read_result(place / "results" / f"{name}.json")
        except SchemaError as error:
            troubles.append(str(error))
            continue
        if result is None:
            troubles.append(f"{name}: {why.get(name, 'not finished')}")
        else:
            results.append(result)
    return results, troubles

"""Releases on this machine: made into the user's cache when they are first asked for, verified once, read from there.

One process makes a release, others wait for it. A making that was interrupted goes on where it stopped. A stamp
beside the file says which bytes were verified, so that a large file is hashed once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pseudoexp.benchmark.registry import Release, release
from pseudoexp.bunch import Bunch
from pseudoexp.core.files import locked, whole_file
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError
from pseudoexp.production.run_config import difference

Tell = Callable[[str, int, int], None]
WAITING = "another process makes this release; waiting for it"


def folder() -> Path:
    """Return where releases are kept."""
    from pseudoexp.core.cache import user_cache

    return user_cache() / "benchmark"


def path_of(name: str | Release) -> Path:
    """Return where a release is kept; another configuration, such as a newer engine's, has another name."""
    one = release(name)
    return folder() / f"{one.name}-{(one.configuration_hash or one.config.hash())[:12]}.h5"


def load_benchmark(name: str = "v1-small", split: str | None = "train", *, return_X_y: bool = False,
                   weight: str | None = "benchmark", columns: Sequence[str] | None = None, threads: int = 0,
                   progress: Tell | None = None) -> Any:
    """Read a release of the benchmark, which is made in the user's cache when it is first asked for.

    Parameters
    ----------
    name : str, optional
        The release: see ``python -m pseudoexp benchmark list``.
    split : {"train", "val", "test"} or None, optional
        As in `pseudoexp.load`; releases for tests only have no other split than "test".
    return_X_y, weight, columns : optional
        As in `pseudoexp.load`.
    threads : int, optional
        Worker processes if it has to be made, 0 for one per core.
    progress : callable, optional
        As in `pseudoexp.generate`; by default progress is shown on stderr while the release is made.

    Returns
    -------
    Bunch
        What `pseudoexp.load` returns, and the `path` of the file. `pseudoexp.benchmark.identities` names its rows.

    Raises
    ------
    ConfigError
        For an unknown release or split, or a release that this installation cannot make.
    DamagedFile
        If the rows are not those of the release.

    Examples
    --------
    >>> train = pseudoexp.load_benchmark("v1-small", split="train")      # doctest: +SKIP
    """
    from pseudoexp.api import load

    one = release(name)
    wanted = one.load_split(split)
    info = require(one, threads, progress)
    dataset = load(info.path, wanted, weight=weight, columns=columns)
    notice = one.notice()
    head = [f"Release {one.name} ({one.status}): {one.title}.", *([f"{notice}."] if notice else [])]
    dataset["DESCR"] = "\n".join([*head, dataset["DESCR"]])
    dataset["path"] = info.path
    return (dataset.data, dataset.target) if return_X_y else dataset


def identities(name: str | Release = "v1-small", split: str | None = "test", threads: int = 0) -> Bunch:
    """Return what names the rows that `load_benchmark` returns, in the same order: `eventNumber`, `jet`, `row`.

    Parameters
    ----------
    name : str
        The release.
    split : str or None, optional
        The split.
    threads : int, optional
        As in `load_benchmark`.
    """
    from pseudoexp.benchmark.rows import read_rows

    one = release(name)
    wanted = one.load_split(split)
    rows = read_rows(require(one, threads), wanted)
    return Bunch(eventNumber=rows.event, jet=rows.jet, row=rows.row)


def require(one: Release, threads: int = 0, progress: Tell | None = None) -> FileInfo:
    """Return the file of a release, after making and verifying it where that was not done before.

    Raises
    ------
    ConfigError
        If this installation cannot make it and the cache does not have it, or cannot be written to.
    DamagedFile
        If the rows are not the release's.
    """
    path = path_of(one)
    if _stamped(path):
        return _checked(one, path)
    if not path.exists():
        one.require_reproducible()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _reporting(progress) as tell, locked(path.with_name(f".{path.name}.lock"), lambda: tell(WAITING, 0, 0)):
            if not _stamped(path):
                if path.exists():
                    verify(path)
                else:
                    tell(announcement(one, path, threads), 0, 0)
                    make(one, path, threads, tell)
                _checked(one, path)
                _stamp(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); the variable PSEUDOEXP_CACHE names another "
                          "folder") from None
    return _checked(one, path)


def make(one: Release, out: Path, threads: int, tell: Tell, force: bool = False) -> Bunch:
    """Make a release's file, or finish or verify the one that is there; return the summary of `pseudoexp.generate`.

    Raises
    ------
    DamagedFile
        If the rows are not the release's.
    GenerationError
        If the production fails; finished chunks are kept.
    """
    from pseudoexp.production.run import produce

    one.require_reproducible()
    try:
        made = produce(one.config, out, threads=threads, force=force, resume=True, progress=tell)
    except GenerationError as error:
        raise GenerationError(str(error).replace("--resume continues", "the same command goes on from them")) from None
    _require_hash(one, out, made.dataset_hash)
    return made


def announcement(one: Release, path: Path, threads: int = 0) -> str:
    """Return what making a release takes."""
    from pseudoexp.production.plan import row_bytes

    size = one.n * row_bytes(one.tracks, images=one.images) / 1e9
    cores = threads or os.cpu_count() or 1
    minutes = one.n * one.ms_per_row / 60e3 / cores
    time = f"{max(minutes, 1.0):.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    notice = f"; {one.notice()}" if not one.frozen else ""
    return (f"release {one.name}, {one.n} rows: about {time} on {cores} free cores (and a few minutes for compilation and "
            f"libraries at the first time), {size:.2g} GB on disk, twice that while it is made, in {path}{notice}")


def _checked(one: Release, path: Path) -> FileInfo:
    info = probe(path)
    if found := difference(json.loads(info.attributes["configuration"]), json.loads(canonical_json(one.identity()))):
        raise DamagedFile(f"{path}: is not release {one.name} ({found}); deleting the file makes it again")
    _require_hash(one, path, str(info.attributes.get("dataset_hash")))
    return info


def _require_hash(one: Release, path: Path, found: str) -> None:
    if one.dataset_hash and found != one.dataset_hash:
        raise DamagedFile(f"{path}: its rows (dataset hash {found}) are not those of release {one.name} ({one.dataset_hash}), "
                          "though versions and configuration are; please report the machine; deleting the file makes it again")


def _stamp_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.verified")


def _stamp(path: Path) -> None:
    status = path.stat()
    with whole_file(_stamp_path(path)) as file:
        file.write(json.dumps([status.st_size, status.st_mtime_ns]).encode())


def _stamped(path: Path) -> bool:
    """Return whether the file is there and has not been touched since it was verified."""
    try:
        status = path.stat()
        return bool(json.loads(_stamp_path(path).read_bytes()) == [status.st_size, status.st_mtime_ns])
    except (OSError, ValueError, RecursionError):
        return False


@contextmanager
def _reporting(progress: Tell | None) -> Iterator[Tell]:
    """Yield the caller's reporter, or one that shows the progress as the command line does."""
    if progress is not None:
        yield progress
        return
    from pseudoexp.cli.progress import Progress

    with Progress("rows", units={"pile-up library": "events"}) as shown:
        yield shown.update

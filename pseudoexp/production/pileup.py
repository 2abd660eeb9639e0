"""The pile-up library is made once per user, by the worker processes, before the first row.

Pieces of 500 events are finished files in a folder beside the library's place: an interrupted making goes on from
them. The library itself appears under its name complete or not at all. A lock lets one process make it; the others
wait and use it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pseudoexp.core.files import locked
from pseudoexp.core.processes import MINIMUM_BIAS
from pseudoexp.detector.pileup_place import LIBRARY_EVENTS, LIBRARY_SEED, library_path
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError, SchemaError
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.schedule import ClassState, make_chunks
from pseudoexp.production.worker import Done, Job
from pseudoexp.production.workers import start_workers

PILEUP_ENGINE = "pythia8"
"""The library is the same under all engines: whole inelastic collisions are not among what ours makes."""
EVENTS_PER_PIECE = 500
STAGE = "pile-up library"
WAITING = "another process makes the pile-up library; waiting for it"
Tell = Callable[[str, int, int], None]


def has_library() -> bool:
    """Return whether a library lies in its place; its content is checked when it is read."""
    return library_path().is_file()


def require_library(config: RunConfig, threads: int, tell: Tell) -> None:
    """Make the pile-up library if the configuration needs it and there is none, or a damaged one.

    Parameters
    ----------
    config : RunConfig
        The production that asks.
    threads : int
        Worker processes, 0 for one per core.
    tell : callable
        Called with the stage, events made, events in all; or with a line for the user, 0, 0.

    Raises
    ------
    ConfigError
        If the user's cache cannot be written to.
    GenerationError
        If the engine fails.
    """
    if config.pileup == 0.0 or _usable(library_path()):
        return
    path = library_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f"{path.name}.lock"), lambda: tell(WAITING, 0, 0)):
            if not _usable(path):
                _make(path, config, threads, tell)
    except OSError as error:
        raise ConfigError(f"{path}: the pile-up library cannot be written ({error.strerror}); the variable "
                          "PSEUDOEXP_CACHE names another folder") from None


def _usable(path: Path) -> bool:
    from pseudoexp.detector.pileup_library import read_library  # with it comes numba, half a second

    try:
        read_library(path)
    except (FileNotFoundError, SchemaError):
        return False
    return True


def _make(path: Path, config: RunConfig, threads: int, tell: Tell) -> None:
    from pseudoexp.detector.pileup_library import join_libraries, read_library, write_library

    pieces = path.with_name(f"{path.name}.parts")
    pieces.mkdir(exist_ok=True)
    tell(f"making the pile-up library, once per user: {LIBRARY_EVENTS} inelastic events in {path}", 0, 0)
    state = ClassState(0, LIBRARY_EVENTS, _finished(pieces))
    task = f"{__name__}:make_piece"
    if not state.complete():
        with start_workers(Job(task, config, pieces, task), threads, LIBRARY_EVENTS // EVENTS_PER_PIECE) as workers:
            make_chunks(workers, [state], lambda done: tell(STAGE, done, LIBRARY_EVENTS))
    write_library(path, join_libraries(read_library(_piece_path(pieces, k)) for k in range(state.chunks())))
    shutil.rmtree(pieces)


def _piece_path(folder: Path, piece: int) -> Path:
    return folder / f"{piece:05d}.npz"


def _finished(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield (piece, events) of the pieces that are there; damaged and half-written ones are removed."""
    for draft in folder.glob(".*"):
        draft.unlink(missing_ok=True)
    for path in sorted(folder.glob("*.npz")):
        if _usable(path):
            yield int(path.stem), EVENTS_PER_PIECE
        else:
            path.unlink()


def make_piece(job: Job, process: int, piece: int) -> Done:
    """Make and write one piece of the library; a worker's task."""
    from pseudoexp.detector.pileup_library import build_library, write_library

    batch = engine(PILEUP_ENGINE).generate_chunk(MINIMUM_BIAS, LIBRARY_SEED, piece * EVENTS_PER_PIECE, EVENTS_PER_PIECE,
                                                 EngineSettings())
    write_library(_piece_path(job.folder, piece), build_library(batch))
    return Done(process, piece, EVENTS_PER_PIECE)

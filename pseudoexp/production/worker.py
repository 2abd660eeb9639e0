"""A worker process: takes chunk numbers from a pipe, writes finished chunks to the parts folder.

It is started with ``python -c`` instead of through `multiprocessing`, so that a user's script needs no
``if __name__ == "__main__"`` and notebooks work. It ends when its parent does.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from pseudoexp import errors
from pseudoexp.production import stopwatch
from pseudoexp.production.chunk import PROCESS_NAMES, ChunkMaker, import_function, pack
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.spool import chunk_path, write_chunk

RUN_CHUNK = f"{__name__}:run_chunk"


class Job(NamedTuple):
    """What a worker works on.

    Attributes
    ----------
    maker : str
        Name of the function that makes a chunk.
    config : RunConfig
        The configuration.
    folder : Path
        Where finished chunks go.
    task : str, optional
        Name of the function ``task(job, process, chunk) -> Done`` that a worker calls.
    shifted : RunConfig, optional
        The configuration with another card, for the task that compares two.
    profile : bool, optional
        Whether kernels take times.
    """

    maker: str
    config: RunConfig
    folder: Path
    task: str = RUN_CHUNK
    shifted: RunConfig | None = None
    profile: bool = False


class Done(NamedTuple):
    """A finished chunk: its process, number, rows that count, and the seconds of its stages."""

    process: int
    chunk: int
    counted: int
    times: stopwatch.Times = ()


class Notice(NamedTuple):
    """What a worker does before its first chunk, as a line for the user; empty once that is over."""

    text: str


class Failure(NamedTuple):
    """A chunk that failed: the name of the exception in `pseudoexp.errors`, and its message."""

    kind: str
    message: str


def prepare(job: Job, announce: Callable[[str], None]) -> None:
    """Call ``prepare(config, announce)`` of the maker's module, if it has one; it may announce what takes long."""
    module = importlib.import_module(job.maker.partition(":")[0])
    if preparation := getattr(module, "prepare", None):
        preparation(job.config, announce)


def _leave_extensions_out(job: Job) -> None:
    """Keep other packages' extensions of numba out of this process, if what makes its chunks is compiled at all."""
    importlib.import_module(job.maker.partition(":")[0])
    if "numba" in sys.modules:
        importlib.import_module("pseudoexp.core.linking").without_extensions()


def run_chunk(job: Job, process: int, chunk: int) -> Done:
    """Make, check and write one chunk."""
    maker: ChunkMaker = import_function(job.maker)
    stopwatch.start(job.profile)
    rows = maker(job.config, process, chunk)
    with stopwatch.stage(stopwatch.PACKING):
        packed = pack(job.config, process, chunk, rows)
    with stopwatch.stage(stopwatch.SAVING):
        write_chunk(chunk_path(job.folder, process, chunk), packed)
    return Done(process, chunk, packed.counted, stopwatch.take())


def failure(job: Job, error: Exception, process: int, chunk: int) -> Failure:
    """Translate an exception to what can go through the pipe."""
    if isinstance(error, errors.PseudoexpError):
        return Failure(type(error).__name__, str(error))
    if isinstance(error, OSError) and error.strerror:
        return Failure("GenerationError", f"{error.filename or job.folder}: {error.strerror}")
    traceback.print_exc()
    text = " ".join(str(error).split())[:300]
    what = f"{PROCESS_NAMES[process]} chunk {chunk}" if job.task == RUN_CHUNK else f"{job.task} {chunk}"
    return Failure("GenerationError", f"{what}: {type(error).__name__}: {text}")


def main(tasks: int, life: int) -> None:
    """Serve until the pipe closes.

    Parameters
    ----------
    tasks : int
        Descriptor of the pipe for the job, then (process, chunk) in and `Done` or `Failure` out; before the first
        also `Notice`.
    life : int
        Descriptor of a pipe whose other end only the parent holds.
    """
    threading.Thread(target=die_with_parent, args=(life,), daemon=True).start()
    connection = Connection(tasks)
    try:
        job: Job = connection.recv()
        prepared = False
        while True:
            process, chunk = connection.recv()
            try:
                if not prepared:
                    _leave_extensions_out(job)
                    prepare(job, lambda text: connection.send(Notice(text)))
                    connection.send(Notice(""))
                    prepared = True
                connection.send(import_function(job.task)(job, process, chunk))
            except Exception as error:
                connection.send(failure(job, error, process, chunk))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def die_with_parent(life: int) -> None:
    """End this process when the other end of the pipe `life` is closed."""
    os.read(life, 1)
    os._exit(1)

"""Who computes the chunks. `start_workers` decides; the rest of the production only submits and waits.

Pythia8 holds the GIL and has global state, so it runs in processes. An engine whose kernels release the GIL
can get threads behind the same three methods.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Protocol

from pseudoexp import errors
from pseudoexp.errors import GenerationError
from pseudoexp.production.spool import LOG
from pseudoexp.production.worker import Done, Failure, Job, Notice

_START = ("import sys, json; sys.path[:] = json.loads(sys.argv[3]); "
          "from pseudoexp.production.worker import main; main(int(sys.argv[1]), int(sys.argv[2]))")


class Workers(AbstractContextManager["Workers"], Protocol):
    """Something that computes chunks."""

    def free(self) -> int:
        """Return how many more chunks can be submitted now."""

    def notice(self) -> str:
        """Return what keeps a worker from its first chunk as a line for the user, empty without."""

    def submit(self, process: int, chunk: int) -> None:
        """Start a chunk."""

    def finished(self, seconds: float) -> list[Done]:
        """Return the chunks finished since the last call, waiting for the first at most that long."""

    def close(self) -> None:
        """Stop at once, whatever is going on."""


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0))


def start_workers(job: Job, threads: int, expected_chunks: int) -> ProcessWorkers:
    """Return the workers for a job: `threads` of them (0: one per core), no more than there are chunks."""
    return ProcessWorkers(job, max(1, min(threads or cores(), expected_chunks)))


class ProcessWorkers:
    """Worker processes, each with one chunk at a time.

    What they write to stderr goes to a log beside the chunks, or with ``PSEUDOEXP_DEBUG=1`` to the screen.

    Parameters
    ----------
    job : Job
        What to do.
    count : int
        Number of processes.
    """

    def __init__(self, job: Job, count: int) -> None:
        self._processes: dict[Connection, subprocess.Popen[bytes]] = {}
        self._idle: list[Connection] = []
        self._notices: dict[Connection, str] = {}
        self._log_path = job.folder / LOG
        self._life = LifeLine()
        try:
            with self._log_path.open("ab") as log:
                for _ in range(count):
                    self._start(job, None if os.environ.get("PSEUDOEXP_DEBUG") else log)
        except BaseException:
            self.close()
            raise

    def _start(self, job: Job, log: IO[bytes] | None) -> None:
        ours, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-c", _START, str(theirs.fileno()), str(self._life.theirs), json.dumps(search_path())]
            process = self._life.start(command, log, theirs.fileno())
        self._processes[ours] = process
        self._idle.append(ours)
        self._send(ours, job)

    def _send(self, connection: Connection, message: object) -> None:
        try:
            connection.send(message)
        except OSError:
            raise self._lost(connection) from None

    def free(self) -> int:
        """Return the number of idle workers."""
        return len(self._idle)

    def notice(self) -> str:
        """Return what keeps a worker from its first chunk as a line for the user, empty without."""
        return next(filter(None, self._notices.values()), "")

    def submit(self, process: int, chunk: int) -> None:
        """Give a chunk to an idle worker."""
        self._send(self._idle.pop(), (process, chunk))

    def finished(self, seconds: float) -> list[Done]:
        """Return finished chunks.

        Raises
        ------
        PseudoexpError
            What a worker raised; GenerationError if one died.
        """
        done = []
        for connection in wait(list(self._processes), seconds):
            assert isinstance(connection, Connection)
            try:
                message = connection.recv()
            except (EOFError, OSError):
                raise self._lost(connection) from None
            if isinstance(message, Failure):
                raise_failure(message)
            if isinstance(message, Notice):
                self._notices[connection] = message.text
                continue
            done.append(message)
            self._idle.append(connection)
        return done

    def _lost(self, connection: Connection) -> GenerationError:
        try:
            status = self._processes[connection].wait(2)
        except subprocess.TimeoutExpired:
            status = 0
        how = f"was killed by signal {-status}" if status < 0 else f"stopped with status {status}"
        return GenerationError(f"a worker process {how} (its last words: {_last_line(self._log_path)})")

    def close(self) -> None:
        """Kill the processes; finished chunks are on the disk already."""
        for process in self._processes.values():
            process.kill()
        for connection, process in self._processes.items():
            process.wait()
            connection.close()
        self._processes.clear()
        self._idle.clear()
        self._life.close()

    def __enter__(self) -> ProcessWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def search_path() -> list[str]:
    """Return where this process finds modules, for its children."""
    return [str(Path(entry).absolute()) for entry in sys.path]


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "none")


def raise_failure(message: Failure) -> NoReturn:
    """Raise what a worker has met."""
    kind: type[errors.PseudoexpError] = getattr(errors, message.kind, GenerationError)
    error = kind.__new__(kind)
    error.args = (message.message,)
    raise error


class LifeLine:
    """A pipe by which children notice that this process is gone."""

    def __init__(self) -> None:
        self.theirs, self._ours = os.pipe()

    def start(self, command: list[str], log: IO[bytes] | None, *descriptors: int) -> subprocess.Popen[bytes]:
        """Start a child that is to watch the end `theirs`; it writes to `log`, or None: to the screen."""
        environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"} | os.environ
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                pass_fds=(self.theirs, *descriptors), env=environment, process_group=0)

    def close(self) -> None:
        """End the children that still live."""
        for descriptor in (self.theirs, self._ours):
            if descriptor >= 0:
                os.close(descriptor)
        self.theirs = self._ours = -1

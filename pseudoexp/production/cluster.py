"""Dask workers, here or anywhere, compute the chunks; this process writes them to the folder.

A worker gets a range of chunks and returns the bytes of their files. When it dies, Dask gives its ranges to others. It has
to have the same version of everything that the rows depend on, which it checks itself.
"""

from __future__ import annotations

import json
import logging
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from pseudoexp.dataset.digest import canonical_json
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.optional import require_installed
from pseudoexp.production.cluster_worker import Made, Order, make_chunks, versions
from pseudoexp.production.run_config import RunConfig, parse_count
from pseudoexp.production.spool import LOG, chunk_path, write_bytes
from pseudoexp.production.worker import Done, Failure, Job
from pseudoexp.production.workers import LifeLine, raise_failure, search_path

LOCAL = "local:"
SCHEMES = ("tcp://", "tls://", "ucx://")
CONNECT_SECONDS = 10.0
TASK_SECONDS = 2.0
MOST_CHUNKS = 32
"""Chunks of one task: enough for about `TASK_SECONDS`, so that the scheduler keeps up."""
LOOK_SECONDS = 2.0
MOST_LOST = 10
"""Results in a row that may be lost with the worker that held them; their chunks are made again."""
MOST_DEATHS = 3
"""Times that each local worker may die, on average, before another chunk is finished."""
_LOGGERS = ("distributed", "distributed.client", "distributed.scheduler", "distributed.core", "distributed.comm", "tornado")
_START = ("import sys, json; sys.path[:] = json.loads(sys.argv[4]); "
          "from pseudoexp.production.cluster_worker import serve; serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))")


def check_address(address: str) -> None:
    """Raise ConfigError unless this is a scheduler's address or `local:N`, MissingExtra without Dask."""
    if address.startswith(LOCAL):
        parse_count(address.removeprefix(LOCAL), "dask local", 1, 4096)
    elif not address.startswith(SCHEMES) or len(address.partition("://")[2]) < 3:
        raise ConfigError(f"dask {address!r}; allowed: a scheduler such as tcp://host:8786, or local:4 for four local workers")
    require_installed("dask", "distributed")


def _with_whole_paths(config: RunConfig) -> RunConfig:
    signal, qcd = (str(Path(path).absolute()) if path else "" for path in (config.hepmc_signal, config.hepmc_qcd))
    return replace(config, hepmc_signal=signal, hepmc_qcd=qcd)


class Task(NamedTuple):
    """A range of chunks that is being made."""

    process: int
    chunks: tuple[int, ...]


class DaskWorkers:
    """Workers of a Dask cluster behind the methods of `Workers`.

    Parameters
    ----------
    job : Job
        What to do.
    address : str
        The scheduler's, or `local:N`.

    Raises
    ------
    ConfigError
        If there is no scheduler.
    """

    def __init__(self, job: Job, address: str) -> None:
        self._job = job
        self._order = Order(job._replace(config=_with_whole_paths(job.config)), canonical_json(versions(job.config)))
        self._tasks: dict[Any, Task] = {}
        self._waiting: list[tuple[int, int]] = []
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._group = 1
        self._threads = 0
        self._looked = -LOOK_SECONDS
        self._any, self._lost = False, 0
        self._local: LocalWorkers | None = None
        self._client: Any = None
        try:
            self._connect(address)
        except BaseException:
            self.close()
            raise

    def _connect(self, address: str) -> None:
        from distributed import Client

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        if address.startswith(LOCAL):
            self._local = LocalWorkers(parse_count(address.removeprefix(LOCAL), "dask local", 1, 4096), self._job.folder / LOG)
            address = self._local.address
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise ConfigError(f"dask {address}: no scheduler answers ({type(error).__name__})") from None

    def free(self) -> int:
        """Return how many more chunks can be submitted: each worker should have a task in hand and one waiting."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            if self._local is not None:
                self._local.replace_dead()
            self._threads = self._ask_threads()
        busy = sum(len(task.chunks) for task in self._tasks.values()) + len(self._waiting)
        return max(0, 2 * self._threads * self._group - busy)

    def _ask_threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError):
            raise GenerationError("the Dask scheduler does not answer any more") from None

    def notice(self) -> str:
        """Return what keeps the workers from the first chunk as a line for the user, empty without."""
        if self._any:
            return ""
        return f"Dask: {self._threads} workers begin (the first start compiles)" if self._threads else "Dask: waiting for workers"

    def submit(self, process: int, chunk: int) -> None:
        """Take a chunk; ranges of them are sent when `finished` is called."""
        self._waiting.append((process, chunk))

    def finished(self, seconds: float) -> list[Done]:
        """Return finished chunks, now on the disk here.

        Raises
        ------
        PseudoexpError
            What a worker raised; GenerationError if chunks kill their workers, or the scheduler is gone.
        """
        self._send()
        done: list[Done] = []
        with suppress(queue.Empty):
            done += self._take(self._finished.get(timeout=seconds))
            while True:
                done += self._take(self._finished.get_nowait())
        if not done and self._client.status not in ("running", "connecting"):
            raise GenerationError("the connection to the Dask scheduler is lost")
        return done

    def _send(self) -> None:
        for process in (0, 1):
            chunks = [chunk for of, chunk in self._waiting if of == process]
            for start in range(0, len(chunks), self._group):
                task = Task(process, tuple(chunks[start:start + self._group]))
                future = self._client.submit(make_chunks, self._order, process, task.chunks, pure=False)
                self._tasks[future.key] = task
                future.add_done_callback(self._finished.put)
        self._waiting.clear()

    def _take(self, future: Any) -> list[Done]:
        task = self._tasks.pop(future.key)
        made = self._result(future, task)
        if made is None:
            self._lost += 1
            if self._lost > MOST_LOST:
                raise GenerationError("Dask workers die with their results again and again")
            self._waiting += [(task.process, chunk) for chunk in task.chunks]
            return []
        if isinstance(made, Failure):
            raise_failure(made)
        self._any, self._lost = True, 0
        if self._local is not None:
            self._local.forgive()
        self._group = max(1, min(MOST_CHUNKS, int(TASK_SECONDS * len(task.chunks) / max(made.seconds, 1e-3))))
        done = []
        for chunk, counted, content, times in zip(task.chunks, made.counted, made.contents, made.times, strict=True):
            write_bytes(chunk_path(self._job.folder, task.process, chunk), content)
            done.append(Done(task.process, chunk, counted, times))
        return done

    def _result(self, future: Any, task: Task) -> Made | Failure | None:
        """Return what a worker made; None if it died before that could be fetched."""
        from distributed import KilledWorker

        try:
            made: Made | Failure = future.result(timeout=CONNECT_SECONDS)
        except KilledWorker:
            raise GenerationError(f"several Dask workers died over chunks {task.chunks[0]} to {task.chunks[-1]}; "
                                  "their logs say more (memory?)") from None
        except TimeoutError:
            return None
        except ImportError as error:
            raise ConfigError(f"a Dask worker cannot import what it needs ({error}); allowed: workers where pseudoexp is "
                              "installed") from None
        except Exception as error:  # cancelled, lost, not to be deserialised: Dask has a dozen kinds, not all of one base
            raise GenerationError(f"Dask: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None
        return made

    def close(self) -> None:
        """Give everything up at once; finished chunks are on the disk already."""
        if self._local is not None:
            self._local.kill()
        if self._client is not None:
            with suppress(Exception):
                self._client.close(timeout=0.5)
        if self._local is not None:
            self._local.close()
        self._tasks.clear()

    def __enter__(self) -> DaskWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class LocalWorkers:
    """A scheduler in this process and worker processes that end with it.

    Not `LocalCluster`'s own: they would import a user's script again, and outlive this process for a while.

    Parameters
    ----------
    count : int
        Number of workers.
    log : Path
        Where they write.
    """

    def __init__(self, count: int, log: Path) -> None:
        from distributed import LocalCluster

        self._log = log
        self._count = count
        self._restarts = 0
        self._processes: list[subprocess.Popen[bytes]] = []
        self._scratch = Path(tempfile.mkdtemp(prefix="pseudoexp-dask-"))
        self._life = LifeLine()
        self._cluster = LocalCluster(n_workers=0, processes=False, protocol="tcp://", host="127.0.0.1",
                                     dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL + 1)
        self.address = str(self._cluster.scheduler_address)
        for _ in range(count):
            self._processes.append(self._start())

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = [self.address, str(self._scratch), str(self._life.theirs), json.dumps(search_path())]
        with self._log.open("ab") as log:
            return self._life.start([sys.executable, "-c", _START, *arguments], log)

    def forgive(self) -> None:
        """Forget deaths: a chunk is finished. Dask itself gives up on one that kills several workers."""
        self._restarts = 0

    def replace_dead(self) -> None:
        """Start a worker for each that has died; GenerationError if they die again and again without a finished chunk."""
        for i, process in enumerate(self._processes):
            if process.poll() is not None:
                self._restarts += 1
                if self._restarts > MOST_DEATHS * self._count:
                    raise GenerationError(f"local Dask workers die again and again; {self._log} holds their last words")
                self._processes[i] = self._start()

    def kill(self) -> None:
        """Kill the workers."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def close(self) -> None:
        """End the scheduler, too."""
        self._life.close()
        with suppress(Exception):
            self._cluster.close(timeout=0.5)
        shutil.rmtree(self._scratch, ignore_errors=True)

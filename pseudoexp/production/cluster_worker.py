"""What runs on a Dask worker."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from functools import lru_cache
from typing import Any, NamedTuple

from pseudoexp import __version__
from pseudoexp.core.cache import source_hash
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.production import stopwatch
from pseudoexp.production.chunk import ChunkMaker, import_function, pack
from pseudoexp.production.pileup import require_library
from pseudoexp.production.run_config import RunConfig, difference
from pseudoexp.production.spool import chunk_bytes
from pseudoexp.production.worker import Failure, Job, die_with_parent, failure, prepare

_LOCK = threading.Lock()
"""Kernels' workspaces and Pythia8 are one per process: of several threads of a worker one makes chunks at a time."""


class Order(NamedTuple):
    """What is to be made, and the versions that whoever asks has, as JSON."""

    job: Job
    versions: str


class Made(NamedTuple):
    """A range of chunks: counted rows, contents of the files, seconds of their stages, and the seconds it took in all."""

    counted: list[int]
    contents: list[bytes]
    times: list[stopwatch.Times]
    seconds: float


def versions(config: RunConfig) -> dict[str, Any]:
    """Return all that the rows depend on, as it is in this process."""
    return config.identity() | {"package_version": __version__, "sources": source_hash()}


@lru_cache(maxsize=4)
def _get_ready(order: Order) -> str:
    """Do what has to be done once; return what is different here."""
    here = json.loads(canonical_json(versions(order.job.config)))
    if found := difference(json.loads(order.versions), here):
        return found
    require_library(order.job.config, 1, lambda stage, done, total: None)
    prepare(order.job, lambda text: None)
    return ""


def make_chunks(order: Order, process: int, chunks: tuple[int, ...]) -> Made | Failure:
    """Make some chunks of a process; a Dask task."""
    job = order.job
    with _LOCK:
        chunk = chunks[0]
        try:
            if found := _get_ready(order):
                return Failure("ConfigError", f"a Dask worker has something else than this process ({found}); "
                                              "allowed: the same versions and calibrations everywhere")
            maker: ChunkMaker = import_function(job.maker)
            start, made = time.monotonic(), Made([], [], [], 0.0)
            stopwatch.start(job.profile)
            for chunk in chunks:
                rows = maker(job.config, process, chunk)
                with stopwatch.stage(stopwatch.PACKING):
                    packed = pack(job.config, process, chunk, rows)
                    made.contents.append(chunk_bytes(packed))
                made.counted.append(packed.counted)
                made.times.append(stopwatch.take())
            return made._replace(seconds=time.monotonic() - start)
        except Exception as error:
            return failure(job, error, process, chunk)


def serve(address: str, scratch: str, life: int) -> None:
    """Be a worker of the scheduler at `address` for as long as the process that has the other end of `life` lives."""
    threading.Thread(target=die_with_parent, args=(life,), daemon=True).start()
    logging.getLogger("distributed").setLevel(logging.ERROR)
    asyncio.run(_serve(address, scratch))


async def _serve(address: str, scratch: str) -> None:
    from distributed import Worker

    async with Worker(address, nthreads=1, local_directory=scratch, dashboard=False, dashboard_address="127.0.0.1:0") as worker:
        await worker.finished()

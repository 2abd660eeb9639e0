"""One production from configuration to file: parts, chunks, assembly, publication."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pseudoexp.bunch import Bunch
from pseudoexp.calibration import calibration_of
from pseudoexp.core.files import real_place, require_writable
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK
from pseudoexp.dataset.verify import verify
from pseudoexp.dataset.writer import COMPRESSIONS, publish, write_sidecar
from pseudoexp.engines.hepmc.index import file_of, index_of
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError
from pseudoexp.production.assemble import Order, Yield, assemble, spooled
from pseudoexp.production.chunk import DEFAULT_MAKER, PROCESS_NAMES, ChunkMaker, maker_name
from pseudoexp.production.pileup import PILEUP_ENGINE, has_library, require_library
from pseudoexp.production.plan import class_rows, expected_chunks, row_bytes
from pseudoexp.production.run_config import RunConfig, difference, parse_count, require_engine
from pseudoexp.production.schedule import ClassState, Supply, make_chunks
from pseudoexp.production.shard import WHOLE, Shard
from pseudoexp.production.shard_file import write_shard
from pseudoexp.production.spool import ASSEMBLY, Parts, is_unfinished, parts_folder, remove_leftovers
from pseudoexp.production.stopwatch import PART
from pseudoexp.production.worker import Job
from pseudoexp.production.workers import Workers, start_workers

_LONG = 200_000_000
"""Bytes that take a second to pass through."""
Progress = Callable[[str, int, int], None]
"""Called with the stage ("generating", "writing" or, in events, "pile-up library"), rows done, rows in all; or with a
line for the user, 0, 0."""


def plan(config: RunConfig, out: Path, *, threads: int = 0, compression: str = "none", force: bool = False,
         resume: bool = False, shard: Shard = WHOLE, dask: str = "") -> Bunch:
    """Check everything that can be checked beforehand and return what would be done; write nothing.

    Raises
    ------
    ConfigError
        For an impossible option, a card without calibration, or a place that cannot be written to.
    SchemaError
        If the card's calibration is not a calibration.
    MissingExtra
        If the engine is not installed.
    """
    if compression not in COMPRESSIONS:
        raise ConfigError(f"compression {compression!r}; allowed: {', '.join(COMPRESSIONS)}")
    parse_count(threads, "threads", 0, 4096)
    if dask:
        from pseudoexp.production.cluster import check_address  # as in `_workers`

        check_address(dask)
    check_place(out, force, resume)
    require_engine(config.engine)
    calibration_of(config.card.calibration)
    if not (resume and out.exists()):
        require_writable(out)
        _check_space(config, out, shard)
    rows, makes_library = _rows_here(config, shard), config.pileup > 0.0 and not has_library()
    if makes_library:
        require_engine(PILEUP_ENGINE)
    return Bunch(path=out, rows={"hbb": rows[0], "qcd": rows[1]}, chunks=dict(zip(("signal", "qcd"),
                 expected_chunks(rows), strict=True)),
                 bytes=sum(rows) * row_bytes(config.tracks, config.variations, config.images),
                 configuration=json.loads(config.json()), configuration_hash=config.hash(),
                 makes_pileup_library=makes_library, shard=str(shard) if shard.of > 1 else "")


def _rows_here(config: RunConfig, shard: Shard) -> tuple[int, int]:
    """Return the rows of each class to be made here, of a shard its share."""
    signal, qcd = class_rows(config.signal_fraction, config.n)
    return -(-signal // shard.of), -(-qcd // shard.of)


def check_place(out: Path, force: bool, resume: bool, leftover: bool = False) -> None:
    """Raise ConfigError unless a file may be made at `out`; `leftover` says that nobody needs its unfinished parts."""
    if not out.name or out.is_dir():
        raise ConfigError(f"{out}: is a folder; allowed: the name of a file")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: the folder {out.parent} does not exist")
    if out.exists() and not (force or resume):
        raise ConfigError(f"{out} exists; --force replaces it, --resume checks or finishes it")
    if is_unfinished(parts_folder(out)) and not (force or resume or leftover):
        raise ConfigError(f"{parts_folder(out)} holds an unfinished run; --resume continues it, --force discards it")


def _check_space(config: RunConfig, out: Path, shard: Shard) -> None:
    """Raise ConfigError unless chunks and file find room; chunks of an unfinished run count as room."""
    parts = parts_folder(out)
    kept = sum(path.stat().st_size for path in parts.glob("*")) if parts.is_dir() else 0
    free = shutil.disk_usage(out.parent).free + kept
    rows = sum(_rows_here(config, shard))
    need = 2 * rows * row_bytes(config.tracks, config.variations, config.images)
    if need > free:
        raise ConfigError(f"{out}: {rows} rows need {need / 1e9:.3g} GB of disk while they are made, "
                          f"{free / 1e9:.3g} GB are free; allowed: a smaller --n, or another disk")


def produce(config: RunConfig, out: Path, *, threads: int = 0, compression: str = "none", force: bool = False,
            resume: bool = False, shard: Shard = WHOLE, dask: str = "", profile: bool = False,
            make_chunk: ChunkMaker | str = DEFAULT_MAKER, progress: Progress | None = None) -> Bunch:
    """Make a file.

    Parameters
    ----------
    config : RunConfig
        What the rows depend on.
    out : Path
        The file.
    threads : int, optional
        Worker processes, 0 for one per core; the rows do not depend on it.
    compression : {"none", "lzf", "gzip"}, optional
        Compression of the datasets.
    force : bool, optional
        Replace an existing file; without `resume`, also discard an unfinished one.
    resume : bool, optional
        Continue an unfinished file, or verify a finished one.
    shard : Shard, optional
        Make one of several parts, for `merge`.
    dask : str, optional
        Address of the Dask scheduler whose workers make the rows, or "local:4".
    profile : bool, optional
        Also measure what happens within kernels.
    make_chunk : callable or str, optional
        What makes the rows, importable by name.
    progress : callable, optional
        Told of the rows made.

    Returns
    -------
    Bunch
        `path`, `seed`, `rows` (per class), `events_tried`, `cross_section` [pb] and `filter_efficiency` (per process),
        `seconds`, `rate` [rows/s], `dataset_hash`, `sha256`; `profile`: seconds by stage, for each process (of all workers
        together, with the `events` and `rows` made) and for the `file`; with `profile` also the `parts` of the stages.

    Raises
    ------
    PseudoexpError
        For wrong options, or when a worker fails; finished chunks are kept then.
    """
    tell, out = progress or (lambda stage, done, total: None), real_place(out)
    _read_inputs(config, tell)
    plan(config, out, threads=threads, compression=compression, force=force, resume=resume, shard=shard, dask=dask)
    if resume and out.exists() and (finished := _finished(config, out, force, shard)):
        return finished
    start = time.monotonic()
    with Parts(out, config, resume=resume, discard=force and not resume, shard=shard) as parts:
        try:
            states = _make(Job(maker_name(make_chunk), config, parts.folder, profile=profile), parts, threads, dask, shard, tell)
            draft = parts.folder / ASSEMBLY
            made = time.monotonic()
            total, yields = _write(config, parts, states, draft, compression, tell)
            written = time.monotonic()
            parts.note_published(total)
            checksum = publish(draft, out)
        except OSError as error:
            raise GenerationError(f"{out}: {cause(error)}{_kept(parts)}") from None
        except GenerationError as error:
            raise GenerationError(f"{error}{_kept(parts)}") from None
        parts.remove()
    end = time.monotonic()
    times = {"making chunks": made - start, "writing": written - made, "publishing": end - written}
    result = summary(config.seed, out, total, checksum, yields, end - start)
    result.profile = _profile(states, times)
    return result


def _workers(job: Job, threads: int, dask: str, expected: int) -> Workers:
    if dask:
        from pseudoexp.production.cluster import DaskWorkers  # asked for by few, and its imports take time

        return DaskWorkers(job, dask)
    return start_workers(job, threads, expected)


def _make(job: Job, parts: Parts, threads: int, dask: str, shard: Shard, tell: Progress) -> list[ClassState]:
    config = job.config
    rows = class_rows(config.signal_fraction, config.n)
    states = [ClassState(process, need, parts.scan(process), _supply(config, process) if need else None, shard)
              for process, need in enumerate(rows)]
    if all(state.complete() for state in states):
        return states
    require_library(config, threads, tell)
    total = sum(state.target for state in states)
    expected = sum(expected_chunks(_rows_here(config, shard)))
    with _workers(job, threads, dask, expected) as workers:
        def report(done: int) -> None:
            if done == 0 and (notice := workers.notice()):
                tell(notice, 0, 0)
            else:
                tell("generating", done, total)

        make_chunks(workers, states, report)
    return states


def _write(config: RunConfig, parts: Parts, states: list[ClassState], draft: Path, compression: str, tell: Progress
           ) -> tuple[str, tuple[Yield, Yield]]:
    """Write the file, or the shard, of the chunks that are there."""
    order, source, total = Order.of(config), spooled(parts.folder), sum(state.target for state in states)

    def report(done: int) -> None:
        tell("writing", done, max(done, total))

    shard = states[0].shard
    if shard.of == 1:
        return assemble(order, source, draft, compression, report)
    order = order._replace(provenance=replace(order.provenance, shard=str(shard)))
    return write_shard(order, source, states, draft, compression, report)


def _supply(config: RunConfig, process: int) -> Supply | None:
    """Return what the events of a process are read from, None where they are made."""
    if config.engine != "hepmc":
        return None
    path = file_of(process, config.engine_settings)
    return Supply(str(path), index_of(path).events)


def _read_inputs(config: RunConfig, tell: Progress) -> None:
    """Pass through the files to be read once, telling the user if that takes long."""
    for path in filter(None, (config.hepmc_signal, config.hepmc_qcd)):
        if Path(path).is_file() and Path(path).stat().st_size > _LONG:
            tell(f"{path}: counting the events", 0, 0)
        index_of(path)


def _finished(config: RunConfig, out: Path, force: bool, shard: Shard) -> Bunch | None:
    """Verify the file that is there: return its summary if it is the one asked for, None if it may be replaced."""
    try:
        info = probe(out)
        old = json.loads(info.attributes["configuration"])
        asked = config.identity() | {"n": config.n} | {"shard": str(shard)}
        old["shard"] = info.attributes.get("shard", str(WHOLE))
        found = difference(old, json.loads(canonical_json(asked)))
        if not found:
            checked = verify(out)
            checksum = checked.sha256 or _sidecar(out)
            remove_leftovers(out, checked.dataset_hash)
            tried, cross_section = (info.attributes[name] for name in ("events_tried", "cross_section"))
            return Bunch(path=out, seed=config.seed, rows=info.counts, events_tried=_by_process(tried),
                         cross_section=_by_process(cross_section), dataset_hash=checked.dataset_hash,
                         sha256=checksum)
    except DamagedFile:
        if not force:
            raise
        found = "damaged"
    if not force:
        raise ConfigError(f"{out} was made with another configuration ({found}); --force replaces it")
    return None


def _sidecar(out: Path) -> str:
    """Write the sidecar of a file with good rows that has none: whoever published it was killed before that."""
    try:
        return write_sidecar(out)
    except OSError as error:
        raise ConfigError(f"{out}: its rows are as written, but its SHA-256 cannot be written beside it ({cause(error)})"
                          ) from None


def summary(seed: int, out: Path, total: str, checksum: str, yields: tuple[Yield, Yield], seconds: float) -> Bunch:
    """Return what `produce` returns, of a file that has just been written."""
    counts = probe(out).counts
    efficiencies = [y.accepted_weight / y.events_tried / y.cross_section if y.events_tried and y.cross_section else 0.0
                    for y in yields]
    return Bunch(path=out, seed=seed, rows=counts, events_tried=_by_process([y.events_tried for y in yields]),
                 cross_section=_by_process([y.cross_section for y in yields]),
                 filter_efficiency=_by_process(efficiencies), seconds=seconds, rate=sum(counts.values()) / seconds,
                 dataset_hash=total, sha256=checksum)


def _profile(states: list[ClassState], file: dict[str, float]) -> Bunch:
    """Return the times of what was made here, for each process, and of the file."""
    found = Bunch(file=file)
    for name, state in zip(PROCESS_NAMES, states, strict=True):
        made = state.made
        found[name] = Bunch(events=made.chunks * EVENTS_PER_CHUNK, rows=made.rows, seconds={}, parts={})
        for stage, seconds in made.seconds.items():
            stage, _, part = stage.partition(PART)
            if part:
                found[name].parts.setdefault(stage, {})[part] = seconds
            else:
                found[name].seconds[stage] = seconds
    return found


def _by_process(values: Any) -> dict[str, Any]:
    return dict(zip(("signal", "qcd"), values, strict=True))


def cause(error: OSError) -> str:
    """Return the reason of an operating-system error; HDF5 hides it in a long text."""
    hidden = re.search(r"error message = '([^']+)'", str(error))
    return hidden.group(1) if hidden else error.strerror or str(error).splitlines()[0]


def _kept(parts: Parts) -> str:
    count = sum(1 for _ in parts.folder.glob("*.rows"))
    return f"; {count} finished chunks are kept in {parts.folder}, --resume continues" if count else ""

"""Events as a HepMC3 file: the public `events`."""

from __future__ import annotations

import gzip
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from pseudoexp.bunch import Bunch
from pseudoexp.core.cache import cache_folder
from pseudoexp.core.files import real_place, require_new_file, whole_file
from pseudoexp.core.jit import COMPILING
from pseudoexp.core.record import EventBatch
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK, VARIATION_FIELDS
from pseudoexp.engines import DEFAULT_ENGINE
from pseudoexp.engines import engine as engine_of
from pseudoexp.engines.hepmc.library import pyhepmc_module
from pseudoexp.engines.hepmc.writing import EventWriter
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError
from pseudoexp.particle_level import PROCESSES
from pseudoexp.production.run_config import engine_version, parse_count, require_engine
from pseudoexp.production.spool import only_writer

MAX_EVENTS = 10**9
_EVENT_BYTES = {True: 50_000, False: 120_000}
"""Of a mean event, with and without compression; for estimates only."""
_OWN = ("pythia8", "builtin")


def write_event_file(process: str, n: Any, out: str | Path, *, engine: str = DEFAULT_ENGINE, seed: int = 1,
                     pthat_min: float = 150.0, pt_bias: float = 4.0, variations: bool = False, force: bool = False,
                     progress: Callable[[str, int, int], None] | None = None) -> Bunch:
    """Write events as HepMC3 text, compressed where the name ends with ``.gz``.

    They are the events that `generate` makes of the same options: event i of the file is event i of the process.

    Parameters
    ----------
    process : {"signal", "qcd"}
        g b -> H b with H -> bb, or all hard 2 -> 2 QCD scatterings.
    n : int, float or str
        Number of events; 1e4 and "10k" are understood. Fewer events are the first of more.
    out : str or Path
        The file.
    engine : {"builtin", "pythia8"}, optional
        The event generator.
    seed : int, optional
        The seed.
    pthat_min, pt_bias : float, optional
        Lowest pT-hat [GeV], and power of the sampling bias, which the weights undo.
    variations : bool, optional
        Write the weights for other parameters beside the event's own (`schema.VARIATION_FIELDS`); engine ``"builtin"``.
    force : bool, optional
        Replace an existing file.
    progress : callable, optional
        Called as ``progress(stage, events_done, events)``; as ``progress(line, 0, 0)`` while kernels are compiled.

    Returns
    -------
    Bunch
        `path`, `process`, `events`, `seed`, `cross_section` and `error` [pb], `bytes`, `seconds`, `rate` [events/s].

    Raises
    ------
    ConfigError
        For a wrong option, or a place that cannot be written to.
    MissingExtra
        If pyhepmc or the engine is not installed.
    """
    path, events = Path(out), parse_count(n, "n", 1, MAX_EVENTS)
    number = parse_count(seed, "seed", 0, 2**63 - 1)
    settings = EngineSettings(pthat_min, pt_bias)
    if process not in PROCESSES:
        raise ConfigError(f"process {process!r}; allowed: {', '.join(PROCESSES)}")
    if engine not in _OWN:
        raise ConfigError(f"engine {engine!r}; allowed: {', '.join(_OWN)}")
    if variations and engine != "builtin":
        raise ConfigError(f"variations: engine {engine!r} has no weights for them; allowed: engine 'builtin'")
    pyhepmc_module()
    require_engine(engine)
    _check_place(path, events, force)
    tell = progress or (lambda stage, done, total: None)
    options = {"process": process, "engine": engine, "engine_version": engine_version(engine), "seed": number,
               "pthat_min": settings.pthat_min, "pt_bias": settings.pt_bias, "n": events}
    start = time.monotonic()
    if engine == "builtin" and not cache_folder().exists():
        tell(COMPILING, 0, 0)
    names = [field.name for field in VARIATION_FIELDS[1:]] if variations else []
    about = f"engine {engine} {options['engine_version']}"
    with (only_writer(real_place(path)), _opened(path) as file,
          EventWriter(file, about, canonical_json(options), names) as writer):
        for first in range(0, events, EVENTS_PER_CHUNK):
            tell("writing", first, events)
            count = min(EVENTS_PER_CHUNK, events - first)
            writer.write(*_generated(engine, PROCESSES[process], number, first, count, settings, variations))
        mean, error = writer.cross_section()
    tell("writing", events, events)
    seconds = time.monotonic() - start
    return Bunch(path=path, process=process, events=events, seed=number, cross_section=mean,
                 error=error, bytes=path.stat().st_size, seconds=seconds,
                 rate=events / seconds)


def _generated(engine: str, process: int, seed: int, first: int, n: int, settings: EngineSettings, variations: bool
               ) -> tuple[EventBatch, NDArray[np.float64] | None]:
    """Return events and, if asked for, their weights for other parameters over their own."""
    if variations:
        from pseudoexp.engines.builtin.chunk import generate_varied  # the only engine that has them

        return generate_varied(process, seed, first, n, settings)
    return engine_of(engine).generate_chunk(process, seed, first, n, settings), None


def _check_place(path: Path, events: int, force: bool) -> None:
    require_new_file(path, force)
    need, free = events * _EVENT_BYTES[path.suffix == ".gz"], shutil.disk_usage(path.parent).free
    if need > free:
        raise ConfigError(f"{path}: {events} events need about {need / 1e9:.3g} GB of disk, {free / 1e9:.3g} GB are free; "
                          "allowed: a smaller --n, or another disk")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open the file under a temporary name, compressing (the same events, the same bytes) where its name asks for it."""
    with whole_file(path) as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.GzipFile("", "wb", compresslevel=4, fileobj=file, mtime=0) as packed:
            yield cast(BinaryIO, packed)

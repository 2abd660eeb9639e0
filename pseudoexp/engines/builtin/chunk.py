"""Events of the built-in engine: every event a function of seed, process, event number and settings.

Unlike Pythia8's, an event does not depend on the chunk it is made in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.laps import first_lap, lap
from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.batches import require_finite
from pseudoexp.engines.builtin.event import FULL, EngineTables, EngineWorkspace, engine_tables, engine_workspace, make_event
from pseudoexp.engines.builtin.prospects import ANY_JET, HIGGS_JET, WHOLE
from pseudoexp.engines.builtin.records import RecordWorkspace, append_record, new_batch, record_workspace, trimmed
from pseudoexp.engines.builtin.variations import NAMES
from pseudoexp.engines.settings import EngineSettings, physics_process, require_events
from pseudoexp.errors import ConfigError, GenerationError

_PARTICLES, _HEAVY = 700, 24
"""Room per event in a batch, to begin with."""
_LARGEST = 64
_NO_ROOM = -4
"""Code: the batch is full."""


@kernel
def fill_batch(process: int, namespace: int, seed: int, first: int, done: int, asked: int, tables: EngineTables,
               ws: EngineWorkspace, records: RecordWorkspace, batch: EventBatch, weights: NDArray[np.float64]
               ) -> tuple[int, int]:
    """Make the events of a batch from its row `done` on; return how many it holds, and 0 or why it stopped."""
    first_lap(ws.laps)
    for i in range(done, len(batch.weight)):
        code, weight, pthat = make_event(process, event_stream(seed, process + namespace, first + i), asked, tables, ws)
        if code < 0:
            return i, code
        if not append_record(i, ws, records, batch):
            return i, _NO_ROOM
        batch.event_number[i] = first + i
        batch.weight[i] = weight
        batch.pthat[i] = pthat
        for k in range(len(ws.weights)):
            weights[i, k] = ws.weights[k]
        lap(ws.laps, laps.RECORD)
    return len(batch.weight), 0


@lru_cache(maxsize=4)
def _tables(process: int, pthat_min: float, pt_bias: float) -> EngineTables:
    return engine_tables(process, pthat_min, pt_bias)


@lru_cache(maxsize=2)
def _workspace(size: int, varied: bool) -> tuple[EngineWorkspace, RecordWorkspace]:
    ws = engine_workspace(size, varied)
    return ws, record_workspace(len(ws.hadrons.status))


def generate_chunk(process: int, seed: int, first_event: int, n: int, settings: EngineSettings) -> EventBatch:
    """Generate events `first_event` to `first_event + n - 1` of a process.

    Parameters
    ----------
    process : int
        `processes.SIGNAL` (g b -> H b, H -> b bbar) or `processes.QCD`; plus `CALIBRATION` for other events of the same kind.
    seed : int
        0 <= seed < 2**63.
    first_event : int
        Number of the first event, below 2**48.
    n : int
        Number of events.
    settings : EngineSettings
        Threshold and bias; a tune is Pythia8's.

    Returns
    -------
    EventBatch
        n events; the mean of the weights [pb] is the cross-section, including BR(H -> bb) for the signal.

    Raises
    ------
    ConfigError
        For a value out of range, a process or a tune that this engine does not have.
    GenerationError
        If an event cannot be made, or holds NaN.
    """
    return _generate(process, seed, first_event, n, settings, WHOLE, np.zeros((n, 0)))


def generate_for_rows(process: int, seed: int, first_event: int, n: int, settings: EngineSettings, keep_other: bool
                      ) -> EventBatch:
    """Generate the same events as `generate_chunk`, those without particles that can give no row.

    Parameters
    ----------
    process, seed, first_event, n, settings
        As in `generate_chunk`.
    keep_other : bool
        Whether rows of signal events that are not of the Higgs boson count.
    """
    return _generate(process, seed, first_event, n, settings, asked_of(process, keep_other), np.zeros((n, 0)))


def generate_varied(process: int, seed: int, first_event: int, n: int, settings: EngineSettings,
                    keep_other: bool | None = None) -> tuple[EventBatch, NDArray[np.float64]]:
    """Generate the same events as `generate_chunk`, with weights for other parameters.

    Parameters
    ----------
    process, seed, first_event, n, settings
        As in `generate_chunk`.
    keep_other : bool, optional
        As in `generate_for_rows`, and events that can give no row have no particles; without it all do.

    Returns
    -------
    tuple
        The events; (n, variations) their weights over the event's own, in the order of `variations.NAMES`, each 1 on
        average.
    """
    ratios = np.ones((n, len(NAMES)))
    asked = WHOLE if keep_other is None else asked_of(process, keep_other)
    return _generate(process, seed, first_event, n, settings, asked, ratios), ratios


def asked_of(process: int, keep_other: bool) -> int:
    """Return what to ask for: rows of a process, of the Higgs boson alone or others too."""
    return HIGGS_JET if process % CALIBRATION == SIGNAL and not keep_other else ANY_JET


def first_call(settings: EngineSettings, varied: bool) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the kernel that makes events, and arguments to compile it for; `varied` as for `generate_varied`."""
    ratios = np.ones((0, len(NAMES) if varied else 0))
    return fill_batch, (SIGNAL, 0, 0, 0, 0, WHOLE, _tables(SIGNAL, settings.pthat_min, settings.pt_bias),
                        *_workspace(1, varied), new_batch(0, 0, 0), ratios)


def _generate(process: int, seed: int, first_event: int, n: int, settings: EngineSettings, asked: int,
              ratios: NDArray[np.float64]) -> EventBatch:
    """Generate events; fill `ratios` (n, variations) unless it has no columns."""
    require_events(seed, first_event, n)
    physics = physics_process(process)
    if physics == MINIMUM_BIAS or settings.tune:
        raise ConfigError("engine 'builtin': signal and QCD without tune lines are allowed")
    tables = _tables(physics, settings.pthat_min, settings.pt_bias)
    size = room = 1
    done, batch = 0, new_batch(n, _PARTICLES * n, _HEAVY * n)
    while True:
        done, code = fill_batch(physics, process - physics, seed, first_event, done, asked, tables,
                                *_workspace(size, ratios.shape[1] > 0), batch, ratios)
        if code == 0:
            break
        if code == _NO_ROOM:
            room *= 2
            batch = _enlarged(batch, room)
        elif code == FULL and size < _LARGEST:
            size *= 2  # which compiles the kernels anew; of 48,000 events none fills half of size 1
        else:
            raise GenerationError(f"process {process}, event {first_event + done}, seed {seed}: cannot be made")
    batch = trimmed(batch)
    require_finite(batch, f"built-in engine, process {process % CALIBRATION}, seed {seed}")
    return batch


def _enlarged(batch: EventBatch, factor: int) -> EventBatch:
    """Return the batch in larger arrays."""
    events = len(batch.weight)
    larger = new_batch(events, factor * _PARTICLES * events, factor * _HEAVY * events)
    for name, values in batch._asdict().items():
        getattr(larger, name)[:len(values)] = values
    return larger

"""From the hadrons of an event to the event record: what is stable, what was heavy, who descends from whom."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.record import EventBatch
from pseudoexp.engines.ancestry import trace
from pseudoexp.engines.builtin.event import EngineWorkspace
from pseudoexp.engines.builtin.hadrons import STABLE


class RecordWorkspace(NamedTuple):
    """Buffers of `append_record`."""

    offsets: NDArray[np.int64]  # (2,)
    own: NDArray[np.int32]  # (hadrons,)
    nearest: NDArray[np.int32]  # (hadrons,)
    from_higgs: NDArray[np.bool_]  # (hadrons,)
    higgs_row: NDArray[np.int64]  # (1,)


def record_workspace(hadrons: int) -> RecordWorkspace:
    """Return buffers for events of up to `hadrons` rows."""
    return RecordWorkspace(np.zeros(2, np.int64), np.zeros(hadrons, np.int32), np.zeros(hadrons, np.int32),
                           np.zeros(hadrons, np.bool_), np.zeros(1, np.int64))


def new_batch(events: int, particles: int, heavy: int) -> EventBatch:
    """Return a batch to be filled by `append_record`."""
    return EventBatch(
        event_number=np.zeros(events, np.int64), weight=np.zeros(events), pthat=np.zeros(events),
        offsets=np.zeros(events + 1, np.int64), heavy_offsets=np.zeros(events + 1, np.int64), p4=np.empty((particles, 4)),
        vertex=np.empty((particles, 4)), pdg_id=np.empty(particles, np.int32), heavy=np.empty(particles, np.int32),
        heavy_p4=np.empty((heavy, 4)), heavy_pdg_id=np.empty(heavy, np.int32), heavy_vertex=np.empty((heavy, 4)),
        heavy_parent=np.empty(heavy, np.int32), heavy_from_higgs=np.empty(heavy, np.bool_), higgs=np.zeros((events, 4)),
        partons=np.zeros((events, 2, 5)))


def trimmed(batch: EventBatch) -> EventBatch:
    """Return a filled batch without its spare rows; no system has given memory for these yet."""
    particles, heavy = batch.offsets[-1], batch.heavy_offsets[-1]
    cut = {name: getattr(batch, name)[:heavy if name.startswith("heavy_") else particles]
           for name in ("p4", "vertex", "pdg_id", "heavy", "heavy_p4", "heavy_pdg_id", "heavy_vertex", "heavy_parent",
                        "heavy_from_higgs")}
    return batch._replace(**cut)


@kernel
def append_record(event: int, engine: EngineWorkspace, ws: RecordWorkspace, batch: EventBatch) -> bool:
    """Write an event into a batch as its row `event`, behind those before it; False if the batch is full."""
    hadrons, n = engine.hadrons, engine.hadrons.filled[0]
    ws.offsets[1] = n
    trace(ws.offsets, hadrons.pdg_id[:n], hadrons.status[:n], hadrons.mother[:n], ws.own, ws.nearest, ws.from_higgs,
          ws.higgs_row)
    k, m = batch.offsets[event], batch.heavy_offsets[event]
    for i in range(n):
        if hadrons.status[i] == STABLE:
            if k == len(batch.pdg_id):
                return False
            for c in range(4):
                batch.p4[k, c], batch.vertex[k, c] = hadrons.p4[i, c], hadrons.vertex[i, c]
            batch.pdg_id[k], batch.heavy[k] = hadrons.pdg_id[i], ws.nearest[i]
            k += 1
        elif ws.own[i] >= 0:
            if m == len(batch.heavy_pdg_id):
                return False
            for c in range(4):
                batch.heavy_p4[m, c], batch.heavy_vertex[m, c] = hadrons.p4[i, c], hadrons.decay_vertex[i, c]
            batch.heavy_pdg_id[m], batch.heavy_parent[m] = hadrons.pdg_id[i], ws.nearest[i]
            batch.heavy_from_higgs[m] = hadrons.from_higgs[i]
            m += 1
    for c in range(4):
        batch.higgs[event, c] = engine.higgs[c]
    for row in range(2):
        for c in range(5):
            batch.partons[event, row, c] = engine.hard_partons[row, c]
    batch.offsets[event + 1], batch.heavy_offsets[event + 1] = k, m
    return True

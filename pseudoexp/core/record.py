"""The event record: what every engine fills and everything behind the engines reads.

Momenta in GeV, lengths and c*t in mm. A *heavy* particle is a weakly decaying b or c hadron or a tau,
each listed once with its decay vertex (the last of its kind: B0 after mixing, no excited states).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline


class EventRecord(NamedTuple):
    """One event; n stable particles, m heavy particles.

    Neutrinos are listed. Stable means c*tau > 10 mm: K0S, Lambda, Sigma+-, Xi, Omega, K+-, pi+-, mu are left
    to the detector.
    """

    p4: NDArray[np.float64]  # (n, 4) px, py, pz, E
    vertex: NDArray[np.float64]  # (n, 4) production point x, y, z, c*t relative to the hard collision
    pdg_id: NDArray[np.int32]  # (n,)
    heavy: NDArray[np.int32]  # (n,) row of the *nearest* heavy ancestor, -1 without
    heavy_p4: NDArray[np.float64]  # (m, 4)
    heavy_pdg_id: NDArray[np.int32]  # (m,)
    heavy_vertex: NDArray[np.float64]  # (m, 4) decay point x, y, z, c*t
    heavy_parent: NDArray[np.int32]  # (m,) row of the nearest heavy ancestor (b of a charm hadron), -1 without
    heavy_from_higgs: NDArray[np.bool_]  # (m,) descends from the hard Higgs
    higgs: NDArray[np.float64]  # (4,) last copy px, py, pz, E; zeros in QCD events
    partons: NDArray[np.float64]  # (2, 5) outgoing hard partons px, py, pz, E, pdg id (before showers)


class EventBatch(NamedTuple):
    """A run of events of one process, flat; event i owns particles offsets[i]:offsets[i+1]."""

    event_number: NDArray[np.int64]  # (events,)
    weight: NDArray[np.float64]  # (events,) pb; its mean over events is the cross-section
    pthat: NDArray[np.float64]  # (events,) GeV
    offsets: NDArray[np.int64]  # (events + 1,)
    heavy_offsets: NDArray[np.int64]  # (events + 1,)
    p4: NDArray[np.float64]  # (particles, 4)
    vertex: NDArray[np.float64]  # (particles, 4)
    pdg_id: NDArray[np.int32]  # (particles,)
    heavy: NDArray[np.int32]  # (particles,) row within the event's own heavy particles
    heavy_p4: NDArray[np.float64]  # (heavies, 4)
    heavy_pdg_id: NDArray[np.int32]  # (heavies,)
    heavy_vertex: NDArray[np.float64]  # (heavies, 4)
    heavy_parent: NDArray[np.int32]  # (heavies,) row within the event's own heavy particles
    heavy_from_higgs: NDArray[np.bool_]  # (heavies,)
    higgs: NDArray[np.float64]  # (events, 4)
    partons: NDArray[np.float64]  # (events, 2, 5)


def no_events() -> EventBatch:
    """Return a batch without events."""
    def empty(*shape: int, dtype: type = np.float64) -> NDArray[Any]:
        return np.zeros((0, *shape), dtype)

    return EventBatch(
        event_number=empty(dtype=np.int64), weight=empty(), pthat=empty(), offsets=np.zeros(1, np.int64),
        heavy_offsets=np.zeros(1, np.int64), p4=empty(4), vertex=empty(4), pdg_id=empty(dtype=np.int32),
        heavy=empty(dtype=np.int32), heavy_p4=empty(4), heavy_pdg_id=empty(dtype=np.int32), heavy_vertex=empty(4),
        heavy_parent=empty(dtype=np.int32), heavy_from_higgs=empty(dtype=np.bool_), higgs=empty(4), partons=empty(2, 5))


@inline
def event(batch: EventBatch, i: int) -> EventRecord:
    """Return event i of a batch as views."""
    a, b = batch.offsets[i], batch.offsets[i + 1]
    c, d = batch.heavy_offsets[i], batch.heavy_offsets[i + 1]
    return EventRecord(
        batch.p4[a:b], batch.vertex[a:b], batch.pdg_id[a:b], batch.heavy[a:b], batch.heavy_p4[c:d],
        batch.heavy_pdg_id[c:d], batch.heavy_vertex[c:d], batch.heavy_parent[c:d], batch.heavy_from_higgs[c:d],
        batch.higgs[i], batch.partons[i])

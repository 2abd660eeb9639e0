"""From Pythia's full event history to the event record.

`nextBatch` returns the whole history of a run of events as one awkward array: about 1,500 rows per event, of
which 500 are final. Its buffers are read as flat numpy arrays; one kernel follows the mothers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.record import EventBatch
from pseudoexp.engines.ancestry import trace

_HARD_ROWS = np.array([5, 6])
"""Rows of the two outgoing hard partons: behind the system, two beams and two incoming partons."""


class History(NamedTuple):
    """Full histories of a run of events, flat; event i owns rows offsets[i]:offsets[i + 1]."""

    offsets: NDArray[np.int64]  # (events + 1,)
    pdg_id: NDArray[np.int32]  # (rows,)
    status: NDArray[np.int32]  # (rows,) positive: final
    mother: NDArray[np.int32]  # (rows,) first mother, counted from the event's first row
    daughter: NDArray[np.int32]  # (rows,) first daughter, likewise
    p4: NDArray[np.float64]  # (rows, 4) px, py, pz, E [GeV]
    vertex: NDArray[np.float64]  # (rows, 4) x, y, z, c*t of production [mm]
    weight: NDArray[np.float64]  # (events,) Pythia's own
    pthat: NDArray[np.float64]  # (events,) GeV


def flatten(array: Any) -> History:
    """Return Pythia's awkward array as flat arrays."""
    jagged, info = array.layout.content("prt"), array.layout.content("info")
    rows = jagged.content
    where = rows.content("vProd")  # None for rows without a vertex of their own
    index = np.asarray(where.index)
    known = np.flatnonzero(index >= 0)
    vertex = np.zeros((index.size, 4))
    vertex[known] = _four(where.content)[index[known]]
    return History(
        offsets=np.asarray(jagged.offsets), pdg_id=_leaf(rows.content("id")), status=_leaf(rows.content("status")),
        mother=_leaf(rows.content("mother1")), daughter=_leaf(rows.content("daughter1")), p4=_four(rows.content("p")),
        vertex=vertex, weight=_leaf(info.content("weights").content),
        pthat=np.sqrt(np.maximum(_leaf(info.content("pT2Hat")), 0.0)))


def record(history: History, first_event: int, constant: float, has_hard_process: bool) -> EventBatch:
    """Return the event records of full histories.

    Parameters
    ----------
    history : History
        What Pythia made.
    first_event : int
        Number of the first event.
    constant : float
        Factor [pb] on Pythia's weights.
    has_hard_process : bool
        False for minimum bias: hard partons, pT-hat and Higgs stay zero.

    Returns
    -------
    EventBatch
        The same events, numbered from `first_event`.
    """
    rows, events = history.pdg_id.size, history.offsets.size - 1
    own, nearest = np.empty(rows, np.int32), np.empty(rows, np.int32)
    from_higgs, higgs_row = np.empty(rows, np.bool_), np.empty(events, np.int64)
    trace(history.offsets, history.pdg_id, history.status, history.mother, own, nearest, from_higgs, higgs_row)
    final, heavy = np.flatnonzero(history.status > 0), np.flatnonzero(own >= 0)
    start = history.offsets[:-1]
    start_of_heavy = start[np.searchsorted(history.offsets, heavy, side="right") - 1]
    higgs, partons, pthat = np.zeros((events, 4)), np.zeros((events, 2, 5)), np.zeros(events)
    if has_hard_process:
        hard = start[:, None] + _HARD_ROWS
        partons = np.concatenate([history.p4[hard], history.pdg_id[hard][:, :, None]], axis=2)
        pthat = history.pthat
        higgs[higgs_row >= 0] = history.p4[(start + higgs_row)[higgs_row >= 0]]
    return EventBatch(
        event_number=first_event + np.arange(events, dtype=np.int64), weight=constant * history.weight, pthat=pthat,
        offsets=np.searchsorted(final, history.offsets), heavy_offsets=np.searchsorted(heavy, history.offsets),
        p4=history.p4[final], vertex=history.vertex[final], pdg_id=history.pdg_id[final], heavy=nearest[final],
        heavy_p4=history.p4[heavy], heavy_pdg_id=history.pdg_id[heavy],
        heavy_vertex=history.vertex[start_of_heavy + history.daughter[heavy]], heavy_parent=nearest[heavy],
        heavy_from_higgs=from_higgs[heavy], higgs=higgs, partons=partons)


def _leaf(layout: Any) -> NDArray[Any]:
    return np.asarray(layout.data)


def _four(layout: Any) -> NDArray[np.float64]:
    return np.stack([_leaf(layout.content(k)) for k in ("px", "py", "pz", "e")], axis=1)

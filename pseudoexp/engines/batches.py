"""Joining and checking batches of events, whichever engine made them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pseudoexp.core.record import EventBatch
from pseudoexp.errors import GenerationError

_OF_PARTICLES = ("p4", "vertex")
_OF_HEAVY = ("heavy_p4", "heavy_vertex")
_OF_EVENTS = ("weight", "pthat", "higgs", "partons")


def join(batches: Sequence[EventBatch]) -> EventBatch:
    """Return one batch with the events of several, in order."""
    fields = {name: np.concatenate([getattr(b, name) for b in batches]) for name in EventBatch._fields}
    for name in ("offsets", "heavy_offsets"):
        counts = [np.diff(getattr(b, name)) for b in batches]
        fields[name] = np.concatenate([[0], *counts]).cumsum(dtype=np.int64)
    return EventBatch(**fields)


def require_finite(batch: EventBatch, source: str) -> None:
    """Raise `GenerationError` naming `source` and the first event that holds NaN or infinity."""
    for names, offsets in ((_OF_EVENTS, None), (_OF_PARTICLES, batch.offsets), (_OF_HEAVY, batch.heavy_offsets)):
        for name in names:
            values = getattr(batch, name)
            if np.isfinite(values).all():
                continue
            row = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
            event = row if offsets is None else int(np.searchsorted(offsets, row, side="right")) - 1
            number = batch.event_number[event]
            raise GenerationError(f"{source}: event {number} holds a number that is not finite in {name}")

"""Pythia8 events that travel with the tests (single precision), so that they need no generator."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from pseudoexp.core.record import EventBatch

DATA = Path(__file__).parent / "data"
PROCESSES = {"signal": 0, "qcd": 1}


@lru_cache
def events(name):
    """Return 110 signal or 90 QCD events, pT-hat > 150 GeV, bias power 4."""
    with np.load(DATA / f"events_{name}.npz", allow_pickle=False) as data:
        arrays = {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in data.items()}
    return EventBatch(**arrays)


def some(batch, first, end):
    """Return events first to end - 1 of a batch."""
    a, b = batch.offsets[[first, end]]
    c, d = batch.heavy_offsets[[first, end]]
    heavy = {name: getattr(batch, name)[c:d] for name in batch._fields if name.startswith("heavy_") and "offs" not in name}
    particles = {name: getattr(batch, name)[a:b] for name in ("p4", "vertex", "pdg_id", "heavy")}
    per_event = {name: getattr(batch, name)[first:end] for name in ("event_number", "weight", "pthat", "higgs", "partons")}
    return EventBatch(offsets=batch.offsets[first:end + 1] - a, heavy_offsets=batch.heavy_offsets[first:end + 1] - c,
                      **heavy, **particles, **per_event)

"""Batches of events: one event's rows are views of the batch's."""

import numpy as np

from pseudoexp.core.record import EventBatch, EventRecord, event, no_events


def test_an_event_is_a_view_of_its_rows():
    """Particles and heavy particles between their own offsets, also of events without any."""
    offsets, heavy = np.array([0, 2, 2, 5]), np.array([0, 0, 1, 3])
    rng = np.random.default_rng(1)
    lengths = {"event_number": 3, "weight": 3, "pthat": 3, "higgs": 3, "partons": 3}
    arrays = {}
    for name, empty in no_events()._asdict().items():
        n = lengths.get(name, 3 if name.startswith("heavy_") else 5)
        arrays[name] = rng.integers(0, 2**6, (n, *empty.shape[1:])).astype(empty.dtype)
    batch = EventBatch(**arrays | {"offsets": offsets, "heavy_offsets": heavy})
    for i in range(3):
        record = event(batch, i)
        for name in EventRecord._fields:
            whole, part = getattr(batch, name), getattr(record, name)
            if name in ("higgs", "partons"):
                expected = whole[i]
            else:
                rows = heavy if name.startswith("heavy_") else offsets
                expected = whole[rows[i]:rows[i + 1]]
            assert np.array_equal(part, expected), name
    event(batch, 2).p4[0, 0] = 99.0
    assert batch.p4[2, 0] == 99.0


def test_a_batch_without_events():
    """Every field has its type and no row, so that batches can be joined to it."""
    batch = no_events()
    assert batch.offsets.tolist() == batch.heavy_offsets.tolist() == [0]
    assert all(len(a) == 0 for name, a in batch._asdict().items() if not name.endswith("offsets"))
    assert batch.partons.shape == (0, 2, 5) and batch.heavy_from_higgs.dtype == np.bool_

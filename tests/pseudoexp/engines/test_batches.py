import numpy as np
import pytest

from pseudoexp.core.record import EventBatch, event
from pseudoexp.engines.batches import join, require_finite
from pseudoexp.errors import GenerationError


def toy(first, counts, heavies, seed):
    """Return a batch of random numbers with the given particles and heavy particles per event."""
    rng = np.random.default_rng(seed)
    events, n, m = len(counts), sum(counts), sum(heavies)
    return EventBatch(
        first + np.arange(events), rng.random(events), rng.random(events), np.cumsum([0, *counts]),
        np.cumsum([0, *heavies]), rng.random((n, 4)), rng.random((n, 4)), rng.integers(1, 9, n).astype(np.int32),
        np.full(n, -1, np.int32), rng.random((m, 4)), np.full(m, 511, np.int32), rng.random((m, 4)),
        np.full(m, -1, np.int32), np.zeros(m, np.bool_), rng.random((events, 4)), rng.random((events, 2, 5)))


def test_joined_batches_hold_the_same_events():
    parts = [toy(0, [3, 0, 2], [1, 0, 0], 1), toy(3, [4], [2], 2), toy(4, [1, 1], [0, 3], 3)]
    whole = join(parts)
    assert whole.event_number.tolist() == [0, 1, 2, 3, 4, 5]
    assert whole.offsets.dtype == np.int64 and whole.offsets[-1] == len(whole.p4) == 11
    i = 0
    for part in parts:
        for k in range(part.weight.size):
            for a, b in zip(event(whole, i), event(part, k), strict=True):
                np.testing.assert_array_equal(a, b)
            i += 1


@pytest.mark.parametrize(("field", "row", "number"), [
    ("p4", 3, 12), ("vertex", 0, 10), ("heavy_p4", 0, 10), ("heavy_vertex", 1, 12), ("weight", 1, 11),
    ("partons", 2, 12)])
def test_nan_names_its_event(field, row, number):
    batch = toy(10, [3, 0, 2], [1, 0, 1], 1)
    require_finite(batch, "toy")
    getattr(batch, field).reshape(-1)[row * getattr(batch, field)[0].size] = np.nan
    with pytest.raises(GenerationError, match=f"toy: event {number} .* {field}"):
        require_finite(batch, "toy")

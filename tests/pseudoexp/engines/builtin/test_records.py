"""From the hadrons of an event to its row of a batch: stable particles, heavy ones, ancestors."""

from typing import NamedTuple

import numpy as np
import pytest

from pseudoexp.core.record import event
from pseudoexp.engines.builtin.hadrons import STABLE, append_hadron, new_hadrons
from pseudoexp.engines.builtin.records import append_record, new_batch, record_workspace, trimmed


class Engine(NamedTuple):
    """What `append_record` reads of an engine's workspace."""

    hadrons: np.record
    higgs: np.ndarray
    hard_partons: np.ndarray


FAMILY = [  # species, mother, from the Higgs boson, decayed
    (211, -1, False, False), (-511, -1, True, True), (411, 1, True, True), (-211, 1, True, False), (-321, 2, True, False),
    (211, 2, True, False), (413, -1, False, True), (421, 6, False, True), (111, 7, False, True), (22, 8, False, False),
    (22, 8, False, False), (15, 1, True, True), (-13, 11, True, False)]
HEAVY = [1, 2, 7, 11]
STABLES = [0, 3, 4, 5, 9, 10, 12]


def filled() -> Engine:
    """Return an event with b -> c and tau, and a D* -> D0."""
    hadrons, rng = new_hadrons(20), np.random.default_rng(1)
    for row, (code, mother, from_higgs, decayed) in enumerate(FAMILY):
        append_hadron(hadrons, code, mother, from_higgs, *rng.normal(size=4), 0.1)
        if decayed:
            hadrons.status[row], hadrons.decay_vertex[row] = STABLE - 1, rng.normal(size=4)
    return Engine(hadrons, np.array([1.0, 2.0, 3.0, 126.0]), rng.normal(size=(2, 5)))


def test_rows_of_an_event() -> None:
    """Stable particles with their nearest heavy ancestors, heavy ones with their decay vertices, in order; twice in one batch."""
    engine, ws, batch = filled(), record_workspace(20), new_batch(2, 20, 20)
    assert append_record(0, engine, ws, batch) and append_record(1, engine, ws, batch)
    whole, h = trimmed(batch), engine.hadrons
    assert whole.offsets.tolist() == [0, 7, 14] and whole.heavy_offsets.tolist() == [0, 4, 8]
    assert len(whole.pdg_id) == len(whole.p4) == 14 and len(whole.heavy_vertex) == len(whole.heavy_from_higgs) == 8
    for i in range(2):
        record = event(whole, i)
        np.testing.assert_array_equal(record.pdg_id, h.pdg_id[STABLES])
        np.testing.assert_array_equal(record.p4, h.p4[STABLES])
        np.testing.assert_array_equal(record.vertex, h.vertex[STABLES])
        assert record.heavy.tolist() == [-1, 0, 1, 1, 2, 2, 3]
        np.testing.assert_array_equal(record.heavy_pdg_id, h.pdg_id[HEAVY])
        np.testing.assert_array_equal(record.heavy_p4, h.p4[HEAVY])
        np.testing.assert_array_equal(record.heavy_vertex, h.decay_vertex[HEAVY])
        assert record.heavy_parent.tolist() == [-1, 0, -1, 0] and record.heavy_from_higgs.tolist() == [True, True, False, True]
        np.testing.assert_array_equal(record.higgs, engine.higgs)
        np.testing.assert_array_equal(record.partons, engine.hard_partons)


@pytest.mark.parametrize(("particles", "heavy", "room"), [(7, 4, True), (6, 4, False), (7, 3, False)])
def test_a_full_batch_is_reported(particles: int, heavy: int, room: bool) -> None:
    """Nothing counts of an event that does not fit."""
    batch = new_batch(1, particles, heavy)
    assert append_record(0, filled(), record_workspace(20), batch) is room
    assert batch.offsets[1] == (7 if room else 0) and batch.heavy_offsets[1] == (4 if room else 0)

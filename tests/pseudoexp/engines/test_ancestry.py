"""Mother chains on histories small enough to read."""

import numpy as np
import pytest

from pseudoexp.engines.ancestry import trace

# row: (pdg id, status, mother); rows 0-2 stand for the system and the beams
HIGGS_EVENT = [
    (90, -11, 0), (2212, -12, 0), (2212, -12, 0),
    (21, -21, 7), (5, -21, 2), (25, -22, 3), (5, -23, 3),  # 3-6: hard process; the gluon's mother stands below
    (21, -41, 1), (25, -62, 5), (5, -23, 8), (-5, -23, 8),  # 7-10: last Higgs 8, its b quarks
    (513, -83, 9), (-521, -84, 10), (511, -91, 11), (22, 91, 11),  # 11-14: B*0 -> B0 gamma; B-
    (-413, -91, 13), (211, 91, 13), (-421, -91, 15), (-211, 91, 15), (321, 91, 17),  # 15-19: B0 -> D*- -> D0bar
    (15, -91, 12), (-16, 91, 12), (421, -91, 12), (16, 91, 20), (-211, 91, 20), (-321, 91, 22),  # 20-25: B- -> tau D0
    (521, -83, 6), (443, -91, 26), (21, -91, 27), (111, -83, 28), (22, 91, 29), (321, 91, 26),  # 26-31: B+ -> J/psi
]


def run(*events):
    rows = np.array([row for event in events for row in event], np.int32)
    offsets = np.cumsum([0, *(len(event) for event in events)]).astype(np.int64)
    n = len(rows)
    own, nearest = np.full(n, 99, np.int32), np.full(n, 99, np.int32)
    from_higgs, higgs = np.ones(n, np.bool_), np.full(len(events), 99, np.int64)
    trace(offsets, *(np.ascontiguousarray(column) for column in rows.T), own, nearest, from_higgs, higgs)
    return own, nearest, from_higgs, higgs


@pytest.fixture(scope="module")
def traced():
    return run(HIGGS_EVENT)


def test_heavy_particles_are_the_last_of_their_kind(traced):
    own = traced[0]
    assert {row: own[row] for row in np.flatnonzero(own >= 0)} == {12: 0, 13: 1, 17: 2, 20: 3, 22: 4, 26: 5}


def test_nearest_heavy_ancestor(traced):
    nearest = traced[1]
    expected = {13: -1, 14: -1, 15: 1, 16: 1, 17: 1, 18: 1, 19: 2, 20: 0, 21: 0, 22: 0, 23: 3, 24: 3, 25: 4, 31: 5}
    assert {row: nearest[row] for row in expected} == expected


def test_particles_behind_partons_of_a_decay_keep_their_ancestor(traced):
    assert traced[1][29] == 5 and traced[1][30] == 5


def test_descent_from_the_higgs(traced):
    assert np.flatnonzero(traced[2]).tolist() == list(range(8, 26))
    assert traced[3].tolist() == [8]


def test_events_do_not_see_each_other(traced):
    qcd = [(90, -11, 0), (2212, -12, 0), (421, -83, 1), (211, 91, 2), (-411, 1, 1)]
    both = run(HIGGS_EVENT, qcd, HIGGS_EVENT)
    n = len(HIGGS_EVENT)
    for whole, alone in zip(both[:3], traced[:3], strict=True):
        assert (whole[:n] == alone).all() and (whole[n + 5:] == alone).all()
    assert both[0][n:n + 5].tolist() == [-1, -1, 0, -1, -1]
    assert both[1][n:n + 5].tolist() == [-1, -1, -1, 0, -1]
    assert not both[2][n:n + 5].any()
    assert both[3].tolist() == [8, -1, 8]

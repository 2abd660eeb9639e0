"""The whole detector on real and toy events."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from detector_toys import busy_record, record, simulate_event, simulated, tables
from real_events import events

from pseudoexp.core.reconstructed import ORIGIN_FAKE, ORIGIN_FROM_B, ORIGIN_FROM_BC, ORIGIN_PRIMARY, ORIGIN_SECONDARY
from pseudoexp.core.record import event
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.detector.simulate import detector_workspace

WITHOUT_JIT = """
import sys
sys.path[:0] = {paths!r}
from detector_toys import busy_record, simulated, tables
ws, n, m = simulated(busy_record(1, 60), tables(), capacity=400)
print(n, m, ws.tracks.perigee[:n].tobytes().hex(), ws.towers.p4[:m].tobytes().hex(),
      ws.primary_vertex.position.tobytes().hex())
"""


def results(ws, n, m):
    return [a.copy() for a in (ws.tracks.perigee[:n], ws.tracks.covariance[:n], ws.tracks.pt[:n], ws.truth.particle[:n],
                               ws.truth.origin[:n], ws.towers.p4[:m], *ws.primary_vertex)]


def test_an_event_does_not_depend_on_what_was_simulated_before():
    alone = results(*simulated(busy_record(5), tables(), event=5))
    ws = detector_workspace(4096, tables())
    for k in range(8):
        n, m = simulate_event(busy_record(k), 1, k, tables(), no_pileup(), ws)
        if k == 5:
            assert all(np.array_equal(a, b) for a, b in zip(alone, results(ws, n, m), strict=True))
    other = results(*simulated(busy_record(5), tables(), event=6))
    assert not np.array_equal(alone[0][:5], other[0][:5])


def test_another_capacity_gives_the_same_event_and_too_little_is_reported():
    small, large = (results(*simulated(busy_record(1), tables(), capacity=c)) for c in (1000, 5000))
    assert all(np.array_equal(a, b) for a, b in zip(small, large, strict=True))
    for capacity in (10, 100, 250):
        ws, n, m = simulated(busy_record(1), tables(), capacity=capacity)
        assert (n, m) == (-1, -1) and (ws.calorimeter.energy == 0.0).all()


def test_another_detector_leaves_the_collision_where_it_was():
    itk, hlt = (simulated(busy_record(1), tables(card))[0] for card in ("atlas-itk", "hlt"))
    assert np.array_equal(itk.collision, hlt.collision)


def test_an_empty_event():
    ws, n, m = simulated(record(np.zeros((0, 4)), np.zeros(0)), tables())
    assert (n, m) == (0, 0) and np.array_equal(ws.primary_vertex.position, np.zeros(3))


def test_real_events():
    batch = events("signal")
    ws = detector_workspace(4096, tables())
    tracks, towers, distance, origins = [], [], [], np.zeros(8, int)
    for i in range(100):
        n, m = simulate_event(event(batch, i), 1, i, tables(), no_pileup(), ws)
        tracks.append(n)
        towers.append(m)
        distance.append(ws.primary_vertex.position - ws.collision)
        origins += np.bincount(ws.truth.origin[:n], minlength=8)
    assert 60 < np.mean(tracks) < 95 and 150 < np.mean(towers) < 260
    assert np.all(np.quantile(abs(np.array(distance)), 0.683, axis=0) < [0.011, 0.011, 0.016])
    share = origins / origins.sum()
    assert share[ORIGIN_FROM_B] > 0.05 and share[ORIGIN_FROM_BC] > 0.05 and share[ORIGIN_PRIMARY] > 0.6
    assert 0.03 < share[ORIGIN_SECONDARY] < 0.15 and 0.002 < share[ORIGIN_FAKE] < 0.012


@pytest.mark.parametrize("card", ["atlas-run2", "hlt", "perfect"])
def test_other_cards(card):
    batch = events("qcd")
    ws = detector_workspace(4096, tables(card))
    for i in range(10):
        n, m = simulate_event(event(batch, i), 1, i, tables(card), no_pileup(), ws)
        assert n > 5 and m > 50


def test_plain_python_gives_the_same_bits():
    here = Path(__file__).parent
    script = WITHOUT_JIT.format(paths=[str(here), str(here.parents[1]), str(here.parents[2])])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    text = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    n, m, perigee, towers, vertex = text.stdout.split()
    ws, tracks, n_towers = simulated(busy_record(1, 60), tables(), capacity=400)
    assert (int(n), int(m)) == (tracks, n_towers)
    assert perigee == ws.tracks.perigee[:tracks].tobytes().hex()
    assert towers == ws.towers.p4[:n_towers].tobytes().hex()
    assert vertex == ws.primary_vertex.position.tobytes().hex()

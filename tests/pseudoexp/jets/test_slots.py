"""The steps of a clustering where a place names the wrong slot: numbers that agree in all leading bits."""

import numpy as np
import pytest

from pseudoexp.jets import slots
from pseudoexp.jets.antikt import cluster_workspace

CLOSE = 1.0 + 2.0**-45  # the same leading bits as 1


def workspace(**rows):
    ws = cluster_workspace(16)
    for name, values in rows.items():
        ws.slots[getattr(slots, name), :len(values)] = values
    return ws


@pytest.mark.parametrize("d", [[CLOSE, 1.0, 1.5], [1.0, CLOSE, 1.0], [3.0, CLOSE, CLOSE, 1.0, 1.0], [np.inf, np.inf]])
def test_smallest_d_is_found_and_the_first_of_equal_ones(d):
    ws = workspace(NEAR_DIST=d, SCALE=np.ones(len(d)))
    smallest, where = slots.smallest_d(ws.slots, len(d))
    assert smallest == slots.bits_of(min(d)) and slots.slot_of(ws.slots, smallest, where) == d.index(min(d))


def test_nearest_neighbour_is_found():
    y = [0.5 * CLOSE, 0.5, 0.5, 0.0]
    ws = workspace(Y=y, PHI=[1.0] * 4, RADIUS2=[1.0] * 4, SCALE=[1.0] * 4, NEAR_DIST=[0.25, 0.3, 0.4, 0.2])
    near = ws.links[slots.NEAR]
    smallest, where = slots.look_around(ws.slots, ws.bits, near, 3, 4)
    assert near[3] == 1 and ws.slots[slots.NEAR_DIST, 3] == 0.25 and ws.slots[slots.Y, 3] == 0.0
    assert slots.slot_of(ws.slots, smallest, where) == 0
    ws.slots[slots.RADIUS2, 3] = 0.2
    slots.look_around(ws.slots, ws.bits, near, 3, 4)
    assert near[3] == slots.BEAM and ws.slots[slots.NEAR_DIST, 3] == 0.2


def test_of_two_at_one_distance_the_first_is_nearest():
    ws = workspace(Y=[-0.5, 0.5, 0.0], PHI=[1.0] * 3, RADIUS2=[1.0] * 3, SCALE=[1.0] * 3, NEAR_DIST=[1.0] * 3)
    ws.links[slots.NEAR, :3] = slots.BEAM
    slots.insert(ws.slots, ws.bits, ws.links[slots.NEAR], 2)
    assert list(ws.links[slots.NEAR, :3]) == [2, 2, 0]

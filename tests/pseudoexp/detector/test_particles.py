"""The particle list: what is taken in, with which charge, origin and random-number item."""

import numpy as np
from detector_toys import MASS, append_one, changed, flown, momenta, record

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import (
    ORIGIN_FROM_B,
    ORIGIN_FROM_BC,
    ORIGIN_FROM_C,
    ORIGIN_FROM_TAU,
    ORIGIN_PRIMARY,
)
from pseudoexp.detector.particles import (
    CHARGE,
    ITEM,
    ORIGIN,
    PDG_ID,
    ROW,
    daughter_item,
    origin_of_heavy,
    particles_workspace,
)

EMPTY = changed("perfect", decays_in_flight=False)
origin = kernel(lambda record, heavy: origin_of_heavy(record, heavy))
item = kernel(lambda parent, k: daughter_item(parent, k))


def test_neutrinos_and_the_beam_line_are_left_out():
    pdg_id = np.array([211, 12, -14, 22, 16, -11, 211, 211])
    eta = np.array([0.0, 0.0, 0.0, 1.0, 0.0, -2.0, 5.5, 4.9])
    p4 = momenta(5.0, eta, 0.3, np.where(abs(pdg_id) > 100, pdg_id, 22))
    particles, n, _ = flown(record(p4, pdg_id), EMPTY.material)
    assert list(particles.code[:n, ROW]) == [0, 3, 5, 7]
    assert list(particles.code[:n, ITEM]) == [0, 3, 5, 7]
    assert list(particles.code[:n, PDG_ID]) == [211, 22, -11, 211]
    assert list(particles.state[:n, CHARGE]) == [1.0, 0.0, 1.0, 1.0]


def test_charges_of_all_that_flies():
    expected = {211: 1, 321: 1, 2212: 1, 22: 0, 11: -1, 13: -1, 310: 0, 130: 0, 3122: 0, 2112: 0, 3112: -1, 3222: 1,
                3312: -1, 3322: 0, 3334: -1}
    pdg_id = np.array([s * k for k in expected for s in (1, -1)])
    particles, n, _ = flown(record(momenta(5.0, 0.0, 0.3, pdg_id), pdg_id), EMPTY.material)
    assert n == len(pdg_id)
    assert list(particles.state[:n, CHARGE]) == [s * q for q in expected.values() for s in (1, -1)]


def test_origins_follow_the_heavy_ancestors():
    empty = record(np.zeros((0, 4)), np.zeros(0))
    pdg_id = [511, 411, 421, 15, -531, 15, 4122]
    parent = [-1, 0, -1, -1, -1, 4, -1]
    r = empty._replace(heavy_pdg_id=np.array(pdg_id, np.int32), heavy_parent=np.array(parent, np.int32))
    expected = [ORIGIN_FROM_B, ORIGIN_FROM_BC, ORIGIN_FROM_C, ORIGIN_FROM_TAU, ORIGIN_FROM_B, ORIGIN_FROM_B,
                ORIGIN_FROM_C]
    assert [origin(r, k) for k in range(len(pdg_id))] == expected
    tracks = record(momenta(5.0, 0.0, [0.1, 0.2, 0.3], 211), 211)
    tracks = tracks._replace(heavy=np.array([1, -1, 0], np.int32), heavy_pdg_id=r.heavy_pdg_id,
                             heavy_parent=r.heavy_parent)
    particles, n, _ = flown(tracks, EMPTY.material)
    assert list(particles.code[:n, ORIGIN]) == [ORIGIN_FROM_BC, ORIGIN_PRIMARY, ORIGIN_FROM_B]


def test_items_of_daughters_differ():
    items = {int(item(parent, k)) for parent in range(2000) for k in range(9)}
    assert len(items) > 17_990 and min(items) >= 0 and max(items) < 2**32
    grandchildren = {int(item(item(5, k), m)) for k in range(9) for m in range(9)}
    assert len(grandchildren) == 81


def test_no_room_is_reported():
    particles = particles_workspace(2)
    p4 = [3.0, 4.0, 0.0, np.hypot(5.0, MASS[211])]
    n = 0
    for expected in (1, 2, -1):
        n = append_one(particles, max(n, 0), p4, [0.0, 0.0, 0.0], 211, 0, 2.0)
        assert n == expected

"""Pile-up: the library's round trip and its draws."""

import numpy as np
import pytest
from detector_toys import busy_record, simulated, tables
from real_events import events, some

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import ORIGIN_PILEUP
from pseudoexp.core.record import event
from pseudoexp.core.rng import event_stream
from pseudoexp.detector.particles import END_RADIUS, ITEM, ORIGIN, PDG_ID, PHI, PT, ROW, E, X, Y, Z, particles_workspace
from pseudoexp.detector.pileup import append_pileup, no_pileup, pileup_item
from pseudoexp.detector.pileup_library import (
    build_library,
    checksum,
    join_libraries,
    load_library,
    read_library,
    write_library,
)
from pseudoexp.detector.pileup_place import library_path
from pseudoexp.errors import ConfigError, GenerationError, SchemaError

SPOT = np.array([0.015, 0.015, 46.0])
item = kernel(lambda collision, particle: pileup_item(collision, particle))


@kernel
def fill(particles, seed, number, pileup, spot, realised):
    return append_pileup(particles, 0, event_stream(seed, 0, number), pileup, spot, 2.0, realised)


@pytest.fixture(scope="module")
def library():
    """QCD events stand in for inelastic ones: same format, more particles."""
    batch = events("qcd")
    return join_libraries(build_library(some(batch, first, first + 10)) for first in range(0, 60, 10))


def drawn(library, mu, number, capacity=60_000):
    particles, realised = particles_workspace(capacity), np.zeros(1, np.int64)
    n = fill(particles, 1, number, library._replace(mu=mu), SPOT, realised)
    return particles, n, realised[0]


def test_library_holds_the_visible_particles_to_its_precision(library):
    batch = events("qcd")
    assert len(library.offsets) == 61 and library.displaced_offsets[-1] == len(library.displaced)
    for i in (0, 17, 59):
        r = event(batch, i)
        pt = np.hypot(r.p4[:, 0], r.p4[:, 1])
        eta = np.arcsinh(r.p4[:, 2] / pt)
        seen = (pt > 0.05) & (abs(eta) < 5.1) & ~np.isin(abs(r.pdg_id), [12, 14, 16])
        a, b = library.offsets[i:i + 2]
        assert b - a == seen.sum()
        assert np.array_equal(library.species[library.kind[a:b] & 127], r.pdg_id[seen])
        assert np.allclose(np.exp(-3 + 1.5e-4 * library.ln_pt[a:b]), pt[seen], rtol=1e-4)
        assert np.allclose(-5.1 + 10.2 / 65535 * library.eta[a:b], eta[seen], atol=1e-4)
        phi = -np.pi + 2 * np.pi / 65536 * (library.phi[a:b] + 0.5)
        assert np.allclose(phi, np.arctan2(r.p4[seen, 1], r.p4[seen, 0]), atol=1e-4)
        away = (library.kind[a:b] & 128) > 0
        c, d = library.displaced_offsets[i:i + 2]
        assert np.allclose(library.displaced[c:d], r.vertex[seen, :3][away], rtol=1e-6)
        assert np.all(abs(r.vertex[seen, :3][~away]) <= 0.01)


def test_collisions_are_poisson_and_stand_in_the_luminous_region(library):
    counts, z = [], []
    for number in range(400):
        particles, n, realised = drawn(library, 3.0, number)
        counts.append(realised)
        assert n >= 0 and np.all(particles.code[:n, ROW] == -1) and np.all(particles.code[:n, ORIGIN] == ORIGIN_PILEUP)
        z.extend(np.unique(particles.state[:n, Z].round(3))[:1])
    assert np.mean(counts) == pytest.approx(3.0, abs=4 * np.sqrt(3 / 400))
    assert np.var(counts) == pytest.approx(3.0, rel=0.3)
    assert 35 < np.std(z) < 60


def test_events_are_turned_and_keep_their_particles(library):
    one = build_library(some(events("qcd"), 5, 6))
    number = next(k for k in range(30) if drawn(one, 1.0, k)[2] == 1)
    first, n, _ = drawn(one, 1.0, number)
    r = event(events("qcd"), 5)
    seen = (np.hypot(r.p4[:, 0], r.p4[:, 1]) > 0.05) & (abs(np.arcsinh(r.p4[:, 2] / np.hypot(r.p4[:, 0], r.p4[:, 1])))
                                                      < 5.1) & ~np.isin(abs(r.pdg_id), [12, 14, 16])
    assert n == seen.sum() and np.array_equal(first.code[:n, PDG_ID], r.pdg_id[seen])
    assert np.allclose(first.state[:n, PT], np.hypot(*r.p4[seen, :2].T), rtol=1e-4)
    assert np.allclose(first.state[:n, E], r.p4[seen, 3], rtol=2e-3, atol=1e-3)
    turn = np.arctan2(first.state[:n, 1], first.state[:n, 0]) - np.arctan2(r.p4[seen, 1], r.p4[seen, 0])
    turn = np.exp(1j * turn)
    assert np.allclose(turn, turn[0], atol=3e-4) and abs(turn[0] - 1) > 0.01
    away = np.abs(r.vertex[seen, :3]).max(axis=1) > 0.01
    moved = (first.state[:n, X] + 1j * first.state[:n, Y])[away]
    origin = (first.state[:n, X] + 1j * first.state[:n, Y])[~away][0]
    assert away.any()
    assert np.allclose(moved - origin, (r.vertex[seen, 0] + 1j * r.vertex[seen, 1])[away] * turn[0], atol=2e-3)


def test_items_are_far_from_those_of_the_record():
    items = [int(item(k, j)) for k in range(100) for j in range(100)]
    assert len(set(items)) > 9990 and min(items) >= 0x100000 and max(items) < 2**32


def test_pile_up_leaves_the_hard_collision_as_it_was(library):
    quiet, n0, _ = simulated(busy_record(1), tables(), capacity=8192)
    busy, n1, _ = simulated(busy_record(1), tables(), pileup=library._replace(mu=2.0), capacity=30_000)
    assert busy.pileup_collisions[0] > 0 and quiet.pileup_collisions[0] == 0 and n1 > n0
    assert np.array_equal(quiet.collision, busy.collision)
    listed = len(busy_record(1).p4) - 3
    assert np.array_equal(quiet.particles.state[:listed, :PHI], busy.particles.state[:listed, :PHI])
    assert np.array_equal(quiet.particles.state[:listed, END_RADIUS], busy.particles.state[:listed, END_RADIUS])
    assert (busy.truth.origin[:n1] == ORIGIN_PILEUP).sum() > 20
    assert np.all(busy.truth.particle[:n1][busy.truth.origin[:n1] == ORIGIN_PILEUP] == -1)
    assert quiet.particles.code[0, ITEM] == 0
    assert simulated(busy_record(1), tables(), pileup=library._replace(mu=2.0), capacity=700)[1:] == (-1, -1)


def test_files_are_checked(library, tmp_path):
    path = tmp_path / "library.npz"
    with pytest.raises(FileNotFoundError):
        read_library(path)
    write_library(path, library)
    assert [p.name for p in tmp_path.iterdir()] == ["library.npz"]
    again = read_library(path)
    assert checksum(again) == checksum(library)
    assert all(np.array_equal(a, b) for a, b in zip(again[1:], library[1:], strict=True))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(SchemaError, match=r"damaged|not a pile-up library"):
        read_library(path)
    path.write_bytes(data[:1000])
    with pytest.raises(SchemaError, match="not a pile-up library"):
        read_library(path)


def test_a_joined_library_is_that_of_all_events_together(library):
    whole = build_library(some(events("qcd"), 0, 60))
    assert set(library.species) == set(whole.species)
    assert np.array_equal(library.species[library.kind & 127], whole.species[whole.kind & 127])
    for name in ("offsets", "displaced_offsets", "ln_pt", "eta", "phi", "displaced"):
        assert np.array_equal(getattr(library, name), getattr(whole, name)), name
    assert np.array_equal(library.kind & 128, whole.kind & 128)


def test_a_library_is_read_from_the_cache_and_missed(library, tmp_path, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path))
    with pytest.raises(GenerationError, match="no pile-up library; a production with pile-up makes it"):
        load_library(20.0)
    library_path().parent.mkdir()
    write_library(library_path(), library)
    assert load_library(20.0).mu == 20.0 and len(load_library(60.0).offsets) == len(library.offsets)


@pytest.mark.parametrize("mu", [-1.0, 501.0, float("nan")])
def test_impossible_pile_up_is_refused(mu):
    with pytest.raises(ConfigError, match="0 to 500"):
        load_library(mu)


def test_no_pile_up_needs_no_library():
    assert load_library(0.0).mu == 0.0 and len(no_pileup().offsets) == 1

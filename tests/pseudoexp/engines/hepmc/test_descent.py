"""Anybody's graph: nested decays, strings with many mothers, copies, what is left to the detector, what cannot be used."""

import numpy as np
import pytest

pytest.importorskip("pyhepmc")

import pyhepmc

from pseudoexp.engines.hepmc.chunk import generate_chunk
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import DataError

CM, MEV = 10.0, 1e-3
Z = 30.0
"""Where the beams collide [mm]."""


class Builder:
    """An event in MeV and cm, particle by particle; names are of vertices."""

    def __init__(self, run):
        self.event = pyhepmc.GenEvent(run, pyhepmc.Units.MEV, pyhepmc.Units.CM)
        self.count = 0

    def particle(self, pdg_id, status):
        self.count += 1
        p = 1000.0 * self.count
        return pyhepmc.GenParticle((p, 1.0, 2.0, np.sqrt(p * p + 5.0 + 3e7)), pdg_id, status)

    def vertex(self, incoming, outgoing, position=None):
        """Append a vertex [mm, relative to the collision] out of particles; return the new particles."""
        vertex = pyhepmc.GenVertex()
        if position is not None:
            x, y, z, t = position
            vertex.position = (x / CM, y / CM, (z + Z) / CM, t / CM)
        made = [self.particle(*p) for p in outgoing]
        for p in incoming:
            vertex.add_particle_in(p)
        for p in made:
            vertex.add_particle_out(p)
        self.event.add_vertex(vertex)
        return made


B_POINT, D_POINT, C_POINT, TAU_POINT = (1.0, 2.0, 3.0, 4.0), (2.0, 3.0, 5.0, 7.0), (0.5, 0.0, 0.0, 0.6), (0.1, 0.0, 0.0, 0.2)


def nested(run):
    """Two strings between H -> b bbar and g -> b bbar; B* -> B0 -> D*- tau+ nu -> D0bar pi-; oscillation; K0S, Sigma+, pi0."""
    b = Builder(run)
    beams = [b.particle(2212, 4), b.particle(2212, 4)]
    hard, gluon = b.vertex(beams, [(25, 22), (21, 23)], (0.0, 0.0, 0.0, 0.0))
    (higgs,) = b.vertex([hard], [(25, 62)])
    of_higgs = b.vertex([higgs], [(5, 23), (-5, 23)])
    of_gluon = b.vertex([gluon], [(5, 51), (-5, 51)])
    star, prompt_b, d_plus, _ = b.vertex([of_higgs[1], of_gluon[0]], [(513, 2), (-511, 2), (411, 2), (211, 1)])
    other, pi_zero, sigma = b.vertex([of_gluon[1], of_higgs[0]], [(5122, 2), (111, 2), (3222, 2)])
    b0, _ = b.vertex([star], [(511, 2), (22, 1)])
    d_star, tau, _ = b.vertex([b0], [(-413, 2), (-15, 2), (16, 1)], B_POINT)
    d0, _ = b.vertex([d_star], [(-421, 2), (-211, 1)])
    kaon, pi_zero2 = b.vertex([d0], [(310, 2), (111, 2)], D_POINT)
    b.vertex([kaon], [(211, 1), (-211, 1)], (60.0, 70.0, 90.0, 130.0))
    b.vertex([pi_zero2], [(22, 1), (22, 1)], tuple(np.array(D_POINT) + 1e-3))
    b.vertex([tau], [(-211, 1), (-16, 1)], tuple(np.array(B_POINT) + np.array(TAU_POINT)))
    (mixed,) = b.vertex([prompt_b], [(511, 2)], C_POINT)
    b.vertex([mixed], [(211, 1), (-13, 1), (14, 1)], C_POINT)
    b.vertex([d_plus], [(211, 1), (130, 1)], C_POINT)
    b.vertex([other], [(2212, 1), (-211, 1)], C_POINT)
    b.vertex([pi_zero], [(22, 1), (22, 1)])
    pi_plus, _ = b.vertex([sigma], [(211, 2), (2112, 1)], (20.0, 0.0, 0.0, 21.0))
    b.vertex([pi_plus], [(-13, 1), (14, 1)], (500.0, 0.0, 0.0, 501.0))
    return b.event


def stored(path, event, run, form="HepMC3", weight=2.0, cross_section=40.0, copies=1):
    """Write an event several times."""
    event.weights = [weight, 9.0]
    with pyhepmc.open(path, "w", format=form) as file:
        for number in range(copies):
            event.event_number = 100 + number
            found = pyhepmc.GenCrossSection()
            found.set_cross_section(cross_section, 1.0)
            event.cross_section = found
            file.write(event)
    return path


@pytest.fixture
def run():
    made = pyhepmc.GenRunInfo()
    made.weight_names = ["nominal", "up"]
    return made


def read(path, process=0, first=0, n=1):
    return generate_chunk(process, 1, first, n, EngineSettings(hepmc_signal=str(path), hepmc_qcd=str(path)))


@pytest.fixture(params=["HepMC3", "HepMC2"])
def batch(run, tmp_path, request):
    return read(stored(tmp_path / "a.hepmc", nested(run), run, request.param))


def test_stable_particles(batch):
    """K0S and Sigma+ stay whole; what the generator put behind them is not there."""
    assert sorted(batch.pdg_id.tolist()) == sorted(
        [211, 22, 16, -211, 310, 22, 22, -211, -16, 211, -13, 14, 211, 130, 2212, -211, 22, 22, 3222])
    assert batch.offsets.tolist() == [0, 19]


def row(batch, pdg_id, nth=0):
    return np.flatnonzero(batch.heavy_pdg_id == pdg_id)[nth]


def test_heavy_particles(batch):
    """The last of each: B0 without its star and after oscillation, D0bar without its star."""
    assert sorted(batch.heavy_pdg_id.tolist()) == sorted([511, -421, -15, 511, 411, 5122])
    b0, mixed = sorted((row(batch, 511), row(batch, 511, 1)), key=lambda k: not batch.heavy_from_higgs[k])
    expected = {b0: B_POINT, mixed: C_POINT, row(batch, -421): D_POINT, row(batch, 411): C_POINT, row(batch, 5122): C_POINT,
                row(batch, -15): tuple(np.array(B_POINT) + np.array(TAU_POINT))}
    for k, point in expected.items():
        assert batch.heavy_vertex[k] == pytest.approx(point, abs=1e-9)
    parents = {k: batch.heavy_parent[k] for k in expected}
    assert parents == {b0: -1, mixed: -1, row(batch, -421): b0, row(batch, -15): b0, row(batch, 411): -1, row(batch, 5122): -1}


def test_from_higgs_follows_the_quark(batch):
    """B0 (bbar) takes the antiquark of the Higgs boson; the anti-B0 beside it, out of the same string, the gluon's quark.

    The Lambda_b goes with the quark of the Higgs boson; a D+ in the string of both belongs to either.
    """
    first, second = row(batch, 511), row(batch, 511, 1)
    assert sorted(batch.heavy_from_higgs[[first, second]].tolist()) == [False, True]
    assert batch.heavy_from_higgs[row(batch, 5122)] and batch.heavy_from_higgs[row(batch, 411)]
    assert batch.heavy_from_higgs[row(batch, -421)] and batch.heavy_from_higgs[row(batch, -15)]


def test_nearest_heavy_ancestor(batch):
    """The pi- of the D* has no vertex of its own: it begins where the B0 decayed, and is the B0's."""
    b0 = batch.heavy_parent[row(batch, -421)]
    of = {int(k): sorted(batch.pdg_id[batch.heavy == k].tolist()) for k in range(6)}
    assert of[b0] == [-211, 16] and of[row(batch, -421)] == [22, 22, 310] and of[row(batch, -15)] == [-211, -16]
    pion = np.flatnonzero((batch.heavy == b0) & (batch.pdg_id == -211))[0]
    assert batch.vertex[pion] == pytest.approx(B_POINT, abs=1e-9)
    photon = np.flatnonzero((batch.heavy == row(batch, -421)) & (batch.pdg_id == 22))[0]
    assert batch.vertex[photon] == pytest.approx(np.array(D_POINT) + 1e-3, abs=1e-9)
    assert (batch.heavy[batch.pdg_id == 3222] == -1).all() and batch.vertex[batch.pdg_id == 3222] == pytest.approx(0.0, abs=1e-9)


def test_units_weight_and_hard_process(batch):
    assert batch.weight.tolist() == [pytest.approx(40.0)]  # the only event carries the cross-section
    assert batch.higgs[0, 0] == pytest.approx(5.0) and batch.partons[0, :, 4].tolist() == [25.0, 21.0]
    assert batch.p4[:, 0].max() < 100.0 and batch.pthat[0] == pytest.approx(3.0, rel=1e-3)


def test_higgs_and_signal_are_required_of_the_right_file(run, tmp_path):
    path = stored(tmp_path / "a.hepmc", nested(run), run, copies=20)
    with pytest.raises(DataError, match="holds Higgs bosons; QCD events have none"):
        read(path, 1, n=20)
    b = Builder(run)
    b.vertex([b.particle(2212, 4), b.particle(2212, 4)], [(211, 1), (-211, 1)])
    path = stored(tmp_path / "b.hepmc", b.event, run, copies=20)
    with pytest.raises(DataError, match="no b hadron of a Higgs boson in 20 events"):
        read(path, 0, n=20)
    assert read(path, 1, n=20).pdg_id.tolist() == 20 * [211, -211]


@pytest.mark.parametrize(("pdg_id", "message"), [
    (511, "a b or c hadron or tau is final"), (15, "is final; allowed"), (21, "quark or gluon is final"), (2, "quark or gluon"),
    (2203, "quark or gluon")])
def test_unfinished_events(run, tmp_path, pdg_id, message):
    b = Builder(run)
    b.vertex([b.particle(2212, 4), b.particle(2212, 4)], [(211, 1), (pdg_id, 1)])
    path = stored(tmp_path / "a.hepmc", b.event, run)
    with pytest.raises(DataError, match=message) as error:
        read(path)
    assert str(path) in str(error.value) and "event 0" in str(error.value)


def test_radiating_copies(run, tmp_path):
    """mu -> mu gamma and K0S -> K0S: the last copy counts, once."""
    b = Builder(run)
    mu, kaon = b.vertex([b.particle(2212, 4), b.particle(2212, 4)], [(13, 2), (310, 2)])
    b.vertex([mu], [(13, 1), (22, 1)])
    (copy,) = b.vertex([kaon], [(310, 2)])
    b.vertex([copy], [(111, 1), (111, 1)], (50.0, 0.0, 0.0, 60.0))
    batch = read(stored(tmp_path / "a.hepmc", b.event, run), 1)
    assert sorted(batch.pdg_id.tolist()) == [13, 22, 310]
    assert batch.p4[batch.pdg_id == 310, 0] == pytest.approx(copy.momentum.px * MEV)

"""Records become HepMC3 text that others read: units, statuses, weights, cross-section, and a graph without loose ends."""

import numpy as np
import pytest

pytest.importorskip("pyhepmc")

import pyhepmc
from toy_hepmc import toy_batch, write


@pytest.fixture(scope="module", params=[True, False], ids=["signal", "qcd"])
def batch(request):
    return toy_batch(4, request.param)


@pytest.fixture(scope="module")
def events(batch, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("hepmc") / "a.hepmc3", batch, options='{"seed":1}')
    with pyhepmc.open(path) as file:
        return list(file)


def test_head(events, batch):
    run = events[0].run_info
    assert [(t.name, t.description) for t in run.tools] == [("pseudoexp", "toy")]
    assert run.weight_names == ["Default"] and str(run.attributes["configuration"]) == '{"seed":1}'
    for i, event in enumerate(events):
        assert event.event_number == batch.event_number[i] and event.weights[0] == batch.weight[i]
        assert event.momentum_unit == pyhepmc.Units.GEV and event.length_unit == pyhepmc.Units.MM
        assert float(str(event.attributes["pthat"])) == batch.pthat[i]
        assert float(str(event.attributes["event_scale"])) == pytest.approx(batch.pthat[i], rel=1e-14)


def test_cross_section_is_the_mean_so_far(events, batch):
    for i, event in enumerate(events):
        found, weights = event.cross_section, batch.weight[:i + 1]
        assert found.xsec() == pytest.approx(weights.mean(), rel=1e-8)
        assert found.xsec_err() == pytest.approx(weights.std() / np.sqrt(i + 1), rel=1e-6)
        assert found.accepted_events == i + 1


def test_every_particle_hangs_on_the_beams(events):
    for event in events:
        assert [p.pid for p in event.beams] == [2212, 2212] and {p.status for p in event.beams} == {4}
        for p in event.particles:
            assert p.production_vertex.particles_in or p.status == 4
            assert (p.end_vertex is None) == (p.status == 1)


def test_stable_particles_keep_their_order(events, batch):
    for i, event in enumerate(events):
        stable = [p for p in event.particles if p.status == 1]
        assert [p.pid for p in stable] == batch.pdg_id[batch.offsets[i]:batch.offsets[i + 1]].tolist()
        got = np.array([[p.momentum.px, p.momentum.py, p.momentum.pz, p.momentum.e] for p in stable])
        assert (got == batch.p4[batch.offsets[i]:batch.offsets[i + 1]]).all()
        where = [p.production_vertex.position for p in stable]
        got = np.array([[v.x, v.y, v.z, v.t] for v in where])
        assert (got == batch.vertex[batch.offsets[i]:batch.offsets[i + 1]]).all()


def test_decay_chain(events, batch):
    for event in events:
        (b,) = (p for p in event.particles if p.pid == 511)
        assert b.status == 2 and sorted(p.pid for p in b.children) == [-411, -13, 14]
        (d,) = (p for p in b.children if p.pid == -411)
        assert sorted(p.pid for p in d.children) == [-211, -211, 321]
        mothers = [p.pid for p in b.parents]
        assert mothers == ([25] if batch.higgs.any() else [21, 21, 81])


def test_photons_get_a_pion(events):
    for event in events:
        (pion,) = (p for p in event.particles if p.pid == 111)
        assert [p.pid for p in pion.children] == [22, 22]


def test_vertices_conserve_momentum(events):
    """All but those that the record cannot balance: the last copy of the Higgs boson, its decay, the toy's own decays."""
    for event in events:
        for vertex in event.vertices:
            if {p.pid for p in vertex.particles_in} in ({2212}, {111}):
                sums = [np.sum([[p.momentum.px, p.momentum.py, p.momentum.pz, p.momentum.e] for p in side], axis=0)
                        for side in (vertex.particles_in, vertex.particles_out)]
                assert sums[0] == pytest.approx(sums[1], abs=1e-9)


def test_vertices_are_numbered_as_they_are_listed(events):
    for event in events:
        first = [min(p.id for p in v.particles_out) for v in event.vertices]
        assert [v.id for v in event.vertices] == [-1 - k for k in range(len(first))] and first == sorted(first)

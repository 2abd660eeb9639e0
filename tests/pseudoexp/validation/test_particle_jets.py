"""Particle-level jets against FastJet and sums written out in numpy."""

import fastjet
import numpy as np
import pytest
from real_events import events, some

from pseudoexp.core.species import is_b_hadron, is_c_hadron, is_charged, is_neutrino
from pseudoexp.errors import GenerationError
from pseudoexp.jets.variable_radius import cluster_vr, select_track_jets
from pseudoexp.validation.particle_jets import COLUMNS, particle_jets

C = {name: i for i, name in enumerate(COLUMNS)}


def directions(p4):
    pt = np.hypot(p4[:, 0], p4[:, 1])
    return pt, np.arcsinh(p4[:, 2] / np.maximum(pt, 1e-9)), np.arctan2(p4[:, 1], p4[:, 0])


def distance(eta, phi, eta0, phi0):
    return np.hypot(eta - eta0, (phi - phi0 + np.pi) % (2 * np.pi) - np.pi)


class Truth:
    """Jets of one event by FastJet, with what they hold."""

    def __init__(self, batch, i):
        part = slice(*batch.offsets[i:i + 2])
        p4, ids = batch.p4[part], batch.pdg_id[part]
        pt, eta, _ = directions(p4)
        seen = (np.abs(eta) < 4.9) & ~np.array([is_neutrino(int(k)) for k in ids])
        track = seen & np.array([is_charged(int(k)) for k in ids]) & (pt > 0.5) & (np.abs(eta) < 2.5)
        self.p4, self.track = p4[seen], track[seen]
        inputs = [fastjet.PseudoJet(*map(float, p)) for p in self.p4]
        for k, particle in enumerate(inputs):
            particle.set_user_index(k)
        self.cluster = fastjet.ClusterSequence(inputs, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
        self.jets = [j for j in fastjet.sorted_by_pt(self.cluster.inclusive_jets(250.0)) if abs(j.eta()) < 2]


@pytest.fixture(scope="module", params=["signal", "qcd"])
def case(request):
    batch = some(events(request.param), 0, 60)
    return batch, particle_jets(batch), [Truth(batch, i) for i in range(60)]


def test_jets_are_fastjets(case):
    _, jets, truth = case
    expected = np.array([(i, j.pt(), j.eta(), j.m()) for i, t in enumerate(truth) for j in t.jets])
    found = jets[:, [C[name] for name in ("event", "pt", "eta", "m")]]
    assert len(found) > 30 and found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_constituents_and_tracks(case):
    _, jets, truth = case
    for row, (t, jet) in zip(jets, [(one, j) for one in truth for j in one.jets], strict=True):
        members = np.array([c.user_index() for c in jet.constituents()])
        tracks = t.p4[members[t.track[members]]]
        assert (row[C["ncon"]], row[C["ntrk"]]) == (len(members), len(tracks))
        assert row[C["ftrk"]] == pytest.approx(np.hypot(tracks[:, 0], tracks[:, 1]).sum() / jet.pt())
        pt, y, phi = np.array([(c.pt(), c.rap(), c.phi()) for c in jet.constituents()]).T
        tau1 = (pt * distance(y, phi, jet.rap(), jet.phi())).sum() / pt.sum()
        assert row[C["tau1"]] == pytest.approx(tau1, rel=1e-6) and 0 < row[C["tau2"]] < 1.5 * tau1


def test_track_jets(case):
    _, jets, truth = case
    from pseudoexp.jets.antikt import cluster_workspace

    ws = cluster_workspace(1000)
    for row, (t, jet) in zip(jets, [(one, j) for one in truth for j in one.jets], strict=True):
        tracks = np.ascontiguousarray(t.p4[t.track])
        n = select_track_jets(len(tracks), cluster_vr(tracks, len(tracks), 30.0, 0.02, 0.4, 7.0, ws), 7.0, 2.5, 2, ws)
        pt, eta, phi = directions(ws.jet_p4[:n])
        near = np.flatnonzero(distance(eta, phi, jet.eta(), jet.phi()) < 1.0)
        hard = near[pt[near] > 10]
        assert (row[C["nvr7"]], row[C["nvr10"]]) == (len(near), len(hard))
        for name, k in zip(("v1", "v2"), hard[:2], strict=False):
            own = np.hypot(*tracks[ws.jet_of[:len(tracks)] == k, :2].T)
            assert row[C[name + "pt"]] == pytest.approx(pt[k]) and row[C[name + "n"]] == len(own)
            assert row[C[name + "leadf"]] == pytest.approx(own.max() / pt[k])
        if len(hard) > 1:
            a, b = hard[:2]
            assert row[C["dR12"]] == pytest.approx(distance(eta[a], phi[a], eta[b], phi[b]))
        if len(hard) == 0:
            assert not row[C["v1pt"]:C["dR12"] + 1].any()


def test_heavy_hadrons_and_partons(case):
    batch, jets, truth = case
    for row, jet in zip(jets, [j for t in truth for j in t.jets], strict=True):
        i = int(row[C["event"]])
        part = slice(*batch.heavy_offsets[i:i + 2])
        pt, eta, phi = directions(batch.heavy_p4[part])
        near = distance(eta, phi, jet.eta(), jet.phi()) < 1.0
        ids = batch.heavy_pdg_id[part]
        b, c = (np.array([f(int(k)) for k in ids], bool) for f in (is_b_hadron, is_c_hadron))
        b_pt = np.sort(pt[near & b & (pt > 5)])[::-1]
        assert row[C["nB"]] == len(b_pt) and row[C["ptB1"]] == pytest.approx(b_pt[0] if len(b_pt) else 0)
        assert row[C["ptB2"]] == pytest.approx(b_pt[1] if len(b_pt) > 1 else 0)
        prompt = pt[near & c & (pt > 5) & (batch.heavy_parent[part] < 0)]
        assert row[C["nD"]] == len(prompt) and row[C["ptD1"]] == pytest.approx(prompt.max() if len(prompt) else 0)
        assert row[C["higgs_b"]] == (near & b & batch.heavy_from_higgs[part]).sum()
        _, eta, phi = directions(batch.partons[i, :, :4])
        assert row[C["parton"]] == batch.partons[i, distance(eta, phi, jet.eta(), jet.phi()).argmin(), 4]
        if batch.higgs[i, 3] > 0:
            _, eta, phi = directions(batch.higgs[i:i + 1])
            assert row[C["dR_higgs"]] == pytest.approx(distance(eta, phi, jet.eta(), jet.phi())[0])
        else:
            assert row[C["dR_higgs"]] == 9


def test_what_is_not_finite_is_refused():
    batch = some(events("qcd"), 0, 2)
    spoiled = batch._replace(p4=batch.p4.copy())
    spoiled.p4[5, 2] = np.nan
    with pytest.raises(GenerationError, match="not finite"):
        particle_jets(spoiled)

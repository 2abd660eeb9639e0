"""Observables of whole events and of heavy hadrons, written out in plain loops."""

import numpy as np
import pytest
from real_events import events, some

from pseudoexp.core.species import is_b_hadron, is_charged, is_neutrino
from pseudoexp.errors import DataError
from pseudoexp.validation import particle_level
from pseudoexp.validation.particle_jets import COLUMNS
from pseudoexp.validation.particle_level import (
    EVENT_COLUMNS,
    TEST_INPUTS,
    charged_descendants,
    collect,
    event_columns,
    generate,
    hadron_columns,
    jet_columns,
)


@pytest.fixture(scope="module", params=["signal", "qcd"])
def batch(request):
    return some(events(request.param), 0, 40)


def test_events(batch):
    found = event_columns(batch)
    column = {name: found[:, i] for i, name in enumerate(EVENT_COLUMNS)}
    for i in range(0, 40, 7):
        part = slice(*batch.offsets[i:i + 2])
        p, ids = batch.p4[part], [int(k) for k in batch.pdg_id[part]]
        pt = np.hypot(p[:, 0], p[:, 1])
        eta = np.arcsinh(p[:, 2] / pt)
        charged = np.array([is_charged(k) for k in ids]) & (pt > 0.5)
        tracks = charged & (abs(eta) < 2.5)
        assert column["nfinal"][i] == len(ids)
        assert column["nvis_eta4.9"][i] == sum(abs(e) < 4.9 and not is_neutrino(k) for e, k in zip(eta, ids, strict=True))
        assert column["nch_eta2.5_pt0.5"][i] == tracks.sum()
        assert column["dNdeta"][i] == (charged & (abs(eta) < 0.5)).sum()
        assert column["meanpt"][i] == pytest.approx(pt[tracks].mean())
    classes = found[:, EVENT_COLUMNS.index("meanpt_nch0"):]
    assert ((~np.isnan(classes)).sum(axis=1) == 1).all()
    assert np.array_equal(np.nansum(classes, axis=1), column["meanpt"])


def test_descendants(batch):
    found = charged_descendants(batch)
    for i in range(0, 40, 5):
        particles, heavies = slice(*batch.offsets[i:i + 2]), slice(*batch.heavy_offsets[i:i + 2])
        expected = np.zeros(heavies.stop - heavies.start)
        for nearest, pdg_id in zip(batch.heavy[particles], batch.pdg_id[particles], strict=True):
            ancestor = nearest
            while ancestor >= 0:
                expected[ancestor] += is_charged(int(pdg_id))
                ancestor = batch.heavy_parent[heavies][ancestor]
        assert np.array_equal(found[heavies], expected)


def test_hadrons(batch):
    found = hadron_columns(batch)
    b = np.array([is_b_hadron(int(k)) for k in batch.heavy_pdg_id])
    assert len(found["B__nch"]) == b.sum() == len(found["B__ctau_eff"])
    pt = np.hypot(*batch.heavy_p4[b, :2].T)
    window = (pt > 50) & (pt < 300)
    assert found["B__lxy_pt50_300"] == pytest.approx(np.hypot(*batch.heavy_vertex[b, :2].T)[window])
    assert np.all(found["B__l3d_pt50_300"] >= found["B__lxy_pt50_300"])
    if batch.heavy_from_higgs.any():
        assert 0.55 < found["B__xB_higgs"].mean() < 0.85 and found["B__xB_higgs"].max() < 1.05
    else:
        assert "B__xB_higgs" not in found


def test_absent_things_are_missing_values():
    jets = np.ones((3, len(COLUMNS)))
    jets[:, COLUMNS.index("nvr10")] = jets[:, COLUMNS.index("nB")] = [0, 1, 2]
    columns = jet_columns(jets)
    for name, missing in {"v1pt": [1, 0, 0], "v2pt": [1, 1, 0], "dR12": [1, 1, 0], "ptB1": [1, 0, 0], "ptB2": [1, 1, 0],
                          "ptv1frac": [1, 0, 0], "m": [0, 0, 0]}.items():
        assert np.isnan(columns[name]).tolist() == [bool(k) for k in missing], name


def test_chunks_are_joined():
    parts = [some(events("signal"), a, a + 50) for a in (0, 50)]
    told = []
    level = collect("signal", iter(parts), told.append)
    assert told == [50, 100] and level.weight.shape == (100,) and len(level.events) == 100
    whole = collect("signal", iter([some(events("signal"), 0, 100)]))
    assert np.array_equal(level.jets, whole.jets) and np.array_equal(level.hadrons["B__nch"], whole.hadrons["B__nch"])
    lead = whole.leading()
    assert len(np.unique(lead[:, 0])) == len(lead) > 20 and (lead[:, COLUMNS.index("higgs_b")] >= 2).all()
    with pytest.raises(DataError, match="generate more events"):
        whole.jet_sample()


def test_samples(monkeypatch):
    monkeypatch.setattr(particle_level, "MIN_ROWS", 10)
    level = collect("qcd", iter([events("qcd")]))
    sample = level.jet_sample()
    assert sample.names[:sample.inputs] == TEST_INPUTS and len(TEST_INPUTS) == 21
    assert np.array_equal(sample.pt, sample.data[:, 0]) and (sample.pt > 250).all() and (sample.pt < 1000).all()
    assert level.event_sample().inputs == 0


def test_events_are_generated_in_chunks(monkeypatch):
    asked = []

    class Engine:
        @staticmethod
        def generate_chunk(process, seed, first, n, settings):
            asked.append((process, seed, first, n, settings.pthat_min, settings.pt_bias))
            return some(events("qcd"), 0, min(n, 80))

    monkeypatch.setattr(particle_level, "engine_of", lambda name: Engine)
    level = generate("any", "qcd", 320, 9, (250.0, 0.0))
    assert asked == [(1, 9, 0, 250, 250.0, 0.0), (1, 9, 250, 70, 250.0, 0.0)]
    assert level.jets[:, 0].max() >= 80

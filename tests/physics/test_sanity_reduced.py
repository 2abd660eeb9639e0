"""The sanity figures in a reduced form: 200 events that travel with the tests, wide limits, no training.

What it catches is a sign, a unit, a detector without effect, a lost scale; `test_sanity.py` holds the windows.
"""

import numpy as np
import pytest
import samples
from figures import (
    B_EFFICIENCY,
    LIGHT,
    PRIMARY,
    against,
    negative_tag_figures,
    robust_width,
    sign_figures,
    top_like_weights,
)
from real_events import PROCESSES, events

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.chain import rows_of
from pseudoexp.core.processes import QCD
from pseudoexp.dataset import schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of one chunk per process."""
    path = tmp_path_factory.mktemp("events")
    for name, process in PROCESSES.items():
        np.savez(path / f"{process}-0.npz", **events(name)._asdict())
    return path


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(samples, "parallel", lambda function, jobs, processes: [function(*job) for job in jobs])


@pytest.fixture(scope="module")
def jets(folder):
    """Return track jets by name of the card, of worse impact parameters and of flipped signs."""
    def made(name, impact_scale=1.0, negative_tag=False):
        chosen = samples.detector(name, impact_scale, negative_tag)
        pieces = [samples._track_jets(folder, chosen, process, 0) for process in PROCESSES.values()]
        return samples.TrackJets(*map(np.concatenate, zip(*pieces, strict=True)))

    return {"nominal": made("atlas-itk"), "worse": made("atlas-itk", 10.0), "perfect": made("perfect"),
            "run 2": made("atlas-run2"), "flipped": made("atlas-itk", negative_tag=True)}


@pytest.fixture(scope="module")
def rows():
    """Return the rows of the default card."""
    tables = samples.tables_of(samples.detector("atlas-itk"))
    return np.concatenate([rows_of(events(name), process, samples.SEED, tables)[0] for name, process in PROCESSES.items()])


def ip3d(found):
    """Return b against light track jets in IP3D."""
    return against(found, found.column("ip3d_bu"), top_like_weights(found), LIGHT)


def test_impact_parameters_make_the_difference(jets):
    auc = {name: ip3d(found).auc()[0] for name, found in jets.items()}
    assert auc["nominal"] > 0.88
    assert 0.5 < auc["worse"] < auc["nominal"] - 0.05
    assert auc["perfect"] > auc["nominal"] - 0.01
    assert ip3d(jets["run 2"]).rejection(B_EFFICIENCY)["rejection"] > 5.0


def test_higgs_jets_are_told_from_others_without_training(rows):
    found = rows[rows[:, schema.row("flavour_label")] < 2]
    score = found[:, [schema.row("vr1_ip3d_bu"), schema.row("vr2_ip3d_bu")]].min(axis=1)
    label, event = found[:, schema.row("flavour_label")], found[:, schema.row("eventNumber")].astype(int)
    assert Scored(score, label == 0, np.ones(len(label)), event).auc()[0] > 0.8  # error 0.03
    mass = found[:, schema.row("mass")]
    assert 108.0 < np.median(mass[label == 0]) < 128.0 and np.median(mass[label == QCD]) < 90.0


def test_flipped_signs_untag_b_jets(jets):
    found = negative_tag_figures(jets["nominal"], jets["flipped"])
    for algorithm in ("SV1 vertex", "JetFitter chain"):
        assert found[f"negative over positive tags, {algorithm}, b jets"].value < 0.35
        assert 0.1 < found[f"negative over positive tags, {algorithm}, light jets"].value < 2.0


def test_pulls_and_lifetime_signs_of_tracks(folder):
    tracks = samples.track_significances(folder, samples.detector("atlas-itk"), 1, 1)
    pulls = tracks[tracks[:, 0] == PRIMARY, 1:]
    assert len(pulls) > 1000
    assert all(0.9 < robust_width(pulls[:, k]) < 1.35 for k in (0, 1))
    assert 0.005 < (abs(pulls[:, 0]) > 3.0).mean() < 0.06
    found = sign_figures(tracks)
    assert found["positive d0 signs beyond 3 sigma, tracks of b decays"].value > 0.7
    assert 0.3 < found["positive d0 signs beyond 3 sigma, tracks of the primary vertex"].value < 0.7


def test_jets_have_the_true_scale(folder):
    response = samples.response(folder, samples.detector("atlas-itk"), 1, 1)
    assert len(response.pt) > 60
    assert 0.95 < np.median(response.pt / response.true_pt) < 1.05
    use = (response.true_mass > 90.0) & (response.true_mass < 135.0)
    assert 0.94 < np.median(response.mass[use] / response.true_mass[use]) < 1.06

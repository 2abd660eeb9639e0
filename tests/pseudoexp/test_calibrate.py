"""A calibration made from fresh events restores the jets' scale and separates the flavours."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from real_events import events

from pseudoexp import calibrate, calibration
from pseudoexp.core.processes import CALIBRATION
from pseudoexp.dataset import weights
from pseudoexp.jets import inversion


@pytest.fixture
def few_events(monkeypatch):
    """Give `calibrate` the events that travel with the tests, one chunk per process, in this process."""
    class Pool(ThreadPoolExecutor):
        def __init__(self, threads):
            super().__init__(1)

    monkeypatch.setattr(calibrate, "_pool", Pool)
    monkeypatch.setattr(calibrate, "_events", lambda folder, process, chunk: events(("signal", "qcd")[process % CALIBRATION]))
    monkeypatch.setattr(weights, "_MIN_ROWS", 10)
    monkeypatch.setattr(inversion, "_MIN_JETS", 8)


def test_calibrate_a_card_with_few_events(few_events, tmp_path):
    """200 events: the mean response over pT and eta of a few hundred jets, templates that know b from light."""
    path = calibrate.calibrate("atlas-itk", 500, tmp_path / "made.npz", 1)
    made, header = calibration.load(path)
    shipped, _ = calibration.load(calibration.find("atlas-itk"))
    assert header["events"] == 500
    middle = (made.jets.log_pt > np.log(250)) & (made.jets.log_pt < np.log(500))
    assert made.jets.pt_factor[:, middle].mean() == pytest.approx(shipped.jets.pt_factor[:, middle].mean(), abs=0.05)
    assert np.corrcoef(made.ip3d.cu.ravel(), shipped.ip3d.cu.ravel())[0, 1] > 0.3
    assert [path.name for path in tmp_path.iterdir()] == ["made.npz"]


@pytest.mark.slow
def test_calibrate_a_card(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_MIN_ROWS", 200)
    seen = []
    path = calibrate.calibrate("atlas-itk", 4000, tmp_path / "made.npz", 2, lambda done, total: seen.append((done, total)))
    made, header = calibration.load(path)
    shipped, _ = calibration.load(calibration.find("atlas-itk"))
    assert header["events"] == 4000 and seen[-1][0] == seen[-1][1]
    pt = made.jets.log_pt < np.log(800)
    np.testing.assert_allclose(made.jets.pt_factor[:, pt].mean(), shipped.jets.pt_factor[:, pt].mean(), atol=0.01)
    common = slice(2, 5)  # categories of most tracks; the rest has too few of 4,000 events
    for part in ("bc", "cu"):
        ours, theirs = getattr(made.ip3d, part), getattr(shipped.ip3d, part)
        assert min(np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours[common], theirs[common], strict=True)) > 0.8
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.5


def test_jets_of_one_flavour_and_pt_share_the_weight_of_others():
    rng = np.random.default_rng(1)
    jets = np.stack([rng.integers(-1, 3, 3000), rng.uniform(15, 300, 3000)], axis=1)
    measured = [calibrate.Measured(np.zeros((0, 3)), np.zeros((0, 3)), part, np.zeros((0, 3))) for part in np.split(jets, 3)]
    w = np.concatenate(calibrate._jet_weights(measured))
    assert not w[jets[:, 0] == -1].any()
    for low, high in ((20, 100), (100, 300)):
        sums = [w[(jets[:, 0] == f) & (jets[:, 1] > low) & (jets[:, 1] < high)].sum() for f in range(3)]
        np.testing.assert_allclose(sums, np.mean(sums), rtol=0.1)

"""A calibration made from fresh events restores the jets' scale and separates the flavours."""

import numpy as np
import pytest

from pseudoexp import calibrate, calibration
from pseudoexp.dataset import weights


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
    assert np.corrcoef(made.ip3d.cu.ravel(), shipped.ip3d.cu.ravel())[0, 1] > 0.8


def test_jets_of_one_flavour_and_pt_share_the_weight_of_others():
    rng = np.random.default_rng(1)
    jets = np.stack([rng.integers(-1, 3, 3000), rng.uniform(15, 300, 3000)], axis=1)
    measured = [calibrate.Measured(np.zeros((0, 3)), np.zeros((0, 3)), part, np.zeros((0, 3))) for part in np.split(jets, 3)]
    w = np.concatenate(calibrate._jet_weights(measured))
    assert not w[jets[:, 0] == -1].any()
    for low, high in ((20, 100), (100, 300)):
        sums = [w[(jets[:, 0] == f) & (jets[:, 1] > low) & (jets[:, 1] < high)].sum() for f in range(3)]
        np.testing.assert_allclose(sums, np.mean(sums), rtol=0.1)

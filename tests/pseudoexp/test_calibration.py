"""Calibration files: round trip, provenance, refusal of everything else."""

import numpy as np
import pytest

from pseudoexp import calibration
from pseudoexp.config import list_cards, load_card
from pseudoexp.errors import ConfigError, SchemaError


def test_round_trip(tmp_path):
    path = tmp_path / "own.npz"
    calibration.save(path, calibration.uncalibrated(), {"card": "mine"})
    loaded, header = calibration.load(path)
    assert header == {"card": "mine", "version": calibration.CALIBRATION_VERSION}
    for part, original in zip(loaded, calibration.uncalibrated(), strict=True):
        for a, b in zip(part, original, strict=True):
            np.testing.assert_array_equal(a, b)
    assert calibration.calibration_of(str(path)).jets.pt_factor.shape == loaded.jets.pt_factor.shape


def test_every_card_finds_its_calibration():
    for card in list_cards():
        loaded, header = calibration.load(calibration.find(load_card(card).calibration))
        assert header["card"] == load_card(card).calibration
        assert 0.9 < np.median(loaded.jets.pt_factor) < 1.2
        assert loaded.ip3d.bc.max() > 2 and loaded.ip3d.cu.max() > 2
        assert loaded.weights.ratio.min() > 0


def test_what_is_no_calibration_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="atlas-itk"):
        calibration.find("nowhere")
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"not a zip")
    with pytest.raises(SchemaError, match="not a calibration"):
        calibration.load(wrong)
    np.savez(wrong, header=np.array("{}"))
    with pytest.raises(SchemaError, match="not a calibration"):
        calibration.load(wrong)

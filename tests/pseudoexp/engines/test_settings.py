import numpy as np
import pytest

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.engines.settings import EngineSettings, physics_process, pythia_lines
from pseudoexp.errors import ConfigError


@pytest.mark.parametrize("wrong", [
    {"pthat_min": 9.9}, {"pthat_min": 5001}, {"pthat_min": float("nan")}, {"pthat_min": "150"}, {"pthat_min": True},
    {"pt_bias": -1}, {"pt_bias": 8.1}, {"pt_bias": None}, {"tune": ("Tune:pp",)}, {"tune": ("Random:seed = 3",)},
    {"tune": ("phaseSpace:pTHatMin = 3",)}, {"tune": ("ParticleDecays:tau0Max = 1",)}, {"tune": (" = 3",)}])
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ConfigError, match=r"allowed|may not"):
        EngineSettings(**wrong)


def test_equal_settings_are_one_whatever_the_number_type():
    assert EngineSettings(150, 4) == EngineSettings(np.float64(150.0), np.int64(4))
    assert pythia_lines(QCD, EngineSettings(150, 4)) == pythia_lines(QCD, EngineSettings(150.0, 4.0))


def test_lines_of_the_processes():
    settings = EngineSettings(200.0, 3.0, ("Tune:pp = 18",))
    signal = pythia_lines(SIGNAL, settings)
    assert "HiggsSM:qg2Hq = on" in signal and "25:onIfMatch = 5 -5" in signal
    assert {"PhaseSpace:pTHatMin = 200.0", "PhaseSpace:bias2SelectionPow = 3.0"} <= set(signal)
    assert signal[-1] == "Tune:pp = 18"
    assert "PhaseSpace:bias2Selection = on" not in pythia_lines(QCD, EngineSettings(200.0, 0.0))
    assert not any("PhaseSpace" in line for line in pythia_lines(MINIMUM_BIAS, settings))
    for process in (SIGNAL, QCD, MINIMUM_BIAS):
        assert "ParticleDecays:tau0Max = 10" in pythia_lines(process, settings)


def test_calibration_is_the_same_physics():
    assert physics_process(QCD + CALIBRATION) == QCD
    assert pythia_lines(QCD + CALIBRATION, EngineSettings()) == pythia_lines(QCD, EngineSettings())
    for unknown in (-1, 3, CALIBRATION + 3, 2 * CALIBRATION, 256):
        with pytest.raises(ConfigError, match="process"):
            physics_process(unknown)

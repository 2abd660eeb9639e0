import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

import pseudoexp
from pseudoexp.core.processes import SIGNAL
from pseudoexp.engines.builtin.chunk import generate_chunk
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError, MissingExtra
from pseudoexp.particle_level import particles

KEYS = {"p4", "vertex", "pdg_id", "offsets", "weight", "hadron_p4", "hadron_pdg_id", "hadron_decay_vertex",
        "hadron_event", "hadron_from_higgs", "higgs_p4", "DESCR"}


@pytest.fixture(scope="module")
def signal():
    return particles("signal", n=260.0, seed=3)


def test_shapes(signal):
    assert set(signal) == KEYS
    events, n, m = 260, len(signal.pdg_id), len(signal.hadron_pdg_id)
    assert signal.p4.shape == signal.vertex.shape == (n, 4) and signal.offsets[-1] == n
    assert signal.weight.shape == (events,) and signal.higgs_p4.shape == (events, 4)
    assert signal.hadron_p4.shape == signal.hadron_decay_vertex.shape == (m, 4)
    assert signal.hadron_event.shape == signal.hadron_from_higgs.shape == (m,)
    assert "260 signal events" in signal.DESCR


def test_values(signal):
    assert signal.weight.mean() == pytest.approx(1.426e-3, rel=0.01)
    assert 15 not in np.abs(signal.hadron_pdg_id)
    assert set(signal.hadron_event) == set(range(260)) and (np.diff(signal.hadron_event) >= 0).all()
    from_higgs = np.bincount(signal.hadron_event[signal.hadron_from_higgs])
    assert from_higgs.min() >= 2  # b hadrons, mostly with a charm hadron each
    assert set(np.abs(signal.hadron_pdg_id)) >= {411, 421, 511, 521}


def test_fewer_events_are_the_first_of_more_and_those_of_the_engine(signal):
    few = particles("signal", n=3, seed=3)
    for key in KEYS - {"DESCR", "offsets"}:
        assert (signal[key][:len(few[key])] == few[key]).all()
    second = generate_chunk(SIGNAL, 3, 250, 10, EngineSettings(150, 0))
    assert (signal.p4[signal.offsets[250]:] == second.p4).all()
    assert (signal.higgs_p4[250:] == second.higgs).all()


def test_qcd_and_bias():
    qcd = particles("qcd", n=np.int64(5), pthat_min=250, pt_bias=4)
    assert not qcd.higgs_p4.any() and np.unique(qcd.weight).size == 5


@pytest.mark.parametrize("wrong", [
    {"process": "ttbar"}, {"n": 0}, {"n": -3}, {"n": 2.5}, {"n": "1000"}, {"n": True}, {"n": 1e9}, {"n": None},
    {"n": float("nan")}, {"n": float("inf")}, {"seed": -1}, {"seed": 2**63}, {"seed": 1.5}, {"pthat_min": -5},
    {"pthat_min": "high"}, {"pt_bias": 99}, {"engine": "herwig"}])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ConfigError, match="allowed") as error:
        particles(**{"n": 1, **wrong})
    assert "\n" not in str(error.value)


def test_missing_extra(monkeypatch):
    monkeypatch.setattr("pseudoexp.engines.driver._of_thread.drivers", {})
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(MissingExtra, match="pythia8mc"):
        particles(n=1, engine="pythia8")


def test_pythia_is_imported_on_use_only():
    code = "import sys, pseudoexp.particle_level; print({'pythia8mc', 'awkward'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_public_name_stays_a_function():
    for _ in range(2):
        assert pseudoexp.particles("qcd", n=1).weight.shape == (1,)

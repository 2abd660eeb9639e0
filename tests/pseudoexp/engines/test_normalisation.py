import json

import pytest

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.engines import normalisation as module
from pseudoexp.engines.normalisation import Normalisation, measure, normalisation
from pseudoexp.engines.settings import EngineSettings, pythia_lines
from pseudoexp.errors import GenerationError

pytest.importorskip("pythia8mc")

CROSS_SECTIONS = {  # pb; signal with b quarks alone, times BR(H -> bb) = 0.577
    (SIGNAL, 150): 1.426e-3, (SIGNAL, 250): 0.1832e-3, (QCD, 150): 2.607e5, (QCD, 250): 2.522e4}


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Return an empty user's cache."""
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path))
    module._lookup.cache_clear()
    yield tmp_path
    module._lookup.cache_clear()


@pytest.mark.parametrize("pt_bias", [0, 4])
@pytest.mark.parametrize(("process", "pthat_min"), list(CROSS_SECTIONS))
def test_shipped_cross_sections(process, pthat_min, pt_bias, cache):
    result = normalisation(process, EngineSettings(pthat_min, pt_bias))
    assert result.events == module.TABLE_EVENTS
    assert result.error < 0.001 * result.cross_section
    assert result.cross_section == pytest.approx(CROSS_SECTIONS[process, pthat_min], rel=0.02)
    assert normalisation(process + CALIBRATION, EngineSettings(pthat_min, pt_bias)) == result
    assert not list(cache.iterdir())


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_shipped_constants_agree_with_a_short_run(process):
    for pt_bias in (0.0, 4.0):
        settings = EngineSettings(150.0, pt_bias)
        short = measure(process, pythia_lines(process, settings), 10_000)
        assert short.constant == pytest.approx(normalisation(process, settings).constant, rel=0.025)


def test_high_threshold():
    lines = pythia_lines(SIGNAL, EngineSettings(450, 0))
    assert measure(SIGNAL, lines, 5000).cross_section == pytest.approx(0.01004e-3, rel=0.03)


def test_runs_repeat():
    lines = pythia_lines(QCD, EngineSettings(300, 2))
    assert measure(QCD, lines, 500) == measure(QCD, lines, 500)


def test_other_settings_are_run_once(cache, monkeypatch):
    calls = []

    def run(process, lines):
        calls.append((process, lines))
        return Normalisation(2.5, 1.5, 0.1, 10)

    monkeypatch.setattr(module, "measure", run)
    settings = EngineSettings(321, 3)
    assert normalisation(QCD, settings) == normalisation(QCD, settings) == Normalisation(2.5, 1.5, 0.1, 10)
    module._lookup.cache_clear()
    assert normalisation(QCD, settings).constant == 2.5 and len(calls) == 1
    [file] = (cache / "pythia8_normalisation").iterdir()
    assert json.loads(file.read_text())["constant"] == 2.5
    file.write_text("{")  # a torn file is as good as none
    module._lookup.cache_clear()
    assert normalisation(QCD, settings).constant == 2.5 and len(calls) == 2


def test_an_unwritable_cache_is_no_error(cache, monkeypatch):
    (cache / "pythia8_normalisation").write_text("in the way")
    monkeypatch.setattr(module, "measure", lambda *_: Normalisation(2.5, 1.5, 0.1, 10))
    assert normalisation(QCD, EngineSettings(321, 3)).constant == 2.5


def test_minimum_bias_has_weight_one():
    assert normalisation(MINIMUM_BIAS, EngineSettings()).constant == 1.0


def test_no_events_is_an_error(monkeypatch):
    lines = (*pythia_lines(QCD, EngineSettings()), "PartonLevel:all = off")
    pythia = module.Driver(lines)
    monkeypatch.setattr(pythia, "_pythia", type("Dead", (), {"nextBatch": lambda self, n: []})())
    with pytest.raises(GenerationError, match="gave up"):
        pythia.events(3)

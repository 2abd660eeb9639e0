"""Rates: known weights, the arithmetic of luminosity, errors, thresholds."""

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from mock_file import mock_file, pair_jets

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.experiments.candidates import Events, Sample
from pseudoexp.experiments.trigger import Machine, _point, _thresholds


def sample(score, cross_section, unselected=()):
    score, w = np.asarray(score, float), np.asarray(cross_section, float)
    n, everything = len(score), np.concatenate([w, unselected])
    events = Events(np.arange(n), w, np.full(n, 300.0), np.full(n, 100.0), np.ones(n, int), score)
    return Sample(events, len(everything), everything.sum(), (everything**2).sum(), 10.0)


def test_the_machine():
    machine = Machine(5e34, 200.0, 80.0)
    assert machine.crossings == pytest.approx(5e34 * 80e-27 / 200) == pytest.approx(2e7)
    assert machine.rate(1.0) == pytest.approx(0.05)  # 5e34 / cm2 / s and 1e-36 cm2
    with pytest.raises(ConfigError, match=r"100 million crossings per second; allowed: up to 40\.08 million"):
        Machine(5e34, 40.0, 80.0)


def test_a_point_by_hand():
    samples = {"hbb": sample([0.9, 0.5, 0.1], [1e-3, 2e-3, 1e-3], [4e-3]),
               "qcd": sample([0.95, 0.6, 0.5, 0.2], [2.0, 1.0, 4.0, 8.0], [5.0])}
    p = _point(0.5, samples, Machine(1e34, 100.0, 80.0))
    assert p.efficiency == pytest.approx(3 / 8) and p.sampled == 3
    assert p.efficiency_error == pytest.approx(np.sqrt((1 + 4) * (5 / 8) ** 2 + (1 + 16) * (3 / 8) ** 2) / 8)
    assert p.rate == pytest.approx(0.07) and p.rate_error == pytest.approx(0.01 * np.sqrt(21))
    assert p.candidates_per_event == pytest.approx(20 / 7) and p.crossings_per_event == pytest.approx(8e6 / 0.07)
    assert p.effective == pytest.approx(49 / 21) and p.signal_per_day == pytest.approx(3e-5 * 86400)
    nothing = _point(0.99, samples, Machine(1e34, 100.0, 80.0))
    assert nothing.rate == 0.0 and nothing.crossings_per_event == np.inf and nothing.effective == 0.0


def test_thresholds_keep_what_they_should():
    rng = np.random.default_rng(1)
    one = sample(rng.normal(size=500), rng.exponential(size=500), [30.0])
    targets = np.array([0.1, 0.3, 0.5, 0.8])
    for target, threshold in zip(targets, _thresholds(one, targets), strict=True):
        kept = one.events.cross_section[one.events.score >= threshold].sum() / one.fiducial
        without = one.events.cross_section[one.events.score > threshold].sum() / one.fiducial
        assert without < target <= kept


def test_errors_are_those_of_other_samples():
    rng = np.random.default_rng(4)
    machine, found = Machine(1e34, 100.0, 80.0), []
    for _ in range(400):
        parts = {}
        for name, shift in (("hbb", 1.0), ("qcd", 0.0)):
            n = rng.poisson(300)
            parts[name] = sample(rng.normal(shift, 1.0, n), rng.exponential(1.0, n))
        p = _point(0.8, parts, machine)
        found.append((p.rate, p.rate_error, p.efficiency, p.efficiency_error))
    rates, errors, efficiencies, theirs = np.array(found).T
    assert rates.std() == pytest.approx(errors.mean(), rel=0.12)
    assert efficiencies.std() == pytest.approx(theirs.mean(), rel=0.12)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Every fourth event of a class has two jets."""
    return pair_jets(mock_file(tmp_path_factory.mktemp("rate") / "a.h5", 4000))


def test_crossings_fire_once(file):
    found = pseudoexp.rate(file, "vr1_ip3d_bu + vr2_ip3d_bu", luminosity=1e34, mu=60, efficiencies=[0.5, 0.99])
    rows = h5py.File(file)["jets"][:]
    score = rows["vr1_ip3d_bu"].astype(float) + rows["vr2_ip3d_bu"]
    assert [round(p.efficiency, 2) for p in found.points] == [0.5, 0.99]
    for p in found.points:
        firing = rows[(rows["flavour_label"] == 1) & (score >= p.threshold)]
        first = np.unique(firing["eventNumber"], return_index=True)[1]
        assert p.sampled == len(first) <= len(firing)
        assert p.rate == pytest.approx(0.01 * firing["mcEventWeight"][first].sum() / 4000)
    assert len(first) < len(firing)
    rates = [p.rate for p in found.curve]
    assert rates == sorted(rates) and found.candidates >= rates[-1]
    assert any("0 pile-up collisions, not 60" in note for note in found.notes)


def test_a_selection_limits_the_efficiency(file):
    found = pseudoexp.rate(file, "D2", "mass > 118e3")
    assert max(p.efficiency for p in found.points) < 0.6 and any("out of reach" in note for note in found.notes)
    with pytest.raises(DataError, match="allowed: efficiencies up to that"):
        pseudoexp.rate(file, "D2", "mass > 118e3", efficiencies=[0.9])
    with pytest.raises(ConfigError, match="efficiencies is empty"):
        pseudoexp.rate(file, "D2", efficiencies=[])


@pytest.mark.parametrize(("options", "message"), [
    (["--score", "pt > 1"], "score 'pt > 1': is a condition"), (["--score", "tau32"], "near: tau21"), ([], "--scores FILE"),
    (["--score", "D2", "--selection", "mass"], "is a number"), (["--score", "D2", "--mu", "0"], "mu = '0'"),
    (["--score", "D2", "--mu", "1"], "million crossings"), (["--score", "D2", "--luminosity", "x"], "luminosity"),
    (["--score", "D2", "--efficiency", "1.5"], "efficiency 1.5"), (["--score", "D2", "--plot", "a.gif"], ".png"),
    (["--score", "D2", "--plot", "/nowhere/a.png"], "does not exist")])
def test_mistakes(capsys, file, options, message):
    assert run(app, ["rate", str(file), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1 and message in captured.err


def test_the_command(capsys, file, tmp_path):
    pytest.importorskip("mplhep")
    plot = tmp_path / "rate.svg"
    assert run(app, ["rate", str(file), "--score", "D2", "--plot", str(plot)]) == 0
    shown = capsys.readouterr().out
    assert "20 million crossings/s" in shown and "pile-up" in shown
    first = plot.read_bytes()
    assert first.startswith(b"<?xml") and [p.name for p in tmp_path.iterdir()] == ["rate.svg"]
    assert run(app, ["rate", str(file), "--score", "D2", "--plot", str(plot)]) == 2
    assert run(app, ["rate", str(file), "--score", "D2", "--plot", str(plot), "--force", "--quiet"]) == 0
    assert plot.read_bytes() == first
    capsys.readouterr()
    assert run(app, ["rate", str(file), "--score", "D2", "--json", "--efficiency", "0.7"]) == 0
    found = SimpleNamespace(**json.loads(capsys.readouterr().out))
    assert len(found.points) == 1 and found.crossings == pytest.approx(2e7) and found.machine["pileup"] == 200

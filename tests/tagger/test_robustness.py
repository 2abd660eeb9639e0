"""Runs on other samples: figures against those of the evaluation, what is stored, refusals."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError, DataError, SchemaError
from tagger.cli import main
from tagger.data import TaggerData
from tagger.robustness import EFFICIENCIES, judge, load_samples, robustness, stored
from tagger.runs import Run
from tagger.train import TrainConfig, train

CONFIGURATION = '{"engine": "pythia8", "pileup": 60.0, "card": {"name": "worse-impact"}}'


@pytest.fixture(scope="module")
def near(tmp_path_factory):
    """Other rows of the same kind."""
    return mock_file(tmp_path_factory.mktemp("near") / "near.h5", n=6000, seed=4)


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """Rows whose classes stand closer together."""
    return mock_file(tmp_path_factory.mktemp("far") / "far.h5", n=6000, seed=5, separation=0.5, configuration=CONFIGURATION)


@pytest.fixture
def folders(small_folder, small_data, tmp_path):
    """A run, and one with two inputs in an order of its own."""
    base = shutil.copytree(small_folder, tmp_path / "base")
    few = train(small_data.select(["vr2_ip3d_bu", "mass"]), TrainConfig(hidden=(4,), epochs=1, batch=64))
    return [base, few.save(tmp_path / "few")]


def test_its_own_file_gives_its_own_figures(small_folder, small_file):
    run = Run.load(small_folder)
    found = judge(run, load_samples([small_file])[0])
    own = run.metrics["weightings"]["benchmark"]
    assert found["figures"] == own
    for e in EFFICIENCIES:
        kept, point = found["at_nominal_thresholds"][e], own["rejection"][e]
        assert kept["threshold"] == point["threshold"] and kept["rejection"] == point["rejection"]
        assert kept["signal"] == pytest.approx(float(e), abs=0.01)
        assert 0.0 < kept["background_error"] < point["background_error"]  # the threshold adds nothing


def test_inputs_are_taken_by_name(folders, near):
    run = Run.load(folders[1])
    assert run.inputs == ("vr2_ip3d_bu", "mass")
    data = TaggerData.load(near, run.inputs)
    score = np.asarray(run.model(data.test.x))[:, 0].astype(np.float64)
    cut = run.metrics["weightings"]["benchmark"]["rejection"]["0.5"]["threshold"]
    rows = data.test.y == 1
    expected = np.average(score[rows] >= cut, weights=data.test.weight[rows])
    found = judge(run, load_samples([near])[0])["at_nominal_thresholds"]["0.5"]
    assert found["signal"] == pytest.approx(expected, abs=1e-9)


def test_a_worse_sample_shows(small_folder, near, far):
    run = Run.load(small_folder)
    same, worse = (judge(run, sample) for sample in load_samples([near, far]))
    own = run.metrics["weightings"]["benchmark"]
    assert abs(same["figures"]["auc"] - own["auc"]) < 4 * np.hypot(same["figures"]["auc_error"], own["auc_error"])
    kept = same["at_nominal_thresholds"]["0.5"]
    assert abs(kept["signal"] - 0.5) < 4 * np.hypot(kept["signal_error"], np.sqrt(0.25 / 300))
    assert worse["figures"]["auc"] < own["auc"] - 5 * worse["figures"]["auc_error"]
    assert worse["at_nominal_thresholds"]["0.5"]["signal"] < 0.4
    assert {key: worse["sample"][key] for key in ("engine", "pileup", "card")} == {
        "engine": "pythia8", "pileup": 60.0, "card": "worse-impact"}


def test_figures_are_stored_and_added(folders, near, far):
    told = []
    robustness(folders, [far], report=lambda *names: told.append(names[:2]))
    assert told == [("base", "far"), ("few", "far")]
    found = robustness(folders, [near])
    assert list(found["base"]) == ["far", "near"]
    for folder in folders:
        assert stored(Run.load(folder, with_model=False)) == json.loads(json.dumps(found[folder.name]))
    again = Run.load(folders[0])
    assert again.save(folders[0].with_name("copy")).joinpath("robustness.json").read_text() == (
        folders[0] / "robustness.json").read_text()


def test_refusals(folders, near, tmp_path):
    robustness(folders, [near])
    other = mock_file(tmp_path / "near.h5", 4000, seed=6)
    before = (folders[0] / "robustness.json").read_bytes()
    with pytest.raises(ConfigError, match=r"another file called near; --force"):
        robustness(folders, [other])
    assert (folders[0] / "robustness.json").read_bytes() == before
    robustness(folders[:1], [other], force=True)
    assert (folders[0] / "robustness.json").read_bytes() != before
    with pytest.raises(ConfigError, match="samples called near stand twice"):
        robustness(folders, [near, other])
    with pytest.raises(ConfigError, match="runs called base stand twice"):
        robustness([folders[0], folders[0]], [near])


def test_damaged_contents(folders, near):
    run = Run.load(folders[0])
    with pytest.raises(DataError, match="no figures of a finished run"):
        judge(replace(run, metrics={"weightings": {}}), load_samples([near])[0])
    for content in ({"samples": 3}, {"samples": {"near": {}}}, {"samples": {"near": {"sample": 1, "figures": {}}}}):
        with pytest.raises(SchemaError, match=r"robustness\.json is damaged"):
            stored(replace(run, robustness=content))
    assert stored(replace(run, robustness={})) == {}


def test_command(folders, near, far, tmp_path, capsys):
    out, page = tmp_path / "robustness.json", tmp_path / "page.html"
    line = ["robustness", *map(str, folders), "--other", str(near), "--other", str(far), "--out", str(out)]
    assert main(line) == 0
    shown = capsys.readouterr().out
    assert "base on near: AUC 0." in shown and "few on far" in shown
    assert "the nominal threshold of 50% lets" in shown
    found = json.loads(out.read_text())
    assert {run: list(samples) for run, samples in found.items()} == {"base": ["near", "far"], "few": ["near", "far"]}
    assert main(line) == 2 and "--force" in capsys.readouterr().err
    assert main([*line, "--force", "--quiet"]) == 0 and capsys.readouterr().out == ""
    assert main(["report", *map(str, folders), "--out", str(page)]) == 0
    assert '<section id="robustness">' in page.read_text()
    capsys.readouterr()
    assert main(["robustness", str(folders[0]), "--other", str(tmp_path / "none.h5")]) == 2
    assert main(["robustness", str(folders[0])]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2

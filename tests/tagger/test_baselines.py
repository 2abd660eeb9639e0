"""Baselines on made-up rows: each learns, seeds make a difference and the same seed none, results are by the protocol."""

import json
from pathlib import Path

import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.benchmark import registry
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.benchmark.results import check, read_results
from pseudoexp.production.run_config import RunConfig
from tagger import baselines
from tagger.baselines import BASELINES, bootstrap
from tagger.cli import main
from tagger.data import TaggerData

ROOT = Path(__file__).parents[2]
TEXT = """
[v1-small]
status = "candidate"
title = "made-up rows"
base = ""
n = 6000
seed = 3
engine = "builtin"
card = "atlas-itk"
signal_fraction = 0.5
pileup = 0.0
tracks = 0
splits = { train = [0, 1, 2, 3, 4, 5, 6, 7], val = [8], test = [9] }
ms_per_row = 0.1
"""


@pytest.fixture(scope="module")
def release_file(tmp_path_factory):
    """A made-up file that says it is the made-up release."""
    path = tmp_path_factory.mktemp("release") / "small.h5"
    return mock_file(path, 6000, seed=3, configuration=RunConfig.from_options(6000, seed=3).json())


@pytest.fixture
def registered(tmp_path, monkeypatch):
    (tmp_path / "releases.toml").write_text(TEXT)
    monkeypatch.setattr(registry, "SOURCE", str(tmp_path / "releases.toml"))
    registry.releases.cache_clear()
    yield tmp_path
    registry.releases.cache_clear()


def area(name, path, seed=1):
    one = BASELINES[name]
    data = TaggerData.load(path, one.inputs)
    score = one.learn(data, seed).score(data.test.x)
    return score, Scored(score, data.test.y == 1, data.test.weight, data.test.event).auc()[0]


@pytest.mark.parametrize("name", [name for name, one in BASELINES.items() if not one.reads])
def test_every_baseline_learns(small_file, monkeypatch, name):
    monkeypatch.setattr(baselines, "TREES", 30)
    monkeypatch.setattr(baselines, "HIDDEN", (8,))
    score, found = area(name, small_file)
    assert np.isfinite(score).all()
    assert found > {"kinematics": 0.6, "cuts": 0.8}.get(name, 0.93)
    if name in ("logistic", "cuts", "kinematics"):
        assert np.array_equal(area(name, small_file)[0], score)
        assert name == "cuts" or not np.array_equal(area(name, small_file, 2)[0], score)


def test_the_window_is_found(small_file):
    """The made-up signal stands at a mass of 118 +- 15 GeV: rows outside a window around it come last."""
    one = BASELINES["cuts"]
    data = TaggerData.load(small_file, one.inputs)
    score, mass = one.learn(data, 1).score(data.test.x), data.test.mass
    outside = score < -5000
    assert outside[mass < 70].all() and not outside[abs(mass - 118) < 12].any()
    smaller = data.test.x[~outside, 1:].min(axis=1)
    assert np.allclose(score[~outside], smaller)


def test_bootstrap_takes_whole_events(small_data):
    part = small_data.train
    factor = bootstrap(part, 1) / part.training_weight()
    assert np.allclose(factor, np.round(factor)) and factor.mean() == pytest.approx(1.0, abs=0.05)
    twice = [factor[part.event == event] for event in np.unique(part.event)[:200]]
    assert all(len(set(values)) == 1 for values in twice)
    assert not np.array_equal(bootstrap(part, 1), bootstrap(part, 2))


def test_the_command(release_file, registered, monkeypatch, capsys):
    monkeypatch.setattr(baselines, "TREES", 10)
    out, scores = registered / "results", registered / "scores"
    words = ["baseline", "cuts", "--data", str(release_file), "--out", str(out), "--scores", str(scores)]
    assert main(words) == 0
    assert "is a candidate" in (text := capsys.readouterr().out) and "cuts: AUC 0." in text
    one = read_results(out)[0]
    assert one["about"]["seeds"] == [1, 2, 3, 4, 5] and one["about"]["inputs"] == "3 of 39"
    assert one["about"]["command"] == "python -m tagger baseline cuts --release v1-small"
    assert one["release"]["name"] == "v1-small" and one["split"] == "test"
    assert check(out / "cuts-v1-small.json", scores / "cuts-v1-small.npz", release_file) == []
    json.dumps(one, allow_nan=False)
    assert main(words) == 2 and "exists already" in capsys.readouterr().err
    assert main([*words, "--force", "--quiet", "--seeds", "2"]) == 0 and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["deep-sets", "gru-inputs", "cnn"])
def test_networks_on_tracks_and_images(release_file, registered, monkeypatch, capsys, name):
    monkeypatch.setitem(baselines.EPOCHS, name, 1)
    out, scores = registered / "results", registered / "scores"
    beside = mock_file(registered / "beside.h5", 6000, seed=3, tracks=6, images=8)
    words = ["baseline", name, "--seeds", "1", "--data", str(release_file), "--out", str(out), "--scores", str(scores)]
    assert main([*words, "--objects", str(beside), "--quiet"]) == 0
    one = read_results(out)[0]["about"]
    assert one["parameters"] > 1000 and one["inputs"] == BASELINES[name].says and "epochs" in one["title"]
    assert check(out / f"{name}-v1-small.json", scores / f"{name}-v1-small.npz", release_file) == []
    other = mock_file(registered / "other.h5", 6000, seed=4, tracks=6, images=8)
    for more, message in ((["--objects", str(other)], "its rows are not those of"),
                          (["--objects", str(release_file)], "no dataset"),
                          (["--transfer", "v1-small"], "other releases have no")):
        assert main([*words, "--force", *more]) == 2 and message in capsys.readouterr().err


def test_every_baseline_has_a_stored_result():
    stored = {one["about"]["method"]: one for one in read_results(ROOT / "benchmark" / "results")
              if one["release"]["name"] == "v1-small"}
    assert set(BASELINES) <= set(stored)
    for name, one in BASELINES.items():
        about = stored[name]["about"]
        assert about["inputs"] == one.text() and f"python -m tagger baseline {name} --release v1-small" in about["command"]


def test_mistakes(small_file, registered, capsys):
    for words, message in ((["magic"], "baseline 'magic'; allowed: cuts"), (["all", "--release", "v9"], "release 'v9'"),
                           (["cuts", "--seeds", "0"], "--seeds 0"), (["cuts", "--transfer", "v9"], "release 'v9'"),
                           (["cuts", "--data", str(small_file)], "not release v1-small")):
        assert main(["baseline", *words, "--out", str(registered / "out")]) == 2
        assert message in capsys.readouterr().err and not (registered / "out").exists()

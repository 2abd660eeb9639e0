"""`tagger select` and `tagger prune`: the folders they write, one line for each mistake."""

import json

import keras
import pytest
from mock_file import mock_file

from tagger.cli import main

QUICK = ["--epochs", "2", "--batch", "256", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    mock_file(folder / "mock.h5", 1500)
    return folder


@pytest.fixture(scope="module")
def selected(folder):
    out = folder / "f5"
    words = ["select", str(folder / "mock.h5"), "--features", "5", "--hidden", "8,4", "--out", str(out), *QUICK]
    assert main(words) == 0
    return out


def _json(path):
    return json.loads(path.read_text())


def test_select_writes_a_run_on_its_features(selected):
    inputs = _json(selected / "features.json")["inputs"]
    config, metrics = _json(selected / "config.json"), _json(selected / "metrics.json")
    assert len(inputs) == 5 and config["asked"]["features"] == config["kept"]["features"] == 5
    assert metrics["model"]["inputs"] == 5 and metrics["resize"]["layout"] == {"inputs": 5}
    assert keras.saving.load_model(selected / "model.keras").input_shape == (None, 5)
    assert (selected / "gated.keras").is_file() and "temperature" in (selected / "history.csv").read_text()


def test_prune_goes_on_from_a_run(folder, selected, capsys):
    out = folder / "half"
    words = ["prune", str(folder / "mock.h5"), "--model", str(selected), "--nodes", "50%", "--out", str(out)]
    assert main([*words, *QUICK[:-1]]) == 0
    assert "6 of 6 asked for" in capsys.readouterr().out
    metrics = _json(out / "metrics.json")
    assert metrics["model"]["nodes"] == 6 and metrics["model"]["inputs"] == 5
    assert sum(metrics["resize"]["layout"].values()) == 6
    assert main(words) == 2 and "--force" in capsys.readouterr().err


def test_prune_begins_with_a_network_of_its_own(folder, selected, capsys):
    out = folder / "small"
    words = ["prune", str(folder / "mock.h5"), "--nodes", "5", "--out", str(out), *QUICK]
    assert main([*words, "--hidden", "8,4", "--inputs", "mass,pt,vr1_ip3d_bu", "--seed", "3"]) == 0
    config, model = _json(out / "config.json"), _json(out / "metrics.json")["model"]
    assert model["nodes"] == 5 and model["inputs"] == 3 and config["parent"] is None and config["training"]["epochs"] == 2
    for option in ("--hidden=8,4", "--inputs=mass"):
        assert main([*words, "--force", "--model", str(selected), option]) == 2
        assert "are for prunings without it" in capsys.readouterr().err
    assert main([*words, "--force", "--luts", "60%", "--nodes", "5"]) == 2


def test_a_limit_on_luts_is_kept(folder, selected, capsys):
    out = folder / "luts"
    words = ["prune", str(folder / "mock.h5"), "--model", str(selected), "--luts", "60%", "--where", "all", "--tune",
             "--estimate"]
    assert main([*words, "--out", str(out), *QUICK[:-1]]) == 0
    found, model = _json(out / "metrics.json")["resize"], _json(out / "metrics.json")["model"]
    assert f"{found['kept']['budget']:g} of {found['asked']['budget']:g} luts" in capsys.readouterr().out
    assert found["kept"]["budget"] <= found["asked"]["budget"] and found["asked"]["cost"] == "luts"
    assert found["kept"]["budget"] == pytest.approx(0.29 * 64 * model["multiplications"])


@pytest.mark.parametrize(("words", "said"), [
    ("--nodes 5 --luts 100", "exactly one of"), ("--constraint fermi", "exactly one of"),
    ("--nodes 6 --group-track-jets", "spans 'hidden'"), ("--nodes 6 --method trees", "where = inputs"),
    ("--nodes 0", "allowed are 2 to 12"), ("--nodes 13", "allowed are 2 to 12"), ("--nodes 1", "allowed are 2 to 12"),
    ("--nodes 0%", "allowed are 2 to 12"), ("--nodes few", "whole number"), ("--nodes 6 --where roof", "hidden_1"),
    ("--nodes 6 --method luck", "autopruner"), ("--nodes 6 --constraint x", "fermi, penalty, topk")])
def test_mistakes_take_one_line_and_write_nothing(words, said, folder, selected, capsys):
    out = folder / "never"
    assert main(["prune", str(folder / "mock.h5"), "--model", str(selected), "--out", str(out), *words.split()]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not out.exists()


@pytest.mark.parametrize("features", ["0", "40", "-3", "100.1%", "1.5"])
def test_impossible_features_are_refused(features, folder, capsys):
    out = folder / "never"
    assert main(["select", str(folder / "mock.h5"), f"--features={features}", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert any(words in error for words in ("1 to 39", "whole number", "at most 100%"))
    assert error.count("\n") == 1 and not out.exists()


def test_a_missing_run_is_named(folder, capsys):
    words = ["prune", str(folder / "mock.h5"), "--model", str(folder / "none"), "--nodes", "5"]
    assert main([*words, "--out", str(folder / "x")]) == 2 and "none" in capsys.readouterr().err

"""Transfer between two files: nothing is lost between samples of one kind, something between unlike ones."""

import json

import numpy as np
import pytest
from mock_file import mock_file

from tagger.cli import main
from tagger.data import TaggerData
from tagger.train import TrainConfig
from tagger.transfer import rejection_losses, transfer

CONFIG = TrainConfig(hidden=(8,), epochs=3, batch=64)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return mock_file(folder / "one.h5", 4000, seed=3), mock_file(folder / "two.h5", 4000, seed=4)


def test_same_scores_lose_nothing_and_worse_ones_something(small_data):
    part = small_data.train
    rng = np.random.default_rng(1)
    good = part.y + rng.normal(0, 0.7, len(part))
    assert rejection_losses(good, 3 * good - 1, part) == {e: {"loss": 0.0, "error": 0.0} for e in ("0.5", "0.6")}
    worse = rejection_losses(good, good + rng.normal(0, 0.7, len(part)), part)["0.6"]
    assert worse["loss"] > 0.3 and 0 < worse["error"] < 0.3
    perfect = part.y.astype(float)
    assert rejection_losses(perfect, good, part)["0.5"] == {"loss": None, "error": None}


def test_errors_of_losses(small_data):
    """The error is the scatter over independent samples."""
    rng = np.random.default_rng(2)
    losses, errors = [], []
    for seed in range(40):
        part = small_data.train.take(np.sort(rng.permutation(len(small_data.train))[:1200]))
        own = part.y + rng.normal(0, 0.7, len(part))
        found = rejection_losses(own, own + rng.normal(0, 0.4, len(part)), part, seed)["0.6"]
        losses.append(found["loss"])
        errors.append(found["error"])
    assert np.mean(errors) == pytest.approx(np.std(losses), rel=0.35)


def test_trainings_see_their_own_file(files):
    first, second = (TaggerData.load(path) for path in files)
    told = []
    found = transfer(first, second, CONFIG, lambda name: told.append(name))
    assert told == ["first", "second"] and found["sources"]["second"]["path"].endswith("two.h5")
    for trained in ("first", "second"):
        for tested in ("first", "second"):
            figures = found["results"][trained][tested]
            assert figures["auc"] > 0.9
            assert figures["rows_signal"] + figures["rows_background"] == len({"first": first, "second": second}[tested].test)
    loss = found["losses"]["first"]["0.6"]
    own, foreign = (found["results"][name]["first"]["rejection"]["0.6"]["rejection"] for name in ("first", "second"))
    assert loss["loss"] == pytest.approx(1 - foreign / own) and abs(loss["loss"]) < 5 * loss["error"] + 0.05


def test_command(files, tmp_path, capsys):
    out = tmp_path / "transfer.json"
    line = ["transfer", *map(str, files), "--hidden", "4", "--epochs", "1", "--out", str(out)]
    assert main(line) == 0
    shown = capsys.readouterr().out
    assert "trained on two, tested on one: AUC" in shown and "loss of rejection on one of the network from elsewhere" in shown
    assert set(json.loads(out.read_text())["losses"]) == {"first", "second"}
    assert main(line) == 2 and "--force" in capsys.readouterr().err
    other = mock_file(tmp_path / "other.h5", 4000, configuration='{"pt_bias": 0}')
    assert main(["transfer", str(files[0]), str(other)]) == 2
    assert "sampled differently: pt_bias" in capsys.readouterr().err

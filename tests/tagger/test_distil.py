"""Students of a trained network: the loss by hand, a teacher that knows more than the labels, resizing meanwhile."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pseudoexp.errors import ConfigError
from tagger.cli import main
from tagger.distil import distil, taught
from tagger.evaluate import logits
from tagger.train import TrainConfig, _taught_loss


def test_the_loss_by_hand():
    config = TrainConfig(soft_share=0.25, soft_temperature=2.0)
    targets, logit = np.array([[1.0, 3.0], [0.0, -1.0]], dtype="float32"), np.array([[0.5], [2.0]], dtype="float32")

    def entropy(p, s):
        q = 1 / (1 + np.exp(-s))
        return -p * np.log(q) - (1 - p) * np.log(1 - q)

    teacher = 1 / (1 + np.exp(-targets[:, 1] / 2))
    expected = 0.75 * entropy(targets[:, 0], logit[:, 0]) + 0.25 * 4 * entropy(teacher, logit[:, 0] / 2)
    np.testing.assert_allclose(np.asarray(_taught_loss(config)(targets, logit)), expected, rtol=1e-5)
    with pytest.raises(ConfigError, match="soft share"):
        TrainConfig(soft_share=1.5)


def test_a_student_follows_its_teacher(small_data, small_run):
    """With labels that say nothing, all it knows is from the teacher."""
    rows = taught(small_data, small_run)
    assert np.array_equal(rows.val.soft, logits(small_run.model, small_data.val.x))
    rng = np.random.default_rng(1)
    blind = replace(small_data, train=replace(small_data.train, y=rng.permutation(small_data.train.y)))
    config = TrainConfig(hidden=(8,), epochs=4, batch=64, patience=0, soft_share=1.0)
    student = distil(blind, small_run, config)
    alone = distil(blind, small_run, replace(config, soft_share=0.0))
    areas = [run.metrics["weightings"]["benchmark"]["auc"] for run in (student, alone, small_run)]
    assert areas[0] > areas[2] - 0.02 and areas[1] < 0.7
    assert student.metrics["model"]["layout"] == [8] and student.config["command"] == "distil"


def test_the_command_resizes_meanwhile(small_file, small_folder, tmp_path, capsys):
    words = ["distil", str(small_file), "--teacher", str(small_folder), "--hidden", "8,6", "--nodes", "5", "--epochs", "2",
             "--inputs", "pt,mass,vr1_ip3d_bu", "--batch", "512", "--out", str(tmp_path / "d")]
    assert main(words) == 0
    assert "3 inputs" in capsys.readouterr().out
    config = json.loads((tmp_path / "d" / "config.json").read_text())
    assert config["command"] == "distil" and config["kept"]["nodes"] == 5 == config["asked"]["nodes"]
    assert main(words) == 2 and "--force" in capsys.readouterr().err

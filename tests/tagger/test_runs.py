"""Run folders: what is written comes back; damaged and foreign ones are refused in one line."""

import json
import pickle
import shutil

import numpy as np
import pytest

from pseudoexp.errors import ConfigError, DataError, SchemaError
from tagger.runs import Run, check_target


@pytest.fixture
def folder(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "run")


def test_what_is_saved_comes_back(small_run, small_folder, small_data):
    run = Run.load(small_folder)
    assert run.inputs == small_run.inputs
    assert run.config == json.loads(json.dumps(small_run.config))
    assert run.metrics == json.loads(json.dumps(small_run.metrics))
    assert run.history == small_run.history
    assert run.histograms == json.loads(json.dumps(small_run.histograms))
    assert all(np.array_equal(run.scores[name], small_run.scores[name]) for name in small_run.scores)
    x = small_data.test.x[:100]
    assert np.array_equal(np.asarray(run.model(x)), np.asarray(small_run.model(x)))
    assert run.name == "base"


def test_the_folder_holds_the_files_promised(small_folder):
    assert sorted(path.name for path in small_folder.iterdir()) == [
        "config.json", "features.json", "histograms.json", "history.csv", "metrics.json", "model.keras", "scores.npz"]
    assert list(json.loads((small_folder / "features.json").read_text())) == ["inputs"]


def test_scores_are_the_models_logits_on_the_test_split(small_folder, small_data):
    run = Run.load(small_folder)
    assert np.allclose(run.scores["score"], np.asarray(run.model(small_data.test.x))[:, 0], atol=1e-5)
    assert np.array_equal(run.scores["target"], small_data.test.y)


def test_without_the_model(small_folder):
    assert Run.load(small_folder, with_model=False).model is None


def test_an_existing_folder_needs_force(small_run, folder):
    kept = (folder / "metrics.json").read_bytes()
    with pytest.raises(ConfigError, match="--force"):
        small_run.save(folder)
    assert (folder / "metrics.json").read_bytes() == kept
    small_run.save(folder, force=True)
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_force_never_replaces_what_is_no_run(small_run, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    for target in (tmp_path / "thesis", tmp_path / "thesis" / "chapter1.tex"):
        with pytest.raises(ConfigError, match="not a run folder"):
            check_target(target, force=True)
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "x"


def test_place_that_cannot_be_written_is_refused_before_the_work():
    with pytest.raises(ConfigError, match="/proc/run: cannot be written"):
        check_target("/proc/run")


def test_a_failing_write_leaves_nothing(small_run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    monkeypatch.setattr("tagger.runs._write_history", fail)
    with pytest.raises(OSError, match="disk full"):
        Run(model=None, inputs=("pt",)).save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_one_line(small_run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        small_run.save(tmp_path / "file" / "run")


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "features.json", "model.keras", "scores.npz", "history.csv"])
def test_damaged_files_are_named(folder, name):
    (folder / name).write_bytes(b"epoch,loss\n1,nonsense\n")
    with pytest.raises(SchemaError, match=name.split(".")[0]) as caught:
        Run.load(folder)
    assert "\n" not in str(caught.value)


def test_a_truncated_model_is_refused(folder):
    whole = (folder / "model.keras").read_bytes()
    (folder / "model.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SchemaError, match=r"model\.keras"):
        Run.load(folder)


def test_pickled_scores_are_not_opened(folder):
    np.savez(folder / "scores.npz", score=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SchemaError, match="scores"):
        Run.load(folder)
    (folder / "scores.npz").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(SchemaError, match="scores"):
        Run.load(folder)


def test_foreign_and_missing_folders(tmp_path):
    with pytest.raises(SchemaError, match="no such run folder"):
        Run.load(tmp_path / "nothing")
    with pytest.raises(SchemaError, match="not a run folder"):
        Run.load(tmp_path)


def test_names_must_match_the_network(folder):
    (folder / "features.json").write_text(json.dumps({"inputs": ["pt"]}))
    with pytest.raises(SchemaError, match="39 inputs"):
        Run.load(folder)


def test_another_format_is_refused(folder):
    config = json.loads((folder / "config.json").read_text()) | {"run_format": 99}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SchemaError, match="run format"):
        Run.load(folder)


def test_no_gates(small_folder):
    with pytest.raises(DataError, match="no gated"):
        Run.load(small_folder, with_model=False).load_gated()


def test_weights_written_elsewhere_are_read_by_another_process_first(small_run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("tagger.network_file.ask", lambda *words, **_: asked.append(words) or {"error": "no arrays"})
    Run.load(small_run.save(tmp_path / "own"))
    shutil.copytree(tmp_path / "own", tmp_path / "copy")
    assert not asked
    with pytest.raises(SchemaError, match=r"model\.keras: the weights cannot be read \(no arrays\)"):
        Run.load(tmp_path / "copy")

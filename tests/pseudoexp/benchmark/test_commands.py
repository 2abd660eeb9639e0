"""`pseudoexp benchmark` and `verify --release`: what a user sees, and what is left behind after a mistake."""

import json
import shutil

import numpy as np
import pytest
from mock_file import mock_file
from toy_releases import TEXT, frozen

from pseudoexp.benchmark import identities, save_scores, store
from pseudoexp.cli.app import app, run
from pseudoexp.dataset.probe import probe


@pytest.fixture
def call(capsys):
    def one(*arguments):
        code = run(app, [str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return one


@pytest.fixture
def complains(call):
    def one(message, *arguments):
        code, out, err = call(*arguments)
        assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and message in err, err

    return one


@pytest.fixture
def file(small, tmp_path):
    """A file of scores of two seeds."""
    named = identities("v1-small", "test")
    score = np.random.default_rng(1).normal(size=(len(named.row), 2)) + 2.0 * (named.row % 2)[:, None]
    save_scores(tmp_path / "toy.npz", score, named.eventNumber, named.jet)
    return tmp_path / "toy.npz"


def test_list(call, small):
    code, out, _ = call("benchmark", "list")
    assert code == 0 and out.count("CANDIDATE, rows may still change") == 2 and "none yet" in out
    assert f"in {store.path_of('v1-small')}" in out


def test_make(call, fresh, registered, tmp_path):
    code, out, err = call("benchmark", "make", "v1-small", "--threads", 1)
    assert code == 0 and "3000 rows, dataset hash" in out and "a candidate, not a frozen release" in out
    assert "release v1-small, 3000 rows: about" in err and "GB on disk" in err
    code, out, err = call("benchmark", "make", "v1-small")
    assert code == 0 and err == ""
    code, out, _ = call("benchmark", "make", "v1-small", "--out", tmp_path / "a.h5")
    assert code == 0 and str(tmp_path / "a.h5") in out
    frozen(registered, dataset_hash=str(probe(tmp_path / "a.h5").attributes["dataset_hash"]))
    code, out, _ = call("benchmark", "make", "v1-small", "--out", tmp_path / "a.h5")  # verified, not made again
    assert code == 0 and out.endswith("as released\n")
    assert call("benchmark", "make", "v1-small", "--out", tmp_path / "a.h5", "--quiet")[1:] == ("", "")


def test_mistakes(complains, file, registered, tmp_path):
    complains("release 'v7'; allowed: v1-small", "benchmark", "make", "v7")
    complains("release 'v7'", "benchmark", "score", file, "--release", "v7")
    complains("release 'v7'", "verify", tmp_path / "missing.h5", "--release", "v7")
    complains("no split 'all'", "benchmark", "score", file, "--release", "v1-small", "--split", "all")
    complains("cannot be read", "benchmark", "score", tmp_path / "missing.npz", "--release", "v1-small")
    complains("no row of split 'val'", "benchmark", "score", file, "--release", "v1-small", "--split", "val")
    complains("--seeds '1;2'", "benchmark", "score", file, "--release", "v1-small", "--seeds", "1;2")
    complains("3 seeds for 2 columns", "benchmark", "score", file, "--release", "v1-small", "--seeds", "1,2,3", "--quiet")
    complains("method 'a b'", "benchmark", "score", file, "--release", "v1-small", "--method", "a b")
    complains("NAME=FILE", "benchmark", "score", file, "--release", "v1-small", "--transfer", "x")
    complains("cannot be written", "benchmark", "score", file, "--release", "v1-small", "--out", tmp_path / "none" / "a.json")
    complains("not release v1-small", "benchmark", "score", file, "--release", "v1-small", "--data", store.path_of("v1-other"))
    complains("no folder of results", "benchmark", "table", "--results", tmp_path / "none")
    complains("no result", "benchmark", "check", _text(tmp_path / "a.json", "{}"), file)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "releases.toml", "toy.npz"]
    frozen(registered, engine_version="99.9")
    complains("cannot make the release", "benchmark", "make", "v1-small", "--out", tmp_path / "b.h5")


def test_mistakes_in_scores_are_told_before_a_release_is_made(complains, fresh, tmp_path):
    for name, seeds in (("two", 2), ("one", 1)):
        save_scores(tmp_path / f"{name}.npz", np.zeros((3, seeds)), np.arange(3), np.zeros(3, dtype=int))
    words = ("benchmark", "score", tmp_path / "two.npz", "--quiet")
    complains("3 seeds for 2 columns", *words, "--seeds", "1,2,3")
    complains("1 seeds; allowed: 2", *words, "--transfer", f"v1-other={tmp_path / 'one.npz'}")
    complains("none.npz: cannot be read", *words, "--transfer", f"v1-other={tmp_path / 'none.npz'}")
    complains("no split 'all'", *words, "--split", "all")
    assert not store.path_of("v1-small").exists() and not (tmp_path / "two.json").exists()


def _text(path, text):
    path.write_text(text)
    return path


def test_score_check_and_table(call, complains, file, tmp_path):
    (results := tmp_path / "results").mkdir()
    words = ("benchmark", "score", file, "--release", "v1-small", "--method", "toy", "--seeds", "1,2", "--inputs", "39 inputs")
    code, out, err = call(*words, "--out", results / "toy-v1-small.json")
    assert code == 0 and err == "" and "v1-small is a candidate" in out
    for text in ("AUC  ", "1/eps_B at 60%", "spread of 2 seeds", "at 60%, light", "at 60%, pT 250 to 350 GeV",
                 "mass sculpting at 50%"):
        assert text in out
    assert call("benchmark", "score", file, "--quiet")[0] == 0  # v1-small is what `load_benchmark` reads, too
    assert json.loads(file.with_suffix(".json").read_text())["release"]["name"] == "v1-small"
    complains("exists already", *words, "--out", results / "toy-v1-small.json")
    assert call(*words, "--out", results / "toy-v1-small.json", "--force")[0] == 0
    code, out, _ = call("benchmark", "check", results / "toy-v1-small.json", file)
    assert code == 0 and "comes out as stored" in out
    content = json.loads((results / "toy-v1-small.json").read_text())
    content["headline"]["median"] *= 1.01
    (tmp_path / "toy.json").write_text(json.dumps(content))
    code, out, _ = call("benchmark", "check", tmp_path / "toy.json", file)
    assert code == 1 and out.startswith("headline.median: ")
    code, out, _ = call("benchmark", "table", "--results", results)
    assert code == 0 and "| toy | 39 inputs |" in out
    page = _text(tmp_path / "page.md", "<!-- leaderboard: short -->\n<!-- /leaderboard -->\n")
    assert call("benchmark", "table", "--results", results, "--into", page, "--check")[0] == 1
    assert call("benchmark", "table", "--results", results, "--into", page)[0] == 0
    assert call("benchmark", "table", "--results", results, "--into", page, "--check")[0] == 0


def test_transfer(call, file, tmp_path):
    named = identities("v1-other", "test")
    save_scores(tmp_path / "other.npz", np.random.default_rng(2).normal(size=(1000, 2)), named.eventNumber, named.jet)
    code, out, _ = call("benchmark", "score", file, "--release", "v1-small", "--transfer", f"v1-other={tmp_path / 'other.npz'}")
    assert code == 0 and "on v1-other" in out
    assert call("benchmark", "check", file.with_suffix(".json"), file, "--transfer", f"v1-other={tmp_path / 'other.npz'}")[0] == 0


def test_evaluate_any_file(call, complains, small, tmp_path):
    data = mock_file(tmp_path / "data.h5", 2000)
    from pseudoexp.benchmark.rows import read_rows

    rows = read_rows(probe(data), "val")
    np.savez(tmp_path / "s.npz", score=rows.pt.astype(float), row=rows.row)
    code, out, _ = call("benchmark", "evaluate", data, tmp_path / "s.npz", "--split", "val")
    assert code == 0 and "no release, split val" in out
    code, out, _ = call("benchmark", "evaluate", data, tmp_path / "s.npz", "--split", "val", "--json")
    assert code == 0 and json.loads(out)["release"]["name"] is None
    complains("split 'all'; allowed", "benchmark", "evaluate", data, tmp_path / "s.npz", "--split", "all")


def test_verify_against_a_release(call, small, registered, tmp_path):
    path = store.path_of("v1-small")
    code, out, _ = call("verify", path, "--release", "v1-small")
    assert code == 0 and "may be, by its configuration, release v1-small (candidate)" in out and "still change" in out
    frozen(registered, dataset_hash=str(probe(path).attributes["dataset_hash"]))
    code, out, _ = call("verify", path, "--release", "v1-small")
    assert code == 0 and out.endswith("is release v1-small (frozen)\n")
    registered(TEXT.replace("seed = 3", "seed = 5"))
    code, out, _ = call("verify", path, "--release", "v1-small")
    assert code == 1 and "seed: 3; v1-small: 5" in out and "is not release v1-small" in out
    shutil.copy(path, tmp_path / "copy.h5")
    assert call("verify", tmp_path / "copy.h5")[0] == 0

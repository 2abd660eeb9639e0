"""`pseudoexp validate`: the limits decide between exit codes 0 and 1, a mistake is one line and 2."""

import json

import pytest
from mock_file import mock_file

from pseudoexp.cli.app import app, run


def call(capsys, *arguments):
    code = run(app, ["validate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return mock_file(folder / "one.h5", 700), mock_file(folder / "two.h5", 700, 2, separation=0.5)


def test_exit_code_follows_the_limits(files, tmp_path, capsys):
    code, out, err = call(capsys, *files, "--out", tmp_path / "out")
    assert code == 1 and "beyond its limit: hbb, two-sample test, all: auc" in out and "hbb: two-sample test" in err
    assert (tmp_path / "out" / "index.html").stat().st_size > 100_000
    assert not json.loads((tmp_path / "out" / "validation.json").read_text())["passed"]
    wide = tmp_path / "wide.toml"
    wide.write_text("[rows]\nauc = 0.99\n")
    code, out, err = call(capsys, *files, "--out", tmp_path / "out", "--force", "--limits", wide, "--quiet")
    assert (code, out, err) == (0, "", "")


@pytest.mark.parametrize(("arguments", "message"), [
    (["{one}"], "two datasets, or --reference"),
    ([], "two datasets, or --reference"),
    (["{one}", "{two}", "--reference"], "two datasets, or --reference"),
    (["{one}", "nothing.h5"], "nothing.h5: cannot be read"),
    (["{one}", "{two}", "--limits", "no.toml"], "no.toml: cannot be read"),
    (["--reference", "--n", "10"], "n = '10'"),
    (["--reference", "--engine", "sherpa"], "engine 'sherpa'"),
])
def test_mistakes_are_one_line(files, tmp_path, capsys, arguments, message):
    words = [a.format(one=files[0], two=files[1]) for a in arguments]
    code, out, err = call(capsys, *words, "--out", tmp_path / "out")
    assert code == 2 and message in err and err.count("\n") == 1 and out == ""
    assert not (tmp_path / "out" / "index.html").exists()


def test_missing_packages_are_named_first(files, tmp_path, capsys, monkeypatch):

    monkeypatch.setattr("pseudoexp.optional.find_spec", lambda name: None)
    code, _, err = call(capsys, *files, "--out", tmp_path / "out")
    assert code == 2 and "pip install 'pseudoexp[validation]'" in err and not (tmp_path / "out").exists()


def test_an_existing_comparison_is_kept(files, tmp_path, capsys):
    (tmp_path / "validation.json").write_text("mine")
    code, _, err = call(capsys, *files, "--out", tmp_path)
    assert code == 2 and "--force" in err and (tmp_path / "validation.json").read_text() == "mine"

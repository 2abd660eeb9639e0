"""`pseudoexp merge`: shards in any order, a mistake in one line and 2, damage and 1."""

import fake_chunks
import h5py
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.production import run as production


@pytest.fixture
def shards(tmp_path, monkeypatch):
    monkeypatch.setattr(production, "start_workers", InProcess)
    for i in (1, 2):
        pseudoexp.generate(300, tmp_path / f"{i}.h5", shard=f"{i}/2", make_chunk=fake_chunks.make_chunk)
    return tmp_path / "1.h5", tmp_path / "2.h5"


def call(capsys, *words):
    code = run(app, ["merge", *map(str, words)])
    return code, *capsys.readouterr()


def test_the_summary_and_rows_asked_for(shards, tmp_path, capsys):
    code, out, err = call(capsys, *reversed(shards), "--out", tmp_path / "a.h5")
    assert (code, err) == (0, "") and "150 hbb + 150 qcd rows, seed 1" in out and "dataset hash" in out
    assert call(capsys, *shards, "--out", tmp_path / "b.h5", "--n", "0.2k", "--compression", "gzip", "--quiet") == (0, "", "")
    with h5py.File(tmp_path / "b.h5") as file:
        assert len(file["jets"]) == 200 and file["jets"].compression == "gzip"


def complains(capsys, message, code, *words):
    found, out, err = call(capsys, *words)
    assert (found, out) == (code, "") and err.startswith("error: ") and err.count("\n") == 1 and message in err


def test_mistakes_are_one_line_and_write_nothing(shards, tmp_path, capsys):
    out = tmp_path / "a.h5"
    complains(capsys, "No such file", 2, shards[0], tmp_path / "none.h5", "--out", out)
    complains(capsys, "2/2", 2, shards[0], "--out", out)
    complains(capsys, "n = 'many'", 2, *shards, "--out", out, "--n", "many")
    complains(capsys, "none, lzf, gzip", 2, *shards, "--out", out, "--compression", "zip")
    complains(capsys, "--force", 2, *shards, "--out", shards[0])
    with h5py.File(shards[1], "r+") as file:
        file["jets"][7, "pt"] = 1.0
    complains(capsys, "2.h5", 1, *shards, "--out", out)
    assert not list(tmp_path.glob("a.h5*"))

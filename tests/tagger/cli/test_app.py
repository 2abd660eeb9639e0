"""The command line: fast help, one-line errors, exit codes."""

import subprocess
import sys

import pytest
from printed_help import lost_words

from tagger.cli import COMMANDS, app, main


def lines(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line]


def test_help_names_every_subcommand(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_help_with_an_example(capsys, name):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "xample" in text
    assert f"tagger {name}" in " ".join(text.split())


def test_words_in_brackets_are_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")

    def shown(words):
        assert main(words) == 0
        return capsys.readouterr().out

    assert lost_words(app, shown) == {}
    text = shown(["sweep", "--help"])
    assert "any number of [[scan]] with a kind" in text and "[notes] what the page shall say" in text


def test_help_imports_nothing_heavy():
    code = ("import sys; from tagger.cli import main; main(['train', '--help']); main(['--help']); "
            "heavy = {'keras', 'tensorflow', 'numba', 'h5py', 'matplotlib', 'hls4ml'} & set(sys.modules); "
            "assert not heavy, heavy")
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_train_and_report(small_file, tmp_path, capsys):
    words = ["train", str(small_file), "--out", str(tmp_path / "a"), "--hidden", "4", "--epochs", "2",
             "--inputs", "mass,vr1_ip3d_bu"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "epoch   2/2" in shown
    assert "AUC" in shown
    assert "s left" in shown
    assert main(words) == 2
    assert main([*words, "--force", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["report", str(tmp_path / "a"), "--out", str(tmp_path / "r.html")]) == 0
    assert str(tmp_path / "r.html") in capsys.readouterr().out


@pytest.mark.parametrize(("words", "text"), [
    (["--hidden", "64,x"], "--hidden"), (["--hidden", "0"], "at least 1 node"), (["--epochs", "0"], "epochs"),
    (["--epochs", "many"], "--epochs"), (["--inputs", "masss"], "mass"), (["--colour"], "--colour"),
    (["--learning-rate", "7"], "learning rate")])
def test_bad_options_are_one_line(small_file, tmp_path, capsys, words, text):
    assert main(["train", str(small_file), "--out", str(tmp_path / "a"), *words]) == 2
    (line,) = lines(capsys)
    assert line.startswith("error: ")
    assert text in line
    assert list(tmp_path.iterdir()) == []


def test_a_bad_file_is_one_line(tmp_path, capsys):
    (tmp_path / "x.h5").write_text("not HDF5")
    for name in ("x.h5", "none.h5"):
        assert main(["train", str(tmp_path / name), "--out", str(tmp_path / "a")]) == 2
        (line,) = lines(capsys)
        assert name in line


def test_unknown_subcommand(capsys):
    assert main(["fly"]) == 2
    (line,) = lines(capsys)
    assert "fly" in line


def test_an_internal_failure_is_one_line_and_1(small_file, tmp_path, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("tagger.train.train", fail)
    words = ["train", str(small_file), "--out", str(tmp_path / "a")]
    assert main(words) == 1
    (line,) = lines(capsys)
    assert "RuntimeError: two lines" in line
    monkeypatch.setenv("TAGGER_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(words)


def test_ctrl_c(small_file, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tagger.train.train", stop)
    assert main(["train", str(small_file), "--out", str(tmp_path / "a")]) == 130
    assert lines(capsys) == ["error: stopped by Ctrl-C; nothing was written"]
    assert list(tmp_path.iterdir()) == []

"""The command line: every mistake is one line and exit code 2, starting is quick, Ctrl-C leaves a resumable state."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_chunks
import h5py
import pytest
from mock_file import mock_file

from pseudoexp.cli.app import app, run

TESTS = Path(fake_chunks.__file__).parent
FAKE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv.pop(1))
from functools import partial
import pseudoexp.api
pseudoexp.api.generate = partial(pseudoexp.api.generate, make_chunk="fake_chunks:slow_chunk")
from pseudoexp.cli.app import main
main()
"""


def call(capsys, *arguments):
    code = run(app, [str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def python(*arguments, **options):
    return subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **options)


def complains(capsys, message, *arguments):
    code, out, err = call(capsys, *arguments)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and message in err


@pytest.mark.parametrize(("options", "message"), [
    (["--n", "0"], "n = '0'; allowed"), (["--n", "-3"], "n = '-3'"), (["--n", "1e15"], "1e+11"),
    (["--n", "lots"], "'lots'"), (["--card", "cms"], "no card 'cms'; allowed: "), (["--engine", "herwig"], "pythia8"),
    (["--signal-fraction", "1.5"], "0 to 1"), (["--seed", "x"], "seed"), (["--compression", "zip"], "none, lzf, gzip"),
    (["--threads", "-2"], "threads"), (["--nonsense"], "--nonsense"), (["--pt-bias", "nan"], "pt_bias"),
    (["--pthat-min", "-1"], "pthat_min"), (["--pileup", "-1"], "pileup"), (["--tracks", "-1"], "tracks")])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_wrong_options(capsys, tmp_path, options, message, dry):
    complains(capsys, message, "generate", "--n", "100", "--out", tmp_path / "a.h5", *options, *dry)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("options", "message"), [
    (["--process", "ttbar"], "process 'ttbar'; allowed: signal, qcd"), (["--n", "0"], "n = '0'"),
    (["--engine", "hepmc"], "builtin"), (["--seed", "-1"], "seed"),
    (["--pt-bias", "9"], "pt_bias"), (["--pthat-min", "1"], "pthat_min"), (["--n", "1e9"], "GB"),
    (["--out", "/nowhere/a"], "does not exist")])
def test_wrong_options_of_events(capsys, tmp_path, options, message):
    pytest.importorskip("pyhepmc")
    given = {"--process": "signal", "--n": "10", "--out": str(tmp_path / "a.hepmc3"), "--engine": "builtin"}
    given |= dict(zip(options[::2], options[1::2], strict=True))
    complains(capsys, message, "events", *(word for pair in given.items() for word in pair))
    assert list(tmp_path.iterdir()) == []


def test_hepmc_files_that_cannot_be_read(capsys, tmp_path):
    pytest.importorskip("pyhepmc")
    (tmp_path / "empty").touch()
    complains(capsys, "is empty", "generate", "--n", "10", "--out", tmp_path / "a.h5", "--engine", "hepmc",
              "--hepmc-signal", tmp_path / "empty", "--hepmc-qcd", tmp_path / "empty")
    complains(capsys, "no such file", "generate", "--n", "10", "--out", tmp_path / "a.h5", "--engine", "hepmc",
              "--hepmc-signal", tmp_path / "none", "--hepmc-qcd", tmp_path / "empty")
    complains(capsys, "hepmc_signal is missing", "generate", "--n", "10", "--out", tmp_path / "a.h5", "--engine", "hepmc")
    assert [p.name for p in tmp_path.iterdir()] == ["empty"]


def test_unknown_key_in_a_card(capsys, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text('base = "atlas-itk"\nmagic = 3\n')
    out = tmp_path / "a.h5"
    complains(capsys, "unknown key magic; allowed: ", "generate", "--n", "9", "--out", out, "--card", card)
    complains(capsys, "unknown key magic", "cards", "show", card)


def test_places_that_cannot_be_written(capsys, tmp_path):
    complains(capsys, "does not exist", "generate", "--n", "9", "--out", tmp_path / "no" / "a.h5")
    complains(capsys, "is a folder", "generate", "--n", "9", "--out", tmp_path)
    complains(capsys, "cannot be written", "generate", "--n", "9", "--out", "/proc/a.h5")
    (tmp_path / "a.h5").write_text("thesis")
    complains(capsys, "--force", "generate", "--n", "9", "--out", tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_text() == "thesis"


@pytest.mark.parametrize("command", ["info", "verify"])
def test_files_that_are_not_ours(capsys, tmp_path, command):
    good = mock_file(tmp_path / "good.h5", n=200)
    (tmp_path / "cut.h5").write_bytes(good.read_bytes()[:20_000])
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["events"] = [1, 2]
    complains(capsys, "truncated", command, tmp_path / "cut.h5")
    complains(capsys, "not an HDF5 file", command, tmp_path / "text.h5")
    complains(capsys, "no dataset `jets`", command, tmp_path / "foreign.h5")
    complains(capsys, "No such file", command, tmp_path / "none.h5")


def test_damage_is_a_failure_not_a_mistake(capsys, tmp_path):
    path = mock_file(tmp_path / "a.h5", n=200)
    assert call(capsys, "verify", path)[0] == 0
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        content[file["jets"].id.get_offset() + 100] ^= 4
    path.write_bytes(content)
    code, _, err = call(capsys, "verify", path)
    assert code == 1 and err.count("\n") == 1 and "block 0" in err


def test_a_list_of_changed_rows_has_a_new_name(capsys, tmp_path):
    path = mock_file(tmp_path / "a.h5", n=200)
    complains(capsys, "a.h5 exists; allowed: the name of a new file", "verify", path, "--list", path)
    complains(capsys, "does not exist", "verify", path, "--list", tmp_path / "no" / "list.txt")
    assert call(capsys, "verify", path, "--list", tmp_path / "list.txt")[0] == 0 and not (tmp_path / "list.txt").exists()


def test_info(capsys, tmp_path):
    path = mock_file(tmp_path / "a.h5", n=200, tracks=3)
    code, out, _ = call(capsys, "info", path, "--json")
    found = json.loads(out)
    assert code == 0 and found["rows"] == 200 and found["counts"] == {"hbb": 100, "qcd": 100}
    assert found["configuration"] == {"engine": "mock"} and found["datasets"]["tracks"]["shape"] == [200, 3]
    code, out, _ = call(capsys, "info", path)
    assert code == 0 and "200 (100 hbb, 100 qcd)" in out and found["dataset_hash"] in out


def test_cards(capsys):
    code, out, _ = call(capsys, "cards", "list")
    assert code == 0 and {"atlas-itk", "atlas-run2", "hlt", "perfect"} <= set(out.split())
    code, out, _ = call(capsys, "cards", "show", "atlas-run2")
    assert code == 0 and "name = 'atlas-run2'" in out
    complains(capsys, "no card 'cms'", "cards", "show", "cms")


def test_dry_run_prints_the_plan(capsys, tmp_path):
    code, out, _ = call(capsys, "generate", "--n", "4e6", "--out", tmp_path / "a.h5", "--dry-run")
    assert code == 0 and "2000000 hbb + 2000000 qcd rows" in out and "seed 1" in out and list(tmp_path.iterdir()) == []


def test_unexpected_errors_are_one_line_and_1(capsys, monkeypatch):
    def broken(**options):
        raise ZeroDivisionError("over\nthere")

    code = run(broken, [])
    err = capsys.readouterr().err
    assert code == 1 and err == "error: ZeroDivisionError: over there (PSEUDOEXP_DEBUG=1 shows where)\n"
    monkeypatch.setenv("PSEUDOEXP_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(broken, [])


def test_help_is_quick_has_examples_and_imports_nothing_heavy():
    start = time.monotonic()
    code = ("import sys\nfrom pseudoexp.cli.app import app, run\nassert run(app, ['generate', '--help']) == 0\n"
            "assert not {'numba', 'h5py', 'numpy', 'scipy'} & set(sys.modules), sys.modules.keys()")
    process = python("-c", code)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "Examples" in out and "--n 4e6" in out and "--keep-unmatched" in out
    assert time.monotonic() - start < 5  # under 0.5 s alone; the machine may be busy


def test_generate_then_summary(tmp_path):
    process = python("-c", FAKE, TESTS, "generate", "--n", "1k", "--out", tmp_path / "a.h5", "--threads", "2")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and all(line.startswith("generating: ") for line in err.splitlines())  # if it is slow
    for word in ("500 hbb + 500 qcd rows, seed 1", "events tried", "cross-section", "filter efficiency", "rows/s",
                 "dataset hash", "sha256"):
        assert word in out
    command = ["-c", FAKE, TESTS, "generate", "--n", "1k", "--out", tmp_path / "a.h5", "--quiet", "--profile"]
    out, _ = python(*command, "--force").communicate(timeout=60)
    assert all(word in out for word in ("per row", "per event", "packing rows", "together", "writing (whole run)"))
    assert "no row was made" in python(*command, "--resume").communicate(timeout=60)[0]
    process = python("-c", FAKE, TESTS, "generate", "--n", "1k", "--out", tmp_path / "a.h5", "--quiet", "--force")
    assert process.communicate(timeout=60) == ("", "") and process.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption_is_quick_and_says_how_to_go_on(tmp_path, number, code):
    process = python("-c", FAKE, TESTS, "generate", "--n", "1e5", "--out", tmp_path / "a.h5", "--threads", "2")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("a.h5.parts/*.rows")) and time.monotonic() < deadline:
        time.sleep(0.02)
    start = time.monotonic()
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - start < 2
    assert process.returncode == code and out == ""
    assert err.count("\n") == 1 and "a.h5.parts" in err and "--resume" in err
    assert list(tmp_path.glob("a.h5.parts/*.rows")) and not (tmp_path / "a.h5").exists()


def test_calibrate_checks_before_it_starts(capsys, tmp_path):
    (tmp_path / "a.npz").write_text("thesis")
    complains(capsys, "--force", "calibrate", "perfect", "--out", tmp_path / "a.npz")
    complains(capsys, "no card 'cms'", "calibrate", "cms")
    complains(capsys, "events = '5'", "calibrate", "perfect", "--events", "5")
    complains(capsys, "does not exist", "calibrate", "perfect", "--out", tmp_path / "no" / "a.npz")
    complains(capsys, "cannot be written", "calibrate", "perfect", "--out", "/proc/a.npz")
    complains(capsys, "a .npz file", "calibrate", "perfect", "--out", tmp_path / "a.txt")
    complains(capsys, "threads = -1", "calibrate", "perfect", "--threads", "-1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("command", [
    ["generate", "--n", "9", "--out", "a.h5", "--engine", "pythia8"], ["generate", "--n", "9", "--out", "a.h5", "--pileup", "60"],
    ["calibrate", "perfect"]])
def test_a_missing_engine_is_named_with_its_extra(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pseudoexp.optional.find_spec", lambda name: None if name == "pythia8mc" else name)
    complains(capsys, "pythia8mc is not installed: pip install 'pseudoexp[pythia]'", *command)
    assert list(tmp_path.iterdir()) == []


def test_a_card_without_calibration(capsys, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text('base = "atlas-itk"\ncalibration = "mine"\n')
    complains(capsys, "calibration 'mine' not found; allowed: atlas-itk, ", "generate", "--n", "9", "--out",
              tmp_path / "a.h5", "--card", card)
    assert list(tmp_path.iterdir()) == [card]


def test_dry_run_announces_the_pile_up_library(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    words = ["generate", "--n", "9", "--out", tmp_path / "a.h5", "--dry-run"]
    assert "pile-up library is made first" in call(capsys, *words, "--pileup", "60")[1]
    assert "library" not in call(capsys, *words)[1]
    assert list(tmp_path.iterdir()) == []

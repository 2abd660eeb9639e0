"""What `pseudoexp replay` prints, of a story that nobody had to make."""

import json

import h5py
import pytest
from mock_file import mock_file
from toy_story import toy_story

import pseudoexp.api
from pseudoexp.cli.app import app, run
from pseudoexp.cli.replay import plain, text_of


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs the command on a story."""
    def replay(story, *words):
        monkeypatch.setattr(pseudoexp.api, "replay", lambda event, process, **options: story)
        code = run(app, ["replay", "--event", "40", *map(str, words)])
        return code, *capsys.readouterr()

    return replay


@pytest.fixture
def holding(tmp_path):
    """Return a function that makes a file holding these rows and no others of the event."""
    def make(rows):
        path = mock_file(tmp_path / "a.h5", 100)
        with h5py.File(path, "r+") as file:
            jets = file["jets"][:]
            jets["eventNumber"] = 1000
            jets[-len(rows):] = rows
            file["jets"][:] = jets
        return path

    return make


def test_the_file_is_compared_bit_for_bit(call, holding, monkeypatch):
    monkeypatch.setattr("pseudoexp.cli.replay._stages", lambda stage: ("hard",))
    story = toy_story(rows=2)
    path = holding(story.rows)
    assert call(story, "--file", path)[1].endswith(f"{path}: holds the same 2 rows, bit for bit\n")
    path = holding(story.rows[:1])
    assert call(story, "--file", path)[1].endswith(
        f"{path}: holds the first 1 of these 2 rows, bit for bit; it ends before the rest\n")
    changed = story.rows.copy()
    changed["vr2_jf_nvtx"][1] += 1
    path = holding(changed)
    assert call(story, "--file", path)[1].endswith(f"{path}: holds 2 rows of this event, NOT the same\n")
    path = holding(story.rows[1:])  # a row is missing, but not the last
    assert call(story, "--file", path)[1].endswith(f"{path}: holds 1 rows of this event, NOT the same\n")


def test_stages_asked_for_and_no_others(call):
    code, out, _ = call(toy_story(), "--stage", "hard", "--json")
    assert code == 0 and list(json.loads(out)["stages"]) == ["hard"]
    assert json.loads(out)["stages"]["hard"]["partons"][1]["pT"] is None  # no Infinity, which JSON does not know


def test_long_tables_are_cut_and_say_so():
    story = toy_story(rows=1)
    lines = list(plain(story, ("hard", "shower"), 2))
    assert lines[0] == "event 40 (signal 20), seed 1, engine builtin, card atlas-itk: 1 row"
    assert "     ... and 1 more (--rows 0)" in lines and "   what there is none of: none" in lines
    assert "   not available: not followed" in lines and "   pT-hat      150.2 GeV" in lines
    everything = list(plain(story, ("hard", "shower"), 0))
    assert len(everything) == len(lines) and not any("more" in line for line in everything)
    head, *rows = everything[everything.index("   outgoing partons:") + 1:][:4]
    assert head.split() == ["parton", "pT", "[GeV]", "last"]
    assert [row.split() for row in rows] == [["b", "123.5", "yes"], ["H", "+inf"], ["g", "-"]]


@pytest.mark.parametrize(("value", "text"), [
    (True, "yes"), (False, ""), (12345, "12345"), (12345.678, "1.235e+04"), (0.5, "0.5"), (float("-inf"), "-inf"),
    (float("nan"), "-"), ("b", "b")])
def test_values(value, text):
    assert text_of(value) == text

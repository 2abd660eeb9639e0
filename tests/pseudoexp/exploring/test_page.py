"""The page as a file: whole, alone, deterministic; mistakes are one line."""

import base64
import gzip
import json
import re
import sys

import numpy as np
import pytest
from mock_file import mock_file

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.errors import ConfigError

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return mock_file(tmp_path_factory.mktemp("page") / "a<b>.h5", 600)


def payload(page):
    packed = re.search(r'id="payload">([^<]*)<', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_alone(file, tmp_path):
    page = pseudoexp.explore(file, tmp_path / "page.html", events=[]).read_text(encoding="utf-8")
    outside = re.sub(r'<script type="text/plain"[^>]*>[^<]*</script>', "", page).replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in outside and "https:" not in outside and "@import" not in outside and "src=" not in outside
    assert "a&lt;b&gt;.h5" in outside and "a<b>" not in outside
    assert len(page) < 3_000_000
    assert payload(page)["classes"] == ["hbb", "qcd"]
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_the_same_file_gives_the_same_page(file, tmp_path):
    pages = [pseudoexp.explore(file, tmp_path / f"{i}.html", events=[]).read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


def test_events_that_cannot_be_made_again(file, tmp_path, capsys):
    page = pseudoexp.explore(file, tmp_path / "a.html").read_text(encoding="utf-8")
    assert payload(page)["events"] == [] and "No event is drawn: " in page
    assert run(app, ["explore", str(file), "--out", str(tmp_path / "b.html"), "--event", "3"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ") and not (tmp_path / "b.html").exists()


def test_stored_tracks_are_drawn(tmp_path):
    file = mock_file(tmp_path / "t.h5", 100, tracks=12)
    events = payload(pseudoexp.explore(file, tmp_path / "t.html").read_text(encoding="utf-8"))["events"]
    assert [e["process"] for e in events] == ["signal", "qcd"] and all(e["relative"] for e in events)
    assert all(2 <= len(e["tracks"]) == len(e["origin"]) <= 12 for e in events)
    assert np.isfinite(np.array(events[0]["tracks"])).all()


def test_one_class_is_enough(tmp_path):
    file = mock_file(tmp_path / "q.h5", 100, signal_fraction=0.0)
    data = payload(pseudoexp.explore(file, tmp_path / "q.html", events=[]).read_text(encoding="utf-8"))
    assert list(data["correlations"]) == ["qcd"] and data["flow"][0]["steps"][0]["rows"] == 0


@pytest.mark.parametrize(("options", "message"), [
    (["--event", "x", "--out", "PAGE"], "event = 'x'"), (["--out", "/nowhere/a.html"], "does not exist"),
    (["--out", "OLD"], "--force")])
def test_mistakes(file, tmp_path, capsys, options, message):
    (tmp_path / "old.html").write_text("old")
    names = {"PAGE": str(tmp_path / "page.html"), "OLD": str(tmp_path / "old.html")}
    assert run(app, ["explore", str(file), *(names.get(o, o) for o in options)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and message in captured.err
    assert [p.name for p in tmp_path.iterdir()] == ["old.html"] and (tmp_path / "old.html").read_text() == "old"


def test_what_is_missing_is_named(file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(pseudoexp.errors.MissingExtra, match=r"pseudoexp\[explore\]"):
        pseudoexp.explore(file, tmp_path / "a.html")
    with pytest.raises(ConfigError):
        monkeypatch.undo()
        pseudoexp.explore(tmp_path / "none.h5", tmp_path / "a.html")

"""Progress in a log: lines with rate and time left, none when quiet."""

from pseudoexp.cli import progress
from pseudoexp.cli.progress import Progress


def test_log_lines(capsys, monkeypatch):
    clock = iter([0.0, 4.0, 20.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress("rows") as shown:
        for done in (100, 200, 500, 900):
            shown.update("generating", done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "generating: 500/1000 rows (50%), 20.0 rows/s, 0:00:25 left",
        "generating: 900/1000 rows (90%), 20.0 rows/s, 0:00:05 left"]


def test_a_line_for_the_user_is_shown_once_and_its_time_does_not_count(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 100.0, 120.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress("rows") as shown:
        for call in (("generating", 0, 1000), ("compiling", 0, 0), ("compiling", 0, 0), ("generating", 200, 1000)):
            shown.update(*call)
    assert capsys.readouterr().err.splitlines() == [
        "compiling", "generating: 200/1000 rows (20%), 10.0 rows/s, 0:01:20 left"]


def test_quiet(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    with Progress("rows", quiet=True) as shown:
        shown.update("generating", 1, 10)
        shown.update("generating", 2, 10)
    assert capsys.readouterr().err == ""


def test_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    with Progress("rows") as shown:
        shown.update("generating", 1, 10)
        shown.update("generating", 10, 10)
        shown.update("writing", 3, 10)
    assert "generating" in (err := capsys.readouterr().err) and "10/10" in err

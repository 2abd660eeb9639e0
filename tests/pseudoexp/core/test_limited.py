"""Scripts in processes of their own: what they answer, and what becomes of those that do not."""

import os

import pytest

from pseudoexp.core import limited


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return a function that asks a script of this text; beside it lies a module by the name of one that it imports."""
    (tmp_path / "json.py").write_text("raise SystemExit('not from here')")
    monkeypatch.chdir(tmp_path)

    def ask(text, *words, seconds=30.0, **names):
        script = tmp_path / "script.py"
        script.write_text(f"import json, os, sys\n{text}")
        return limited.ask(str(script), *words, seconds=seconds, **names)

    return ask


def test_the_answer_is_read(asked):
    assert asked("print(json.dumps({'words': sys.argv[1:]}))", "a b", "-c") == {"words": ["a b", "-c"]}


@pytest.fixture
def typed():
    """Put something on this process's standard input."""
    taken, given = os.pipe()
    os.write(given, b"typed")
    os.close(given)
    before = os.dup(0)
    os.dup2(taken, 0)
    yield
    os.dup2(before, 0)
    os.close(taken)
    os.close(before)


def test_it_has_one_thread_and_nobody_to_talk_to(asked, monkeypatch, typed):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("MINE", "kept")
    found = asked("print(json.dumps({'said': sys.stdin.read(), **os.environ}))")
    assert found["said"] == "" and found["MINE"] == "kept"
    assert {found[name] for name in limited.THREADS} == {"1"} and os.environ["OMP_NUM_THREADS"] == "8"


@pytest.mark.parametrize("text", ["print('{')", "pass", "print(3)", "print('null')", "print('[' * 100_000)",
                                  "print(json.dumps({'a': 1})); print('more')"])
def test_what_is_no_answer(asked, text):
    assert asked(text) == {"error": "it broke the library that reads it (status 0)"}


def test_ends_without_an_answer_are_told_in_the_callers_words(asked, capfd):
    said = asked("sys.exit('a traceback')", work="reading a.h5", library="HDF5 library")
    assert said == {"error": "reading a.h5 broke the HDF5 library (status 1)"}
    assert asked("os.abort()") == {"error": "it broke the library that reads it (status -6)"}
    assert asked("while True: pass", seconds=0.5, work="reading") == {"error": "reading took more than 0.5 s"}
    assert capfd.readouterr() == ("", "")

"""Interruptions end a command, wherever they hit it."""

import os
import signal
import subprocess
import sys
import weakref

import pytest
from mock_file import mock_file

from pseudoexp.cli.app import run
from pseudoexp.cli.interruption import interruptible
from pseudoexp.errors import Interrupted

PROGRAM = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
program, moment, name, number = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
del sys.argv[1:5]
waiting = [True]

def hit(event, arguments):
    if waiting and event == moment and str(arguments[0]) == name:
        waiting.clear()
        os.kill(os.getpid(), number)

sys.addaudithook(hit)
runpy.run_module(program, run_name="__main__", alter_sys=True)
"""
TOO_EARLY = "interrupted before anything was done; the same command begins again\n"


def interrupted(program, moment, name, number, *words):
    """Run a program that a signal hits when it imports a module or opens a file; return its exit code, and what it says."""
    command = [sys.executable, "-c", PROGRAM, program, moment, name, int(number), *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


class Thing:
    """Something that is interrupted while it is forgotten."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(1000))


def wait():
    while True:
        pass


def test_interruption():
    with pytest.raises(Interrupted, match="interrupted; two chunks"), interruptible(lambda: "two chunks"):
        os.kill(os.getpid(), signal.SIGTERM)
        wait()


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_each_signal_has_its_code(number, code):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(Interrupted) as error, interruptible():
        os.kill(os.getpid(), number)
        wait()
    assert error.value.exit_code == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("program", "module", "said"), [
    ("pseudoexp", "pseudoexp.cli.app", "interrupted\n"), ("pseudoexp", "typer", TOO_EARLY),
    ("pseudoexp", "pseudoexp.api", "interrupted\n"), ("pseudoexp", "numpy", TOO_EARLY),
    ("pseudoexp", "pseudoexp.production.run", "interrupted; nothing was written\n"), ("tagger", "tagger.cli", "interrupted\n"),
    ("tagger", "typer.core", TOO_EARLY)])
def test_while_the_program_is_still_imported(tmp_path, program, module, said, number, code):
    words = {"pseudoexp": ("generate", "--n", "20", "--out", tmp_path / "a.h5"), "tagger": ("train", "--help")}[program]
    assert interrupted(program, "import", module, number, *words) == (code, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_where_a_command_says_nothing_of_it(tmp_path, number, code):
    path = mock_file(tmp_path / "a.h5", n=100)
    assert interrupted("pseudoexp", "open", str(path), number, "info", path) == (code, "interrupted\n")


def test_what_typer_makes_of_it(capsys):
    def stopped(**options):
        return 130

    assert run(stopped) == 130 and capsys.readouterr().err == "interrupted\n"
    Abort = type("Abort", (Exception,), {})

    def aborted(**options):
        raise Abort

    assert run(aborted) == 130 and capsys.readouterr().err == "interrupted\n"


def test_an_interrupted_destructor_does_not_swallow_it():
    with pytest.raises(Interrupted), interruptible():
        Thing()
        wait()


def test_an_interrupted_callback_does_not_swallow_it():
    found = weakref.WeakValueDictionary()
    with pytest.raises(Interrupted), interruptible():
        thing = type("Other", (), {"__del__": Thing.__del__})()
        found["a"] = thing
        del thing
        wait()

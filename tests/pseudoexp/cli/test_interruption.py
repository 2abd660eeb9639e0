"""Interruptions end a command, wherever they hit it."""

import os
import signal
import weakref

import pytest

from pseudoexp.cli.interruption import interruptible
from pseudoexp.errors import Interrupted


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

"""Ctrl-C and SIGTERM end a command alike: in one line that says what is kept, and exit code 130 or 143.

`stoppable` holds from the first line of the program on, `interruptible` where a command knows what it leaves.
"""

from __future__ import annotations

import os
import signal
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pseudoexp.errors import Interrupted

_AGAIN = 0.01  # seconds
_TOO_EARLY = b"interrupted before anything was done; the same command begins again\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_last = [int(signal.SIGINT)]
"""The interruption's signal."""


class Stopped(BaseException):
    """An interruption outside `interruptible`; not of the kind that typer ends without a word."""

    @property
    def exit_code(self) -> int:
        """What a shell would give the program that the signal ends."""
        return 128 + _last[0]


def nothing_written() -> str:
    """Say that an interruption leaves nothing behind."""
    return "nothing was written"


@contextmanager
def stoppable() -> Iterator[None]:
    """End the program in one line wherever an interruption hits it, also while it is still importing."""
    _handle(_stop)
    try:
        yield
    except Stopped as stopped:
        sys.stderr.write("interrupted\n")
        raise SystemExit(stopped.exit_code) from None
    finally:
        for number in _SIGNALS:
            if signal.getsignal(number) is _stop:
                signal.signal(number, signal.SIG_DFL)  # the work is done: no traceback from what ends the interpreter


@contextmanager
def interruptible(kept: Callable[[], str] = nothing_written) -> Iterator[None]:
    """Turn an interruption of what stands inside into `Interrupted`; `kept` says what is left of the work."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _handle(_interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {kept()}", 128 + _last[0]) from None
    finally:
        for number, handler in before.items():
            if handler is not None:  # it is not Python's
                signal.signal(number, handler)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have a handler called, unless whoever started the program wants Ctrl-C ignored."""
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGALRM, _again)
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _stop):
        signal.signal(signal.SIGINT, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise, but not where Python would ignore it: then try again a moment later."""
    _last[0] = number
    if _within(frame, _is_destructor):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        return
    raise KeyboardInterrupt


def _again(number: int, frame: FrameType | None) -> None:
    """Do now what is to be done at the last interruption."""
    if callable(handler := signal.getsignal(_last[0])):
        handler(_last[0], frame)


def _stop(number: int, frame: FrameType | None) -> None:
    """The same; but leave at once where something is being imported, which would make something else of an exception."""
    _last[0] = number
    if _within(frame, _is_import):
        os.write(2, _TOO_EARLY)
        os._exit(128 + number)
    if _within(frame, _is_destructor):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        return
    raise Stopped


def _within(frame: FrameType | None, kind: Callable[[FrameType], bool]) -> bool:
    """Return whether a frame, or one that called it, is of a kind."""
    while frame is not None:
        if kind(frame):
            return True
        frame = frame.f_back
    return False


def _is_destructor(frame: FrameType) -> bool:
    return frame.f_code.co_name == "__del__" or frame.f_code.co_filename == weakref.__file__


def _is_import(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith("<frozen importlib")

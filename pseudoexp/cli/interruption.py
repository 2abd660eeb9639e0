"""Ctrl-C and SIGTERM end a command alike: in one line that says what is kept."""

from __future__ import annotations

import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pseudoexp.errors import Interrupted

_AGAIN = 0.01  # seconds

def nothing_written() -> str:
    """Say that an interruption leaves nothing behind."""
    return "nothing was written"


@contextmanager
def interruptible(kept: Callable[[], str] = nothing_written) -> Iterator[None]:
    """Turn an interruption of what stands inside into `Interrupted`; `kept` says what is left of the work."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {kept()}") from None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise, but not where Python would ignore it: then try again a moment later."""
    if _in_destructor(frame):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        return
    raise KeyboardInterrupt


def _in_destructor(frame: FrameType | None) -> bool:
    """Return whether a frame belongs to a destructor or to a callback of a weak reference."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False

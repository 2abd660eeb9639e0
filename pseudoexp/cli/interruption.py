"""Ctrl-C and SIGTERM end a command alike: in one line that says what is kept."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pseudoexp.errors import Interrupted


def nothing_written() -> str:
    """Say that an interruption leaves nothing behind."""
    return "nothing was written"


@contextmanager
def interruptible(kept: Callable[[], str] = nothing_written) -> Iterator[None]:
    """Turn an interruption of what stands inside into `Interrupted`; `kept` says what is left of the work."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {kept()}") from None


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

"""What compiled code prints to the process's standard output, caught for error messages.

Pythia prints its reasons from C++, past `sys.stdout`. Only failed starts are caught: the redirection concerns
the whole process, so it must not stand around normal work.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable


def caught(call: Callable[[], object]) -> str:
    """Return everything `call` writes to file descriptor 1."""
    flush = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    flush(None)
    with tempfile.TemporaryFile() as file:
        saved = os.dup(1)
        try:
            os.dup2(file.fileno(), 1)
            call()
            flush(None)
        finally:
            os.dup2(saved, 1)
            os.close(saved)
        file.seek(0)
        return file.read().decode(errors="replace")

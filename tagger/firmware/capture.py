"""Everything the firmware tools print, their subprocesses and C++ libraries included, goes into a log file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def captured(path: Path, title: str) -> Iterator[None]:
    """Append what the process writes to standard output and error to a file, under a title, while the block runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    streams = sys.stdout, sys.stderr
    try:
        with path.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"== {title}\n")
            log.flush()
            for descriptor in (1, 2):
                os.dup2(log.fileno(), descriptor)
            sys.stdout = sys.stderr = log
            try:
                yield
            finally:
                sys.stdout, sys.stderr = streams
    finally:
        for descriptor, old in zip((1, 2), kept, strict=True):
            os.dup2(old, descriptor)
            os.close(old)

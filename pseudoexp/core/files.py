"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pseudoexp.errors import ConfigError


def require_writable(path: Path) -> None:
    """Raise ConfigError unless a file could be written at `path`, before the work that is to be written."""
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing under a temporary name; bring it to the disk and to its own name at the end.

    Whatever happens in between, `path` is what it was before or what was to be written. The temporary name begins
    with a dot and ends with the number of the process.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise

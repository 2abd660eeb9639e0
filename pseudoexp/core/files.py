"""Files that are whole or not there."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import tempfile
import time
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pseudoexp.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TEXT = 1 << 20
"""Bytes of a configuration file; longer ones are something else."""
MOST_ARRAYS = 1 << 30
"""Bytes of the arrays in one file, unpacked."""
_POLL_SECONDS = 0.5
_UNREADABLE = (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError, MemoryError,
               zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError)  # numpy tokenizes old headers
"""What numpy and zipfile raise for damaged archives."""


def require_writable(path: Path) -> None:
    """Raise ConfigError unless a file could be written at `path`, before the work that is to be written."""
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def require_new_file(path: Path, force: bool) -> None:
    """Raise ConfigError unless a file can be made at `path`, or replaced with `force`."""
    if not path.name or path.is_dir():
        raise ConfigError(f"{path}: is a folder; allowed: the name of a file")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; --force replaces it")
    require_writable(path)


def real_place(path: Path) -> Path:
    """Return where a file that is written to `path` goes: behind a symbolic link, which stays."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing under a temporary name; bring it to the disk and to its own name at the end.

    Whatever happens in between, `path` is what it was before or what was to be written. The temporary name begins
    with a dot and ends with the number of the process. Where `path` is a symbolic link, that is the file behind it.
    """
    path = real_place(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w+b") as file:  # some formats read back what they wrote
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file as the only process of this machine that does; `waiting` is called while another has it.

    The lock is given back with the file, also when the process dies; the file stays.
    """
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(_POLL_SECONDS)
        yield


def lock_folder(folder: Path) -> int:
    """Make a folder if there is none, and be the only process that works in it.

    Returns
    -------
    int
        The descriptor that holds the lock until it is closed or the process dies; -1 if another process has the lock.
    """
    folder.mkdir(exist_ok=True)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return -1  # the other process has just removed it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return -1


def require_regular(path: Path) -> None:
    """Raise ConfigError if a device or a pipe is there, whose other end an `open` would wait for.

    That nothing is there, or a folder, is left to the `open`, which says so.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ConfigError(f"{path}: not a regular file")


def read_text(path: Path, limit: int = MOST_TEXT) -> str:
    """Return the text of a file that somebody wrote.

    Raises
    ------
    ConfigError
        If it cannot be read, is no regular file, is longer than `limit` bytes, or is no text.
    """
    require_regular(path)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ConfigError(f"{path}: longer than {limit} bytes; allowed: a shorter file")
        return content.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: cannot be read (not text)") from None


def read_arrays(path: Path, what: str, limit: int = MOST_ARRAYS) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file; nothing in it is unpickled.

    Raises
    ------
    SchemaError
        If the file is not `what`: no archive of arrays, damaged, or larger than `limit` bytes when unpacked.
    ConfigError
        If it is no regular file.
    """
    import numpy as np

    require_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > limit:
                raise SchemaError(f"{path}: not {what} (larger than {limit} bytes when unpacked)")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except _UNREADABLE as error:
        text = " ".join(str(error).split())[:120]
        raise SchemaError(f"{path}: not {what}, or damaged ({type(error).__name__}: {text})") from None

"""Finished chunks on disk, the only checkpoint: one file each in the folder `OUT.parts`.

A chunk's file is written under a temporary name, brought to the disk and renamed; it begins with the SHA-256 of
the rest, so it is whole or it does not count. The folder's lock dies with the process that holds it. Its manifest comes
first and goes last: a folder without it is what a kill left, as long as it holds no names but ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from pseudoexp import __version__
from pseudoexp.core.files import lock_folder, whole_file
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production.chunk import PROCESS_NAMES, PackedChunk
from pseudoexp.production.run_config import difference
from pseudoexp.production.shard import WHOLE, Shard

MANIFEST = "manifest.json"
ASSEMBLY = "assembly.h5"
"""The file that is being put together of the chunks."""
PUBLISHED = "published"
"""The dataset hash of the file that goes to its own name: when that is there, nobody needs the chunks."""
LOG = "worker.log"
"""What workers write to stderr."""
_OURS = re.compile(rf"\.?({'|'.join(PROCESS_NAMES)})-\d+\.rows(\.\d+)?|\.?{re.escape(MANIFEST)}(\.\d+)?|"
                   rf"\.?{PUBLISHED}(\.\d+)?|{re.escape(ASSEMBLY)}(\.sha256)?|{re.escape(LOG)}")
_DIGEST_BYTES = 32


def parts_folder(out: Path) -> Path:
    """Return the folder of the unfinished file `out`."""
    return out.with_name(out.name + ".parts")


def is_unfinished(folder: Path) -> bool:
    """Return whether a folder of chunks holds anything; a process that is killed at once leaves it empty."""
    return folder.exists() and not (folder.is_dir() and next(folder.iterdir(), None) is None)


def acquire(out: Path) -> int:
    """Return a descriptor that makes this process the only one to write `out`, until it is closed.

    Raises
    ------
    ConfigError
        If another process writes it, or it cannot be written.
    """
    try:
        descriptor = lock_folder(parts_folder(out))
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written ({error.strerror})") from None
    if descriptor < 0:
        raise ConfigError(f"{out}: another process is writing it")
    return descriptor


@contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Be the only process that writes `out`, without leaving chunks; ConfigError if another one does."""
    lock = acquire(out)
    try:
        yield
    finally:
        with suppress(OSError):  # stays, if it holds the chunks of an unfinished run
            parts_folder(out).rmdir()
        os.close(lock)


def chunk_path(folder: Path, process: int, chunk: int) -> Path:
    """Return the file of a chunk."""
    return folder / f"{PROCESS_NAMES[process]}-{chunk:010d}.rows"


def chunk_bytes(packed: PackedChunk) -> bytes:
    """Return the content of a chunk's file. The same chunk always has the same bytes."""
    tracks, images = (0 if part is None else part.shape[1] for part in (packed.tracks, packed.images))
    header = canonical_json({"rows": len(packed.jets), "tracks": tracks, "weight_sum": packed.weight_sum,
                             "variations": packed.variations is not None, "images": images}).encode()
    further = (packed.tracks, packed.variations, packed.images)
    body = b"".join([header, b"\n", packed.jets.tobytes(), *(part.tobytes() for part in further if part is not None)])
    return hashlib.sha256(body).digest() + body


def write_bytes(path: Path, content: bytes) -> None:
    """Write the content of a chunk's file: written, on the disk, renamed."""
    with whole_file(path) as file:
        file.write(content)


def write_chunk(path: Path, packed: PackedChunk) -> None:
    """Write a chunk."""
    write_bytes(path, chunk_bytes(packed))


def read_chunk(path: Path) -> PackedChunk:
    """Return a chunk.

    Raises
    ------
    GenerationError
        If the file is damaged.
    """
    content = path.read_bytes()
    if len(content) < _DIGEST_BYTES or hashlib.sha256(memoryview(content)[_DIGEST_BYTES:]).digest() != content[:32]:
        raise GenerationError(f"{path} is damaged; --resume makes it again")
    end = content.index(b"\n", _DIGEST_BYTES) + 1
    header = json.loads(content[_DIGEST_BYTES:end])
    rows, tracks, pixels = header["rows"], header["tracks"], header.get("images", 0)
    jets = np.frombuffer(content, schema.JET_DTYPE, rows, end)
    end += jets.nbytes
    more = weights = images = None
    if tracks:
        more = np.frombuffer(content, schema.TRACK_DTYPE, rows * tracks, end).reshape(rows, tracks)
        end += more.nbytes
    if header["variations"]:
        weights = np.frombuffer(content, schema.VARIATION_DTYPE, rows, end)
        end += weights.nbytes
    if pixels:
        images = np.frombuffer(content, schema.IMAGE_DTYPE, rows * pixels * pixels, end).reshape(rows, pixels, pixels)
    return PackedChunk(jets, more, header["weight_sum"], weights, images)


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError, RecursionError):
        raise ConfigError(f"{path}: damaged; --force discards the unfinished run") from None


class Named(Protocol):
    """A configuration that has a name of its own."""

    def identity(self) -> dict[str, Any]:
        """Return what names the rows."""


class Parts:
    """The locked folder of one production.

    Parameters
    ----------
    out : Path
        The file to be made.
    config : Named
        Its configuration, such as a `RunConfig`.
    resume : bool
        Continue with what is there; otherwise nothing may be there.
    discard : bool
        Throw away what is there.
    shard : Shard, optional
        Which part of the production the file holds.

    Raises
    ------
    ConfigError
        If another process writes this file, or the folder holds something else than what is asked for.
    """

    def __init__(self, out: Path, config: Named, *, resume: bool, discard: bool, shard: Shard = WHOLE) -> None:
        self.folder = parts_folder(out)
        identity = config.identity() | {"package_version": __version__} | ({"shard": str(shard)} if shard.of > 1 else {})
        self._lock = acquire(out)
        try:
            self._prepare(out, json.loads(canonical_json(identity)), resume, discard)
        except BaseException:
            self.release()
            raise

    def _prepare(self, out: Path, identity: dict[str, Any], resume: bool, discard: bool) -> None:
        manifest = self.folder / MANIFEST
        if not manifest.exists() and not all(_OURS.fullmatch(path.name) for path in self.folder.iterdir()):
            raise ConfigError(f"{self.folder} is not a folder of ours; move it away or choose another --out")
        if is_unfinished(self.folder) and not (resume or discard):
            raise ConfigError(f"{self.folder} holds an unfinished run; --resume continues it, --force discards it")
        if manifest.exists() and not discard:
            if found := difference(_read_manifest(manifest), identity):
                raise ConfigError(f"{self.folder} was made with another configuration ({found}); --force discards it")
            (self.folder / PUBLISHED).unlink(missing_ok=True)  # what is made from now on may be for a longer file
            return
        self.clear()
        try:
            with whole_file(manifest) as file:
                file.write(canonical_json(identity).encode())
        except OSError as error:
            raise ConfigError(f"{out}: cannot be written ({error.strerror})") from None

    def clear(self) -> None:
        """Remove everything in the folder."""
        _clear(self.folder)

    def scan(self, process: int) -> Iterator[tuple[int, int]]:
        """Yield (chunk, counted rows) of the chunks that are there; damaged and half-written ones are removed."""
        for path in self.folder.glob(f".{PROCESS_NAMES[process]}-*"):
            path.unlink(missing_ok=True)
        for path in sorted(self.folder.glob(f"{PROCESS_NAMES[process]}-*.rows")):
            try:
                yield int(path.stem.rpartition("-")[2]), read_chunk(path).counted
            except GenerationError:
                path.unlink()

    def note_published(self, dataset_hash: str) -> None:
        """Note which file is about to go to its own name."""
        write_bytes(self.folder / PUBLISHED, dataset_hash.encode())

    def remove(self) -> None:
        """Remove the folder: its file is finished."""
        _clear(self.folder)
        self.folder.rmdir()

    def release(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error and not any(self.folder.glob("*.rows")):
            with suppress(OSError):
                self.remove()
        self.release()


def _clear(folder: Path) -> None:
    """Remove everything in a folder: chunks, then what says that nobody needs them, then what says that they are ours."""
    last = (PUBLISHED, MANIFEST)
    for path in sorted(folder.iterdir(), key=lambda path: last.index(path.name) if path.name in last else -1):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_leftovers(out: Path, dataset_hash: str) -> None:
    """Remove the folder of a finished file if a kill left it behind; the chunks of any other run stay.

    Parameters
    ----------
    out : Path
        The file.
    dataset_hash : str
        The hash of its rows.
    """
    folder = parts_folder(out)
    if not folder.is_dir() or (lock := lock_folder(folder)) < 0:
        return
    try:
        names = {path.name for path in folder.iterdir()}
        ours = MANIFEST in names or all(map(_OURS.fullmatch, names))
        used_up = PUBLISHED in names and (folder / PUBLISHED).read_bytes() == dataset_hash.encode()
        if ours and (used_up or not any(name.endswith(".rows") for name in names)):
            _clear(folder)
            folder.rmdir()
    finally:
        os.close(lock)

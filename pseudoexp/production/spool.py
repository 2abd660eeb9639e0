"""Finished chunks on disk, the only checkpoint: one file each in the folder `OUT.parts`.

A chunk's file is written under a temporary name, brought to the disk and renamed; it begins with the SHA-256 of
the rest, so it is whole or it does not count. The folder's lock dies with the process that holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from pseudoexp import __version__
from pseudoexp.core.files import whole_file
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production.chunk import PROCESS_NAMES, PackedChunk
from pseudoexp.production.run_config import difference
from pseudoexp.production.shard import WHOLE, Shard

MANIFEST = "manifest.json"
_DIGEST_BYTES = 32


def parts_folder(out: Path) -> Path:
    """Return the folder of the unfinished file `out`."""
    return out.with_name(out.name + ".parts")


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
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = self._acquire(out)
        except OSError as error:
            raise ConfigError(f"{out}: cannot be written ({error.strerror})") from None
        try:
            self._prepare(out, json.loads(canonical_json(identity)), resume, discard)
        except BaseException:
            self.release()
            raise

    def _acquire(self, out: Path) -> int:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(descriptor), self.folder.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            os.close(descriptor)
            raise ConfigError(f"{out}: another process is writing it")
        return descriptor

    def _prepare(self, out: Path, identity: dict[str, Any], resume: bool, discard: bool) -> None:
        manifest = self.folder / MANIFEST
        if manifest.exists() and discard:
            self.clear()
        if manifest.exists():
            if not resume:
                raise ConfigError(f"{self.folder} holds an unfinished run; --resume continues it, --force discards it")
            if found := difference(_read_manifest(manifest), identity):
                raise ConfigError(f"{self.folder} was made with another configuration ({found}); --force discards it")
            return
        if any(self.folder.iterdir()):
            raise ConfigError(f"{self.folder} is not a folder of ours; move it away or choose another --out")
        try:
            with whole_file(manifest) as file:
                file.write(canonical_json(identity).encode())
        except OSError as error:
            raise ConfigError(f"{out}: cannot be written ({error.strerror})") from None

    def clear(self) -> None:
        """Remove everything in the folder."""
        for path in self.folder.iterdir():
            path.unlink()

    def scan(self, process: int) -> Iterator[tuple[int, int]]:
        """Yield (chunk, counted rows) of the chunks that are there; damaged and half-written ones are removed."""
        for path in self.folder.glob(f".{PROCESS_NAMES[process]}-*"):
            path.unlink(missing_ok=True)
        for path in sorted(self.folder.glob(f"{PROCESS_NAMES[process]}-*.rows")):
            try:
                yield int(path.stem.rpartition("-")[2]), read_chunk(path).counted
            except GenerationError:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder: its file is finished."""
        shutil.rmtree(self.folder)

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
            shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

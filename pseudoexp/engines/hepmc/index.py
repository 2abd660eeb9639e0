"""One pass through a HepMC file: where its events are, their weights, its cross-section, the digest of its text.

With it any process can read events 500 to 749 without the others. The index is kept in the user's cache under the file's
place, size and time, so that worker processes and later runs do not pass through the file again.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import math
import tempfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.cache import user_cache
from pseudoexp.core.files import read_arrays
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError, SchemaError

HEPMC3, HEPMC2 = "HepMC::Asciiv3", "HepMC::IO_GenEvent"
_VERSION = 1
_BLOCK = 16 * 2**20
_HEAD = 2**16
_MOST_TEXT = 2**28
"""Bytes of an event: ten times one with 200 pile-up collisions."""
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


class Index(NamedTuple):
    """What one pass through a file finds.

    Attributes
    ----------
    form : str
        `HEPMC3` or `HEPMC2`.
    header : bytes
        Everything before the first event.
    offsets : array (events + 1,) int64
        Event i is the (decompressed) text offsets[i]:offsets[i + 1].
    weights : array (events,) float64
        First weight of each event as it stands in the file, 1 without.
    cross_section : float
        That of the last event [pb], 0 without.
    sha256 : str
        Of the decompressed text.
    """

    form: str
    header: bytes
    offsets: NDArray[np.int64]
    weights: NDArray[np.float64]
    cross_section: float
    sha256: str

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.weights)

    @property
    def options(self) -> dict[str, Any]:
        """What the file says about how we made it; empty for others' files."""
        place = self.header.find(b"\nA configuration {")
        try:
            found = json.loads(self.header[place:].split(b"\n", 2)[1].partition(b" configuration ")[2]) if place >= 0 else {}
        except (ValueError, RecursionError, IndexError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def scale(self) -> float:
        """Factor that turns weights into picobarns: their mean over the file becomes its cross-section.

        A file without a cross-section, and one whose weights have it as their mean already, keeps its weights.
        """
        if self.cross_section <= 0.0:
            return 1.0
        factor = self.cross_section / float(self.weights.mean())
        return 1.0 if abs(factor - 1.0) < 1e-6 else factor


def file_of(process: int, settings: EngineSettings) -> Path:
    """Return the file of a process; ConfigError without."""
    names = {SIGNAL: "hepmc_signal", QCD: "hepmc_qcd"}
    if process not in names:
        raise ConfigError(f"engine 'hepmc': process {process}; allowed: {SIGNAL} (signal) and {QCD} (QCD)")
    path = getattr(settings, names[process])
    if not path:
        raise ConfigError(f"engine 'hepmc': {names[process]} is missing; allowed: a HepMC file")
    return Path(path)


def open_text(path: Path) -> BinaryIO:
    """Open a file for reading its text, decompressed where it begins like gzip, bzip2 or xz; it can seek."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
        for begin, opener in _OPENERS.items():
            if magic.startswith(begin):
                opened: BinaryIO = opener(path, "rb")
                return opened
        return path.open("rb")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None


def index_of(path: str | Path) -> Index:
    """Return the index of a file: from memory, the user's cache, or a pass through the file.

    Raises
    ------
    ConfigError
        If there is no such file, or it cannot be read.
    SchemaError
        If it is not HepMC2 or HepMC3 text, without events, truncated or damaged.
    """
    path = Path(path).absolute()
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    return _index(path, (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=8)
def _index(path: Path, state: tuple[int, int, int]) -> Index:
    name = hashlib.sha256(json.dumps([_VERSION, str(path), *state]).encode()).hexdigest()[:24]
    kept = user_cache() / "hepmc" / f"{name}.npz"
    try:
        fields = read_arrays(kept, "an index")
        return Index(str(fields["form"]), fields["header"].tobytes(), fields["offsets"], fields["weights"],
                     float(fields["cross_section"]), str(fields["sha256"]))
    except (SchemaError, ValueError, TypeError, KeyError):
        pass
    made = scan(path)
    _keep(kept, made)
    return made


def _keep(path: Path, index: Index) -> None:
    """Write an index in one step; a cache that cannot be written only costs another pass."""
    fields = index._asdict() | {"header": np.frombuffer(index.header, np.uint8)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            np.savez(file, **fields)
        Path(file.name).replace(path)
    except OSError:
        pass


def scan(path: Path) -> Index:
    """Pass through a file and return its index; see `index_of` for what it raises."""
    digest = hashlib.sha256()
    offsets: list[int] = []
    weights: list[float] = []
    with open_text(path) as file:
        head = _read(path, file, _HEAD)
        form = _form(path, head)
        file.seek(0)
        header, cross_section, end = b"", 0.0, -1
        for start, text, is_last in _pieces(path, file, digest):
            if not offsets and not header:
                header = text
                end = start + len(text)
                continue
            if is_last:
                text = _without_end(path, form, text, len(offsets))
            weight, found = _facts(path, form, text, len(offsets))
            offsets.append(start)
            weights.append(weight)
            cross_section, end = found or cross_section, start + len(text)
    if not offsets:
        raise SchemaError(f"{path}: holds no event")
    values = np.array(weights)
    if not np.isfinite(values).all() or not values.mean() > 0.0:
        raise SchemaError(f"{path}: the mean weight is {values.mean():g}; allowed: a positive number")
    return Index(form, header, np.array([*offsets, end], np.int64), values, cross_section, digest.hexdigest())


def _read(path: Path, file: BinaryIO, size: int) -> bytes:
    try:
        return file.read(size)
    except _BROKEN:
        raise SchemaError(f"{path}: truncated or damaged compressed file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from None


def _form(path: Path, head: bytes) -> str:
    if not head.strip():
        raise SchemaError(f"{path}: is empty; allowed: HepMC3 or HepMC2 text")
    for form in (HEPMC3, HEPMC2):
        if f"{form}-START_EVENT_LISTING".encode() in head:
            return form
    raise SchemaError(f"{path}: not HepMC3 or HepMC2 text (plain, gzip, bzip2 or xz)")


def _pieces(path: Path, file: BinaryIO, digest: Any) -> Iterator[tuple[int, bytes, bool]]:
    """Yield position and text of what stands before the first event and of each event, and whether it is the last."""
    start, rest = 0, b""
    while block := _read(path, file, _BLOCK):
        digest.update(block)
        rest += block
        begin = 0
        while (found := rest.find(b"\nE ", begin)) >= 0:
            yield start + begin, rest[begin:found + 1], False
            begin = found + 1
        start, rest = start + begin, rest[begin:]
        if len(rest) > _MOST_TEXT:
            raise SchemaError(f"{path}: an event, or what stands before the first, is longer than {_MOST_TEXT} bytes")
    yield start, rest, True


def _without_end(path: Path, form: str, text: bytes, events: int) -> bytes:
    """Return the last event without the end of the listing."""
    end = text.find(f"\n{form}-END_EVENT_LISTING".encode())
    if end < 0:
        raise SchemaError(f"{path}: truncated: the listing has no end behind event {events} (a copy or a run that did "
                          "not finish?)")
    return text[:end + 1]


def _facts(path: Path, form: str, text: bytes, number: int) -> tuple[float, float]:
    """Return the first weight and the cross-section [pb] (0 without) of an event's text, after counting its lines."""
    try:
        line = text[:text.index(b"\n")].split()
        if form == HEPMC3:
            complete = text.count(b"\nP ") == int(line[3]) and text.count(b"\nV ") <= int(line[2])
            weights, section = _line(text, b"\nW "), _line(text, b" GenCrossSection ")
        else:
            complete = text.count(b"\nV ") == int(line[8])
            skip = 12 + int(line[11])
            weights, section = line[skip + 1:skip + 1 + int(line[skip])], _line(text, b"\nC ")
        if not complete or b"\nHepMC::" in text:
            raise ValueError
        weight, found = float(weights[0]) if weights else 1.0, float(section[0]) if section else 0.0
    except (ValueError, IndexError):
        raise SchemaError(f"{path}: event {number} is truncated or damaged") from None
    return weight, found if math.isfinite(found) else 0.0


def _line(text: bytes, key: bytes) -> list[bytes]:
    """Return the words behind a key on its line, before the particles; none without the key."""
    stop = text.find(b"\nP ")
    place = text.find(key, 0, stop if stop > 0 else len(text))
    return text[place + len(key):text.index(b"\n", place + 1)].split() if place >= 0 else []


def text_of(path: Path, index: Index, first: int, n: int) -> bytes:
    """Return a listing of events `first` to `first + n - 1` alone.

    Raises
    ------
    SchemaError
        If the file is not what the index says.
    """
    start, end = int(index.offsets[first]), int(index.offsets[first + n])
    with io.BytesIO() as text:
        text.write(index.header)
        text.write(_slice(path, start, end))
        text.write(f"{index.form}-END_EVENT_LISTING\n".encode())
        return text.getvalue()


class _Opened:
    """The file read last by this process: compressed ones go on from where they are instead of from the start."""

    key: tuple[Path, int] | None = None
    file: BinaryIO = io.BytesIO()


def _slice(path: Path, start: int, end: int) -> bytes:
    key = (path, path.stat().st_mtime_ns)
    if _Opened.key != key:
        _Opened.file.close()
        _Opened.file, _Opened.key = open_text(path), key
    _Opened.file.seek(start)
    text = _read(path, _Opened.file, end - start)
    if len(text) != end - start or not text.startswith(b"E "):
        raise SchemaError(f"{path}: has changed while it was read")
    return text

"""Finished chunks -> one file: streams both classes in order, interleaves them, counts what was tried.

A *unit* is one counted row with the rows of class `other` that go with it: those behind it in its event, and
those of earlier events that have no counted row. Row r of the plan is the next unit of its class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import BLOCK_ROWS
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.writer import WRITE_BYTES, FileWriter
from pseudoexp.production.chunk import OTHER, PackedChunk
from pseudoexp.production.plan import is_signal, row_bytes
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.spool import chunk_path, read_chunk

Source = Callable[[int, int], PackedChunk]
"""Returns the chunk of a process (0 signal, 1 QCD) and a number."""


class Order(NamedTuple):
    """What has to be known of a configuration to put its rows in order.

    Attributes
    ----------
    n, signal_fraction, keep_unmatched, tracks, variations, images
        As in `RunConfig`.
    provenance : Provenance
        What the file says of its making.
    """

    n: int
    signal_fraction: float
    keep_unmatched: bool
    tracks: int
    variations: bool
    provenance: Provenance
    images: int = 0

    @classmethod
    def of(cls, config: RunConfig) -> Order:
        """Return the order of a configuration's rows."""
        provenance = Provenance(config.json(), config.hash(), config.seed, config.keep_unmatched)
        return cls(config.n, config.signal_fraction, config.keep_unmatched, config.tracks, config.variations, provenance,
                   config.images)

    def file_options(self) -> dict[str, Any]:
        """Return the options of `FileWriter`."""
        return {"tracks": self.tracks, "variations": self.variations, "images": self.images}


def spooled(folder: Path) -> Source:
    """Return the chunks that are files of a folder."""
    return lambda process, chunk: read_chunk(chunk_path(folder, process, chunk))


class Rows(NamedTuple):
    """Compound rows, their tracks, the unit each belongs to, their weights for other parameters, and their images."""

    jets: NDArray[np.void]
    tracks: NDArray[np.void] | None
    unit: NDArray[np.int64]
    variations: NDArray[np.void] | None = None
    images: NDArray[np.void] | None = None

    def at(self, places: slice | NDArray[np.int64]) -> Rows:
        """Return some of the rows."""
        return Rows(self.jets[places], None if self.tracks is None else self.tracks[places], self.unit[places],
                    None if self.variations is None else self.variations[places],
                    None if self.images is None else self.images[places])


class Yield(NamedTuple):
    """What one process gave, for the summary.

    Attributes
    ----------
    events_tried : int
        Events up to the last counted row.
    cross_section : float
        Mean weight of all events of the chunks used [pb].
    accepted_weight : float
        Sum of the weights of the events with a counted row [pb].
    """

    events_tried: int
    cross_section: float
    accepted_weight: float


def units(jets: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the unit of each row of a chunk, counted from its first; trailing rows may belong to the next chunk."""
    counted = jets["flavour_label"] != OTHER
    before = np.cumsum(counted)
    last = np.maximum.accumulate(np.where(counted, jets["eventNumber"], -1)) if len(jets) else jets["eventNumber"]
    same_event = (before > 0) & (last == jets["eventNumber"])
    return np.asarray(before - (counted | same_event), dtype=np.int64)


class ClassStream:
    """The rows of one process in order, read chunk by chunk.

    Parameters
    ----------
    source : callable
        Where the chunks are.
    process : int
        0 signal, 1 QCD.
    chunk, units, taken : int, optional
        Begin in the middle: with a chunk, before which there are so many units, and behind so many units.
    """

    def __init__(self, source: Source, process: int, chunk: int = 0, units: int = 0, taken: int = 0) -> None:
        self.source = source
        self.process = process
        self._chunks = chunk
        self._weight_sum = 0.0
        self._loaded_units = units
        self._taken = taken
        self._waiting: list[Rows] = []
        self._last_event = -1
        self._accepted_weight = 0.0

    def take(self, count: int) -> Rows | None:
        """Return the rows of the next `count` units, units counted from 0; None for no unit."""
        if count == 0:
            return None
        while self._loaded_units < self._taken + count:
            self._load(self.source(self.process, self._chunks))
        rows = join_rows(self._waiting)
        begin, cut = (int(np.searchsorted(rows.unit, unit)) for unit in (self._taken, self._taken + count))
        self._waiting = [rows.at(slice(cut, None))]
        taken = rows.at(slice(begin, cut))
        self._note(taken.jets)
        taken = taken._replace(unit=taken.unit - self._taken)
        self._taken += count
        return taken

    def _load(self, chunk: PackedChunk) -> None:
        self._waiting.append(Rows(chunk.jets, chunk.tracks, units(chunk.jets) + self._loaded_units, chunk.variations,
                                  chunk.images))
        self._loaded_units += chunk.counted
        self._chunks += 1
        self._weight_sum += chunk.weight_sum

    def _note(self, jets: NDArray[np.void]) -> None:
        counted = jets[jets["flavour_label"] != OTHER]
        event = counted["eventNumber"]
        first = np.diff(event, prepend=self._last_event) != 0
        self._accepted_weight += float(counted["mcEventWeight"][first].sum())
        self._last_event = int(event[-1])

    def result(self) -> Yield:
        """Return what was tried for the rows taken so far."""
        if self._last_event < 0:
            return Yield(0, 0.0, 0.0)
        _, last = schema.engine_event_number(self._last_event)
        return Yield(last + 1, self._weight_sum / (self._chunks * schema.EVENTS_PER_CHUNK), self._accepted_weight)


def interleaved(order: Order, streams: tuple[ClassStream, ClassStream], first: int = 0) -> Iterator[Rows]:
    """Yield the file's rows in order from that of unit `first` on, about `WRITE_BYTES` or `BLOCK_ROWS` at a time."""
    size = max(1, min(BLOCK_ROWS, WRITE_BYTES // row_bytes(order.tracks, order.variations, order.images)))
    for start in range(first, order.n, size):
        signal = is_signal(order.signal_fraction, start, min(size, order.n - start))
        pieces = []
        for stream, places in zip(streams, (np.flatnonzero(signal), np.flatnonzero(~signal)), strict=True):
            rows = stream.take(len(places))
            if rows is not None:
                pieces.append(rows._replace(unit=places[rows.unit]))
        merged = join_rows(pieces)
        yield merged.at(np.argsort(merged.unit, kind="stable"))


def _streams(source: Source) -> tuple[ClassStream, ClassStream]:
    return ClassStream(source, 0), ClassStream(source, 1)


def count_rows(order: Order, source: Source) -> int:
    """Return the rows of the file, those of class `other` included."""
    if not order.keep_unmatched:
        return order.n
    return sum(len(rows.jets) for rows in interleaved(order, _streams(source)))


def assemble(order: Order, source: Source, target: Path, compression: str,
             report: Callable[[int], None]) -> tuple[str, tuple[Yield, Yield]]:
    """Write the file `target` from the chunks; return its dataset hash and what each process gave."""
    streams = _streams(source)
    target.unlink(missing_ok=True)
    done = 0
    with FileWriter(target, count_rows(order, source), order.provenance, compression=compression,
                    **order.file_options()) as writer:
        for rows in interleaved(order, streams):
            writer.write(rows.jets, rows.tracks, rows.variations, rows.images)
            done += len(rows.jets)
            report(done)
        signal, qcd = (stream.result() for stream in streams)
        tally = Tally((signal.events_tried, qcd.events_tried), (signal.cross_section, qcd.cross_section))
        return writer.finish(tally), (signal, qcd)


def join_rows(pieces: list[Rows]) -> Rows:
    """Return rows one behind the other."""
    if len(pieces) == 1:
        return pieces[0]
    return Rows(schema.join([piece.jets for piece in pieces]), _joined([piece.tracks for piece in pieces]),
                np.concatenate([piece.unit for piece in pieces]), _joined([piece.variations for piece in pieces]),
                _joined([piece.images for piece in pieces]))


def _joined(parts: list[NDArray[np.void] | None]) -> NDArray[np.void] | None:
    there = [part for part in parts if part is not None]
    return schema.join(there) if there else None

"""A shard as a file: its chunks one after the other, each whole, with a table that says where which one stands.

It is a dataset like any other, to be read, looked at and verified; only its order and its end are not those of the
whole production's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.metadata import Tally
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import blocks, rows_at
from pseudoexp.dataset.writer import FileWriter
from pseudoexp.errors import DamagedFile
from pseudoexp.production.assemble import Order, Source, Yield
from pseudoexp.production.chunk import OTHER, PackedChunk
from pseudoexp.production.schedule import ClassState
from pseudoexp.production.shard import Shard


def write_shard(order: Order, source: Source, states: list[ClassState], target: Path, compression: str,
                report: Callable[[int], None]) -> tuple[str, tuple[Yield, Yield]]:
    """Write the chunks of a shard to the file `target`; return its dataset hash and what each process gave."""
    table = np.zeros(sum(state.chunks() for state in states), schema.CHUNK_DTYPE)
    yields = [_Yield(state) for state in states]
    for line, (state, chunk) in zip(table, _in_order(states), strict=True):
        line["process"], line["chunk"] = state.process, chunk
        packed = source(state.process, chunk)
        line["rows"], line["weight_sum"] = len(packed.jets), packed.weight_sum
        yields[state.process].add(chunk, packed)
    target.unlink(missing_ok=True)
    done = 0
    signal, qcd = (one.result() for one in yields)
    with FileWriter(target, int(table["rows"].sum()), order.provenance, compression=compression, chunks=len(table),
                    **order.file_options()) as writer:
        for state, chunk in _in_order(states):
            packed = source(state.process, chunk)
            writer.write(packed.jets, packed.tracks, packed.variations, packed.images)
            done += len(packed.jets)
            report(done)
        writer.write_chunks(table)
        tally = Tally((signal.events_tried, qcd.events_tried), (signal.cross_section, qcd.cross_section))
        return writer.finish(tally), (signal, qcd)


def _in_order(states: list[ClassState]) -> Iterator[tuple[ClassState, int]]:
    """Yield the chunks of a shard: by number, signal before QCD."""
    for k in range(max(state.chunks() for state in states)):
        for state in states:
            if k < state.chunks():
                yield state, state.shard.chunk(k)


class _Yield:
    """Counts what the chunks of a process gave.

    Parameters
    ----------
    state : ClassState
        The process.
    """

    def __init__(self, state: ClassState) -> None:
        self._events = state.supply.events if state.supply else None
        self._tried, self._chunks, self._weight, self._accepted = 0, 0, 0.0, 0.0

    def add(self, chunk: int, packed: PackedChunk) -> None:
        """Count a chunk; the last one of a file of events may be shorter."""
        first, size = chunk * schema.EVENTS_PER_CHUNK, schema.EVENTS_PER_CHUNK
        self._tried += size if self._events is None else min(size, self._events - first)
        self._chunks += 1
        self._weight += packed.weight_sum
        counted = packed.jets[packed.jets["flavour_label"] != OTHER]
        self._accepted += float(counted["mcEventWeight"][np.diff(counted["eventNumber"], prepend=-1) != 0].sum())

    def result(self) -> Yield:
        """Return the counts."""
        mean = self._weight / (self._chunks * schema.EVENTS_PER_CHUNK) if self._chunks else 0.0
        return Yield(self._tried, mean, self._accepted)


class Place(NamedTuple):
    """Where a chunk stands in its shard's file."""

    first: int
    rows: int
    weight_sum: float


class ShardFile:
    """The chunks of a shard's file, read one by one.

    Parameters
    ----------
    info : FileInfo
        The file.
    shard : Shard
        Which part it says it is.

    Raises
    ------
    DamagedFile
        If its table is not that of such a part.
    """

    def __init__(self, info: FileInfo, shard: Shard) -> None:
        self.info = info
        table = np.concatenate(list(blocks(info, schema.CHUNKS)))
        first = np.cumsum(table["rows"], dtype=np.int64) - table["rows"]
        self.places = {(int(line["process"]), int(line["chunk"])): Place(int(start), int(line["rows"]), float(line["weight_sum"]))
                       for line, start in zip(table, first, strict=True)}
        for process in (0, 1):
            numbers = table["chunk"][table["process"] == process]
            if not np.array_equal(numbers, [shard.chunk(k) for k in range(len(numbers))]):
                raise DamagedFile(f"{info.path}: its table of chunks is not that of shard {shard}")
        if len(self.places) != len(table) or table["rows"].min() < 0 or table["rows"].sum() != info.rows:
            raise DamagedFile(f"{info.path}: its table of chunks does not fit its rows")

    def chunks(self, process: int) -> int:
        """Return how many chunks of a process there are."""
        return sum(of == process for of, _ in self.places)

    def read(self, process: int, chunk: int) -> PackedChunk:
        """Return a chunk."""
        first, count, weight_sum = self.places[process, chunk]
        names = [name for name in ("jets", "tracks", schema.VARIATIONS, "images") if name in self.info.datasets]
        found: dict[str, NDArray[np.void]] = {name: rows_at(self.info, name, first, count) for name in names}
        return PackedChunk(found["jets"], found.get("tracks"), weight_sum, found.get(schema.VARIATIONS), found.get("images"))

"""Which chunk comes next, and when there are enough.

Chunks are computed in any order by any number of workers; which rows the file holds depends on chunk numbers
alone. Chunks beyond what is needed may be made and are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pseudoexp.dataset.schema import EVENTS_PER_CHUNK
from pseudoexp.errors import DataError, GenerationError
from pseudoexp.production.chunk import PROCESS_NAMES
from pseudoexp.production.shard import WHOLE, Shard
from pseudoexp.production.worker import Done
from pseudoexp.production.workers import Workers

EMPTY_CHUNKS = 400
"""Chunks of one process without a single row after which there is no point in going on."""
POLL_SECONDS = 0.5
Report = Callable[[int], None]
"""Called with the rows there are, again and again."""


class Supply(NamedTuple):
    """What a process can be made from, where that is not endless: the name of a file, and its events."""

    name: str
    events: int


class Made:
    """Chunks made in this run, and the time their stages took.

    Attributes
    ----------
    chunks, rows : int
        How many.
    seconds : dict
        By stage, of all workers together.
    """

    def __init__(self) -> None:
        self.chunks = self.rows = 0
        self.seconds: dict[str, float] = {}

    def add(self, done: Done) -> None:
        """Count a chunk."""
        self.chunks += 1
        self.rows += done.counted
        for name, seconds in done.times:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds


class ClassState:
    """Chunks of one process: done, in flight, still needed.

    Parameters
    ----------
    process : int
        0 signal, 1 QCD.
    need : int
        Rows to be made, by all shards together.
    done : iterable of (chunk, counted rows)
        What is there already.
    supply : Supply, optional
        Where the events come from, if they can run out.
    shard : Shard, optional
        Which chunks are to be made here.
    """

    def __init__(self, process: int, need: int, done: Iterable[tuple[int, int]] = (), supply: Supply | None = None,
                 shard: Shard = WHOLE) -> None:
        self.process = process
        self.need = need
        self.done = dict(done)
        self.in_flight: set[int] = set()
        self.supply = supply
        self.shard = shard
        self._total = sum(self.done.values())
        self._squares = float(sum(rows * rows for rows in self.done.values()))
        self._prefix_rows = 0
        self._prefix_squares = 0.0
        self._prefix_chunks = 0
        self._next = 0
        self.made = Made()

    @property
    def target(self) -> int:
        """About the rows that are to be made here; exactly, where there are no other shards."""
        return -(-self.need // self.shard.of)

    @property
    def rows(self) -> int:
        """Rows in all finished chunks, at most the target."""
        return min(self._total, self.target)

    def complete(self) -> bool:
        """Return whether the shard's first chunks without a gap give enough rows; a shard may run out of events, too."""
        while not self._enough() and (chunk := self.shard.chunk(self._prefix_chunks)) in self.done:
            self._prefix_rows += self.done[chunk]
            self._prefix_squares += self.done[chunk] ** 2
            self._prefix_chunks += 1
        return self._enough() or (self.shard.of > 1 and self._prefix_chunks == self._supplied())

    def _enough(self) -> bool:
        return self.shard.total(self._prefix_chunks, self._prefix_rows, self._prefix_squares) >= self.need

    def chunks(self) -> int:
        """Return the number of the shard's chunks that give enough rows, once complete."""
        return self._prefix_chunks

    def expected(self) -> float:
        """Return the rows of finished chunks and, at their mean, of those in flight, over the need."""
        if not self.done:
            return 0.0
        all_chunks = 1.0 + len(self.in_flight) / len(self.done)
        chunks = len(self.done) + len(self.in_flight)
        return self.shard.total(chunks, self._total * all_chunks, self._squares * all_chunks) / self.need

    def wants(self) -> bool:
        """Return whether another chunk should be started: enough are not even expected, or there is a gap."""
        if self.complete() or self._is_used_up():
            return False
        return self.expected() < 1.0 or self.gap()

    def _supplied(self) -> int:
        """Return how many chunks of this shard can be made, -1 for any number."""
        return -1 if self.supply is None else self.shard.chunks_below(-(-self.supply.events // EVENTS_PER_CHUNK))

    def _is_used_up(self) -> bool:
        """Return whether every chunk that can be made is done or in flight."""
        return self.supply is not None and len(self.done) + len(self.in_flight) >= self._supplied()

    def require_supply(self) -> None:
        """Raise DataError if all that can be made is done and not enough."""
        if self.supply is None or self.complete() or self.in_flight or not self._is_used_up():
            return
        name, events = self.supply
        enough = f": about {int(1.05 * events * self.need / self._total) + 1} events would do" if self._total else ""
        raise DataError(f"{name}: its {events} events give {self._total} {PROCESS_NAMES[self.process]} rows, {self.need} were "
                        f"needed{enough}")

    def gap(self) -> bool:
        """Return whether the first chunk without a result is not even in flight."""
        return self.shard.chunk(self._prefix_chunks) not in self.in_flight

    def take(self) -> int:
        """Return the shard's lowest chunk that is neither done nor in flight, now in flight."""
        while (chunk := self.shard.chunk(self._next)) in self.done or chunk in self.in_flight:
            self._next += 1
        self.in_flight.add(chunk)
        return chunk

    def put(self, done: Done) -> None:
        """Note a finished chunk."""
        self.in_flight.discard(done.chunk)
        self.done[done.chunk] = done.counted
        self.made.add(done)
        self._total += done.counted
        self._squares += done.counted**2
        if self._total == 0 and len(self.done) >= EMPTY_CHUNKS:
            events = len(self.done) * EVENTS_PER_CHUNK
            raise GenerationError(f"no {PROCESS_NAMES[self.process]} row in {events} events; is pthat_min too low?")


def make_chunks(workers: Workers, classes: list[ClassState], report: Report) -> None:
    """Have chunks made until each class has enough rows."""
    states = {state.process: state for state in classes if state.need}
    report(sum(state.rows for state in states.values()))
    while not all(state.complete() for state in states.values()):
        for state in states.values():
            state.require_supply()
        while workers.free():
            hungry = [state for state in states.values() if state.wants()]
            if not hungry:
                break
            state = min(hungry, key=lambda s: (s.expected(), len(s.in_flight)))
            workers.submit(state.process, state.take())
        for done in workers.finished(POLL_SECONDS):
            states[done.process].put(done)
        report(sum(state.rows for state in states.values()))

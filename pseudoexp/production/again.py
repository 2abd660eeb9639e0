"""Rows from the middle of a file, made again from its configuration.

What comes before tells where to begin: the last row of each class, its event, and how many rows its chunk gave before.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.production.assemble import ClassStream, Order, Rows, Source, interleaved, join_rows
from pseudoexp.production.chunk import OTHER, PackedChunk
from pseudoexp.production.pileup import require_library
from pseudoexp.production.plan import signal_rows
from pseudoexp.production.schedule import POLL_SECONDS
from pseudoexp.production.spool import chunk_path, read_chunk
from pseudoexp.production.worker import Job
from pseudoexp.production.workers import Workers, start_workers


class Passed:
    """What is known of the rows passed so far.

    Parameters
    ----------
    order : Order
        The order of the file's rows.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.rows = 0
        self._units = [0, 0]
        self._chunk = [0, 0]
        self._units_before_chunk = [0, 0]
        self._behind = 0  # rows from the last counted one on, or from the start

    def note(self, jets: NDArray[np.void]) -> None:
        """Pass some rows that are as they should be."""
        counted = np.flatnonzero(jets["flavour_label"] != OTHER)
        process, event = schema.engine_event_numbers(jets["eventNumber"][counted])
        for k in (0, 1):
            chunks = event[process == k] // schema.EVENTS_PER_CHUNK
            if len(chunks):
                if chunks[-1] != self._chunk[k]:
                    self._chunk[k] = int(chunks[-1])
                    self._units_before_chunk[k] = self._units[k] + int(np.argmax(chunks == chunks[-1]))
                self._units[k] += len(chunks)
        self._behind = len(jets) - int(counted[-1]) if len(counted) else self._behind + len(jets)
        self.rows += len(jets)

    def rows_from(self, source: Source, count: int) -> Rows:
        """Return the next `count` rows, fewer at the end; they are not passed yet."""
        last = max(sum(self._units) - 1, 0)  # the last unit may have been cut
        signal = signal_rows(self.order.signal_fraction, last)
        taken = (signal, last - signal)
        streams = (self._stream(source, 0, taken[0]), self._stream(source, 1, taken[1]))
        order = self.order._replace(n=min(self.order.n, last + 1 + count))
        found = join_rows(list(interleaved(order, streams, last)))
        behind = self._behind
        if sum(self._units):
            behind += int(np.argmax(found.jets["flavour_label"] != OTHER))
        return found.at(slice(behind, behind + count))

    def _stream(self, source: Source, process: int, taken: int) -> ClassStream:
        return ClassStream(source, process, self._chunk[process], self._units_before_chunk[process], taken)


class PassedShard:
    """The same for a shard, whose table says where each chunk stands.

    Parameters
    ----------
    table : array of `schema.CHUNK_DTYPE`
        Its chunks.
    """

    def __init__(self, table: NDArray[np.void]) -> None:
        self.rows = 0
        self._table = table
        self._ends = np.cumsum(table["rows"], dtype=np.int64)

    def note(self, jets: NDArray[np.void]) -> None:
        """Pass some rows."""
        self.rows += len(jets)

    def rows_from(self, source: Source, count: int) -> Rows:
        """Return the next `count` rows; they are not passed yet."""
        first = int(np.searchsorted(self._ends, self.rows, "right"))
        last = int(np.searchsorted(self._ends, self.rows + count, "left"))
        pieces = []
        for line in self._table[first:last + 1]:
            chunk = source(int(line["process"]), int(line["chunk"]))
            pieces.append(Rows(chunk.jets, chunk.tracks, np.zeros(len(chunk.jets), np.int64), chunk.variations, chunk.images))
        start = self.rows - int(self._ends[first] - self._table["rows"][first])
        return join_rows(pieces).at(slice(start, start + count))


class MadeAgain:
    """Chunks of a configuration, made when they are asked for.

    Parameters
    ----------
    job : Job
        What makes them, and the folder to keep them in.
    threads : int
        Worker processes, 0 for one per core; none is started before the first chunk is asked for.
    tell : callable
        Called with a line for the user, 0, 0.
    step : int, optional
        Distance of the chunks that are likely to be asked for one after the other.
    """

    def __init__(self, job: Job, threads: int, tell: Callable[[str, int, int], None], step: int = 1) -> None:
        self._job = job
        self._threads = threads
        self._tell = tell
        self._workers: Workers | None = None
        self._step = step
        self._asked: set[tuple[int, int]] = set()

    def __call__(self, process: int, chunk: int) -> PackedChunk:
        """Return a chunk; those that will be asked for next are begun."""
        path = chunk_path(self._job.folder, process, chunk)
        if self._workers is None:
            require_library(self._job.config, self._threads, self._tell)
            self._workers = start_workers(self._job, self._threads, 64)
        while not path.exists():
            ahead = 0 if self._job.config.engine == "hepmc" else 64  # its events may end
            for number in range(chunk, chunk + self._step * ahead + 1, self._step):
                if (process, number) not in self._asked and self._workers.free():
                    self._workers.submit(process, number)
                    self._asked.add((process, number))
            self._workers.finished(POLL_SECONDS)
            if notice := self._workers.notice():
                self._tell(notice, 0, 0)
        return read_chunk(path)

    def __enter__(self) -> MadeAgain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._workers is not None:
            self._workers.close()

"""Rows from the middle of a file: wherever it is taken up again, the next rows are those of the whole."""

from __future__ import annotations

import fake_chunks
import numpy as np
import pytest

from pseudoexp.dataset import schema
from pseudoexp.production.again import Passed, PassedShard
from pseudoexp.production.assemble import ClassStream, Order, interleaved, join_rows
from pseudoexp.production.chunk import PackedChunk, pack
from pseudoexp.production.run_config import RunConfig


class Chunks:
    """Chunks by process and number, made when they are asked for, and which were."""

    def __init__(self, config: RunConfig) -> None:
        self.config, self.asked, self._made = config, set(), {}

    def __call__(self, process: int, chunk: int) -> PackedChunk:
        """Return one chunk."""
        self.asked.add((process, chunk))
        if (process, chunk) not in self._made:
            self._made[process, chunk] = pack(self.config, process, chunk,
                                              fake_chunks.make_chunk(self.config, process, chunk))
        return self._made[process, chunk]


@pytest.mark.parametrize("options", [{}, {"keep_unmatched": True}, {"keep_unmatched": True, "signal_fraction": 0.3},
                                     {"signal_fraction": 1.0, "keep_unmatched": True, "variations": True}])
def test_any_place_is_as_good_as_the_start(options: dict[str, float]) -> None:
    """In pieces of whatever size, with `other` rows beside their events, over the ends of chunks, up to the last row."""
    config = RunConfig.from_options(900, **options)
    chunks = Chunks(config)
    order = Order.of(config)
    whole = join_rows(list(interleaved(order, (ClassStream(chunks, 0), ClassStream(chunks, 1)))))
    rng = np.random.default_rng(1)
    for _ in range(25):
        passed = Passed(order)
        start = int(rng.integers(0, len(whole.jets)))
        at = 0
        while at < start:
            step = min(int(rng.integers(1, 400)), start - at)
            passed.note(whole.jets[at:at + step])
            at += step
        assert passed.rows == start
        count = int(rng.integers(1, 120))
        found = passed.rows_from(chunks, count)
        assert np.array_equal(found.jets, whole.jets[start:start + count])
        if found.variations is not None:
            assert np.array_equal(found.variations, whole.variations[start:start + count])
        assert passed.rows == start


def test_only_chunks_from_there_on_are_made() -> None:
    """What is known of the rows before says in which chunks to begin."""
    config = RunConfig.from_options(1200)
    chunks = Chunks(config)
    order = Order.of(config)
    whole = join_rows(list(interleaved(order, (ClassStream(chunks, 0), ClassStream(chunks, 1)))))
    passed = Passed(order)
    passed.note(whole.jets[:900])
    process, event = schema.engine_event_numbers(whole.jets["eventNumber"][:900])
    last = [int(event[process == k].max()) // schema.EVENTS_PER_CHUNK for k in (0, 1)]
    again = Chunks(config)
    assert np.array_equal(passed.rows_from(again, 10).jets, whole.jets[900:910])
    assert min(last) > 0 and all(chunk >= last[k] for k, chunk in again.asked) and len(again.asked) <= 4


def test_a_shard_goes_by_its_table() -> None:
    """Chunks of both processes in the order of the table, any rows of which can be taken up."""
    config = RunConfig.from_options(900, keep_unmatched=True)
    chunks, lines = Chunks(config), [(0, 1), (1, 1), (0, 4), (1, 4), (1, 7)]
    table = np.zeros(len(lines), schema.CHUNK_DTYPE)
    for k, (process, chunk) in enumerate(lines):
        table[k]["process"], table[k]["chunk"], table[k]["rows"] = process, chunk, len(chunks(process, chunk).jets)
    whole = schema.join([chunks(*line).jets for line in lines])
    for start in (0, 1, int(table["rows"][0]) - 1, int(table["rows"][0]), 300, len(whole) - 5):
        passed, again = PassedShard(table), Chunks(config)
        passed.note(whole[:start])
        assert passed.rows == start
        assert np.array_equal(passed.rows_from(again, 20).jets, whole[start:start + 20])
        assert len(again.asked) <= 2

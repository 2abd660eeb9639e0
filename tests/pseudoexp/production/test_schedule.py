"""Enough chunks, no gaps, both classes, an end for hopeless cases."""

import numpy as np
import pytest

from pseudoexp.errors import DataError, GenerationError
from pseudoexp.production.schedule import EMPTY_CHUNKS, ClassState, Supply, make_chunks
from pseudoexp.production.worker import Done


class OutOfOrder:
    """Workers that finish in random order with random yields; remembers what was asked."""

    def __init__(self, size: int, rows, seed: int = 1) -> None:
        self.size, self.rows, self.rng = size, rows, np.random.default_rng(seed)
        self.running: list[tuple[int, int]] = []
        self.asked: list[tuple[int, int]] = []

    def free(self) -> int:
        return self.size - len(self.running)

    def submit(self, process: int, chunk: int) -> None:
        assert self.free() > 0
        self.running.append((process, chunk))
        self.asked.append((process, chunk))

    def finished(self, seconds: float) -> list[Done]:
        assert self.running, "waiting for nothing"
        task = self.running.pop(self.rng.integers(len(self.running)))
        return [Done(*task, self.rows(*task))]

    def close(self) -> None:
        pass


def rows(process: int, chunk: int) -> int:
    return int(np.random.default_rng([process, chunk]).poisson(120 if process == 0 else 150))


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_enough_without_gaps_and_little_too_much(size):
    workers, reports = OutOfOrder(size, rows), []
    states = [ClassState(0, 5000), ClassState(1, 3000)]
    make_chunks(workers, states, reports.append)
    for state in states:
        needed = state.chunks()
        assert sum(rows(state.process, c) for c in range(needed)) >= state.need
        assert sum(rows(state.process, c) for c in range(needed - 1)) < state.need
        assert len(state.done) <= needed + size
    assert len(set(workers.asked)) == len(workers.asked)
    assert reports == sorted(reports) and reports[0] == 0 and reports[-1] == 8000


def test_class_without_rows_is_not_asked():
    workers = OutOfOrder(2, rows)
    make_chunks(workers, [ClassState(0, 0), ClassState(1, 500)], lambda done: None)
    assert {process for process, _ in workers.asked} == {1}


def test_resume_fills_gaps_only():
    workers = OutOfOrder(2, lambda process, chunk: 100)
    states = [ClassState(1, 1000, [(c, 100) for c in (0, 1, 3, 4, 5, 6, 7, 9, 30)])]
    make_chunks(workers, states, lambda done: None)
    assert {chunk for _, chunk in workers.asked} >= {2, 8} and states[0].chunks() == 10
    assert not {chunk for _, chunk in workers.asked} & {0, 1, 3, 4, 5, 6, 7, 9, 30}


def test_uneven_yields_do_not_stall():
    workers = OutOfOrder(3, lambda process, chunk: 1000 if chunk == 0 else chunk % 2)
    make_chunks(workers, [ClassState(0, 1030)], lambda done: None)


def test_no_rows_at_all_ends():
    with pytest.raises(GenerationError, match="no signal row"):
        make_chunks(OutOfOrder(2, lambda process, chunk: 0), [ClassState(0, 10)], lambda done: None)
    assert EMPTY_CHUNKS < 10_000


def test_events_that_run_out():
    """A file of 600 events gives three chunks; a chunk in flight may still bring enough."""
    state = ClassState(0, 300, supply=Supply("a.hepmc", 600))
    assert [state.take() for _ in range(3) if state.wants()] == [0, 1, 2] and not state.wants()
    for chunk in (0, 1):
        state.put(Done(0, chunk, 100))
        state.require_supply()
    state.put(Done(0, 2, 40))
    with pytest.raises(DataError, match=r"a.hepmc: its 600 events give 240 signal rows, 300 were needed: about 788 events"):
        state.require_supply()
    enough = ClassState(0, 240, [(0, 100), (1, 100), (2, 40)], Supply("a.hepmc", 600))
    enough.require_supply()
    assert enough.complete()

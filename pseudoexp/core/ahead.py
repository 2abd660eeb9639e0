"""Work done in threads ahead of whoever wants its results, in order and never more than a few ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice, repeat
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], count: int) -> Generator[T, None, None]:
    """Yield the items of an iterator, of which the next `count` are made in a thread while the caller has the one before.

    None among them ends it. For threads and errors see `done_ahead`.
    """
    for item in done_ahead(repeat(partial(next, items, None)), 1, count):
        if item is None:
            return
        yield item


def done_ahead(tasks: Iterator[Callable[[], T]], threads: int, count: int) -> Generator[T, None, None]:
    """Yield what the tasks return, in their order; up to `count` beyond the one wanted are begun by `threads` threads.

    The first error is raised here and ends it. The threads start with the first result asked for and have ended when the last
    is there, when an error is raised, and when the iterator is dropped.
    """
    pool = ThreadPoolExecutor(threads, "pseudoexp-ahead")
    try:
        waiting: deque[Future[T]] = deque(map(pool.submit, islice(tasks, count)))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(map(pool.submit, islice(tasks, 1)))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)

"""One of n parts of a production that need not know of each other: every n-th chunk of each process.

How many chunks the file takes is known only when all are there. A shard judges by its own chunks, and makes so many that
all shards together fall short of the rows needed once in a billion times: it takes `MARGIN` standard errors more than
its share.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pseudoexp.errors import ConfigError

MARGIN = 6.0
MAX_SHARDS = 1_000_000


class Shard(NamedTuple):
    """Part `number` (from 0) of `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number + 1}/{self.of}"

    def chunk(self, k: int) -> int:
        """Return the number of the shard's chunk k."""
        return k * self.of + self.number

    def holds(self, chunk: int) -> bool:
        """Return whether a chunk is one of this shard's."""
        return chunk % self.of == self.number

    def chunks_below(self, chunks: int) -> int:
        """Return how many of the chunks 0 ... chunks - 1 are this shard's."""
        return len(range(self.number, chunks, self.of))

    def total(self, chunks: int, rows: float, squares: float) -> float:
        """Return the rows that all shards can count on, judged by some of this one's chunks.

        Parameters
        ----------
        chunks : int
            How many there are.
        rows, squares : float
            Sums of their rows and of the squares of them.
        """
        if self.of == 1 or chunks == 0:
            return rows
        mean = rows / chunks
        variance = max(squares / chunks - mean * mean, mean, 1.0)
        return self.of * rows - MARGIN * math.sqrt(variance * chunks * self.of * (self.of - 1))


WHOLE = Shard(0, 1)


def parse_shard(text: Any) -> Shard:
    """Return the shard of a text such as "3/8", `WHOLE` for an empty one; ConfigError for anything else."""
    if not text:
        return WHOLE
    index, _, of = str(text).partition("/")
    if not (index.isdecimal() and of.isdecimal() and len(of) < 9 and 1 <= int(index) <= int(of) <= MAX_SHARDS):
        raise ConfigError(f"shard = {str(text)!r}; allowed: i/n with 1 <= i <= n <= {MAX_SHARDS}, such as 3/8")
    return Shard(int(index) - 1, int(of))

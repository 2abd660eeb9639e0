"""How long to make the rows of a table that a kernel reads side by side."""

from __future__ import annotations

_PAGE = 512
_SHIFT = 40


def row_length(capacity: int) -> int:
    """Return a length of rows of eight-byte numbers, `capacity` or a little more.

    A cache keeps a line in one of few places, chosen by its address modulo 4096 (or more). Rows whose length in bytes is
    a multiple of that push each other out when more than a handful are read at the same column; here each row
    is shifted by five lines against the one before.
    """
    return -(-capacity // _PAGE) * _PAGE + _SHIFT

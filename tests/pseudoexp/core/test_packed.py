"""Records read as the tables they were made of, by kernels and by Python."""

from typing import NamedTuple

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.packed import packed, unpacked, zero_record


class Inner(NamedTuple):
    values: np.ndarray
    factor: float


class Table(NamedTuple):
    inner: Inner
    flag: np.ndarray
    number: int
    square: np.ndarray


TABLE = Table(Inner(np.arange(3.0), 0.5), np.array([True, False]), -7, np.arange(6, dtype=np.int16).reshape(2, 3))


@kernel
def total(table):
    """Sum up everything that is flagged."""
    sum_ = table.inner.factor * table.inner.values[2] + table.number
    for i in range(len(table.flag)):
        for k in range(table.square.shape[1]):
            if table.flag[i]:
                sum_ += table.square[i, k]
    return sum_


def test_kernels_read_a_record_as_they_read_the_table():
    assert total(packed(TABLE)) == total(TABLE) == 0.5 * 2.0 - 7 + 0 + 1 + 2


def test_a_record_of_records_holds_copies_of_both():
    table = packed(TABLE)
    outer = packed(Table(table.inner, TABLE.flag, 1, TABLE.square))
    table.inner.values[2] = 100.0
    assert outer.inner.values.tolist() == [0.0, 1.0, 2.0] == TABLE.inner.values.tolist()
    assert outer.inner.factor == 0.5


@pytest.mark.parametrize("n", [1, 3, 64, 1001])
def test_records_begin_with_a_cache_line_and_hold_zeros(n):
    record = zero_record(np.dtype([("byte", np.uint8, n)]))
    assert record.byte.ctypes.data % 64 == 0
    assert not record.byte.any()


def test_unpacked_is_what_was_packed_and_shares_its_memory():
    record = packed(TABLE)
    again = unpacked(record, Table)
    assert again.flag.tolist() == [True, False]
    assert again.flag.dtype == np.bool_
    assert (again.square == TABLE.square).all()
    record.square[0, 0] = 9
    assert again.square[0, 0] == 9


def test_names_that_records_have_are_refused():
    class Bad(NamedTuple):
        mean: np.ndarray

    with pytest.raises(ValueError, match="mean"):
        packed(Bad(np.zeros(1)))

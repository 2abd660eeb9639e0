"""Rows of tables do not compete for the same places of a cache."""

from pseudoexp.core.layout import row_length


def test_rows_are_long_enough_and_spread_over_the_cache():
    for capacity in (1, 511, 512, 513, 4096, 8192):
        length = row_length(capacity)
        assert capacity <= length < capacity + 552
        assert len({8 * length * row // 64 % 64 for row in range(16)}) == 16

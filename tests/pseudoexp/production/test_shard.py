"""Shards: which chunks are whose, how many are enough, and what is no shard."""

import numpy as np
import pytest

from pseudoexp.errors import ConfigError
from pseudoexp.production.schedule import ClassState, Supply
from pseudoexp.production.shard import WHOLE, Shard, parse_shard
from pseudoexp.production.worker import Done


def test_names():
    assert parse_shard("") == WHOLE == parse_shard("1/1") and parse_shard("3/8") == Shard(2, 8)
    assert str(Shard(2, 8)) == "3/8"


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "/8", "a/b", "-1/8", "1/0", "1/99999999", "1/2/3", "1.0/2", "²/3"])
def test_no_shards(text):
    with pytest.raises(ConfigError, match="allowed: i/n"):
        parse_shard(text)


@pytest.mark.parametrize("of", [1, 2, 7])
def test_every_chunk_belongs_to_one_shard(of):
    shards = [Shard(i, of) for i in range(of)]
    owned = sorted(shard.chunk(k) for shard in shards for k in range(5))
    assert owned == list(range(5 * of))
    for chunks in (0, 1, 13):
        assert [shard.chunks_below(chunks) for shard in shards] == [sum(s.holds(c) for c in range(chunks)) for s in shards]


def made(need, shard, rows, supply=None):
    state = ClassState(0, need, supply=supply, shard=shard)
    while not state.complete():
        assert state.wants()
        chunk = state.take()
        assert shard.holds(chunk)
        state.put(Done(0, chunk, rows(chunk)))
    return state


def poisson(chunk):
    return int(np.random.default_rng(chunk).poisson(120))


@pytest.mark.parametrize(("need", "of"), [(1, 3), (3000, 5), (100_000, 4), (100_000, 50)])
def test_all_shards_together_are_enough_and_little_more(need, of):
    states = [made(need, Shard(i, of), poisson) for i in range(of)]
    have = {chunk for state in states for chunk in (state.shard.chunk(k) for k in range(state.chunks()))}
    needed = int(np.searchsorted(np.cumsum([poisson(c) for c in range(len(have) * 3)]), need)) + 1
    assert have >= set(range(needed))
    assert len(have) <= needed + 8 * of * (1 + np.sqrt(needed / of)) * 6 / np.sqrt(120)


def test_chunks_of_uneven_yield_take_a_larger_margin():
    uneven = made(10_000, Shard(0, 4), lambda chunk: 240 * (chunk // 4 % 2))
    assert uneven.chunks() > made(10_000, Shard(0, 4), lambda chunk: 120).chunks() + 5


def test_a_shard_ends_where_the_events_do():
    state = made(10_000, Shard(1, 3), lambda chunk: 100, Supply("a.hepmc", 1300))  # chunks 0 ... 5
    assert state.chunks() == 2 and sorted(state.done) == [1, 4]
    state.require_supply()

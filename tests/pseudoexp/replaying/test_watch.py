"""Watching functions."""

import types

import pytest

from pseudoexp.replaying.watch import Watch, watching


def test_calls_are_told_and_the_function_is_put_back():
    module = types.ModuleType("toy")
    module.add = add = lambda one, two=2: one + two
    told = []
    watch = Watch(module, "add", lambda got, result, note: told.append((got, result, note)), lambda got: got["one"] * 10)
    with watching([watch]):
        assert module.add(1) == 3 and module.add(2, two=5) == 7
    assert told == [({"one": 1}, 3, 10), ({"one": 2, "two": 5}, 7, 20)]
    assert module.add is add
    with pytest.raises(RuntimeError), watching([watch]):
        raise RuntimeError
    assert module.add is add
    with pytest.raises(AttributeError, match="nothing"), watching([Watch(module, "nothing")]):
        pass

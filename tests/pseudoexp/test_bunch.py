import copy
import pickle

import pytest

from pseudoexp.bunch import Bunch


def test_attributes_are_items():
    bunch = Bunch(a=1, b=[2])
    assert bunch.a == bunch["a"] == 1 and list(bunch) == ["a", "b"]
    bunch.c = 3
    assert bunch["c"] == 3 and "c" in dir(bunch) and repr(bunch) == "Bunch(a, b, c)"
    del bunch.c
    with pytest.raises(AttributeError, match="no 'c' here; there are a, b"):
        _ = bunch.c
    with pytest.raises(AttributeError):
        del bunch.c


def test_copies_and_pickles():
    bunch = Bunch(a=1, b=[2])
    for other in (bunch.copy(), copy.copy(bunch), copy.deepcopy(bunch), pickle.loads(pickle.dumps(bunch))):
        assert type(other) is Bunch and other == bunch

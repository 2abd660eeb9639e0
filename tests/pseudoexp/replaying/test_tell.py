"""The process that tells a story: one event cut out of a chunk, errors written down as such."""

import pickle

import numpy as np
import pytest
from real_events import events, some
from toy_story import toy_story

from pseudoexp.errors import ConfigError
from pseudoexp.replaying import tell
from pseudoexp.replaying.tell import last_event, main


@pytest.mark.parametrize("name", ["signal", "qcd"])
@pytest.mark.parametrize("n", [1, 7])
def test_the_last_event_alone_is_the_event(name, n):
    found, expected = last_event(some(events(name), 10, 10 + n)), some(events(name), 9 + n, 10 + n)
    for field in expected._fields:
        assert np.array_equal(getattr(found, field), getattr(expected, field)), field


def refuse(request):
    raise ConfigError(f"no {request}")


def answer(request):
    assert set(np.geterr().values()) == {"ignore"}  # as in compiled kernels
    return toy_story(number=request)


def test_what_is_written(tmp_path, monkeypatch):
    (tmp_path / "asked").write_bytes(pickle.dumps(50))

    def written(made):
        monkeypatch.setattr(tell, "tell", made)
        main(tmp_path / "asked", tmp_path / "answer")
        return pickle.loads((tmp_path / "answer").read_bytes())

    assert written(refuse) == ("ConfigError", "no 50") and written(answer).number == 50


def test_failures_of_ours_are_left_to_whoever_asked(tmp_path, monkeypatch):
    (tmp_path / "asked").write_bytes(pickle.dumps(50))
    monkeypatch.setattr(tell, "tell", lambda request: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        main(tmp_path / "asked", tmp_path / "answer")
    assert not (tmp_path / "answer").exists()

"""One event: which attempt it comes from, what is given up, and that early stages do not know of late ones."""

import numpy as np
import pytest

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.rng import Stream, event_stream
from pseudoexp.engines.builtin import event
from pseudoexp.engines.builtin.chunk import generate_chunk
from pseudoexp.engines.builtin.event import FULL, HOPELESS, IMPOSSIBLE, MOST_ATTEMPTS, attempt_stream, engine_workspace
from pseudoexp.engines.builtin.prospects import WHOLE
from pseudoexp.engines.builtin.variations import BOWLER, NAMES
from pseudoexp.engines.settings import EngineSettings

STREAM = event_stream(5, QCD, 77)


def plain(kernel):
    """Return the Python function of a kernel, also where nothing is compiled."""
    return getattr(kernel, "py_func", kernel)


@pytest.fixture(scope="module")
def workspace():
    return engine_workspace(1, varied=True)


def test_other_attempts_have_other_numbers():
    """Attempt 0 has the event's own; the event and its number stay the same."""
    streams = [attempt_stream(STREAM, k) for k in range(50)]
    assert tuple(map(int, streams[0])) == tuple(map(int, STREAM))
    assert len({int(s.key1) for s in streams}) == 50 and all(int(s.key1) < 2**32 for s in streams)
    assert all((s.key0, s.event_low, s.event_high) == (STREAM.key0, STREAM.event_low, STREAM.event_high) for s in streams)


@pytest.mark.parametrize(("codes", "expected"), [
    ([0], 1), ([IMPOSSIBLE, -4, 0], 3), ([IMPOSSIBLE, FULL, 0], FULL), ([IMPOSSIBLE] * MOST_ATTEMPTS, IMPOSSIBLE)])
def test_attempts(codes, expected, workspace, monkeypatch):
    """An impossible event is tried again, up to a hundred times; a full list ends it; weights of variations start at one."""
    seen = []

    def attempt(process, stream, number, asked, tables, ws):
        seen.append((process, stream, number, asked))
        ws.shower[0].weights[:] *= 1.0 + number
        return codes[number], 0.25, 300.0

    monkeypatch.setattr(event, "attempt_event", attempt)
    workspace.shower[0].weights[:] = workspace.strings.walk.weights[:] = 7.0
    code, weight, pthat = plain(event.make_event)(QCD, STREAM, WHOLE, None, workspace)
    assert (code, weight, pthat) == (expected, 0.25, 300.0)
    assert [k for *_, k, _ in seen] == list(range(len(seen))) and all(isinstance(s, Stream) for _, s, *_ in seen)
    if code > 0:
        assert len(seen) == expected
        assert workspace.weights[:BOWLER] == pytest.approx(np.prod(1.0 + np.arange(expected)))
        assert workspace.weights[BOWLER:].tolist() == [1.0, 1.0] and len(workspace.weights) == len(NAMES)


@pytest.mark.parametrize(("weight", "partons", "hadrons", "decays", "expected", "reached"), [
    (1.0, 0, 3, 9, 0, "hpsd"), (-1.0, 0, 3, 9, FULL, "h"), (1.0, HOPELESS, 3, 9, 0, "hp"), (1.0, 0, 3, -1, FULL, "hpsd"),
    (1.0, IMPOSSIBLE, 3, 9, IMPOSSIBLE, "hp"), (1.0, -4, 3, 9, -4, "hp"), (1.0, 0, IMPOSSIBLE, 9, IMPOSSIBLE, "hps"),
    (1.0, 0, FULL, 9, FULL, "hps")])
def test_stages_of_an_attempt(weight, partons, hadrons, decays, expected, reached, workspace, monkeypatch):
    """Each stage only if those before it went well; an event without prospects is one without particles."""
    called, streams = [], []

    def stage(letter, result, place=None):
        def run(*arguments):
            called.append(letter)
            streams.append(arguments[place] if place is not None else None)
            return result
        return run

    monkeypatch.setattr(event, "sample_hard_process", stage("h", (weight, 200.0)))
    monkeypatch.setattr(event, "_partons", stage("p", partons, 1))
    monkeypatch.setattr(event, "hadronise", stage("s", hadrons, 4))
    monkeypatch.setattr(event, "decay_all", stage("d", decays, 4))
    workspace.hadrons.filled[0] = 5
    tables = type("Tables", (), {"hard": None, "strings": None, "species": None, "decays": None})
    code, found, pthat = plain(event.attempt_event)(QCD, STREAM, 2, WHOLE, tables, workspace)
    assert (code, found, pthat) == (expected, weight, 200.0) and "".join(called) == reached
    assert weight < 0.0 or workspace.hadrons.filled[0] == 0
    assert all(int(s.key1) == int(attempt_stream(STREAM, 2).key1) for s in streams if s is not None)


@pytest.fixture(scope="module", params=[SIGNAL, QCD], ids=["signal", "qcd"])
def batch(request):
    return request.param, generate_chunk(request.param, 1, 0, 200, EngineSettings())


def test_hard_partons_are_those_before_showers(batch):
    """Back to back, at pT-hat in front of masses; the Higgs boson is the first and takes a recoil later."""
    process, events = batch
    pt = np.hypot(events.partons[:, :, 0], events.partons[:, :, 1])
    assert pt == pytest.approx(np.tile(events.pthat[:, None], 2), rel=0.05)
    np.testing.assert_allclose(events.partons[:, 0, :2], -events.partons[:, 1, :2], rtol=1e-9)
    if process == SIGNAL:
        assert (events.partons[:, 0, 4] == 25).all() and (abs(events.partons[:, 1, 4]) == 5).all()
        assert (np.abs(events.higgs - events.partons[:, 0, :4]).max(axis=1) > 1e-3).all()
    else:
        assert not events.higgs.any()


def test_weights_follow_the_bias(batch):
    """Weight times (pT-hat / 250 GeV)^4 is the same in all events, whatever became of them."""
    _, events = batch
    flat = events.weight * (events.pthat / 250.0) ** 4
    assert flat == pytest.approx(np.full(len(flat), flat[0]), rel=1e-9)

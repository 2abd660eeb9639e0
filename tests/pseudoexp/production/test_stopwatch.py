"""Times of a chunk's stages: summed up, taken once, kept apart from those of kernels."""

import pytest

from pseudoexp.core import laps
from pseudoexp.production import stopwatch
from pseudoexp.production.stopwatch import EVENTS, PACKING, ROWS, stage, start, take


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Return a clock that is set by hand; nothing is measured before or behind a test."""
    start()
    time = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: time[0])
    yield time
    start()


def spend(clock, name, seconds):
    with stage(name):
        clock[0] += seconds


def test_stages_add_up_and_are_taken_once(clock):
    for seconds in (1.0, 2.0):
        spend(clock, EVENTS, seconds)
        clock[0] += 10.0  # between stages
    spend(clock, PACKING, 0.5)
    assert take() == ((EVENTS, 3.0), (PACKING, 0.5)) and take() == ()
    spend(clock, EVENTS, 1.0)
    start()
    assert take() == ()


def test_a_stage_that_fails_is_timed_and_raises(clock):
    with pytest.raises(ZeroDivisionError), stage(ROWS):
        clock[0] += 2.0
        raise ZeroDivisionError
    assert take() == ((ROWS, 2.0),)


def test_parts_are_told_with_the_stage_they_belong_to_and_only_when_asked_for(clock, monkeypatch):
    measured = []
    monkeypatch.setattr(laps, "measure", measured.append)
    monkeypatch.setattr(laps, "take", lambda: {laps.CHAIN_STAGES[0]: 0.5, laps.ENGINE_STAGES[1]: 0.25})
    spend(clock, EVENTS, 1.0)
    assert take() == ((EVENTS, 1.0),) and measured == []
    start(parts=True)
    spend(clock, EVENTS, 1.0)
    assert take() == ((EVENTS, 1.0), (f"events: {laps.ENGINE_STAGES[1]}", 0.25), (f"{ROWS}: {laps.CHAIN_STAGES[0]}", 0.5))
    start()
    assert measured == [True, False] and take() == ()

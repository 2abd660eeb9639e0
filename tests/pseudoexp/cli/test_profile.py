"""What `generate --profile` prints: microseconds per row and event, shares of the workers' time, nothing unaccounted for."""

import re

import pytest

from pseudoexp.bunch import Bunch
from pseudoexp.cli.profile import profile_text


@pytest.fixture
def summary():
    """1000 signal rows of 2000 events in 6 s, 500 QCD rows of 10,000 events in 2 s."""
    parts = {"detector": {"fits": 1.0, "strings": 0.5}}  # strings come first in an event
    signal = Bunch(rows=1000, events=2000, seconds={"events": 2.0, "detector": 4.0}, parts=parts)
    qcd = Bunch(rows=500, events=10_000, seconds={"events": 1.5, "packing": 0.5}, parts={})
    return Bunch(rows={"hbb": 900, "qcd": 400}, profile=Bunch(signal=signal, qcd=qcd, file={"writing": 0.26}))


def lines(text):
    """Return name -> values of the lines with figures."""
    return {line[:32].strip(): [float(number) for number in re.findall(r"-?[\d.]+", line[32:])] for line in text.splitlines()[3:]}


def test_times_per_row_and_event_and_shares(summary):
    found = lines(profile_text(summary))
    assert found["events"] == [2000, 1000, 33.3, 3000, 150, 75, 43.8, 3.5]  # (2 + 1.5) s of 8 s
    assert found["together"] == [6000, 3000, 100, 4000, 200, 100, 100, 8]
    assert found["writing (whole run)"] == [200, 0.26]  # of 1300 rows in the file


def test_stages_add_up_to_the_whole_and_parts_to_their_stage(summary):
    found = lines(profile_text(summary))
    stages, parts = ("events", "detector", "packing"), ("strings", "fits", "between kernels")
    for total, names in (("together", stages), ("detector", parts)):
        for column in (0, 1, 7):
            assert sum(found[name][column] for name in names) == pytest.approx(found[total][column])


def test_parts_stand_in_the_order_of_an_event(summary):
    summary.profile.signal.parts["detector"] = {"tracks": 0.1, "strings": 0.5, "something else": 0.1}
    names = [line[:32].strip() for line in profile_text(summary).splitlines()]
    own = names[names.index("detector") + 1:names.index("packing")]
    assert own == ["strings", "tracks", "something else", "between kernels"]


def test_a_part_that_took_longer_than_its_stage_leaves_no_negative_rest(summary):
    """The clocks are not the same."""
    summary.profile.signal.parts["detector"] = {"strings": 4.1}
    assert lines(profile_text(summary))["between kernels"] == [0.0] * 8


def test_without_rows_there_is_nothing_to_divide_by(summary):
    summary.profile.qcd.rows = summary.profile.qcd.events = 0
    summary.profile.qcd.seconds = {}
    assert lines(profile_text(summary))["together"][3:6] == [0, 0, 0]
    summary.profile.signal.rows = 0
    assert profile_text(summary) == "profile: no row was made in this run" == profile_text(Bunch(rows={"hbb": 9}))

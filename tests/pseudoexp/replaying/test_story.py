"""What a story gives to programs."""

import json

import pytest
from toy_story import toy_story

from pseudoexp.dataset.digest import finite
from pseudoexp.replaying.story import STAGES, TITLES


def test_every_stage_has_a_title():
    assert set(TITLES) == set(STAGES)


def test_facts_and_tables_by_their_names():
    story = toy_story()
    assert story.fact("hard", "pthat") == 150.25 and story.table("hard", "none") == []
    assert story.table("hard", "partons")[0] == {"parton": "b", "pT": 123.456, "last": True}
    with pytest.raises(KeyError):
        story.fact("soup", "pthat")


def test_everything_but_the_picture_is_plain():
    story = toy_story()
    found = json.loads(json.dumps(finite(story.as_dict()), allow_nan=False))
    assert (found["eventNumber"], found["process"], found["event"], found["card"]) == (40, "signal", 20, "atlas-itk")
    assert found["stages"]["shower"] == {"missing": "not followed"} and found["stages"]["row"]["rows"] == 2
    assert [line["pT"] for line in found["stages"]["hard"]["partons"]] == [123.456, None, None]
    assert list(found["rows"][0]) == list(story.rows.dtype.names) and found["rows"][1]["pt"] == float(story.rows["pt"][1])
    assert "picture" not in found

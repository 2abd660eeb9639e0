"""Splits cover all rows once, and the counts of tried events agree with them."""

import numpy as np
import pytest

from pseudoexp.dataset import schema
from pseudoexp.dataset.splits import RESIDUES, events_in_split, in_split
from pseudoexp.errors import ConfigError


def test_every_event_is_in_exactly_one_split():
    numbers = np.arange(1000)
    assert (np.sum([in_split(numbers, split) for split in RESIDUES], axis=0) == 1).all()
    assert in_split(numbers, None).all()
    assert in_split(numbers, "train").mean() == 0.8


@pytest.mark.parametrize("tried", [0, 1, 8, 9, 10, 11, 1234])
def test_tried_events_per_split(tried):
    for process in (0, 1):
        numbers = schema.file_event_number(process, np.arange(tried))
        for split in (*RESIDUES, None):
            assert events_in_split(tried, split) == in_split(numbers, split).sum()


def test_unknown_split():
    with pytest.raises(ConfigError, match="train, val, test"):
        in_split(np.arange(3), "valid")

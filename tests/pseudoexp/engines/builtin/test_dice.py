"""Random numbers of a stage: uniform, repeatable, independent of other stages and items."""

import numpy as np
import pytest
from scipy.stats import kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream, uniform4
from pseudoexp.engines.builtin.dice import SHOWER, STRING, Dice, new_dice, throw, throw_from


@kernel
def thrown(dice: Dice, event: int, stage: int, item: int, n: int) -> np.ndarray:
    """Return the first n numbers of a stage and item."""
    throw_from(dice, event_stream(7, SIGNAL, event), stage, item)
    values = np.empty(n)
    for i in range(n):
        values[i] = throw(dice)
    return values


@kernel
def drawn(event: int, item: int, purpose: int) -> tuple[float, float, float, float]:
    """Return four numbers of the engine's stage of the event's stream."""
    return uniform4(event_stream(7, SIGNAL, event), 0, item, purpose)


def test_uniform():
    values = thrown(new_dice(), 3, SHOWER, 0, 100_000)
    assert values.min() > 0.0
    assert values.max() < 1.0
    assert kstest(values, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.015


def test_start_again_gives_the_same_numbers():
    dice = new_dice()
    first = thrown(dice, 3, STRING, 5, 11)
    thrown(dice, 4, SHOWER, 0, 3)
    assert thrown(dice, 3, STRING, 5, 13)[:11].tolist() == first.tolist()


@pytest.mark.parametrize("other", [(4, STRING, 5), (3, SHOWER, 5), (3, STRING, 6)])
def test_event_stage_and_item_name_the_numbers(other):
    dice = new_dice()
    assert not set(thrown(dice, 3, STRING, 5, 100)) & set(thrown(dice, *other, 100))


def test_numbers_are_those_of_the_stream():
    got = thrown(new_dice(), 3, STRING, 5, 8)
    expected = [u for purpose in (0, 1) for u in drawn(3, STRING * 2**24 + 5, purpose)]
    assert got.tolist() == expected

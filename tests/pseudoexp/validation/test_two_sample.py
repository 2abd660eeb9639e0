"""The two-sample test finds what is there and nothing else."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pseudoexp.errors import DataError
from pseudoexp.validation.two_sample import Rows, area_under_curve, two_sample_test

NAMES = ("a", "b", "c")


def sample(seed, n=1500, shift=0.0, twist=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    x[:, 1] += shift
    x[:, 2] += twist * x[:, 0]
    return Rows(x, np.arange(n) // 2)


def test_two_halves_cannot_be_told_apart():
    found = two_sample_test(sample(1), sample(2), NAMES, rank=False)
    assert abs(found.auc - 0.5) < 4 * found.error and 0.005 < found.error < 0.02
    assert found.rows == 1500 and found.inputs == ()


def test_a_shift_is_found_and_named():
    found = two_sample_test(sample(1), sample(2, 1200, shift=0.6), NAMES)
    assert found.auc > 0.6 and found.rows == 1200
    assert found.inputs[0][0] == "b" and found.inputs[0][1] > 5 * found.inputs[1][1]


def test_a_correlation_is_found():
    found = two_sample_test(sample(1, 3000), sample(2, 3000, twist=0.8), NAMES)
    assert found.auc > 0.57 and {found.inputs[0][0], found.inputs[1][0]} == {"a", "c"}


def test_rows_of_one_event_stay_together():
    """Copies of a row betray nothing when all of them are in one fold."""
    rng = np.random.default_rng(7)
    pieces = []
    for _ in range(2):
        x = np.repeat(rng.normal(size=(150, 3)), 10, axis=0)
        pieces.append(x)
    events = np.repeat(np.arange(300), 10)
    grouped = two_sample_test(Rows(pieces[0], events[:1500]), Rows(pieces[1], events[1500:]), NAMES, rank=False)
    torn = two_sample_test(Rows(pieces[0], np.arange(1500)), Rows(pieces[1], np.arange(1500, 3000)), NAMES, rank=False)
    assert torn.auc > 0.9 and grouped.auc < 0.6
    assert grouped.error > 2 * torn.error


def test_missing_values_are_allowed_and_few_rows_are_not():
    one, two = sample(1), sample(2)
    one.data[:700, 0] = np.nan
    assert two_sample_test(one, two, NAMES, rank=False).auc > 0.6
    one.data[:, 0] = two.data[:, 0] = np.nan
    one.data[3, 0] = 1.0
    assert abs(two_sample_test(one, two, NAMES, rank=False).auc - 0.5) < 0.05
    with pytest.raises(DataError, match="50 rows"):
        two_sample_test(one.take(slice(0, 50)), two, NAMES)


def test_area_and_its_error():
    rng = np.random.default_rng(8)
    label = rng.integers(0, 2, 800)
    areas = []
    for _ in range(300):
        score = np.round(rng.normal(size=800) + 0.5 * label, 1)
        areas.append(area_under_curve(score, label))
    assert areas[-1][0] == pytest.approx(roc_auc_score(label, score))
    value, variance = np.array(areas).T
    assert np.sqrt(variance.mean()) == pytest.approx(value.std(), rel=0.12)

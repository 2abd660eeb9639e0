"""The bit check finds any bit."""

import numpy as np
import pytest

from tagger.firmware.verify import bit_check, outcome, stress_rows


def test_equal_logits_pass():
    z = np.array([0.5, -1.25, 0.0])
    check = bit_check(z, z.copy())
    assert check.passed and (check.rows, check.mismatches, check.max_abs_diff, check.first) == (3, 0, 0.0, None)


def test_one_bit_is_found():
    z = np.array([0.5, -1.25, 3.0])
    other = z.copy()
    other[2] = np.nextafter(other[2], 4.0)
    check = bit_check(z, other)
    assert not check.passed and check.mismatches == 1 and check.first == 2 and 0 < check.max_abs_diff < 1e-15


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_logit_that_is_no_number_is_a_mismatch(bad):
    check = bit_check([bad, 1.0], [np.nan, 1.0])
    assert check.mismatches == 1 and outcome(check)["max_abs_diff"] is None


def test_no_rows_do_not_pass():
    assert not bit_check([], []).passed


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 logits expected, 1 found"):
        bit_check([1.0, 2.0], [1.0])


def test_stress_rows_are_finite_and_reach_far():
    scales = np.array([2.0**-20, 1.0, 2.0**4], dtype=np.float32)
    rows = stress_rows(scales)
    assert rows.dtype == np.float32 and np.all(np.isfinite(rows))
    words = np.abs(rows * scales.astype(np.float64))
    assert np.all(words.max(axis=0) > 1e30) and np.all((words < 1e-6).any(axis=0))
    assert np.all((rows < 0).any(axis=0)) and np.array_equal(rows, stress_rows(scales))

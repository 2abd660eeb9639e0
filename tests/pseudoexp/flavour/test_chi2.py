"""The chi-square survival probability equals scipy's."""

import numpy as np
import pytest
from scipy import special, stats

from pseudoexp.flavour.chi2 import chi2_survival, erfc


@pytest.mark.parametrize("ndof", [1, 2, 3, 4, 5, 8, 13, 41])
def test_survival_equals_scipy(ndof):
    x = np.concatenate([np.linspace(1e-3, 30.0, 200), [50.0, 120.0, 600.0]])
    ours = np.array([chi2_survival(v, ndof) for v in x])
    np.testing.assert_allclose(ours, stats.chi2.sf(x, ndof), rtol=2e-12)


def test_erfc_equals_scipy():
    x = np.linspace(0.0, 20.0, 400)
    np.testing.assert_allclose([erfc(v) for v in x], special.erfc(x), rtol=2e-13)


@pytest.mark.parametrize(("chi2", "ndof"), [(0.0, 3), (-1.0, 2), (float("nan"), 2), (5.0, 0), (5.0, -3)])
def test_nothing_to_test_is_probability_one(chi2, ndof):
    assert chi2_survival(chi2, ndof) == 1.0

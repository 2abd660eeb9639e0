"""Factors of the jet calibration: none changes a jet, a table is read between its nodes, the largest is known."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.jets import calibration as jc
from pseudoexp.jets import scale


@kernel
def factors(calibration, pt, eta, mass):
    return scale.calibrated_pt_factor(calibration, pt, eta), scale.calibrated_mass_factor(calibration, pt, mass)


@kernel
def largest(calibration):
    return scale.largest_pt_factor(calibration)


def test_identity_changes_nothing():
    for pt, eta, mass in ((160.0, 0.1, 20.0), (900.0, 1.9, 400.0), (5000.0, 2.5, 0.0)):
        assert factors(jc.identity(), pt, eta, mass) == pytest.approx((1.0, 1.0), rel=1e-12)


def test_factors_are_read_between_the_nodes():
    log_pt, eta, log_mass = jc.nodes()
    plane = 1.0 + 0.01 * log_pt[None, :] + 0.02 * eta[:, None]
    calibration = jc.JetCalibration(log_pt, eta, plane, log_mass, 1.0 + 0.1 * np.tile(log_mass[:, None], len(log_pt)))
    at_pt, at_mass = factors(calibration, 400.0, 0.6, 100.0)
    assert at_pt == pytest.approx(1.0 + 0.01 * np.log(400.0) + 0.02 * 0.6, rel=1e-9)
    assert at_mass == pytest.approx(1.0 + 0.1 * np.log(0.25), rel=1e-9)
    assert largest(calibration) >= plane.max()

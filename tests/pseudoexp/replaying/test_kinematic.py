"""Kinematics of what is shown: closed forms, the beam axis, masses lost in rounding."""

import math

import numpy as np
import pytest

from pseudoexp.replaying.kinematic import angles, eta_of, mass_of, phi_of, pt_of


@pytest.mark.parametrize("pt", [0.05, 3.0, 2000.0])
@pytest.mark.parametrize("eta", [-4.0, 0.0, 2.5])
@pytest.mark.parametrize("phi", [-3.0, 0.5])
@pytest.mark.parametrize("mass", [0.0, 5.279])
def test_momenta_of_given_angles(pt, eta, phi, mass):
    p4 = np.array([pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta),
                   math.sqrt(mass**2 + (pt * math.cosh(eta))**2)])
    assert (pt_of(p4), eta_of(p4), phi_of(p4)) == pytest.approx((pt, eta, phi))
    assert mass_of(p4) == pytest.approx(mass, rel=1e-4, abs=1e-6 * p4[3])
    boosted = [p4[0], p4[1], 5 / 4 * p4[2] + 3 / 4 * p4[3], 5 / 4 * p4[3] + 3 / 4 * p4[2]]  # along the beam, with gamma = 5/4
    assert pt_of(boosted) == pt_of(p4) and mass_of(boosted) == pytest.approx(mass, rel=1e-4, abs=1e-6 * boosted[3])
    if mass == 0.0:
        assert eta_of(boosted) == pytest.approx(eta + math.log(2.0))


def test_along_the_beam():
    assert eta_of((0.0, 0.0, 7000.0, 7000.0)) == math.inf and eta_of((0.0, 0.0, -3.0, 3.0)) == -math.inf


def test_rounding_makes_no_imaginary_mass():
    assert mass_of((3.0, 0.0, 4.0, math.nextafter(5.0, 0.0))) == 0.0


def test_angles_of_several_and_of_none():
    p4 = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, 3.0]])
    assert angles(p4) == pytest.approx(np.array([[0.0, 0.0, 1.0], [0.0, math.pi / 2, 2.0]]))
    assert angles(np.zeros((0, 4))).shape == (0, 3)

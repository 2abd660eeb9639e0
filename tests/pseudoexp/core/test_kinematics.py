import math

import mpmath
import numpy as np
import pytest

from pseudoexp.core import kinematics as k

RNG = np.random.default_rng(8)
N = 300
P3 = RNG.normal(0, 1, (N, 3)) * 10.0**RNG.uniform(-3, 4, (N, 1)) * np.array([1, 1, 5])
MASS = 10.0**RNG.uniform(-3, 2, N)
P4 = [(*map(float, p), math.sqrt(float(p @ p) + m * m)) for p, m in zip(P3, MASS, strict=True)]
BEAM = [(0.0, 0.0, 5.0, 5.0), (0.0, 0.0, -5.0, 5.0), (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 3.0, 2.9),
        (1e-200, 0.0, 1e120, 1e120), (0.0, 0.0, -1e140, 1e140),
        (1e-160, 1e-160, -7e3, 7e3), (1e149, 1e149, 1e149, 1.8e149), (0.0, 0.0, 0.0, 1.0),
        (0.0, 0.0, -0.0, 0.0), (-1e-320, -0.0, 1.0, 1.0)]


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(60):
        yield


@pytest.mark.parametrize("p", P4[:100])
def test_definitions(p):
    px, py, pz, e = map(mpmath.mpf, p)
    pt = mpmath.hypot(px, py)
    p_abs = mpmath.sqrt(pt**2 + pz**2)
    assert k.pt(p[0], p[1]) == pytest.approx(float(pt), rel=1e-15)
    assert k.phi(p[0], p[1]) == pytest.approx(float(mpmath.atan2(py, px)), rel=1e-15)
    assert k.eta(p[0], p[1], p[2]) == pytest.approx(float(mpmath.atanh(pz / p_abs)), rel=1e-14)
    exact = mpmath.log((e + pz) / (e - pz)) / 2
    m2 = (e + pz) * (e - pz) - pt**2
    if m2 > 0:
        cancelled = 1e-15 * float(e**2 / (m2 + pt**2))
        assert k.rapidity(*p) == pytest.approx(float(exact), rel=1e-14, abs=cancelled)


@pytest.mark.parametrize(("p", "mass"), list(zip(P4, MASS, strict=True)))
def test_mass(p, mass):
    rounding = 4e-16 * p[3]**2 / mass
    assert abs(k.mass(*p) - mass) < max(1e-14 * mass, rounding, 4e-8 * p[3] * (rounding > mass))


def test_spacelike_counts_as_massless():
    assert k.mass2(3.0, 4.0, 0.0, 4.9) < 0.0 and k.mass(3.0, 4.0, 0.0, 4.9) == 0.0
    assert k.rapidity(3.0, 4.0, 2.0, 5.3) == pytest.approx(0.5 * math.log((7.3)**2 / 25.0), rel=1e-14)


@pytest.mark.parametrize("p", P4 + BEAM)
def test_finite_and_odd(p):
    values = (k.pt(*p[:2]), k.phi(*p[:2]), k.eta(*p[:3]), k.rapidity(*p), k.mass(*p))
    assert all(math.isfinite(v) for v in values)
    assert -math.pi < values[1] <= math.pi
    mirrored = (p[0], p[1], -p[2], p[3])
    assert p[2] == 0.0 or (k.eta(*mirrored[:3]) == -values[2] and k.rapidity(*mirrored) == -values[3])


def test_along_the_beam():
    assert k.rapidity(0.0, 0.0, 5.0, 5.0) == 1e5 + 5.0 == k.eta(0.0, 0.0, 5.0)
    assert k.rapidity(0.0, 0.0, -5.0, 5.0) == -(1e5 + 5.0) == k.eta(0.0, 0.0, -5.0)
    assert k.phi(0.0, 0.0) == k.phi(-0.0, -0.0) == k.eta(0.0, 0.0, 0.0) == 0.0


def test_phi_has_one_value_on_the_negative_axis():
    assert k.phi(-1.0, 0.0) == k.phi(-1.0, -0.0) == math.pi


@pytest.mark.parametrize(("a", "b", "d"), [
    (0.1, 6.2, 0.1 - 6.2 + 2 * math.pi), (6.2, 0.1, 6.1 - 2 * math.pi), (-3.1, 3.1, -6.2 + 2 * math.pi),
    (2.0, 1.5, 0.5), (-3.0, 3.0, 2 * math.pi - 6.0), (0.0, 0.0, 0.0)])
def test_delta_phi(a, b, d):
    assert k.delta_phi(a, b) == pytest.approx(d, abs=1e-15)
    assert abs(k.delta_phi(a, b)) <= math.pi and k.delta_phi(b, a) == -k.delta_phi(a, b)


def test_delta_r():
    assert k.delta_r(1.0, 3.1, 1.3, -3.1) == pytest.approx(math.hypot(0.3, 2 * math.pi - 6.2), rel=1e-14)


@pytest.mark.parametrize(("pt", "eta", "phi", "mass"), [
    (50.0, 1.2, -2.0, 0.1396), (0.5, -4.9, 3.0, 0.0), (2e3, 0.0, 0.0, 125.0)])
def test_four_momentum_there_and_back(pt, eta, phi, mass):
    p = k.four_momentum(pt, eta, phi, mass)
    assert (k.pt(*p[:2]), k.eta(*p[:3]), k.phi(*p[:2])) == pytest.approx((pt, eta, phi), rel=1e-14, abs=1e-15)
    assert k.mass(*p) == pytest.approx(mass, rel=1e-9, abs=4e-8 * p[3])

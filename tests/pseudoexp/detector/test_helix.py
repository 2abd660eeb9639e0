"""Helices against the numerically integrated Lorentz force, round trips, and a b decay by hand."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.detector import helix

FIELD = 2.0
LIGHT = 299.792458  # mm/ns


@kernel
def perigee(x, y, z, px, py, pz, charge, field):
    kappa = helix.curvature(charge, np.sqrt(px * px + py * py), field)
    return helix.perigee(x, y, z, px, py, pz, kappa), kappa


@kernel
def position(h, kappa, arc):
    return helix.position(h[0], h[1], h[2], h[3], kappa, arc)


momentum = kernel(lambda pt, h, kappa, arc: helix.momentum(pt, h[2], h[3], kappa, arc))
arc_at_radius = kernel(lambda d0, kappa, radius: helix.arc_at_radius(d0, kappa, radius))
arc_at_surface = kernel(lambda h, kappa, arc0: helix.arc_at_surface(h[0], h[1], h[3], kappa, 1150.0, 3510.0, arc0))


def random_states(n, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        pt = np.exp(rng.uniform(np.log(0.2), np.log(500)))
        phi, eta = rng.uniform(-np.pi, np.pi), rng.uniform(-2.5, 2.5)
        position_ = rng.normal(0, [20, 20, 50])
        yield (*position_, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)), rng.choice([-1.0, 0.0, 1.0])


def lorentz(state, charge, path, steps=2000):
    """Integrate dp/dt = q v x B with Runge and Kutta over a path length [mm]; momenta in GeV, B along z."""
    def slope(s):
        p = s[3:]
        direction = p / np.linalg.norm(p)
        force = charge * 0.299792458e-3 * FIELD * np.array([direction[1], -direction[0], 0.0])  # q v x B_z
        return np.concatenate([direction, force])

    s, h = np.array(state, float), path / steps
    for _ in range(steps):
        k1 = slope(s)
        k2 = slope(s + 0.5 * h * k1)
        k3 = slope(s + 0.5 * h * k2)
        k4 = slope(s + h * k3)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s


def test_helix_follows_the_lorentz_force():
    for state, charge in random_states(12):
        h, kappa = perigee(*state, charge, FIELD)
        pt, p = np.hypot(state[3], state[4]), np.linalg.norm(state[3:])
        for path in (30.0, 400.0):
            expected = lorentz(state, charge, path)
            arc = h[4] + path * pt / p
            assert np.allclose(position(h, kappa, arc), expected[:3], atol=1e-6)
            assert np.allclose(momentum(pt, h, kappa, arc), expected[3:], rtol=1e-8, atol=1e-8 * p)


def test_positive_charges_turn_clockwise_in_a_positive_field():
    _, kappa = perigee(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, FIELD)
    assert kappa == pytest.approx(-0.299792458e-3 * 2.0)
    h, kappa = perigee(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, FIELD)
    assert position(h, kappa, 500.0)[1] < 0


def test_point_and_perigee_round_trip():
    for state, charge in random_states(200, 2):
        h, kappa = perigee(*state, charge, FIELD)
        pt = np.hypot(state[3], state[4])
        assert np.allclose(position(h, kappa, h[4]), state[:3], atol=1e-8)
        assert np.allclose(momentum(pt, h, kappa, h[4]), state[3:], rtol=1e-10, atol=1e-10 * pt)
        x, y, _ = position(h, kappa, 0.0)
        assert np.hypot(x, y) == pytest.approx(abs(h[0]), abs=1e-8)
        assert -x * np.sin(h[2]) + y * np.cos(h[2]) == pytest.approx(h[0], abs=1e-8)
        nearby = [np.hypot(*position(h, kappa, a)[:2]) for a in (-0.5, 0.5)]
        assert min(nearby) >= abs(h[0]) - 1e-9  # the point of closest approach


def test_straight_line_is_the_limit_of_weak_curvature():
    state = (1.0, -2.0, 3.0, 4.0, 5.0, 6.0)
    straight, _ = perigee(*state, 0.0, FIELD)
    bent, _ = perigee(*state, 1.0, 1e-7)
    assert np.allclose(straight, bent, rtol=1e-6)


def test_arc_at_radius_lies_on_the_cylinder():
    for state, charge in random_states(200, 3):
        h, kappa = perigee(*state, charge, FIELD)
        for radius in (34.0, 291.0, 1150.0):
            arc = arc_at_radius(h[0], kappa, radius)
            if arc >= 0.0:
                assert np.hypot(*position(h, kappa, arc)[:2]) == pytest.approx(radius, abs=1e-6)
            else:  # it turns back before, or starts outside
                reach = abs(h[0]) if kappa == 0 else abs(h[0] + 2 / kappa)
                assert reach < radius + 1e-6 or abs(h[0]) > radius


def test_surface_is_reached_on_the_barrel_or_an_end():
    for state, charge in random_states(300, 4):
        h, kappa = perigee(*state, charge, FIELD)
        arc, reached = arc_at_surface(h, kappa, h[4])
        assert reached
        x, y, z = position(h, kappa, arc)
        on_barrel = np.hypot(x, y) == pytest.approx(1150.0, abs=1e-6) and abs(z) <= 3510.0 + 1e-6
        on_end = abs(z) == pytest.approx(3510.0, abs=1e-6) and np.hypot(x, y) < 1150.0 + 1e-6
        assert on_barrel or on_end


def test_d0_is_positive_left_of_the_beam():
    """A b hadron flies along +x for 5 mm; its daughter leaves at +0.1 rad, so the line passes right of the origin."""
    h, _ = perigee(5.0, 0.0, 0.0, 100 * np.cos(0.1), 100 * np.sin(0.1), 0.0, 0.0, FIELD)
    assert h[0] == pytest.approx(-5.0 * np.sin(0.1), rel=1e-12)
    assert np.sign(np.sin(0.0 - 0.1) * h[0]) > 0  # sign[sin(phi_jet - phi_track) d0] of a displaced track
    mirrored, _ = perigee(5.0, 0.0, 0.0, 100 * np.cos(-0.1), 100 * np.sin(-0.1), 0.0, 0.0, FIELD)
    assert mirrored[0] == pytest.approx(5.0 * np.sin(0.1), rel=1e-12)

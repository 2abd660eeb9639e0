"""Perigees relative to any line, their covariance, and the lifetime signs of one b decay worked out by hand."""

import numpy as np
import pytest
from flavour_toys import (
    BZ,
    PV_COVARIANCE,
    SETTINGS,
    axis_p4,
    covariance_of,
    kinematics,
    perigee_of,
    rows_of,
    tracks_of,
    vertex_at,
)

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import Tracks
from pseudoexp.flavour import impact_parameters as ip
from pseudoexp.flavour.workspace import (
    IP_CHI2,
    IP_D0,
    IP_SIGMA_D0,
    IP_SIGMA_Z0,
    IP_SIGNIFICANCE_D0,
    IP_SIGNIFICANCE_Z0,
    IP_Z0,
    flavour_settings,
    flavour_workspace,
)


@kernel
def approach(helix, i, x, y):
    return ip.closest_approach(helix, i, x, y)


@kernel
def transported(c, helix, i, arc):
    return ip.transported_covariance(c, helix, i, arc)


def helices(perigees):
    tracks = tracks_of(perigees)
    helix = np.zeros((len(perigees), 8))
    ip.fill_helices(tracks, rows_of(tracks), len(perigees), BZ, helix)
    return helix


def filled(tracks, jet, vertex, settings=SETTINGS):
    ws = flavour_workspace()
    n = tracks.pt.size
    ip.fill_helices(tracks, rows_of(tracks), n, settings.bz, ws.helix)
    ip.fill_impact(tracks, rows_of(tracks), n, jet, vertex, settings, ws)
    return ws.impact[:n]


@pytest.mark.parametrize("pt", [0.5, 1.0, 20.0, 900.0])
@pytest.mark.parametrize("charge", [-1, 1])
def test_closest_approach_equals_the_circle_by_its_centre(pt, charge):
    point, phi, cot = (0.3, -0.2, 4.0), 2.1, 0.7
    helix = helices([perigee_of(point, pt, phi, cot, charge)])
    for x, y in ((0.0, 0.0), (0.5, -0.4), (-12.0, 20.0), (40.0, -70.0)):
        expected = perigee_of(point, pt, phi, cot, charge, (x, y))
        d0, arc, c, s = approach(helix, 0, x, y)
        # the circle's centre is 1/kappa away: that formula itself loses digits
        assert abs(d0 - expected[0]) < 1e-8
        assert abs(helix[0, 2] + arc * helix[0, 5] - expected[1]) < 1e-7
        assert abs(np.angle((c + 1j * s) * np.exp(-1j * expected[2]))) < 1e-10


@pytest.mark.parametrize("pt", [0.7, 5.0])
def test_transported_covariance_equals_numerical_jacobian(pt):
    p = perigee_of((0.1, 0.3, 2.0), pt, 0.8, 0.9, 1)
    c = covariance_of(1)[0]
    c[4, 4] = (0.01 * p[4]) ** 2
    c[0, 4] = c[4, 0] = 0.3 * np.sqrt(c[0, 0] * c[4, 4])
    c[1, 2] = c[2, 1] = 0.1 * np.sqrt(c[1, 1] * c[2, 2])
    line = (25.0, 24.0)

    def at_line(q):
        pt_q = np.sin(q[3]) / abs(q[4])
        moved = perigee_of((-q[0] * np.sin(q[2]), q[0] * np.cos(q[2]), q[1]), pt_q, q[2], 1.0 / np.tan(q[3]),
                           np.sign(q[4]), line)
        return moved[:2]

    steps = np.sqrt(np.diag(c)) * 0.1
    columns = [(at_line(p + h) - at_line(p - h)) / (2 * s) for s, h in zip(steps, np.diag(steps), strict=True)]
    jacobian = np.array(columns).T
    expected = jacobian @ c @ jacobian.T
    helix = helices([p])
    dd, dz, zz = transported(c, helix, 0, approach(helix, 0, *line)[1])
    np.testing.assert_allclose([dd, zz], np.diag(expected), rtol=4e-3)
    assert abs(dz - expected[0, 1]) < 4e-3 * np.sqrt(expected[0, 0] * expected[1, 1])


def test_signs_of_one_b_decay():
    # b flies 5 mm along +x at theta = 90 degrees; two daughters leave to the left (phi > 0) and to the right, the
    # first forward (eta > 0), the second backward. The first passes right of the origin: d0 = -5 sin(0.2) < 0.
    up = perigee_of((5.0, 0.0, 0.0), 1e4, 0.2, 0.1, 1)
    down = perigee_of((5.0, 0.0, 0.0), 1e4, -0.2, -0.1, 1)
    assert up[0] == pytest.approx(-5.0 * np.sin(0.2), abs=1e-4)
    assert up[1] == pytest.approx(-5.0 * np.cos(0.2) * 0.1, abs=1e-4)
    impact = filled(tracks_of([up, down]), axis_p4(50.0, 0.0, 0.0), vertex_at())
    assert impact[0, IP_D0] < 0.0 < impact[1, IP_D0]
    assert (impact[:, [IP_SIGNIFICANCE_D0, IP_SIGNIFICANCE_Z0]] > 10.0).all()
    flipped = filled(tracks_of([up, down]), axis_p4(50.0, 0.0, 0.0), vertex_at(), flavour_settings(BZ, (), True))
    columns = [IP_SIGNIFICANCE_D0, IP_SIGNIFICANCE_Z0]
    np.testing.assert_array_equal(flipped[:, columns], -impact[:, columns])
    behind = filled(tracks_of([up, down]), axis_p4(50.0, np.pi, 0.0), vertex_at())
    assert (behind[:, IP_SIGNIFICANCE_D0] < -10.0).all()


def test_values_are_relative_to_the_primary_vertex():
    shift = np.array([0.7, -0.4, 33.0])
    at_origin = tracks_of([perigee_of((4.0, 1.0, 2.0), 3.0, 0.5, 1.2, -1)])
    moved = tracks_of([perigee_of(np.array([4.0, 1.0, 2.0]) + shift, 3.0, 0.5, 1.2, -1)])
    a = filled(at_origin, axis_p4(50.0, 0.2, 0.4), vertex_at())
    b = filled(moved, axis_p4(50.0, 0.2, 0.4), vertex_at(shift))
    np.testing.assert_allclose(b[0, [IP_D0, IP_Z0]], a[0, [IP_D0, IP_Z0]], atol=1e-9)


def test_pulls_with_an_uncertain_primary_vertex():
    rng = np.random.default_rng(4)
    n = 3000
    true = np.array([perigee_of((0.2, 0.1, 1.0), 4.0, phi, cot, 1)
                     for phi, cot in zip(rng.uniform(-3, 3, n), rng.normal(0, 1, n), strict=True)])
    tracks = tracks_of(true, rng)
    pulls = np.empty((n, 3))
    for i in range(n):
        pv = vertex_at(rng.multivariate_normal([0.2, 0.1, 1.0], PV_COVARIANCE))
        one = Tracks(*(a[i:i + 1] for a in tracks))
        row = filled(one, axis_p4(50.0, 0.0, 0.0), pv)[0]
        pulls[i] = row[IP_D0] / row[IP_SIGMA_D0], row[IP_Z0] / row[IP_SIGMA_Z0], row[IP_CHI2]
    np.testing.assert_allclose(pulls[:, :2].std(axis=0), 1.0, atol=0.04)
    assert pulls[:, 2].mean() == pytest.approx(2.0, abs=0.15)


def test_toy_kinematics_are_consistent():
    pt, eta = kinematics(np.array([perigee_of((0, 0, 0), 7.0, 0.0, 0.5, -1)]))
    np.testing.assert_allclose([pt[0], eta[0]], [7.0, np.arcsinh(0.5)])

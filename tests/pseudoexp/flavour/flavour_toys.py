"""Toy tracks with known origin: exact helices, written independently of the package, smeared by a given covariance."""

import numpy as np

from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.flavour.workspace import flavour_settings

BZ = 2.0
PV_COVARIANCE = np.diag([0.008**2, 0.008**2, 0.02**2])
SIGMA = np.array([0.015, 0.03, 3e-4, 2e-4, 1e-4])
SETTINGS = flavour_settings(BZ)


def kappa(pt, charge):
    return -charge * 0.299792458e-3 * BZ / pt


def perigee_of(point, pt, phi, cot, charge, reference=(0.0, 0.0)):
    """Perigee to the vertical line at `reference` from a point on the track, by the circle's centre."""
    k = kappa(pt, charge)
    normal = np.array([-np.sin(phi), np.cos(phi)])
    centre = np.asarray(point[:2]) - np.asarray(reference) + normal / k
    distance = np.hypot(*centre)
    left = centre / distance * np.sign(k)  # from the perigee towards the left of the track
    d0 = distance * np.sign(k) - 1.0 / k
    phi_there = np.arctan2(-left[0], left[1])
    turn = (phi_there - phi + np.pi) % (2.0 * np.pi) - np.pi
    z0 = point[2] + turn / k * cot
    theta = np.arctan2(1.0, cot)
    return np.array([d0, z0, phi_there, theta, charge * np.sin(theta) / pt])


def kinematics(perigees):
    theta = perigees[:, 3]
    return np.sin(theta) / np.abs(perigees[:, 4]), np.arcsinh(1.0 / np.tan(theta))


def covariance_of(n, scale=1.0, correlation=0.6):
    """The same 5 x 5 covariance for n tracks, with d0-phi and z0-theta correlations."""
    c = np.diag((SIGMA * scale) ** 2)
    c[0, 2] = c[2, 0] = -correlation * SIGMA[0] * SIGMA[2] * scale**2
    c[1, 3] = c[3, 1] = correlation * SIGMA[1] * SIGMA[3] * scale**2
    return np.repeat(c[None], n, axis=0)


def tracks_of(perigees, rng=None, scale=1.0):
    """Tracks with the given true perigees, smeared when `rng` is given; q/p keeps its relative error of 1 %."""
    true = np.array(perigees, dtype=np.float64).reshape(-1, 5)
    covariance = covariance_of(len(true), scale)
    covariance[:, 4, 4] = (0.01 * true[:, 4]) ** 2
    measured = true.copy()
    if rng is not None:
        for i in range(len(true)):
            measured[i] += np.linalg.cholesky(covariance[i]) @ rng.normal(size=5)
    pt, eta = kinematics(measured)
    return Tracks(measured, covariance, pt, eta)


def rows_of(tracks):
    return np.arange(tracks.pt.size, dtype=np.int32)


def vertex_at(position=(0.0, 0.0, 0.0), covariance=PV_COVARIANCE):
    return PrimaryVertex(np.array(position, dtype=np.float64), np.array(covariance))


def axis_p4(pt, phi, cot):
    return np.array([pt * np.cos(phi), pt * np.sin(phi), pt * cot, pt * np.sqrt(1.0 + cot * cot)])


def direction(phi, cot):
    u = np.array([np.cos(phi), np.sin(phi), cot])
    return u / np.linalg.norm(u)


def prongs(point, phi, cot, angles, pts, charges):
    """Perigees of tracks from `point` around the direction (phi, cot); `angles` are (d_phi, d_cot)."""
    return [perigee_of(point, pt, phi + a, cot + b, q) for (a, b), pt, q in zip(angles, pts, charges, strict=True)]


def random_prongs(rng, point, phi, cot, n, spread=0.12):
    angles = rng.normal(0.0, spread, (n, 2))
    pts = rng.uniform(2.0, 15.0, n)
    return prongs(point, phi, cot, angles, pts, np.where(rng.random(n) < 0.5, -1, 1))


def two_body(parent_p, mass, m1, m2, rng, cos_theta=None):
    """Momenta of a two-body decay of a particle with momentum `parent_p` [GeV]."""
    p = np.asarray(parent_p, dtype=np.float64)
    energy = np.sqrt(p @ p + mass * mass)
    q = np.sqrt((mass**2 - (m1 + m2) ** 2) * (mass**2 - (m1 - m2) ** 2)) / (2.0 * mass)
    c = rng.uniform(-1.0, 1.0) if cos_theta is None else cos_theta
    azimuth = rng.uniform(0.0, 2.0 * np.pi)
    s = np.sqrt(1.0 - c * c)
    rest = q * np.array([s * np.cos(azimuth), s * np.sin(azimuth), c])
    out = []
    for sign, m in ((1.0, m1), (-1.0, m2)):
        r = sign * rest
        e = np.sqrt(q * q + m * m)
        along = (r @ p) / (mass * (energy + mass))
        out.append(r + p * (along + e / mass))
    return out


def perigee_from_momentum(point, p, charge):
    return perigee_of(point, np.hypot(p[0], p[1]), np.arctan2(p[1], p[0]), p[2] / np.hypot(p[0], p[1]), charge)


def prompt_tracks(rng, vertex, phi, cot, n):
    """Perigees of n tracks from the primary vertex around a jet axis."""
    return random_prongs(rng, vertex, phi, cot, n, 0.15)


def b_jet(rng, length=8.0, charm=5.0, phi=0.6, cot=0.4, primary=(0.01, -0.01, 5.0)):
    """Perigees of a toy b jet (4 prompt tracks, 3 of the b, 2 of the charm vertex) and the two decay points."""
    u = direction(phi, cot)
    b_point = np.array(primary) + length * u
    c_point = b_point + charm * u
    perigees = prompt_tracks(rng, primary, phi, cot, 4) + random_prongs(rng, b_point, phi, cot, 3)
    return perigees + random_prongs(rng, c_point, phi, cot, 2), b_point, c_point

"""Momenta after a branching, against exact kinematics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pseudoexp.engines.builtin.recoil import follow_recoil, product, put_on_shell, split

METRIC = np.array([-1.0, -1.0, -1.0, 1.0])


def square(p: np.ndarray) -> float:
    """Return p^2."""
    return float((p * p * METRIC).sum())


def momentum(x: float, y: float, z: float, mass: float) -> np.ndarray:
    """Return px, py, pz, E."""
    return np.array([x, y, z, np.sqrt(x * x + y * y + z * z + mass * mass)])


def at_rest(p: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return p in the rest frame of `total`, by the matrix of the boost."""
    beta = total[:3] / total[3]
    gamma = total[3] / np.sqrt(square(total))
    matrix = np.eye(4)
    matrix[:3, :3] += (gamma - 1.0) * np.outer(beta, beta) / (beta @ beta)
    matrix[3], matrix[:, 3] = (*(-gamma * beta), gamma), (*(-gamma * beta), gamma)
    return matrix @ p


BRANCHINGS = {  # radiator, recoiler, mass of the radiator, of the recoiler, of both daughters; pair2, z
    "massless": (momentum(3.0, -4.0, 20.0, 0.0), momentum(-1.0, 2.0, -30.0, 0.0), 0.0, 0.0, (0.0, 0.0), 55.0, 0.3),
    "b quark radiates": (momentum(30.0, 5.0, -2.0, 4.8), momentum(-10.0, 8.0, 1.0, 0.0), 4.8, 0.0, (4.8, 0.0), 70.0, 0.6),
    "against a b quark": (momentum(0.0, 5.0, 40.0, 0.0), momentum(9.0, 1.0, -70.0, 4.8), 0.0, 4.8, (0.0, 0.0), 90.0, 0.8),
    "both massive": (momentum(1.0, 2.0, 300.0, 4.8), momentum(7.0, -3.0, 2.0, 1.5), 4.8, 1.5, (4.8, 0.0), 60.0, 0.45),
    "to charm": (momentum(-60.0, 25.0, 4.0, 0.0), momentum(20.0, 80.0, 3.0, 4.8), 0.0, 4.8, (1.5, 1.5), 30.0, 0.25),
    "to bottom along z": (momentum(0.0, 0.0, 500.0, 0.0), momentum(0.0, 0.0, -200.0, 0.0), 0.0, 0.0, (4.8, 4.8), 400.0, 0.5)}


@pytest.mark.parametrize("name", BRANCHINGS)
@pytest.mark.parametrize("azimuth", [0.0, 2.1, 5.0])
def test_pair_and_recoiler(name: str, azimuth: float) -> None:
    """Momentum is conserved and all stand on their mass shells; in the rest frame the recoiler keeps its direction."""
    radiator, recoiler, mass, other, daughters, pair2, z = BRANCHINGS[name]
    heavy = daughters[0] == daughters[1] > 0.0
    mixed = 0.5 * (1.0 - np.sqrt(1.0 - 4.0 * daughters[0] ** 2 / pair2)) if heavy else 0.0
    kept = 1.0 - mixed if heavy else 1.0 - mass * mass / pair2
    out, total = np.zeros((3, 4)), radiator + recoiler
    assert split(radiator, recoiler, other * other, pair2, z, kept, mixed, np.cos(azimuth), np.sin(azimuth), out)
    scale = total[3]
    np.testing.assert_allclose(out.sum(0), total, atol=1e-11 * scale)
    assert square(out[0] + out[1]) == pytest.approx(pair2, abs=1e-11 * scale**2)
    for p, m in zip(out, (*daughters, other), strict=True):
        assert square(p) == pytest.approx(m * m, abs=1e-11 * scale**2)
    before, after = at_rest(recoiler, total)[:3], at_rest(out[2], total)[:3]
    assert before @ after == pytest.approx(np.linalg.norm(before) * np.linalg.norm(after), rel=1e-12)
    pair, emitted = at_rest(out[0] + out[1], total), at_rest(out[1], total)
    share = kept * (1.0 - z) + mixed * z
    assert emitted[3] == pytest.approx(share * pair[3])
    axis = pair[:3] / np.linalg.norm(pair[:3])
    across = np.linalg.norm(emitted[:3] - (emitted[:3] @ axis) * axis)
    expected = pair2 * (z * (1 - z) * pair[3] ** 2 - pair2 / 4) / (pair[3] ** 2 - pair2)  # hep-ph/0408302, massless daughters
    assert across == pytest.approx((kept - mixed) * np.sqrt(expected))


def test_azimuths_are_all_different_and_even() -> None:
    """The emitted parton goes round the pair's axis: the mean over azimuths lies on it."""
    radiator, recoiler, mass, other, _, pair2, z = BRANCHINGS["both massive"]
    total, found = radiator + recoiler, []
    for azimuth in np.linspace(0.0, 2.0 * np.pi, 13)[:-1]:
        out = np.zeros((3, 4))
        split(radiator, recoiler, other**2, pair2, z, 1.0 - mass**2 / pair2, 0.0, np.cos(azimuth), np.sin(azimuth), out)
        found.append(at_rest(out[1], total)[:3])
    axis = at_rest(radiator, total)[:3]
    axis /= np.linalg.norm(axis)
    mean = np.mean(found, axis=0)
    np.testing.assert_allclose(mean, (mean @ axis) * axis, atol=1e-10)
    across = [p - (p @ axis) * axis for p in found]
    turns = [float(np.dot(np.cross(a, b), axis) / np.dot(a, b)) for a, b in itertools.pairwise(across)]
    np.testing.assert_allclose(turns, np.tan(np.pi / 6), rtol=1e-9)


@pytest.mark.parametrize(("z", "possible"), [(0.055, False), (0.06, True), (0.94, True), (0.945, False)])
def test_out_of_reach(z: float, possible: bool) -> None:
    """Where the transverse momentum would be imaginary: z (1 - z) < pair2 dipole2 / (dipole2 + pair2)^2."""
    radiator, recoiler = momentum(0.0, 0.0, 20.0, 0.0), momentum(0.0, 0.0, -20.0, 0.0)
    assert split(radiator, recoiler, 0.0, 100.0, z, 1.0, 0.0, 1.0, 0.0, np.zeros((3, 4))) == possible
    assert (z * (1.0 - z) > 100.0 * 1600.0 / 1700.0**2) == possible


@pytest.mark.parametrize("side", [0, 1])
def test_following_recoil_is_a_lorentz_transformation(side: int) -> None:
    """All products of momenta stay; the other beam keeps its direction and is stretched, this one gets transverse momentum."""
    sign, (scale, nx, ny) = (1.0 if side == 0 else -1.0), (1.7, 0.05, -0.12)
    masses = np.array([0.0, 4.8, 125.0, 0.33, 0.0])
    before = np.array([momentum(*p, m) for p, m in zip(
        [(30.0, 4.0, -50.0), (-2.0, 9.0, 400.0), (60.0, -80.0, 30.0), (0.0, 0.1, -7.0), (1.0, 0.0, 900.0)], masses, strict=True)])
    after = before.copy()
    for p, m in zip(after, masses, strict=True):
        follow_recoil(p, m * m, side, scale, nx, ny)
    np.testing.assert_allclose((after * METRIC) @ after.T, (before * METRIC) @ before.T, rtol=1e-9, atol=1e-6)
    along, against = np.array([0.0, 0.0, sign * 40.0, 40.0]), momentum(1e-7, 0.0, -sign * 40.0, 0.0)
    follow_recoil(against, 0.0, side, scale, nx, ny)
    np.testing.assert_allclose(against, [0.0, 0.0, -sign * 40.0 * scale, 40.0 * scale], atol=1e-6)
    follow_recoil(along, 0.0, side, scale, nx, ny)
    np.testing.assert_allclose(along[:2], 80.0 / scale * np.array([nx, ny]), rtol=1e-12)
    assert along[3] + sign * along[2] == pytest.approx(80.0 / scale)


def test_a_momentum_far_along_the_other_beam_keeps_its_digits() -> None:
    """E - |pz| of a hard momentum is lost in rounding unless it comes from mass and transverse momentum."""
    p = momentum(0.3, 0.4, -6000.0, 0.0)
    follow_recoil(p, 0.0, 0, 1.0, 0.0, 0.0)
    np.testing.assert_allclose(p, momentum(0.3, 0.4, -6000.0, 0.0), rtol=1e-14)


def test_energy_is_that_of_the_mass_shell() -> None:
    """Whatever stood there before; and the product of two momenta is Minkowski's."""
    p = np.array([3.0, 4.0, 12.0, 99.0])
    put_on_shell(p, 56.0)
    assert p.tolist() == [3.0, 4.0, 12.0, 15.0]
    assert product(p, np.array([1.0, 0.0, 1.0, 2.0])) == 15.0

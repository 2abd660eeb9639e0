"""Walking along strings: hadrons against the light-cone momenta that were left behind, vertices against their coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.engines.builtin.regions import (
    EX,
    EY,
    GAMMA,
    MASS,
    MT2,
    NEW_PX,
    NEW_PY,
    PX,
    PY,
    TOTAL,
    J,
    K,
    X,
    Y,
    joint_region,
    light_like,
    new_walk,
    remember,
    return_to_past,
    start_end,
    take_hadron,
    transverse_axes,
)

METRIC = np.array([-1.0, -1.0, -1.0, 1.0])
STRINGS = {  # momenta of the partons from one end to the other
    "two": [(0.0, 0.0, 40.0), (0.0, 0.0, -30.0)],
    "one gluon": [(0.0, 0.0, 40.0), (0.0, 30.0, -10.0), (0.0, -30.0, -30.0)],
    "six": [(1.0, 0.0, 60.0), (3.0, -4.0, 15.0), (-8.0, 10.0, -1.0), (2.0, 5.0, 3.0), (0.5, -6.0, -9.0), (0.0, 1.0, -40.0)]}


def square(p: np.ndarray) -> float:
    """Return p^2."""
    return float((p * p * METRIC).sum())


def massless(momenta: list[tuple[float, float, float]]) -> np.ndarray:
    """Return px, py, pz, E of partons."""
    p = np.array(momenta)
    return np.column_stack([p, np.linalg.norm(p, axis=1)])


def lay(partons: np.ndarray):
    """Return a walk at both ends of a string of massless partons, gluons shared by two regions."""
    n, walk = len(partons) - 1, new_walk(20)
    halves = np.where(np.isin(np.arange(n + 1), (0, n)), 1.0, 0.5)[:, None] * partons
    walk.regions[0] = n
    walk.ahead[0, :n], walk.towards[0, :n] = halves[:-1], halves[1:]
    walk.ahead[1, :n], walk.towards[1, :n] = halves[:0:-1], halves[-2::-1]
    for end in range(2):
        start_end(walk, end, 1.0, 0.0, 1, 0, 0)
    return walk


def left_behind(walk, end: int) -> np.ndarray:
    """Return the light-cone momenta between an end of the string and its break."""
    j, k, (x, y) = walk.number[end, J], walk.number[end, K], walk.value[end, [X, Y]]
    p, q = walk.ahead[end], walk.towards[end]
    return p[:j].sum(0) + (1 - x) * p[j] + q[:k].sum(0) + y * q[k]


def vertex(walk, end: int) -> np.ndarray:
    """Return the place of a break times the string tension."""
    j, k, (x, y) = walk.number[end, J], walk.number[end, K], walk.value[end, [X, Y]]
    p, q = walk.ahead[end], walk.towards[end]
    return x * p[j] + y * q[k] + 0.5 * (p[j + 1:k + 1].sum(0) + q[j:k].sum(0))


def step(walk, end: int, z: float, mass: float, kick: tuple[float, float]) -> bool:
    """Take a hadron of this z and mass, and then stand at the new flavour."""
    value = walk.value[end]
    value[MASS], value[NEW_PX], value[NEW_PY] = mass, *kick
    value[MT2] = mass**2 + (value[PX] + kick[0]) ** 2 + (value[PY] + kick[1]) ** 2
    good = take_hadron(walk, end, z)
    value[PX], value[PY] = -value[NEW_PX], -value[NEW_PY]
    return bool(good)


@pytest.mark.parametrize("seed", range(5))
def test_axes_are_normal_to_their_region(seed: int) -> None:
    """Two unit vectors, normal to each other and to both momenta; none without a region."""
    rng = np.random.default_rng(seed)
    for _ in range(20):
        p, q = massless(rng.normal(size=(2, 3)) * 10.0 ** rng.uniform(-2, 2, (2, 1)))
        ex, ey = np.zeros(4), np.zeros(4)
        assert transverse_axes(p, q, ex, ey) == pytest.approx(2 * float((p * q * METRIC).sum()))
        size = np.abs(np.concatenate([ex, ey])).max()
        for a, b, expected in ((ex, ex, -1), (ey, ey, -1), (ex, ey, 0), (ex, p, 0), (ex, q, 0), (ey, p, 0), (ey, q, 0)):
            assert (a * b * METRIC).sum() == pytest.approx(expected, abs=1e-11 * size**2 * max(1, p[3], q[3]))
        assert transverse_axes(p, 3.0 * p, ex, ey) == 0.0


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (4.8, 0.0), (4.8, 0.33), (4.8, 4.8)])
def test_light_like_momenta_of_massive_ends(a: float, b: float) -> None:
    """Both on the light cone, in the plane of the ends and with their sum; along the ends themselves without masses."""
    one, two = np.array([3.0, -2.0, 30.0, 0.0]), np.array([1.0, 8.0, -6.0, 0.0])
    one[3], two[3] = np.sqrt(one @ one + a * a), np.sqrt(two @ two + b * b)
    p, q = np.zeros(4), np.zeros(4)
    assert light_like(one, two, p, q)
    np.testing.assert_allclose(p + q, one + two, rtol=1e-12)
    assert square(p) == pytest.approx(0.0, abs=1e-9) and square(q) == pytest.approx(0.0, abs=1e-9)
    assert p[3] > 0.0 < q[3] and np.linalg.matrix_rank(np.array([one, two, p, q]), tol=1e-9) == 2
    assert (p * two * METRIC).sum() > (q * two * METRIC).sum()
    if a == b == 0.0:
        np.testing.assert_allclose([p, q], [one, two], rtol=1e-12)
    assert not light_like(one, 2.0 * one, p, q)


def test_a_hadron_in_one_region() -> None:
    """z is its share of E + pz, its transverse mass that of the string's axis, Gamma follows the recursion."""
    walk, gamma, left = lay(massless(STRINGS["two"])), 0.0, 80.0
    for z, mass, kick in ((0.3, 0.14, (0.3, -0.2)), (0.6, 0.77, (-0.5, 0.1)), (0.2, 0.14, (0.0, 0.4)), (0.9, 1.2, (0.2, 0.2))):
        old = walk.value[0, [PX, PY]].copy()
        assert step(walk, 0, z, mass, kick)
        p = walk.vector[0, TOTAL]
        mt2 = mass**2 + ((old + kick) ** 2).sum()
        np.testing.assert_allclose(p[:2], (old + kick) @ walk.vector[0, [EX, EY], :2], atol=1e-12)
        assert square(p) == pytest.approx(mass**2, abs=1e-9)
        assert p[3] + p[2] == pytest.approx(z * left)
        assert (p[3] + p[2]) * (p[3] - p[2]) == pytest.approx(mt2)
        left, gamma = (1 - z) * left, (1 - z) * (gamma + mt2 / z)
        assert walk.value[0, GAMMA] == pytest.approx(gamma) and square(vertex(walk, 0)) == pytest.approx(gamma)


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("end", [0, 1])
def test_hadrons_add_up_to_what_was_left_behind(name: str, end: int) -> None:
    """Through all regions: momenta, mass shells, and the square of the break's place against the recursion of Gamma."""
    crossed, taken = 0, 0
    for seed in range(40):
        rng, walk = np.random.default_rng(seed), lay(massless(STRINGS[name]))
        total = np.zeros(4)
        for _ in range(30):
            gamma, mass, z = walk.value[end, GAMMA], rng.choice([0.14, 0.77, 1.3]), rng.uniform(0.1, 0.7)
            if not step(walk, end, z, mass, tuple(rng.normal(size=2) * 0.25)):
                break
            value, p = walk.value[end], walk.vector[end, TOTAL]
            total += p
            assert square(p) == pytest.approx(mass**2, abs=1e-6)
            expected = left_behind(walk, end) - value[PX] * walk.vector[end, EX] - value[PY] * walk.vector[end, EY]
            np.testing.assert_allclose(total, expected, atol=1e-8)
            assert value[GAMMA] == pytest.approx((1 - z) * (gamma + value[MT2] / z))
            assert square(vertex(walk, end)) == pytest.approx(value[GAMMA], rel=1e-6, abs=1e-6)
            crossed, taken = max(crossed, walk.number[end, J]), taken + 1
    assert taken > 100 and crossed == len(STRINGS[name]) - 2


def lorentz(rapidity: float, angle: float) -> np.ndarray:
    """Return the matrix of a rotation about y and a boost along z."""
    turn, boost = np.eye(4), np.eye(4)
    turn[[0, 2], [0, 2]], turn[0, 2], turn[2, 0] = np.cos(angle), np.sin(angle), -np.sin(angle)
    boost[[2, 3], [2, 3]], boost[2, 3], boost[3, 2] = np.cosh(rapidity), np.sinh(rapidity), np.sinh(rapidity)
    return boost @ turn


@pytest.mark.parametrize(("rapidity", "angle"), [(0.0, 1.1), (1.5, 0.0), (-2.0, 2.5)])
def test_hadrons_know_no_frame(rapidity: float, angle: float) -> None:
    """Without transverse kicks, whose axes depend on it: hadrons of a turned and boosted string are turned and boosted."""
    matrix, partons = lorentz(rapidity, angle), massless(STRINGS["six"])
    here, there, taken = lay(partons), lay(partons @ matrix.T), 0
    for z, mass, end in zip([0.4, 0.5, 0.3, 0.6, 0.2, 0.4, 0.5, 0.6], [1.2, 0.14, 0.77] * 3, [0, 1] * 4, strict=False):
        good = step(here, end, z, mass, (0.0, 0.0))
        assert step(there, end, z, mass, (0.0, 0.0)) == good
        if not good:
            break
        taken += 1
        np.testing.assert_allclose(there.vector[end, TOTAL], matrix @ here.vector[end, TOTAL], rtol=1e-7, atol=1e-7)
        assert there.value[end, GAMMA] == pytest.approx(here.value[end, GAMMA])
    assert taken >= 5


def test_both_ends_walk_alike() -> None:
    """From the far end of the reversed string the same hadrons come."""
    partons = massless(STRINGS["six"])
    one, other = lay(partons), lay(partons[::-1].copy())
    for z, mass in ((0.4, 1.2), (0.3, 0.14), (0.5, 0.77), (0.6, 0.14)):
        assert step(one, 0, z, mass, (0.1, -0.3)) and step(other, 1, z, mass, (0.1, -0.3))
        np.testing.assert_allclose(one.vector[0, TOTAL], other.vector[1, TOTAL], rtol=1e-12)


@pytest.mark.parametrize("name", STRINGS)
def test_the_region_between_the_ends(name: str) -> None:
    """Its momenta are light-like and the rest of the string's, without the breaks' transverse momenta; none when they passed."""
    partons = massless(STRINGS[name])
    walk = lay(partons)
    assert joint_region(walk)
    np.testing.assert_allclose(walk.joint[0] + walk.joint[1], partons.sum(0), atol=1e-9)
    for end in (0, 1, 1, 0):
        assert step(walk, end, 0.35, 0.77, (0.2, 0.1))
        assert joint_region(walk)
        p, q, ex, ey = walk.joint
        np.testing.assert_allclose(p + q, partons.sum(0) - left_behind(walk, 0) - left_behind(walk, 1), atol=1e-8)
        assert square(p) == pytest.approx(0.0, abs=1e-6) and square(q) == pytest.approx(0.0, abs=1e-6)
        assert square(ex) == pytest.approx(-1.0) and (ex * ey * METRIC).sum() == pytest.approx(0.0, abs=1e-9)
    for _ in range(30):
        if not step(walk, 0, 0.8, 0.14, (0.0, 0.0)):
            break
    assert not joint_region(walk) or square(walk.joint[0] + walk.joint[1]) < 5.0


def test_a_string_ends() -> None:
    """No hadron is heavier than what there is, and both ends stand again where they were remembered."""
    walk = lay(massless(STRINGS["one gluon"]))
    assert step(walk, 0, 0.4, 0.77, (0.2, 0.3))
    remember(walk)
    kept = [a.copy() for a in (walk.value, walk.number, walk.vector, walk.rest)]
    assert not step(walk, 0, 0.5, 200.0, (0.0, 0.0))
    assert step(walk, 1, 0.4, 0.14, (0.1, 0.0)) is True
    walk.rest[:] = 1.0
    return_to_past(walk)
    for a, b in zip(kept, (walk.value, walk.number, walk.vector, walk.rest), strict=True):
        assert np.array_equal(a, b)

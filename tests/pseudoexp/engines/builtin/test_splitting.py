"""Matrix elements of the showers, against traces of Dirac matrices and against colour algebra."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from pseudoexp.engines.builtin.splitting import decay_element, gluon_emission, octet, quark_emission, quark_pair

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
GAMMA = np.array([np.kron([[1, 0], [0, -1]], np.eye(2)), *(np.kron([[0, 1], [-1, 0]], s) for s in SIGMA)])
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])
LOWER = METRIC.diagonal()
ONE = np.eye(4)


def slash(p: np.ndarray) -> np.ndarray:
    """Return gamma_mu p^mu."""
    return np.einsum("m,mij->ij", LOWER * p, GAMMA)


def bar(m: np.ndarray) -> np.ndarray:
    """Return gamma^0 M^dagger gamma^0."""
    return GAMMA[0] @ m.conj().T @ GAMMA[0]


def momenta(x1: float, x2: float, mass: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return quark, antiquark and gluon of the decay of a particle of mass 1 at rest: E, px, py, pz."""
    e1, e2, e3 = x1 / 2, x2 / 2, 1.0 - (x1 + x2) / 2
    p1, p2 = np.sqrt(e1**2 - mass**2), np.sqrt(e2**2 - mass**2)
    cosine = (e3**2 - p1**2 - p2**2) / (2 * p1 * p2)
    quark = np.array([e1, 0.0, 0.0, p1])
    antiquark = np.array([e2, p2 * np.sqrt(1 - cosine**2), 0.0, p2 * cosine])
    return quark, antiquark, np.array([1.0, 0.0, 0.0, 0.0]) - quark - antiquark


def squared(vertices: list[tuple[float, np.ndarray]], p1: np.ndarray, p2: np.ndarray, k: np.ndarray, mass: float) -> float:
    """Return the sum over spins of |M|^2 with an emitted gluon, without coupling and colour."""
    total = 0.0
    for sign, vertex in vertices:
        for mu in range(4):
            a = (GAMMA[mu] @ (slash(p1 + k) + mass * ONE) @ vertex / (2 * p1 @ METRIC @ k)
                 - vertex @ (slash(p2 + k) - mass * ONE) @ GAMMA[mu] / (2 * p2 @ METRIC @ k))
            trace = np.trace((slash(p1) + mass * ONE) @ a @ (slash(p2) - mass * ONE) @ bar(a)).real
            total += -LOWER[mu] * sign * trace
    return total


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize(("x1", "x2", "ratio"), [(0.8, 0.7, 0.0), (0.95, 0.9, 0.0015), (0.7, 0.85, 0.01), (0.6, 0.9, 0.03)])
def test_element_of_a_decay_is_that_of_the_traces(x1: float, x2: float, ratio: float, vector: bool) -> None:
    """H -> b bbar g and a vector's, with the mass: |M|^2 / |M_0|^2 in units of the trial's density."""
    mass = np.sqrt(ratio)
    vertices = [(-LOWER[nu], GAMMA[nu]) for nu in range(4)] if vector else [(1.0, ONE)]
    p1, p2, k = momenta(x1, x2, mass)
    size = np.sqrt(0.25 - mass**2)
    q1, q2 = np.array([0.5, 0.0, 0.0, size]), np.array([0.5, 0.0, 0.0, -size])
    born = sum(sign * np.trace((slash(q1) + mass * ONE) @ v @ (slash(q2) - mass * ONE) @ bar(v)).real for sign, v in vertices)
    expected = squared(vertices, p1, p2, k, mass) / (2 * born * np.sqrt(1 - 4 * ratio)) * (1 - x1) * (1 - x2) / 2
    assert decay_element(x1, x2, ratio, vector) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("direction", [0.1, 0.7, 1.5, 2.6])
def test_octet_radiates_with_its_pair(direction: float) -> None:
    """A soft gluon's eikonals with the colour charges of quark, antiquark and the octet they come from."""
    parts = np.array([[0.5, 0.0, 0.0, 0.5], [0.5, 0.0, 0.0, -0.5], [1.0, 0.0, 0.0, 0.0]])
    k = 1e-6 * np.array([1.0, np.sin(direction), 0.0, np.cos(direction)])
    fundamental, adjoint = 4.0 / 3.0, 3.0
    charges = {(0, 1): 0.5 * adjoint - fundamental, (0, 2): -0.5 * adjoint, (1, 2): -0.5 * adjoint, (2, 2): adjoint}

    def eikonal(i: int, j: int) -> float:
        return float(parts[i] @ METRIC @ parts[j] / ((parts[i] @ METRIC @ k) * (parts[j] @ METRIC @ k)))

    whole = -sum((2.0 if i != j else 1.0) * charges.get((i, j), 0.0) * eikonal(i, j)
                 for i, j in itertools.combinations_with_replacement(range(3), 2))
    singlet = 2.0 * fundamental * eikonal(0, 1)
    ratio = octet(parts[0] @ METRIC @ k, parts[1] @ METRIC @ k)
    assert ratio == pytest.approx(whole / singlet, rel=1e-9)


def test_kernels_have_their_limits() -> None:
    """Soft emission goes to 1."""
    assert gluon_emission(1.0) == 1.0 and quark_emission(1.0) == 1.0
    assert quark_emission(0.5) == pytest.approx(0.625)


@pytest.mark.parametrize(("pair2", "mass", "momentum", "velocity"), [
    (40.0, 0.0, 1.0, 1.0), (120.0, 4.8, 0.9, 0.7), (12.0, 1.5, 0.5, 0.95)])
def test_pairs_come_with_their_mass(pair2: float, mass: float, momentum: float, velocity: float) -> None:
    """In all directions together as beta (1 + 2 m^2 / M^2) p^3, 2/3 without masses; along the pair's momentum twice as often."""
    ratio = mass**2 / pair2
    both = quad(lambda z: quark_pair(z, pair2, mass, momentum, velocity), 0.5 - velocity / 2, 0.5 + velocity / 2)[0]
    beta = np.sqrt(1 - 4 * ratio)
    assert both == pytest.approx(2 / 3 * beta * (1 + 2 * ratio) * momentum**3)
    edge = quark_pair(0.5 + 0.4999999 * velocity, pair2, mass, momentum, velocity)
    middle = quark_pair(0.5, pair2, mass, momentum, velocity)
    assert edge / middle == pytest.approx(2 / (1 + 4 * ratio), rel=1e-5)
    assert quark_pair(0.5 + 0.51 * velocity, pair2, mass, momentum, velocity) == 0.0
    assert quark_pair(0.5, 3.9 * mass**2, mass, momentum, velocity) == 0.0 or mass == 0.0

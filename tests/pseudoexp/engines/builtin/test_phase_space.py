"""Phase space: momentum conservation, masses on shell, and the densities of three and four bodies."""

import numpy as np
import pytest
from scipy.stats import chi2

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import DECAY, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.phase_space import Products, momentum, new_products, phase_space


@kernel
def _points(products: Products, n: int, mass: float, dice: Dice, out: np.ndarray) -> None:
    throw_from(dice, event_stream(11, SIGNAL, n), DECAY, 0)
    for i in range(len(out)):
        phase_space(products, n, mass, dice)
        out[i] = products.p4[:n]


def points(mass: float, masses: list[float], events: int) -> np.ndarray:
    """Return (events, n, 4) momenta of a decay at rest."""
    products = new_products()
    products.mass[:len(masses)] = masses
    out = np.zeros((events, len(masses), 4))
    _points(products, len(masses), mass, new_dice(), out)
    return out


def pair_mass2(p: np.ndarray, i: int, j: int) -> np.ndarray:
    """Return the squared mass of two products."""
    q = p[:, i] + p[:, j]
    return q[:, 3] ** 2 - (q[:, :3] ** 2).sum(axis=1)


@pytest.mark.parametrize(("mass", "masses"), [
    (0.135, [0.0, 0.0]), (1.865, [0.494, 0.140, 0.140]), (5.28, [0.1396, 1.87, 0.1396, 0.4937, 0.1350]),
    (5.28, [0.1396] * 10), (2.0, [0.1, 0.2, 0.3, 1.39]), (0.4977, [0.16] * 3)])
def test_momentum_and_masses(mass, masses):
    p = points(mass, masses, 300)
    assert np.abs(p.sum(axis=1) - [0, 0, 0, mass]).max() < 1e-12
    m2 = p[..., 3] ** 2 - (p[..., :3] ** 2).sum(axis=2)
    assert np.abs(m2 - np.square(masses)).max() < 1e-10
    assert np.abs(p[..., :3].mean(axis=0)).max() < 4 * mass / np.sqrt(300) / 2


def test_three_bodies_fill_the_dalitz_plane_evenly():
    mass, m = 1.865, [0.494, 0.140, 0.130]
    p = points(mass, m, 40_000)
    x, y = pair_mass2(p, 0, 1), pair_mass2(p, 1, 2)
    # flat: within a slice of x, y runs evenly between the limits
    s = np.sqrt(x)
    e2, e3 = (x - m[0] ** 2 + m[1] ** 2) / (2 * s), (mass ** 2 - x - m[2] ** 2) / (2 * s)
    k2, k3 = np.sqrt(e2 ** 2 - m[1] ** 2), np.sqrt(e3 ** 2 - m[2] ** 2)
    low, high = (e2 + e3) ** 2 - (k2 + k3) ** 2, (e2 + e3) ** 2 - (k2 - k3) ** 2
    share = (y - low) / (high - low)
    # and the density of x is the length of that interval
    edges = np.linspace((m[0] + m[1]) ** 2, (mass - m[2]) ** 2, 2001)
    centre = 0.5 * (edges[1:] + edges[:-1])
    r = np.sqrt(centre)
    length = np.array([momentum(mass, a, m[2]) * momentum(a, m[0], m[1]) / a for a in r])
    along = np.interp(x, edges, np.concatenate([[0], np.cumsum(length)]) / length.sum())
    counts = np.histogram2d(share, along, bins=12, range=[[0, 1], [0, 1]])[0].ravel()
    statistic = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert chi2.sf(statistic, len(counts) - 1) > 1e-3


@pytest.mark.parametrize(("mass", "masses"), [(2.0, [0.14, 0.5, 0.14, 0.9]), (5.28, [0.14, 0.14, 1.87, 0.14, 0.14, 0.14])])
def test_many_bodies_have_the_recursive_density(mass, masses):
    """The mass of all products but one has the density p(M; m, m_rest) R(m_rest), R from uniform cluster masses."""
    n = len(masses)
    p = points(mass, masses, 20_000)
    rest = np.sqrt(np.maximum(0.0, mass ** 2 + masses[0] ** 2 - 2 * mass * p[:, 0, 3]))
    rng = np.random.default_rng(1)
    inner = masses[1:]
    u = np.sort(rng.random((400_000, n - 2)), axis=1)
    kinetic = mass - sum(masses)
    cluster = np.cumsum(inner)[None, 1:] + kinetic * u
    low = np.concatenate([np.full((len(u), 1), inner[0]), cluster[:, :-1]], axis=1)
    weight = np.ones(len(u))
    for i in range(n - 2):
        a, b, m = cluster[:, i], low[:, i], inner[i + 1]
        weight *= np.sqrt(np.maximum(0, (a * a - (b + m) ** 2) * (a * a - (b - m) ** 2))) / a
    a, b, m = mass, cluster[:, -1], masses[0]
    weight *= np.sqrt(np.maximum(0, (a * a - (b + m) ** 2) * (a * a - (b - m) ** 2)))
    edges = np.quantile(rest, np.linspace(0, 1, 16))
    edges[0], edges[-1] = 0, mass
    share, _ = np.histogram(cluster[:, -1], edges, weights=weight)
    error2, _ = np.histogram(cluster[:, -1], edges, weights=weight ** 2)
    expected = share / weight.sum() * len(rest)
    spread = expected + error2 / weight.sum() ** 2 * len(rest) ** 2
    counts, _ = np.histogram(rest, edges)
    assert chi2.sf(((counts - expected) ** 2 / spread).sum(), 14) > 1e-3

"""The clustering against FastJet: the same constituents in the same jets, pT within 1e-9."""

import os
import subprocess
import sys
from pathlib import Path

import every_kernel
import numpy as np
import pytest
from jet_samples import MAX_RADIUS, assert_same, collisions, fastjet_exclusive, fastjet_jets, momenta, our_jets, toy

from pseudoexp.jets.antikt import NOT_FINITE, OVERFLOW, cluster, cluster_exclusive, cluster_workspace, constituents

POWERS = (-1, 0, 1)
RADII = (0.2, 0.4, 1.0)


@pytest.fixture(scope="module")
def ws():
    return cluster_workspace(2048)


def check(p4, radius, power, ws, ptmin=0.0):
    p4 = np.ascontiguousarray(p4, dtype=np.float64).reshape(-1, 4)
    n_jets = cluster(p4, len(p4), radius, power, ptmin, ws)
    assert_same(our_jets(ws, len(p4), n_jets), fastjet_jets(p4, radius, power, ptmin))


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("radius", RADII)
def test_collisions(radius, power, ws):
    for p4, _ in collisions():
        check(p4, radius, power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_toys_of_every_size(power, ws):
    for seed in range(60):
        check(toy(2 + 3 * seed, seed, mass=0.14 * (seed % 2)), 0.4 + 0.3 * (seed % 3), power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_none_one_and_two(power, ws):
    one = momenta([30.0], [0.5], [6.2])
    check(np.empty((0, 4)), 1.0, power, ws)
    check(one, 1.0, power, ws)
    check(np.concatenate([one, momenta([20.0], [0.4], [0.1])]), 1.0, power, ws)  # across phi = 0
    check(np.concatenate([one, momenta([20.0], [0.4], [3.1])]), 1.0, power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_equal_momenta(power, ws):
    check(np.repeat(toy(1, 3), 100, axis=0), 0.4, power, ws)
    check(np.repeat(toy(40, 5), 3, axis=0), 0.4, power, ws)
    check(np.concatenate([toy(60, 9), np.zeros((4, 4))]), 1.0, power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_two_thousand(power, ws):
    check(toy(2000, 1), 1.0, power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_zero_pt(power, ws):
    along = np.array([[0, 0, 5.0, 5.0], [0, 0, -5.0, 5.0], [0, 0, 7.0, 7.0], [0, 0, 3.0, 4.0], [0, 0, 0.0, 1.0]])
    check(along, 0.6, power, ws)
    check(np.concatenate([toy(50, 2), along, along[:1]]), 1.0, power, ws)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("pt", [1e-3, 1e-9, 1e-30])
def test_huge_rapidity(pt, power, ws):
    rng = np.random.default_rng(4)
    phi = rng.uniform(0, 6.28, 30)
    pz = rng.choice([-1, 1], 30) * rng.uniform(1, 7000, 30)
    beam = np.stack([pt * np.cos(phi), pt * np.sin(phi), pz, 0 * phi], -1)
    beam[:, 3] = np.sqrt((beam[:, :3]**2).sum(axis=1))
    check(np.concatenate([toy(60, 8), beam]), 1.0, power, ws)


@pytest.mark.parametrize("power", POWERS)
def test_wide_range_of_pt(power, ws):
    rng = np.random.default_rng(6)
    check(momenta(10.0**rng.uniform(-30, 4, 200), rng.uniform(-3, 3, 200), rng.uniform(0, 6.28, 200)), 1.0, power, ws)


def test_a_merged_pair_becomes_the_nearest_neighbour(ws):
    """Two soft momenta, each farther from the hard one than a third, are nearer to it once they are one."""
    p4 = momenta([10.0, 1.0, 1.0, 1.0], [0.0, -0.999, 0.9985, 0.9985], [2.0, 2.0, 1.96, 2.04])
    assert set(our_jets(ws, 4, cluster(p4, 4, 1.0, -1, 0.0, ws))) == {frozenset([0, 2, 3]), frozenset([1])}
    check(p4, 1.0, -1, ws)


def test_spacelike_momenta(ws):
    p4 = toy(80, 12)
    p4[:, 3] *= 1.0 - 1e-7
    check(p4, 1.0, -1, ws)


def test_ptmin(ws):
    p4, _ = collisions()[0]
    check(p4, 1.0, -1, ws, ptmin=20.0)
    n_jets = cluster(p4, len(p4), 1.0, -1, 20.0, ws)
    assert 0 < n_jets < 10 and np.any(ws.jet_of[:len(p4)] == -1)


def test_ties_everywhere_lose_nothing(ws):
    """A grid of equal momenta: which of its equal distances is smallest is a matter of rounding, so no oracle."""
    y, phi = np.meshgrid(np.arange(-10, 10) * 0.1, np.arange(20) * 0.1)
    p4 = momenta(np.ones(400), y.ravel(), phi.ravel())
    n_jets = cluster(p4, 400, 0.4, -1, 0.0, ws)
    jets = our_jets(ws, 400, n_jets)
    assert sum(map(len, jets)) == 400
    np.testing.assert_allclose(ws.jet_p4[:n_jets].sum(axis=0), p4.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("n_jets", [1, 2, 3, 7])
def test_exclusive(n_jets, power, ws):
    for seed in range(12):
        p4 = toy(5 + 4 * seed, 100 + seed)
        for radius in (MAX_RADIUS,) if power == 0 else (0.5, MAX_RADIUS):  # Cambridge/Aachen: equal d_iB
            found = cluster_exclusive(p4, len(p4), power, radius, n_jets, ws)
            assert_same(our_jets(ws, len(p4), found), fastjet_exclusive(p4, radius, power, n_jets))


def test_exclusive_of_fewer_particles(ws):
    assert cluster_exclusive(toy(3, 1), 3, 1, MAX_RADIUS, 5, ws) == 3


def test_order_of_the_inputs_does_not_matter(ws):
    p4, _ = collisions()[1]
    first = set(our_jets(ws, len(p4), cluster(p4, len(p4), 1.0, -1, 0.0, ws)))
    shuffle = np.random.default_rng(0).permutation(len(p4))
    n_jets = cluster(p4[shuffle].copy(), len(p4), 1.0, -1, 0.0, ws)
    assert {frozenset(shuffle[list(j)].tolist()) for j in our_jets(ws, len(p4), n_jets)} == first


def test_only_the_first_rows_are_read(ws):
    p4 = toy(30, 4)
    p4[20:] = np.nan
    n_jets = cluster(p4, 20, 1.0, -1, 0.0, ws)
    assert_same(our_jets(ws, 20, n_jets), fastjet_jets(p4[:20], 1.0, -1))


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("column", range(4))
def test_not_finite(column, value, ws):
    p4 = toy(20, 4)
    p4[7, column] = value
    assert cluster(p4, 20, 1.0, -1, 0.0, ws) == NOT_FINITE


def test_overflow_and_the_exact_fit():
    p4 = toy(17, 4)
    assert cluster(p4, 17, 1.0, -1, 0.0, cluster_workspace(16)) == OVERFLOW
    exact = cluster_workspace(17)
    assert_same(our_jets(exact, 17, cluster(p4, 17, 1.0, -1, 0.0, exact)), fastjet_jets(p4, 1.0, -1))


def test_constituents_sum_to_the_jet(ws):
    p4, _ = collisions()[2]
    cluster(p4, len(p4), 1.0, -1, 5.0, ws)
    out = np.empty_like(p4)
    m = constituents(p4, ws.jet_of, len(p4), 0, out)
    assert m == np.count_nonzero(ws.jet_of[:len(p4)] == 0)
    np.testing.assert_allclose(out[:m].sum(axis=0), ws.jet_p4[0], rtol=1e-12)


def test_plain_python_gives_the_same_bits():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1",
                   "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])}
    program = "import sys, every_kernel; sys.stdout.write(every_kernel.bits())"
    plain = subprocess.run([sys.executable, "-W", "error::RuntimeWarning", "-c", program], check=True,
                           capture_output=True, text=True, env=environment).stdout
    assert len(plain.split()) > 100 and plain == every_kernel.bits()

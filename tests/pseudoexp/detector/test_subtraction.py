"""SoftKiller: removes an even background, keeps jets, against a plain numpy version."""

import numpy as np
import pytest
from detector_toys import momenta

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import Towers
from pseudoexp.detector.subtraction import soft_killer, subtraction_workspace


@kernel
def run(towers, n, grid, max_eta, ws):
    return soft_killer(towers, n, grid, max_eta, ws)


def crossing(seed, background=900, hard=20):
    rng = np.random.default_rng(seed)
    n = background + hard
    pt = np.concatenate([0.5 + rng.exponential(0.5, background), 5.0 + rng.exponential(10.0, hard)])
    eta = np.concatenate([rng.uniform(-4, 4, background), rng.normal(0.5, 0.1, hard)])
    phi = np.concatenate([rng.uniform(-np.pi, np.pi, background), rng.normal(1.0, 0.1, hard)])
    return Towers(np.ascontiguousarray(momenta(pt, eta, phi, np.full(n, 22))[rng.permutation(n)]))


def reference(p4, grid=0.6, max_eta=2.5):
    pt, phi = np.hypot(p4[:, 0], p4[:, 1]), np.arctan2(p4[:, 1], p4[:, 0])
    eta = np.arcsinh(p4[:, 2] / pt)
    n_eta, n_phi = round(2 * max_eta / grid), round(2 * np.pi / grid)
    largest = np.zeros((n_eta, n_phi))
    for t in np.flatnonzero(abs(eta) < max_eta):
        cell = int((eta[t] + max_eta) / (2 * max_eta) * n_eta), int((phi[t] + np.pi) / (2 * np.pi) * n_phi)
        largest[cell] = max(largest[cell], pt[t])
    return p4[pt >= np.sort(largest.ravel())[n_eta * n_phi // 2]]


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_plain_version(seed):
    towers = crossing(seed)
    expected = reference(towers.p4.copy())
    n = run(towers, len(towers.p4), 0.6, 2.5, subtraction_workspace())
    assert np.array_equal(towers.p4[:n], expected)


def test_the_background_is_gone_and_the_jet_is_not():
    towers = crossing(3)
    before = towers.p4.copy()
    n = run(towers, len(before), 0.6, 2.5, subtraction_workspace())

    def transverse(p4, jet):
        eta, phi = np.arcsinh(p4[:, 2] / np.hypot(p4[:, 0], p4[:, 1])), np.arctan2(p4[:, 1], p4[:, 0])
        inside = np.hypot(eta - 0.5, phi - 1.0) < 0.5
        return np.hypot(p4[:, 0], p4[:, 1])[inside == jet].sum()

    assert transverse(towers.p4[:n], False) < 0.25 * transverse(before, False)
    assert transverse(towers.p4[:n], True) > 0.95 * (transverse(before, True) - 15)


def test_sparse_events_are_left_alone():
    towers = crossing(1, background=20, hard=20)
    before = towers.p4.copy()
    assert run(towers, 40, 0.6, 2.5, subtraction_workspace()) == 40
    assert np.array_equal(towers.p4, before)
    assert run(towers, 0, 0.6, 2.5, subtraction_workspace()) == 0

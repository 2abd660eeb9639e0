"""Constituent subtraction and SoftKiller: remove an even background, keep jets, against plain numpy versions."""

import numpy as np
import pytest
from detector_toys import momenta

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import Towers
from pseudoexp.detector.subtraction import (
    SubtractionSettings,
    constituent_subtraction,
    soft_killer,
    subtract,
    subtraction_workspace,
)


@kernel
def run(towers, n, grid, max_eta, ws):
    return soft_killer(towers, n, grid, max_eta, ws)


def crossing(seed, background=900, hard=20):
    rng = np.random.default_rng(seed)
    n = background + hard
    pt = np.concatenate([0.5 + rng.exponential(0.5, background), 5.0 + rng.exponential(10.0, hard)])
    eta = np.concatenate([rng.uniform(-4, 4, background), rng.normal(0.5, 0.1, hard)])
    phi = np.concatenate([rng.uniform(-np.pi, np.pi, background), rng.normal(1.0, 0.1, hard)])
    return Towers(np.ascontiguousarray(momenta(pt, eta, phi, np.full(n, 22))[rng.permutation(n)]), rng.random(n) < 0.3)


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


def test_towers_keep_their_layer():
    """Both methods drop towers; those that stay are still of the layer in which they were."""
    towers = crossing(4)
    layer = {tuple(np.round(p[:3] / p[3], 12)): h for p, h in zip(towers.p4, towers.hadronic, strict=True)}
    n = run_both(towers, len(towers.p4), SubtractionSettings(0.6, 2.5, 0.25, 0.6), subtraction_workspace())
    assert 20 < n < len(layer)
    assert all(layer[tuple(np.round(p[:3] / p[3], 12))] == h for p, h in zip(towers.p4[:n], towers.hadronic[:n], strict=True))


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


@kernel
def run_constituents(towers, n, grid, max_eta, radius, ws):
    return constituent_subtraction(towers, n, grid, max_eta, radius, ws)


@kernel
def run_both(towers, n, settings, ws):
    return subtract(towers, n, settings, ws)


def kinematics(p4):
    pt = np.hypot(p4[:, 0], p4[:, 1])
    return pt, np.arcsinh(p4[:, 2] / pt), np.arctan2(p4[:, 1], p4[:, 0])


def median_density(pt, eta, phi, low, high, grid):
    """Patches are made of whole cells of 0.1."""
    n_eta, n_phi = round((high - low) / grid), int(2 * np.pi / grid + 0.5)
    sums = np.zeros((2, n_eta, n_phi))
    eta = (np.floor((eta + 4.9) / 0.1) + 0.5) * 0.1 - 4.9
    phi_cell = np.floor((phi + np.pi) / (2 * np.pi / 64)).astype(int)
    for t in np.flatnonzero((abs(eta) > low) & (abs(eta) < high)):
        row = min(int((abs(eta[t]) - low) * n_eta / (high - low)), n_eta - 1)
        sums[int(eta[t] > 0), row, phi_cell[t] * n_phi // 64] += pt[t]
    return np.sort(sums.ravel())[sums.size // 2] * n_eta * n_phi / ((high - low) * 2 * np.pi)


def constituent_reference(p4, grid, radius):
    """Return what is left of each tower."""
    pt, eta, phi = kinematics(p4)
    cell = np.floor((eta + 4.9) / 0.1).astype(int), np.floor((phi + np.pi) / (2 * np.pi / 64)).astype(int)
    inside = abs(eta) < 4.9
    have, debt = np.zeros((98, 64)), np.zeros((98, 64))
    np.add.at(have, (cell[0][inside], cell[1][inside]), pt[inside])
    before = have.copy()
    middle = abs((np.arange(98) + 0.5) * 0.1 - 4.9)
    densities = [median_density(pt, eta, phi, *part, grid) for part in ((0, 2.5), (2.5, 4.9))]
    debt[:] = np.where(middle < 2.5, *densities)[:, None] * 0.1 * 2 * np.pi / 64
    steps = [(a, b) for a in range(-9, 10) for b in range(-9, 10)]
    far = [np.hypot(0.1 * a, 2 * np.pi / 64 * b) for a, b in steps]
    for k in sorted(range(len(steps)), key=lambda k: (far[k], steps[k])):
        if far[k] > radius:
            break
        for a in range(98):
            a2 = a + steps[k][0]
            if 0 <= a2 < 98:
                for b in range(64):
                    b2 = (b + steps[k][1]) % 64
                    paid = min(have[a, b], debt[a2, b2])
                    have[a, b] -= paid
                    debt[a2, b2] -= paid
    factor = np.ones(len(pt))
    factor[inside] = (have / np.maximum(before, 1e-9))[cell[0][inside], cell[1][inside]]
    return p4 * factor[:, None]


@pytest.mark.parametrize(("seed", "radius"), [(0, 0.25), (1, 0.01), (2, 0.4)])
def test_constituents_equal_the_plain_version(seed, radius):
    towers = crossing(seed, 2500)
    expected = constituent_reference(towers.p4.copy(), 0.6, radius)
    n = run_constituents(towers, len(towers.p4), 0.6, 2.5, radius, subtraction_workspace())
    left = expected[np.hypot(expected[:, 0], expected[:, 1]) > 1e-9]
    made = towers.p4[:n][np.hypot(towers.p4[:n, 0], towers.p4[:n, 1]) > 1e-9]
    assert len(left) < len(expected) or radius < 0.1
    assert left[:, 3].sum() < 0.9 * crossing(seed, 2500).p4[:, 3].sum()
    np.testing.assert_allclose(made, left, rtol=1e-9, atol=1e-12)


def test_constituents_lose_what_the_background_brought():
    """The jet keeps its momentum within the background's fluctuation; nothing grows, nothing is left of a flat one."""
    changes, rests = [], []
    for seed in range(20):
        towers = crossing(seed, 4000)
        before = towers.p4.copy()
        pt, eta, phi = kinematics(before)
        hard = pt > 5.0
        n = run_constituents(towers, len(before), 0.6, 2.5, 0.25, subtraction_workspace())
        pt_left, eta_left, phi_left = kinematics(towers.p4[:n])
        near = np.hypot(eta_left - 0.5, phi_left - 1.0) < 0.4
        changes.append(pt_left[near].sum() / pt[hard & (np.hypot(eta - 0.5, phi - 1.0) < 0.4)].sum())
        rests.append(pt_left[~near].sum() / pt[np.hypot(eta - 0.5, phi - 1.0) >= 0.4].sum())
        assert np.allclose(np.hypot(*towers.p4[:n, :3].T[:2]) ** 2 + towers.p4[:n, 2] ** 2, towers.p4[:n, 3] ** 2)
    assert abs(np.mean(changes) - 1.0) < 0.04 and np.mean(rests) < 0.35


def test_settings_choose_the_methods():
    off = SubtractionSettings(0.6, 2.5, 0.0, 0.0)
    counts = {}
    for name, settings in {"off": off, "killer": off._replace(soft_killer_grid=0.6), "constituents": off._replace(radius=0.25),
                           "both": off._replace(soft_killer_grid=0.6, radius=0.25)}.items():
        towers = crossing(5)
        counts[name] = run_both(towers, len(towers.p4), settings, subtraction_workspace())
    assert counts["off"] == 920 > counts["constituents"] > counts["both"] and counts["off"] > counts["killer"]


def test_an_empty_event():
    assert run_constituents(crossing(1), 0, 0.6, 2.5, 0.25, subtraction_workspace()) == 0

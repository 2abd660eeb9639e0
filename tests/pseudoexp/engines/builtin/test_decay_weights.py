"""Matrix elements: bounds, lepton spectra of V - A, the omega's and the pi0's Dalitz decay."""

import numpy as np
import pytest
from scipy.stats import kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.decay_table import V_A
from pseudoexp.engines.builtin.decay_weights import lepton_pair, three_pions, v_minus_a
from pseudoexp.engines.builtin.decays import _kinematics
from pseudoexp.engines.builtin.dice import DECAY, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.phase_space import Products, new_products, phase_space


@kernel
def _semileptonic(products: Products, n: int, mass: float, dice: Dice, out: np.ndarray) -> None:
    throw_from(dice, event_stream(5, SIGNAL, n), DECAY, 0)
    for i in range(len(out)):
        _kinematics(products, n, mass, V_A, (0, 0.0, 0.0, 0.0), dice)
        out[i] = products.p4[:n]


@kernel
def _weights(products: Products, n: int, mass: float, dice: Dice, out: np.ndarray) -> None:
    throw_from(dice, event_stream(5, SIGNAL, n), DECAY, 0)
    for i in range(len(out)):
        phase_space(products, n, mass, dice)
        out[i, 0] = v_minus_a(products, n, mass)
        out[i, 1] = three_pions(products, mass) if n == 3 else 0.0


@kernel
def _pairs(products: Products, mass: float, dice: Dice, out: np.ndarray) -> None:
    throw_from(dice, event_stream(5, SIGNAL, 9), DECAY, 0)
    for i in range(len(out)):
        lepton_pair(products, mass, dice)
        out[i] = products.p4[:3]


def test_spectra_of_a_massless_v_a_decay():
    """With massless products x = 2 E / M of the first has 6 x^2 (1 - x) ... : 12 x^2 (1 - x), the others 2 x^2 (3 - 2 x)."""
    out = np.zeros((20_000, 3, 4))
    products = new_products()
    _semileptonic(products, 3, 2.0, new_dice(), out)
    x = out[:, :, 3]  # 2 E / M with M = 2
    assert kstest(x[:, 0], lambda t: 4 * t ** 3 - 3 * t ** 4).pvalue > 1e-3
    assert kstest(x[:, 1], lambda t: 2 * t ** 3 - t ** 4).pvalue > 1e-3
    assert kstest(x[:, 2], lambda t: 2 * t ** 3 - t ** 4).pvalue > 1e-3


@pytest.mark.parametrize(("mass", "masses"), [
    (5.28, [0.0, 0.106, 1.87]), (5.28, [0.0, 1.777, 2.01]), (1.87, [0.106, 0.0, 0.494]), (5.28, [0.0, 0.0005, 1.87, 0.14]),
    (0.783, [0.1396, 0.1396, 0.135])])
def test_weights_are_at_most_one_and_reach_it(mass, masses):
    products = new_products()
    products.mass[:len(masses)] = masses
    out = np.zeros((20_000, 2))
    _weights(products, len(masses), mass, new_dice(), out)
    assert out[:, 0].min() >= 0.0
    assert out[:, 0].max() <= 1.0 + 1e-12
    assert out[:, 0].max() > 0.8 or len(masses) > 3
    if mass < 1.0:
        assert 0.95 < out[:, 1].max() <= 1.0 + 1e-9


def test_dalitz_decay_of_the_pi0():
    mass, electron = 0.1349768, 0.000511
    products = new_products()
    products.mass[:3] = 0.0, electron, electron
    out = np.zeros((20_000, 3, 4))
    _pairs(products, mass, new_dice(), out)
    assert np.abs(out.sum(axis=1) - [0, 0, 0, mass]).max() < 1e-13
    q = out[:, 1] + out[:, 2]
    q2 = q[:, 3] ** 2 - (q[:, :3] ** 2).sum(axis=1)
    grid = np.exp(np.linspace(np.log(4 * electron ** 2), 2 * np.log(mass), 20_001))
    r = 4 * electron ** 2 / grid
    density = np.sqrt(np.maximum(0, 1 - r)) * (1 + r / 2) * (1 - grid / mass ** 2) ** 3 / (1 - grid / 0.601) ** 2
    cumulative = np.concatenate([[0], np.cumsum(0.5 * (density[1:] + density[:-1]))])  # per d log q^2
    assert kstest(q2, lambda t: np.interp(np.log(t), np.log(grid), cumulative / cumulative[-1])).pvalue > 1e-3
    # leptons of a photon: 1 + cos^2 to the photon's line of flight, far above the threshold
    high = q2 > 100 * electron ** 2
    axis = q[high, :3] / np.linalg.norm(q[high, :3], axis=1)[:, None]
    e, p = out[high, 1, 3], (out[high, 1, :3] * axis).sum(axis=1)
    gamma, flight = q[high, 3] / np.sqrt(q2[high]), np.linalg.norm(q[high, :3], axis=1) / np.sqrt(q2[high])
    cosine = (gamma * p - flight * e) / np.sqrt(q2[high] / 4 - electron ** 2)
    assert abs((cosine ** 2).mean() - 0.4) < 0.01

"""Transverse momenta inside the protons and the momenta of remnants, against their densities and exact kinematics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, kstest
from toy_scatterings import scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import REMNANTS, new_dice, throw_from
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, REMNANT, append_parton
from pseudoexp.engines.builtin.primordial_kt import (
    kick,
    kick_systems,
    momenta_left,
    place_remnants,
    remnant_mass,
    share_momentum,
)
from pseudoexp.engines.builtin.remnants import remnant_workspace

METRIC = np.array([-1.0, -1.0, -1.0, 1.0])


def event(n: int = 3, seed: int = 1):
    """Return scatterings of gluons and a workspace with a u quark and a diquark left of each proton."""
    partons, systems = scatter([(21, 21)] * n, seed)
    ws = remnant_workspace(40, 200)
    for side in range(2):
        for k, code in enumerate((2, 2101)):
            ws.rows[side, k] = append_parton(partons, code, REMNANT, -1, -1, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)
        ws.partner[side], ws.filled[side] = -1, 2
    return partons, systems, ws


def placed_dice(number: int = 0):
    """Return dice of the remnants."""
    dice = new_dice()
    throw_from(dice, event_stream(2, SIGNAL, number), REMNANTS, 0)
    return dice


@kernel
def many_kicks(side, partons, systems, dice, ws, taken, left):
    """Fill the transverse momenta of partons taken and of remnants, again and again."""
    for i in range(len(taken)):
        kick(side, partons, systems, dice, ws)
        for m in range(2):
            for s in range(taken.shape[1]):
                taken[i, s, m] = ws.incoming_kt[side, s, m]
            for k in range(left.shape[1]):
                left[i, k, m] = ws.kt[side, k, m]


@pytest.mark.parametrize("side", [0, 1])
def test_widths(side: int) -> None:
    """1.8 GeV for hard scatterings, 0.9 for soft ones, less for light ones, 0.4 for remnants, before what they give back."""
    n, (partons, systems, ws) = 20_000, event(4)
    systems.scale[:4], systems.x[3] = (200.0, 5.0, 1.0, 2.0), (1e-4, 2e-4)
    taken, left = np.zeros((n, 4, 2)), np.zeros((n, 2, 2))
    many_kicks(side, partons, systems, placed_dice(side), ws, taken, left)
    np.testing.assert_allclose(taken.sum(1) + left.sum(1), 0.0, atol=1e-12)
    scale, mass = systems.scale[:4], 2 * BEAM_ENERGY * np.sqrt(systems.x[:4].prod(1))
    own2 = ((0.9 * 1.5 + 1.8 * scale) / (1.5 + scale) * mass / (1.0 + mass)) ** 2
    whole2 = own2.sum() + 2 * 0.4**2
    part = 1.0 / (2 + 0.135 * 4)
    expected = [v * (1 - 2 * weight * part) + (weight * part) ** 2 * whole2
                for v, weight in [*zip(own2, [0.135] * 4, strict=True), (0.16, 1.0), (0.16, 1.0)]]
    seen = np.concatenate([taken, left], axis=1)
    for values, square in zip(np.moveaxis(seen, 1, 0), expected, strict=True):
        assert kstest((values**2).sum(1) / square, "expon").pvalue > 1e-3
        assert kstest(np.arctan2(values[:, 1], values[:, 0]) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3


@kernel
def many_shares(side, partons, systems, dice, ws, out):
    """Fill the shares of a side's remnants, again and again."""
    for i in range(len(out)):
        share_momentum(side, partons, systems, dice, ws)
        for k in range(out.shape[1]):
            out[i, k] = ws.fraction[side, k]


@pytest.mark.parametrize(("quark", "diquark", "powers"), [(2, 2101, (3.5, 3.5, 2.0)), (1, 2203, (2.0, 3.5, 3.5))])
def test_shares_of_valence_quarks(quark: int, diquark: int, powers: tuple[float, float, float]) -> None:
    """x^-1/2 (1 - x)^a each, that of the diquark's quarks twice; they add up to one."""
    n, (partons, systems, ws) = 10_000, event()
    partons.pdg_id[ws.rows[0, :2]] = quark, diquark
    shares = np.zeros((n, 2))
    many_shares(0, partons, systems, placed_dice(), ws, shares)
    np.testing.assert_allclose(shares.sum(1), 1.0)
    x = [beta(0.5, a + 1.0).rvs(200_000, random_state=k) for k, a in enumerate(powers)]
    expected = np.sort(x[0] / (x[0] + 2.0 * (x[1] + x[2])))
    assert kstest(shares[:, 0], lambda v: np.searchsorted(expected, v) / len(expected)).pvalue > 1e-3


def kicked(seed: int):
    """Return an event with transverse momenta, and its momenta before."""
    partons, systems, ws = event(seed=seed)
    dice, before = placed_dice(seed), partons.p4.copy()
    for side in range(2):
        kick(side, partons, systems, dice, ws)
        share_momentum(side, partons, systems, dice, ws)
    kick_systems(partons, systems, ws)
    return partons, systems, ws, before


@pytest.mark.parametrize("seed", range(5))
def test_a_scattering_moves_as_a_whole(seed: int) -> None:
    """All products of its momenta stay; its transverse momentum is that of both partons taken, which share it nearly so."""
    partons, systems, ws, before = kicked(seed)
    for s in range(3):
        rows = np.flatnonzero(partons.system[:partons.filled[0]] == s)
        p, old = partons.p4[rows], before[rows]
        np.testing.assert_allclose((p * METRIC) @ p.T, (old * METRIC) @ old.T, rtol=1e-9, atol=1e-8 * old[:, 3].max() ** 2)
        one, two = partons.p4[systems.incoming[s]]
        kt = ws.incoming_kt[:, s]
        np.testing.assert_allclose((one + two)[:2], kt.sum(0), atol=1e-9)
        both, was = one + two, before[systems.incoming[s]].sum(0)
        assert (both[3] + both[2]) / (both[3] - both[2]) == pytest.approx((was[3] + was[2]) / (was[3] - was[2]))
        if s == 0:  # 200 GeV
            np.testing.assert_allclose([one[:2], two[:2]], kt, atol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_remnants_take_what_is_left(seed: int) -> None:
    """Both light-cone momenta, their own transverse momenta, on their mass shells; in proportion to the shares."""
    partons, systems, ws, _ = kicked(seed)
    plus, minus = momenta_left(systems, ws)
    incoming = partons.p4[systems.incoming[:3].ravel()].sum(0)
    assert plus == pytest.approx(2 * BEAM_ENERGY - incoming[3] - incoming[2])
    assert minus == pytest.approx(2 * BEAM_ENERGY - incoming[3] + incoming[2])
    assert place_remnants(plus, minus, partons, ws)
    p = partons.p4[ws.rows[:, :2]]
    total = p.sum((0, 1))
    np.testing.assert_allclose([total[3] + total[2], total[3] - total[2]], [plus, minus])
    np.testing.assert_allclose(p[:, :, :2], ws.kt[:, :2])
    masses = [remnant_mass(2), remnant_mass(2101)]
    np.testing.assert_allclose((p * p * METRIC).sum(2), np.square([masses, masses]), atol=1e-6)
    along = p[:, :, 3] + np.array([[1.0], [-1.0]]) * p[:, :, 2]
    np.testing.assert_allclose(along / along.sum(1, keepdims=True), ws.fraction[:, :2])
    assert not place_remnants(1.0, 1.0, partons, ws) and not place_remnants(-1.0, 5000.0, partons, ws)

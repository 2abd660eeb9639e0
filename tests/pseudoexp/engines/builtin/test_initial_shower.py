"""The initial-state shower: its four kernels, and the way below a heavy quark's threshold, against numerical integrals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.coupling import alpha_s
from pseudoexp.engines.builtin.dice import SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import PT0_SQUARED, forget_ends, shower_tables, shower_work
from pseudoexp.engines.builtin.initial_shower import (
    LEAST_PT2,
    THRESHOLD_REGION,
    judge_space,
    next_space_trial,
)
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, all_densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, INCOMING, append_parton, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.splitting import MASSES

X = (0.02, 0.05)
M2 = 4.0 * BEAM_ENERGY**2 * X[0] * X[1]


@kernel
def first_branching(n, flavour, x0, x1, pt2, partons, systems, tables, work, dice, out):
    """Fill `out` (n, 3) with pT^2 of the first branching of side 0, 0 without, mother and z."""
    throw_from(dice, event_stream(4, 0, 0), SHOWER, 0)
    for event in range(n):
        forget_partons(partons, systems)
        for side in range(2):
            x = x0 if side == 0 else x1
            e = BEAM_ENERGY * x
            systems.x[0, side] = x
            systems.incoming[0, side] = append_parton(partons, flavour, INCOMING, -1, 0, 0.0, 0.0, e if side == 0 else -e, e, 0.0,
                                                      0, 0)
        systems.filled[0] = 1
        forget_ends(work)
        work.space[0].old_pt2 = -1.0
        scale, mother = pt2, 0
        while mother == 0:
            next_space_trial(work, partons, systems, tables, dice, 0, 0, 1.0, scale)
            scale = work.space[0].trial
            if scale <= 0.0:
                break
            mother = judge_space(work, partons, systems, tables, dice, 0, 0, 1.0)
        out[event, 0], out[event, 1], out[event, 2] = max(scale, 0.0), mother, work.space[0].chosen


@kernel
def coupling_at(coupling, scale2):
    """Return alpha_s."""
    return alpha_s(coupling, scale2)


def true_pt2(pt2: float, z: np.ndarray, m2: float, quark2: float, sister2: float) -> np.ndarray:
    """Return the sister's transverse momentum^2."""
    q2 = pt2 / (1 - z) - quark2
    return np.where(q2 > 0, q2 - z * (m2 + q2) * (q2 + sister2) / m2, -1.0)


def densities_in_z(pt2: float, flavour: int, tables, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the branchings from a mother of the same and of the other kind per z, with the densities."""
    here, rows = np.zeros(EFFECTIVE + 1), np.zeros((len(z), EFFECTIVE + 1))
    all_densities(tables.densities, X[0], pt2, here)
    for k, value in enumerate(z):
        all_densities(tables.densities, X[0] / value, pt2, rows[k])
    mass2 = MASSES[abs(flavour)] ** 2 if flavour != 21 else 0.0
    heavy2 = mass2 if flavour != 21 and abs(flavour) > 3 else 0.0
    gluons = rows[:, GLUON]
    if flavour == 21:
        same = 6.0 * (1 - z * (1 - z)) ** 2 / (z * (1 - z)) * gluons
        other = np.zeros(len(z))
        for q in [q for q in range(-5, 6) if q != 0]:
            inside = true_pt2(pt2, z, M2, 0.0, MASSES[abs(q)] ** 2) > 0
            other += 4.0 / 3.0 * (1 + (1 - z) ** 2) / z * rows[:, GLUON + q] * inside
        before = here[GLUON]
    else:
        same = 4.0 / 3.0 * (1 + z * z) / (1 - z) * rows[:, GLUON + flavour]
        other = 0.5 * (z * z + (1 - z) ** 2 + 2 * z * (1 - z) * heavy2 / pt2) * gluons * (true_pt2(pt2, z, M2, heavy2, mass2) > 0)
        before = here[GLUON + flavour]
    return same * (true_pt2(pt2, z, M2, 0.0, 0.0) > 0) / before, other / before


def rates(pt2: float, flavour: int, tables) -> tuple[float, float]:
    """Return the integrals over z of both."""
    z = np.linspace(X[0], 1.0, 1502)[1:-1]
    same, other = densities_in_z(pt2, flavour, tables, z)
    return float(same.sum() * (z[1] - z[0])), float(other.sum() * (z[1] - z[0]))


@pytest.mark.parametrize(("flavour", "top"), [(21, 2500.0), (2, 2500.0), (-3, 2500.0), (5, 2500.0)])
def test_no_branching_probability(flavour: int, top: float) -> None:
    """The first branching's pT, and how often the mother is of the other kind: g <- g, g <- q, q <- q, q <- g, b <- g."""
    n, tables, out = 4000, shower_tables(), np.zeros((4000, 3))
    first_branching(n, flavour, *X, top, new_partons(10), new_systems(1), tables, shower_work(10), new_dice(), out)
    bottom = THRESHOLD_REGION * MASSES[5] ** 2 if flavour == 5 else LEAST_PT2
    logs = np.linspace(np.log(bottom * 1.0001), np.log(top), 40)
    both = np.array([rates(np.exp(u), flavour, tables) for u in logs])
    both *= np.array([coupling_at(tables.initial, np.exp(u) + PT0_SQUARED) / (2 * np.pi) * np.exp(u) / (np.exp(u) + PT0_SQUARED)
                      for u in logs])[:, None]
    steps = (both[1:] + both[:-1]) / 2 * np.diff(logs)[:, None]
    above = np.concatenate([np.cumsum(steps.sum(1)[::-1])[::-1], [0.0]])
    sudakov = np.exp(-above)
    found = out[out[:, 0] > bottom]
    assert abs(1.0 - len(found) / n - sudakov[0]) < 4 * 0.5 / np.sqrt(n)
    cdf = lambda u: (np.interp(u, logs, sudakov) - sudakov[0]) / (1 - sudakov[0])  # noqa: E731
    assert stats.kstest(np.log(found[:, 0]), cdf).pvalue > 1e-3
    other = float((steps[:, 1] * (sudakov[1:] + sudakov[:-1]) / 2).sum())
    seen = ((found[:, 1] == 21) != (flavour == 21)).sum() / n
    assert abs(seen - other) < 4 * np.sqrt(other * (1 - other) / n) + 0.01 * other


@pytest.mark.parametrize("flavour", [21, 2, -3, 5])
def test_momentum_shares(flavour: int) -> None:
    """Given pT^2 and the mother's kind, z follows kernel and densities: its cumulative density there is uniform."""
    n, tables = 120_000 if flavour == 21 else 30_000, shower_tables()  # gluons rarely come from quarks
    out = np.zeros((n, 3))
    first_branching(n, flavour, *X, 2500.0, new_partons(10), new_systems(1), tables, shower_work(10), new_dice(), out)
    ends = np.exp(np.linspace(np.log(1e-4), np.log(0.5), 120))
    z = X[0] + (1.0 - X[0]) * np.concatenate([ends[:-1], 1.0 - ends[::-1]])
    bottom = THRESHOLD_REGION * MASSES[5] ** 2 if flavour == 5 else LEAST_PT2
    logs = np.linspace(np.log(bottom), np.log(2500.0), 41)
    densities = np.array([densities_in_z(np.exp(u), flavour, tables, z) for u in logs])
    grown = np.cumsum((densities[..., 1:] + densities[..., :-1]) * np.diff(z), axis=2)
    for kind in (0, 1):
        found = out[(out[:, 0] > bottom) & (((out[:, 1] == 21) == (flavour == 21)) == (kind == 0))][:20_000]
        assert len(found) > 300
        steps = (np.log(found[:, 0]) - logs[0]) / (logs[1] - logs[0])
        places = []
        for step, chosen in zip(steps, found[:, 2], strict=True):
            k = min(int(step), len(logs) - 2)
            both = (1.0 - step + k) * grown[k, kind] + (step - k) * grown[k + 1, kind]
            places.append(np.interp(chosen, z[1:], both) / both[-1])
        assert stats.kstest(places, "uniform").pvalue > 1e-3, kind


def test_a_bottom_quark_comes_from_a_gluon_at_its_threshold() -> None:
    """Below twice m_b^2 the branching is certain: its pT^2 and z follow kernel, coupling and the gluon's density."""
    n, tables, out = 3000, shower_tables(), np.zeros((3000, 3))
    mass2 = MASSES[5] ** 2
    first_branching(n, 5, *X, THRESHOLD_REGION * mass2, new_partons(10), new_systems(1), tables, shower_work(10), new_dice(), out)
    assert (out[:, 1] == 21).all() and (out[:, 0] >= mass2).all() and (out[:, 0] <= THRESHOLD_REGION * mass2).all()
    z, logs = np.linspace(X[0], 1.0, 802)[1:-1], np.linspace(np.log(mass2), np.log(THRESHOLD_REGION * mass2), 30)
    weight, row = np.zeros((len(logs), len(z))), np.zeros(EFFECTIVE + 1)
    for i, u in enumerate(logs):
        pt2 = np.exp(u)
        for k, value in enumerate(z):
            all_densities(tables.densities, X[0] / value, pt2, row)
            weight[i, k] = row[GLUON]
        weight[i] *= z * z + (1 - z) ** 2 + 2 * z * (1 - z) * mass2 / pt2
        weight[i] *= (true_pt2(pt2, z, M2, mass2, mass2) > 0) * coupling_at(tables.initial, pt2 + PT0_SQUARED)
    for values, nodes, density in ((np.log(out[:, 0]), logs, weight.sum(1)), (out[:, 2], z, weight.sum(0))):
        grown = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(nodes))])
        assert stats.kstest(values, lambda u, g=grown, x=nodes: np.interp(u, x, g / g[-1])).pvalue > 1e-3

"""Branchings of incoming partons: exact kinematics, flavours, colour lines, dipole ends, and the sister's azimuth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import kstest
from toy_scatterings import scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.dice import SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import add_ends, forget_ends, link, measure, shower_tables, shower_work
from pseudoexp.engines.builtin.initial_branching import _azimuth, branch_space, sister_id
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, INCOMING, REPLACED
from pseudoexp.engines.builtin.splitting import MASSES

METRIC = np.array([-1.0, -1.0, -1.0, 1.0])
TABLES = shower_tables()
BRANCHINGS = {  # what comes in, and what it comes from
    "g from g": ((21, 21), 21), "g from g of a quark": ((21, 2), 21), "g from q": ((21, 21), 2), "g from qbar": ((21, 2), -3),
    "q from q": ((2, 21), 2), "qbar from qbar": ((-3, 2), -3), "q from g": ((2, 21), 21), "qbar from g": ((-1, 21), 21),
    "b from g": ((5, 21), 21), "cbar from g": ((-4, 21), 21)}


def branched(name: str, side: int, z: float, pt2: float, seed: int):
    """Return partons, systems, ends and momenta after a branching, and the momenta before."""
    pair, mother = BRANCHINGS[name]
    partons, systems = scatter([pair if side == 0 else pair[::-1]], seed)
    work, dice = shower_work(200), new_dice()
    throw_from(dice, event_stream(5, 0, seed), SHOWER, 0)
    forget_ends(work)
    for row in (2, 3):
        add_ends(work, partons, row)
    for k in range(work.filled[0]):
        assert link(work, partons, systems, 0, k)
        measure(work.ends[k], partons)
    before = partons.p4.copy()
    work.space[side].chosen, work.space[side].trial = z, pt2
    assert branch_space(work, partons, systems, TABLES, dice, 0, side, mother) == 0
    return partons, systems, work, before


@pytest.mark.parametrize("name", BRANCHINGS)
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("z", "pt2"), [(0.3, 40.0), (0.9, 25.0), (0.7, 900.0)])
def test_momenta(name: str, side: int, z: float, pt2: float) -> None:
    """The scattering keeps its mass and turns as a whole; the mother brings 1 / z of the momentum."""
    for seed in range(4):
        partons, systems, _, before = branched(name, side, z, pt2, seed)
        p, daughter = partons.p4, side
        mother, other, sister = systems.incoming[0, side], systems.incoming[0, 1 - side], 5
        assert (mother, other) == (4, 1 - side) and partons.filled[0] == 6
        np.testing.assert_allclose(p[mother] + p[other], p[2] + p[3] + p[sister], atol=1e-9)
        np.testing.assert_allclose(p[mother], before[daughter] / z)
        np.testing.assert_array_equal(p[other], before[other])
        assert systems.x[0, side] == pytest.approx(p[mother, 3] / BEAM_ENERGY)
        np.testing.assert_allclose(((p[2:4] * METRIC) @ p[2:4].T), (before[2:4] * METRIC) @ before[2:4].T, atol=1e-6)
        emitted = partons.pdg_id[sister]
        mass2 = 0.0 if emitted == 21 else MASSES[abs(emitted)] ** 2
        heavy2 = mass2 if abs(emitted) in (4, 5) and partons.pdg_id[mother] == 21 else 0.0
        assert (p[sister] * p[sister] * METRIC).sum() == pytest.approx(mass2, abs=1e-7)
        reached = p[mother] - p[sister]
        virtuality = pt2 / (1 - z) - heavy2
        assert -(reached * reached * METRIC).sum() == pytest.approx(virtuality, rel=1e-6)
        s = float((before[:2].sum(0) ** 2 * METRIC).sum())
        true2 = virtuality - z * (s + virtuality) * (virtuality + mass2) / s
        assert (p[sister, :2] ** 2).sum() == pytest.approx(true2, rel=1e-6)


@pytest.mark.parametrize("name", BRANCHINGS)
@pytest.mark.parametrize("side", [0, 1])
def test_flavours_and_colour_lines(name: str, side: int) -> None:
    """Nothing is lost, every line begins and ends once, and every final colour's end points to where its line leads."""
    for seed in range(6):
        partons, systems, work, _ = branched(name, side, 0.5, 30.0, seed)
        incoming, final = systems.incoming[0], np.flatnonzero(partons.status[:6] == FINAL)
        assert final.tolist() == [2, 3, 5] and partons.status[side] == REPLACED and partons.status[4] == INCOMING
        assert partons.pdg_id[4] == BRANCHINGS[name][1] and partons.mother[5] == 4 and partons.mother[side] == 4
        ids = partons.pdg_id
        assert charge3(int(ids[4])) == charge3(int(ids[side])) + charge3(int(ids[5]))
        for k in (4, 5):
            expected = [True, True] if ids[k] == 21 else [bool(ids[k] > 0), bool(ids[k] < 0)]
            assert (partons.colour[k] > 0).tolist() == expected
        begins = [*partons.colour[incoming, 0], *partons.colour[final, 1]]
        ends = [*partons.colour[incoming, 1], *partons.colour[final, 0]]
        assert sorted(c for c in begins if c) == sorted(c for c in ends if c)
        assert len({c for c in begins if c}) == sum(c > 0 for c in begins)
        assert work.filled[0] == (partons.colour[final] > 0).sum()
        for end in work.ends[:work.filled[0]]:
            a, b, line = end["radiator"], end["recoiler"], end["side"]
            assert partons.colour[b, line if end["beam"] >= 0 else 1 - line] == partons.colour[a, line]
            assert b == incoming[end["beam"]] if end["beam"] >= 0 else b in final
            assert end["dipole2"] == pytest.approx(2 * (partons.p4[a] * partons.p4[b] * METRIC).sum()
                                                   + partons.mass[a] ** 2 + (0.0 if end["beam"] >= 0 else partons.mass[b] ** 2))


def test_both_lines_of_a_gluon_can_go_on() -> None:
    """The sister of g from g takes over the colour as often as the anticolour."""
    first = [branched("g from g", 0, 0.5, 30.0, seed)[0] for seed in range(60)]
    by_colour = sum(bool(p.colour[5, 0] == p.colour[4, 0]) for p in first)
    assert 15 < by_colour < 45


@pytest.mark.parametrize(("daughter", "mother", "sister"), [
    (21, 21, 21), (21, 3, 3), (21, -2, -2), (2, 2, 21), (-5, -5, 21), (4, 21, -4), (-1, 21, 1)])
def test_sisters(daughter: int, mother: int, sister: int) -> None:
    """What a mother leaves behind has her flavour less the daughter's."""
    assert sister_id(daughter, mother) == sister


@kernel
def azimuths(partons, partner, side, kt, plus, dice, out):
    """Fill directions of the sister."""
    throw_from(dice, event_stream(6, 0, 0), SHOWER, 0)
    for i in range(len(out)):
        out[i, 0], out[i, 1] = _azimuth(partons, partner, side, kt, plus, dice)


@pytest.mark.parametrize(("partner", "side", "kt", "energy"), [
    (2, 0, 20.0, 60.0), (2, 1, 20.0, 60.0), (3, 0, 3.0, 400.0), (-1, 0, 5.0, 9.0)])
def test_azimuth_prefers_the_colour_partner(partner: int, side: int, kt: float, energy: float) -> None:
    """Half of the sisters go round evenly, half as a wrapped Cauchy distribution about the partner, narrow at equal angles."""
    partons, _ = scatter([(21, 21)], 3)
    plus = energy + np.sqrt(energy**2 - kt**2)
    out = np.zeros((20_000, 2))
    azimuths(partons, partner, side, kt, plus, new_dice(), out)
    np.testing.assert_allclose((out**2).sum(1), 1.0)
    a, about = 0.0, 0.0
    if partner >= 0:
        p = partons.p4[partner] * [1, 1, 1 if side == 0 else -1, 1]
        half = [np.tan(0.5 * np.arctan2(kt, np.sqrt(energy**2 - kt**2))), np.tan(0.5 * np.arctan2(np.hypot(p[0], p[1]), p[2]))]
        a = 0.7 * 4 * half[0] * half[1] / (half[0] + half[1]) ** 2
        about = np.arctan2(p[1], p[0])
    turn = (np.arctan2(out[:, 1], out[:, 0]) - about + np.pi) % (2 * np.pi) - np.pi
    grid = np.linspace(-np.pi, np.pi, 2001)
    density = 0.5 + 0.5 * (1 - a * a) / (1 + a * a - 2 * a * np.cos(grid))
    grown = np.concatenate([[0.0], list(itertools.accumulate((density[1:] + density[:-1]) / 2))])
    assert kstest(turn, lambda u: np.interp(u, grid, grown / grown[-1])).pvalue > 1e-3

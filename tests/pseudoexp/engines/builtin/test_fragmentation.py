"""Hadrons of one string: f(z) of the first ones, the last two, and that taking a string up again changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import STRING, new_dice, throw, throw_from
from pseudoexp.engines.builtin.fragmentation import (
    _chance,
    _is_light,
    _take_one,
    _used_up,
    draw_hadron,
    fragment,
    meet,
    new_yield,
    share_rest,
)
from pseudoexp.engines.builtin.fragmentation_function import LUND_B, shape_powers
from pseudoexp.engines.builtin.hadron_table import quark_content
from pseudoexp.engines.builtin.hadronisation import string_tables
from pseudoexp.engines.builtin.regions import HADRON, MASS, NEW, PX, PY, dot, joint_region, light_like, new_walk, start_end

TABLES = string_tables()
METRIC = np.array([-1.0, -1.0, -1.0, 1.0])


def string(masses: tuple[float, float], energy: float):
    """Return a walk along a string of two partons on the z axis, at rest."""
    walk, (a, b) = new_walk(4), masses
    p = np.sqrt((energy**2 - (a + b) ** 2) * (energy**2 - (a - b) ** 2)) / (2 * energy)
    walk.regions[0] = 1
    ends = np.array([[0.0, 0.0, p, np.sqrt(p * p + a * a)], [0.0, 0.0, -p, np.sqrt(p * p + b * b)]])
    assert light_like(*ends, walk.ahead[0, 0], walk.towards[0, 0])
    walk.ahead[1, 0], walk.towards[1, 0] = walk.towards[0, 0], walk.ahead[0, 0]
    walk.rest[:] = 0.0, 0.0, 0.0, energy
    return walk


@kernel
def broken(tables, walk, flavours, hadrons, dice, seed, counts, first_id, first_p, sums):
    """Break a string until it works out, event by event: hadrons, the first at either end, and their pT^2 in all."""
    energy = walk.rest[3]
    for event in range(len(counts)):
        throw_from(dice, event_stream(seed, 0, event), STRING, 0)
        result = 0
        while result == 0:
            walk.rest[:] = 0.0
            walk.rest[3] = energy
            for end in range(2):
                start_end(walk, end, 1.0, 0.0, flavours[end], 0, 0)
            result = fragment(tables, walk, hadrons, dice)
        counts[event] = hadrons.filled[0]
        for k in range(hadrons.filled[0]):
            p = hadrons.p4[k]
            sums[event] += p[0] * p[0] + p[1] * p[1]
            if hadrons.rank[k] == 0:
                first_id[event, hadrons.end[k]] = hadrons.pdg_id[k]
                for m in range(4):
                    first_p[event, hadrons.end[k], m] = p[m]


def strings(walk, flavours: tuple[int, int], n: int, seed: int = 2):
    """Return numbers of hadrons, the first ones' species and momenta, sums of pT^2."""
    out = np.zeros(n, np.int64), np.zeros((n, 2), np.int64), np.zeros((n, 2, 4)), np.zeros(n)
    broken(TABLES, walk, np.array(flavours), new_yield(200), new_dice(), seed, *out)
    return out


def grown(a: float, c: float, s: float, z: float) -> float:
    """Return the integral of z^-c (1 - z)^a exp(-s / z) up to z over that up to one."""
    x = 1.0 / (1.0 + np.exp(-np.linspace(-12.0, 12.0, 801)))
    logs = a * np.log1p(-x) - c * np.log(x) - s / x
    steps = np.exp(logs - logs.max()) * x * (1.0 - x)
    area = np.concatenate([[0.0], np.cumsum(steps[1:] + steps[:-1])])
    return float(np.interp(z, x, area / area[-1]))


@pytest.mark.parametrize(("flavours", "masses"), [((2, -1), (0.0, 0.0)), ((5, -4), (4.8, 1.5)), ((3, 2101), (0.0, 0.0))])
def test_first_hadrons_follow_the_fragmentation_function(flavours: tuple[int, int], masses: tuple[float, float]) -> None:
    """The shares of the light-cone momentum at either end, given species and transverse mass; the end's flavour is inside."""
    walk = string(masses, 200.0)
    cone = walk.ahead[0, 0, 3] + walk.ahead[0, 0, 2], walk.towards[0, 0, 3] - walk.towards[0, 0, 2]
    _, species, momenta, _ = strings(walk, flavours, 1500)
    for end, sign in ((0, 1.0), (1, -1.0)):
        places, old = [], flavours[end]
        for code, p in zip(species[:, end], momenta[:, end], strict=True):
            new = 2101 if abs(old) < 10 and abs(code) % 10000 > 1000 else 1
            content = quark_content(int(code))
            assert abs(old) > 1000 or old in content or (sum(content) == 0 and abs(old) <= 3)
            mt2 = p[3] ** 2 - p[2] ** 2
            places.append(grown(*shape_powers(old, new), LUND_B * mt2, (p[3] + sign * p[2]) / cone[end]))
        assert kstest(places, "uniform").pvalue > 1e-3, end


@kernel
def simply_broken(tables, walk, flavours, hadrons, dice, counts, sums, chances):
    """As `broken`, but nothing is taken up again: 0 hadrons if it did not work out, and the chance for that, once it is light."""
    energy = walk.rest[3]
    for event in range(len(counts)):
        throw_from(dice, event_stream(1, 0, event), STRING, 0)
        hadrons.filled[0] = 0
        walk.rest[:] = 0.0
        walk.rest[3] = energy
        for end in range(2):
            start_end(walk, end, 1.0, 0.0, flavours[end], 0, 0)
        result = 1
        while result == 1:
            square = dot(walk.rest, walk.rest)
            if chances[event] == 0.0 and _is_light(walk, square):
                chances[event] = _chance(walk)
            end = 0 if throw(dice) < 0.5 else 1
            draw_hadron(tables, walk, end, dice)
            if _used_up(walk, end, square, dice):
                if joint_region(walk) and meet(tables, walk, end, dice) and share_rest(walk, hadrons, dice) == 1:
                    counts[event] = hadrons.filled[0]
                break
            result = _take_one(tables, walk, end, hadrons, dice)
        for k in range(counts[event]):
            sums[event] += hadrons.p4[k, 0] ** 2 + hadrons.p4[k, 1] ** 2


@pytest.mark.parametrize(("flavours", "masses"), [((2, -1), (0.0, 0.0)), ((5, -5), (4.8, 4.8))])
def test_ends_that_are_tried_again_change_nothing(flavours: tuple[int, int], masses: tuple[float, float]) -> None:
    """As often as estimated a light rest works out at once, and whole strings are those that worked out at once."""
    n, walk = 12_000, string(masses, 40.0)
    counts, sums, chances = np.zeros(n, np.int64), np.zeros(n), np.zeros(n)
    simply_broken(TABLES, walk, np.array(flavours), new_yield(200), new_dice(), counts, sums, chances)
    good, begun = counts > 0, chances > 0
    assert begun.mean() > 0.95
    assert good[begun].mean() == pytest.approx(chances[begun].mean(), abs=0.015 + 4 * 0.5 / np.sqrt(n))
    walk = string(masses, 40.0)
    others, _, _, other_sums = strings(walk, flavours, n, seed=3)
    assert others.min() >= 2
    for a, b in ((counts[good], others), (sums[good], other_sums)):
        assert abs(a.mean() - b.mean()) < 4 * np.hypot(a.std() / np.sqrt(len(a)), b.std() / np.sqrt(n))
        assert ks_2samp(a, b).pvalue > 1e-3


@kernel
def shared(walk, hadrons, dice, out):
    """Fill the momenta of the last two hadrons, again and again; zeros where there was too little."""
    throw_from(dice, event_stream(4, 0, 0), STRING, 0)
    for event in range(len(out)):
        hadrons.filled[0] = 0
        if share_rest(walk, hadrons, dice) == 1:
            for k in range(2):
                for m in range(4):
                    out[event, k, m] = hadrons.p4[k, m]


@pytest.mark.parametrize(("energy", "masses"), [(1.5, (0.14, 0.77)), (2.2, (1.2, 0.5)), (3.5, (0.14, 0.14))])
def test_the_last_two_hadrons(energy: float, masses: tuple[float, float]) -> None:
    """On their mass shells, as heavy together as the rest; of the two places of the break the one of larger Gamma is rarer."""
    n, walk, hadrons = 4000, string((0.0, 0.0), energy), new_yield(10)
    start_end(walk, 0, 1.0, 0.0, 1, 0, 0)
    start_end(walk, 1, 1.0, 0.0, -1, 0, 0)
    assert joint_region(walk)
    walk.value[:, MASS] = masses
    walk.value[0, [PX, PY]], walk.value[1, [PX, PY]] = (0.1, -0.2), (0.05, 0.1)
    out = np.zeros((n, 2, 4))
    shared(walk, hadrons, new_dice(), out)
    p = out[out[:, 0, 3] > 0.0]
    assert len(p) > 0.3 * n
    np.testing.assert_allclose(p.sum(1), np.tile(walk.rest, (len(p), 1)), atol=1e-12)
    np.testing.assert_allclose(((p * p) * METRIC).sum(2), np.tile(np.square(masses), (len(p), 1)), atol=1e-12)
    mt2 = p[:, :, 3] ** 2 - p[:, :, 2] ** 2
    plus = p[:, 0, 3] + p[:, 0, 2]
    gammas = [(energy - u) * mt2[:, 0] / u for u in (plus, _other_place(energy, mt2, plus))]
    chance = 1.0 / (1.0 + np.exp(LUND_B * np.abs(gammas[0] - gammas[1])))
    behind = gammas[0] > gammas[1]
    assert abs(behind.sum() - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())


def _other_place(energy: float, mt2: np.ndarray, plus: np.ndarray) -> np.ndarray:
    """Return E + pz of the first hadron in the other solution of energy conservation along the string."""
    return energy + (mt2[:, 0] - mt2[:, 1]) / energy - plus


@kernel
def met(tables, walk, dice, n, species):
    """Fill the hadrons that meet between the break at end 0 and end 1, 0 for none."""
    throw_from(dice, event_stream(5, 0, 0), STRING, 0)
    for event in range(n):
        species[event] = walk.number[1, HADRON] if meet(tables, walk, 0, dice) else 0


@pytest.mark.parametrize(("far", "new"), [(-1, -2), (-5, -3), (2101, -2), (3, -2101), (4, 1)])
def test_the_hadron_where_both_ends_meet(far: int, new: int) -> None:
    """It has the far end's flavour and the antiparticle of the last break's."""
    walk, species = string((0.0, 0.0), 3.0), np.zeros(500, np.int64)
    start_end(walk, 0, 1.0, 0.0, 1, 0, 0)
    start_end(walk, 1, 1.0, 0.0, far, 0, 0)
    walk.number[0, NEW] = new
    met(TABLES, walk, new_dice(), 500, species)
    expected = sorted(q for code in (far, -new) for q in _quarks(code))
    wrong = {int(code) for code in species if code != 0 and not _made_of(int(code), expected)}
    assert (species != 0).mean() > 0.9 and wrong == set()


def _quarks(code: int) -> list[int]:
    """Return the quarks of a quark or diquark."""
    sign = 1 if code > 0 else -1
    return [code] if abs(code) < 10 else [sign * (abs(code) // 1000), sign * (abs(code) // 100 % 10)]


def _made_of(code: int, expected: list[int]) -> bool:
    """Return whether a hadron may have these quarks; neutral mesons mix light pairs."""
    content = sorted(quark_content(code))
    return content == expected or (sum(content) == sum(expected) == 0 and max(map(abs, content + expected)) <= 3)

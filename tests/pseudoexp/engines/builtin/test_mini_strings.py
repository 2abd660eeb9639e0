"""Light strings: two hadrons of one region, or one hadron and a string that gives or takes momentum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import STRING, new_dice, throw_from
from pseudoexp.engines.builtin.fragmentation import new_yield
from pseudoexp.engines.builtin.hadron_table import quark_content
from pseudoexp.engines.builtin.hadronisation import string_tables
from pseudoexp.engines.builtin.mini_strings import fragment_mini
from pseudoexp.engines.builtin.regions import new_walk
from pseudoexp.engines.builtin.strings import new_strings

METRIC = np.array([-1.0, -1.0, -1.0, 1.0])
TABLES = string_tables()


def on_shell(x: float, y: float, z: float, mass: float = 0.0) -> list[float]:
    """Return px, py, pz, E."""
    return [x, y, z, float(np.sqrt(x * x + y * y + z * z + mass * mass))]


HEAVY = [on_shell(0.0, 5.0, 40.0), on_shell(3.0, -2.0, -25.0)]
HEAVIER = [on_shell(90.0, 5.0, 40.0), on_shell(-4.0, 3.0, -5.0), on_shell(-60.0, -2.0, -25.0)]
LIGHT = [on_shell(0.05, 0.02, 3.1), on_shell(0.0, -0.06, 2.0)]  # 0.1 GeV
PAIR = [on_shell(0.5, 0.2, 4.0), on_shell(-0.4, -0.6, -3.0)]
TRIPLE = [on_shell(0.5, 0.2, 4.0), on_shell(0.1, 0.5, 2.0), on_shell(-0.4, -0.6, -3.0)]


def fill(*strings: list[list[float]]):
    """Return strings of these partons."""
    out, place = new_strings(20, 20), 0
    for s, partons in enumerate(strings):
        out.start[s], out.length[s] = place, len(partons)
        out.p4[place:place + len(partons)] = partons
        place += len(partons)
    out.filled[0] = len(strings)
    return out


def fragmented(strings, event: int, flavours: tuple[int, int] = (2, -1), done: tuple[int, ...] = ()):
    """Return what string 0 becomes: the code, species, masses and momenta."""
    dice, hadrons, flags = new_dice(), new_yield(4), np.zeros(20, np.bool_)
    flags[list(done)] = True
    throw_from(dice, event_stream(6, 0, event), STRING, 0)
    code = fragment_mini(TABLES, strings, 0, flags, new_walk(20), hadrons, *flavours, dice)
    n = hadrons.filled[0]
    return code, hadrons.pdg_id[:n].copy(), hadrons.mass[:n].copy(), hadrons.p4[:n].copy()


def total(strings) -> np.ndarray:
    """Return the momentum of all strings together."""
    return np.sum([strings.p4[a:a + n].sum(0) for a, n in zip(strings.start, strings.length, strict=True)], axis=0)


@pytest.mark.parametrize("partons", [PAIR, TRIPLE])
def test_two_hadrons_have_the_momentum_of_the_string(partons: list[list[float]]) -> None:
    """On their mass shells, with the flavours of the ends; nothing else moves."""
    for event in range(100):
        strings = fill(partons, HEAVY)
        before = strings.p4.copy()
        code, species, mass, p = fragmented(strings, event)
        assert code == 1 and len(species) == 2 and np.array_equal(strings.p4, before)
        np.testing.assert_allclose(p.sum(0), np.sum(partons, axis=0), atol=1e-12)
        np.testing.assert_allclose((p * p * METRIC).sum(1), mass**2, atol=1e-10)
        content = sorted(q for code in species.tolist() for q in quark_content(code))
        assert sum(content) == 1 and 2 in content and -1 in content


def test_angles_of_two_hadrons() -> None:
    """Far above the threshold pT^2 about the string is that of one break, even in azimuth; the quark's hadron goes ahead."""
    partons = [on_shell(0.0, 0.0, 6.0), on_shell(0.0, 0.0, -6.0)]
    found = [fragmented(fill(partons), event, (3, -2)) for event in range(1500)]
    p = np.array([momenta[0] for _, _, _, momenta in found])
    pt2 = (p[:, :2] ** 2).sum(1)
    assert kstest(pt2, lambda x: 1 - 0.99 * np.exp(-x / 0.335**2) - 0.01 * np.exp(-x / 0.67**2)).pvalue > 1e-3
    assert kstest(np.arctan2(p[:, 1], p[:, 0]) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    assert (p[:, 2] > 0).all()
    assert all(3 in quark_content(int(species[0])) or sum(quark_content(int(species[0]))) == 0 for _, species, _, _ in found)


def test_one_hadron_moves_the_string_it_is_heaviest_with() -> None:
    """That one keeps its mass and its shape, the others stay; both go along the line they had in their rest frame."""
    made = 0
    for event in range(60):
        strings = fill(LIGHT, HEAVY, HEAVIER)
        before, everything = strings.p4.copy(), total(strings)
        code, species, mass, p = fragmented(strings, event)
        assert code == 1 and len(species) == 1 and species[0] in (211, 213)
        np.testing.assert_allclose(everything, total(strings) - np.sum(LIGHT, axis=0) + p[0], atol=1e-10)
        assert (p[0] * p[0] * METRIC).sum() == pytest.approx(mass[0] ** 2, abs=1e-9)
        assert np.array_equal(strings.p4[:4], before[:4])
        moved, old = strings.p4[4:7], before[4:7]
        np.testing.assert_allclose((moved * METRIC) @ moved.T, (old * METRIC) @ old.T, rtol=1e-9, atol=1e-7)
        own, both = np.sum(LIGHT, axis=0), np.sum(LIGHT, axis=0) + old.sum(0)
        lines = [q - (q * both * METRIC).sum() / (both * both * METRIC).sum() * both for q in (own, p[0])]
        sizes = [-(q * q * METRIC).sum() for q in lines]
        assert -(lines[0] * lines[1] * METRIC).sum() == pytest.approx(np.sqrt(sizes[0] * sizes[1]))
        made += 1
    assert made == 60


def test_a_string_at_rest_with_its_partner_goes_where_its_first_parton_went() -> None:
    """Both at rest in one frame have no line of their own."""
    light = [on_shell(0.0, 0.075, 0.1), on_shell(0.0, -0.075, -0.1)]  # 0.25 GeV: one pion
    strings = fill(light, [on_shell(10.0, 0.0, 0.0), on_shell(-10.0, 0.0, 0.0)])
    code, _, _, p = fragmented(strings, 1)
    assert code == 1
    np.testing.assert_allclose(p[0, :3] / np.linalg.norm(p[0, :3]), [0.0, 0.6, 0.8], atol=1e-9)


@pytest.mark.parametrize(("flavours", "strings", "done"), [
    ((2, -1), (LIGHT,), ()), ((2, -1), (LIGHT, HEAVY), (1,)), ((-2101, 2103), (LIGHT, HEAVY), ())])
def test_impossible(flavours: tuple[int, int], strings: tuple[list[list[float]], ...], done: tuple[int, ...]) -> None:
    """Nobody gives momentum, or nobody who is not finished yet does; no hadron has two diquarks."""
    code, species, _, _ = fragmented(fill(*strings), 3, flavours, done)
    assert code == 0 and len(species) == 0

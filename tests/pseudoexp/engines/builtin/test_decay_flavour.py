"""Hadrons of inclusive decays: their quarks are those of the partons, their species as often as the proportions say."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.decay_flavour import make_hadrons
from pseudoexp.engines.builtin.dice import DECAY, new_dice, throw_from
from pseudoexp.engines.builtin.hadron_table import quark_content, species_names
from pseudoexp.engines.builtin.phase_space import new_products

STRANGE = 0.217 / 2.217


@kernel
def many(products, partons, known, wanted, dice, out, numbers):
    """Fill the species of n decays and how many there are."""
    throw_from(dice, event_stream(3, 0, 9), DECAY, 0)
    for i in range(len(out)):
        for k in range(len(partons)):
            products.parton[k] = partons[k]
        numbers[i] = make_hadrons(products, known, len(partons), wanted, dice)
        for k in range(numbers[i]):
            out[i, k] = products.pdg_id[k]


def hadrons(partons: tuple[int, ...], wanted: int, n: int = 20_000, known: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return species (n, wanted) and numbers of hadrons."""
    out, numbers = np.zeros((n, 12), np.int64), np.zeros(n, np.int64)
    many(new_products(), np.array(partons), known, wanted, new_dice(), out, numbers)
    return out[:, :wanted], numbers


def quarks(codes: tuple[int, ...]) -> tuple[int, ...]:
    """Return quarks minus antiquarks of u, d, s, c, b; also of quarks and diquarks."""
    counts = [0] * 6
    for code in codes:
        size, sign = abs(code), 1 if code > 0 else -1
        if size < 10:
            content: tuple[int, ...] = (code,)
        elif size > 1000 and size // 10 % 10 == 0:
            content = (sign * (size // 1000), sign * (size // 100 % 10))
        else:
            content = quark_content(code)
        for q in content:
            counts[abs(q)] += 1 if q > 0 else -1
    return tuple(counts)


@pytest.mark.parametrize(("partons", "wanted"), [
    ((4, -1), 3), ((3, -2), 1), ((4, -2, 3, -4), 4), ((2, 2101), 4), ((4, -1, 1, -2), 5), ((-4, -2101, 2, -1), 3), ((2, -1), 6)])
def test_quarks_are_conserved(partons: tuple[int, ...], wanted: int) -> None:
    """In every decay: net flavours, charge, a known hadron in each place, as many as wanted."""
    found, numbers = hadrons(partons, wanted, 3000)
    known, expected = set(species_names().values()), quarks(partons)
    assert set(numbers.tolist()) <= {0, wanted} and (numbers == wanted).mean() > 0.8
    for row, count in Counter(map(tuple, found[numbers > 0].tolist())).items():
        assert quarks(row) == expected, (row, count)
        assert all(abs(code) in known for code in row)
        assert sum(charge3(code) for code in row) == sum(charge3(code) for code in partons)


def share(mask: np.ndarray, expected: float) -> None:
    """Assert that a share is as expected within 4.5 standard deviations."""
    assert abs(mask.mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / len(mask)) + 1e-12


@pytest.mark.parametrize(("partons", "pseudoscalar", "vector", "expected"), [
    ((2, -1), 211, 213, 0.333), ((2, -3), 321, 323, 0.355), ((4, -1), 411, 413, 0.468), ((4, -3), 431, 433, 0.468),
    ((5, -2), -521, -523, 0.687), ((1, -3), 311, 313, 0.355)])
def test_spins_of_mesons(partons: tuple[int, int], pseudoscalar: int, vector: int, expected: float) -> None:
    """Vectors by the heavier flavour, and the names of particle and antiparticle."""
    found, _ = hadrons(partons, 1)
    assert set(found[:, 0].tolist()) == {pseudoscalar, vector}
    share(found[:, 0] == vector, expected)
    mirrored, _ = hadrons((-partons[1], -partons[0]), 1, 100)
    assert set(mirrored[:, 0].tolist()) == {-pseudoscalar, -vector}


@pytest.mark.parametrize(("quark", "fractions"), [
    (2, {113: 0.208, 223: 0.208, 111: 0.416, 221: 0.148, 331: 0.020}), (3, {333: 0.635, 221: 0.283, 331: 0.082}),
    (4, {441: 0.532, 443: 0.468})])
def test_mixing_of_neutral_mesons(quark: int, fractions: dict[int, float]) -> None:
    """pi0, eta, eta' share what is not rho0 or omega; of strange quarks phi, eta and eta'."""
    found, _ = hadrons((quark, -quark), 1)
    assert set(found[:, 0].tolist()) == set(fractions) and sum(fractions.values()) == pytest.approx(1.0)
    for code, fraction in fractions.items():
        share(found[:, 0] == code, fraction)


def test_new_flavours() -> None:
    """Beside a c quark: u : d : s = 1 : 1 : 0.217 in mesons, baryons in 0.095 of 1.095 cases, then mostly a Lambda_c."""
    found, _ = hadrons((4, -1), 2, 40_000)
    in_front = np.abs(found[:, 0]) // 100 % 10 == 4
    baryons = (np.abs(found) > 1000).all(1)
    share(baryons, 0.095 / 1.095)
    charm = np.where((in_front | (np.abs(found[:, 0]) // 1000 == 4))[:, None], found, found[:, ::-1])[:, 0]
    share(in_front[~baryons], 0.5)
    for codes, expected in (((411, 413), (1 - STRANGE) / 2), ((421, 423), (1 - STRANGE) / 2), ((431, 433), STRANGE)):
        share(np.isin(charm[~baryons], codes), expected)
    share(charm[baryons] == 4122, 0.65)


@pytest.mark.parametrize(("partons", "fractions"), [
    ((3, 2101), {3122: 1.0}), ((2, 2203), {2224: 1.0}), ((1, 2203), {2212: 0.6, 2214: 0.4}),
    ((3, 2103), {3214: 0.4, 3212: 0.6}), ((4, 2101), {4122: 1.0})])
def test_species_of_baryons(partons: tuple[int, int], fractions: dict[int, float]) -> None:
    """Spin-0 diquarks make Lambda-like ones, spin-1 diquarks the decuplet in 0.4 of the cases; antibaryons alike."""
    found, _ = hadrons(partons, 1, 10_000)
    assert set(found[:, 0].tolist()) == set(fractions)
    for code, fraction in fractions.items():
        share(found[:, 0] == code, fraction)
    mirrored, _ = hadrons(tuple(-k for k in partons), 1, 100)
    assert set(mirrored[:, 0].tolist()) == {-code for code in fractions}


def test_partners_are_exchanged_half_of_the_time() -> None:
    """Of c dbar u dbar the c quark goes with either antiquark; known products stay in front."""
    found, numbers = hadrons((4, -1, 2, -3), 3, 10_000, known=1)
    assert (numbers == 3).all() and (found[:, 0] == 0).all()
    charm = np.where(np.abs(found[:, 1]) // 100 % 10 == 4, found[:, 1], found[:, 2])
    share(np.isin(charm, (431, 433)), 0.5)


def test_two_diquarks_make_no_hadron() -> None:
    """A pair that is left over is reported; with another hadron between them they fall apart."""
    _, numbers = hadrons((-2101, 2101), 1, 50)
    assert (numbers == 0).all()
    found, numbers = hadrons((-2101, 2101), 2, 2000)
    assert (numbers == 2).all()
    assert all(a * b < 0 and min(abs(a), abs(b)) > 1000 for a, b in itertools.islice(found.tolist(), 200))

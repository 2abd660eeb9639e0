"""Flavours of breaks, and hadrons of two flavours: conservation, SU(6), mixing, known names."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.flavour import FlavourTable, combine, draw_flavour, flavour_table
from pseudoexp.engines.builtin.hadron_table import quark_content


@kernel
def breaks(table: FlavourTable, dice: Dice, event: int, old: int, shared: int, meson: int, n: int) -> np.ndarray:
    """Return (new flavour, shared, meson next, hadron) of n breaks next to a flavour; hadron 0: not accepted."""
    throw_from(dice, event_stream(3, QCD, event), STRING, 0)
    rows = np.empty((n, 4), np.int64)
    for i in range(n):
        new, after, later = draw_flavour(table, dice, old, shared, meson)
        rows[i, 0], rows[i, 1], rows[i, 2] = new, after, later
        rows[i, 3] = combine(table, dice, old, new, shared)
    return rows


def quarks(flavour: int) -> list[int]:
    """Return the quarks of a quark or diquark code."""
    code, sign = abs(flavour), 1 if flavour > 0 else -1
    return [flavour] if code < 10 else [sign * (code // 1000), sign * (code // 100 % 10)]


def hadrons(old: int, shared: int = 0, meson: int = 0, n: int = 20_000) -> np.ndarray:
    """Return n breaks."""
    return breaks(flavour_table(), new_dice(), abs(old), old, shared, meson, n)


@pytest.mark.parametrize(("old", "shared", "meson"), [
    (1, 0, 0), (-2, 0, 0), (3, 0, 0), (4, 0, 0), (-5, 0, 0), (2101, 1, 0), (-2203, 2, 0), (3201, 3, 0), (3201, 2, 1),
    (-2103, 1, 1), (3303, 3, 0)])
def test_quarks_are_conserved(old, shared, meson):
    for new, _, _, hadron in hadrons(old, shared, meson, 3000).tolist():
        if hadron == 0:
            continue
        total = sorted(quarks(old) + quarks(new))
        if abs(old) > 1000 and abs(new) > 1000:  # the shared quark goes on
            total.remove(shared)
            total.remove(-shared)
        content = sorted(quark_content(hadron))
        assert charge3(hadron) == sum((1 if q > 0 else -1) * (2 if q % 2 == 0 else -1) for q in total)
        if len(content) != 2 or content[0] != -content[1]:
            assert content == total
        else:
            assert len(total) == 2
            assert total[0] == -total[1]


def test_flavour_fractions():
    rows = hadrons(2, n=100_000)
    new = np.abs(rows[:, 0])
    quark = new < 10
    assert quark.mean() == pytest.approx(1 / 1.081, abs=3e-3)
    assert (new[quark] == 3).mean() == pytest.approx(0.217 / 2.217, abs=4e-3)
    assert rows[~quark, 2].mean() == pytest.approx(0.455, abs=0.02)


def test_vector_mesons():
    for old, low, ratio in ((2, 211, 0.5), (3, 321, 0.55), (4, 421, 0.88), (5, 521, 2.2)):
        ids = np.abs(hadrons(old)[:, 3])
        if old == 2:
            chosen = (ids == 211).sum(), (ids == 213).sum()
        else:
            chosen = (ids == low).sum(), (ids == low + 2).sum()
        assert chosen[1] / chosen[0] == pytest.approx(ratio, rel=0.06)


def test_neutral_mesons():
    rows = hadrons(2, n=200_000)
    ids = rows[rows[:, 0] == -2, 3]
    pseudoscalars = np.array([(ids == code).sum() for code in (111, 221, 331)]) / len(ids) * 1.5
    light = np.cos(np.radians(39.7)) ** 2
    assert pseudoscalars == pytest.approx([0.5, 0.5 * light * 0.6, 0.5 * (1 - light) * 0.12], abs=0.006)
    vectors = np.array([(ids == code).sum() for code in (113, 223, 333)]) / len(ids) * 3
    assert vectors == pytest.approx([0.5, 0.5, 0.0], abs=0.012)


def test_baryons_of_a_spin_one_diquark():
    """uu with spin one: u gives Delta++ only; d gives p : Delta+ = 1 : 2, half of all kept; s gives Sigma+ : Sigma*+ alike."""
    rows = hadrons(2203, 2)
    with_d, with_s = rows[rows[:, 0] == 1, 3], rows[rows[:, 0] == 3, 3]
    assert set(rows[rows[:, 0] == 2, 3].tolist()) == {2224}
    assert (with_d == 0).mean() == pytest.approx(0.5, abs=0.025)
    assert (with_d == 2214).sum() / (with_d == 2212).sum() == pytest.approx(2.0, rel=0.1)
    assert (with_s == 3224).sum() / (with_s == 3222).sum() == pytest.approx(2.0, rel=0.2)


def test_lambda_and_sigma():
    """ud with spin zero and s: a Lambda always; us with spin zero and d: Lambda in one of four octet baryons."""
    rows = hadrons(2101, 1)
    assert set(rows[rows[:, 0] == 3, 3].tolist()) == {0, 3122}
    rows = hadrons(3201, 2)
    octet = rows[rows[:, 0] == 1, 3]
    assert (octet == 3122).sum() / np.isin(octet, (3122, 3212)).sum() == pytest.approx(0.25, abs=0.03)


def test_beauty_names():
    assert {-511, -521, -513, -523, -531, -533, 5122} <= set(hadrons(5)[:, 3].tolist())
    assert {411, 421, 413, 423, 431, 433, 4122} <= set(hadrons(4)[:, 3].tolist())

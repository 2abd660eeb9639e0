"""Every channel: charge, baryon and lepton number, open kinematics; branching ratios add up."""

import numpy as np
import pytest

from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.decay_table import DALITZ, HADRONS, OMEGA, POLARISED, V_A, channels, decay_table
from pseudoexp.engines.builtin.hadron_table import hadron_table

TABLE = hadron_table()
CHANNELS = channels()
QUARKS = 10


def _row(code: int) -> int:
    return int(np.searchsorted(TABLE.pdg_id, abs(code)))


def _baryon3(code: int) -> int:
    a = abs(code)
    if a < QUARKS:
        number = 1
    elif a < 10_000 and a > 1000 and (a // 10) % 10 == 0:
        number = 2
    else:
        number = int(TABLE.baryon[_row(a)])
    return number if code > 0 else -number


def _lepton(code: int, family: int) -> int:
    return (1 if code > 0 else -1) if abs(code) in (family, family + 1) else 0


@pytest.mark.parametrize("mother", sorted(CHANNELS))
def test_channels_conserve_charges(mother):
    for channel in CHANNELS[mother]:
        assert sum(charge3(p) for p in channel.products) == charge3(mother), channel
        assert sum(_baryon3(p) for p in channel.products) == _baryon3(mother), channel
        for family in (11, 13, 15):
            assert sum(_lepton(p, family) for p in channel.products) == _lepton(mother, family), channel


@pytest.mark.parametrize("mother", sorted(CHANNELS))
def test_channels_are_open(mother):
    """With the lowest masses of the products; quarks count 0.35 GeV, strange 0.5, charm 1.5 less than a meson."""
    quark = {1: 0.0, 2: 0.0, 3: 0.35, 4: 1.6}
    row = _row(mother)
    least_open = 0.0
    for channel in CHANNELS[mother]:
        masses = [quark[abs(p)] if abs(p) < QUARKS else 0.9 if abs(p) % 100 < QUARKS and abs(p) in (2101, 3201, 3101, 3303)
                  else TABLE.mass_low[_row(p)] for p in channel.products]
        assert sum(masses) < TABLE.mass_high[row] - 0.0005, channel
        least_open += channel.ratio * (sum(masses) < TABLE.mass_low[row] - 0.0005)
    assert least_open > 0.0


def test_sums_are_one_and_what_must_decay_decays():
    for mother, listed in CHANNELS.items():
        assert sum(c.ratio for c in listed) == pytest.approx(1.0, abs=0.03), mother
        assert all(c.ratio > 0.0 for c in listed)
    stable = {22, 11, 12, 13, 14, 16, 211, 310, 130, 311, 321, 2212, 2112, 3122, 3222, 3112, 3322, 3312, 3334}
    assert set(CHANNELS) == set(TABLE.pdg_id.tolist()) - stable


def test_compressed_rows_hold_the_channels():
    table = decay_table()
    for mother, listed in CHANNELS.items():
        a, b = table.first[_row(mother)], table.first[_row(mother) + 1]
        assert b - a == len(listed)
        steps = np.diff(np.concatenate([[0.0], table.cumulative[a:b]]))
        assert table.cumulative[b - 1] == 1.0
        assert np.all(np.diff(steps) < 1e-12)
        assert steps[0] == pytest.approx(max(c.ratio for c in listed) / sum(c.ratio for c in listed))
        products = {tuple(table.product[table.start[k]:table.start[k + 1]].tolist()) for k in range(a, b)}
        assert products == {c.products for c in listed}
    known = table.product_row >= 0
    assert np.array_equal(TABLE.pdg_id[table.product_row[known]], abs(table.product[known]))
    assert np.all(abs(table.product[~known]) < 4000)


def test_ways_fit_their_products():
    for listed in CHANNELS.values():
        for c in listed:
            quarks = [p for p in c.products if abs(p) < QUARKS or (1000 < abs(p) < 4000 and (abs(p) // 10) % 10 == 0)]
            assert bool(quarks) == (c.way == HADRONS)
            assert len(quarks) in (0, 2, 4)
            if c.way in (OMEGA, DALITZ, V_A):
                assert len(c.products) == 3 or (c.way == V_A and len(c.products) > 3)
            if c.way == POLARISED:
                assert len(c.products) == 2
            if c.way == V_A:
                assert {abs(p) % 2 for p in c.products[:2]} == {0, 1}
                assert all(11 <= abs(p) <= 16 for p in c.products[:2])

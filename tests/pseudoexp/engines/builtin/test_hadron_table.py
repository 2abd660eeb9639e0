"""The hadron table against its source, and the drawn masses against their line shape."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import DECAY, new_dice, throw_from
from pseudoexp.engines.builtin.hadron_table import (
    antiparticle_name,
    draw_mass,
    find_row,
    hadron_table,
    line_shape,
    quark_content,
    species_names,
)

TABLE = hadron_table()


@kernel
def _rows(table, codes, rows):
    for i in range(len(codes)):
        rows[i] = find_row(table, codes[i])


@kernel
def _masses(table, row, dice, out):
    throw_from(dice, event_stream(3, 0, 5), DECAY, 0)
    for i in range(len(out)):
        out[i] = draw_mass(table, row, dice)


def _row(code: int) -> int:
    return int(np.flatnonzero(TABLE.pdg_id == code)[0])


def test_every_number_finds_its_row_and_no_other_does():
    codes = np.arange(-30000, 30000)
    codes = np.concatenate([codes, [100443, 9010221, 9000111, 9000211, 10_000_000]])
    rows = np.zeros(len(codes), np.int64)
    _rows(TABLE, codes, rows)
    known = np.isin(abs(codes), TABLE.pdg_id)
    assert np.all(rows[~known] == -1)
    assert np.array_equal(TABLE.pdg_id[rows[known]], abs(codes[known]))


def test_masses_and_lifetimes_are_those_of_the_review():
    for code, mass, ctau in ((211, 0.13957, 7804.5), (521, 5.2794, 0.491), (411, 1.8697, 0.31), (4122, 2.2865, 0.0607),
                             (3334, 1.67245, 24.6), (15, 1.7769, 0.087)):
        assert TABLE.mass[_row(code)] == pytest.approx(mass, rel=1e-4)
        assert TABLE.ctau[_row(code)] == pytest.approx(ctau, rel=2e-3)


def test_charges_spins_and_antiparticles():
    expected = {211: (3, 1, False), 213: (3, 3, False), 221: (0, 1, True), 310: (0, 1, True), 511: (0, 1, False),
                521: (3, 1, False), 431: (3, 1, False), 2224: (6, 4, False), 3112: (-3, 2, False), 5132: (-3, 2, False),
                4222: (6, 2, False), 11: (-3, 2, False), 12: (0, 2, False), 22: (0, 3, True), 425: (0, 5, False),
                9000211: (3, 1, False), 541: (3, 1, False)}
    for code, (charge, spin, own) in expected.items():
        row = _row(code)
        assert (TABLE.charge[row], TABLE.spin_states[row], bool(TABLE.own_antiparticle[row])) == (charge, spin, own), code
    assert quark_content(511) == (1, -5) and quark_content(-521) == (-2, 5) and quark_content(421) == (4, -2)


def test_names_of_antiparticles_are_unique():
    names = species_names()
    assert len(set(names.values())) == len(names) == 2 * (len(TABLE.pdg_id) + 15) - TABLE.own_antiparticle.sum() - 1
    assert "~rho0" not in names
    assert names["pi-"] == -211 and names["~Sigma+"] == -3222 and names["Sigma-"] == 3112 and names["e+"] == -11
    assert antiparticle_name("K0", 311) == "~K0"


@pytest.mark.parametrize("code", [113, 223, 333, 323, 2224, 331, 20213, 4222])
def test_drawn_masses_follow_the_line_shape(code):
    row = _row(code)
    m = np.zeros(20_000)
    _masses(TABLE, row, new_dice(), m)
    low, high = TABLE.mass_low[row], TABLE.mass_high[row]
    assert m.min() >= low and m.max() <= high
    grid = np.linspace(low, high, 200_001)
    thresholds = {113: 0.2791, 223: 0.382, 333: 0.924, 323: 0.634, 2224: 1.0778, 331: 0.0, 20213: 0.91, 4222: 2.426}
    density = line_shape(grid, TABLE.mass[row], TABLE.width[row], thresholds[code])
    cumulative = np.cumsum(density) / density.sum()
    expected = np.interp(np.sort(m), grid, cumulative)
    distance = np.abs(expected - (np.arange(len(m)) + 0.5) / len(m)).max()
    assert distance < 1.36 / np.sqrt(len(m)) * 1.2


def test_a_narrow_mass_throws_nothing():
    m = np.zeros(2)
    dice = new_dice()
    _masses(TABLE, _row(511), dice, m)
    assert m.tolist() == [TABLE.mass[_row(511)]] * 2
    assert dice.counter[3] == 0

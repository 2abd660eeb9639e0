"""Breaks beside quarks in one draw: the same flavours and hadrons, as often, as step by step."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.flavour import FlavourTable, combine, draw_flavour, flavour_table
from pseudoexp.engines.builtin.hadron_table import HadronTable, find_row, hadron_table
from pseudoexp.engines.builtin.quark_ends import QuarkEnds, draw_outcome, outcomes, quark_ends

N = 200_000


@kernel
def at_once(ends: QuarkEnds, quark: int, dice: Dice, n: int) -> np.ndarray:
    """Return n outcomes beside a quark."""
    throw_from(dice, event_stream(3, QCD, quark), STRING, 0)
    rows = np.empty((n, 6), np.int64)
    for i in range(n):
        rows[i] = draw_outcome(ends, quark, dice)
    return rows


@kernel
def step_by_step(table: FlavourTable, species: HadronTable, old: int, dice: Dice, n: int) -> np.ndarray:
    """Return new flavour, its shared one, whether a meson comes next and hadron, drawn one after the other."""
    throw_from(dice, event_stream(4, QCD, abs(old)), STRING, 0)
    rows = np.empty((n, 4), np.int64)
    for i in range(n):
        while True:
            rows[i, 0], rows[i, 1], rows[i, 2] = draw_flavour(table, dice, old, 0, 0)
            rows[i, 3] = combine(table, dice, old, rows[i, 0], 0)
            if rows[i, 3] != 0 and find_row(species, rows[i, 3]) >= 0:
                break
    return rows


def chi2(rows: np.ndarray, expected: dict) -> float:
    """Return chi^2 per degree of freedom; all rows must be expected."""
    values, counts = np.unique(rows, axis=0, return_counts=True)
    found = dict(zip(map(tuple, values.tolist()), counts.tolist(), strict=True))
    assert set(found) <= set(expected)
    pulls = [(found.get(key, 0) - N * p) ** 2 / (N * p) for key, p in expected.items() if N * p > 10.0]
    return sum(pulls) / (len(pulls) - 1)


@pytest.mark.parametrize("quark", [1, 2, 3, 4, 5])
def test_both_ways_agree_with_the_probabilities(quark):
    expected = outcomes(quark)
    assert chi2(at_once(quark_ends(), quark, new_dice(), N)[:, :4], expected) < 1.6
    assert chi2(step_by_step(flavour_table(), hadron_table(), quark, new_dice(), N), expected) < 1.6


@pytest.mark.parametrize("quark", [2, 3, 5])
def test_antiquarks_have_the_antiparticles(quark):
    ends, species = quark_ends(), hadron_table()
    anti = {tuple(row[:4].tolist()): int(row[4]) for row in ends.outcome[quark]}
    expected = {(-key[0], key[1], key[2], anti[key]): p for key, p in outcomes(quark).items()}
    assert chi2(step_by_step(flavour_table(), species, -quark, new_dice(), N), expected) < 1.6


def test_rows_are_those_of_the_hadrons():
    ends, species = quark_ends(), hadron_table()
    for quark in range(1, 6):
        rows = ends.outcome[quark, :len(outcomes(quark))]
        assert species.pdg_id[rows[:, 5]].tolist() == np.abs(rows[:, 3]).tolist()
        share = np.bincount(ends.alias[quark], 1.0 - ends.kept[quark], 64) + ends.kept[quark]
        assert np.allclose(share[:len(rows)] / 64.0, list(outcomes(quark).values()), rtol=0.0, atol=1e-14)

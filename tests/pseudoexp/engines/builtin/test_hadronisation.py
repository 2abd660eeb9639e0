"""Whole strings: conservation in ordinary and nasty configurations, repeatability, capacity, ancestry."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from compare_strings import CONFIGURATIONS, back_to_back, chain, loop, spray
from scipy.stats import gamma, kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.hadron_table import quark_content
from pseudoexp.engines.builtin.hadronisation import draw_gamma, hadronisation_workspace, hadronise, string_tables
from pseudoexp.engines.builtin.hadrons import Hadrons, new_hadrons
from pseudoexp.engines.builtin.partons import FINAL, REMNANT, Partons, new_partons

NASTY = {
    "collinear gluons": chain((2, -2), [
        (0.0, 0.0, 20.0), (0.0, 1e-7, 10.0), (0.0, -1e-7, 5.0), (0.0, 0.0, -30.0)], (0.33, 0.33)),
    "gluon without energy": chain((1, -1), [(0.0, 0.0, 20.0), (1e-9, 0.0, 1e-9), (0.0, 0.0, -20.0)], (0.33, 0.33)),
    "gluon along a heavy end": chain((5, -1), [(0.0, 0.0, 50.0), (0.0, 0.1, 20.0), (0.0, 0.0, -20.0)], (4.8, 0.33)),
    "soft end": chain((2, -2), [(0.0, 0.0, 1e-3), (0.0, 30.0, 10.0), (0.0, -30.0, -10.0)], (0.33, 0.33)),
    "heavy ends at rest": chain((5, -4), [(0.0, 0.0, 0.1), (0.0, 3.0, 0.0), (0.0, -3.0, 0.1)], (4.8, 1.5)),
    "diquark": back_to_back(2, 2203, 14000.0, (0.33, 0.77)),
    "two diquarks": back_to_back(-2101, 2203, 30.0, (0.58, 0.77)),
    "two light gluons": loop([(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)]),
    "three gluons in a row": loop([(0.0, 0.0, 30.0), (0.0, 1e-6, 25.0), (0.0, 0.0, -15.0)]),
    "sixty gluons": chain((3, -2), spray(62, 5), (0.5, 0.33)),
    "loop of sixty": loop(spray(60, 6)),
    "light": back_to_back(2, -1, 1.5, (0.33, 0.33)),
    "charm near threshold": back_to_back(4, -1, 2.25, (1.5, 0.33)),
}


def fill(*strings, higgs: int = -1) -> Partons:
    """Return a list of the partons of several strings; the string number `higgs` descends from the Higgs boson."""
    partons = new_partons(300)
    tags = row = 0
    for number, string in enumerate(strings):
        for code, p, mass, colour, anticolour in string:
            partons.p4[row] = (*p, math.sqrt(sum(x * x for x in p) + mass * mass))
            partons.mass[row], partons.pdg_id[row] = mass, code
            partons.colour[row] = colour + tags if colour else 0, anticolour + tags if anticolour else 0
            partons.status[row] = REMNANT if abs(code) > 1000 else FINAL
            partons.mother[row], partons.from_higgs[row] = -1, number == higgs
            row += 1
        tags += len(string) + 1
    partons.filled[:] = row, tags
    return partons


def hadrons_of(partons: Partons, event: int, capacity: int = 1000) -> tuple[int, Hadrons]:
    """Return what `hadronise` says and the hadrons."""
    hadrons = new_hadrons(capacity)
    result = hadronise(partons, hadrons, string_tables(), hadronisation_workspace(300, capacity), event_stream(2, 0, event))
    return result, hadrons


def quark_numbers(codes) -> np.ndarray:
    """Return the number of quarks less antiquarks of each flavour."""
    counts = np.zeros(6, int)
    for code in codes:
        if abs(code) < 10:
            content = (code,)
        elif abs(code) % 100 < 10 and abs(code) // 10 % 10 == 0:
            content = tuple(int(math.copysign(q, code)) for q in (abs(code) // 1000, abs(code) // 100 % 10))
        else:
            content = quark_content(code)
        for q in content:
            counts[abs(q)] += 1 if q > 0 else -1
    return counts


def check(partons: Partons, event: int) -> np.ndarray:
    """Assert that an event conserves what it must; return its hadrons."""
    result, hadrons = hadrons_of(partons, event)
    assert result > 0
    n, m = partons.filled[0], hadrons.filled[0]
    total = partons.p4[:n].sum(0)
    assert np.abs(hadrons.p4[:m].sum(0) - total).max() < 1e-9 * max(total[3], 1.0)
    ids = hadrons.pdg_id[:m]
    assert sum(charge3(int(c)) for c in ids) == sum(charge3(int(c)) for c in partons.pdg_id[:n])
    assert quark_numbers(ids.tolist()).tolist() == quark_numbers([c for c in partons.pdg_id[:n].tolist() if c != 21]).tolist()
    p4 = hadrons.p4[:m]
    on_shell = np.sqrt(hadrons.mass[:m] ** 2 + (p4[:, :3] ** 2).sum(1))
    assert p4[:, 3] == pytest.approx(on_shell, rel=1e-6)
    assert (hadrons.mass[:m] > 0.1).all()
    return ids.copy()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_conservation(name):
    for event in range(60):
        check(fill(CONFIGURATIONS[name]), event)


@pytest.mark.parametrize("name", NASTY)
def test_conservation_in_nasty_strings(name):
    other = back_to_back(1, -1, 40.0, (0.33, 0.33))
    for event in range(60):
        check(fill(NASTY[name], other), event)


def test_one_hadron_takes_momentum_of_another_string():
    pair = back_to_back(2, -1, 0.25, (0.0, 0.0))
    found = [check(fill(pair, CONFIGURATIONS["qgqbar"]), event)[0] for event in range(40)]
    assert {abs(c) for c in found} <= {211, 213}


def test_impossible_event():
    assert hadrons_of(fill(back_to_back(2, -1, 0.25, (0.0, 0.0))), 1)[0] == -2


def test_a_string_has_random_numbers_of_its_own():
    """What the first string becomes does not depend on the second one's partons."""
    partons = fill(CONFIGURATIONS["qqbar"], CONFIGURATIONS["thirty"]), fill(CONFIGURATIONS["qqbar"], CONFIGURATIONS["bbbar"])
    first, second = (hadrons_of(p, 7)[1] for p in partons)
    alone = hadrons_of(fill(CONFIGURATIONS["qqbar"]), 7)[1]
    n = alone.filled[0]
    for other in (first, second):
        assert np.array_equal(other.p4[:n], alone.p4[:n])
        assert np.array_equal(other.pdg_id[:n], alone.pdg_id[:n])


def test_too_small_arrays():
    partons = fill(CONFIGURATIONS["thirty"])
    assert hadrons_of(partons, 1, capacity=10)[0] == -1
    work = hadronisation_workspace(20, 100)
    assert hadronise(partons, new_hadrons(100), string_tables(), work, event_stream(2, 0, 1)) == -1


def test_ancestry():
    """All of a string of the Higgs boson's; of a mixed string only the hadron of the Higgs boson's heavy quark."""
    result, hadrons = hadrons_of(fill(CONFIGURATIONS["qqbar"], CONFIGURATIONS["bbbar"], higgs=1), 3)
    n = hadrons.filled[0]
    flags, beauty = hadrons.from_higgs[:n] > 0, np.isin(np.abs(hadrons.pdg_id[:n]) // 100 % 10, (5,))
    assert result == 2
    assert flags[beauty].all()
    assert 0 < flags.sum() < n
    mixed = fill(CONFIGURATIONS["bggb"])
    mixed.from_higgs[0] = True
    for event in range(20):
        _, hadrons = hadrons_of(mixed, event)
        flagged = hadrons.pdg_id[: hadrons.filled[0]][hadrons.from_higgs[: hadrons.filled[0]] > 0]
        assert len(flagged) == 1
        assert 5 in quark_content(int(flagged[0])) or -5 in quark_content(int(flagged[0]))
        assert quark_numbers(flagged.tolist())[5] == 1


@kernel
def gammas(dice: Dice, largest: float, n: int) -> np.ndarray:
    """Return n values of Gamma."""
    throw_from(dice, event_stream(3, 0, 5), STRING, 0)
    values = np.empty(n)
    for i in range(n):
        values[i] = draw_gamma(dice, largest)
    return values


@pytest.mark.parametrize("largest", [0.1, 1.0, 1.8, 4.0, 1000.0])
def test_first_break_of_a_loop(largest):
    free = gamma(1.68, scale=1 / 0.98)
    values = gammas(new_dice(), largest, 20_000)
    assert values.max() < largest
    assert kstest(values, lambda x: free.cdf(x) / free.cdf(largest)).pvalue > 1e-3


def test_colourless_partons_pass():
    partons = fill(CONFIGURATIONS["qqbar"])
    partons.p4[2], partons.pdg_id[2], partons.status[2], partons.mother[2] = (0.0, 3.0, 4.0, 5.0), 22, FINAL, -1
    partons.filled[0] = 3
    _, hadrons = hadrons_of(partons, 1)
    assert hadrons.pdg_id[0] == 22
    assert hadrons.p4[0].tolist() == [0.0, 3.0, 4.0, 5.0]


def test_without_compilation():
    """The kernels are plain Python too, and give the same hadrons."""
    code = ("from test_hadronisation import *; r, h = hadrons_of(fill(CONFIGURATIONS['bggb']), 3);"
            "print(h.pdg_id[:h.filled[0]].tolist())")
    tests = Path(__file__).parent
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1",
           "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parents[3] / "bench"), str(tests.parents[3])])}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    _, hadrons = hadrons_of(fill(CONFIGURATIONS["bggb"]), 3)
    assert eval(out) == hadrons.pdg_id[: hadrons.filled[0]].tolist()

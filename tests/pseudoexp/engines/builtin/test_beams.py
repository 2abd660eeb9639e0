"""What is left of a proton: momentum adds up, valence quarks run out, companions can be taken."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.beams import (
    REST,
    column_left,
    decide_origin,
    densities_left,
    lay_rest,
    momentum_left,
    most_left,
)
from pseudoexp.engines.builtin.dice import ACTIVITY, new_dice, throw_from
from pseudoexp.engines.builtin.parton_density import (
    COLUMNS,
    EFFECTIVE,
    GLUON,
    all_densities,
    densities,
    find_place,
    most_quarks_at,
)
from pseudoexp.engines.builtin.partons import INCOMING, SEA, SECOND_VALENCE, VALENCE, append_parton, new_partons, new_systems

TABLES = densities()
LOG_X = np.linspace(np.log(1e-8), 0.0, 1500)
Q2 = 30.0
TAKEN = {"nothing": [], "gluon": [(21, 0.2, SEA)], "u": [(2, 0.15, VALENCE)], "d": [(1, 0.15, VALENCE)],
         "sea": [(-3, 0.08, SEA)], "two seas": [(-3, 0.08, SEA), (4, 1e-3, SEA)],
         "all": [(2, 0.1, VALENCE), (2, 0.05, SECOND_VALENCE), (21, 0.05, SEA), (-1, 0.02, SEA)]}


@kernel
def most(rest, bound):
    """Return `most_left`."""
    return most_left(rest, bound)


@kernel
def most_quarks(tables, place):
    """Return `most_quarks_at`."""
    return most_quarks_at(tables, place)


def proton_without(taken):
    """Return an event in which scatterings took partons (PDG number, x, origin) on side 0, gluons on side 1."""
    partons, systems = new_partons(50), new_systems(20)
    for k, (pdg_id, x, origin) in enumerate(taken):
        for side, one in ((0, pdg_id), (1, 21)):
            systems.incoming[k, side] = append_parton(partons, one, INCOMING, -1, k, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)
        systems.x[k], systems.origin[k], systems.scale[k] = (x, 0.001), (origin, SEA), np.sqrt(Q2)
    systems.filled[0] = len(taken)
    return partons, systems


def rest_of(taken, besides=-1):
    """Return x f of all columns over ln x, what is left."""
    partons, systems = proton_without(taken)
    left = momentum_left(systems, 0, besides)
    out, values = np.zeros(COLUMNS), np.zeros((len(LOG_X), COLUMNS))
    for i, x in enumerate(np.exp(LOG_X)):
        if x < left:
            densities_left(TABLES, 0, besides, x, Q2, partons, systems, np.zeros(REST), out)
            values[i] = out
    return values, left


@pytest.mark.parametrize("name", TAKEN)
def test_momentum_adds_up(name):
    values, left = rest_of(TAKEN[name])
    momentum = np.trapezoid(values[:, :EFFECTIVE].sum(axis=1) * np.exp(LOG_X), LOG_X)
    assert momentum == pytest.approx(left, rel=0.01)


@pytest.mark.parametrize(("name", "u", "d"), [("nothing", 2, 1), ("u", 1, 1), ("d", 2, 0), ("all", 0, 2), ("sea", 2, 1)])
def test_valence_quarks_run_out(name, u, d):
    """The companion of a dbar that was taken is a d quark more."""
    values, _ = rest_of(TAKEN[name])
    for flavour, number in ((2, u), (1, d)):
        assert np.trapezoid(values[:, GLUON + flavour] - values[:, GLUON - flavour], LOG_X) == pytest.approx(number, abs=0.02)


def test_the_companion_is_the_antiquark():
    values, _ = rest_of(TAKEN["sea"])
    more = values[:, GLUON + 3] - values[:, GLUON - 3]
    assert np.trapezoid(more, LOG_X) - np.trapezoid(rest_of([])[0][:, GLUON + 3] - rest_of([])[0][:, GLUON - 3], LOG_X) == \
        pytest.approx(1.0, abs=0.01)


def test_a_system_does_not_take_from_itself():
    alone, out = np.zeros(COLUMNS), np.zeros(COLUMNS)
    partons, systems = proton_without(TAKEN["sea"])
    densities_left(TABLES, 0, 0, 0.08, Q2, partons, systems, np.zeros(REST), out)
    all_densities(TABLES, 0.08, Q2, alone)
    assert out[:EFFECTIVE] == pytest.approx(alone[:EFFECTIVE], rel=1e-12)


def test_gluons_never_run_out():
    """Many companions of large x would have more momentum than there is; a gluon's density stays above zero."""
    values, left = rest_of([(-4, 0.05, SEA)] * 14)
    gluons = values[:, GLUON][np.exp(LOG_X) < 0.9 * left]
    assert (gluons > 0.0).all()


@pytest.mark.parametrize("name", TAKEN)
def test_one_column_is_that_of_all(name):
    partons, systems = proton_without(TAKEN[name])
    out, rest = np.zeros(COLUMNS), np.zeros(REST)
    left = lay_rest(0, -1, Q2, partons, systems, rest)
    for x in (1e-4, 0.01, 0.2):
        densities_left(TABLES, 0, -1, x * left, Q2, partons, systems, rest, out)
        place = find_place(TABLES, x, Q2)
        assert [column_left(TABLES, place, rest, x, k) for k in range(EFFECTIVE)] == pytest.approx(out[:EFFECTIVE], rel=1e-9)
        assert most(rest, most_quarks(TABLES, place)) >= out[:EFFECTIVE].sum() - out[GLUON]


def origins(taken, n=400):
    """Return origin and partner of the last scattering's quark in n draws."""
    partons, systems = proton_without(taken)
    last, dice, work, found = len(taken) - 1, new_dice(), np.zeros(COLUMNS), []
    for k in range(n):
        systems.partner[:] = -1
        throw_from(dice, event_stream(1, QCD, k), ACTIVITY, 0)
        decide_origin(last, 0, partons, systems, TABLES, dice, np.zeros(REST), work)
        found.append((systems.origin[last, 0], systems.partner[last, 0], systems.partner[0, 0]))
    return np.array(found)


def test_companions_are_found_by_their_density():
    """An s quark at x = 0.05 after an sbar at 0.03: the companion's density over all of s."""
    found = origins([(-3, 0.03, SEA), (3, 0.05, SEA)])
    partons, systems = proton_without([(-3, 0.03, SEA), (3, 0.05, SEA)])
    out, sea = np.zeros(COLUMNS), np.zeros(COLUMNS)
    densities_left(TABLES, 0, 1, 0.05, Q2, partons, systems, np.zeros(REST), out)
    expected = 1.0 - out[GLUON - 3] / out[GLUON + 3]
    all_densities(TABLES, 0.05, Q2, sea)
    share = (found[:, 1] == 0).mean()
    assert share == pytest.approx(expected, abs=0.08)
    assert (found[:, 2] == np.where(found[:, 1] == 0, 1, -1)).all()
    assert 0.2 < expected < 0.9


def test_valence_is_decided_by_density():
    found = origins([(2, 0.3, SEA)])
    values = np.zeros(COLUMNS)
    all_densities(TABLES, 0.3, Q2, values)
    assert (found[:, 0] == VALENCE).mean() == pytest.approx(1.0 - values[GLUON - 2] / values[GLUON + 2], abs=0.05)
    assert set(origins([(2, 0.2, VALENCE), (2, 0.3, SEA)])[:, 0]) == {SEA, SECOND_VALENCE}


def test_a_gluon_lets_its_companion_go():
    partons, systems = proton_without([(21, 0.03, SEA), (3, 0.05, SEA)])
    systems.partner[0, 0], systems.partner[1, 0] = 1, 0
    dice = new_dice()
    throw_from(dice, event_stream(1, QCD, 0), ACTIVITY, 0)
    decide_origin(0, 0, partons, systems, TABLES, dice, np.zeros(REST), np.zeros(COLUMNS))
    assert (systems.partner[:2, 0] == -1).all()

"""Beam remnants: flavours, colours and momenta of what the scatterings leave of the protons."""

import numpy as np
import pytest
from scipy.integrate import quad
from toy_scatterings import connect, leave, scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.dice import REMNANTS, new_dice, throw_from
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, INCOMING, REMNANT, VALENCE
from pseudoexp.engines.builtin.primordial_kt import companion_share
from pseudoexp.engines.builtin.remnants import remnant_workspace

EVENTS = {"gluons": [(21, 21)] * 6, "one": [(21, 21)], "quarks": [(2, 21), (1, -2), (21, 2), (-3, 3), (21, -1)],
          "sea": [(-2, -1), (5, -5), (4, 21), (21, 21)], "valence": [(2, 2), (2, 1), (1, 1), (21, 21)],
          "pairs": [(-3, 21), (3, 4), (21, -4), (3, -3), (-3, 3)]}


def remains(pairs, seed):
    """Return an event with its remnants."""
    partons, systems = scatter(pairs, seed)
    ws = remnant_workspace(40, 400)
    assert leave(seed, partons, systems, densities(), new_dice(), ws)
    assert connect(seed, partons, systems, new_dice(), ws)
    return partons, systems, ws


def final(partons):
    """Return the rows that go on to the strings."""
    n = partons.filled[0]
    return np.flatnonzero((partons.status[:n] == FINAL) | (partons.status[:n] == REMNANT))


@pytest.fixture(scope="module", params=EVENTS)
def events(request):
    return [remains(EVENTS[request.param], seed) for seed in range(60)]


def test_momentum_of_the_protons(events):
    for partons, _, _ in events:
        total = partons.p4[final(partons)].sum(axis=0)
        assert np.allclose(total, [0.0, 0.0, 0.0, 2.0 * BEAM_ENERGY], rtol=0.0, atol=1e-7)


def test_mass_shell(events):
    for partons, _, _ in events:
        rows = final(partons)
        p4 = partons.p4[rows]
        mass2 = p4[:, 3] ** 2 - (p4[:, :3] ** 2).sum(axis=1)
        assert np.allclose(mass2, partons.mass[rows] ** 2, atol=1e-8 * p4[:, 3] ** 2)


def test_charge_and_baryon_number_of_two_protons(events):
    for partons, _, _ in events:
        ids = partons.pdg_id[final(partons)]
        assert sum(charge3(int(i)) for i in ids) == 6
        assert sum(0 if i == 21 else int(np.sign(i)) * (2 if abs(i) > 10 else 1) for i in ids) == 6


def test_every_colour_line_has_two_ends(events):
    for partons, _, _ in events:
        rows = final(partons)
        colours, anticolours = (sorted(c for c in partons.colour[rows, k] if c) for k in range(2))
        assert colours == anticolours
        assert len(set(colours)) == len(colours)


def test_no_gluon_is_connected_with_itself(events):
    for partons, _, _ in events:
        gluons = [i for i in final(partons) if partons.pdg_id[i] == 21]
        assert all(partons.colour[i, 0] != partons.colour[i, 1] for i in gluons)


def test_a_scattering_keeps_mass_and_rapidity(events):
    for partons, systems, _ in events:
        for s in range(systems.filled[0]):
            rows = np.flatnonzero((partons.system[:partons.filled[0]] == s) & (partons.status[:partons.filled[0]] == FINAL))
            p4 = partons.p4[rows].sum(axis=0)
            x = systems.x[s]
            mass = 2.0 * BEAM_ENERGY * np.sqrt(x[0] * x[1])
            assert np.isclose(np.sqrt(p4[3] ** 2 - (p4[:3] ** 2).sum()), mass)
            assert np.isclose((p4[3] + p4[2]) / (p4[3] - p4[2]), x[0] / x[1])
            incoming = partons.p4[systems.incoming[s]].sum(axis=0)
            assert np.allclose(incoming, p4, atol=1e-6)


def test_transverse_momentum_of_hard_scatterings():
    """PYTHIA 8.317 without showers and further scatterings, pT-hat > 150 GeV: 5.63 +- 0.09 GeV^2."""
    pt = [partons.p4[2:4, :2].sum(axis=0) for partons, _, _ in (remains(EVENTS["one"], seed) for seed in range(2000))]
    assert np.mean(np.square(pt).sum(axis=1)) == pytest.approx(5.63, abs=0.5)


def test_valence_share_of_quarks():
    """At x ~ 0.03 and pT 200 GeV about half of the u quarks are valence quarks; never more than one per proton."""
    taken = np.array([remains(EVENTS["valence"], seed)[1].origin[:4] for seed in range(300)])
    share = (taken[:, 0, 0] == VALENCE).mean()
    assert 0.3 < share < 0.9
    assert (taken == VALENCE).sum(axis=1).max() == 1


def test_both_quarks_of_a_pair_leave_no_companion():
    """Strange quarks and antiquarks that were taken from one proton: what they leave behind makes up for their difference."""
    matched = 0
    for seed in range(100):
        partons, systems, ws = remains(EVENTS["pairs"], seed)
        n = systems.filled[0]
        for side in range(2):
            pairs = systems.partner[:n, side]
            matched += (pairs >= 0).sum()
            assert all(pairs[pairs[k]] == k for k in range(n) if pairs[k] >= 0)
            strange = partons.pdg_id[ws.rows[side, :ws.filled[side]]]
            taken = partons.pdg_id[systems.incoming[:n, side]]
            assert np.sum(np.sign(strange) * (abs(strange) == 3)) == -np.sum(np.sign(taken) * (abs(taken) == 3))
            assert (abs(strange) == 3).sum() == ((abs(taken) == 3) & (pairs < 0)).sum()
    assert matched > 20


@kernel
def companions(taken, n, dice):
    """Return the shares of companions of quarks with `taken`."""
    throw_from(dice, event_stream(1, SIGNAL, 5), REMNANTS, 0)
    shares = np.empty(n)
    for k in range(n):
        shares[k] = companion_share(taken, dice)
    return shares


@pytest.mark.parametrize("taken", [1e-3, 0.1, 0.6, 0.995])
def test_companions_share(taken):
    """They follow the density that `companions` has in closed form; with almost all taken, too, and in no more time."""
    shares = companions(taken, 20_000, new_dice())
    assert 0.0 < shares.min() <= shares.max() < 1.0 - taken
    expected = (1.0 - taken) / 6.0 if taken > 0.97 else companion_mean(taken)
    assert shares.mean() == pytest.approx(expected, abs=4.0 * shares.std() / np.sqrt(len(shares)))


def companion_mean(taken):
    """Return the mean by integration."""
    weights = [quad(lambda x, p=p: x**p * ((1.0 - taken - x) / (taken + x)) ** 4 * (taken**2 + x**2), 0.0, 1.0 - taken,
                    points=[min(taken, 0.5 * (1.0 - taken))])[0] for p in (0, 1)]
    return weights[1] / weights[0]


def test_incoming_partons_stay_in_the_list():
    partons, systems, _ = remains(EVENTS["one"], 1)
    assert (partons.status[systems.incoming[0]] == INCOMING).all()

"""Both showers: conservation in whole events, trials against their densities, the no-emission probability."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import QCD, SIGNAL, event_stream
from pseudoexp.engines.builtin.coupling import alpha_s
from pseudoexp.engines.builtin.dice import HARD_PROCESS, SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import add_ends, forget_ends, shower_tables, shower_work
from pseudoexp.engines.builtin.evolution import scale2_at
from pseudoexp.engines.builtin.final_shower import judge, next_trial
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, append_parton, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.showers import evolve, start_ends
from pseudoexp.engines.builtin.splitting import MASSES, gluon_emission, quark_emission, quark_pair


@kernel
def shower_event(event, process, partons, systems, dice, hard, hard_work, tables, work, initial):
    """Draw a hard process and shower it."""
    forget_partons(partons, systems)
    throw_from(dice, event_stream(7, process, event), HARD_PROCESS, 0)
    sample_hard_process(partons, systems, dice, hard, hard_work)
    throw_from(dice, event_stream(7, process, event), SHOWER, 0)
    return evolve(0, partons, systems, tables, work, dice, initial)


def charge(pdg_id):
    """Return three times the charge."""
    size = np.abs(pdg_id)
    return np.where(size > 5, 0, np.where(size % 2 == 0, 2, -1) * np.sign(pdg_id))


@pytest.mark.parametrize("initial", [False, True])
@pytest.mark.parametrize("process", [QCD, SIGNAL])
def test_events_conserve_momentum_charge_and_colour(process: int, initial: bool) -> None:
    """What goes in comes out, everything on its mass shell; no c or b enters once the incoming partons have evolved."""
    partons, systems, dice, work = new_partons(1000), new_systems(1), new_dice(), shower_work(1000)
    tables, hard, hard_work = shower_tables(), hard_process(process, 250.0, 0.0), hard_workspace()
    branchings = 0
    for event in range(150):
        code = shower_event(event, process, partons, systems, dice, hard, hard_work, tables, work, initial)
        assert code >= 0
        branchings += code
        n, incoming = partons.filled[0], systems.incoming[0]
        final = partons.status[:n] == FINAL
        p, mass, colour = partons.p4[:n][final], partons.mass[:n][final], partons.colour[:n][final]
        np.testing.assert_allclose(p.sum(0), partons.p4[incoming].sum(0), atol=1e-8)
        np.testing.assert_allclose(p[:, 3] ** 2 - (p[:, :3] ** 2).sum(1), mass**2, atol=1e-5)
        np.testing.assert_allclose(partons.p4[incoming][:, 3], 7000.0 * systems.x[0], rtol=1e-11)
        assert (partons.status[incoming] == INCOMING).all() and (partons.status[:n] == INCOMING).sum() == 2
        assert charge(partons.pdg_id[:n][final]).sum() == charge(partons.pdg_id[incoming]).sum()
        plus = np.concatenate([colour[:, 0], partons.colour[incoming, 1]])
        minus = np.concatenate([colour[:, 1], partons.colour[incoming, 0]])
        assert sorted(plus[plus > 0]) == sorted(minus[minus > 0])
        if initial:
            assert not np.isin(np.abs(partons.pdg_id[incoming]), (4, 5)).any()
    assert branchings > 1000


def test_a_full_list_is_reported() -> None:
    """Neither list is written past its end."""
    partons, systems, dice, work = new_partons(40), new_systems(1), new_dice(), shower_work(40)
    tables, hard, hard_work = shower_tables(), hard_process(QCD, 250.0, 0.0), hard_workspace()
    codes = [shower_event(k, QCD, partons, systems, dice, hard, hard_work, tables, work, True) for k in range(10)]
    assert min(codes) == -1


@kernel
def coupling_at(coupling, scale2):
    """Return alpha_s."""
    return alpha_s(coupling, scale2)


@kernel
def first_branching(n, pdg_id, mass, energy, partons, systems, tables, work, dice, out):
    """Fill `out` (n, 2) with pT^2 of the first branching of one end of a dipole, 0 without, and its kind."""
    throw_from(dice, event_stream(2, 0, 0), SHOWER, 0)
    for event in range(n):
        forget_partons(partons, systems)
        p = (energy * energy - mass * mass) ** 0.5
        gluon = pdg_id == 21
        append_parton(partons, pdg_id, FINAL, -1, 0, 0.0, 0.0, p, energy, mass, 1, 2 if gluon else 0)
        append_parton(partons, 21 if gluon else -pdg_id, FINAL, -1, 0, 0.0, 0.0, -p, energy, mass, 2 if gluon else 0, 1)
        forget_ends(work)
        add_ends(work, partons, 0)
        add_ends(work, partons, 1)
        start_ends(work, partons, systems, tables, dice, -1, energy * energy)
        pt2, kind = 0.0, -1
        while work.trial[0] > 0.0 and kind < 0:
            pt2 = scale2_at(tables.final_evolution, work.trial[0])
            kind = judge(work, partons, systems, tables, dice, -1, 1.0, 1.0, 0, pt2)
            if kind < 0:
                next_trial(work, tables, dice, 0, pt2, work.trial[0])
        out[event, 0] = pt2 if kind >= 0 else 0.0
        out[event, 1] = kind


def rate_of_emission(pt2: float, energy: float, mass: float, gluon: bool) -> float:
    """Return the integral over z of the emission kernel, with the kinematic limits, over the whole pT^2's dipole."""
    dipole2, m2 = 4.0 * energy**2, mass * mass
    z = np.linspace(1e-6, 1.0 - 1e-6, 200001)
    pair2 = m2 + pt2 / (z * (1 - z))
    reach = dipole2 + pair2 - m2
    free2 = (2.0 * energy - mass) ** 2 - m2
    inside = (pair2 - m2 < free2) & (pair2 * dipole2 < z * (1 - z) * reach**2) & (pt2 * (1 - m2 / pair2) ** 2 >= 0.25)
    shape = (1 + z**3) / 2 if gluon else (1 + z * z) / 2
    return float(((1.5 if gluon else 4 / 3) * 2 * shape / (1 - z))[inside].sum() * (z[1] - z[0]))


@pytest.mark.parametrize(("pdg_id", "mass"), [(2, 0.0), (5, 4.8)])
def test_no_emission_probability_of_a_quark(pdg_id: int, mass: float) -> None:
    """The first branching's pT has the Sudakov factor's distribution, integrated numerically."""
    energy, n = 50.0, 4000
    partons, systems, out = new_partons(10), new_systems(1), np.zeros((n, 2))
    tables = shower_tables()
    first_branching(n, pdg_id, mass, energy, partons, systems, tables, shower_work(10), new_dice(), out)
    logs = np.linspace(np.log(0.2501), np.log(energy**2 * 0.999), 60)
    density = np.array([coupling_at(tables.final, np.exp(u)) / (2 * np.pi) * rate_of_emission(np.exp(u), energy, mass, False)
                        for u in logs])
    above = np.concatenate([np.cumsum(((density[1:] + density[:-1]) / 2 * np.diff(logs))[::-1])[::-1], [0.0]])
    sudakov = np.exp(-above)
    assert abs((out[:, 0] == 0).mean() - sudakov[0]) < 4 * 0.5 / np.sqrt(n)
    emitted = np.log(out[out[:, 0] > 0, 0])
    cdf = lambda u: (np.interp(u, logs, sudakov) - sudakov[0]) / (1 - sudakov[0])  # noqa: E731
    assert stats.kstest(emitted, cdf).pvalue > 1e-3


def rate_of_pairs(pt2: float, energy: float, flavour: int) -> float:
    """Return the same of g -> q qbar with a massless recoiler; sum over the gluon's two ends: beta (1 + 2 r) / 3 in z."""
    dipole2, mass = 4.0 * energy**2, MASSES[flavour]
    z = np.linspace(1e-6, 1.0 - 1e-6, 20001)
    pair2 = pt2 / (z * (1 - z))
    inside = (pair2 < dipole2) & (pair2 * dipole2 < z * (1 - z) * (dipole2 + pair2) ** 2)
    velocity = np.sqrt(np.maximum(1.0 - 4.0 * pair2 * dipole2 / (dipole2 + pair2) ** 2, 1e-12))
    points = zip(z[inside], pair2[inside], velocity[inside], strict=True)
    shape = [quark_pair(a, b, mass, 1.0 - b / dipole2, c) for a, b, c in points]
    return float(0.25 * np.sum(shape) * (z[1] - z[0]))


def test_no_branching_probability_of_a_gluon() -> None:
    """The same for g -> g g and g -> q qbar together, and the share of every flavour."""
    energy, n = 50.0, 6000
    partons, systems, out, tables = new_partons(10), new_systems(1), np.zeros((n, 2)), shower_tables()
    first_branching(n, 21, 0.0, energy, partons, systems, tables, shower_work(10), new_dice(), out)
    logs = np.linspace(np.log(0.2501), np.log(energy**2 * 0.999), 40)
    kinds = np.array([[rate_of_emission(np.exp(u), energy, 0.0, True),
                       *(rate_of_pairs(np.exp(u), energy, f) for f in range(1, 6))] for u in logs])
    kinds *= np.array([coupling_at(tables.final, np.exp(u)) for u in logs])[:, None] / (2 * np.pi)
    steps = (kinds[1:] + kinds[:-1]) / 2 * np.diff(logs)[:, None]
    above = np.concatenate([np.cumsum(steps.sum(1)[::-1])[::-1], [0.0]])
    sudakov = np.exp(-above)
    assert abs((out[:, 0] == 0).mean() - sudakov[0]) < 4 * 0.5 / np.sqrt(n)
    emitted = np.log(out[out[:, 0] > 0, 0])
    cdf = lambda u: (np.interp(u, logs, sudakov) - sudakov[0]) / (1 - sudakov[0])  # noqa: E731
    assert stats.kstest(emitted, cdf).pvalue > 1e-3
    expected = (steps * ((sudakov[1:] + sudakov[:-1]) / 2)[:, None]).sum(0)
    for kind in range(6):
        seen = (out[:, 1] == kind).mean()
        assert abs(seen - expected[kind]) < 4 * np.sqrt(expected[kind] / n) + 0.01 * expected[kind], kind


def test_kernels_have_their_limits() -> None:
    """Soft emission goes to 1."""
    assert gluon_emission(1.0) == 1.0 and quark_emission(1.0) == 1.0
    assert quark_emission(0.5) == pytest.approx(0.625)

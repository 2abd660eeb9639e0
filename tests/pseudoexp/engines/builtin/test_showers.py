"""Both showers in whole events: conservation, dipole ends that follow the colour lines, lists that are full."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import HARD_PROCESS, SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import shower_tables, shower_work
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.showers import evolve


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


def check_ends(partons, incoming, work) -> None:
    """Every colour of a final parton is one end, whose recoiler is where its line leads and whose mass is the dipole's."""
    n, ends = partons.filled[0], work.ends[:work.filled[0]]
    final = np.flatnonzero(partons.status[:n] == FINAL)
    coloured = [(row, side) for row in final for side in (0, 1) if partons.colour[row, side]]
    assert sorted(zip(ends["radiator"], ends["side"], strict=True)) == coloured
    for k, end in enumerate(ends):
        a, b, side = end["radiator"], end["recoiler"], end["side"]
        assert work.end_of[a, side] == k
        assert partons.colour[b, side if end["beam"] >= 0 else 1 - side] == partons.colour[a, side]
        assert b == incoming[end["beam"]] if end["beam"] >= 0 else partons.status[b] == FINAL
        both = partons.p4[a] + partons.p4[b]
        assert end["dipole2"] == pytest.approx(both[3] ** 2 - (both[:3] ** 2).sum(), rel=1e-4, abs=1e-3)
        assert end["gluon"] == (partons.pdg_id[a] == 21)


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
        check_ends(partons, incoming, work)
    assert branchings > 1000


def test_a_full_list_is_reported() -> None:
    """Neither list is written past its end."""
    partons, systems, dice, work = new_partons(40), new_systems(1), new_dice(), shower_work(40)
    tables, hard, hard_work = shower_tables(), hard_process(QCD, 250.0, 0.0), hard_workspace()
    codes = [shower_event(k, QCD, partons, systems, dice, hard, hard_work, tables, work, True) for k in range(10)]
    assert min(codes) == -1

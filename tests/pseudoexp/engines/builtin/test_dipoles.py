"""Dipole ends: recoilers from colour lines, what trials depend on, and which trial is the highest."""

from __future__ import annotations

import numpy as np
import pytest
from toy_scatterings import scatter

from pseudoexp.core.jit import kernel
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.coupling import strong_coupling
from pseudoexp.engines.builtin.dipoles import (
    add_ends,
    forget_ends,
    highest,
    is_bounded,
    is_shower_parton,
    link,
    marked,
    measure,
    opposite,
    settle_for,
    shower_tables,
    shower_work,
    shower_works,
    tables_for,
)
from pseudoexp.engines.builtin.evolution import octave
from pseudoexp.engines.builtin.overestimates import OF_GLUON, TO_BEAM, TO_VALENCE, size_of
from pseudoexp.engines.builtin.partons import FINAL, REPLACED, append_parton, new_partons, new_systems


@kernel
def mark_all(heights, trial):
    """Give every end its trial."""
    for k in range(len(heights)):
        trial[k] = marked(heights[k], k) if heights[k] > 0.0 else 0.0


@pytest.mark.parametrize("n", [1, 2, 300])
def test_highest_trial(n: int) -> None:
    """The end of the largest height, which keeps its digits; none without trials."""
    rng, trial = np.random.default_rng(n), np.zeros(400)
    assert highest(trial, n) == -1
    for _ in range(50):
        heights = np.where(rng.uniform(size=n) < 0.3, 0.0, rng.uniform(0.0, 3.0, n))
        mark_all(heights, trial)
        assert highest(trial, n) == (int(heights.argmax()) if heights.any() else -1)
        np.testing.assert_allclose(trial[:n], heights, rtol=2.0**-35)


def linked(pairs, rows=(2, 3)):
    """Return a scattering with its ends."""
    partons, systems = scatter(pairs)
    work = shower_work(200)
    forget_ends(work)
    for row in rows:
        assert add_ends(work, partons, row)
    for k in range(work.filled[0]):
        assert link(work, partons, systems, 0, k)
        measure(work.ends[k], partons)
    return partons, systems, work


@pytest.mark.parametrize("pair", [(21, 21), (2, 21), (21, -1), (2, -2), (1, 2), (-3, 2)])
def test_recoilers_are_where_the_lines_lead(pair: tuple[int, int]) -> None:
    """Every colour of an outgoing parton has an end; across a final recoiler lies its own end, across a beam none."""
    partons, systems, work = linked([pair])
    assert work.filled[0] == (partons.colour[2:4] > 0).sum()
    for k, end in enumerate(work.ends[:work.filled[0]]):
        a, b, side = end["radiator"], end["recoiler"], end["side"]
        assert work.end_of[a, side] == k and end["gluon"] == (partons.pdg_id[a] == 21)
        across = opposite(work, k)
        if end["beam"] >= 0:
            assert b == systems.incoming[0, end["beam"]] and across == -1
            assert partons.colour[b, side] == partons.colour[a, side]
        else:
            assert partons.colour[b, 1 - side] == partons.colour[a, side]
            assert work.ends[across].radiator == b and opposite(work, across) == k
    k = work.filled[0] - 1
    partons.colour[work.ends[k].radiator, work.ends[k].side] = 99
    assert not link(work, partons, systems, 0, k)


def test_what_trials_depend_on() -> None:
    """Kinds by radiator and recoiler, sizes by mass or transverse momentum, the largest pT by the dipole's mass."""
    kinds = set()
    for pair in ((21, 21), (2, 21), (21, 1), (1, 2), (-2, -3)):
        partons, _, work = linked([pair])
        for end in [end for end in work.ends[:work.filled[0]] if end["beam"] >= 0]:
            incoming, gluon = partons.pdg_id[end["recoiler"]], partons.pdg_id[end["radiator"]] == 21
            assert end["kind"] == (OF_GLUON if gluon else 0) + (TO_VALENCE if incoming in (1, 2) else TO_BEAM)
            p, q = partons.p4[end["radiator"]], partons.p4[end["recoiler"]]
            twice = 2 * (p[3] * q[3] - p[:3] @ q[:3])
            assert end["dipole2"] == pytest.approx(twice) and end["top"] == octave(0.25 * twice)
            assert end["extent"] == size_of(float(p[0] ** 2 + p[1] ** 2))
            kinds.add(int(end["kind"]))
    assert kinds >= {TO_BEAM, TO_VALENCE, OF_GLUON + TO_BEAM}


@pytest.mark.parametrize(("masses", "energy"), [((0.0, 0.0), 40.0), ((4.8, 0.0), 20.0), ((4.8, 4.8), 125.0), ((1.5, 4.8), 9.0)])
def test_sizes_bound_the_range_of_z(masses: tuple[float, float], energy: float) -> None:
    """No branching that kinematics allow has 1 - z below pT over the root of the size."""
    (a, b), partons, work = masses, new_partons(10), shower_work(200)
    p = np.sqrt((energy**2 - (a + b) ** 2) * (energy**2 - (a - b) ** 2)) / (2 * energy)
    append_parton(partons, 5, FINAL, -1, 0, 0.0, 0.0, p, np.sqrt(p * p + a * a), a, 1, 0)
    append_parton(partons, -5, FINAL, -1, 0, 0.0, 0.0, -p, np.sqrt(p * p + b * b), b, 0, 1)
    forget_ends(work)
    for row in range(2):
        add_ends(work, partons, row)
    assert link(work, partons, new_systems(1), -1, 0)
    measure(work.ends[0], partons)
    end = work.ends[0]
    assert end.dipole2 == pytest.approx(energy**2) and end.kind == 0
    size = energy**2 / (1 - a / energy) ** 2
    assert end.extent == size_of(size)
    z, reached = 1.0 - np.exp(np.linspace(np.log(1e-5), np.log(0.999), 20_000)), []
    for pt2 in 0.25 * 2.0 ** np.arange(0.0, 12.0, 0.5):
        pair2 = pt2 / (z * (1 - z)) + a * a
        free = (energy**2 + pair2 - b * b) ** 2 / (4 * energy**2)
        inside = (np.sqrt(pair2) + b < energy) & (z * (1 - z) * free > pair2 / 4)
        if inside.any():
            reached.append((1 - z[inside]).min() / np.sqrt(pt2 / size))
            assert pt2 < energy**2 / 4
    assert min(reached) > 0.999 and (max(masses) > 0.0 or min(reached) < 1.01)


def test_smaller_dipoles_are_bounded() -> None:
    """A trial serves until its dipole has become larger or of another kind."""
    _, _, work = linked([(21, 21)])
    end = work.ends[0]
    assert end.drawn_kind == -1 and not is_bounded(end)
    settle_for(end)
    assert is_bounded(end)
    for name, change, expected in (("extent", -1, True), ("extent", 2, False), ("top", -1, True), ("top", 1, False),
                                   ("kind", 1, False)):
        kept = end.extent, end.top, end.kind
        setattr(end, name, getattr(end, name) + change)
        assert is_bounded(end) == expected
        end.extent, end.top, end.kind = kept


def test_who_takes_part() -> None:
    """Final partons of the system, and the Higgs boson, but not its daughters; without colour it is noted as such."""
    partons, work = new_partons(10), shower_work(200)
    for code, status, system in ((21, FINAL, 0), (21, REPLACED, 0), (21, FINAL, 1), (HIGGS, FINAL, 0), (5, FINAL, 0)):
        append_parton(partons, code, status, -1, system, 0.0, 0.0, 1.0, 1.0, 0.0, 1 if code < 25 else 0, 0)
    partons.from_higgs[[3, 4]] = True
    assert [bool(is_shower_parton(partons, row, 0)) for row in range(5)] == [True, False, False, True, False]
    forget_ends(work)
    assert work.colourless[0] == -1 and add_ends(work, partons, 3)
    assert work.colourless[0] == 3 and work.filled[0] == 0


def test_workspaces_and_tables() -> None:
    """A full workspace is reported; only the first of several counts variations; both couplings are the Monash tune's."""
    works = shower_works(3, 4, 2, varied=True)
    assert works.varied.tolist() == [1, 0, 0] and (works.weights == 1.0).all() and (works.end_of == -1).all()
    partons = new_partons(10)
    for row in range(5):
        append_parton(partons, 21, FINAL, -1, 0, 0.0, 0.0, 1.0, 1.0, 0.0, row + 1, row + 2)
    assert add_ends(works[0], partons, 0) and not add_ends(works[0], partons, 1) and not add_ends(works[1], partons, 4)
    tables = shower_tables()
    expected = strong_coupling(0.1365)
    assert tuple(tables.final) == tuple(tables.initial) == tuple(expected)
    other = tables_for(strong_coupling(0.12), expected)
    assert tuple(other.initial) == tuple(expected) != tuple(other.final)
    assert other.final_evolution.octave[5] < tables.final_evolution.octave[5]

"""H -> b bbar: what the shower inside conserves."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.core.packed import unpacked
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.dice import SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import shower_tables, shower_works
from pseudoexp.engines.builtin.partons import (
    FINAL,
    REPLACED,
    Partons,
    append_parton,
    forget_partons,
    new_partons,
    new_systems,
)
from pseudoexp.engines.builtin.resonance import decay_higgs

MOMENTUM = np.array([120.0, -260.0, 400.0])


def decayed(n: int, momentum: np.ndarray = MOMENTUM) -> list[Partons]:
    """Return the partons of `n` decays of a Higgs boson with this momentum."""
    tables, works = shower_tables(), shower_works(1, 400, 800)
    partons, systems, dice = new_partons(400), new_systems(1), new_dice()
    out = []
    for event in range(n):
        forget_partons(partons, systems)
        row = append_parton(partons, HIGGS, FINAL, -1, 0, *momentum, np.sqrt(momentum @ momentum + 125.0**2), 125.0, 0, 0)
        throw_from(dice, event_stream(3, 0, event), SHOWER, 0)
        assert decay_higgs(row, partons, systems, tables, works, dice) >= 0
        *lists, filled = unpacked(partons, Partons)
        out.append(Partons(*(a[:filled[0]].copy() for a in lists), filled.copy()))
    return out


def test_momentum_colour_and_mass_shells_are_kept() -> None:
    """The daughters' momenta add up to the Higgs's, every tag stands once on each side, E^2 - p^2 = m^2."""
    for p in decayed(300):
        final = p.status == FINAL
        assert p.status[0] == REPLACED
        np.testing.assert_allclose(p.p4[final].sum(0), p.p4[0], atol=1e-9)
        colours, anticolours = p.colour[final, 0], p.colour[final, 1]
        assert sorted(colours[colours > 0]) == sorted(anticolours[anticolours > 0])
        shell = p.p4[:, 3] ** 2 - (p.p4[:, :3] ** 2).sum(1)
        np.testing.assert_allclose(shell, p.mass**2, atol=1e-6)
        assert p.from_higgs[1:].all()
        assert p.pdg_id[final][np.abs(p.pdg_id[final]) < 6].sum() == 0


PYTHIA = {"partons": (10.925, 4.720, 0.05), "x_b": (0.7522, 0.206, 0.02), "leading": (0.8501, 0.131, 0.02)}
"""Mean, spread and tolerance: PYTHIA 8.317.2, 6000 H -> b bbar at rest by `bench/compare_showers.py --only higgs``."""


@pytest.mark.slow
def test_decays_look_like_pythias() -> None:
    """Number of partons, energy shares of the b quarks and of the leading parton."""
    seen: dict[str, list[float]] = {name: [] for name in PYTHIA}
    for p in decayed(1500, np.zeros(3)):
        final = p.status == FINAL
        energy, ids = p.p4[final][:, 3], np.abs(p.pdg_id[final])
        seen["partons"].append(final.sum())
        seen["x_b"] += list(np.sort(energy[ids == 5])[::-1][:2] / 62.5)
        seen["leading"].append(energy.max() / 62.5)
    for name, (mean, spread, tolerance) in PYTHIA.items():
        values = np.array(seen[name])
        assert values.mean() == pytest.approx(mean, rel=tolerance, abs=3 * spread / len(values) ** 0.5), name
        assert values.std() == pytest.approx(spread, rel=0.1), name


EMISSIONS = (1.424, 0.3638, 0.0346)
"""First, second and further emissions off the two b quarks: PYTHIA 8.317.2, 15,000 H -> b bbar at rest, settings as above."""


def test_quarks_radiate_as_often_as_pythias() -> None:
    """Their matrix element corrects all emissions, and none has the quasi-collinear term of the mass besides."""
    counts, decays = np.zeros(3), 2500
    for p in decayed(decays, np.zeros(3)):
        order = np.zeros(len(p.status), int)
        for row in np.flatnonzero(np.abs(p.pdg_id) == 5):
            if p.pdg_id[p.mother[row]] == p.pdg_id[row]:
                order[row] = order[p.mother[row]] + 1
                counts[min(order[row], 3) - 1] += 1
    for mean, expected in zip(counts / decays, EMISSIONS, strict=True):
        assert mean == pytest.approx(expected, abs=4.0 * (expected / decays) ** 0.5 + 0.01 * expected)


PAIRS = 0.4758
"""Pairs of light quarks: PYTHIA 8.317.2, 25,000 H -> b bbar at rest, settings as above."""


def test_gluons_beside_heavy_quarks_split_as_often_as_pythias() -> None:
    """A massive recoiler leaves less room for g -> q qbar: without that there are 1.09 times as many."""
    decays, pairs = 6000, 0
    for p in decayed(decays, np.zeros(3)):
        light = np.flatnonzero((np.abs(p.pdg_id) < 4) & (p.pdg_id > 0))
        pairs += (p.pdg_id[p.mother[light]] == 21).sum()
    assert pairs / decays == pytest.approx(PAIRS, abs=3.0 * (PAIRS / decays) ** 0.5)

"""Decays as a whole: conservation laws, vertices, lifetimes, mixing, polarisation, averages known from Pythia."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from decay_guns import shoot
from scipy.stats import kstest

from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.core.species import charge3, is_charged
from pseudoexp.engines.builtin.decay_table import channels, decay_table
from pseudoexp.engines.builtin.decays import decay_all
from pseudoexp.engines.builtin.dice import new_dice
from pseudoexp.engines.builtin.hadron_table import hadron_table
from pseudoexp.engines.builtin.hadrons import DECAYED, STABLE, append_hadron, new_hadrons
from pseudoexp.engines.builtin.phase_space import new_products

TABLE = hadron_table()
LEFT_TO_THE_DETECTOR = {22, 11, 12, 13, 14, 16, 211, 310, 130, 321, 2212, 2112, 3122, 3222, 3112, 3322, 3312, 3334}


def numbers(code: int) -> tuple[int, int, int, int, int]:
    """Return charge, baryon number (both in thirds) and the three lepton numbers."""
    row = int(np.searchsorted(TABLE.pdg_id, abs(code)))
    sign = 1 if code > 0 else -1
    leptons = [sign if abs(code) in (f, f + 1) else 0 for f in (11, 13, 15)]
    return charge3(code), sign * int(TABLE.baryon[row]), *leptons


@pytest.mark.parametrize("code", sorted(channels()))
def test_everything_is_conserved(code):
    for sign in (1, -1):
        if sign < 0 and TABLE.own_antiparticle[np.searchsorted(TABLE.pdg_id, code)]:
            continue
        d = shoot(sign * code, 60, momentum=30.0)
        start = d.first[:-1]
        assert set(np.abs(d.pdg_id[d.stable])) <= LEFT_TO_THE_DETECTOR
        total = np.add.reduceat(d.p4 * d.stable[:, None], start, axis=0)
        assert np.abs(total - d.p4[start]).max() < 1e-9
        m2 = d.p4[:, 3] ** 2 - (d.p4[:, :3] ** 2).sum(axis=1)
        assert np.abs(m2 - d.mass ** 2).max() < 1e-9
        quantum = np.array([numbers(c) for c in d.pdg_id]) * d.stable[:, None]
        mother = np.array([numbers(c) for c in d.pdg_id[start]])
        assert np.array_equal(np.add.reduceat(quantum, start, axis=0), mother)


def test_mothers_stand_before_daughters_and_vertices_follow():
    d = shoot(511, 200, momentum=50.0)
    event = np.repeat(np.arange(200), np.diff(d.first))
    own = np.arange(len(d.pdg_id)) - d.first[event]
    daughters = own > 0
    assert np.all(d.mother[daughters] < own[daughters]) and np.all(d.mother[~daughters] == -1)
    mother = d.first[event[daughters]] + d.mother[daughters]
    assert not d.stable[mother].any()
    assert np.array_equal(d.vertex[daughters], d.decay_vertex[mother])
    flight = d.decay_vertex - d.vertex
    moved = ~d.stable & (flight[:, 3] > 0)
    beta = d.p4[moved, :3] / d.p4[moved, 3:]
    assert np.allclose(flight[moved, :3], beta * flight[moved, 3:], atol=1e-12)
    charm = np.isin(abs(d.pdg_id), [411, 421, 431])
    assert (flight[charm, 3] > 0).all()
    at_once = np.isin(abs(d.pdg_id), [113, 213, 223, 413, 423, 221])
    assert np.all(flight[at_once] == 0)


@pytest.mark.parametrize("code", [521, 411, 4122, 15, 5232, 111])
def test_lifetimes_are_exponential(code):
    d = shoot(code, 3000, momentum=20.0)
    start = d.first[:-1]
    proper = d.decay_vertex[start, 3] * d.mass[start] / d.p4[start, 3]
    assert kstest(proper, "expon", args=(0, TABLE.ctau[np.searchsorted(TABLE.pdg_id, code)])).pvalue > 1e-3


def test_neutral_b_mesons_oscillate():
    for code, x in ((511, 0.769), (531, 26.99)):
        d = shoot(code, 20_000)
        start = d.first[:-1]
        lived = d.decay_vertex[start, 3] / TABLE.ctau[np.searchsorted(TABLE.pdg_id, code)]
        mixed = d.pdg_id[start] == -code
        assert mixed.mean() == pytest.approx(0.5 * x * x / (1 + x * x), abs=0.012)
        expected = np.sin(0.5 * x * lived) ** 2
        spread = np.sqrt((expected * (1 - expected)).sum())
        assert abs((mixed - expected).sum()) < 4 * spread
        wave = np.cos(x * lived)
        assert abs(((1.0 - 2.0 * mixed) * wave).mean() / (wave ** 2).mean() - 1) < 0.05
        # what it decays as: the sign of a prompt lepton follows the number listed
        event = np.repeat(np.arange(20_000), np.diff(d.first))
        lepton = np.isin(abs(d.pdg_id), [11, 13]) & (d.mother == 0)
        assert lepton.sum() > 1000
        assert np.all(np.sign(d.pdg_id[lepton]) == -np.sign(d.pdg_id[start][event[lepton]]))


def test_neutral_kaons_are_short_or_long():
    d = shoot(-311, 2000)
    assert len(d.pdg_id) == 2000 and d.stable.all()
    assert abs((d.pdg_id == 310).mean() - 0.5) < 0.05 and set(d.pdg_id) == {310, 130}


@pytest.mark.parametrize(("sibling", "expected"), [(211, 0.6), (22, 0.2), (223, 1.0 / 3.0)])
def test_vectors_are_polarised(sibling, expected):
    """cos^2 with a pseudoscalar beside it, sin^2 with a photon, flat beside a vector."""
    momentum, masses = 1.9, (0.7755, {211: 0.13957, 22: 0.0, 223: 0.7827}[sibling])
    energy = [np.hypot(momentum, m) for m in masses]
    mass, dice, products = sum(energy), new_dice(), new_products()
    cosines = []
    for event in range(3000):
        h = new_hadrons(60)
        append_hadron(h, 521, -1, False, 0.0, 0.0, 0.0, mass, mass)
        h.status[0] = DECAYED
        append_hadron(h, sibling, 0, False, 0.0, 0.0, -momentum, energy[1], masses[1])
        h.status[1] = STABLE if sibling != 223 else DECAYED
        append_hadron(h, 213, 0, False, 0.0, 0.0, momentum, energy[0], masses[0])
        decay_all(h, TABLE, decay_table(), products, event_stream(3, SIGNAL, event), dice)
        if h.pdg_id[3] != 211 or h.pdg_id[4] != 111:
            continue
        gamma, flight = energy[0] / masses[0], momentum / masses[0]
        pz = gamma * h.p4[3, 2] - flight * h.p4[3, 3]
        cosines.append(pz / np.sqrt(pz ** 2 + h.p4[3, 0] ** 2 + h.p4[3, 1] ** 2))
    assert (np.square(cosines)).mean() == pytest.approx(expected, abs=0.02)


def test_a_full_list_is_reported():
    hadrons = new_hadrons(4)
    append_hadron(hadrons, 521, -1, False, 0.0, 0.0, 0.0, 5.27941, 5.27941)
    assert decay_all(hadrons, TABLE, decay_table(), new_products(), event_stream(1, SIGNAL, 0), new_dice()) == -1


def test_daughters_descend_from_the_higgs_boson_if_their_mother_does():
    hadrons = new_hadrons(200)
    append_hadron(hadrons, 521, -1, True, 0.0, 0.0, 0.0, 5.27941, 5.27941)
    append_hadron(hadrons, 213, -1, False, 0.0, 0.0, 0.0, 0.7755, 0.7755)
    n = decay_all(hadrons, TABLE, decay_table(), new_products(), event_stream(1, SIGNAL, 0), new_dice())
    mother = hadrons.mother[:n]
    assert hadrons.from_higgs[:n][mother == 0].all() and not hadrons.from_higgs[:n][mother == 1].any()


# Pythia 8.317 (default tables), one hadron at rest, ProcessLevel:all = off, limitTau0 = on, tau0Max = 10 mm, 20,000 decays each
# (bench/decay_guns.py): charged particles (mean, std), K+-, K0S + K0L, pi0, photons, e + mu, mean p of pi+- and of K+-
PYTHIA = {
    521: (4.731, 1.919, 0.871, 0.725, 2.313, 5.071, 0.484, 0.486, 0.653),
    511: (4.887, 2.015, 0.786, 0.845, 2.116, 4.549, 0.543, 0.452, 0.627),
    531: (4.660, 2.052, 0.820, 0.762, 2.236, 5.436, 0.462, 0.476, 0.599),
    5122: (4.961, 2.061, 0.453, 0.460, 2.058, 4.527, 0.339, 0.457, 0.550),
    421: (2.219, 0.989, 0.601, 0.410, 0.976, 2.007, 0.158, 0.385, 0.490),
    411: (1.956, 1.071, 0.394, 0.688, 0.575, 1.186, 0.347, 0.410, 0.450),
    431: (2.097, 1.160, 0.453, 0.389, 1.121, 2.628, 0.199, 0.393, 0.429),
    4122: (2.208, 1.125, 0.154, 0.174, 0.841, 1.902, 0.109, 0.298, 0.391),
}


@pytest.mark.parametrize("code", sorted(PYTHIA))
def test_averages_are_those_of_pythia(code):
    n = 6000
    d = shoot(code, n)
    event = np.repeat(np.arange(n), np.diff(d.first))
    charged = d.stable & np.array([is_charged(c) for c in d.pdg_id])
    per_decay = np.bincount(event[charged], minlength=n)
    a = np.abs(d.pdg_id)
    p = np.sqrt((d.p4[:, :3] ** 2).sum(axis=1))
    found = (per_decay.mean(), per_decay.std(), (a == 321).sum() / n, np.isin(a, [310, 130]).sum() / n, (a == 111).sum() / n,
             ((a == 22) & d.stable).sum() / n, np.isin(a, [11, 13]).sum() / n, p[d.stable & (a == 211)].mean(),
             p[d.stable & (a == 321)].mean())
    wanted = PYTHIA[code]
    margin = (0.02, 0.035, 0.06, 0.09, 0.04, 0.04, 0.06, 0.03, 0.08)
    count_error = 3 * np.array([1.0, 0.8, 1.0, 1.0, 1.1, 2.0, 1.0, 0.0, 0.0]) * np.sqrt(np.maximum(wanted, 0.1)) / np.sqrt(n)
    assert np.all(np.abs(np.array(found) - wanted) < np.array(margin) * wanted + count_error), (found, wanted)


def test_plain_python_gives_the_same():
    program = ("from decay_guns import shoot; d = shoot(521, 4, 10.0); "
               "print(d.pdg_id.tolist(), [x.hex() for x in d.p4.ravel().tolist()])")
    root = Path(__file__).parents[4]
    folders = [str(root), str(root / "bench"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(folders)}
    plain = subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True,
                           check=True).stdout
    d = shoot(521, 4, 10.0)
    assert plain.strip() == f"{d.pdg_id.tolist()} {[x.hex() for x in d.p4.ravel().tolist()]}"

"""Particle properties against the Review of Particle Physics and against Pythia's own particle table."""

import os
import subprocess
import sys

import numpy as np
import pytest

from pseudoexp.core import species
from pseudoexp.core.jit import kernel


@kernel
def fill(pdg_id, charge3, flavour, mass, hadron):
    for i in range(pdg_id.size):
        charge3[i] = species.charge3(pdg_id[i])
        flavour[i] = species.heavy_flavour(pdg_id[i])
        mass[i] = species.mass(pdg_id[i])
        hadron[i] = species.is_hadron(pdg_id[i])


def properties(pdg_id):
    ids = np.asarray(pdg_id, np.int32)
    charge3, flavour = np.zeros(ids.size, np.int64), np.zeros(ids.size, np.int64)
    mass, hadron = np.zeros(ids.size), np.zeros(ids.size, np.bool_)
    fill(ids, charge3, flavour, mass, hadron)
    return charge3, flavour, mass, hadron


CHARGES = {1: -1, 2: 2, 5: -1, 6: 2, 11: -3, 13: -3, 15: -3, 12: 0, 16: 0, 21: 0, 22: 0, 23: 0, 24: 3, 25: 0,
           111: 0, 211: 3, 321: 3, 311: 0, 130: 0, 310: 0, 411: 3, 421: 0, 431: 3, 511: 0, 521: 3, 531: 0, 541: 3,
           2212: 3, 2112: 0, 3122: 0, 3222: 3, 3112: -3, 3322: 0, 3312: -3, 3334: -3, 2224: 6, 1114: -3, 4122: 3,
           4232: 3, 4132: 0, 5122: 0, 5132: -3, 5232: 0, 5332: -3, 2101: 1, 2203: 4, 1103: -2, 443: 0, 10211: 3,
           9000211: 3, 20523: 3, 990: 0, 9900012: 0, 1000010020: 0}


def test_charges_of_known_particles_and_antiparticles():
    ids = np.array(list(CHARGES))
    expected = np.array(list(CHARGES.values()))
    assert properties(ids)[0].tolist() == expected.tolist()
    assert properties(-ids)[0].tolist() == (-expected).tolist()
    assert species.charge(-211) == -1.0 and species.charge(2) == 2 / 3


FLAVOURS = {511: 5, 521: 5, 513: 5, 531: 5, 541: 5, 5122: 5, 5332: 5, 10521: 5, 20513: 5, 411: 4, 421: 4, 413: 4,
            431: 4, 4122: 4, 4332: 4, 4412: 4, 10423: 4, 15: 15, 443: 0, 441: 0, 20443: 0, 553: 0, 100553: 0, 5: 0,
            4: 0, 211: 0, 321: 0, 2212: 0, 3334: 0, 13: 0, 22: 0, 5101: 0, 4203: 0, 1000522: 0, 9900410: 0, 130: 0}


def test_open_beauty_and_charm_without_onia_quarks_and_diquarks():
    ids = np.array(list(FLAVOURS))
    assert properties(ids)[1].tolist() == list(FLAVOURS.values())
    assert properties(-ids)[1].tolist() == list(FLAVOURS.values())
    assert species.is_b_hadron(-541) and not species.is_c_hadron(-541)
    assert species.is_c_hadron(4122) and not species.is_b_hadron(4122)


def test_leptons_and_neutrinos():
    assert [i for i in range(-30, 31) if species.is_neutrino(i)] == [-16, -14, -12, 12, 14, 16]
    assert [i for i in range(31) if species.is_lepton(i)] == [11, 12, 13, 14, 15, 16]
    assert species.is_charged(-13) and not species.is_charged(14)
    assert species.is_baryon(-3122) and not species.is_baryon(310)


def test_agrees_with_the_particle_table_of_pythia():
    module = pytest.importorskip("pythia8mc")
    table = module.Pythia("", False).particleData
    ids, i = [1], 1
    while (i := table.nextId(i)) > 0:
        ids.append(i)
    ids = [i for i in ids if table.isHadron(i) or table.isLepton(i) or table.isDiquark(i) or 0 < i <= 6]
    ids = [i for i in ids if i not in (17, 18)]
    assert len(ids) > 300
    charge3, _, mass, hadron = properties(ids)
    assert charge3.tolist() == [table.chargeType(i) for i in ids]
    assert hadron.tolist() == [table.isHadron(i) for i in ids]
    known = mass > 0
    assert known.sum() >= 15
    np.testing.assert_allclose(mass[known], np.array([table.m0(i) for i in ids])[known], rtol=3e-5)


def test_every_long_lived_particle_has_a_mass():
    assert (properties([211, 321, 2212, 2112, 11, 13, 130, 310, 3122, 3112, 3222, 3312, 3322, 3334])[2] > 0).all()
    assert (properties([22, 12, 14, 16])[2] == 0).all()


def test_plain_python_gives_the_same():
    code = ("from pseudoexp.core import species as s;"
            f"print([s.charge3(i) for i in {list(CHARGES)}] == {list(CHARGES.values())},"
            f"[s.heavy_flavour(i) for i in {list(FLAVOURS)}] == {list(FLAVOURS.values())})")
    out = subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, text=True,
                         capture_output=True, check=True)
    assert out.stdout.split() == ["True", "True"]

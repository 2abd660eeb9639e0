"""Pythia8 events: a function of (seed, process, first event), and a record that says what happened."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from pseudoexp.core import species
from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.engines import engine
from pseudoexp.engines.pythia8 import generate_chunk
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError

SETTINGS = EngineSettings()
N = 60

_FRESH = """
from pseudoexp.engines.pythia8 import generate_chunk
from pseudoexp.engines.settings import EngineSettings
import hashlib, numpy as np
for process, first in {jobs}:
    batch = generate_chunk(process, 1, first, {n}, EngineSettings())
    print(hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in batch)).hexdigest())
"""


def digest(batch):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in batch)).hexdigest()


def starts_with(long, short):
    """Return whether batch `short` holds the first events of `long`."""
    return all((getattr(long, name)[:len(getattr(short, name))] == getattr(short, name)).all()
               for name in EventBatch._fields)


@pytest.fixture(scope="module")
def signal():
    return generate_chunk(SIGNAL, 1, 0, N, SETTINGS)


@pytest.fixture(scope="module")
def qcd():
    return generate_chunk(QCD, 1, 250, N, SETTINGS)


def of_heavy(batch):
    return np.repeat(np.arange(batch.weight.size), np.diff(batch.heavy_offsets))


def of_particles(batch):
    return np.repeat(np.arange(batch.weight.size), np.diff(batch.offsets))


def test_chunks_are_the_same_after_others_and_in_a_fresh_process(signal, qcd):
    generate_chunk(MINIMUM_BIAS, 1, 0, 20, SETTINGS)
    again = [digest(generate_chunk(process, 1, first, N, SETTINGS)) for process, first in ((QCD, 250), (SIGNAL, 0))]
    code = _FRESH.format(jobs=[(QCD, 250), (SIGNAL, 0)], n=N)
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert again == [digest(qcd), digest(signal)] == fresh.stdout.split()
    assert fresh.stderr == ""


def test_a_short_chunk_is_a_prefix(signal, qcd):
    assert starts_with(signal, generate_chunk(SIGNAL, 1, 0, 1, SETTINGS))
    assert starts_with(qcd, generate_chunk(QCD, 1, 250, 23, SETTINGS))
    assert starts_with(generate_chunk(QCD, 1, 250, N + 5, SETTINGS), qcd)


def test_seed_process_chunk_and_calibration_give_other_events(qcd):
    others = [generate_chunk(process, seed, first, 3, SETTINGS).higgs if process == SIGNAL else
              generate_chunk(process, seed, first, 3, SETTINGS).partons
              for process, seed, first in ((QCD, 2, 250), (QCD, 1, 500), (QCD + CALIBRATION, 1, 250))]
    for other in others:
        assert not np.isin(other[:, :, 0], qcd.partons[:, :, 0]).any()


def test_event_numbers_and_layout(qcd):
    assert qcd.event_number.tolist() == list(range(250, 250 + N))
    assert qcd.offsets[0] == 0 and qcd.offsets[-1] == len(qcd.p4) == len(qcd.vertex) == len(qcd.pdg_id)
    assert qcd.heavy_offsets[-1] == len(qcd.heavy_p4) == len(qcd.heavy_vertex)
    for name in ("p4", "vertex", "heavy_p4", "heavy_vertex", "higgs", "partons", "weight", "pthat"):
        assert getattr(qcd, name).dtype == np.float64 and getattr(qcd, name).flags.c_contiguous
    for name in ("pdg_id", "heavy", "heavy_pdg_id", "heavy_parent"):
        assert getattr(qcd, name).dtype == np.int32
    assert qcd.offsets.dtype == qcd.heavy_offsets.dtype == qcd.event_number.dtype == np.int64


@pytest.mark.parametrize("name", ["signal", "qcd"])
def test_final_particles_carry_all_momentum_and_charge(name, request):
    batch = request.getfixturevalue(name)
    total = np.add.reduceat(batch.p4, batch.offsets[:-1])
    assert np.abs(total - [0, 0, 0, 14000]).max() < 0.1
    charge = np.array([species.charge3(int(i)) for i in batch.pdg_id])
    assert (np.add.reduceat(charge, batch.offsets[:-1]) == 6).all()
    mass = np.array([species.mass(int(i)) for i in batch.pdg_id])
    m2 = batch.p4[:, 3] ** 2 - (batch.p4[:, :3] ** 2).sum(axis=1)
    assert np.abs(m2 - mass**2).max() < 1e-2
    allowed = {11, 12, 13, 14, 16, 22, 130, 211, 310, 321, 2112, 2212, 3112, 3122, 3222, 3312, 3322, 3334}
    assert set(np.abs(batch.pdg_id).tolist()) <= allowed


def test_signal_has_a_higgs_two_b_hadrons_of_it_and_hard_partons(signal):
    mass = np.sqrt(signal.higgs[:, 3] ** 2 - (signal.higgs[:, :3] ** 2).sum(axis=1))
    np.testing.assert_allclose(mass, 125, atol=0.2)
    beauty = np.array([species.is_b_hadron(int(i)) for i in signal.heavy_pdg_id])
    count = np.bincount(of_heavy(signal)[beauty & signal.heavy_from_higgs], minlength=N)
    assert (count >= 2).all() and (count == 2).mean() > 0.9
    assert np.sort(np.abs(signal.partons[:, :, 4]), axis=1).tolist() == [[5, 25]] * N
    pt = np.hypot(signal.partons[:, :, 0], signal.partons[:, :, 1])
    np.testing.assert_allclose(pt, signal.pthat[:, None] * [1, 1], rtol=1e-6)
    assert (signal.pthat > 150).all()


def test_qcd_has_no_higgs(qcd):
    assert not qcd.higgs.any() and not qcd.heavy_from_higgs.any()
    assert set(np.abs(qcd.partons[:, :, 4]).ravel().astype(int).tolist()) <= {1, 2, 3, 4, 5, 21}


def test_weights_undo_the_bias(signal):
    weighted = signal.weight * (signal.pthat / 250) ** 4
    np.testing.assert_allclose(weighted, weighted[0], rtol=1e-9)
    flat = generate_chunk(SIGNAL, 1, 0, 5, EngineSettings(150, 0)).weight
    np.testing.assert_allclose(flat, 1.426e-3, rtol=0.01)


@pytest.mark.parametrize("name", ["signal", "qcd"])
def test_heavy_ancestors(name, request):
    batch = request.getfixturevalue(name)
    flavour = np.array([species.heavy_flavour(int(i)) for i in batch.heavy_pdg_id])
    assert set(flavour.tolist()) <= {4, 5, 15}
    assert not set(np.abs(batch.heavy_pdg_id).tolist()) & {513, 523, 533, 413, 423, 433, 4112, 4222}
    parent = np.where(batch.heavy_parent >= 0, batch.heavy_parent + batch.heavy_offsets[:-1][of_heavy(batch)], -1)
    child = np.flatnonzero(parent >= 0)
    assert (parent[child] < child).all()
    assert (flavour[parent[child]] != 15).all() and (flavour[child] != 5).all()
    assert (batch.heavy_from_higgs[child] == batch.heavy_from_higgs[parent[child]]).all()
    assert batch.heavy.min() >= -1
    assert (batch.heavy < np.diff(batch.heavy_offsets)[of_particles(batch)]).all()


def test_daughters_of_a_heavy_hadron_start_at_its_decay_and_carry_its_momentum(signal):
    row = np.where(signal.heavy >= 0, signal.heavy + signal.heavy_offsets[:-1][of_particles(signal)], -1)
    parent = np.where(signal.heavy_parent >= 0, signal.heavy_parent + signal.heavy_offsets[:-1][of_heavy(signal)], -1)
    charged = np.array([species.is_charged(int(i)) for i in signal.pdg_id])
    own = (row >= 0) & charged
    distance = np.abs(signal.vertex[own] - signal.heavy_vertex[row[own]]).max(axis=1)
    assert (distance < 1e-5).mean() > 0.95  # the rest are electrons of pi0 decays
    assert distance.max() < 0.1
    for heavy in range(len(signal.heavy_p4)):
        daughters = np.concatenate([signal.p4[row == heavy], signal.heavy_p4[parent == heavy]])
        np.testing.assert_allclose(daughters.sum(axis=0), signal.heavy_p4[heavy], atol=5e-3)


def test_decay_length_follows_the_momentum(signal):
    top = (signal.heavy_parent < 0) & (np.abs(signal.heavy_pdg_id) > 500)
    flight, p4 = signal.heavy_vertex[top], signal.heavy_p4[top]
    off_axis = np.abs(flight[:, :3] - p4[:, :3] / p4[:, 3:] * flight[:, 3:]).max(axis=1)
    assert (off_axis < 1e-9).mean() > 0.98  # the rest come from a B_c, itself not listed
    mass = np.sqrt(p4[:, 3] ** 2 - (p4[:, :3] ** 2).sum(axis=1))
    assert 0.40 < (flight[:, 3] * mass / p4[:, 3]).mean() < 0.50  # mm; c tau of the mixture is 0.45


def test_minimum_bias_has_no_hard_process():
    batch = generate_chunk(MINIMUM_BIAS, 1, 0, 40, SETTINGS)
    assert (batch.weight == 1).all() and not batch.pthat.any() and not batch.partons.any() and not batch.higgs.any()
    total = np.add.reduceat(batch.p4, batch.offsets[:-1])
    assert np.abs(total - [0, 0, 0, 14000]).max() < 0.1
    assert 80 < np.diff(batch.offsets).mean() < 350


def test_another_tune_starts_from_the_same_hard_process(monkeypatch, tmp_path, qcd):
    from pseudoexp.engines import normalisation as module
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "EVENTS", 500)
    monkeypatch.setattr(module.measure, "__defaults__", (500,))
    tuned = generate_chunk(QCD, 1, 250, 1, EngineSettings(tune=("StringZ:aLund = 0.5",)))
    np.testing.assert_array_equal(tuned.partons[0], qcd.partons[0])
    assert len(tuned.p4) != qcd.offsets[1]


@pytest.mark.parametrize(("process", "seed", "first", "n"), [
    (3, 1, 0, 1), (-1, 1, 0, 1), (0, -1, 0, 1), (0, 2**63, 0, 1), (0, 1, -1, 1), (0, 1, 2**48, 1), (0, 1, 0, 0)])
def test_wrong_arguments(process, seed, first, n):
    with pytest.raises(ConfigError):
        generate_chunk(process, seed, first, n, SETTINGS)


def test_engines_by_name():
    assert engine("pythia8").generate_chunk is generate_chunk
    with pytest.raises(ConfigError, match="'herwig'"):
        engine("herwig")


def test_nothing_is_printed(capfd):
    generate_chunk(SIGNAL, 3, 0, 2, EngineSettings(150, 0))
    assert capfd.readouterr() == ("", "")

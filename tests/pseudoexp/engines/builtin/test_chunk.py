"""Whole events of the built-in engine: conserved quantities, repeatability, ancestry, cross-section."""

import os
import subprocess
import sys

import numpy as np
import pytest

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.core.species import charge3, heavy_flavour
from pseudoexp.engines.builtin import chunk
from pseudoexp.engines.builtin.chunk import generate_chunk
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError

EVENTS = 300


@pytest.fixture(scope="module", params=[SIGNAL, QCD], ids=["signal", "qcd"])
def batch(request):
    return generate_chunk(request.param, 1, 0, EVENTS, EngineSettings())


def events(batch):
    """Return the slices of particles of all events."""
    return [slice(a, b) for a, b in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)]


def test_momentum(batch):
    for particles in events(batch):
        assert np.allclose(batch.p4[particles].sum(axis=0), [0.0, 0.0, 0.0, 14_000.0], rtol=0.0, atol=1e-4)


def test_charge_and_baryon_number(batch):
    for particles in events(batch):
        ids = batch.pdg_id[particles]
        assert sum(charge3(int(i)) for i in ids) == 6
        assert sum(np.sign(i) for i in ids if 1000 < abs(i) < 10_000) == 2


def test_mass_shell(batch):
    m2 = batch.p4[:, 3] ** 2 - (batch.p4[:, :3] ** 2).sum(axis=1)
    assert (m2 > -1e-6 * batch.p4[:, 3] ** 2).all()


def test_higgs_has_two_b_hadrons(batch):
    if not batch.higgs.any():
        assert not batch.heavy_from_higgs.any()
        return
    mass = np.sqrt(batch.higgs[:, 3] ** 2 - (batch.higgs[:, :3] ** 2).sum(axis=1))
    assert np.allclose(mass, 125.0, atol=1e-3)
    beauty = np.array([heavy_flavour(int(i)) == 5 for i in batch.heavy_pdg_id])
    of_higgs = np.add.reduceat(beauty & batch.heavy_from_higgs, batch.heavy_offsets[:-1])
    assert (of_higgs >= 2).mean() > 0.98
    assert of_higgs.min() >= 1


def test_vertices_follow_the_heavy(batch):
    """A particle with a heavy ancestor begins where that one, or something behind it, decayed."""
    for i, particles in enumerate(events(batch)[:50]):
        heavy, vertex = batch.heavy[particles], batch.vertex[particles]
        decay = batch.heavy_vertex[batch.heavy_offsets[i]:batch.heavy_offsets[i + 1]]
        with_heavy = heavy >= 0
        assert (vertex[with_heavy, 3] >= decay[heavy[with_heavy], 3] - 1e-9).all()


def test_event_is_a_function_of_its_number():
    whole = generate_chunk(SIGNAL, 1, 0, 12, EngineSettings())
    part = generate_chunk(SIGNAL, 1, 7, 3, EngineSettings())
    a, b = whole.offsets[7], whole.offsets[10]
    assert (whole.p4[a:b] == part.p4).all()
    assert (whole.weight[7:10] == part.weight).all()
    assert part.event_number.tolist() == [7, 8, 9]


def test_seed_and_namespace_make_other_events():
    one = generate_chunk(QCD, 1, 0, 2, EngineSettings())
    for other in (generate_chunk(QCD, 2, 0, 2, EngineSettings()), generate_chunk(QCD + CALIBRATION, 1, 0, 2, EngineSettings())):
        assert one.pthat[0] != other.pthat[0]


def test_what_it_does_not_make():
    with pytest.raises(ConfigError, match="builtin"):
        generate_chunk(MINIMUM_BIAS, 1, 0, 2, EngineSettings())
    with pytest.raises(ConfigError, match="builtin"):
        generate_chunk(QCD, 1, 0, 2, EngineSettings(tune=("Tune:pp = 21",)))


def test_plain_python_makes_the_same_event():
    program = ("from pseudoexp.engines.builtin.chunk import generate_chunk\n"
               "from pseudoexp.engines.settings import EngineSettings\n"
               "print(generate_chunk(1, 1, 4, 1, EngineSettings()).p4.tobytes().hex())")
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, check=True,
                          capture_output=True, text=True)
    assert done.stdout.strip() == generate_chunk(QCD, 1, 4, 1, EngineSettings()).p4.tobytes().hex()


def test_a_soft_parton_beside_a_very_hard_one():
    """A region between momenta a million times apart has nothing but rounding in it (once NaN, in 1 of 4,000 events)."""
    batch = generate_chunk(SIGNAL, 11, 3872, 1, EngineSettings())
    assert np.isfinite(batch.p4).all()


def test_a_batch_that_is_too_short_grows_and_nothing_is_compiled_for_it(monkeypatch):
    whole = generate_chunk(SIGNAL, 1, 0, 5, EngineSettings())
    monkeypatch.setattr(chunk, "_PARTICLES", 100)
    monkeypatch.setattr(chunk, "_workspace", lambda size, varied, first=chunk._workspace: first({1: 1}[size], varied))
    grown = generate_chunk(SIGNAL, 1, 0, 5, EngineSettings())
    assert all(np.array_equal(a, b) for a, b in zip(whole, grown, strict=True))

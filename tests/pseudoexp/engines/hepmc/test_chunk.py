"""Records written and read again: the same to the last bit, any run of events alone, plain or compressed."""

import bz2
import gzip
import lzma

import numpy as np
import pytest

pytest.importorskip("pyhepmc")

from toy_hepmc import toy_batch, write

from pseudoexp.core.processes import MINIMUM_BIAS
from pseudoexp.core.record import EventBatch
from pseudoexp.engines.batches import join
from pseudoexp.engines.hepmc.chunk import generate_chunk
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError, DataError


def read(path, process=0, first=0, n=1):
    return generate_chunk(process, 1, first, n, EngineSettings(hepmc_signal=str(path), hepmc_qcd=str(path)))


def same(a, b):
    for name in EventBatch._fields:
        x, y = getattr(a, name), getattr(b, name)
        assert x.shape == y.shape and x.dtype == y.dtype and (x == y).all(), name


@pytest.mark.parametrize("signal", [True, False])
def test_round_trip(tmp_path, signal):
    batch = toy_batch(6, signal)
    same(read(write(tmp_path / "a.hepmc3", batch), 0 if signal else 1, 0, 6), batch)


def test_any_run_of_events(tmp_path):
    batches = [toy_batch(3, first=0), toy_batch(4, first=3)]
    path, whole = write(tmp_path / "a.hepmc3", *batches), join(batches)
    for first, n in ((5, 2), (0, 1), (2, 3)):
        got = read(path, 0, first, n)
        assert got.event_number.tolist() == list(range(first, first + n)) and (got.weight == whole.weight[first:first + n]).all()
        assert (got.p4 == whole.p4[whole.offsets[first]:whole.offsets[first + n]]).all()


@pytest.mark.parametrize("packed", [gzip, bz2, lzma])
def test_compressed(tmp_path, packed):
    batch = toy_batch(6)
    plain = write(tmp_path / "a.hepmc3", batch)
    (tmp_path / "b.dat").write_bytes(packed.compress(plain.read_bytes()))
    same(read(tmp_path / "b.dat", 0, 3, 3), read(plain, 0, 3, 3))
    same(read(tmp_path / "b.dat", 0, 0, 6), batch)


def test_too_few_events(tmp_path):
    path = write(tmp_path / "a.hepmc3", toy_batch(6))
    with pytest.raises(DataError, match="holds 6 events; events 4 to 7 were needed"):
        read(path, 0, 4, 4)


def test_processes():
    with pytest.raises(ConfigError, match="hepmc_signal is missing"):
        generate_chunk(0, 1, 0, 1, EngineSettings(hepmc_qcd="a"))
    with pytest.raises(ConfigError, match="process 2; allowed"):
        generate_chunk(MINIMUM_BIAS, 1, 0, 1, EngineSettings())


def test_real_pythia_graphs(tmp_path):
    """Full histories of Pythia8 as HepMC: the record is that of the engine that reads Pythia itself."""
    pytest.importorskip("pythia8mc")
    from pythia_as_hepmc import as_hepmc_and_records

    for process in (0, 1):
        expected = as_hepmc_and_records(process, 12, tmp_path / f"{process}.hepmc3")
        got = read(tmp_path / f"{process}.hepmc3", process, 0, 12)
        assert (np.diff(got.offsets) == np.diff(expected.offsets)).all()
        for i in range(12):
            _compare(got, expected, i)


def _compare(got, expected, i):
    """The order of an event's particles is the file's own."""
    a, b = (slice(x.offsets[i], x.offsets[i + 1]) for x in (got, expected))
    c, d = (slice(x.heavy_offsets[i], x.heavy_offsets[i + 1]) for x in (got, expected))
    k, m = np.lexsort(got.p4[a].T), np.lexsort(expected.p4[b].T)
    r, s = np.lexsort(got.heavy_p4[c].T), np.lexsort(expected.heavy_p4[d].T)
    for name in ("p4", "vertex", "pdg_id"):
        assert getattr(got, name)[a][k] == pytest.approx(getattr(expected, name)[b][m], rel=1e-12, abs=1e-12), name
    for name in ("heavy_p4", "heavy_vertex", "heavy_pdg_id", "heavy_from_higgs"):
        assert getattr(got, name)[c][r] == pytest.approx(getattr(expected, name)[d][s], rel=1e-12, abs=1e-12), name
    assert (_ancestor(got, a, c)[k] == _ancestor(expected, b, d)[m]).all()
    assert got.higgs[i] == pytest.approx(expected.higgs[i], rel=1e-12) and got.pthat[i] == pytest.approx(expected.pthat[i])


def _ancestor(batch, particles, heavies):
    """Return the number of each particle's nearest heavy ancestor, 0 without."""
    return np.append(batch.heavy_pdg_id[heavies], 0)[batch.heavy[particles]]

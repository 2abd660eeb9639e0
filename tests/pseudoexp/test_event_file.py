"""Events as a file: the engine's own, whole or not there, and the rows of `generate` come out of it again."""

import numpy as np
import pytest

pytest.importorskip("pyhepmc")

import h5py
from in_process import InProcess
from toy_hepmc import toy_batch

import pseudoexp
from pseudoexp import event_file
from pseudoexp.engines.hepmc.index import scan
from pseudoexp.errors import ConfigError, DataError, GenerationError, MissingExtra
from pseudoexp.production import run


class Toy:
    """An engine whose event 300 cannot be made if `breaks`."""

    breaks = False

    def generate_chunk(self, process, seed, first, n, settings):
        if self.breaks and first + n > 300:
            raise GenerationError("event 300")
        return toy_batch(n, process == 0, first)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(event_file, "engine_of", lambda name: Toy())
    return Toy


def make(path, n=260, **options):
    return pseudoexp.events("signal", n, path, engine="builtin", seed=5, **options)


def test_summary_and_options(tmp_path, toy):
    told = []
    made = make(tmp_path / "a.hepmc3", "0.26k", progress=lambda *what: told.append(what))
    found = scan(tmp_path / "a.hepmc3")
    assert found.events == made.events == 260 and made.bytes == (tmp_path / "a.hepmc3").stat().st_size
    assert made.cross_section == pytest.approx(found.weights.mean()) and made.error > 0.0
    assert found.options["seed"] == 5 and found.options["pthat_min"] == 150.0 and found.options["engine"] == "builtin"
    assert ("writing", 250, 260) in told and ("writing", 260, 260) in told


def test_one_writer_at_a_time_behind_a_link_too(tmp_path, toy):
    link, place = tmp_path / "link.hepmc3", tmp_path / "a.hepmc3"
    link.symlink_to(place)

    def second(stage, done, total):
        if done < total:
            with pytest.raises(ConfigError, match="another process is writing it"):
                make(place)

    make(link, progress=second)
    assert link.is_symlink() and sorted(path.name for path in tmp_path.iterdir()) == ["a.hepmc3", "link.hepmc3"]


def test_weights_for_other_parameters(tmp_path):
    import pyhepmc

    from pseudoexp.engines.builtin.chunk import generate_varied
    from pseudoexp.engines.settings import EngineSettings

    pseudoexp.events("qcd", 3, tmp_path / "a.hepmc3", engine="builtin", variations=True)
    batch, ratios = generate_varied(1, 1, 0, 3, EngineSettings())
    with pyhepmc.open(tmp_path / "a.hepmc3") as file:
        events = list(file)
    assert events[0].weight_names[:2] == ["Default", "isr_muR_0.5"] and len(events[0].weight_names) == 1 + ratios.shape[1]
    for i, event in enumerate(events):
        assert event.weights == [batch.weight[i], *(batch.weight[i] * ratios[i])]
    found = scan(tmp_path / "a.hepmc3")
    assert (found.weights == batch.weight).all() and found.scale == 1.0
    with pytest.raises(ConfigError, match="allowed: engine 'builtin'"):
        pseudoexp.events("qcd", 3, tmp_path / "b.hepmc3", engine="pythia8", variations=True)


def test_compressed_and_repeatable(tmp_path, toy):
    for name in ("a.hepmc3", "b.hepmc3.gz", "c.hepmc3.gz"):
        make(tmp_path / name)
    assert scan(tmp_path / "a.hepmc3").sha256 == scan(tmp_path / "b.hepmc3.gz").sha256
    assert (tmp_path / "b.hepmc3.gz").read_bytes() == (tmp_path / "c.hepmc3.gz").read_bytes()
    assert (tmp_path / "b.hepmc3.gz").stat().st_size < 0.6 * (tmp_path / "a.hepmc3").stat().st_size


def test_whole_or_not_there(tmp_path, toy, monkeypatch):
    path = tmp_path / "a.hepmc3"
    path.write_text("thesis")
    with pytest.raises(ConfigError, match="--force replaces it"):
        make(path)
    monkeypatch.setattr(Toy, "breaks", True)
    with pytest.raises(GenerationError):
        make(path, 600, force=True)
    assert path.read_text() == "thesis" and len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(Toy, "breaks", False)
    make(path, force=True)
    assert scan(path).events == 260


def test_without_pyhepmc(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyhepmc", None)
    with pytest.raises(MissingExtra, match=r"pip install 'pseudoexp\[hepmc\]'"):
        make(tmp_path / "a")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    for process, n in (("signal", 260), ("qcd", 250)):
        pseudoexp.events(process, n, folder / f"{process}.hepmc3", engine="builtin")
    return {f"hepmc_{process}": folder / f"{process}.hepmc3" for process in ("signal", "qcd")}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(run, "start_workers", InProcess)


def test_rows_out_of_the_file_are_those_of_the_engine(tmp_path, files, quick):
    """Momenta and positions have all their digits in the file, so the rows agree to the last bit."""
    direct = pseudoexp.generate(160, tmp_path / "a.h5", engine="builtin", tracks=3)
    read = pseudoexp.generate(160, tmp_path / "b.h5", engine="hepmc", tracks=3, **files)
    assert direct.dataset_hash == read.dataset_hash and direct.events_tried == read.events_tried
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert a["jets"][:].tobytes() == b["jets"][:].tobytes()
        assert a["jets"].attrs["configuration_hash"] != b["jets"].attrs["configuration_hash"]


def test_file_with_too_few_events(tmp_path, files, quick):
    """Chunks that were made are kept; a smaller n finishes with them."""
    out = tmp_path / "a.h5"
    with pytest.raises(DataError, match=r"its 2[56]0 events give \d+ \w+ rows, 500 were needed: about \d+ ev") as error:
        pseudoexp.generate(1000, out, engine="hepmc", **files)
    assert error.value.exit_code == 2 and not out.exists()
    summary = pseudoexp.generate(160, out, engine="hepmc", resume=True, **files)
    assert sum(summary.rows.values()) == 160
    assert summary.cross_section["qcd"] == pytest.approx(scan(files["hepmc_qcd"]).weights.mean())


def test_particles(files):
    direct = pseudoexp.particles("signal", 20, pt_bias=4, engine="builtin")
    read = pseudoexp.particles("signal", 20, engine="hepmc", **files)
    for name in ("p4", "vertex", "pdg_id", "weight", "hadron_from_higgs", "higgs_p4"):
        assert (direct[name] == read[name]).all()
    assert "signal.hepmc3" in read.DESCR
    with pytest.raises(DataError, match="holds 260 events"):
        pseudoexp.particles("signal", 300, engine="hepmc", **files)
    assert np.isfinite(read.p4).all()

"""The same events under another card: the same particles, the rows of `generate` under both, nothing overwritten."""

import json

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess
from mock_file import mock_file

import pseudoexp
from pseudoexp.chain import batch_of_chunk
from pseudoexp.cli.app import app, run
from pseudoexp.dataset import schema
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production import run as production
from pseudoexp.production import shift as module
from pseudoexp.production.spool import only_writer
from pseudoexp.replaying.request import configuration_of

N = 90


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset, the one that `generate` makes under another card, and both side by side."""
    folder = tmp_path_factory.mktemp("shift")
    (folder / "worse.toml").write_text('base = "atlas-itk"\n[calorimeter]\nhadronic_stochastic = 2.5\nem_stochastic = 0.5\n')
    patch = pytest.MonkeyPatch()
    patch.setattr(production, "start_workers", InProcess)
    patch.setattr(module, "start_workers", InProcess)
    pseudoexp.generate(N, folder / "data.h5", engine="builtin", tracks=2)
    pseudoexp.generate(N, folder / "other.h5", engine="builtin", card=str(folder / "worse.toml"))
    told = []
    summary = pseudoexp.shift(folder / "data.h5", str(folder / "worse.toml"), folder / "both.h5",
                              progress=lambda *what: told.append(what))
    assert told[-1][0] == "shifting" and told[-1][1] == told[-1][2]
    yield folder, summary
    patch.undo()


def tables(folder):
    with h5py.File(folder / "both.h5") as file:
        return file["jets"][:], file["jets_shifted"][:]


def rows_of(path):
    with h5py.File(path) as file:
        return file["jets"][:]


def by_event(rows):
    return rows[np.lexsort((rows["eta"], rows["eventNumber"]))]


def test_nominal_rows_are_those_of_the_dataset(made):
    """But for the last event of each class, which the dataset may cut."""
    folder, _ = made
    nominal, _ = tables(folder)
    old, new = by_event(rows_of(folder / "data.h5")), by_event(nominal[nominal["passes_nominal"]])
    new = new[np.isin(new["eventNumber"], old["eventNumber"])]
    assert len(old) == N and 0 <= len(new) - N <= 4
    same = np.isin(new["pt"], old["pt"])
    for field in schema.JET_FIELDS:
        assert np.array_equal(new[field.name][same], old[field.name]), field.name


def test_shifted_rows_are_those_of_generate_with_the_other_card(made):
    """Events tried under both cards differ; where both have an event, it gives the same rows."""
    folder, _ = made
    nominal, shifted = tables(folder)
    other, new = by_event(rows_of(folder / "other.h5")), by_event(shifted[shifted["passes_shifted"]])
    for process in range(2):
        mine, theirs = (rows[(rows["eventNumber"] // 10 % 2 == process)] for rows in (new, other))
        last = min(mine["eventNumber"].max(), theirs["eventNumber"].max())
        mine, theirs = (rows[rows["eventNumber"] < last] for rows in (mine, theirs))
        assert len(mine) == len(theirs) > 20
        for field in schema.JET_FIELDS:
            assert np.array_equal(mine[field.name], theirs[field.name]), field.name
    assert (np.diff(nominal["eventNumber"]) >= 0).all()


def test_the_particles_are_identical(made):
    """Both configurations make the same events; what the rows say about the truth is the same."""
    folder, _ = made
    one, two = (batch_of_chunk(configuration_of(folder / name), 0, 0) for name in ("data.h5", "other.h5"))
    for name in one._fields:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    nominal, shifted = tables(folder)
    for name in (*schema.EVENT_COLUMNS, *(f.name for f in schema.PAIR_FIELDS)):
        assert np.array_equal(nominal[name], shifted[name], equal_nan=nominal[name].dtype.kind == "f"), name


def test_flags_and_pairs(made):
    folder, summary = made
    nominal, shifted = tables(folder)
    both = nominal["passes_nominal"] & nominal["passes_shifted"]
    assert (nominal["passes_nominal"] | nominal["passes_shifted"]).all() and both.sum() == sum(summary.both.values())
    assert sum(summary.only_nominal.values()) == (~nominal["passes_shifted"]).sum()
    assert sum(summary.only_shifted.values()) == (~nominal["passes_nominal"]).sum()
    assert len(nominal) > both.sum() > 0
    assert np.isnan(shifted["pt"][~nominal["passes_shifted"]]).all() and np.isfinite(shifted["pt"][both]).all()
    assert (nominal["truthJet"] >= 0).mean() > 0.99
    keys = list(zip(nominal["eventNumber"], nominal["truthJet"], strict=True))
    assert len(set(keys)) == len(keys)
    for table in (nominal[both], shifted[both]):
        assert (np.abs(table["eta"] - table["truthJetEta"]) < 0.5).all()
    response, worse = (table["pt"][both] / table["truthJetPt"][both] for table in (nominal, shifted))
    assert (np.abs(response - 1.0) < 0.5).all()
    # With 2.5 / sqrt(E) the log-normal response of one hadron of 2 GeV can reach a hundred times its energy (here a kaon of
    # event 91 is measured as 380 GeV); so two jets in a thousand exceed twice their pT, and none falls below half of it.
    assert (worse > 0.5).all() and (worse >= 2.0).sum() <= 2
    assert (nominal["pt"][both] != shifted["pt"][both]).all()


def test_file(made):
    folder, summary = made
    checked = verify(folder / "both.h5")
    assert checked.dataset_hash == summary.dataset_hash and checked.sha256 == summary.sha256
    assert summary.rows == checked.info.rows and set(checked.info.datasets) == {"jets", "jets_shifted"}
    attributes = checked.info.attributes
    assert json.loads(attributes["configuration"])["card"]["name"] == "atlas-itk"
    assert json.loads(attributes["shifted_configuration"])["card"]["name"] == "worse"
    assert attributes["events_tried"] == list(summary.events.values())
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith((".", "both"))) == ["both.h5", "both.h5.sha256"]


def test_load_reads_either_card(made):
    folder, summary = made
    for shifted, alone in ((False, summary.only_nominal), (True, summary.only_shifted)):
        data = pseudoexp.load(folder / "both.h5", split=None, shifted=shifted)
        assert len(data.target) == sum(summary.both.values()) + sum(alone.values())
        assert np.isfinite(data.data).all() and np.isfinite(data.weight).all()
    with pytest.raises(ConfigError, match="files made by `shift`"):
        pseudoexp.load(folder / "data.h5", shifted=True)


def complaint(capsys, *arguments):
    code = run(app, ["shift", *map(str, arguments), "--threads", "1"])
    captured = capsys.readouterr()
    assert code == 2 and captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_mistakes(made, capsys, tmp_path):
    folder, _ = made
    data, out = folder / "data.h5", tmp_path / "a.h5"
    assert "no card 'cms'" in complaint(capsys, data, "--card", "cms", "--out", out)
    assert "two cards already" in complaint(capsys, folder / "both.h5", "--card", "hlt", "--out", out)
    assert "does not exist" in complaint(capsys, data, "--card", "hlt", "--out", tmp_path / "no" / "a.h5")
    assert "none, lzf, gzip" in complaint(capsys, data, "--card", "hlt", "--out", out, "--compression", "zip")
    assert "another --out" in complaint(capsys, data, "--card", "hlt", "--out", data, "--force")
    assert "No such file" in complaint(capsys, tmp_path / "none.h5", "--card", "hlt", "--out", out)
    out.write_text("thesis")
    assert "--force replaces it" in complaint(capsys, data, "--card", "hlt", "--out", out)
    assert out.read_text() == "thesis"
    assert "cannot be made again" in complaint(capsys, foreign(tmp_path, data), "--card", "hlt", "--out", tmp_path / "b.h5")


def foreign(tmp_path, data):
    """Return a dataset of another engine version."""
    path = tmp_path / "old.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as file:
        changed = file["jets"].attrs["configuration"].replace('"engine_version":"', '"engine_version":"9')
        for target in (file, file["jets"]):
            target.attrs["configuration"] = changed
    return path


def test_rows_that_do_not_come_out_again(made, tmp_path, monkeypatch):
    folder, _ = made
    path = tmp_path / "bent.h5"
    path.write_bytes((folder / "data.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        rows = file["jets"][:]
        rows["pt"][N // 2] *= 1.0001
        file["jets"][:] = rows
    with pytest.raises(GenerationError, match="do not come out of its configuration here"):
        pseudoexp.shift(path, "atlas-run2", tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists() and sorted(p.name for p in tmp_path.iterdir()) == ["bent.h5"]


def test_one_writer_at_a_time_behind_a_link_too(tmp_path, monkeypatch):
    monkeypatch.setattr(production, "start_workers", InProcess)
    pseudoexp.generate(50, tmp_path / "data.h5", make_chunk=fake_chunks.make_chunk)
    (tmp_path / "link.h5").symlink_to(tmp_path / "a.h5")
    with only_writer(tmp_path / "a.h5"), pytest.raises(ConfigError, match="another process is writing it"):
        pseudoexp.shift(tmp_path / "data.h5", "perfect", tmp_path / "link.h5")


def test_mock_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="card: missing key"):
        pseudoexp.shift(mock_file(tmp_path / "m.h5", n=50), "hlt", tmp_path / "a.h5")

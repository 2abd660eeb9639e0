"""Files for Salt: the rows of each split, and YAML files made from those of the training split alone."""

import json

import h5py
import numpy as np
import pytest
from mock_file import mock_file, mock_jets, mock_tracks

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.converting import convert as converting
from pseudoexp.converting.moments import Moments
from pseudoexp.dataset import schema
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.splits import in_split
from pseudoexp.dataset.writer import FileWriter
from pseudoexp.errors import ConfigError, DamagedFile, DataError, SchemaError

yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file whose tracks have origins."""
    path, rows = tmp_path_factory.mktemp("salt") / "a.h5", 1500
    tracks = schema.pack_tracks(mock_tracks(rows, 4))
    tracks["ftagTruthOriginLabel"] = np.where(tracks["valid"], np.random.default_rng(1).integers(0, 7, tracks.shape), -1)
    with FileWriter(path, rows, Provenance("{}", "0" * 64, 1), tracks=4) as writer:
        writer.write(schema.pack_jets(mock_jets(rows, signal_fraction=0.3)), tracks)
        writer.finish(Tally((1500, 1500), (1.0, 1.0)))
    return path


@pytest.fixture
def folder(path, tmp_path, monkeypatch):
    monkeypatch.setattr(converting, "GROUP_BYTES", 40_000)  # many groups
    pseudoexp.convert(path, tmp_path / "salt", to="salt")
    return tmp_path / "salt"


def test_files_hold_the_rows_of_their_split(path, folder):
    with h5py.File(path) as file:
        jets, tracks = file["jets"][:], file["tracks"][:]
    for split in ("train", "val", "test"):
        mine = in_split(jets["eventNumber"], split)
        with h5py.File(folder / f"{split}.h5") as file:
            assert file["jets"][:].tobytes() == schema.join([jets[mine]]).tobytes()
            assert file["tracks"][:].tobytes() == schema.join([tracks[mine]]).tobytes()
            assert list(file["jets"].attrs["flavour_label"]) == ["hbb", "qcd"] and file.attrs["split"] == split
            assert file.attrs["source_dataset_hash"] and json.loads(file["jets"].attrs["units"])["tracks_d0"] == "mm"
    with pytest.raises(SchemaError, match="format version none"):
        pseudoexp.load(folder / "train.h5")


def test_normalisation_is_that_of_the_training_rows(path, folder):
    norm = yaml.safe_load((folder / "norm_dict.yaml").read_text())
    train = pseudoexp.load(path, "train")
    for i, name in enumerate(schema.INPUTS):
        assert norm["jets"][name]["mean"] == pytest.approx(train.data[:, i].mean(dtype=float), rel=1e-6, abs=1e-9)
        assert norm["jets"][name]["std"] == pytest.approx(train.data[:, i].std(dtype=float), rel=1e-6)
    with h5py.File(folder / "train.h5") as file:
        tracks = file["tracks"][:]
    assert norm["tracks"]["d0"]["mean"] == pytest.approx(tracks["d0"][tracks["valid"]].mean(dtype=float), rel=1e-5)
    assert norm["jets"]["actualInteractionsPerCrossing"] == {"mean": 0.0, "std": 1.0}  # constant


def test_class_weights_even_out_the_classes(folder):
    weights = yaml.safe_load((folder / "class_dict.yaml").read_text())
    with h5py.File(folder / "train.h5") as file:
        jets = np.bincount(file["jets"]["flavour_label"])
        tracks = file["tracks"][:]
    assert np.allclose(weights["jets"]["flavour_label"] * jets, jets.sum() / 2)
    origins = np.bincount(tracks["ftagTruthOriginLabel"][tracks["valid"]], minlength=8)
    assert np.allclose(weights["tracks"]["ftagTruthOriginLabel"] * origins, np.where(origins, origins.sum() / 7, 0))


def test_the_configuration_is_yaml_with_our_inputs(folder, tmp_path):
    given = yaml.safe_load((folder / "salt.yaml").read_text())
    assert given["data"]["variables"]["jets"] == list(schema.INPUTS) and "d0" in given["data"]["variables"]["tracks"]
    names = {"train_file": "train.h5", "val_file": "val.h5", "test_file": "test.h5", "norm_dict": "norm_dict.yaml",
             "class_dict": "class_dict.yaml"}
    assert {key: given["data"][key] for key in names} == {key: str(folder / name) for key, name in names.items()}
    tasks = given["model"]["model"]["init_args"]["tasks"]["init_args"]["modules"]
    jets, origin = (task["init_args"] for task in tasks)
    assert (jets["name"], jets["label"], jets["sample_weight"]) == ("jets_classification", "flavour_label", "benchmarkWeight")
    assert (origin["name"], origin["label"]) == ("track_origin", "ftagTruthOriginLabel")
    assert (jets["dense_config"]["output_size"], origin["dense_config"]["output_size"]) == (2, 8)
    assert jets["dense_config"]["input_size"] == given["model"]["model"]["init_args"]["pool_net"]["init_args"]["input_size"]
    pseudoexp.convert(mock_file(tmp_path / "b.h5", n=500), tmp_path / "b", to="salt")
    given = yaml.safe_load((tmp_path / "b" / "salt.yaml").read_text())
    assert list(given["data"]["variables"]) == ["jets"] and "pool_net" not in given["model"]["model"]["init_args"]


@pytest.mark.parametrize(("options", "message"), [
    ({"columns": ["pt"]}, "Salt's files hold all of them"), ({"split": "val"}, "a folder gets all splits")])
def test_mistakes(path, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        pseudoexp.convert(path, tmp_path / "s", to="salt", **options)
    assert not (tmp_path / "s").exists()


def test_an_empty_split_is_an_error(tmp_path):
    with pytest.raises(DataError, match="split val has no rows"):
        pseudoexp.convert(mock_file(tmp_path / "a.h5", n=6), tmp_path / "s", to="salt")
    assert not (tmp_path / "s").exists()


def test_an_unknown_class_is_damage(path, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file, h5py.File(path) as given:
        rows = given["jets"][:]
        rows["flavour_label"][3] = 2**31 - 1
        file["jets"] = rows
        for name, value in given["jets"].attrs.items():
            file["jets"].attrs[name] = value
    with pytest.raises(DamagedFile, match="flavour_label holds"):
        pseudoexp.convert(tmp_path / "a.h5", tmp_path / "s", to="salt")


def test_force_replaces_all_files(path, folder, capsys):
    before = (folder / "norm_dict.yaml").read_text()
    (folder / "norm_dict.yaml").write_text("old")
    assert run(app, ["convert", str(path), "--to", "salt", "--out", str(folder)]) == 2
    assert "exists; --force replaces it" in capsys.readouterr().err
    assert run(app, ["convert", str(path), "--to", "salt", "--out", str(folder), "--force"]) == 0
    assert (folder / "norm_dict.yaml").read_text() == before
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["train.h5", "val.h5", "test.h5", "norm_dict.yaml", "class_dict.yaml", "salt.yaml"])


def test_moments_in_pieces():
    values = np.random.default_rng(2).normal(1e6, 3, 10_001).astype("f4")
    values[5] = np.nan
    moments = Moments()
    for start in range(0, len(values), 777):
        moments.add(values[start:start + 777])
    wanted = values[np.isfinite(values)].astype(float)
    assert moments.count == 10_000
    assert moments.mean == pytest.approx(wanted.mean(), rel=1e-12) and moments.spread == pytest.approx(wanted.std(), rel=1e-9)
    assert Moments().spread == 1.0

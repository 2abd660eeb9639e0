"""Croissant metadata: accepted by mlcroissant without a remark, and the rows it leads to are the release's."""

import json
import shutil
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
from mock_file import mock_file
from toy_releases import frozen

import pseudoexp
from pseudoexp.benchmark import croissant, store
from pseudoexp.cli.app import app, run
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import DamagedFile

pytest.importorskip("pyarrow")
ROOT = Path(pseudoexp.__file__).parents[1]


@pytest.fixture
def offered(small, registered, tmp_path):
    """A folder with a release's file and its mirror."""
    (folder := tmp_path / "offered").mkdir()
    file = Path(shutil.copy(store.path_of("v1-small"), folder / "v1-small.h5"))
    pseudoexp.convert(file, folder, to="parquet")
    frozen(registered, dataset_hash=str(probe(file).attributes["dataset_hash"]))
    return folder


def write(folder, *options):
    return run(app, ["benchmark", "croissant", "v1-small", "--data", str(folder / "v1-small.h5"), "--mirror", str(folder),
                     "--url", "https://example.org", "--date", "2026-11-21", *map(str, options)])


def test_what_stands_in_it(offered, capsys):
    assert write(offered) == 0 and "croissant.json: release v1-small" in capsys.readouterr().out
    text = (offered / "croissant.json").read_text()
    found = json.loads(text)
    assert found["license"] == "https://creativecommons.org/licenses/by/4.0/" and found["datePublished"] == "2026-11-21"
    assert found["version"] == schema.DATASET_VERSION and "no Z -> bb" in found["description"]
    sets = {one["name"]: one for one in found["recordSet"]}
    assert list(sets) == ["classes", "train", "validation", "test"]
    assert [field["name"] for field in sets["test"]["field"]] == [field.name for field in schema.JET_FIELDS]
    pt, flag = (next(f for f in sets["test"]["field"] if f["name"] == name) for name in ("pt", "vr_concentric"))
    assert pt["description"].endswith("[MeV]") and pt["dataType"] == "sc:Float" and flag["dataType"] == "sc:Boolean"
    assert write(offered, "--force") == 0 and (offered / "croissant.json").read_text() == text


def test_mlcroissant_takes_it(offered):
    """Validated without an error or a warning; the records are the rows of the file."""
    mlcroissant = pytest.importorskip("mlcroissant")
    write(offered)
    dataset = mlcroissant.Dataset(offered / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors and not dataset.metadata.ctx.issues.warnings
    records = list(dataset.records("test"))
    with h5py.File(offered / "v1-small.h5") as file:
        rows = file["jets"][:]
    rows = rows[rows["eventNumber"] % 10 == 9]
    assert len(records) == len(rows) > 100
    for name in ("pt", "mcEventWeight", "eventNumber", "flavour_label", "vr1_has_sv"):
        assert np.array_equal([record[f"test/{name}"] for record in records], rows[name]), name


def test_tracks_are_lists(registered, small, tmp_path):
    file = mock_file(tmp_path / "t.h5", 60, tracks=4)
    pseudoexp.convert(file, tmp_path / "mirror", to="parquet")
    one = frozen(registered, dataset_hash=str(probe(file).attributes["dataset_hash"]))
    found = croissant.describe(one, file, tmp_path / "mirror", "https://example.org", "2026-11-21")
    d0 = next(f for f in found["recordSet"][1]["field"] if f["name"] == "tracks_d0")
    assert d0["repeated"] is True and d0["description"].endswith("[mm]")


def test_mistakes(offered, registered, capsys, tmp_path):
    def complains(text, *options, code=2):
        assert write(offered, *options) == code
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1 and text in error, error

    complains("--url 'example.org'", "--url", "example.org")
    complains("--date 'soon'", "--date", "soon")
    complains("does not exist", "--out", tmp_path / "none" / "a.json")
    complains("there is no such file", "--data", tmp_path / "none.h5")
    complains("there is no such file", "--mirror", tmp_path)
    (broken := tmp_path / "broken").mkdir()
    for name in ("train", "validation", "test"):
        (broken / f"{name}.parquet").write_text("PAR1")
    complains("not Parquet", "--mirror", broken, code=1)
    frozen(registered, dataset_hash="0" * 64)
    complains("are not those of release v1-small", code=1)
    assert not (offered / "croissant.json").exists() and not (broken / "croissant.json").exists()
    frozen(registered, dataset_hash=str(probe(offered / "v1-small.h5").attributes["dataset_hash"]))
    assert write(offered) == 0
    capsys.readouterr()
    complains("exists; --force replaces it")
    other = tmp_path / "other"
    pseudoexp.convert(mock_file(tmp_path / "a.h5", 60), other, to="parquet")
    complains("was made from other rows", "--mirror", other, "--force", code=1)


def test_a_damaged_mirror(offered, registered, capsys, tmp_path):
    """Whatever is wrong in what a file says about itself: metadata all the same, or an error of one line."""
    one = frozen(registered, dataset_hash=str(probe(offered / "v1-small.h5").attributes["dataset_hash"]))
    broken, random, refused = tmp_path / "test.parquet", np.random.default_rng(2), 0
    whole = (offered / "test.parquet").read_bytes()
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for k in range(300):
        content = bytearray(whole)
        if k % 3 == 0:
            del content[random.integers(len(content)):]
        for place in random.integers(end, len(whole), 1 + 20 * (k % 2)):
            content[min(place, len(content) - 1)] = random.integers(256)
        broken.write_bytes(content)
        try:
            croissant._split(one, broken, one.dataset_hash)
        except DamagedFile as error:
            assert "\n" not in str(error)
            refused += 1
    assert 150 < refused < 300
    content = bytearray(whole)
    content[whole.index(b"vr1_ip3d_bu", end)] = 0xFF  # not UTF-8
    (offered / "test.parquet").write_bytes(content)
    assert write(offered) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "damaged" in error


def test_it_is_cited_as_the_project_says():
    text = (ROOT / "CITATION.cff").read_text()
    assert f'title: "{croissant.TITLE}"' in text and f"- name: {croissant.AUTHORS}" in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"version: {project['version']}\n" in text and f"license: {project['license']}\n" in text
    assert croissant.LICENCE in (ROOT / "LICENSE-DATA").read_text()

"""Hugging Face `datasets` takes the folder of Parquet files for a dataset with three splits."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

import pseudoexp
from pseudoexp.dataset.splits import in_split

datasets = pytest.importorskip("datasets")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hf")
    path = mock_file(folder / "a.h5", n=2000, tracks=4)
    pseudoexp.convert(path, folder / "mirror", to="parquet")
    return folder / "mirror"


@pytest.fixture(scope="module")
def splits(mirror):
    return datasets.load_dataset(str(mirror), cache_dir=str(mirror.parent / "cache"))


def test_splits_hold_the_rows_of_the_file(mirror, splits):
    with h5py.File(mirror.parent / "a.h5") as file:
        jets = file["jets"][:]
    for ours, theirs in (("train", "train"), ("val", "validation"), ("test", "test")):
        rows = jets[in_split(jets["eventNumber"], ours)]
        got = splits[theirs].with_format("arrow")[:]  # with_format("numpy") makes float32 of all floats
        for name in ("pt", "eventNumber", "mcEventWeight", "vr1_has_sv", "flavour_label"):
            column = got[name].to_numpy()
            assert column.dtype == rows[name].dtype and np.array_equal(column, rows[name])


def test_tracks_are_lists(mirror, splits):
    with h5py.File(mirror.parent / "a.h5") as file:
        jets, tracks = file["jets"][:], file["tracks"][:]
    tracks = tracks[in_split(jets["eventNumber"], "test")]
    got = splits["test"][:20]["tracks_d0"]
    assert all(np.array_equal(np.float32(a), b["d0"][b["valid"]]) for a, b in zip(got, tracks, strict=False))


def test_streaming_and_torch(mirror, splits):
    first = next(iter(datasets.load_dataset(str(mirror), streaming=True, split="validation")))
    assert first["pt"] == splits["validation"][0]["pt"]
    batch = next(iter(torch.utils.data.DataLoader(splits["train"].select_columns(["pt", "mass"]).with_format("torch"), 100)))
    assert batch["pt"].shape == (100,) and batch["mass"].dtype == torch.float32

"""atlas-ftag-tools reads the file unmodified."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.dataset import schema

ftag = pytest.importorskip("ftag")
H5Reader = pytest.importorskip("ftag.hdf5").H5Reader


@pytest.fixture(scope="module", params=["none", "lzf", "gzip"])
def path(request, tmp_path_factory):
    return mock_file(tmp_path_factory.mktemp("ftag") / "a.h5", n=3000, tracks=5, compression=request.param)


def test_all_rows_and_tracks(path):
    reader = H5Reader(path, batch_size=700, shuffle=False)
    assert reader.num_global_objects == 3000
    data = reader.load({"jets": None, "tracks": None})
    with h5py.File(path) as file:
        assert np.array_equal(data["jets"], file["jets"][:])
        assert np.array_equal(data["tracks"]["valid"], file["tracks"]["valid"])
    assert data["tracks"].shape == (3000, 5) and data["jets"].dtype.names[:39] == schema.INPUTS


def test_variables_and_cuts(path):
    cuts = ftag.Cuts.from_list([("pt", ">", 300_000.0), ("flavour_label", "==", 0)])
    jets = H5Reader(path, batch_size=1000).load({"jets": ["pt", "mass", "flavour_label"]}, cuts=cuts)["jets"]
    with h5py.File(path) as file:
        rows = file["jets"][:]
    assert len(jets) == ((rows["pt"] > 300_000) & (rows["flavour_label"] == 0)).sum() > 0
    assert (jets["pt"] > 300_000).all()


def test_attributes_are_found(path):
    reader = ftag.hdf5.h5reader.H5SingleReader(path)
    assert list(reader.get_attr("flavour_label", "jets")) == ["hbb", "qcd"]
    assert reader.get_attr("unique_jets") == 3000


def test_virtual_files_keep_what_stands_on_jets(path, tmp_path):
    from ftag.vds import create_virtual_file

    for name in ("x_1.h5", "x_2.h5"):
        (tmp_path / name).write_bytes(path.read_bytes())
    virtual = create_virtual_file(str(tmp_path / "x_*.h5"), tmp_path / "vds.h5", overwrite=True)
    assert H5Reader(virtual).num_global_objects == 6000
    with h5py.File(virtual) as file:
        assert "configuration" in file["jets"].attrs and "dataset_hash" in file["jets"].attrs

"""Foreign, truncated and malicious files: one line, no traceback, and the child takes the damage."""

import os

import h5py
import numpy as np
import pytest
from mock_file import mock_file, mock_jets

from pseudoexp.dataset import probe as module
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, SchemaError


def test_layout_and_attributes(tmp_path):
    info = probe(mock_file(tmp_path / "a.h5", n=100, tracks=4))
    assert info.rows == 100 and info.jets.dtype == schema.JET_DTYPE and info.counts == {"hbb": 50, "qcd": 50}
    assert info.datasets["tracks"].shape == (100, 4) and info.datasets["tracks"].dtype == schema.TRACK_DTYPE
    assert info.attributes["format_version"] == schema.FORMAT_VERSION and info.classes == ["hbb", "qcd"]


def test_changed_file_is_looked_at_again(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=100)
    assert probe(path).rows == 100
    assert probe(mock_file(path, n=200)).rows == 200


def write_hdf5(path, attributes=None, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
            file[name].attrs.update(attributes or {})


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.3, 0.999])
def test_truncated(tmp_path, fraction):
    content = mock_file(tmp_path / "a.h5", n=500).read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(content[:int(len(content) * fraction)])
    with pytest.raises(SchemaError, match=r"not an HDF5 file|truncated|damaged") as error:
        probe(cut)
    assert "\n" not in str(error.value) and "cut.h5" in str(error.value)


def test_not_hdf5(tmp_path):
    (tmp_path / "a.h5").write_text("hello" * 100)
    with pytest.raises(SchemaError, match="not an HDF5 file"):
        probe(tmp_path / "a.h5")


def test_no_jets(tmp_path):
    write_hdf5(tmp_path / "a.h5", events=np.arange(3))
    with pytest.raises(SchemaError, match="no dataset `jets`; it holds: events"):
        probe(tmp_path / "a.h5")


def test_jets_of_somebody_else(tmp_path):
    write_hdf5(tmp_path / "a.h5", jets=np.zeros(3, [("pt", "f4")]))
    with pytest.raises(SchemaError, match="format version"):
        probe(tmp_path / "a.h5")
    write_hdf5(tmp_path / "b.h5", jets=np.zeros(3, [("pt", "f4")]), attributes={"format_version": "1.0"})
    with pytest.raises(SchemaError, match="no column eta"):
        probe(tmp_path / "b.h5")
    write_hdf5(tmp_path / "c.h5", jets=np.zeros((3, 39)), attributes={"format_version": "1.0"})
    with pytest.raises(SchemaError, match="compound"):
        probe(tmp_path / "c.h5")


def test_other_type_and_other_order(tmp_path):
    jets = schema.pack_jets(mock_jets(3))
    wide = jets.astype([(n, "f8" if n == "mass" else jets.dtype[n]) for n in jets.dtype.names])
    write_hdf5(tmp_path / "a.h5", jets=wide, attributes={"format_version": "1.0"})
    with pytest.raises(SchemaError, match="column mass has type float64; allowed: float32"):
        probe(tmp_path / "a.h5")
    write_hdf5(tmp_path / "b.h5", jets=jets[list(jets.dtype.names[::-1])], attributes={"format_version": "1.0"})
    with pytest.raises(SchemaError, match="first 39 columns"):
        probe(tmp_path / "b.h5")


@pytest.mark.parametrize(("name", "value"), [
    ("configuration", "{oops"), ("configuration", 3), ("events_tried", "many"), ("events_tried", [1]),
    ("flavour_label", ["b", "c"]), ("flavour_label", 3), ("jet_counts", "[1]"), ("format_version", "2.0")])
def test_attributes_that_make_no_sense(tmp_path, name, value):
    attributes = {"format_version": "1.0", "flavour_label": ["hbb", "qcd"], "events_tried": [3, 3],
                  "configuration": "{}", name: value}
    write_hdf5(tmp_path / "a.h5", jets=schema.pack_jets(mock_jets(3)), attributes=attributes)
    with pytest.raises(SchemaError, match=r"attribute|format version"):
        probe(tmp_path / "a.h5")


def test_no_rows(tmp_path):
    attributes = {"format_version": "1.0", "flavour_label": ["hbb", "qcd"], "events_tried": [3, 3],
                  "configuration": "{}"}
    write_hdf5(tmp_path / "a.h5", jets=schema.pack_jets(mock_jets(3))[:0], attributes=attributes)
    with pytest.raises(SchemaError, match="no rows"):
        probe(tmp_path / "a.h5")


def test_added_scores_are_welcome(tmp_path):
    jets = schema.pack_jets(mock_jets(3))
    more = np.zeros(3, [*((n, jets.dtype[n]) for n in jets.dtype.names), ("tagger_phbb", "f4")])
    attributes = {"format_version": "1.0", "flavour_label": ["hbb", "qcd"], "events_tried": [3, 3],
                  "configuration": "{}"}
    write_hdf5(tmp_path / "a.h5", jets=more, attributes=attributes)
    assert probe(tmp_path / "a.h5").jets.dtype.names[-1] == "tagger_phbb"


def test_missing_file_folder_device_and_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    for path, said in ((tmp_path / "none.h5", "No such file"), (tmp_path, "Is a directory"), ("/dev/null", "not a regular file"),
                       (tmp_path / "pipe.h5", "not a regular file")):
        with pytest.raises(ConfigError, match=said):
            probe(path)


@pytest.mark.parametrize(("child", "message"), [
    ("import os; os.abort()", "status -6"),
    ("import time; time.sleep(60)", "more than"),
    ("import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\nbytearray(1 << 31)", "status 1")])
def test_child_that_crashes_hangs_or_eats_memory(tmp_path, monkeypatch, child, message):
    path = mock_file(tmp_path / "a.h5", n=10)
    script = tmp_path / "child.py"
    script.write_text(child)
    monkeypatch.setattr(module.probe_child, "__file__", str(script))
    monkeypatch.setattr(module, "SECONDS", 1.0)
    with pytest.raises(SchemaError, match=message):
        probe(path)


def test_rows_in_another_file_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("jets", (3,), schema.JET_DTYPE, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
    with pytest.raises(SchemaError, match="another file"):
        probe(tmp_path / "a.h5")


def test_soft_links_are_not_followed(tmp_path):
    mock_file(tmp_path / "b.h5", n=10)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["jets"] = h5py.ExternalLink("b.h5", "/jets")
    with pytest.raises(SchemaError, match="no dataset `jets`"):
        probe(tmp_path / "a.h5")


def test_virtual_files_are_refused(tmp_path):
    mock_file(tmp_path / "b.h5", n=10)
    layout = h5py.VirtualLayout((10,), schema.JET_DTYPE)
    layout[:] = h5py.VirtualSource(tmp_path / "b.h5", "jets", (10,))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("jets", layout)
    with pytest.raises(SchemaError, match="joins several files"):
        probe(tmp_path / "a.h5")

"""What stands in the file, and that half a file never has its name."""

import hashlib
import json
import tracemalloc

import h5py
import numpy as np
import pytest
from mock_file import mock_file, mock_jets

from pseudoexp.dataset import schema, writer
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.writer import FileWriter, publish

PROVENANCE = Provenance('{"n":10}', "0" * 64, 1)


def test_attributes_stand_at_the_root_and_on_jets(tmp_path):
    with h5py.File(mock_file(tmp_path / "a.h5", n=100)) as file:
        root, jets = dict(file.attrs), dict(file["jets"].attrs)
        for name in ("format_version", "dataset_version", "package_version", "seed", "configuration",
                     "configuration_hash", "dataset_hash"):
            assert root[name] == jets[name]
        assert list(jets["flavour_label"]) == ["hbb", "qcd"]
        assert list(jets["events_tried"]) == list(root["events_tried"]) == [100, 100]
        assert root["unique_jets"] == 100 and json.loads(root["jet_counts"]) == {"hbb": 50, "qcd": 50}
        units = json.loads(jets["units"])
        assert units["pt"] == "MeV" and units.keys() == json.loads(jets["descriptions"]).keys()
        assert list(units) == sorted(file["jets"].dtype.names)


def test_rows_are_contiguous_and_as_given(tmp_path):
    with h5py.File(mock_file(tmp_path / "a.h5", n=12_345)) as file:
        jets = file["jets"]
        assert jets.dtype == schema.JET_DTYPE and jets.id.get_offset() is not None and jets.compression is None
        assert jets[:].tobytes() == schema.pack_jets(mock_jets(12_345)).tobytes()


@pytest.mark.parametrize("compression", ["lzf", "gzip"])
def test_compression_changes_neither_rows_nor_hash(tmp_path, compression):
    plain, packed = mock_file(tmp_path / "a.h5", n=2500, tracks=3), tmp_path / "b.h5"
    mock_file(packed, n=2500, tracks=3, compression=compression)
    with h5py.File(plain) as a, h5py.File(packed) as b:
        for name in ("jets", "tracks"):
            assert b[name].compression == compression and b[name].shuffle and b[name].chunks[0] == 1000
            assert a[name][:].tobytes() == b[name][:].tobytes()
        assert a.attrs["dataset_hash"] == b.attrs["dataset_hash"]


def test_same_input_same_bytes_and_sidecar(tmp_path):
    a, b = (mock_file(tmp_path / name, n=500) for name in ("a.h5", "b.h5"))
    assert a.read_bytes() == b.read_bytes()
    checksum = hashlib.sha256(a.read_bytes()).hexdigest()
    assert (tmp_path / "a.h5.sha256").read_text() == f"{checksum}  a.h5\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "a.h5.sha256", "b.h5", "b.h5.sha256"]


def test_fewer_rows_than_announced_is_an_error(tmp_path):
    with FileWriter(tmp_path / "a.tmp", 11, PROVENANCE) as writer:
        writer.write(schema.pack_jets(mock_jets(10)))
        with pytest.raises(AssertionError):
            writer.finish(Tally((1, 1), (1.0, 1.0)))


def test_many_small_writes_are_one_file(tmp_path):
    jets = schema.pack_jets(mock_jets(10_050))
    with FileWriter(tmp_path / "a.tmp", len(jets), PROVENANCE) as writer:
        for start in range(0, len(jets), 77):
            writer.write(jets[start:start + 77])
        writer.finish(Tally((1, 1), (1.0, 1.0)))
    publish(tmp_path / "a.tmp", tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["jets"][:], jets) and file["jets"].attrs["block_locators"].shape == (2,)


def test_interrupted_replacement_leaves_no_wrong_sidecar(tmp_path, monkeypatch):
    path = mock_file(tmp_path / "a.h5", n=100)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(path), "replace", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        mock_file(path, n=200)
    assert len(h5py.File(path)["jets"]) == 100 and not (tmp_path / "a.h5.sha256").exists()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_is_written_together_does_not_change_the_bytes(tmp_path, monkeypatch, compression):
    """Neither does how the rows come; `mock_file` brings them all at once."""
    options = {"n": 10_234, "tracks": 3, "images": 4, "compression": compression}
    whole = mock_file(tmp_path / "a.h5", **options).read_bytes()
    monkeypatch.setattr(writer, "WRITE_BYTES", 300_000)
    assert mock_file(tmp_path / "a.h5", **options).read_bytes() == whole
    take = FileWriter.write

    def in_pieces(self, jets, tracks, images):
        for start in range(0, len(jets), 777):
            some = slice(start, start + 777)
            take(self, jets[some], tracks[some], images=images[some])

    monkeypatch.setattr(FileWriter, "write", in_pieces)
    assert mock_file(tmp_path / "a.h5", **options).read_bytes() == whole


def test_memory_is_one_block_and_what_is_written_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "WRITE_BYTES", 1 << 20)
    pixels, rows = 16, 12_000
    block = writer.BLOCK_ROWS * pixels * pixels * schema.IMAGE_DTYPE.itemsize
    jets = schema.pack_jets(mock_jets(rows))
    with FileWriter(tmp_path / "a.tmp", rows, PROVENANCE, images=pixels) as file:
        tracemalloc.start()
        for start in range(0, rows, 500):
            file.write(jets[start:start + 500], images=np.zeros((500, pixels, pixels), schema.IMAGE_DTYPE))
        file.finish(Tally((1, 1), (1.0, 1.0)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert block < peak < 1.6 * block

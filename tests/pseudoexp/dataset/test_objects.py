"""Tracks and images are those of the rows that `load` returns."""

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess
from mock_file import mock_file

import pseudoexp
from pseudoexp.dataset import objects, schema
from pseudoexp.errors import ConfigError
from pseudoexp.production import run


@pytest.fixture(scope="module", params=["none", "gzip"])
def path(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("objects") / "a.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "start_workers", InProcess)
        pseudoexp.generate(1500, out, make_chunk=fake_chunks.make_chunk, tracks=2, images=4, keep_unmatched=True,
                           compression=request.param)
    return out


@pytest.mark.parametrize("split", ["train", "val", "test", None])
@pytest.mark.parametrize("unmatched", [False, True])
def test_rows_are_those_of_load(path, split, unmatched, monkeypatch):
    monkeypatch.setattr(objects, "_BYTES", 7000)  # many blocks
    number = pseudoexp.load(path, split, columns=["eventNumber"], keep_unmatched=unmatched).data[:, 0]
    images = pseudoexp.load_objects(path, "images", split, keep_unmatched=unmatched)
    _, event = schema.engine_event_numbers(number.astype(np.int64))
    assert images.shape == (len(number), 4, 4) and np.array_equal(images["em"][:, 0, 1], event)
    tracks = pseudoexp.load_objects(path, "tracks", split, keep_unmatched=unmatched)
    assert tracks.shape == (len(number), 2) and tracks.dtype == schema.TRACK_DTYPE
    if split is None and unmatched:
        with h5py.File(path) as file:
            assert tracks.tobytes() == file["tracks"][:].tobytes()


def test_both_layers_without_a_copy(path):
    images = pseudoexp.load_objects(path, "images", "test")
    both = images.view("<f2").reshape(-1, 4, 4, 2)
    assert np.array_equal(both[..., 0], images["em"]) and np.array_equal(both[..., 1], images["had"])
    assert np.shares_memory(both, images)


def test_mistakes(path, tmp_path):
    with pytest.raises(ConfigError, match="objects 'jets'; allowed: tracks, images"):
        pseudoexp.load_objects(path, "jets")
    with pytest.raises(ConfigError, match="split 'rest'"):
        pseudoexp.load_objects(path, "images", "rest")
    with pytest.raises(ConfigError, match="no dataset `images`; it is for files made with --images"):
        pseudoexp.load_objects(mock_file(tmp_path / "b.h5", 100), "images")

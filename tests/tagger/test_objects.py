"""Tracks and images as arrays: bounded features, padding that says nothing, sequences of the right tracks."""

import numpy as np
import pytest
from mock_file import mock_file, mock_tracks

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError
from tagger import objects


@pytest.fixture(scope="module")
def tracks():
    matrix = mock_tracks(300, 20)
    for name in ("pt", "d0Uncertainty", "z0SinThetaUncertainty", "ptUncertainty"):
        matrix[..., schema.track_column(name)] = abs(matrix[..., schema.track_column(name)])
    jet = schema.track_column("vr_jet")
    matrix[..., jet] = np.where(np.isnan(matrix[..., jet]), np.nan, np.random.default_rng(1).integers(-1, 2, matrix.shape[:2]))
    return schema.pack_tracks(matrix)


def test_padding_is_zero_and_flagged(tracks):
    x = objects.track_array(tracks)
    assert x.shape == (300, 20, len(objects.TRACK_FEATURES) + 1) and x.dtype == np.float32 and np.isfinite(x).all()
    assert np.array_equal(x[..., -1] == 1, tracks["valid"]) and not x[~tracks["valid"]].any()
    assert np.allclose(x[..., 9][tracks["valid"]], np.arcsinh(tracks["lifetimeSignedD0Significance"][tracks["valid"]]))
    garbage = tracks.copy()
    garbage["d0"][~tracks["valid"]], garbage["vr_jet"][~tracks["valid"]] = 7.0, 1
    assert np.array_equal(objects.track_array(garbage), x)
    assert np.array_equal(objects.sequences(garbage), objects.sequences(tracks))


def test_truth_is_not_read(tracks):
    other = tracks.copy()
    other["ftagTruthOriginLabel"], other["ftagTruthVertexIndex"] = 3, 5
    assert np.array_equal(objects.track_array(other), objects.track_array(tracks))


def test_sequences_hold_the_tracks_of_each_track_jet_in_their_order(tracks):
    x = objects.sequences(tracks)
    assert x.shape[1:] == (2, objects.TRACKS_PER_JET, len(objects.TRACK_FEATURES) - 1)
    for row in range(0, 300, 17):
        for jet in (0, 1):
            mine = tracks[row][tracks["valid"][row] & (tracks["vr_jet"][row] == jet)][:objects.TRACKS_PER_JET]
            assert np.allclose(x[row, jet, :len(mine), 1], mine["deta"]) and not x[row, jet, len(mine):].any()
            assert x[row, jet, :, -1].sum() == len(mine)


def test_fewer_tracks_than_a_sequence_has_places(tracks):
    x = objects.sequences(tracks[:, :3])
    assert x.shape[2] == objects.TRACKS_PER_JET and np.array_equal(x[..., -1].sum(axis=(1, 2)), (
        tracks["valid"] & (tracks["vr_jet"] >= 0))[:, :3].sum(axis=1))


def test_rows_beside_have_to_be_the_same(tmp_path):
    plain, beside, other = (mock_file(tmp_path / name, 300, seed=seed, images=size) for name, seed, size in (
        ("a.h5", 1, 0), ("b.h5", 1, 8), ("c.h5", 2, 8)))
    assert objects.require_same_rows(probe(plain), beside, "images").path == beside
    with pytest.raises(ConfigError, match="its rows are not those of"):
        objects.require_same_rows(probe(plain), other, "images")
    with pytest.raises(ConfigError, match="no dataset `tracks`; allowed: a file made with --tracks"):
        objects.require_same_rows(probe(plain), beside, "tracks")
    images = objects.read_array(probe(beside), "images", "test", objects.image_array)
    assert images.shape[1:] == (8, 8, 2) and images.dtype == np.float16

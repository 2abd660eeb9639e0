"""Joining rows of several files: two jets of one event, missing ones, files that do not belong together."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError, DataError
from tagger.invariant.views import Marks, Views, join, nearest, require_same_jets


def marks(rows):
    event, y, eta, pt = (np.array(column) for column in zip(*rows, strict=True))
    return Marks(event.astype(np.int64), y.astype(np.int8), eta.astype(float), np.log(pt.astype(float)))


def test_nearest_of_an_event():
    first = marks([(7, 0, 0.50, 400), (7, 0, -0.9, 380), (3, 1, 0.1, 300), (4, 0, 1.0, 300), (9, 0, 0.0, 300)])
    second = marks([(4, 1, 1.0, 300), (7, 0, -0.88, 390), (3, 1, 0.12, 310), (7, 0, 0.52, 410), (9, 0, 0.9, 300)])
    # row 3 is another class, row 4 too far away
    assert nearest(first, second).tolist() == [3, 1, 2, -1, -1]


def test_the_nearest_pair_goes_first():
    """The first row would take the second's partner if rows were served in order."""
    first, second = marks([(1, 0, 0.00, 300), (1, 0, 0.10, 300)]), marks([(1, 0, 0.09, 300), (1, 0, -0.15, 300)])
    assert nearest(first, second).tolist() == [1, 0]


def test_outer_join_of_three():
    a = marks([(1, 0, 0.0, 300), (2, 0, 0.0, 300)])
    b = marks([(3, 0, 0.5, 300), (1, 0, 0.0, 305)])
    c = marks([(3, 0, 0.5, 310), (2, 0, 0.02, 300), (5, 1, 0.0, 300)])
    assert join([a, b, c]).tolist() == [[0, 1, -1], [1, -1, 1], [-1, 0, 0], [-1, -1, 2]]


def two_files(folder, **changes):
    """Files of the same jets: the second with 60 collisions, measured a little otherwise, in another order, some missing."""
    paths = [mock_file(folder / f"mu{mu}.h5", 3000, seed=3, configuration=f'{{"engine":"mock","pileup":{mu}}}') for mu in (0, 60)]
    rng = np.random.default_rng(1)
    with h5py.File(paths[1], "r+") as opened:
        rows = opened["jets"][:]
        rows["eta"] += rng.normal(0, 0.01, len(rows)).astype("f4")
        rows["pt"] *= np.exp(rng.normal(0, 0.02, len(rows))).astype("f4")
        rows["eventNumber"][::50] += 1  # these are other events' jets now, of the same split or not
        opened["jets"][:] = rows[rng.permutation(len(rows))]
        for name, value in changes.items():
            opened["jets"].attrs[name] = value
    return paths


def test_views_of_files(tmp_path):
    views = Views.load(two_files(tmp_path))
    assert views.pileup == (0.0, 60.0)
    counts = views.counts()["train"]
    assert counts["all"] + counts["missing"][0] + counts["missing"][1] == counts["jets"]
    assert 0.015 * counts["jets"] < counts["missing"][1] < 0.03 * counts["jets"]
    rows, (first, second) = views.rows["train"], (one.train for one in views.data)
    both = rows[(rows >= 0).all(axis=1)]
    assert np.array_equal(first.event[both[:, 0]], second.event[both[:, 1]])
    k = views.data[0].inputs.index("vr1_ip3d_bu")
    assert np.array_equal(first.x[both[:, 0], k], second.x[both[:, 1], k])


def test_together(tmp_path):
    views = Views.load(two_files(tmp_path), ("pt", "vr1_ip3d_bu"))
    train, rows = views.together().train, views.rows["train"]
    assert train.x.shape == (len(rows), 2, 2)
    assert np.array_equal(np.isnan(train.x).all(axis=2), rows < 0) and np.array_equal(np.isnan(train.x).any(axis=2), rows < 0)
    late = np.flatnonzero(rows[:, 0] < 0)
    assert len(late) and np.array_equal(train.event[late], views.data[1].train.event[rows[late, 1]])
    assert np.array_equal(train.y[:len(views.data[0].train)], views.data[0].train.y)
    test = views.together().test
    assert np.array_equal(test.x[:, 0], views.data[0].test.x)  # the first file's, and no other


def test_files_that_do_not_belong_together(tmp_path):
    first, second = two_files(tmp_path, seed=4)
    with pytest.raises(DataError, match=r"do not hold the same jets, they differ in seed 3 and 4; allowed"):
        require_same_jets([first, second])
    with pytest.raises(DataError, match=r"same pile-up of 0; allowed: a different one"):
        require_same_jets([first, first])
    with pytest.raises(ConfigError, match=r"1 file is given; allowed are two or more"):
        require_same_jets([first])
    other = mock_file(tmp_path / "other.h5", 3000, seed=8, configuration='{"engine":"mock","pileup":200}')
    with h5py.File(other, "r+") as opened:
        rows = opened["jets"][:]
        rows["eventNumber"] += 10_000_000
        opened["jets"][:] = rows
        opened["jets"].attrs["seed"] = 3
    with pytest.raises(DataError, match="no jet of split 'train' is in all of"):
        Views.load([first, other])

"""Scores are put in order by the rows' identities; what is missing, doubled, foreign or not finite is refused by name."""

import json
import os

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pseudoexp.benchmark.rows import Rows
from pseudoexp.benchmark.scores import align, of_arrays, read_scores, save_scores, scores_sha256
from pseudoexp.errors import ConfigError, DataError, PseudoexpError, SchemaError

EVENT = np.array([19, 19, 29, 39, 39, 39, 49])
JET = np.array([0, 1, 0, 0, 1, 2, 0])
ROW = np.array([3, 4, 8, 11, 12, 20, 31])
SCORE = np.linspace(0.1, 0.7, 7)


def rows():
    n = len(EVENT)
    return Rows(y=np.arange(n) % 2, weight=np.ones(n), physical=np.ones(n), event=EVENT, jet=JET, row=ROW, pt=np.ones(n),
                mass=np.ones(n), flavour=np.zeros(n))


def aligned(**arrays):
    return align(of_arrays(arrays, "scores.npz"), rows(), "split 'test'")


@pytest.mark.parametrize("keys", [("eventNumber", "jet"), ("row",), ("eventNumber", "jet", "row"), ("eventNumber", "row")])
def test_order_does_not_matter(keys):
    known = {"eventNumber": EVENT, "jet": JET, "row": ROW}
    order = np.random.default_rng(1).permutation(7)
    found = aligned(score=SCORE[order], **{key: known[key][order] for key in keys})
    assert np.array_equal(found, SCORE[:, None])


def test_events_in_any_order_in_the_file():
    order = np.random.default_rng(2).permutation(7)
    mixed = Rows(**{name: values[order] for name, values in vars(rows()).items()})
    found = align(of_arrays({"score": SCORE, "eventNumber": EVENT, "jet": JET}, "a"), mixed, "split")
    assert np.array_equal(found[:, 0], SCORE[order])


def test_one_column_per_seed():
    many = SCORE[:, None] + np.arange(3)
    assert np.array_equal(aligned(score=many[::-1], row=ROW[::-1]), many)


def changed(values, place, value):
    values = values.copy()
    values[place] = value
    return values


@pytest.mark.parametrize(("arrays", "message"), [
    ({"score": SCORE[1:], "row": ROW[1:]}, r"no score for row 3 \(eventNumber 19, jet 0\) of split 'test'; allowed"),
    ({"score": SCORE[2:], "eventNumber": EVENT[2:], "jet": JET[2:]}, r"no score for row 3 .* \(and 1 more\)"),
    ({"score": SCORE, "row": changed(ROW, 2, 3)}, r"entry 0 \(row 3\) stands there again as entry 2"),
    ({"score": SCORE, "eventNumber": EVENT, "jet": changed(JET, 1, 0)}, r"entry 0 \(eventNumber 19, jet 0\) stands there again"),
    ({"score": SCORE, "row": changed(ROW, 2, 7)}, r"entry 2 \(row 7\) is no row of split 'test'"),
    ({"score": SCORE, "row": changed(ROW, 2, -1)}, r"entry 2 \(row -1\) is no row"),
    ({"score": SCORE, "row": changed(ROW, 2, 2**62)}, "is no row"),
    ({"score": SCORE, "eventNumber": changed(EVENT, 2, 28), "jet": JET}, r"entry 2 \(eventNumber 28, jet 0\) is no row"),
    ({"score": SCORE, "eventNumber": EVENT, "jet": changed(JET, 6, 1)}, r"entry 6 \(eventNumber 49, jet 1\) is no row"),
    ({"score": SCORE, "eventNumber": EVENT, "jet": changed(JET, 6, -1)}, r"entry 6 \(eventNumber 49, jet -1\) is no row"),
    ({"score": changed(SCORE, 5, np.nan), "row": ROW}, r"the score of entry 5 \(row 20\) is nan; allowed: finite"),
    ({"score": changed(SCORE, slice(5, 7), np.inf), "row": ROW}, r"entry 5 \(row 20\) is inf \(and 1 more\)"),
    ({"score": SCORE, "eventNumber": changed(EVENT, 3, 49), "row": ROW}, r"entry 3 .*: eventNumber of that row is 39"),
])
def test_what_is_refused_is_named(arrays, message):
    with pytest.raises(DataError, match=message):
        aligned(**arrays)


@pytest.mark.parametrize(("arrays", "message"), [
    ({"row": ROW}, "no column 'score'; it holds: row"), ({}, "it holds: nothing"), ({"score": SCORE}, "nothing says which rows"),
    ({"score": SCORE, "jet": JET}, "nothing says"), ({"score": SCORE.astype(int), "row": ROW}, "score is an array .* of int64"),
    ({"score": SCORE.astype(str), "row": ROW}, "score is"), ({"score": SCORE.reshape(7, 1, 1), "row": ROW}, "score is"),
    ({"score": np.zeros((7, 101)), "row": ROW}, "at most 100 seeds"), ({"score": np.zeros(0), "row": ROW[:0]}, "score is"),
    ({"score": np.float64(1.0), "row": ROW}, "score is"), ({"score": np.zeros((7, 0)), "row": ROW}, "score is"),
    ({"score": SCORE, "row": ROW[1:]}, r"row is an array \(6,\) of int64; allowed: whole numbers, one for each of 7"),
    ({"score": SCORE, "row": ROW.astype(float)}, "row is an array"), ({"score": SCORE, "row": ROW[:, None]}, "row is an array"),
    ({"score": SCORE, "row": np.full(7, 2**64 - 1, dtype=np.uint64)}, "18446744073709551615"),
])
def test_columns_of_the_wrong_kind(arrays, message):
    with pytest.raises(ConfigError, match=message):
        aligned(**arrays)


INTEGERS = hnp.arrays(np.int64, st.integers(0, 9), elements=st.integers(-2, 60))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["score", "eventNumber", "jet", "row", "other"]), hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint64, np.bool_, np.complex128, "S3", "datetime64[s]"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=8)) | INTEGERS))
def test_any_arrays(arrays):
    try:
        assert np.isfinite(aligned(**arrays)).all()
    except PseudoexpError as error:
        assert error.exit_code == 2 and "\n" not in str(error)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(7)), st.integers(0, 6), st.sampled_from(["missing", "doubled", "foreign", "nothing"]))
def test_one_wrong_row_among_right_ones(order, place, what):
    event, jet, score = EVENT[list(order)], JET[list(order)], SCORE[list(order)]
    if what == "missing":
        event, jet, score = (np.delete(values, place) for values in (event, jet, score))
    elif what == "doubled":
        event, jet, score = (np.append(values, values[place]) for values in (event, jet, score))
    elif what == "foreign":
        event, jet, score = np.append(event, 1000), np.append(jet, 0), np.append(score, 0.0)
    if what == "nothing":
        assert np.array_equal(aligned(score=score, eventNumber=event, jet=jet)[:, 0], SCORE)
    else:
        with pytest.raises(DataError):
            aligned(score=score, eventNumber=event, jet=jet)


def test_files_of_any_kind_are_the_same_scores(tmp_path):
    single = SCORE.astype(np.float32)
    save_scores(tmp_path / "a.npz", single, EVENT, JET)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        for name, values in (("score", single), ("row", ROW[:])):
            file.create_dataset(name, data=values, compression="gzip")
    table = np.zeros(7, dtype=[("eventNumber", "<i8"), ("jet", "<i4"), ("score", "<f4"), ("more", "<f8")])
    table["eventNumber"], table["jet"], table["score"] = EVENT, JET, single
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["scores"] = table[::-1]
    found = [align(read_scores(tmp_path / name), rows(), "split") for name in ("a.npz", "b.h5", "c.h5")]
    assert all(np.array_equal(one, single[:, None]) for one in found)
    assert len({scores_sha256(one, rows()) for one in found}) == 1
    assert scores_sha256(found[0] + 1, rows()) != scores_sha256(found[0], rows())
    with np.load(tmp_path / "a.npz") as stored:
        assert stored["score"].dtype == np.float32


def test_files_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_scores(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("score")
    with pytest.raises(SchemaError, match=r"not an \.npz or HDF5 file of scores"):
        read_scores(tmp_path / "text.npz")
    np.savez(tmp_path / "pickle.npz", score=np.array([{}], dtype=object), row=np.array([1]))
    with pytest.raises(SchemaError, match="allow_pickle"):
        read_scores(tmp_path / "pickle.npz")
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(SchemaError, match="not a file of scores"):
        read_scores(tmp_path / "cut.h5")
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("score", (7,), "<f8", external=[("/etc/passwd", 0, 56)])
        file["row"] = h5py.ExternalLink("b.h5", "row")
    with pytest.raises(SchemaError, match="another file"):
        read_scores(tmp_path / "external.h5")
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("score", (10**12,), "<f8", chunks=(1000,))
    with pytest.raises(SchemaError, match="larger than"):
        read_scores(tmp_path / "huge.h5")


def test_scores_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        save_scores(tmp_path / "none" / "a.npz", SCORE, EVENT, JET)
    with pytest.raises(DataError, match="nan"):
        save_scores(tmp_path / "a.npz", SCORE * np.nan, EVENT, JET)
    assert json.dumps([p.name for p in tmp_path.iterdir()]) == "[]"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scores.npz")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_scores(tmp_path / "scores.npz")

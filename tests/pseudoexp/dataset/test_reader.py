"""`load`: the right rows, columns, targets and weights, lazily, in batches, mapped where possible."""

import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
from mock_file import mock_file, mock_jets

import pseudoexp
from pseudoexp.dataset import reader, schema
from pseudoexp.errors import ConfigError, DamagedFile, SchemaError


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return mock_file(tmp_path_factory.mktemp("reader") / "a.h5", n=45_001, seed=5)


@pytest.fixture(scope="module")
def rows(path) -> np.ndarray:
    with h5py.File(path) as file:
        return file["jets"][:]


def inputs(rows: np.ndarray) -> np.ndarray:
    return np.stack([rows[name] for name in schema.INPUTS], axis=1)


@pytest.mark.parametrize(("split", "residues"), [("train", range(8)), ("val", [8]), ("test", [9]), (None, range(10))])
def test_splits(path, rows, split, residues):
    expected = rows[np.isin(rows["eventNumber"] % 10, list(residues))]
    bunch = pseudoexp.load(path, split=split)
    assert bunch.data.dtype == np.float32 and np.array_equal(bunch.data, inputs(expected))
    assert bunch.target.dtype == np.int8 and np.array_equal(bunch.target, expected["flavour_label"] == 0)
    assert np.array_equal(bunch.weight, expected["benchmarkWeight"])
    assert bunch.feature_names == list(schema.INPUTS)
    assert "MeV" in bunch.DESCR and "45001" in bunch.DESCR


def test_default_is_train_and_pair(path):
    data, target = pseudoexp.load(path, return_X_y=True)
    bunch = pseudoexp.load(path, "train")
    assert np.array_equal(data, bunch.data) and np.array_equal(target, bunch.target)


def test_all_rows_are_a_private_view_into_the_file(path):
    before = path.read_bytes()
    bunch = pseudoexp.load(path, split=None)
    assert bunch.data.strides == (schema.JET_DTYPE.itemsize, 4) and not bunch.data.flags.owndata
    bunch.data[:] = 0
    assert path.read_bytes() == before


def test_reading_waits_until_asked_and_keys_are_complete(path):
    bunch = pseudoexp.load(path)
    assert not dict.__contains__(bunch, "data") and "data" in bunch
    assert set(bunch) == set(bunch.keys()) == {"data", "target", "weight", "feature_names", "DESCR"}
    assert not dict.__contains__(bunch, "data")
    assert len(dict(bunch)["data"]) == len(bunch["target"])
    with pytest.raises(AttributeError):
        _ = bunch.nothing


@pytest.mark.parametrize("size", [1000, 7777, 100_000])
def test_batches_are_the_whole_in_pieces(path, size):
    bunch = pseudoexp.load(path, "train", weight="physical")
    batches = list(bunch.batches(size))
    assert [len(b.target) for b in batches[:-1]] == [size] * (len(batches) - 1)
    for name in ("data", "target", "weight"):
        assert np.array_equal(np.concatenate([b[name] for b in batches]), bunch[name])


def test_batches_are_read_ahead_in_a_thread_that_ends_with_them(path, monkeypatch):
    """The thread reads on while the caller has a batch, but not the whole file; dropping the batches ends it."""
    read, more = [], threading.Event()

    def noted(info, dataset, size):
        for block in blocks(info, dataset, size):
            read.append((threading.current_thread() is threading.main_thread(), len(block)))
            if len(read) > 1:
                more.set()
            yield block

    blocks = reader.blocks
    monkeypatch.setattr(reader, "blocks", noted)
    batches = pseudoexp.load(path, None).batches(1000)
    assert read == [] and threading.active_count() == 1
    next(batches)
    assert more.wait(20.0) and threading.active_count() == 2
    del batches
    assert threading.active_count() == 1
    assert not any(main for main, _ in read) and sum(rows for _, rows in read) < 45_001 / 2


def test_damage_in_a_batch_is_the_callers_error(tmp_path):
    packed = mock_file(tmp_path / "b.h5", n=20_000, compression="gzip")
    with h5py.File(packed) as file:
        stored = file["jets"].id.get_chunk_info(15)
    content = bytearray(packed.read_bytes())
    content[stored.byte_offset + stored.size // 2] ^= 0xFF
    packed.write_bytes(content)
    rows = 0
    with pytest.raises(DamagedFile, match=r"rows 1\d+ to 1\d+ of `jets` cannot be decompressed"):
        for batch in pseudoexp.load(packed, None).batches(1000):
            rows += len(batch.target)
    assert rows >= 10_000 and threading.active_count() == 1


def test_physical_weights_estimate_one_cross_section_in_every_split(path, rows):
    for label, process in ((1, 0), (0, 1)):
        mine = rows["flavour_label"] == process
        whole = rows["mcEventWeight"][mine].sum() / (2 * mine.sum())
        for split in ("train", "val", "test", None):
            bunch = pseudoexp.load(path, split=split, weight="physical")
            total = bunch.weight[bunch.target == label].sum()
            assert total == pytest.approx(whole, rel=1e-12 if split is None else 0.05)


def test_columns_of_any_kind(path, rows):
    bunch = pseudoexp.load(path, split=None, columns=["mass", "vr2_has_sv"], weight=None)
    assert bunch.data.dtype == np.float32 and bunch.weight is None
    assert np.array_equal(bunch.data[:, 1], rows["vr2_has_sv"]) and np.array_equal(bunch.data[:, 0], rows["mass"])
    wide = pseudoexp.load(path, split=None, columns=["eventNumber", "tau21"]).data
    assert wide.dtype == np.float64 and np.array_equal(wide[:, 0], rows["eventNumber"])


def test_to_pandas(path):
    pytest.importorskip("pandas")
    frame = pseudoexp.load(path, "val").to_pandas()
    assert list(frame.columns) == [*schema.INPUTS, "target", "weight"]
    assert len(frame) == len(pseudoexp.load(path, "val").target)
    assert "weight" not in pseudoexp.load(path, "val", weight=None).to_pandas()


@pytest.mark.parametrize("compression", ["lzf", "gzip"])
def test_compressed_files_read_the_same(path, tmp_path, compression):
    packed = mock_file(tmp_path / "b.h5", n=45_001, seed=5, compression=compression)
    assert np.array_equal(pseudoexp.load(packed, None).data, pseudoexp.load(path, None).data)


def test_unmatched_rows_stay_out_unless_asked_for(tmp_path):
    from pseudoexp.dataset.metadata import Provenance, Tally
    from pseudoexp.dataset.writer import FileWriter

    matrix = mock_jets(300)
    matrix[::3, schema.row("flavour_label")] = 2
    with FileWriter(tmp_path / "a.h5", 300, Provenance("{}", "", 1, unmatched=True)) as writer:
        writer.write(schema.pack_jets(matrix))
        writer.finish(Tally((300, 300), (1.0, 1.0)))
    assert len(pseudoexp.load(tmp_path / "a.h5", None).target) == 200
    kept = pseudoexp.load(tmp_path / "a.h5", None, keep_unmatched=True)
    assert (kept.target[::3] == -1).all() and (kept.target >= 0).sum() == 200


@pytest.mark.parametrize(("options", "message"), [
    ({"split": "valid"}, "train, val, test"), ({"weight": "other"}, "benchmark, physical"),
    ({"columns": ["pt", "nope"]}, "'nope'"), ({"columns": []}, "at least one"), ({"columns": "pt"}, "sequence")])
def test_wrong_arguments(path, options, message):
    with pytest.raises(ConfigError, match=message):
        pseudoexp.load(path, **options)


def test_labels_that_do_not_exist(tmp_path):
    bad = mock_file(tmp_path / "a.h5", n=100)
    with h5py.File(bad, "r+") as file:
        rows = file["jets"][:]
        rows["flavour_label"][50] = 7
        file["jets"][:] = rows
    with pytest.raises(SchemaError, match="flavour_label holds 0 to 7"):
        _ = pseudoexp.load(bad, None).data


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "10"])
def test_wrong_batch_size(path, size):
    with pytest.raises(ConfigError, match="positive integer"):
        pseudoexp.load(path).batches(size)


def test_memory_of_batches_is_flat(path, tmp_path):
    big = mock_file(tmp_path / "big.h5", n=150_000)
    script = ("import resource, sys, pseudoexp\n"
              "for path in sys.argv[1:]:\n"
              "    rows = sum(len(b.target) for b in pseudoexp.load(path).batches(5000))\n"
              "    print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n")
    done = subprocess.run([sys.executable, "-c", script, path, big], capture_output=True, text=True, check=True)
    (_, small_peak), (rows, big_peak) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert rows == pytest.approx(120_000, abs=1000)
    assert big_peak - small_peak < 10_000  # kB; the file has 42 MB

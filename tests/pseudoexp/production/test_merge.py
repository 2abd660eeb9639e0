"""Shards merged are the file of one run, byte for byte; what does not fit together is named."""

import json
import shutil

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess
from mock_file import mock_file

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import ConfigError, DamagedFile, DataError, SchemaError
from pseudoexp.production import run

N = 3000
OF = 3


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run, "start_workers", InProcess)


def make(out, n=N, **options):
    return pseudoexp.generate(n, out, make_chunk=fake_chunks.make_chunk, **options)


def shards(folder, of=OF, n=N, **options):
    folder.mkdir(exist_ok=True)
    for i in range(1, of + 1):
        make(folder / f"{i}.h5", n, shard=f"{i}/{of}", **options)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("options", [
    {}, {"tracks": 2, "keep_unmatched": True}, {"signal_fraction": 0.1}, {"signal_fraction": 1.0},
    {"engine": "builtin", "variations": True}])
def test_the_same_bytes_as_one_run(tmp_path, options):
    straight = make(tmp_path / "straight.h5", **options)
    merged = pseudoexp.merge(shards(tmp_path / "shards", **options), tmp_path / "merged.h5")
    assert merged.dataset_hash == straight.dataset_hash and merged.rows == straight.rows
    assert merged.events_tried == straight.events_tried and merged.filter_efficiency == straight.filter_efficiency
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "straight.h5").read_bytes()
    assert not (tmp_path / "merged.h5.parts").exists()


def test_compressed_shards_into_a_compressed_file(tmp_path):
    straight = make(tmp_path / "straight.h5", compression="gzip")
    merged = pseudoexp.merge(shards(tmp_path / "shards", compression="gzip"), tmp_path / "merged.h5", compression="gzip")
    assert merged.sha256 == straight.sha256


def test_many_shards_of_few_rows(tmp_path):
    straight = make(tmp_path / "straight.h5", 40)
    assert pseudoexp.merge(shards(tmp_path / "s", of=7, n=40), tmp_path / "a.h5").dataset_hash == straight.dataset_hash


def test_a_shard_is_a_dataset(tmp_path):
    path = shards(tmp_path / "s")[2]
    assert path.name == "2.h5"
    verify(path)
    with h5py.File(path) as file:
        table, jets, attributes = file["chunks"][:], file["jets"][:], dict(file["jets"].attrs)
    assert attributes["shard"] == "2/3" and (table["chunk"] % 3 == 1).all() and table["rows"].sum() == len(jets)
    assert json.loads(attributes["configuration"])["n"] == N
    process, event = schema.engine_event_number(jets["eventNumber"])
    assert np.array_equal(event // schema.EVENTS_PER_CHUNK, np.repeat(table["chunk"], table["rows"]))
    assert np.array_equal(process, np.repeat(table["process"], table["rows"]))
    assert list(attributes["events_tried"]) == [250 * (table["process"] == p).sum() for p in (0, 1)]
    assert len(pseudoexp.load(path, "test").target) > 0


def test_a_shard_is_resumed_as_itself(tmp_path):
    make(tmp_path / "a.h5", shard="1/2")
    assert "rate" not in make(tmp_path / "a.h5", shard="1/2", resume=True)
    for other in ("2/2", ""):
        with pytest.raises(ConfigError, match="shard: '1/2', not"):
            make(tmp_path / "a.h5", shard=other, resume=True)


def test_a_shard_is_deterministic(tmp_path):
    first = make(tmp_path / "a.h5", shard="2/4")
    assert make(tmp_path / "b.h5", shard="2/4").sha256 == first.sha256


def refused(tmp_path, files, error, message, **options):
    with pytest.raises(error, match=message):
        pseudoexp.merge(files, tmp_path / "data.h5", **options)
    assert not list(tmp_path.glob("data.h5*"))


def test_what_does_not_fit_together(tmp_path):
    files = [path for path in shards(tmp_path / "s") if path.suffix == ".h5"]
    shutil.copy(files[0], tmp_path / "copy.h5")
    make(tmp_path / "seed.h5", seed=2, shard="3/3")
    make(tmp_path / "n.h5", 2000, shard="3/3")
    make(tmp_path / "four.h5", shard="4/4")
    make(tmp_path / "whole.h5")
    refused(tmp_path, files[1:], DataError, "missing: shard 1/3$")
    refused(tmp_path, files[:1], DataError, "missing: shard 2/3, 3/3$")
    refused(tmp_path, [*files, tmp_path / "copy.h5"], ConfigError, r"s/1.h5 and .*copy.h5 overlap: both are shard 1/3")
    refused(tmp_path, [*files[:2], tmp_path / "seed.h5"], ConfigError, r"seed.h5 was made with another .* \(seed: 2, not 1\)")
    refused(tmp_path, [*files[:2], tmp_path / "n.h5"], ConfigError, "n.h5 was made for n = 2000, .*1.h5 for 3000; --n")
    refused(tmp_path, [*files[:2], tmp_path / "four.h5"], ConfigError, "1.h5 is shard 1/3, .*four.h5 is shard 4/4")
    refused(tmp_path, [tmp_path / "whole.h5"], ConfigError, "whole.h5: not a shard; allowed: files made with --shard")
    refused(tmp_path, [mock_file(tmp_path / "mock.h5", 20)], ConfigError, "not a shard")
    refused(tmp_path, [], ConfigError, "no shard given")
    refused(tmp_path, files, DataError, r"shard ./3 ends before (signal|qcd) chunk .*; make it again", n="30k")
    (tmp_path / "s" / "1.h5.parts").mkdir()
    refused(tmp_path, [*files, tmp_path / "s" / "1.h5.parts"], ConfigError, "unfinished shard")
    assert pseudoexp.merge(files, tmp_path / "less.h5", n=2000).dataset_hash == make(tmp_path / "straight.h5", 2000).dataset_hash


def test_a_damaged_shard_is_named(tmp_path):
    files = shards(tmp_path / "s")
    with h5py.File(files[2]) as file:
        places = [file[name].id.get_offset() for name in ("jets", "chunks")]
    good = files[2].read_bytes()
    for place in places:
        damaged = bytearray(good)
        damaged[place + 50] ^= 1
        files[2].write_bytes(damaged)
        refused(tmp_path, files, DamagedFile, r"2.h5: `(jets|chunks)` is damaged")


def test_existing_files_are_kept_without_force(tmp_path):
    files = shards(tmp_path / "s")
    (tmp_path / "data.h5").write_text("thesis")
    with pytest.raises(ConfigError, match="--force"):
        pseudoexp.merge(files, tmp_path / "data.h5")
    assert (tmp_path / "data.h5").read_text() == "thesis"
    pseudoexp.merge(files, tmp_path / "data.h5", force=True)


def test_after_a_merge_that_was_killed(tmp_path, monkeypatch):
    files = shards(tmp_path / "s")
    with monkeypatch.context() as patch:  # as kill -9: nothing is cleared away
        patch.setattr("pseudoexp.production.spool.Parts.__exit__", lambda self, *error: self.release())
        patch.setattr("pseudoexp.production.merge.publish", lambda draft, path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pseudoexp.merge(files, tmp_path / "data.h5")
    assert sorted(path.name for path in (tmp_path / "data.h5.parts").iterdir()) == ["assembly.h5", "manifest.json"]
    pseudoexp.merge(files, tmp_path / "data.h5")
    assert not (tmp_path / "data.h5.parts").exists()


def test_a_configuration_that_is_none(tmp_path):
    path = tmp_path / "s.h5"
    make(path, shard="1/2")
    with h5py.File(path, "r+") as file:
        file["jets"].attrs["configuration"] = '{"n": 10}'
    shutil.copy(path, tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        file["jets"].attrs["shard"] = "2/2"
    refused(tmp_path, [path, tmp_path / "t.h5"], SchemaError, "its configuration is not one of")

"""The dataset of images, from the chunk to the verified, repaired, merged and resumed file."""

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError
from pseudoexp.production import again, run
from pseudoexp.production.chunk import ChunkRows, pack
from pseudoexp.production.plan import row_bytes
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.spool import read_chunk, write_chunk

PIXELS = 4


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for module in (run, again):
        monkeypatch.setattr(module, "start_workers", InProcess)


def make(out, n=1500, images=PIXELS, **options):
    return pseudoexp.generate(n, out, make_chunk=fake_chunks.make_chunk, images=images, **options)


def content(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


@pytest.mark.parametrize("options", [{}, {"keep_unmatched": True, "tracks": 2, "compression": "gzip"}])
def test_images_stay_with_their_rows(tmp_path, options):
    make(tmp_path / "a.h5", **options)
    rows = content(tmp_path / "a.h5")
    images, number = rows["images"], rows["jets"]["eventNumber"]
    assert images.shape == (len(number), PIXELS, PIXELS) and images.dtype == schema.IMAGE_DTYPE
    process, event = schema.engine_event_numbers(number)
    assert np.array_equal(images["em"][:, 0, 1], event) and np.array_equal(images["had"][:, 2, 3], process)
    info = verify(tmp_path / "a.h5").info
    assert info.datasets["images"].shape == images.shape
    with h5py.File(tmp_path / "a.h5") as file:
        assert '"em":"GeV"' in file["images"].attrs["units"]


def test_rows_are_those_without(tmp_path):
    make(tmp_path / "with.h5")
    make(tmp_path / "without.h5", images=0)
    images, none = content(tmp_path / "with.h5"), content(tmp_path / "without.h5")
    assert sorted(images) == ["images", "jets"] and list(none) == ["jets"]
    assert images["jets"].tobytes() == none["jets"].tobytes()
    assert probe(tmp_path / "with.h5").jets.locators == probe(tmp_path / "without.h5").jets.locators
    x, y = (pseudoexp.load(tmp_path / name, None).data for name in ("with.h5", "without.h5"))
    assert np.array_equal(x, y)
    make(tmp_path / "short.h5", 400)
    assert np.array_equal(content(tmp_path / "short.h5")["images"], images["images"][:400])


def test_a_file_without_images_is_what_it_always_was():
    without, images = (RunConfig.from_options(10, images=n) for n in (0, 8))
    assert "images" not in without.identity() and images.identity()["images"] == 8
    assert without.hash() == RunConfig.from_options(10).hash() != images.hash()
    assert images.identity()["dataset_version"] == without.identity()["dataset_version"]


@pytest.mark.parametrize("value", [-1, 65, 1.5, "many"])
def test_limits(value):
    with pytest.raises(ConfigError, match=r"images = .*; allowed: a whole number from 0 to 64"):
        RunConfig.from_options(10, images=value)


def test_size_and_rounding():
    assert row_bytes(0, images=32) - row_bytes(0) == 32 * 32 * 4
    tie = 1.0 + 2.0**-11  # half-way between two numbers of half precision
    matrix = np.array([[[[tie, 1.0 + 3 * 2.0**-11], [1000.3, 0.0]]]])
    packed = schema.pack_images(matrix)
    assert packed.shape == (1, 1, 2)
    assert packed["em"][0, 0].tolist() == [1.0, 1000.5] and packed["had"][0, 0].tolist() == [1.0 + 2.0**-9, 0.0]


def test_missing_images_are_refused_and_chunks_come_back(tmp_path):
    config = RunConfig.from_options(10, images=PIXELS, tracks=2)
    with pytest.raises(GenerationError, match="not 4 x 4 pixels per row"):
        pack(config, 0, 0, ChunkRows(np.zeros((0, len(schema.JET_FIELDS))), np.zeros((0, 2, 18)), 0.0))
    packed = pack(config, 0, 3, fake_chunks.make_chunk(config, 0, 3))
    write_chunk(tmp_path / "a.rows", packed)
    back = read_chunk(tmp_path / "a.rows")
    assert back.images.tobytes() == packed.images.tobytes() and back.tracks.tobytes() == packed.tracks.tobytes()


def test_damage_is_named_and_repaired(tmp_path):
    path = tmp_path / "a.h5"
    make(path, tracks=2)
    good = path.read_bytes()
    damaged = bytearray(good)
    damaged[probe(path).datasets["images"].offset + (100 * PIXELS * PIXELS + 1) * 4] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DamagedFile, match="`images` is damaged in block 0"):
        verify(path)
    with pytest.raises(DamagedFile, match=r"1 damaged rows: images\[100\] \(em\)"):
        pseudoexp.verify(path, make_chunk=fake_chunks.make_chunk)
    found = pseudoexp.verify(path, repair=True, make_chunk=fake_chunks.make_chunk)
    assert [(c.dataset, c.row) for c in found.changed] == [("images", 100)] and path.read_bytes() == good


def test_shards_and_resumed_runs_give_the_same_bytes(tmp_path):
    options = {"tracks": 2, "keep_unmatched": True}
    straight = make(tmp_path / "straight.h5", **options)
    shards = [tmp_path / f"{i}.h5" for i in (1, 2, 3)]
    for i, shard in enumerate(shards, 1):
        make(shard, shard=f"{i}/3", **options)
    merged = pseudoexp.merge(shards, tmp_path / "merged.h5")
    assert merged.sha256 == straight.sha256
    with pytest.raises(GenerationError):
        pseudoexp.generate(1500, tmp_path / "broken.h5", make_chunk=fake_chunks.full_disk_at_chunk_3, images=PIXELS, **options)
    assert make(tmp_path / "broken.h5", resume=True, **options).sha256 == straight.sha256


def test_conversion_leaves_images_out(tmp_path):
    pytest.importorskip("pyarrow")
    make(tmp_path / "a.h5", 100)
    pseudoexp.convert(tmp_path / "a.h5", tmp_path / "a.parquet", to="parquet")
    with pytest.raises(ConfigError, match="no column 'images'"):
        pseudoexp.convert(tmp_path / "a.h5", tmp_path / "b.parquet", to="parquet", columns=["images"])

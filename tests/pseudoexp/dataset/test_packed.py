"""Rows unpacked here are those that HDF5 unpacks, whatever the blocks; other filters are left to HDF5."""

import zlib

import h5py
import numpy as np
import pytest

from pseudoexp.dataset import packed

DTYPE = np.dtype([("a", "<f4"), ("b", "<i8"), ("c", "?")])
ROWS = 257


def rows(*shape):
    values = np.random.default_rng(1).integers(0, 50, (*shape, DTYPE.itemsize), dtype=np.uint8)
    values[..., -1] %= 2
    return values.view(DTYPE)[..., 0]


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, shape in (("jets", (ROWS,)), ("tracks", (ROWS, 3)), ("images", (ROWS, 2, 2))):
            for ending, compression in (("", "gzip"), ("_lzf", "lzf")):
                file.create_dataset(name + ending, data=rows(*shape), chunks=(20, *shape[1:]), compression=compression,
                                    shuffle=True)
        yield file


@pytest.mark.parametrize("compression", ["", "_lzf"])
@pytest.mark.parametrize("name", ["jets", "tracks", "images"])
@pytest.mark.parametrize("size", [20, 33, 60, ROWS, 1000])
def test_the_same_bytes(file, monkeypatch, name, compression, size):
    monkeypatch.setattr(packed, "LEAST_LZF", 0)
    stored = file[name + compression]
    assert packed.is_ours(stored)
    found = list(packed.unpacked(stored, size))
    assert [len(block) for block in found[:-1]] == [size] * (len(found) - 1) and found[0].dtype == stored.dtype
    assert b"".join(block.tobytes() for block in found) == stored[:].tobytes()


@pytest.mark.parametrize("skipped", [1, 2, 3])
def test_a_piece_that_was_stored_without_a_filter(file, skipped):
    """Bit 0 stands for shuffling, bit 1 for gzip."""
    wanted = rows(20).tobytes()
    content = wanted if skipped & 1 else rows(20).view(np.uint8).reshape(20, -1).T.tobytes()
    file["jets"].id.write_direct_chunk((40,), content if skipped & 2 else zlib.compress(content), skipped)
    name = file.filename
    file.close()
    with h5py.File(name) as again:
        found = np.concatenate(list(packed.unpacked(again["jets"], 100)))
        assert found[40:60].tobytes() == wanted == again["jets"][40:60].tobytes()


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content[:50] + b"\xff\xff" + content[52:],
                                   lambda content: content[:1], lambda content: content[:-2] + b"??"])
def test_damage_is_an_error(file, spoil):
    stored = file["jets"]
    stored.id.write_direct_chunk((40,), spoil(stored.id.read_direct_chunk((40,))[1]))
    with pytest.raises(OSError):
        list(packed.unpacked(stored, 60))


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content + b"\x00a",
                                   lambda content: b"\x20\x00" + content])
def test_damaged_lzf_is_an_error(file, monkeypatch, spoil):
    monkeypatch.setattr(packed, "LEAST_LZF", 0)
    stored = file["jets_lzf"]
    stored.id.write_direct_chunk((40,), spoil(stored.id.read_direct_chunk((40,))[1]))
    with pytest.raises(OSError, match="LZF"):
        list(packed.unpacked(stored, 60))


def test_little_in_lzf_is_left_to_hdf5(file):
    assert not packed.is_ours(file["jets_lzf"])


def test_too_much_is_not_unpacked(file):
    stored = file["jets"]
    stored.id.write_direct_chunk((40,), zlib.compress(bytes(100_000_000)))
    with pytest.raises(OSError, match="too early or too late"):
        list(packed.unpacked(stored, 60))


@pytest.mark.parametrize("options", [{"compression": "lzf", "shuffle": True}, {"compression": "gzip"}, {"shuffle": True},
                                     {"compression": "gzip", "shuffle": True, "fletcher32": True}, {}])
def test_other_filters_are_not_ours(file, options):
    assert not packed.is_ours(file.create_dataset("other", data=rows(ROWS), chunks=(20,), **options))
    assert not packed.is_ours(file.create_dataset("cut", data=rows(ROWS, 4), chunks=(20, 2), compression="gzip", shuffle=True))

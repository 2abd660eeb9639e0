"""LZF is undone as its description says, whatever comes is kept within its bounds, and random rows come back."""

import h5py
import numpy as np
import pytest

from pseudoexp.dataset.lzf import unpack


def undone(packed, size):
    out = np.full(size + 8, 77, np.uint8)
    found = unpack(np.frombuffer(packed, np.uint8), out[:size])
    assert (out[size:] == 77).all()
    return bytes(out[:size]) if found else None


@pytest.mark.parametrize("packed, wanted", [
    (b"\x02abc", b"abc"),  # three to be copied
    (b"\x00a\x20\x00", b"aaaa"),  # three from one back: repeats what it writes
    (b"\x02abc\x40\x02", b"abcabca"),  # four from three back
    (b"\x00a\xe0\x05\x00", b"a" * 15),  # 7 + 5 + 2 from one back
    (b"\x1f" + bytes(range(32)) + b"\x20\x1f", bytes(range(32)) + b"\x00\x01\x02"),
    (b"", b""),
])
def test_instructions(packed, wanted):
    assert undone(packed, len(wanted)) == wanted
    assert undone(packed, len(wanted) + 1) is None
    assert not wanted or undone(packed, len(wanted) - 1) is None


@pytest.mark.parametrize("packed", [b"\x02ab", b"\x20", b"\xe0", b"\xe0\x05", b"\x20\x00", b"\x00a\x20\x01"])
def test_no_such_stream(packed):
    assert all(undone(packed, size) is None for size in range(20))


def test_noise_stays_within_bounds():
    rng = np.random.default_rng(5)
    for _ in range(300):
        undone(rng.integers(0, 256, rng.integers(1, 60), dtype=np.uint8).tobytes(), int(rng.integers(0, 200)))


@pytest.mark.parametrize("values", [2, 20, 256])
def test_what_h5py_packed(tmp_path, values):
    content = np.random.default_rng(values).integers(0, values, 100_000, dtype=np.uint8)
    content[40_000:] = np.tile(content[:3000], 20)  # long matches far back
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("a", data=content, chunks=(len(content),), compression="lzf")
        skipped, packed = stored.id.read_direct_chunk((0,))
    assert skipped == 0 and len(packed) < len(content)
    assert undone(packed, len(content)) == content.tobytes()

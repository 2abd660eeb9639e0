"""Changed rows are named and made again; any changed byte is found; a file is replaced only by what it was."""

import shutil
from contextlib import nullcontext
from dataclasses import replace

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.errors import ConfigError, DamagedFile, PseudoexpError
from pseudoexp.production import again, run, verifying

BLOCK = 10_000
ROWS = 2 * BLOCK + 500


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for module in (run, again):
        monkeypatch.setattr(module, "start_workers", InProcess)


def make(out, n=ROWS, **options):
    pseudoexp.generate(n, out, make_chunk=fake_chunks.make_chunk, **options)
    return out


def verify(path, **options):
    return pseudoexp.verify(path, make_chunk=fake_chunks.make_chunk, **options)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "start_workers", InProcess)
        return {"plain": make(folder / "plain.h5"),
                "other": make(folder / "other.h5", tracks=2, keep_unmatched=True, signal_fraction=0.3),
                "packed": make(folder / "packed.h5", 12_000, compression="gzip")}


def copy(original, folder):
    for path in (original, original.with_name(original.name + ".sha256")):
        shutil.copy(path, folder / path.name)
    return folder / original.name


def offset(path, name="jets"):
    with h5py.File(path) as file:
        return file[name].id.get_offset()


def flip(path, *positions):
    content = bytearray(path.read_bytes())
    for position in positions:
        content[position] ^= 1 << position % 8
    path.write_bytes(content)


def test_good_files(originals):
    for path in originals.values():
        checked = verify(path)
        assert not checked.repaired and checked.changed == [] and checked.sha256
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(again, "start_workers", None)
            assert verify(path, repair=True).sha256 == checked.sha256


@pytest.mark.parametrize("kind", ["plain", "other"])
@pytest.mark.parametrize("rows", [[0], [9_999], [10_000], [5, 10_017, 12_345], [-1], [0, -1]])
def test_changed_rows_are_named_and_made_again(tmp_path, originals, kind, rows):
    path = copy(originals[kind], tmp_path)
    with h5py.File(path) as file:
        total = len(file["jets"])
    rows = [row % total for row in rows]
    start, column = offset(path), schema.JET_DTYPE.fields["vr1_sv1_mass"][1]
    flip(path, *(start + row * schema.JET_DTYPE.itemsize + column for row in rows))
    names = ", ".join(rf"jets\[{row}\] \(vr1_sv1_mass\)" for row in rows)
    with pytest.raises(DamagedFile, match=f"{len(rows)} damaged rows: {names}; --repair"):
        verify(path)
    repaired = verify(path, repair=True)
    assert repaired.repaired and [(c.dataset, c.row) for c in repaired.changed] == [("jets", row) for row in rows]
    assert path.read_bytes() == originals[kind].read_bytes()


def changed_everywhere(path, rows, name="jets", dtype=schema.JET_DTYPE):
    start = offset(path, name)
    flip(path, *(start + row * dtype.itemsize + dtype.fields["pt"][1] for row in rows))


def test_a_list_names_all_rows_and_columns(tmp_path, originals):
    path, listing = copy(originals["plain"], tmp_path), tmp_path / "changed.txt"
    rows = list(range(7, ROWS, 500))
    changed_everywhere(path, rows)
    column = schema.JET_DTYPE.fields["vr1_sv1_mass"][1]
    flip(path, offset(path) + rows[-1] * schema.JET_DTYPE.itemsize + column)
    with pytest.raises(DamagedFile, match=f"{len(rows)} damaged rows: .* and {len(rows) - 20} more; --list FILE names all"):
        verify(path)
    with pytest.raises(DamagedFile, match=rf"and {len(rows) - 20} more; .*/changed\.txt names all, --repair"):
        verify(path, listing=listing)
    expected = [f"jets {row} pt" for row in rows] + [f"jets {rows[-1]} vr1_sv1_mass"]
    assert listing.read_text().splitlines() == expected
    with pytest.raises(ConfigError, match=r"changed\.txt exists; allowed: the name of a new file"):
        verify(path, listing=listing)
    listing.unlink()
    assert verify(path, repair=True, listing=listing).repaired and listing.read_text().splitlines() == expected
    listing.unlink()
    verify(path, listing=listing)
    assert not listing.exists()


def test_a_list_has_no_limit_of_blocks(tmp_path, originals, monkeypatch):
    monkeypatch.setattr(verifying, "MOST_BLOCKS", 1)
    path, listing = copy(originals["plain"], tmp_path), tmp_path / "changed.txt"
    changed_everywhere(path, [5, BLOCK + 5])
    with pytest.raises(DamagedFile, match=r"block 0 \(rows 0 to 9999\) and 1 more; --list FILE makes them again"):
        verify(path)
    with pytest.raises(DamagedFile, match="2 damaged rows"):
        verify(path, listing=listing)
    assert listing.read_text() == f"jets 5 pt\njets {BLOCK + 5} pt\n"


def test_a_list_of_rows_that_cannot_be_read_or_have_no_locators(tmp_path, originals):
    path, listing = copy(originals["packed"], tmp_path), tmp_path / "changed.txt"
    with h5py.File(path) as file:
        chunk = file["jets"].id.get_chunk_info(4)
    flip(path, *range(chunk.byte_offset + 50, chunk.byte_offset + 80))
    with pytest.raises(DamagedFile, match=r"changed\.txt names all"):
        verify(path, listing=listing)
    assert listing.read_text().splitlines()[:BLOCK:BLOCK - 1] == ["jets 0 unreadable", f"jets {BLOCK - 1} unreadable"]
    listing.unlink()
    path = copy(originals["plain"], tmp_path)
    changed_everywhere(path, [BLOCK + 5])
    with h5py.File(path, "r+") as file:
        del file["jets"].attrs["block_locators"]
    with pytest.raises(DamagedFile, match="1 damaged rows"):
        verify(path, listing=listing)
    assert listing.read_text() == f"jets {BLOCK + 5} pt\n"


def test_a_list_that_cannot_be_made_is_not_there(tmp_path, originals, monkeypatch):
    path, listing = copy(originals["plain"], tmp_path), tmp_path / "changed.txt"
    changed_everywhere(path, [5])
    monkeypatch.setattr("pseudoexp.production.run_config.schema.DATASET_VERSION", "9.0")
    with pytest.raises(DamagedFile, match="cannot be said here"):
        verify(path, listing=listing)
    assert not listing.exists()


@pytest.mark.parametrize("repair", [False, True])
def test_what_is_made_again_is_announced(tmp_path, originals, repair):
    path, told = copy(originals["plain"], tmp_path), []
    changed_everywhere(path, [5, 2 * BLOCK + 5])
    with nullcontext() if repair else pytest.raises(DamagedFile):
        verify(path, repair=repair, threads=1, progress=lambda *what: told.append(what))
    assert told[0] == (f"{path}: damaged; making 10500 rows again to see which are changed: roughly a minute or two on 1 free "
                       "cores", 0, 0)


def test_what_a_killed_repair_left_is_gone_after_the_next(tmp_path, originals):
    path = copy(originals["packed"], tmp_path)
    flip(path, path.stat().st_size // 2)
    left = tmp_path / f".{path.name}.repair" / "repaired.h5"
    left.parent.mkdir()
    left.write_bytes(b"half of it")
    assert verify(path, repair=True).repaired
    assert path.read_bytes() == originals["packed"].read_bytes() and not left.parent.exists()


def test_tracks_and_other_bytes(tmp_path, originals):
    path = copy(originals["other"], tmp_path)
    flip(path, offset(path, "tracks") + 2 * schema.TRACK_DTYPE.itemsize * 10_500 + 4)
    with pytest.raises(DamagedFile, match=r"1 damaged rows: tracks\[10500\] \(pt\)"):
        verify(path)
    assert [c.row for c in verify(path, repair=True).changed] == [10_500]
    assert path.read_bytes() == originals["other"].read_bytes()
    flip(path, offset(path) - 3)
    with pytest.raises(DamagedFile, match=r"not that of other\.h5\.sha256"):
        verify(path)


def test_rows_that_cannot_be_decompressed(tmp_path, originals):
    path = copy(originals["packed"], tmp_path)
    with h5py.File(path) as file:
        chunk = file["jets"].id.get_chunk_info(4)
    flip(path, *range(chunk.byte_offset + 50, chunk.byte_offset + 80))
    with pytest.raises(DamagedFile, match=r"damaged rows: jets\[0\] \(unreadable\)"):
        verify(path)
    assert verify(path, repair=True).repaired and path.read_bytes() == originals["packed"].read_bytes()


def test_one_copy_of_an_attribute(tmp_path, originals):
    for where in ("/", "/jets"):
        for name, value in (("seed", 7), ("dataset_hash", "0" * 64), ("cross_section", [1.0, 2.0])):
            path = copy(originals["plain"], tmp_path)
            with h5py.File(path, "r+") as file:
                file[where].attrs[name] = value
            with pytest.raises(DamagedFile):
                verify(path)
            assert verify(path, repair=True).changed == [] and path.read_bytes() == originals["plain"].read_bytes()


def test_damaged_hashes_of_blocks(tmp_path, originals):
    path = copy(originals["plain"], tmp_path)
    with h5py.File(path, "r+") as file:
        locators = file["jets"].attrs["block_locators"]
        locators[1] ^= 4
        file["jets"].attrs["block_locators"] = locators
    with pytest.raises(DamagedFile, match="all rows are as written, but the hashes of blocks"):
        verify(path)
    assert verify(path, repair=True).changed == [] and path.read_bytes() == originals["plain"].read_bytes()


def test_a_damaged_sidecar_and_none(tmp_path, originals):
    path = copy(originals["plain"], tmp_path)
    note = tmp_path / "plain.h5.sha256"
    good = note.read_text()
    note.write_text("0" + good[1:] if good[0] != "0" else "1" + good[1:])
    with pytest.raises(DamagedFile, match="other bytes"):
        verify(path)
    assert verify(path, repair=True).repaired and note.read_text() == good
    note.unlink()
    flip(path, offset(path) + 40)
    assert verify(path, repair=True).changed[0].row == 0 and note.read_text() == good


def test_behind_a_link_the_bytes_are_those_of_the_sidecar_beside_the_file(tmp_path, originals):
    (tmp_path / "far").mkdir()
    path, link = copy(originals["plain"], tmp_path / "far"), tmp_path / "link.h5"
    link.symlink_to(path)
    flip(path, offset(path) + 40)
    assert verify(link, repair=True).changed[0].row == 0 and link.is_symlink() and verify(link).sha256
    assert path.read_bytes() == originals["plain"].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["far", "link.h5"]
    path.with_name("plain.h5.sha256").write_text(f"{'0' * 64}  plain.h5\n")
    with h5py.File(path, "r+") as file:
        file.attrs["seed"] = 7
    with pytest.raises(DamagedFile, match=r"its bytes are not those of plain\.h5\.sha256"):
        verify(link, repair=True)


def test_files_that_cannot_be_made_again_are_left(tmp_path, originals, monkeypatch):
    path = copy(originals["plain"], tmp_path)
    flip(path, offset(path) + 40)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("pseudoexp.production.run_config.schema.DATASET_VERSION", "9.0")
        with pytest.raises(DamagedFile, match=r"block 0 \(rows 0 to 9999\); which of their rows .* another version"):
            verify(path)
        with pytest.raises(ConfigError, match="another version"):
            verify(path, repair=True)
    with pytest.raises(DamagedFile, match="cannot be repaired: made again, its rows have the hash"):
        pseudoexp.verify(path, repair=True, make_chunk=other_rows)
    assert path.read_bytes() == before and sorted(p.name for p in tmp_path.iterdir()) == ["plain.h5", "plain.h5.sha256"]


@pytest.mark.parametrize("options", [{}, {"tracks": 2, "keep_unmatched": True, "signal_fraction": 0.3}])
def test_shards(tmp_path, options):
    path = make(tmp_path / "shard.h5", 2 * ROWS, shard="2/2", **options)
    good, rows = path.read_bytes(), [0, 10_000, 14_321]
    flip(path, *(offset(path) + row * schema.JET_DTYPE.itemsize + 40 for row in rows))
    with pytest.raises(DamagedFile, match=r"3 damaged rows: jets\[0\] .* jets\[14321\]"):
        verify(path)
    assert [c.row for c in verify(path, repair=True).changed] == rows and path.read_bytes() == good
    flip(path, offset(path, "chunks") + 30)
    with pytest.raises(DamagedFile, match="cannot be repaired: its table of chunks is damaged"):
        verify(path, repair=True)


def other_rows(config, process, chunk):
    return fake_chunks.make_chunk(replace(config, seed=2), process, chunk)


@pytest.mark.parametrize("flips", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_random_flips(tmp_path, originals, flips):
    """Half in the rows, half in the metadata: every one found, those in rows named to the row and put right."""
    original = originals["plain"]
    good, start = original.read_bytes(), offset(original)
    size = schema.JET_DTYPE.itemsize
    metadata = [i for i in range(len(good)) if not start <= i < start + ROWS * size]
    rng = np.random.default_rng(1)
    used = sum(schema.JET_DTYPE[name].itemsize for name in schema.JET_DTYPE.names)
    repaired = 0
    for k in range(flips):
        path = copy(original, tmp_path)
        row = int(rng.integers(ROWS))
        flip(path, start + row * size + int(rng.integers(used)) if k % 2 else int(rng.choice(metadata)))
        with pytest.raises(PseudoexpError) as error:
            verify(path)
        assert "\n" not in str(error.value) and error.value.exit_code == 1
        damaged = path.read_bytes()
        try:
            changed = verify(path, repair=True).changed
        except PseudoexpError:
            assert not k % 2 and path.read_bytes() == damaged
            continue
        repaired += 1
        assert path.read_bytes() == good and [c.row for c in changed] == ([row] if k % 2 else [])
    assert repaired > flips // 2
    print(f"{repaired} of {flips} repaired")

"""Damage is found and named."""

import h5py
import pytest
from mock_file import mock_file

from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import file_sha256
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import DamagedFile, SchemaError


def flip(path, position):
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("compression", ["none", "lzf", "gzip"])
def test_good_files(tmp_path, compression):
    path = mock_file(tmp_path / "a.h5", n=10_500, tracks=2, compression=compression)
    checked = verify(path)
    assert checked.sha256 and checked.dataset_hash == checked.info.attributes["dataset_hash"]


def test_without_sidecar(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=100)
    (tmp_path / "a.h5.sha256").unlink()
    assert verify(path).sha256 is None


def linked(folder, **options):
    """A file with its sidecar, and a link to it from another folder over another link."""
    (folder / "far").mkdir()
    path = mock_file(folder / "far" / "a.h5", n=100, **options)
    (folder / "between.h5").symlink_to("far/a.h5")
    (folder / "link.h5").symlink_to("between.h5")
    return path, folder / "link.h5"


def test_a_link_has_the_sidecar_of_the_file_behind_it(tmp_path):
    path, link = linked(tmp_path)
    assert verify(link).sha256 == file_sha256(path) == verify(path).sha256
    with h5py.File(path, "r+") as file:
        file.attrs["seed"] = 2
    with pytest.raises(DamagedFile, match=r"link\.h5: .* other bytes .* not that of a\.h5\.sha256"):
        verify(link)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(DamagedFile, match=r"its SHA-256 is not that of a\.h5\.sha256"):
        verify(link)
    (tmp_path / "far" / "a.h5.sha256").unlink()
    with pytest.raises(SchemaError):
        verify(link)


def test_a_sidecar_beside_the_link_comes_first(tmp_path):
    path, link = linked(tmp_path)
    own = tmp_path / "link.h5.sha256"
    own.write_text(f"{'0' * 64}  link.h5\n")
    with pytest.raises(DamagedFile, match=r"not that of link\.h5\.sha256"):
        verify(link)
    assert verify(path).sha256
    own.write_text(f"{file_sha256(path)}  link.h5\n")
    (tmp_path / "far" / "a.h5.sha256").unlink()
    assert verify(link).sha256 == file_sha256(path) and verify(path).sha256 is None


def test_flipped_byte_names_the_block(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=25_000)
    with h5py.File(path) as file:
        offset = file["jets"].id.get_offset()
    flip(path, offset + 17_000 * schema.JET_DTYPE.itemsize + 5)
    with pytest.raises(DamagedFile, match=r"`jets` is damaged in block 1 \(rows 10000 to 19999\)") as error:
        verify(path)
    assert error.value.exit_code == 1


def test_flipped_byte_in_tracks_and_compressed(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=2_000, tracks=2, compression="gzip")
    with h5py.File(path) as file:
        chunk = file["tracks"].id.get_chunk_info(1)
    flip(path, chunk.byte_offset + chunk.size // 2)
    with pytest.raises(DamagedFile, match="`tracks`"):
        verify(path)


def test_changed_attribute_is_found_by_the_sidecar(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=100)
    with h5py.File(path, "r+") as file:
        file.attrs["seed"] = 2
    with pytest.raises(DamagedFile, match="other bytes"):
        verify(path)


def test_changed_hash_is_found(tmp_path):
    path = mock_file(tmp_path / "a.h5", n=100)
    with h5py.File(path, "r+") as file:
        for item in (file, file["jets"]):
            item.attrs["dataset_hash"] = "0" * 64
    with pytest.raises(DamagedFile, match="hash of the rows"):
        verify(path)


def test_foreign(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"x")
    with pytest.raises(SchemaError):
        verify(tmp_path / "a.h5")

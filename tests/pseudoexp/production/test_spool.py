"""Chunks on disk are whole or do not count; the folder belongs to one process and one configuration."""

import fake_chunks
import numpy as np
import pytest

from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production.chunk import pack
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.spool import Parts, chunk_path, only_writer, parts_folder, read_chunk, write_chunk

CONFIG = RunConfig.from_options(100, tracks=2)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "a.h5"


def parts(out, config=CONFIG, resume=False, discard=False):
    return Parts(out, config, resume=resume, discard=discard)


def some_chunk(folder, process=0, chunk=0):
    packed = pack(CONFIG, process, chunk, fake_chunks.make_chunk(CONFIG, process, chunk))
    path = chunk_path(folder, process, chunk)
    write_chunk(path, packed)
    return path, packed


def test_round_trip(tmp_path):
    path, packed = some_chunk(tmp_path)
    back = read_chunk(path)
    assert np.array_equal(back.jets, packed.jets) and back.tracks.tobytes() == packed.tracks.tobytes()
    assert back.weight_sum == packed.weight_sum and [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:10], lambda b: b"",
                                    lambda b: b[:500] + b"x" + b[501:]])
def test_damage_is_found_and_made_again(out, damage):
    with parts(out) as p:
        path, _ = some_chunk(p.folder)
        some_chunk(p.folder, chunk=1)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(GenerationError, match="damaged"):
            read_chunk(path)
        assert [chunk for chunk, _ in p.scan(0)] == [1] and not path.exists()


def test_half_written_files_are_removed(out):
    with parts(out) as p:
        (p.folder / ".signal-0000000007.rows.999").write_bytes(b"half")
        assert list(p.scan(0)) == [] and not list(p.folder.glob(".signal*"))


def test_second_writer_is_refused(out):
    with parts(out), pytest.raises(ConfigError, match="another process is writing"):
        parts(out, resume=True)


def test_the_only_writer(out):
    with only_writer(out):
        for second in (lambda: parts(out, resume=True), lambda: only_writer(out).__enter__()):
            with pytest.raises(ConfigError, match="another process is writing"):
                second()
    assert not parts_folder(out).exists()
    with parts(out) as p:
        some_chunk(p.folder)
    with only_writer(out):
        pass
    assert len(list(parts_folder(out).glob("*.rows"))) == 1


def test_unfinished_run_needs_a_word(out):
    with parts(out) as p:
        some_chunk(p.folder)
    with pytest.raises(ConfigError, match="--resume continues it, --force discards it"):
        parts(out)
    with parts(out, resume=True) as p:
        assert len(list(p.scan(0))) == 1
    with parts(out, discard=True) as p:
        assert len(list(p.scan(0))) == 0


def test_resume_refuses_another_configuration_and_takes_another_length(out):
    with parts(out) as p:
        some_chunk(p.folder)
    with pytest.raises(ConfigError, match="seed: 1, not 2"):
        parts(out, RunConfig.from_options(100, tracks=2, seed=2), resume=True)
    with parts(out, RunConfig.from_options(200, tracks=2), resume=True) as p:
        assert len(list(p.scan(0))) == 1


def test_folders_of_others_are_left_alone(out):
    folder = parts_folder(out)
    folder.mkdir()
    (folder / "thesis.tex").write_text("precious")
    (folder / "worker.log").touch()
    for options in ({}, {"resume": True}, {"discard": True}):
        with pytest.raises(ConfigError, match="not a folder of ours"):
            parts(out, **options)
    assert (folder / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("name", [".manifest.json.1", "signal-0000000003.rows", ".qcd-0000000003.rows.77", "assembly.h5",
                                  "assembly.h5.sha256", "worker.log", "published"])
def test_what_a_kill_leaves_without_a_manifest_is_ours(out, name):
    for options in ({"resume": True}, {"discard": True}):
        folder = parts_folder(out)
        folder.mkdir()
        (folder / name).write_text("half")
        with pytest.raises(ConfigError, match="unfinished run"):
            parts(out)
        with parts(out, **options) as p:
            assert [path.name for path in folder.iterdir()] == ["manifest.json"]
            p.remove()


def test_nothing_stays_after_an_error_before_the_first_chunk(out):
    with pytest.raises(ZeroDivisionError), parts(out):
        raise ZeroDivisionError
    assert not parts_folder(out).exists()


def test_unwritable(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        parts(tmp_path / "no" / "a.h5")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"3"])
def test_a_damaged_manifest(out, content):
    with parts(out) as p:
        some_chunk(p.folder)
    (parts_folder(out) / "manifest.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"manifest.json: damaged; --force discards|made with another configuration"):
        parts(out, resume=True)
    with parts(out, discard=True) as p:
        assert len(list(p.scan(0))) == 0

"""Nothing stays behind: no handle, thread, process or file; runs side by side do not disturb each other."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import fake_chunks
import h5py
import pytest

import pseudoexp
from pseudoexp.errors import GenerationError

TESTS = Path(fake_chunks.__file__).parent
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import pseudoexp
pseudoexp.generate(400, sys.argv[2], make_chunk="fake_chunks:make_chunk", threads=1)
print(pseudoexp.verify(sys.argv[2]).dataset_hash)
"""


def make(out, maker="make_chunk", **options):
    return pseudoexp.generate(400, out, make_chunk=f"fake_chunks:{maker}", threads=2, **options)


def damage(path):
    with h5py.File(path) as file:
        place = file["jets"].id.get_offset() + 100
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def everything(folder):
    """Do what opens files, starts processes and takes locks, failures included."""
    out = folder / "a.h5"
    make(out)
    make(out, resume=True)
    damage(out)
    pseudoexp.verify(out, repair=True, make_chunk="fake_chunks:make_chunk")
    for i in (1, 2):
        make(folder / f"s{i}.h5", shard=f"{i}/2")
    pseudoexp.merge([folder / "s1.h5", folder / "s2.h5"], folder / "b.h5")
    for maker in ("nan_in_event_7", "full_disk_at_chunk_3"):
        with pytest.raises(GenerationError):
            make(folder / "c.h5", maker, force=True, signal_fraction=1.0)
    list(pseudoexp.load(out, None).batches(100))
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()


def state():
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), children


def test_no_handle_thread_or_process_is_left(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    everything(tmp_path)  # libraries open what they keep
    before = state()
    for _ in range(2):
        everything(tmp_path)
    assert state() == before
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("runs", [4, pytest.param(24, marks=pytest.mark.slow)])
def test_runs_side_by_side(tmp_path, runs):
    """In one folder, with one cache: all make the same file, and nothing else is left."""
    environment = os.environ | {"PSEUDOEXP_CACHE": str(tmp_path / "cache")}
    (tmp_path / "out").mkdir()
    processes = [subprocess.Popen([sys.executable, "-c", SCRIPT, str(TESTS), str(tmp_path / "out" / f"{i}.h5")], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for i in range(runs)]
    answers = [process.communicate(timeout=300) for process in processes]
    assert not any(process.returncode for process in processes), answers
    assert len({out for out, _ in answers}) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{i}.h5{end}" for i in range(runs) for end in ("", ".sha256"))
    assert len({path.read_bytes() for path in (tmp_path / "out").glob("*.h5")}) == 1


def test_writers_of_one_file_side_by_side(tmp_path):
    """One wins, the others are refused in one line; the file is whole."""
    command = [sys.executable, "-c", SCRIPT.replace("threads=1", "threads=1, resume=True"), str(TESTS), str(tmp_path / "a.h5")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=300) for process in processes]
    assert sum(process.returncode == 0 for process in processes) >= 1
    for process, (_, err) in zip(processes, answers, strict=True):
        assert process.returncode == 0 or "another process is writing it" in err
    assert pseudoexp.verify(tmp_path / "a.h5").rows == 400

"""Killed, interrupted, out of disk: what was finished is kept, and the file in the end is the same."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import fake_chunks
import numpy as np
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.dataset import probe, probe_child
from pseudoexp.dataset.digest import file_sha256
from pseudoexp.errors import ConfigError
from pseudoexp.production import run, spool

TESTS = Path(fake_chunks.__file__).parent
N = 6000
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv.pop(1))
maker = sys.argv.pop(1)
from functools import partial
import pseudoexp.api
pseudoexp.api.generate = partial(pseudoexp.api.generate, make_chunk=f"fake_chunks:{maker}")
from pseudoexp.cli.app import main
main()
"""


def start(out, *options, maker="slow_chunk", n=N, limit=None):
    command = [sys.executable, "-c", PROGRAM, TESTS, maker, "generate", "--n", n, "--out", out, "--threads", "2", *options]

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=limited if limit else None)


def chunks(out):
    return {path.name: path.stat().st_mtime_ns for path in Path(f"{out}.parts").glob("*.rows")}


class Remembering(InProcess):
    """Workers that know what they were asked for."""

    asked: ClassVar[list[str]] = []

    def submit(self, process, chunk):
        self.asked.append(f"{('signal', 'qcd')[process]}-{chunk:010d}.rows")
        super().submit(process, chunk)


@pytest.fixture
def resumed(monkeypatch):
    """Resume and return which chunks were made."""
    monkeypatch.setattr(run, "start_workers", Remembering)

    def resume(out, n=N):
        Remembering.asked.clear()
        pseudoexp.generate(n, out, make_chunk=fake_chunks.make_chunk, resume=True)
        return set(Remembering.asked)

    return resume


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The file of a run that nothing disturbs, and the seconds it takes."""
    out = tmp_path_factory.mktemp("straight") / "a.h5"
    begin = time.monotonic()
    process = start(out)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.read_bytes(), time.monotonic() - begin


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path, straight, resumed, kills):
    content, seconds = straight
    rng = np.random.default_rng(kills)
    for k in range(kills):
        out = tmp_path / f"{k}.h5"
        process = start(out)
        time.sleep(seconds * (k + rng.random()) / kills)
        process.kill()
        process.communicate()
        time.sleep(0.2)  # the workers see it
        kept = set(chunks(out))
        assert not out.exists() or out.read_bytes() == content
        assert not kept & resumed(out)
        assert out.read_bytes() == content and not Path(f"{out}.parts").exists()
        assert has_its_checksum(out)


STEPS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}
SHORT = 400


def make(out, **options):
    return pseudoexp.generate(SHORT, out, make_chunk=fake_chunks.make_chunk, **options)


def killed_at(step, work):
    """Do some work in a child that dies before its file or folder number `step` appears, moves or goes; return whether it did."""
    child = os.fork()
    if child == 0:
        left = [step]

        def die(event, arguments):
            if event in STEPS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)

        try:
            sys.addaudithook(die)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def has_its_checksum(out):
    return Path(f"{out}.sha256").read_text() == f"{file_sha256(out)}  {out.name}\n"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def short(tmp_path_factory, monkeypatch):
    """The file of a short run that nothing disturbs; the test's own runs do all of it in their process."""
    monkeypatch.setattr(run, "start_workers", InProcess)
    monkeypatch.setattr(probe, "_ask", lambda path: json.loads(json.dumps(probe_child.look(str(path)))))
    out = tmp_path_factory.mktemp("short") / "a.h5"
    make(out)
    return out.read_bytes()


def test_killed_before_every_step(tmp_path, short):
    """Whatever a kill leaves, --resume makes the same file of it, with its checksum and nothing beside."""
    for step in range(1, 200):
        folder = tmp_path / str(step)
        folder.mkdir()
        out = folder / "a.h5"
        killed = killed_at(step, lambda out=out: make(out))
        assert not out.exists() or out.read_bytes() == short
        summary = make(out, resume=True)
        assert out.read_bytes() == short and has_its_checksum(out) and summary.sha256 == file_sha256(out), step
        assert names(folder) == ["a.h5", "a.h5.sha256"], step
        if not killed:
            break
    assert 15 < step < 199


def test_killed_before_every_step_of_discarding(tmp_path, short):
    """An unfinished run that --force was discarding is still known for what it is."""
    other = tmp_path / "other"
    other.mkdir()
    assert killed_at(10, lambda: make(other / "a.h5", seed=2)) and chunks(other / "a.h5")
    for step in range(1, 200):
        folder = tmp_path / str(step)
        shutil.copytree(other, folder)
        out = folder / "a.h5"
        killed = killed_at(step, lambda out=out: make(out, force=True))
        try:
            make(out, resume=True)
        except ConfigError as error:
            assert "seed: 2, not 1" in str(error)
            make(out, force=True)
        assert out.read_bytes() == short and names(folder) == ["a.h5", "a.h5.sha256"], step
        if not killed:
            break
    assert 20 < step < 199


def test_chunks_of_a_longer_run_survive_the_check_of_a_shorter_file(tmp_path, short):
    """They may be there for another length: only what a finished file leaves behind is removed."""
    out = tmp_path / "a.h5"
    make(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool.Parts, "__exit__", lambda self, *error: self.release())
        patch.setattr(run, "publish", lambda draft, out: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(out, seed=2, force=True)
    Path(f"{out}.parts/{spool.PUBLISHED}").unlink()
    kept = chunks(out)
    make(out, resume=True)
    assert chunks(out) == kept != {}


def test_a_sidecar_that_cannot_be_written(tmp_path, short, monkeypatch):
    out = tmp_path / "a.h5"
    make(out)
    Path(f"{out}.sha256").unlink()

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(run, "write_sidecar", refused)
    with pytest.raises(ConfigError, match=r"SHA-256 cannot be written beside it \(Permission denied\)"):
        make(out, resume=True)


@pytest.mark.slow
def test_killed_late_is_finished_soon(tmp_path):
    begin, n = time.monotonic(), 3 * N
    start(tmp_path / "a.h5", maker="slower_chunk", n=n).communicate()
    full = time.monotonic() - begin
    total = sum(pseudoexp.generate(n, tmp_path / "b.h5", dry_run=True).chunks.values())
    out = tmp_path / "b.h5"
    process = start(out, maker="slower_chunk", n=n)
    wait_for(lambda: len(chunks(out)) >= 0.7 * total)
    process.kill()
    process.communicate()
    begin = time.monotonic()
    process = start(out, "--resume", maker="slower_chunk", n=n)
    process.communicate()
    assert process.returncode == 0 and time.monotonic() - begin < 0.5 * full
    assert out.read_bytes() == (tmp_path / "a.h5").read_bytes()


@pytest.mark.parametrize("limit", [20_000, 200_000])
def test_a_full_disk_is_one_line_and_chunks_are_safe(tmp_path, straight, resumed, limit):
    """A limit on the size of files stands for the disk: it strikes while chunks are written, or the file."""
    out = tmp_path / "a.h5"
    process = start(out, maker="make_chunk", limit=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and err.count("\n") == 1 and err.startswith("error: ") and "File too large" in err
    assert not out.exists() and "Traceback" not in err
    kept = set(chunks(out))
    assert bool(kept) == ("--resume continues" in err) == (limit > 100_000)
    assert not kept & resumed(out) and out.read_bytes() == straight[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("chunks_before", [0, 3])
def test_interrupted_within_two_seconds_at_any_stage(tmp_path, straight, resumed, number, chunks_before):
    out = tmp_path / "a.h5"
    process = start(out)
    wait_for(lambda: len(chunks(out)) >= chunks_before and Path(f"{out}.parts").exists())
    begin = time.monotonic()
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - begin < 2 and process.returncode == 128 + number and err.count("\n") == 1
    assert ("--resume continues" in err) if chunks_before else ("--resume continues" in err or "nothing was written" in err)
    kept = set(chunks(out))
    assert not kept & resumed(out) and out.read_bytes() == straight[0]


def test_a_second_writer_is_refused(tmp_path):
    out = tmp_path / "a.h5"
    first = start(out, n=200_000)
    wait_for(lambda: chunks(out))
    for options in ("--resume",), ("--force",), ():
        second = start(out, *options)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 2 and ("another process is writing it" in err or "unfinished run" in err)
        assert first.poll() is None
    first.terminate()
    first.communicate(timeout=10)


def test_resume_of_a_complete_file_verifies_it(tmp_path, straight):
    out = tmp_path / "a.h5"
    out.write_bytes(straight[0])
    process = start(out, "--resume")
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "complete already, verified" in shown
    half = len(straight[0]) // 2
    out.write_bytes(straight[0][:half] + bytes(1000) + straight[0][half + 1000:])
    process = start(out, "--resume")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and err.count("\n") == 1


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)

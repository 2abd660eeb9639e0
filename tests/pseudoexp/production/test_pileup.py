"""The pile-up library: made by the workers once, before the first row, whatever happens in between."""

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

import fake_chunks
import pytest
from in_process import InProcess
from real_events import events, some

from pseudoexp.core.record import EventBatch
from pseudoexp.detector import pileup_place
from pseudoexp.detector.pileup_library import build_library, checksum, read_library, write_library
from pseudoexp.detector.pileup_place import library_path
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production import pileup, run
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.worker import Done, failure

TESTS = Path(fake_chunks.__file__).parent
CONFIG = RunConfig.from_options(100, pileup=20)


def toy_batch(piece: int) -> EventBatch:
    return some(events("qcd"), 10 * piece, 10 * piece + 10)


MADE: list[int] = []
FAILS_AT = -1


def toy_piece(job, process, piece):
    """Ten events stand for 500."""
    if piece == FAILS_AT:
        raise GenerationError("lost")
    MADE.append(piece)
    write_library(pileup._piece_path(job.folder, piece), build_library(toy_batch(piece)))
    return Done(process, piece, pileup.EVENTS_PER_PIECE)


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Return the pieces made, of five; the cache is empty."""
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pileup, "LIBRARY_EVENTS", 2500)
    monkeypatch.setattr(pileup, "make_piece", toy_piece)
    monkeypatch.setattr(pileup, "start_workers", InProcess)
    MADE.clear()
    return MADE


def require(calls=None):
    pileup.require_library(CONFIG, 1, lambda *call: None if calls is None else calls.append(call))


def test_made_once_with_progress_and_nothing_left_behind(toys):
    calls = []
    require(calls)
    assert calls[0][0].startswith("making the pile-up library, once per user: 2500 inelastic events in ")
    assert calls[1:] == [("pile-up library", done, 2500) for done in range(0, 2501, 500)]
    whole = build_library(some(events("qcd"), 0, 50))
    made = read_library(library_path())
    assert len(made.offsets) == 51 and (made.ln_pt == whole.ln_pt).all()
    assert {path.name for path in library_path().parent.iterdir()} == {library_path().name, f"{library_path().name}.lock"}
    require()
    assert sorted(toys) == [0, 1, 2, 3, 4]


def test_no_pile_up_needs_none(toys):
    pileup.require_library(RunConfig.from_options(100), 1, lambda *call: None)
    assert toys == [] and not library_path().parent.exists()


def test_an_interrupted_making_goes_on(toys, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "FAILS_AT", 3)
    with pytest.raises(GenerationError, match="lost"):
        require()
    assert not library_path().exists() and 3 not in toys
    pieces = Path(f"{library_path()}.parts")
    (pieces / "00001.npz").write_bytes(b"torn")
    (pieces / ".00004.npz.77").write_bytes(b"half")
    kept = {int(path.stem) for path in pieces.glob("*.npz")} - {1}
    toys.clear()
    monkeypatch.setattr(sys.modules[__name__], "FAILS_AT", -1)
    require()
    assert kept and set(toys) == set(range(5)) - kept
    straight = checksum(read_library(library_path()))
    library_path().write_bytes(b"broken")
    require()
    assert checksum(read_library(library_path())) == straight


def test_others_wait_and_use_it(toys):
    library_path().parent.mkdir(parents=True)
    calls = []
    with Path(f"{library_path()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=require, args=(calls,))
        waiting.start()
        deadline = time.monotonic() + 20
        while not calls and time.monotonic() < deadline:
            time.sleep(0.02)
        write_library(library_path(), build_library(some(events("qcd"), 0, 3)))
    waiting.join()
    assert set(calls) == {(pileup.WAITING, 0, 0)} and toys == []


def test_a_cache_that_cannot_be_written(toys, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", "/proc/nowhere")
    with pytest.raises(ConfigError, match=r"cannot be written .*PSEUDOEXP_CACHE names another folder"):
        require()


def test_a_failed_piece_is_named(tmp_path):
    from pseudoexp.production.worker import Job

    task = "pseudoexp.production.pileup:make_piece"
    assert failure(Job(task, CONFIG, tmp_path, task), ZeroDivisionError("x"), 0, 7).message == f"{task} 7: " \
        "ZeroDivisionError: x"


def test_a_production_makes_it_before_its_workers_start(toys, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(run, "require_library", lambda config, threads, tell: order.append("library"))

    def start(job, threads, expected):
        order.append("workers")
        raise GenerationError("enough")

    monkeypatch.setattr(run, "start_workers", start)
    assert run.plan(CONFIG, tmp_path / "a.h5").makes_pileup_library
    with pytest.raises(GenerationError, match="enough"):
        run.produce(CONFIG, tmp_path / "a.h5")
    assert order == ["library", "workers"]
    assert not run.plan(RunConfig.from_options(100), tmp_path / "a.h5").makes_pileup_library


PIECE = """
import sys
from pathlib import Path
from pseudoexp.production import pileup
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.worker import Job
pileup.EVENTS_PER_PIECE = 5
task = "pseudoexp.production.pileup:make_piece"
pileup.make_piece(Job(task, RunConfig.from_options(1, pileup=1), Path(sys.argv[1]), task), 0, 2)
"""


def test_a_piece_of_real_events(tmp_path):
    subprocess.run([sys.executable, "-c", PIECE, str(tmp_path)], check=True)
    made = read_library(tmp_path / "00002.npz")
    assert len(made.offsets) == 6 and 20 < len(made.ln_pt) / 5 < 800
    assert pileup_place.LIBRARY_EVENTS % pileup.EVENTS_PER_PIECE == 0

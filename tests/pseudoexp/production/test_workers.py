"""Worker processes: results, failures, sudden death, and no orphans."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_chunks
import pytest

from pseudoexp.errors import GenerationError
from pseudoexp.production.chunk import maker_name
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.worker import Job
from pseudoexp.production.workers import ProcessWorkers, cores, start_workers

TESTS = Path(fake_chunks.__file__).parent


def job(folder, maker):
    return Job(maker_name(maker), RunConfig.from_options(100), folder)


def until_first(workers):
    while not (done := workers.finished(30)):
        pass
    return done


@pytest.mark.parametrize(("maker", "left_out"), [("pseudoexp.chain:make_chunk", True), ("fake_chunks:make_chunk", False)])
def test_extensions_of_numba_are_left_out_where_kernels_run(maker, left_out):
    code = ("import sys; from pathlib import Path; from pseudoexp.production import worker\n"
            "from pseudoexp.production.run_config import RunConfig\n"
            "worker._leave_extensions_out(worker.Job(sys.argv[1], RunConfig.from_options(1), Path()))\n"
            "if 'numba' in sys.modules: from numba.core import entrypoints; print(entrypoints._already_initialized)")
    done = subprocess.run([sys.executable, "-c", code, maker], capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout.strip() == ("True" if left_out else "")


def test_two_workers_write_their_chunks(tmp_path):
    with ProcessWorkers(job(tmp_path, fake_chunks.make_chunk), 2) as workers:
        assert workers.free() == 2
        workers.submit(0, 5)
        workers.submit(1, 0)
        assert workers.free() == 0
        done = until_first(workers)
        while len(done) < 2:
            done += until_first(workers)
        assert {d[:2] for d in done} == {(0, 5), (1, 0)} and all(d.counted > 0 for d in done)
    assert len(list(tmp_path.glob("*.rows"))) == 2


@pytest.mark.parametrize(("maker", "message"), [
    (fake_chunks.nan_in_event_7, "not finite in signal event 757, seed 1"),
    (fake_chunks.full_disk_at_chunk_3, "chunk: No space left on device"),
    (fake_chunks.killed_at_chunk_3, "killed by signal 9"),
    ("no_such_module:make", "signal chunk 3: ModuleNotFoundError")])
def test_failures_are_one_line(tmp_path, maker, message):
    with ProcessWorkers(job(tmp_path, maker), 1) as workers, pytest.raises(GenerationError, match=message) as error:
        workers.submit(0, 3)
        until_first(workers)
    assert "\n" not in str(error.value)


def test_what_is_done_before_the_first_chunk_is_told(tmp_path):
    with ProcessWorkers(Job("prepared_chunks:make_chunk", RunConfig.from_options(100), tmp_path), 1) as workers:
        notices = []
        for chunk in range(2):
            workers.submit(0, chunk)
            while not workers.finished(30):
                notices.append(workers.notice())
    assert notices == ["warming up", ""]


def test_number_of_workers(tmp_path):
    with start_workers(job(tmp_path, fake_chunks.make_chunk), threads=5, expected_chunks=2) as workers:
        assert workers.free() == 2
    assert cores() >= 1


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_die_with_their_parent(tmp_path):
    script = ("import sys, time; sys.path.insert(0, sys.argv[2])\n"
              "from pathlib import Path\n"
              "from pseudoexp.production.run_config import RunConfig\n"
              "from pseudoexp.production.worker import Job\n"
              "from pseudoexp.production.workers import ProcessWorkers\n"
              "w = ProcessWorkers(Job('fake_chunks:endless_chunk', RunConfig.from_options(9), Path(sys.argv[1])), 2)\n"
              "w.submit(0, 0); w.submit(0, 1); time.sleep(60)\n")
    (busy := tmp_path / "busy").mkdir()
    environment = os.environ | {"ENDLESS": str(busy)}
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(TESTS)], env=environment)
    wait_for(lambda: len(list(busy.iterdir())) == 2, 60)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    pids = [int(path.name) for path in busy.iterdir()]
    wait_for(lambda: not any(map(alive, pids)), 5)


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

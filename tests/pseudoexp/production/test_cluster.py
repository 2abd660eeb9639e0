"""Dask workers make the same rows, die without harm, and are not trusted to have the same versions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_chunks
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.errors import ConfigError, GenerationError, MissingExtra
from pseudoexp.production import cluster, cluster_worker, run
from pseudoexp.production.worker import Failure, Job

pytest.importorskip("distributed")
TESTS = Path(fake_chunks.__file__).parent
N = 3000


def make(out, maker="slow_chunk", n=N, **options):
    return pseudoexp.generate(n, out, make_chunk=f"fake_chunks:{maker}", tracks=2, images=4, **options)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "start_workers", InProcess)
        return make(tmp_path_factory.mktemp("straight") / "a.h5", "make_chunk")


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler of its own with two worker processes, as a user would have them: its address, and the workers."""
    from distributed import LocalCluster

    options = {"protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=0, processes=False, **options) as dask:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
        command = [sys.executable, "-m", "distributed.cli.dask_worker", dask.scheduler_address, "--nthreads", "1", "--no-nanny"]
        command.append("--no-dashboard")
        workers = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)]
        yield dask.scheduler_address, workers
        for worker in workers:
            worker.kill()
            worker.wait()


def test_workers_elsewhere_and_the_death_of_one(tmp_path, straight, scheduler):
    address, workers = scheduler
    assert make(tmp_path / "a.h5", dask=address).sha256 == straight.sha256
    killed = []

    def kill(stage, done, total):
        if stage == "generating" and done > 500 and not killed:
            killed.append(os.kill(workers[0].pid, signal.SIGKILL))

    assert make(tmp_path / "b.h5", dask=address, progress=kill).sha256 == straight.sha256 and killed


def test_local_workers_and_the_death_of_all(tmp_path, straight, monkeypatch):
    started = []
    start = cluster.LocalWorkers._start
    monkeypatch.setattr(cluster.LocalWorkers, "_start", lambda self: started.append(start(self)) or started[-1])

    def kill(stage, done, total):
        if stage == "generating" and done > 500 and len(started) == 2:
            for worker in started:
                worker.kill()

    summary = make(tmp_path / "a.h5", dask="local:2", progress=kill)
    assert summary.sha256 == straight.sha256 and len(started) == 4
    assert all(worker.poll() is not None for worker in started)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.h5.sha256"]


def test_shards_through_dask(tmp_path, straight):
    for i in (1, 2):
        make(tmp_path / f"{i}.h5", shard=f"{i}/2", dask="local:1")
    assert pseudoexp.merge(list(tmp_path.glob("*.h5")), tmp_path / "all.h5").sha256 == straight.sha256


@pytest.mark.parametrize(("maker", "message"), [
    ("nan_in_event_7", "not finite in .* event 7, seed 1"), ("killed_at_chunk_3", "workers die"),
    ("not_there", "AttributeError")])
def test_failures_are_one_line(tmp_path, monkeypatch, maker, message):
    with pytest.raises(GenerationError, match=message) as error:
        make(tmp_path / "a.h5", maker, dask="local:1")
    assert "\n" not in str(error.value) and not (tmp_path / "a.h5").exists()


class Dead:
    """A worker process that has died."""

    def poll(self):
        return 1


def test_deaths_count_until_the_next_finished_chunk(tmp_path, monkeypatch):
    local = object.__new__(cluster.LocalWorkers)
    local._log, local._count, local._restarts, local._processes = tmp_path / "log", 2, 0, [Dead(), Dead()]
    monkeypatch.setattr(local, "_start", Dead)
    for _ in range(10):
        for _ in range(cluster.MOST_DEATHS):
            local.replace_dead()
        local.forgive()
    for _ in range(cluster.MOST_DEATHS):
        local.replace_dead()
    with pytest.raises(GenerationError, match="die again and again"):
        local.replace_dead()


def test_finished_chunks_forgive_deaths(tmp_path, straight, monkeypatch):
    forgiven = []
    monkeypatch.setattr(cluster.LocalWorkers, "forgive", lambda self: forgiven.append(self))
    assert make(tmp_path / "a.h5", "make_chunk", dask="local:1").sha256 == straight.sha256 and forgiven


@pytest.mark.slow
def test_a_deadly_chunk_ends_the_run_while_others_are_finished(tmp_path):
    with pytest.raises(GenerationError, match="workers die"):
        make(tmp_path / "a.h5", "killed_at_chunk_3", n=200_000, dask="local:2")


def test_results_lost_with_their_worker_are_made_again(tmp_path, straight, monkeypatch):
    fetch, lost = cluster.DaskWorkers._result, []

    def lose_some(self, future, task):
        if len(lost) < 3:
            lost.append(task)
            return None
        return fetch(self, future, task)

    monkeypatch.setattr(cluster.DaskWorkers, "_result", lose_some)
    assert make(tmp_path / "a.h5", dask="local:1").sha256 == straight.sha256 and len(lost) == 3
    monkeypatch.setattr(cluster.DaskWorkers, "_result", lambda self, future, task: None)
    with pytest.raises(GenerationError, match="with their results again and again"):
        make(tmp_path / "b.h5", dask="local:1")


def test_addresses(tmp_path, monkeypatch):
    for address in ("local", "local:", "local:0", "local:x", "host:8786", "tcp://", "ftp://host:1"):
        with pytest.raises(ConfigError, match="allowed"):
            make(tmp_path / "a.h5", dask=address)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ConfigError, match=r"dask tcp://127.0.0.1:9: no scheduler answers"):
        make(tmp_path / "a.h5", dask="tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pseudoexp\[dask\]"):
        make(tmp_path / "a.h5", dask="local:2")
    assert list(tmp_path.iterdir()) == []


def test_workers_of_another_version_are_refused(tmp_path):
    config = run.RunConfig.from_options(100)
    versions = cluster_worker.versions(config) | {"engine_version": "7.0"}
    order = cluster_worker.Order(Job("fake_chunks:make_chunk", config, tmp_path), json.dumps(versions))
    answer = cluster_worker.make_chunks(order, 0, (0,))
    assert isinstance(answer, Failure) and answer.kind == "ConfigError" and "engine_version: '7.0', not" in answer.message


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv.pop(1))
from functools import partial
import pseudoexp.api
pseudoexp.api.generate = partial(pseudoexp.api.generate, make_chunk="fake_chunks:slow_chunk")
from pseudoexp.cli.app import main
main()
"""


def workers_of(address_part):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] if address_part.encode() in path.read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted(tmp_path, number):
    command = [sys.executable, "-c", PROGRAM, TESTS, "generate", "--n", "1e5", "--out", tmp_path / "a.h5", "--dask", "local:2"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # in the workers' command line
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("a.h5.parts/*.rows")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workers_of(f"{tmp_path}/pseudoexp-dask-")
    begin = time.monotonic()
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - begin < 2
    if number == signal.SIGINT:
        assert process.returncode == 130 and err.splitlines()[-1].startswith("interrupted; finished chunks are kept")
        assert len(err.splitlines()) <= 3 and "Traceback" not in err
    while workers_of(f"{tmp_path}/pseudoexp-dask-"):
        assert time.monotonic() - begin < 5
        time.sleep(0.05)

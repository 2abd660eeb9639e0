"""Releases in the user's cache: made once, verified once, by one process, and refused where the rows are not theirs."""

import multiprocessing
from functools import partial

import h5py
import numpy as np
import pytest
from toy_releases import frozen

import pseudoexp
from pseudoexp.benchmark import identities, store
from pseudoexp.benchmark.registry import release
from pseudoexp.core.files import locked
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError
from pseudoexp.production import run


def quiet(*_):
    pass


def counted(monkeypatch):
    """Return a list that grows with each production."""
    calls, produce = [], run.produce
    monkeypatch.setattr(run, "produce", lambda *a, **k: calls.append(1) or produce(*a, **k))
    return calls


def test_made_on_first_use_and_read_afterwards(fresh, monkeypatch):
    told, calls = [], counted(monkeypatch)
    train = pseudoexp.load_benchmark("v1-small", progress=lambda *what: told.append(what))
    assert "about 1 minutes" in told[0][0] and "MB" not in told[0][0] and "candidate" in told[0][0] and "on disk" in told[0][0]
    assert ("generating", 3000, 3000) in told
    assert "candidate" in train.DESCR and train.data.shape[1] == 39
    again = pseudoexp.load_benchmark("v1-small", progress=quiet)
    assert calls == [1] and np.array_equal(train.data, again.data)
    X, y = pseudoexp.load_benchmark("v1-small", "test", return_X_y=True, progress=quiet)
    whole = pseudoexp.load(again.path, "test")
    assert np.array_equal(X, whole.data) and np.array_equal(y, whole.target)


def test_identities_name_the_rows(small):
    named = identities("v1-small", "test")
    with h5py.File(store.path_of("v1-small")) as file:
        rows = file["jets"][:]
    assert np.array_equal(rows["eventNumber"][named.row], named.eventNumber)
    assert set(named.eventNumber % 10) == {9} and set(named.jet) == {0, 1}
    for event in np.unique(named.eventNumber[named.jet == 1]):
        mine = named.row[named.eventNumber == event]
        assert np.array_equal(mine, np.flatnonzero(rows["eventNumber"] == event))
    test = pseudoexp.load_benchmark("v1-small", "test", columns=["pt"])
    assert np.array_equal(test.data[:, 0], rows["pt"][named.row])


def test_a_release_for_tests_only(small):
    assert len(pseudoexp.load_benchmark("v1-other", "test").target) == 1000
    with pytest.raises(ConfigError, match="no split 'train'; allowed: test"):
        pseudoexp.load_benchmark("v1-other")
    with pytest.raises(ConfigError, match="columns 'pt'; allowed: a sequence"):
        pseudoexp.load_benchmark("v1-other", "test", columns="pt")


def test_an_interrupted_making_goes_on(fresh, monkeypatch):
    def stop(stage, done, total):
        if stage == "generating" and done > 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pseudoexp.load_benchmark("v1-small", progress=stop)
    path = store.path_of("v1-small")
    kept = len(list(path.with_name(path.name + ".parts").glob("*.rows")))
    assert kept > 0 and not path.exists()
    told = []
    pseudoexp.load_benchmark("v1-small", progress=lambda *what: told.append(what))
    assert next(done for stage, done, _ in told if stage == "generating") > 0
    assert path.exists() and not path.with_name(path.name + ".parts").exists()


def test_a_failure_says_how_to_go_on(fresh, monkeypatch):
    good = run.produce
    monkeypatch.setattr(run, "produce", partial(good, make_chunk="fake_chunks:full_disk_at_chunk_3"))
    with pytest.raises(GenerationError, match=r"finished chunks are kept in .*, the same command goes on from them"):
        pseudoexp.load_benchmark("v1-small", progress=quiet)
    monkeypatch.setattr(run, "produce", good)
    assert len(pseudoexp.load_benchmark("v1-small", None, progress=quiet).target) == 3000


def test_a_touched_file_is_verified_again(fresh):
    pseudoexp.load_benchmark("v1-small", progress=quiet)
    path = store.path_of("v1-small")
    with h5py.File(path) as file:
        place = file["jets"].id.get_offset() + 100
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\x07\x07\x07")
    with pytest.raises(DamagedFile, match="damaged in block 0"):
        pseudoexp.load_benchmark("v1-small", progress=quiet)


def test_rows_of_another_machine(fresh, registered):
    """A hash that does not come out is an error, at the first use and at every later one."""
    frozen(registered)
    for _ in range(2):
        with pytest.raises(DamagedFile, match="are not those of release v1-small"):
            pseudoexp.load_benchmark("v1-small", progress=quiet)


def test_a_file_of_another_version_serves(small, registered, monkeypatch):
    """What lies in the cache is read, though this installation could not make it any more."""
    from pseudoexp.dataset.probe import probe
    from pseudoexp.production import run_config

    found = str(probe(store.path_of("v1-small")).attributes["dataset_hash"])
    frozen(registered, dataset_hash=found)
    monkeypatch.setattr(run_config, "_BUILTIN_VERSION", "99.9")
    assert len(pseudoexp.load_benchmark("v1-small", None).target) == 3000
    monkeypatch.setenv("PSEUDOEXP_CACHE", "/nowhere")
    with pytest.raises(ConfigError, match="cannot make the release"):
        pseudoexp.load_benchmark("v1-small", None)


def test_another_file_in_the_place_is_refused(fresh, tmp_path):
    from mock_file import mock_file

    path = store.path_of("v1-small")
    path.parent.mkdir(parents=True)
    mock_file(path, 100)
    with pytest.raises(DamagedFile, match="is not release v1-small"):
        pseudoexp.load_benchmark("v1-small", progress=quiet)


def make_after(path, ready, go):
    with locked(path.with_name(f".{path.name}.lock"), quiet):
        ready.set()
        go.wait(20)
        store.make(release("v1-small"), path, 1, quiet)
        store._stamp(path)


def test_a_second_process_waits_and_takes_what_the_first_made(fresh, monkeypatch):
    path = store.path_of("v1-small")
    path.parent.mkdir(parents=True)
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=make_after, args=(path, ready, go))
    other.start()
    calls = counted(monkeypatch)
    monkeypatch.setattr(store, "verify", lambda path: calls.append(2))
    assert ready.wait(20)
    told = []

    def tell(*what):
        told.append(what)
        if what == (store.WAITING, 0, 0):
            go.set()

    pseudoexp.load_benchmark("v1-small", progress=tell)
    other.join()
    assert set(told) == {(store.WAITING, 0, 0)} and calls == []


def test_a_cache_that_cannot_be_written(fresh, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", "/proc/nowhere")
    with pytest.raises(ConfigError, match="PSEUDOEXP_CACHE"):
        pseudoexp.load_benchmark("v1-small", progress=quiet)


def test_make_into_a_file(fresh, tmp_path):
    made = store.make(release("v1-small"), tmp_path / "a.h5", 1, quiet)
    assert made.dataset_hash and (tmp_path / "a.h5").exists() and not store.folder().exists()

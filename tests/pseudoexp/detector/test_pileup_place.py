"""Where the pile-up library lies: another one for everything it depends on, known without numba."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from pseudoexp.detector import pileup_place
from pseudoexp.detector.pileup_place import library_path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path))
    monkeypatch.setattr(pileup_place, "version", lambda package: "8.317.2")
    return tmp_path


def test_it_lies_in_the_users_cache_and_is_found_again(cache):
    assert library_path().parent == cache / "pileup" and library_path().suffix == ".npz"
    assert library_path() == library_path(pileup_place.LIBRARY_EVENTS) and list(cache.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [
    ("LIBRARY_VERSION", "other"), ("LIBRARY_SEED", 1), ("version", lambda package: "8.316")])
def test_what_it_depends_on_gives_another_place(monkeypatch, name, value):
    before = library_path()
    monkeypatch.setattr(pileup_place, name, value)
    assert library_path() != before and library_path().parent == before.parent


def test_fewer_events_and_a_missing_generator_give_another_place(monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    before = library_path()
    assert library_path(500) != before
    monkeypatch.setattr(pileup_place, "version", missing)
    assert library_path() != before


def test_asking_loads_no_numba():
    code = ("import sys; from pseudoexp.detector.pileup_place import library_path; library_path();"
            "assert not {'numba', 'pythia8mc'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)

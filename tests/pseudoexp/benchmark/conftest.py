"""A release of made-up rows, made by the real production without processes."""

from functools import partial

import pytest
from in_process import InProcess
from toy_releases import TEXT

from pseudoexp.benchmark import registry
from pseudoexp.production import run


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """Return what replaces the releases by those of a text."""
    def replace(text):
        (tmp_path / "releases.toml").write_text(text)
        monkeypatch.setattr(registry, "SOURCE", str(tmp_path / "releases.toml"))
        registry.releases.cache_clear()
        return registry.releases()

    yield replace
    registry.releases.cache_clear()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a cache with both made-up releases in it."""
    from pseudoexp.benchmark.store import require

    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PSEUDOEXP_CACHE", str(cache))
        fake_production(patch)
        for one in registry.parse(TEXT, "text").values():
            require(one, progress=lambda *_: None)
    return cache


@pytest.fixture
def small(made, registered, monkeypatch):
    """Return the made-up releases, ready in the cache."""
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(made))
    return registered(TEXT)


@pytest.fixture
def fresh(registered, tmp_path, monkeypatch):
    """Return the made-up releases and an empty cache."""
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    fake_production(monkeypatch)
    return registered(TEXT)


def fake_production(patch):
    patch.setattr(run, "start_workers", InProcess)
    patch.setattr(run, "produce", partial(run.produce, make_chunk="fake_chunks:make_chunk"))

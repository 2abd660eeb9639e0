"""The file of releases: what ships is right, what is wrong is named, an installation knows what it can make."""

import tomllib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_releases import TEXT, frozen

from pseudoexp.benchmark import registry
from pseudoexp.benchmark.registry import Release, parse, release
from pseudoexp.errors import ConfigError, MissingExtra
from pseudoexp.production import run_config

SHIPPED = (resources.files("pseudoexp.benchmark") / "releases.toml").read_text()
KEYS = list(tomllib.loads(SHIPPED)["v1"])


def test_what_ships():
    found = parse(SHIPPED, "releases.toml")
    assert list(found) == ["v1-small", "v1", "v1-mu60", "v1-mu200", "v1-hlt", "v1-run2", "v1-tracks", "v1-images",
                           "v1-pythia8"]
    assert (found["v1-small"].n, found["v1"].n) == (200_000, 4_000_000)
    assert found["v1-small"].config.identity() == found["v1"].config.identity()  # one is a prefix of the other
    assert list(found["v1-pythia8"].splits) == ["test"] and found["v1-tracks"].tracks > 0
    assert found["v1-images"].images == 32 and found["v1"].images == 0
    for one in found.values():
        assert one.frozen or "candidate" in one.notice()
        if one.base:
            assert one.config.seed == found[one.base].config.seed


@pytest.mark.parametrize("name", [name for name, one in parse(SHIPPED, "releases.toml").items() if not one.frozen])
def test_candidates_are_those_of_this_version(name):
    """After a change of rows a candidate is pinned anew (`python bench/freeze_release.py NAME FILE`), or its pins are deleted."""
    try:
        release(name).require_reproducible()
    except MissingExtra:
        pytest.skip("its engine is not installed")


@pytest.mark.parametrize(("old", "new", "message"), [
    ('status = "candidate"', 'status = "final"', "allowed: candidate, frozen"),
    ('status = "candidate"', 'status = "frozen"', "a frozen release without engine_version"),
    ('title = "made-up rows"', 'dataset_hash = "00"\ntitle = "made-up rows"', "a dataset_hash without engine_version"),
    ("n = 3000", "n = 3000.5", "n = '3000.5'; allowed: a whole number"), ("n = 3000", "n = true", "n = 'True'"),
    ("n = 3000", "", "n is missing"), ("n = 3000", "n = -1", "n = -1"), ("n = 3000", "n = 3000\nrows = 1", "'rows' is not known"),
    ('engine = "builtin"', 'engine = "herwig"', "engine 'herwig'"), ('engine = "builtin"', 'engine = "hepmc"', "hepmc"),
    ('card = "atlas-itk"', 'card = "cms"', "no card 'cms'"), ("pileup = 0.0", "pileup = nan", "pileup"),
    ("val = [8]", "val = [7]", "allowed: { train = [0, 1"), ("splits = {", "splits = 3 #", "splits = 3"),
    ('base = "v1-small"', 'base = "v2"', "base = 'v2'"), ('base = "v1-small"', 'base = "v1-other"', "other particles"),
    ("[v1-small]", "[small]", "allowed: tables with names"), ("[v1-small]", "v1-small = 3\n[v1]", "allowed: tables"),
    ("ms_per_row = 0.1", "ms_per_row = 0", "ms_per_row"),
    ("ms_per_row = 0.1", 'weights_table = "abc"\nms_per_row = 1', "hexadecimal"),
    ("[v1-small]", "[v1-small", "not TOML")])
def test_what_is_wrong_is_named(old, new, message):
    assert old in TEXT
    with pytest.raises(ConfigError, match=r"releases\.toml") as error:
        parse(TEXT.replace(old, new, 1), "releases.toml")
    assert message in str(error.value) and "\n" not in str(error.value)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers(), max_size=12) \
    | st.dictionaries(st.text(max_size=5), st.lists(st.integers(0, 9), max_size=3), max_size=3)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([*KEYS, "dataset_hash", "engine_version", "nonsense"]), VALUES)
def test_any_value(key, value):
    table = tomllib.loads(TEXT)["v1-small"] | {key: value}
    try:
        assert isinstance(registry._release("v1-small", table, "text"), Release)
    except ConfigError as error:
        assert len(str(error)) < 2000


def test_unknown_release():
    with pytest.raises(ConfigError, match="release 'v9'; allowed: v1-small, v1,"):
        release("v9")


def test_a_frozen_release_of_this_installation(registered):
    one = frozen(registered)
    one.require_reproducible()
    assert one.frozen and one.notice() == ""


@pytest.mark.parametrize("changed", [{"engine_version": "99.9"}, {"dataset_version": "99.0.0"}, {"weights_table": "1" * 64},
                                     {"configuration_hash": "2" * 64}])
def test_other_versions_cannot_make_it(registered, changed):
    with pytest.raises(ConfigError, match=r"v1-small \(frozen\) was made by .* cannot make the release") as error:
        frozen(registered, **changed).require_reproducible()
    assert error.value.exit_code == 2 and next(iter(changed.values()))[:12] in str(error.value)


def test_a_newer_engine_cannot_make_it(registered, monkeypatch):
    one = frozen(registered)
    monkeypatch.setattr(run_config, "_BUILTIN_VERSION", "99.9")
    with pytest.raises(ConfigError, match=r"this installation has 99\.9"):
        one.require_reproducible()


def test_a_missing_engine(monkeypatch):
    monkeypatch.setattr("pseudoexp.optional.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pseudoexp\[pythia\]"):
        parse(SHIPPED, "releases.toml")["v1-pythia8"].require_reproducible()


def test_splits_of_a_release():
    found = parse(TEXT, "text")
    assert [found["v1-small"].load_split(name) for name in ("train", "val", "test", None)] == ["train", "val", "test", None]
    assert found["v1-other"].load_split("test") is None
    for split in ("train", "val", None):
        with pytest.raises(ConfigError, match=r"allowed: .*test"):
            found["v1-other"].load_split(split)
    with pytest.raises(ConfigError, match="no split 'all'"):
        found["v1-small"].load_split("all")

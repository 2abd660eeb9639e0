"""Writing what made a file into the releases: pins come from the verified file, a frozen release stays as it is."""

import sys

import freeze_release
import pytest
from toy_releases import TEXT

from pseudoexp.benchmark import store
from pseudoexp.benchmark.registry import parse


@pytest.fixture
def freeze(small, tmp_path, monkeypatch):
    page = tmp_path / "written.toml"
    page.write_text("# about releases\n\n" + TEXT.lstrip())

    def one(*words):
        monkeypatch.setattr(sys, "argv", ["freeze_release.py", *map(str, words), "--releases", str(page)])
        return freeze_release.main(), page.read_text()

    return one


def test_a_candidate_is_pinned_then_frozen(freeze, capsys):
    path = store.path_of("v1-small")
    code, text = freeze("v1-small", path)
    found = parse(text, "text")
    one = found["v1-small"]
    assert code == 0 and not one.frozen and one.dataset_hash and text.startswith("# about releases\n\n[v1-small]\n")
    assert found["v1-other"].dataset_hash == "" and one.config.hash() == one.configuration_hash
    one.require_reproducible()
    code, text = freeze("v1-small", path, "--frozen")
    assert code == 0 and parse(text, "text")["v1-small"].frozen and text.count("dataset_hash") == 1
    code, again = freeze("v1-small", path)
    assert code == 2 and again == text and "is frozen" in capsys.readouterr().err


def test_the_last_release(freeze):
    code, text = freeze("v1-other", store.path_of("v1-other"))
    assert code == 0 and parse(text, "text")["v1-other"].dataset_hash and text.endswith('"\n')


def test_other_files_are_refused(freeze, capsys):
    code, text = freeze("v1-small", store.path_of("v1-other"))
    assert code == 2 and "dataset_hash" not in text and "not release v1-small" in capsys.readouterr().err
    assert freeze("v9", store.path_of("v1-other"))[0] == 2

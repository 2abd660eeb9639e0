"""The site builds without a warning, whole and on its own."""

import importlib
import re
import subprocess
import sys
from os import environ

import pytest
import site_pages

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")
ROOT = site_pages.ROOT


def build(folder):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env=environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


def test_every_page_is_there(site):
    expected = {site_pages.place(source).replace(".md", ".html") for source in site_pages.sources()} | {"commands.html"}
    assert expected <= {path.name for path in site.glob("*.html")}
    assert not list(site.rglob("*.py"))


def test_no_page_needs_a_network(site):
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*src="?http[^"\s>]+', text)
        loaded += re.findall(r'<link[^>]*rel="?stylesheet"?[^>]*href="?http[^"\s>]+', text)
        assert not loaded, (path.name, loaded)


def test_lists_are_lists(site):
    """Markdown of the site, unlike that of others, wants an empty line before a list."""
    for path in site.glob("*.html"):
        text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"<p>(?:(?!</p>).)*\n[-*] \S", text, re.DOTALL), path.name
        assert "```" not in text, path.name


def test_links_to_files_of_the_repository_work(site):
    assert (site / "repository" / "CITATION.cff").read_bytes() == (ROOT / "CITATION.cff").read_bytes()
    assert 'href="repository/CITATION.cff"' in (site / "index.html").read_text()
    assert 'href="scaling.html"' in (site / "results.html").read_text()


@pytest.mark.parametrize("package", ["pseudoexp", "pseudoexp.benchmark"])
def test_all_public_names_are_described(site, package):
    text = (site / "api.html").read_text()
    module = importlib.import_module(package)
    told = {identifier.rpartition(".")[2] for identifier in re.findall(r'<h3 id="([\w.]+)"', text)}
    assert set(module.__all__) - {"events"} <= told and "write_event_file" in told


def test_all_commands_are_described(site):
    text = (site / "commands.html").read_text()
    for name in ("pseudoexp generate", "pseudoexp benchmark score", "tagger quantise"):
        assert f">{name}<" in text
    assert "<code>--hepmc-signal</code>" in text


def test_links_lead_to_the_sites_pages():
    assert site_pages.with_links("docs/batch.md", "[a](scaling.md) [b](../README.md#x) `[c](d)`") \
        == "[a](scaling.md) [b](index.md#x) `[c](d)`"
    assert site_pages.with_links("bench/RESULTS.md", "[a](../docs/scaling.md) [b](https://x.y) [c](../LICENSE)") \
        == "[a](scaling.md) [b](https://x.y) [c](repository/LICENSE)"

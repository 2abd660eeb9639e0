"""The datasheet and the page on the release: their numbers are those measured on a file, their texts those of the templates."""

import json
import runpy
import string
from dataclasses import replace

import numpy as np
import pytest
import release_facts
import release_figures
import site_pages
from mock_file import mock_file, pair_jets
from toy_releases import frozen

from pseudoexp.benchmark import registry
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import DamagedFile

DOCS = site_pages.ROOT / "docs"
MADE = {"date": "2026-11-21", "commit": "abc1234", "command": "python docs/make_release_pages.py a.h5"}


@pytest.fixture(scope="module")
def maker():
    return runpy.run_path(str(DOCS / "make_release_pages.py"))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return pair_jets(mock_file(tmp_path_factory.mktemp("facts") / "a.h5", 4000))


@pytest.fixture
def facts(file, monkeypatch):
    """What is measured on a made-up file, as if the release's rows were not known yet."""
    with monkeypatch.context() as patch:
        patch.setattr(release_facts, "release", lambda name: replace(registry.release(name), dataset_hash=""))
        return {"made": MADE} | release_facts.measure(file, "v1")


def test_pages_are_what_the_facts_and_templates_give(maker):
    facts = json.loads(maker["FACTS"].read_text())
    for name in maker["PAGES"]:
        assert (DOCS / name).read_text() == maker["page"](name, facts), f"run python docs/make_release_pages.py: {name}"
    assert sum(path.stat().st_size for path in DOCS.glob("release_*.png")) <= maker["MOST_BYTES"]


def test_pages_of_a_frozen_release_are_of_its_rows(maker):
    facts = json.loads(maker["FACTS"].read_text())
    one = registry.release(facts["release"])
    assert not one.frozen or facts["dataset_hash"] == one.dataset_hash, "run python docs/make_release_pages.py FILE"


def test_the_seven_sections_and_what_it_is_not_for(maker):
    text = " ".join((DOCS / "datasheet.md").read_text().split())
    for section in ("Motivation", "Composition", "Collection", "Preprocessing, cleaning, labelling", "Uses", "Distribution",
                    "Maintenance"):
        assert f"## {section} " in text
    for word in ("not for?", "Physics measurements", "ATLAS", "no top quarks, no Z → bb", "leading order", "offline quality",
                 "CC-BY-4.0"):
        assert word in text


def test_no_number_is_typed_by_hand(maker):
    """Percentages and long numbers of the templates come from the file."""
    for name in maker["PAGES"]:
        text = (DOCS / "site" / name).read_text()
        fields = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        assert len(fields) > 10
        typed = "".join(literal for literal, *_ in string.Formatter().parse(text))
        assert "%" not in typed.replace("% 10", "").replace("84 %", "")


def test_facts(file, facts):
    rows = release_facts.read(file)
    hbb, qcd = facts["classes"]["hbb"], facts["classes"]["qcd"]
    assert hbb["rows"] + qcd["rows"] == facts["rows"] == 4000 and facts["not_finite"] == 0
    assert sum(qcd["splits"].values()) == qcd["rows"] and qcd["most_rows"] == 2
    number = rows["eventNumber"][rows["flavour_label"] == 1]
    assert qcd["rows_sharing"] == pytest.approx(np.mean([(number == n).sum() > 1 for n in number]))
    assert qcd["rows_sharing"] > 0.3
    assert sum(f["cross_section"] for f in facts["qcd_flavours"].values()) == pytest.approx(1.0)
    assert sum(v for v, _ in qcd["spectrum"]) == pytest.approx(qcd["accepted"] * qcd["cross_section"], rel=1e-9)
    assert 100 < hbb["mass_mode"] < 130 and hbb["two_b"] == 1.0
    low, median, high = hbb["quantiles"]["mass"]
    own = rows["mass"][rows["flavour_label"] == 0]
    assert low < median < high and median == pytest.approx(np.median(own), rel=0.01)
    assert facts["track_jets"]["rejection"]["ip3d_bu"]["light"] > 2.0


def test_texts_and_pages_of_other_facts(maker, facts):
    text = maker["page"]("datasheet.md", facts)
    assert "`v1`" in text and "abc1234" in text and f"{facts['classes']['qcd']['rows_sharing']:.0%} of the QCD rows" in text


def test_figures(file, tmp_path):
    assert release_figures.draw(file, tmp_path) == sum(path.stat().st_size for path in tmp_path.iterdir()) > 30_000
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    release_figures.draw(file, tmp_path)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()} and len(first) == 3


def test_another_file_is_refused(file, tmp_path, monkeypatch):
    def register(text):
        (tmp_path / "releases.toml").write_text(text)
        monkeypatch.setattr(registry, "SOURCE", str(tmp_path / "releases.toml"))
        registry.releases.cache_clear()
        return registry.releases()

    frozen(register, dataset_hash="0" * 64)
    with pytest.raises(DamagedFile, match="not those of v1-small"):
        release_facts.measure(file, "v1-small")
    frozen(register, dataset_hash=str(probe(file).attributes["dataset_hash"]))
    assert release_facts.measure(file, "v1-small")["status"] == "frozen"
    monkeypatch.undo()
    registry.releases.cache_clear()

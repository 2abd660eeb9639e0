"""The page in a real browser: clicked through, and what is drawn changes; no error, no request."""

import json

import h5py
import numpy as np
import pytest
from chromium import Chromium, browser
from mock_file import mock_file

import pseudoexp
from pseudoexp.replaying.story import Story

pytest.importorskip("plotly")
HISTOGRAM = "JSON.stringify(document.getElementById('histogram').data.map(t => t.y))"
MATRIX = "JSON.stringify(document.getElementById('matrix').data[0].z)"
EVENT = "JSON.stringify(document.getElementById('picture').data.map(t => [t.name, t.visible, t.x]))"
READY = "document.documentElement.dataset.state === 'ready'"


def picture(seed):
    rng = np.random.default_rng(seed)
    n = 30
    near = np.array([0.3, 3.0, 20.0]) + rng.normal(0, [0.4, 0.4, 6.0], (n, 3))
    near[:, 2] = np.abs(near[:, 2])
    return {"towers": near, "particles": near, "charged": rng.random(n) < 0.6, "higgs": near[:1], "partons": near[1:3],
            "heavy": near[3:5], "large": near[:2], "selected": np.array([True, False]), "small": near[2:5],
            "radius": np.full(3, 0.2), "chosen": np.array([0, 1]), "perigee": rng.normal(0, 1, (n, 3)), "track_pt": near[:, 2],
            "track_eta": near[:, 0], "track_jet": rng.integers(-1, 3, n), "origin": rng.integers(0, 8, n),
            "collision": np.zeros(3),
            "primary_vertex": np.array([0.01, 0.0, 3.0]), "material": np.array([24.5, 34.0]),
            "true_vertices": rng.normal(0, 3, (2, 2)), "sv1": rng.normal(0, 3, (1, 2)), "jetfitter": np.zeros((0, 2))}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    browser()
    folder = tmp_path_factory.mktemp("browser")
    file = mock_file(folder / "a.h5", 3000)
    rows = h5py.File(file)["jets"][:2]

    def replay(number, file):
        return Story(number, ["signal", "qcd"][number // 10 % 2], number, 1, "mock", "mock", {}, rows[:1], None, picture(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pseudoexp.api.replay", replay)
        return pseudoexp.explore(file, folder / "page.html", events=[1, 11])


@pytest.fixture(scope="module")
def chromium(page):
    with Chromium() as running:
        running.open(page)
        running.wait(READY)
        yield running
        assert running.errors == []
        assert [r for r in running.requests if not r.startswith(("file:", "data:", "blob:"))] == []


def changes(chromium, drawn, act, *arguments):
    before = chromium.value(drawn)
    act(*arguments)
    chromium.wait(f"{drawn} !== {json.dumps(before)}")
    return chromium.value(drawn)


def test_first_look(chromium, page):
    assert chromium.value("document.getElementById('histogram').data.length") == 4
    assert chromium.value("document.querySelector('#column').selectedOptions[0].text") == "mass"
    shares = chromium.value("document.getElementById('histogram').data.map(t => t.y.slice(0, 60).reduce((a, b) => a + b))")
    assert shares == pytest.approx([1.0] * 4)
    assert chromium.value("document.getElementById('trouble').hidden")
    assert "1,500" in chromium.value("document.getElementById('tiles').textContent")


def test_distributions(chromium):
    assert chromium.value("document.querySelector('#column').options.length") == 69
    changes(chromium, HISTOGRAM, chromium.choose, "#column", "3")
    changes(chromium, HISTOGRAM, chromium.click, "#next")
    assert chromium.value("document.querySelector('#column').value") == "4"
    changes(chromium, HISTOGRAM, chromium.click, "#previous")
    changes(chromium, HISTOGRAM, chromium.choose, "#slice", "1")
    changes(chromium, HISTOGRAM, chromium.choose, "#weight", "1")
    changes(chromium, HISTOGRAM, chromium.click, "#norm label:nth-child(2)")
    changes(chromium, HISTOGRAM, chromium.click, "#view label:nth-child(2)")
    assert chromium.value("document.getElementById('histogram').data.length") == 5
    chromium.click("#scale label:nth-child(2)")
    chromium.wait("document.getElementById('histogram').layout.yaxis.type === 'log'")
    chromium.click("#scale label:nth-child(1)")
    chromium.wait("document.getElementById('histogram').layout.yaxis.type !== 'log'")
    changes(chromium, HISTOGRAM, chromium.click, "#view label:nth-child(1)")


def test_every_column_can_be_drawn(chromium):
    chromium.click("#scale label:nth-child(2)")
    chromium.click("#view label:nth-child(2)")
    drawn = chromium.value(
        "(() => { const e = document.getElementById('column'), titles = new Set();"
        " for (const o of e.options) { e.value = o.value; e.dispatchEvent(new Event('change', {bubbles: true}));"
        " titles.add(document.getElementById('histogram').layout.xaxis.title.text); } return titles.size; })()")
    assert drawn == 69 and chromium.errors == [] and chromium.value("document.getElementById('trouble').hidden")


def test_correlations(chromium):
    names = chromium.value("[...document.querySelectorAll('#matrix-of label')].map(l => l.textContent)")
    assert names == ["hbb", "qcd", "difference"]
    strongest = "document.getElementById('strongest').textContent"
    before = chromium.value(strongest)
    changes(chromium, MATRIX, chromium.click, "#matrix-of label:nth-child(2)")
    changes(chromium, MATRIX, chromium.click, "#matrix-of label:nth-child(3)")
    assert chromium.value(strongest) != before
    assert "minus qcd" in chromium.value("document.getElementById('matrix-caption').textContent")


def test_events(chromium):
    changes(chromium, EVENT, chromium.click, "#which label:nth-child(2)")
    assert "qcd event 11" in chromium.value("document.getElementById('event-about').textContent")
    changes(chromium, EVENT, chromium.click, "#legend .chip:nth-child(1)")
    assert chromium.value("document.querySelector('#legend .chip').getAttribute('aria-pressed')") == "false"
    changes(chromium, EVENT, chromium.click, "#plane label:nth-child(3)")
    assert "primary vertex" in chromium.value("document.getElementById('legend').textContent")
    changes(chromium, EVENT, chromium.click, "#plane label:nth-child(2)")
    low, high = chromium.value("document.getElementById('picture').layout.yaxis.range")
    assert high - low == pytest.approx(2.3, abs=1.2) and low < 3.0 < high


def test_on_a_phone(page):
    with Chromium(390, 844, phone=True) as phone:
        phone.open(page)
        phone.wait(READY)
        assert phone.value("document.documentElement.scrollWidth") <= 390
        changes(phone, HISTOGRAM, phone.click, "#next")
        assert phone.errors == []


def test_an_old_browser_is_told(page, tmp_path):
    old = tmp_path / "old.html"
    text = page.read_text(encoding="utf-8").replace("typeof DecompressionStream", "typeof NoSuchStream")
    old.write_text(text, encoding="utf-8")
    with Chromium() as chromium:
        chromium.open(old)
        chromium.wait("!document.getElementById('trouble').hidden")
        assert "browser of 2023" in chromium.value("document.getElementById('trouble').textContent")

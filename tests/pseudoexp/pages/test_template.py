"""Pages have the shared style, escape what they are given and miss nothing silently."""

from importlib import resources

import pytest

pytest.importorskip("jinja2")
import jinja2

from pseudoexp.pages.template import page_template


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "paged").mkdir()
    (tmp_path / "paged" / "__init__.py").touch()
    (tmp_path / "paged" / "page.html").write_text("<style>{{ style | safe }}</style>{{ text | twice }}\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "paged"


def test_page(package):
    page = page_template(package, "page.html", twice=lambda text: text + text).render(text="<b>")
    style = (resources.files("pseudoexp.pages") / "style.css").read_text(encoding="utf-8")
    assert page == f"<style>{style}</style>&lt;b&gt;&lt;b&gt;"


def test_what_is_not_given_is_an_error(package):
    with pytest.raises(jinja2.UndefinedError, match="text"):
        page_template(package, "page.html", twice=lambda text: text + text).render()

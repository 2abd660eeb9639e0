"""docs/event.md is what its maker writes now."""

import importlib.util
from pathlib import Path

MAKER = Path(__file__).parents[3] / "docs/make_event_page.py"


def test_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_event_page", MAKER)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = maker.page(maker.replayed())
    assert maker.PAGE.read_text(encoding="utf-8") == page, "another event: run python docs/make_event_page.py"
    for word in (maker.COMMAND, "## Hard process", "## The row", "g", "bit for bit"):
        assert word in page
    named = [line.split(": ")[1] for line in page.splitlines() if line.startswith("## ") and ": " in line]
    package = MAKER.parents[1] / "pseudoexp"
    for first in (name.split("`")[1] for name in named):
        assert (package / first).exists(), f"{first} is gone"

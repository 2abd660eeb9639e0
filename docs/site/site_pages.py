"""Which Markdown files of the repository are pages of the site, and where their links lead there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {"README.md": "index.md", "BENCHMARK.md": "benchmark.md", "CONTRIBUTING.md": "contributing.md",
           "CHANGELOG.md": "changelog.md", "bench/RESULTS.md": "results.md"}
"""Pages that stand outside docs/, and their names on the site."""
FILES = "repository"
"""Folder of the site with the files that pages link to without being pages."""
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_FENCED = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)


def sources() -> list[str]:
    """Return the paths of all pages within the repository."""
    return [*OUTSIDE, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]


def read(source: str) -> str:
    """Return the text of a page."""
    return (ROOT / source).read_text(encoding="utf-8")


def place(source: str) -> str:
    """Return where a file of the repository stands on the site."""
    if source in OUTSIDE:
        return OUTSIDE[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else f"{FILES}/{source}"


def linked(source: str) -> set[str]:
    """Return the files of the repository that a page links to."""
    found: set[str] = set()
    _each_link(read(source), lambda target: (found.add(_resolved(source, target)), target)[1])
    return found


def with_links(source: str, text: str) -> str:
    """Return a page's text with the links as the site needs them."""
    here = posixpath.dirname(place(source)) or "."
    return _each_link(text, lambda target: posixpath.relpath(place(_resolved(source, target)), here))


def _resolved(source: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def _each_link(text: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for fence in [*_FENCED.finditer(text), None]:
        prose = text[end:fence.start() if fence else len(text)]
        parts.append(_LINK.sub(lambda match: change(match[1]), prose))
        if fence:
            parts.append(fence[0])
            end = fence.end()
    return "".join(parts)

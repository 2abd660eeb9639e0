"""The page: one file that needs no network; its data and the plotting library are packed into it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pseudoexp.core.files import require_new_file, whole_file
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.exploring.drawing import drawn, typical
from pseudoexp.exploring.gather import Tell, facts, gather, numbered
from pseudoexp.optional import require_installed

_PACKAGE = "pseudoexp.exploring"


def explore(path: str | Path, out: str | Path, events: Sequence[str] | None, force: bool, tell: Tell) -> Path:
    """Write the page of a file; see `pseudoexp.api.explore`."""
    require_installed("explore", "plotly", "jinja2")
    target = Path(out)
    require_new_file(target, force)
    info = probe(path)
    numbers = typical(info) if events is None else numbered(events)
    drawings, reason = _events(info, numbers, bool(events), tell)
    text = render(info, gather(info, tell) | {"events": drawings, "no_events": reason})
    with whole_file(target) as file:
        file.write(text.encode())
    return target


def _events(info: FileInfo, numbers: Sequence[int], strict: bool, tell: Tell) -> tuple[list[dict[str, Any]], str]:
    from pseudoexp import api

    return drawn(info, numbers, strict, api.replay, lambda line: tell(line, 0, 0))


def render(info: FileInfo, data: dict[str, Any]) -> str:
    """Return the page as text."""
    from plotly.offline import get_plotlyjs

    from pseudoexp.pages.template import page_template

    folder = resources.files(_PACKAGE)
    return page_template(_PACKAGE, "page.html").render(
        info=info, facts=facts(info), data=data, payload=packed(json.dumps(data, separators=(",", ":"), allow_nan=False)),
        library=packed(get_plotlyjs()), own_style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"))


def packed(text: str) -> str:
    """Return text compressed and in base64."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()

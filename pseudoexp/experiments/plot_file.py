"""Where a figure may be written, asked before the work; no plotting package is needed to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pseudoexp.core.files import require_new_file, whole_file
from pseudoexp.errors import ConfigError
from pseudoexp.optional import require_installed

FORMATS = (".png", ".pdf", ".svg")


def require_plot(path: Path, force: bool) -> None:
    """Raise unless a figure can be written: ConfigError for the place, MissingExtra without a plotting package."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: allowed: a file ending in {', '.join(FORMATS)}")
    require_new_file(path, force)
    require_installed("validation", "matplotlib", "mplhep")


def write_plot(path: Path, draw: Callable[..., Any], *args: Any) -> None:
    """Write the figure that a function returns."""
    from pseudoexp.pages.figure import save

    with whole_file(path) as stream:
        save(stream, path.suffix.lower()[1:], draw, *args)

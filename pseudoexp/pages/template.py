"""Templates of pages with the shared style sheet; needs jinja2."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template


def page_template(package: str, name: str, **filters: Callable[..., str]) -> Template:
    """Return a package's template of a page; what it does not define is an error, and `style` is the style sheet.

    Parameters
    ----------
    package : str
        That holds the template.
    name : str
        Of its file.
    **filters : callable
        Further filters, by the names the template has for them.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(filters)
    environment.globals["style"] = (resources.files(__package__) / "style.css").read_text(encoding="utf-8")
    return environment.from_string((resources.files(package) / name).read_text(encoding="utf-8"))

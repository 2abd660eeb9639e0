"""Packages of other people that an installation may lack: `pip install pseudoexp[EXTRA]` brings them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pseudoexp.errors import MissingExtra

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "hgq": "hgq2"}
"""Where the name to install is not the name to import."""


def require(module: str, extra: str) -> Any:
    """Return a module of an optional package.

    Raises
    ------
    MissingExtra
        If it, or something it needs, is not installed; `extra` brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise _missing(error.name or module, extra) from None


def require_installed(extra: str, *modules: str) -> None:
    """Raise MissingExtra unless these packages are installed; none of them is imported yet."""
    for module in modules:
        if find_spec(module) is None:
            raise _missing(module, extra)


def _missing(module: str, extra: str) -> MissingExtra:
    package = module.partition(".")[0]
    return MissingExtra(_DISTRIBUTIONS.get(package, package), extra)

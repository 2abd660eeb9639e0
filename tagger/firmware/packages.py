"""Packages of other people that firmware needs and an installation may lack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pseudoexp.errors import MissingExtra


def require(module: str, extra: str) -> Any:
    """Return a module of an optional package.

    Raises
    ------
    MissingExtra
        If it is not installed; `extra` brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(error.name or module, extra) from None

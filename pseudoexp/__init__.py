"""Pseudo-experiments for boosted H->bb tagging: a dataset generator with a fast detector, and its reader.

The public names are imported on first use, so that ``import pseudoexp`` is quick and compiles nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Bunch", "convert", "events", "explore", "generate", "info", "load", "load_benchmark", "load_objects", "merge",
           "particles", "rate", "replay", "shift", "toys", "validate", "verify"]

if TYPE_CHECKING:
    from pseudoexp.api import (
        convert,
        events,
        explore,
        generate,
        info,
        load,
        load_benchmark,
        load_objects,
        merge,
        particles,
        rate,
        replay,
        shift,
        toys,
        validate,
        verify,
    )
    from pseudoexp.bunch import Bunch

_HOMES = dict.fromkeys(__all__, "pseudoexp.api") | {"Bunch": "pseudoexp.bunch"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "benchmark":
        return import_module("pseudoexp.benchmark")
    if name not in _HOMES:
        raise AttributeError(f"module 'pseudoexp' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

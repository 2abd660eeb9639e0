"""The benchmark: releases that anyone makes again, the protocol by which scores are judged, the leaderboard.

The public names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["evaluate", "identities", "load_benchmark", "release", "releases", "save_scores"]

if TYPE_CHECKING:
    from pseudoexp.benchmark.protocol import evaluate
    from pseudoexp.benchmark.registry import release, releases
    from pseudoexp.benchmark.scores import save_scores
    from pseudoexp.benchmark.store import identities, load_benchmark

_HOMES = {"evaluate": "protocol", "identities": "store", "load_benchmark": "store", "release": "registry", "releases": "registry",
          "save_scores": "scores"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pseudoexp.benchmark' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

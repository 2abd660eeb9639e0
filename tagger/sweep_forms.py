"""What the result of a sweep's job holds, by its kind: a file that lacks some of it is no result, and its job is done again.

A form is a type, a tuple of types, a list (any number of one form), or a mapping of keys to forms; more keys may stand beside
those of a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

NUMBER = (int, float)
MAYBE = (int, float, NoneType)
"""None where rows were too few for a figure."""
COMMON = {"kind": str, "settings": dict, "data": {"path": str, "rows": int}, "versions": {"keras": str, "backend": str}}
"""What results of all kinds hold."""
_POINT = {"rejection": MAYBE}
RUN = {
    "asked": dict, "kept": dict, "inputs": [str], "layout": [int], "nodes": int, "parameters": int,
    "multiplications": int, "auc": NUMBER, "auc_error": NUMBER, "rejection": dict.fromkeys(("0.3", "0.5", "0.6", "0.7"), _POINT),
    "flavours": dict, "pt_bins": [{"low": NUMBER, "high": NUMBER}],
    "sculpting": {"distance": MAYBE, "noise": MAYBE}, "epochs": int, "epochs_total": int, "training_seconds": NUMBER,
}  # fmt: skip
"""What is told of a network."""
_TRIED = {"index": int, "rank": int, "test": [NUMBER]}
_SEARCH = {"search": {"candidates": [{"inputs": [str], "layout": [int], "test": [NUMBER]}], "order": [int],
                      "winners": [_TRIED], "found": [_TRIED]}}
_ONE = RUN | {"seed": int}
_FIGURES = {"auc": NUMBER, "auc_error": NUMBER, "rejection": {"0.5": _POINT, "0.6": _POINT}}
_LOOKS = {"importance": dict, "shapley": {"mean": dict, "error": dict}}
FORMS: Mapping[str, Mapping[str, Any]] = {
    "prune": _ONE,
    "select": _ONE,
    "fixed": _ONE | {"scan": [{"bits": MAYBE, "auc": NUMBER}], "breaks_at": MAYBE},
    "quantise": _ONE | {"quantisation": {"ebops": NUMBER}},
    "luts": _ONE | {"luts": {"limit": NUMBER, "estimated": NUMBER, "synthesised": NUMBER},
                    "latency": {"clocks": NUMBER, "ns": NUMBER},
                    "float": {"auc": NUMBER, "rejection": {"0.5": MAYBE, "0.6": MAYBE}}},
    "distil": _ONE,
    "layouts": _SEARCH,
    "features": _SEARCH,
    "robustness": _ONE | {"nominal": _FIGURES, "samples": dict, "attributions": _LOOKS | {"quantities": _LOOKS}},
    "steps": {"steps": dict},
}
"""What results of one kind hold beside `COMMON`: what the report reads."""


def misfit(content: Any, form: Any, place: str = "") -> str | None:
    """Return the first place where content read from JSON differs from a form, such as "rejection.0.5"; None if it fits."""
    if isinstance(form, Mapping) and isinstance(content, dict):
        before = place and f"{place}."
        inside = (misfit(content[key], one, before + key) if key in content else before + key for key, one in form.items())
    elif isinstance(form, list) and isinstance(content, list):
        inside = (misfit(one, form[0], f"{place}[{i}]") for i, one in enumerate(content))
    else:
        fits = not isinstance(form, Mapping | list) and isinstance(content, form)
        return None if fits else place or "everything"
    return next((wrong for wrong in inside if wrong), None)

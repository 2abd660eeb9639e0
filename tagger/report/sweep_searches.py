"""AutoPruner beside all layouts, or all sets of features, that an exhaustive search tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def verdict(search: dict[str, Any]) -> dict[str, Any]:
    """AutoPruner against the best candidate on validation rows, AUC on test rows.

    Parameters
    ----------
    search : dict
        As `tagger.resize.exhaustive.search` returns it.

    Returns
    -------
    dict
        `best` (median over fresh seeds), `spread` (their standard deviation) and `dead` (networks that give all rows one logit,
        which the spread leaves out), `found` and `own` (medians over AutoPruner's seeds: of the median of what was found, trained
        on the fresh seeds, and of the networks as pruned; None where that was not noted), `found_within` and `own_within` (not
        below the best by more than its spread).
    """
    tests = search["winners"][0]["test"]
    own = [entry["own"] for entry in search["found"] if "own" in entry]
    best, spread = float(np.median(tests)), spread_of_living(tests)
    told: dict[str, Any] = {"best": best, "spread": spread, "dead": len(tests) - len(living(tests))}
    for name, values in (("found", [np.median(entry["test"]) for entry in search["found"]]), ("own", own)):
        told[name] = float(np.median(values)) if values else None
        told[f"{name}_within"] = bool(told[name] >= best - spread) if values else None
    return told


def living(areas: Sequence[float]) -> list[float]:
    """Return the AUC of networks that tell rows apart at all."""
    return [area for area in areas if abs(area - 0.5) > 1e-9]


def spread_of_living(areas: Sequence[float]) -> float:
    """Return the standard deviation over seeds among networks that tell rows apart; 0 with fewer than two."""
    values = living(areas)
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

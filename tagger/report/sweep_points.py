"""Runs of a sweep that differ in their seeds alone, as one point: its name, and the spread of each figure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tagger.sweep import Result
from tagger.sweep_request import GRID

LUT_METHODS = {"hgq": "HGQ2", "autopruner": "AutoPruner, then HGQ2",
               "joint": "AutoPruner with HGQ2", "distilled": "distilled, then HGQ2",
               "rounded": "rounded after training"}
FIGURES = ("auc", "0.5", "0.6")
"""AUC, and the rejection at two signal efficiencies."""
FURTHER = ("0.3", "0.7")
"""Signal efficiencies that no figure shows."""
FULL, AUTOPRUNER, ITERATIVE = "full network", "autopruner", "iterative"
"""What labels begin with: of the network that others are made from, and of the two schemes whose costs are compared."""


def label(result: Result) -> str:
    """What a run is called in figures: its method and what is not usual about it."""
    said = result["settings"]
    words = {
        "quantise": lambda: "full network, HGQ2" if said["nodes"] == "100%" else f"AutoPruner {said['nodes']}, then HGQ2",
        "luts": lambda: LUT_METHODS[said["method"]],
        "robustness": lambda: "all features" if said["features"] == "all" else f"{said['features']} features",
        "distil": lambda: ("labels alone" if not said["share"] else f"teacher's share {said['share']:g}")
        + ("" if said["nodes"] == "none" else f", pruned to {said['nodes']}"),
    }
    if result["kind"] in words:
        pruned = result["kind"] == "robustness" and said["nodes"] != "100%"
        return words[result["kind"]]() + (f", {said['nodes']} of the nodes" if pruned else "")
    name = {"none": FULL, "iterative": f"{ITERATIVE}, {said['rounds']} round{'s' * (said['rounds'] > 1)}"}.get(
        said["method"], said["method"])
    if said.get("cost", "nodes") != "nodes":
        name += f" by {said['cost']}"
    if said["constraint"] != GRID[result["kind"]]["constraint"][0]:
        name += f" ({said['constraint']})"
    if said.get("where", "hidden") != "hidden":
        name += f" on {said['where']}"
    for option, word in (("untrained", "from the start"), ("retrain", "from scratch"), ("tune", "tuned"),
                         ("group_track_jets", "in pairs")):
        name += f", {word}" if said.get(option) else ""
    return str(name)


def points_of(results: Sequence[Result], place: Callable[[Result], float], apart: bool = False) -> list[dict[str, Any]]:
    """One entry per label and place, its figures over seeds; `apart`: per label and `settings`, at the median place."""
    groups: dict[tuple[str, Any], list[Result]] = defaultdict(list)
    for result in results:
        key = json.dumps(result["settings"], sort_keys=True) if apart else place(result)
        groups[label(result), key].append(result)
    points = []
    for (name, _), members in groups.items():
        entry: dict[str, Any] = {"label": name, "x": float(np.median([place(r) for r in members])),
                                 "seeds": [r["seed"] for r in members]}
        entry |= {"auc": spread_of([r["auc"] for r in members])}
        entry |= {figure: rejections_of([r["rejection"].get(figure) for r in members]) for figure in (*FIGURES[1:], *FURTHER)}
        entry["errors"] = {"auc": float(np.median([r["auc_error"] for r in members]))}
        entry["errors"] |= {eps: median_of([r["rejection"].get(eps, {}).get("rejection_error") for r in members])
                            for eps in (*FIGURES[1:], *FURTHER)}
        entry |= {size: float(np.median([r[size] for r in members])) for size in ("parameters", "multiplications")}
        entry["epochs"] = float(np.median([r["epochs_total"] for r in members]))
        entry["seconds"] = float(np.median([r["training_seconds"] for r in members]))
        entry |= parts_of(members) | ({"settings": members[0]["settings"]} if apart else {})
        entry["layouts"] = ["-".join(str(n) for n in (len(r["inputs"]), *r["layout"])) for r in members]
        if all("left" in r for r in members):
            entry["left"] = ["-".join(map(str, r["left"])) for r in members]
        points.append(entry)
    return sorted(points, key=lambda entry: (natural_key(entry["label"]), entry["x"]))


def natural_key(name: str) -> list[tuple[float, str]]:
    """A key that sorts numbers within names as numbers."""
    return [(float(part), "") if part.isdigit() else (-1.0, part) for part in re.split(r"(\d+)", name)]


def parts_of(members: Sequence[Result]) -> dict[str, Any]:
    """Rejections at 50 % over seeds by `flavours` of the background and in `pt_bins`, and the mass' `sculpting` there."""
    flavours = {name: rejections_of([r["flavours"].get(name) for r in members]) for name in members[0]["flavours"]}
    bins = [{"low": one["low"], "high": one["high"], "rejection": rejections_of([r["pt_bins"][i]["rejection"] for r in members])}
            for i, one in enumerate(members[0]["pt_bins"])]
    sculpting = {key: spread_of([r["sculpting"][key] for r in members if r["sculpting"][key] is not None])
                 for key in ("distance", "noise")}
    return {"flavours": flavours, "pt_bins": bins, "sculpting": sculpting}


def rejections_of(points: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Spread of rejections; `limits` counts the seeds of which only a lower limit is known, which stands for the value."""
    known = [point["rejection"] for point in points if point and point["rejection"] is not None]
    limits = [point["rejection_above"] for point in points if point and point["rejection"] is None and "rejection_above" in point]
    spread = spread_of([*known, *limits])
    return spread and spread | {"limits": len(limits), "above": any(limit <= spread["median"] for limit in limits)}


def spread_of(values: list[float]) -> dict[str, Any] | None:
    """Median, lowest, highest and all values over seeds."""
    if not values:
        return None
    return {"median": float(np.median(values)), "low": min(values), "high": max(values), "values": values}


def median_of(values: Sequence[float | None]) -> float | None:
    """Median of what is known."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None

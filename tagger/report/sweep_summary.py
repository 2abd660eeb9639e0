"""What a sweep found over seeds, as plain numbers: the JSON beside its page."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from pseudoexp.benchmark.registry import releases
from pseudoexp.errors import ConfigError, DataError
from tagger.data import quantity
from tagger.report.attributions import pair
from tagger.robustness import EFFICIENCIES
from tagger.runs import Run
from tagger.sweep import Result
from tagger.sweep_request import GRID

CLOCK_NS, LEVELS = 5, 5
"""Clock and additions per stage behind the latencies of `tagger.lut_jobs`."""
LUT_METHODS = {"hgq": "HGQ2", "autopruner": "AutoPruner, then HGQ2",
               "joint": "AutoPruner with HGQ2", "distilled": "distilled, then HGQ2",
               "rounded": "rounded after training"}
FROM_FULL = ("hgq", "joint")
"""Those that start from the full network itself: the other epochs are the full network's."""
PARTS = ("flavours", "pt_bins", "sculpting")
"""Figures by flavour of the background, in pT, and of its mass."""
FIGURES = ("auc", "0.5", "0.6")
"""AUC, and the rejection at two signal efficiencies."""
FURTHER = ("0.3", "0.7")
"""Signal efficiencies that no figure shows."""
FULL, AUTOPRUNER, ITERATIVE = "full network", "autopruner", "iterative"
"""What labels begin with: of the network that others are made from, and of the two schemes whose costs are compared."""
EQUAL = ("0.5", "auc")
"""Figures in which costs are compared."""
OUTCOMES = ("no rounded network takes at most", "no network of at most", "no bit is left in layer",
            "the network's logit is the same")
"""How refusals begin that say what a network cannot do: they are results, of which no repetition makes others."""
Summary = dict[str, Any]


def summarise(results: Sequence[Result]) -> Summary:
    """Bring results of single jobs together over seeds.

    Parameters
    ----------
    results : sequence of dict
        As `tagger.sweep.load_results` returns them.

    Returns
    -------
    dict
        `nodes`, `features` (curves, one point per method and number; the full network in both), `costs` (by nodes asked for,
        curves over epochs where a scan varied them), `asked` (asked for and kept of every run), `survivors` (features by
        method and number), `searches`, `fixed`, `frontier`, `luts` (None without), `distil`, `robustness` (networks on other
        samples), `networks` (what they look at), `steps` (seconds per training step), `data`, `versions`; JSON types only.

    Raises
    ------
    DataError
        If there is no result.
    """
    if not results:
        raise DataError("no job of this sweep is finished: there is nothing to report")
    chosen = {kind: [result for result in results if result["kind"] == kind]
              for kind in GRID}
    full = [result for result in chosen["prune"] if result["settings"]["method"] == "none"]
    return {
        "nodes": _points([result for result in chosen["prune"] if "epochs" not in result["settings"]], _share_of_nodes),
        "costs": _costs(chosen["prune"]),
        "features": _points([*chosen["select"], *full], _features_kept) if chosen["select"] else [],
        "asked": [pair for result in (*chosen["prune"], *chosen["select"], *chosen["distil"]) if (pair := _asked(result))],
        "survivors": _survivors(chosen["select"]),
        "searches": [{"kind": kind, "settings": result["settings"], "verdict": verdict(result["search"])} | result["search"]
                     for kind in ("layouts", "features") for result in chosen[kind]],
        "fixed": _fixed(chosen["fixed"]),
        "frontier": _points(chosen["quantise"], lambda result: float(result["quantisation"]["ebops"]), apart=True),
        "luts": _luts(chosen["luts"]),
        "distil": _points(chosen["distil"], lambda result: float(result["nodes"])),
        "robustness": _robustness(chosen["robustness"]), "networks": _networks(chosen["robustness"]),
        "steps": [result["settings"] | {"seconds": result["steps"]} for result in chosen["steps"]],
        "data": _data(results[0]["data"]), "versions": _versions(results),
    }


def gathered(summaries: dict[str, Summary]) -> Summary:
    """Put summaries of several sweeps, by their names, into one: each figure from the only sweep that has it.

    Returns
    -------
    dict
        As `summarise`, with `sources` (figure -> sweeps), `sweeps` (name -> `data`, `versions` and `plan`) and `notes`.

    Raises
    ------
    ConfigError
        If two sweeps have the same figure, but for `asked` and `searches`, of which there can be several.
    """
    result: Summary = {"sources": {}, "sweeps": {}, "notes": {}}
    for name, summary in summaries.items():
        result["sweeps"][name] = {key: summary[key] for key in ("data", "versions", "plan")}
        result["notes"] |= {kind: f"{result['notes'][kind]} {text}" if kind in result["notes"] else text
                            for kind, text in summary["notes"].items()}
        for key, content in summary.items():
            if key in result["sweeps"][name] or key == "notes":
                continue
            held = result["sources"].setdefault(key, [])
            if not held:
                result[key] = content
            elif content and key in ("asked", "searches"):
                result[key] = [*result[key], *content]
            elif content:
                raise ConfigError(f"sweeps {held[0]} and {name} both have {key}: they are reported on one page each")
            held += [name] if content else []
    return result


def _data(source: dict[str, Any]) -> dict[str, Any]:
    """Where rows come from, the file without its folder, with the name of the `release` that they are, if any."""
    rows = source.get("dataset_hash")
    named = next((one.name for one in releases().values() if rows and one.dataset_hash == rows), None)
    return source | {"path": Path(str(source["path"])).name, "release": named}


def missing(troubles: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell what no network could do from what went wrong.

    Parameters
    ----------
    troubles : sequence of str
        As `tagger.sweep.load_results` returns them.

    Returns
    -------
    impossible, failed : list of str
        One text for all seeds of which the same is true, with the job's name without its hash.
    """
    seeds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for trouble in troubles:
        name, _, reason = trouble.partition(": ")
        job = re.sub(r"-[0-9a-f]{8}(\.json)?$", "", Path(name).name)
        what, _, seed = job.rpartition("-s") if re.search(r"-s\d+$", job) else (job, "", "")
        seeds[what, reason] += [seed] if seed else []
    told: tuple[list[str], list[str]] = ([], [])
    for (what, reason), found in seeds.items():
        which = f" (seed{'s' * (len(found) > 1)} {', '.join(found)})" if found else ""
        told[not reason.startswith(OUTCOMES)].append(f"{what}{which}: {reason}")
    return told


def _versions(results: Sequence[Result]) -> dict[str, str]:
    """Versions of what made some results; several where they differ."""
    found: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for name, version in result["versions"].items():
            found[name] += [version] if version not in found[name] else []
    return {name: ", ".join(versions) for name, versions in found.items()}


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
    for option, word in (("retrain", "from scratch"), ("tune", "tuned"), ("group_track_jets", "in pairs")):
        name += f", {word}" if said.get(option) else ""
    return str(name)


def _points(results: Sequence[Result], place: Callable[[Result], float], apart: bool = False) -> list[dict[str, Any]]:
    """One entry per label and place, its figures over seeds; `apart`: per label and `settings`, at the median place."""
    groups: dict[tuple[str, Any], list[Result]] = defaultdict(list)
    for result in results:
        key = json.dumps(result["settings"], sort_keys=True) if apart else place(result)
        groups[label(result), key].append(result)
    points = []
    for (name, _), members in groups.items():
        entry: dict[str, Any] = {"label": name, "x": float(np.median([place(r) for r in members])),
                                 "seeds": [r["seed"] for r in members]}
        entry |= {"auc": _spread([r["auc"] for r in members])}
        entry |= {figure: _rejections([r["rejection"].get(figure) for r in members]) for figure in (*FIGURES[1:], *FURTHER)}
        entry["errors"] = {"auc": float(np.median([r["auc_error"] for r in members]))}
        entry["errors"] |= {eps: _middle([r["rejection"].get(eps, {}).get("rejection_error") for r in members])
                            for eps in (*FIGURES[1:], *FURTHER)}
        entry |= {size: float(np.median([r[size] for r in members])) for size in ("parameters", "multiplications")}
        entry["epochs"] = float(np.median([r["epochs_total"] for r in members]))
        entry["seconds"] = float(np.median([r["training_seconds"] for r in members]))
        entry |= _parts(members) | ({"settings": members[0]["settings"]} if apart else {})
        entry["layouts"] = ["-".join(str(n) for n in (len(r["inputs"]), *r["layout"])) for r in members]
        if all("left" in r for r in members):
            entry["left"] = ["-".join(map(str, r["left"])) for r in members]
        points.append(entry)
    return sorted(points, key=lambda entry: (_natural(entry["label"]), entry["x"]))


def _natural(name: str) -> list[tuple[float, str]]:
    """A key that sorts numbers within names as numbers."""
    return [(float(part), "") if part.isdigit() else (-1.0, part) for part in re.split(r"(\d+)", name)]


def _costs(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Figures against the epochs behind the full network, for nodes of which a scan varied them.

    Each of AutoPruner's points notes the `equals`: by figure (rejection at 50 %, AUC), of every other method the fewest epochs
    with at least its median.
    """
    varied = {str(r["settings"]["nodes"]): r["nodes"] for r in results if "epochs" in r["settings"]}
    found = []
    for nodes in sorted(varied, key=lambda asked: varied[asked]):
        points = _points([r for r in results if str(r["settings"]["nodes"]) == nodes], lambda result: result["epochs"])
        for mine in (point for point in points if point["label"].startswith(AUTOPRUNER)):
            mine["equals"] = {figure: _fewest(points, mine, figure) for figure in EQUAL if mine[figure] is not None}
        found.append({"nodes": nodes, "points": points})
    return found


def _fewest(points: Sequence[dict[str, Any]], mine: dict[str, Any], figure: str) -> dict[str, float]:
    """The fewest epochs after which methods, by their labels, have at least the median of one's figure."""
    reached = [point for point in points if point["label"] != mine["label"] and point[figure] is not None
               and point[figure]["median"] >= mine[figure]["median"]]
    return {label: min(point["x"] for point in reached if point["label"] == label)
            for label in dict.fromkeys(point["label"] for point in reached)}


def _luts(results: Sequence[Result]) -> dict[str, Any] | None:
    """Figures per method and limit against synthesised LUTs and latency, and those of the float networks; None without.

    Of networks rounded after training the `PARTS` were taken before rounding: they are left out.
    """
    if not results:
        return None
    groups: dict[tuple[str, float], list[Result]] = defaultdict(list)
    for result in results:
        groups[label(result), float(result["luts"]["limit"])].append(result)
    points = []
    for (_, limit), members in sorted(groups.items()):
        middle = {name: float(np.median([r[group][key] for r in members])) for name, group, key in (
            ("estimated", "luts", "estimated"), ("ns", "latency", "ns"), ("clocks", "latency", "clocks"))}
        left_out = PARTS if members[0]["settings"]["method"] == "rounded" else ()
        points += [{key: value for key, value in point.items() if key not in left_out} | middle | {"limit": limit}
                   for point in _points(members, lambda r: float(r["luts"]["synthesised"]), apart=True)]
    floats = {r["seed"]: r["float"] for r in results}.values()
    plain = {"auc": _spread([one["auc"] for one in floats])}
    plain |= {eps: _spread([one["rejection"][eps] for one in floats if one["rejection"].get(eps)]) for eps in FIGURES[1:]}
    before = [r["epochs_total"] - r["epochs"] for r in results if r["settings"]["method"] in FROM_FULL]
    return {"points": points, "clock_ns": CLOCK_NS, "levels": LEVELS, "float": plain | {"epochs": _middle(before)}}


def _parts(members: Sequence[Result]) -> dict[str, Any]:
    """Rejections at 50 % over seeds by `flavours` of the background and in `pt_bins`, and the mass' `sculpting` there."""
    flavours = {name: _rejections([r["flavours"].get(name) for r in members]) for name in members[0]["flavours"]}
    bins = [{"low": one["low"], "high": one["high"], "rejection": _rejections([r["pt_bins"][i]["rejection"] for r in members])}
            for i, one in enumerate(members[0]["pt_bins"])]
    sculpting = {key: _spread([r["sculpting"][key] for r in members if r["sculpting"][key] is not None])
                 for key in ("distance", "noise")}
    return {"flavours": flavours, "pt_bins": bins, "sculpting": sculpting}


def _robustness(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Figures over seeds of each network on its own sample and on every other one."""
    found = []
    for name, members in _by_label(results).items():
        own = [{"figures": result["nominal"], "at_nominal_thresholds": {}} for result in members]
        others = {sample: [result["samples"][sample] for result in members] for sample in members[0]["samples"]}
        for sample, entries in ({"nominal": own} | others).items():
            nominal = [entry["at_nominal_thresholds"] for entry in entries]
            found.append({
                "label": name, "sample": sample, "seeds": [result["seed"] for result in members],
                "facts": entries[0].get("sample"), "auc": _spread([entry["figures"]["auc"] for entry in entries]),
                "auc_error": float(np.median([entry["figures"]["auc_error"] for entry in entries])),
                "rejection": {e: _rejections([entry["figures"]["rejection"].get(e) for entry in entries]) for e in EFFICIENCIES},
                "signal": {e: _spread([cuts[e]["signal"] for cuts in nominal if e in cuts]) for e in EFFICIENCIES},
                "rejection_there": {e: _rejections([cuts.get(e) for cuts in nominal]) for e in EFFICIENCIES}})
    return found


def _networks(results: Sequence[Result]) -> list[dict[str, Any]]:
    """What networks look at, mean over seeds: nothing where a seed does not take an input, errors from the seeds' scatter."""
    found = []
    for name, members in _by_label(results).items():
        looks = [result["attributions"] for result in members]
        single, together = (_mean_looks([one if key is None else one[key] for one in looks]) for key in (None, "quantities"))
        found.append({"label": name, "seeds": [result["seed"] for result in members],
                      "layouts": ["-".join(str(n) for n in (len(r["inputs"]), *r["layout"])) for r in members],
                      "inputs": float(np.mean([len(r["inputs"]) for r in members])),
                      "multiplications": float(np.mean([r["multiplications"] for r in members])),
                      **single, "quantities": together})
    return found


def _mean_looks(looks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for one in looks for name in one["importance"])
    shap = {name: [one["shapley"]["mean"].get(name, 0.0) for one in looks] for name in names}
    return {"importance": {name: float(np.mean([one["importance"].get(name, 0.0) for one in looks])) for name in names},
            "shapley": {"mean": {name: float(np.mean(values)) for name, values in shap.items()},
                        "error": {name: float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
                                  for name, values in shap.items()}}}


def looks(networks: Sequence[dict[str, Any]]) -> list[Run]:
    """Return the largest and the smallest network, or the only one, as runs that `tagger.report.attributions` takes."""
    runs = [Run(model=None, inputs=tuple(network["importance"]), path=Path(network["label"]), histograms=network,
                metrics={"model": {"multiplications": network["multiplications"]}}) for network in networks]
    return pair(runs)


def _by_label(results: Sequence[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[label(result)].append(result)
    return groups


def _rejections(points: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Spread of rejections; `limits` counts the seeds of which only a lower limit is known, which stands for the value."""
    known = [point["rejection"] for point in points if point and point["rejection"] is not None]
    limits = [point["rejection_above"] for point in points if point and point["rejection"] is None and "rejection_above" in point]
    spread = _spread([*known, *limits])
    return spread and spread | {"limits": len(limits), "above": any(limit <= spread["median"] for limit in limits)}


def _spread(values: list[float]) -> dict[str, Any] | None:
    """Median, lowest, highest and all values over seeds."""
    if not values:
        return None
    return {"median": float(np.median(values)), "low": min(values), "high": max(values), "values": values}


def _middle(values: Sequence[float | None]) -> float | None:
    """Median of what is known."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _share_of_nodes(result: Result) -> float:
    full = result.get("full", {}).get("nodes") or result["nodes"]
    return float(result["nodes"] / full)


def _features_kept(result: Result) -> float:
    return float(len(result["inputs"]))


def _asked(result: Result) -> dict[str, Any] | None:
    if "budget" not in result.get("kept", {}) or "budget" not in result["asked"]:
        return None
    return {"asked": result["asked"]["budget"], "kept": result["kept"]["budget"], "label": label(result),
            "unit": "features" if result["kind"] == "select" else result["asked"].get("cost", "nodes")}


def _survivors(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Per method and number of features: how often each is kept, and how alike the sets of two seeds are."""
    sets: dict[tuple[str, int], list[set[str]]] = defaultdict(list)
    for result in results:
        sets[label(result), len(result["inputs"])].append(set(result["inputs"]))
    found = []
    for (name, kept), members in sorted(sets.items(), key=lambda item: (_natural(item[0][0]), -item[0][1])):
        grouped = [{quantity(feature) for feature in one} for one in members]
        found.append({"label": name, "features": kept, "seeds": len(members),
                      "share": dict(Counter(feature for one in members for feature in sorted(one)).most_common()),
                      "likeness": _likeness(members), "likeness_grouped": _likeness(grouped)})
    return found


def _likeness(sets: Sequence[set[str]]) -> float | None:
    """Mean over pairs of common over all features (Jaccard)."""
    pairs = [len(a & b) / len(a | b) for a, b in combinations(sets, 2)]
    return float(np.mean(pairs)) if pairs else None


def _fixed(results: Sequence[Result]) -> list[dict[str, Any]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[str(result["settings"]["nodes"])].append(result)
    return [{"nodes": nodes, "breaks_at": [r["breaks_at"] for r in members],
             "scan": [{"bits": row["bits"], "auc": _spread([r["scan"][i]["auc"] for r in members])}
                      for i, row in enumerate(members[0]["scan"])]} for nodes, members in groups.items()]


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

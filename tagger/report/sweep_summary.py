"""What a sweep found over seeds, as plain numbers: the JSON beside its page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from pseudoexp.benchmark.registry import releases
from pseudoexp.errors import ConfigError, DataError
from tagger.data import quantity
from tagger.report.attributions import pair
from tagger.report.sweep_points import (
    AUTOPRUNER,
    FIGURES,
    label,
    median_of,
    natural_key,
    points_of,
    rejections_of,
    spread_of,
)
from tagger.report.sweep_searches import verdict
from tagger.robustness import EFFICIENCIES
from tagger.runs import Run
from tagger.sweep import Result
from tagger.sweep_request import GRID

CLOCK_NS, LEVELS = 5, 5
"""Clock and additions per stage behind the latencies of `tagger.lut_jobs`."""
FROM_FULL = ("hgq", "joint")
"""Those that start from the full network itself: the other epochs are the full network's."""
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
        "nodes": points_of([result for result in chosen["prune"] if "epochs" not in result["settings"]], _share_of_nodes),
        "costs": _costs(chosen["prune"]),
        "features": points_of([*chosen["select"], *full], _features_kept) if chosen["select"] else [],
        "asked": [pair for result in (*chosen["prune"], *chosen["select"], *chosen["distil"]) if (pair := _asked(result))],
        "survivors": _survivors(chosen["select"]),
        "searches": [{"kind": kind, "settings": result["settings"], "verdict": verdict(result["search"])} | result["search"]
                     for kind in ("layouts", "features") for result in chosen[kind]],
        "fixed": _fixed(chosen["fixed"]),
        "frontier": points_of(chosen["quantise"], lambda result: float(result["quantisation"]["ebops"]), apart=True),
        "luts": _luts(chosen["luts"]),
        "distil": points_of(chosen["distil"], lambda result: float(result["nodes"])),
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


def _costs(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Figures against the epochs in total, those of the full network included, for nodes of which a scan varied them.

    Each of AutoPruner's points notes the `equals`: by figure (rejection at 50 %, AUC), of every other method the fewest epochs
    with at least its median.
    """
    varied = {str(r["settings"]["nodes"]): r["nodes"] for r in results if "epochs" in r["settings"]}
    found = []
    for nodes in sorted(varied, key=lambda asked: varied[asked]):
        points = points_of([r for r in results if str(r["settings"]["nodes"]) == nodes], lambda result: result["epochs_total"])
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
    """Figures per method and limit against synthesised LUTs and latency, and those of the float networks; None without."""
    if not results:
        return None
    groups: dict[tuple[str, float], list[Result]] = defaultdict(list)
    for result in results:
        groups[label(result), float(result["luts"]["limit"])].append(result)
    points = []
    for (_, limit), members in sorted(groups.items()):
        middle = {name: float(np.median([r[group][key] for r in members])) for name, group, key in (
            ("estimated", "luts", "estimated"), ("ns", "latency", "ns"), ("clocks", "latency", "clocks"))}
        points += [point | middle | {"limit": limit}
                   for point in points_of(members, lambda r: float(r["luts"]["synthesised"]), apart=True)]
    floats = {r["seed"]: r["float"] for r in results}.values()
    plain = {"auc": spread_of([one["auc"] for one in floats])}
    plain |= {eps: spread_of([one["rejection"][eps] for one in floats if one["rejection"].get(eps)]) for eps in FIGURES[1:]}
    before = [r["epochs_total"] - r["epochs"] for r in results if r["settings"]["method"] in FROM_FULL]
    return {"points": points, "clock_ns": CLOCK_NS, "levels": LEVELS, "float": plain | {"epochs": median_of(before)}}


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
                "facts": entries[0].get("sample"), "auc": spread_of([entry["figures"]["auc"] for entry in entries]),
                "auc_error": float(np.median([entry["figures"]["auc_error"] for entry in entries])),
                "rejection": {e: rejections_of([one["figures"]["rejection"].get(e) for one in entries]) for e in EFFICIENCIES},
                "signal": {e: spread_of([cuts[e]["signal"] for cuts in nominal if e in cuts]) for e in EFFICIENCIES},
                "rejection_there": {e: rejections_of([cuts.get(e) for cuts in nominal]) for e in EFFICIENCIES}})
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
    for (name, kept), members in sorted(sets.items(), key=lambda item: (natural_key(item[0][0]), -item[0][1])):
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
             "scan": [{"bits": row["bits"], "auc": spread_of([r["scan"][i]["auc"] for r in members])}
                      for i, row in enumerate(members[0]["scan"])]} for nodes, members in groups.items()]

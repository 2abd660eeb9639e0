"""What a sweep found, as plain numbers (`summarise`, the JSON beside the page) and as one page."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from pseudoexp import __version__
from pseudoexp.core.files import whole_file
from pseudoexp.errors import ConfigError, DataError, MissingExtra
from tagger.data import quantity
from tagger.report.page import subscripts
from tagger.report.tables import Table, count, percent
from tagger.sweep import GRID, Result, load_results

CLOCK_NS, LEVELS = 5, 5
"""Clock and additions per stage behind the latencies of `tagger.lut_jobs`."""
LUT_METHODS = {"hgq": "HGQ2", "autopruner": "AutoPruner, then HGQ2",
               "joint": "AutoPruner with HGQ2", "distilled": "distilled, then HGQ2",
               "rounded": "rounded after training"}
FIGURES = ("auc", "0.5", "0.6")
"""AUC, and the rejection at two signal efficiencies."""
Summary = dict[str, Any]


def is_sweep(path: str | Path) -> bool:
    """Tell whether a folder is one of a sweep."""
    return (Path(path) / "jobs.json").is_file() and (Path(path) / "sweep.toml").is_file()


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
        method and number), `searches`, `fixed`, `frontier`, `luts` (None without), `distil`; JSON types only.

    Raises
    ------
    DataError
        If there is no result.
    """
    if not results:
        raise DataError("no job of this sweep is finished: there is nothing to report")
    chosen = {kind: [result for result in results if result["kind"] == kind]
              for kind in ("prune", "select", "fixed", "quantise", "luts", "distil", "layouts", "features")}
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
        "data": results[0]["data"] | {"path": Path(str(results[0]["data"]["path"])).name}, "versions": results[0]["versions"],
    }


def label(result: Result) -> str:
    """What a run is called in figures: its method and what is not usual about it."""
    said = result["settings"]
    words = {
        "quantise": lambda: "full network, HGQ2" if said["nodes"] == "100%" else f"AutoPruner {said['nodes']}, then HGQ2",
        "luts": lambda: LUT_METHODS[said["method"]],
        "distil": lambda: ("labels alone" if not said["share"] else f"teacher's share {said['share']:g}")
        + ("" if said["nodes"] == "none" else f", pruned to {said['nodes']}"),
    }
    if result["kind"] in words:
        return words[result["kind"]]()
    name = {"none": "full network", "iterative": f"iterative, {said['rounds']} rounds"}.get(said["method"], said["method"])
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
    """One entry per label and place, its figures over seeds; `apart`: per label and settings, at the median place."""
    groups: dict[tuple[str, Any], list[Result]] = defaultdict(list)
    for result in results:
        key = json.dumps(result["settings"], sort_keys=True) if apart else place(result)
        groups[label(result), key].append(result)
    points = []
    for (name, _), members in groups.items():
        entry: dict[str, Any] = {"label": name, "x": float(np.median([place(r) for r in members])),
                                 "seeds": [r["seed"] for r in members]}
        for figure in FIGURES:
            values = [r["auc"] if figure == "auc" else r["rejection"][figure]["rejection"] for r in members]
            entry[figure] = _spread([value for value in values if value is not None])
        entry["epochs"] = float(np.median([r["epochs_total"] for r in members]))
        entry["seconds"] = float(np.median([r["training_seconds"] for r in members]))
        entry["layouts"] = ["-".join(str(n) for n in (len(r["inputs"]), *r["layout"])) for r in members]
        points.append(entry)
    return sorted(points, key=lambda entry: (entry["label"], entry["x"]))


def _costs(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Figures against the epochs behind the full network, for nodes of which a scan varied them.

    Each of AutoPruner's points notes the `equals`: of every other method the fewest epochs with at least its median AUC.
    """
    varied = {result["settings"]["nodes"] for result in results if "epochs" in result["settings"]}
    found = []
    for nodes in sorted(varied, key=str):
        points = _points([result for result in results if result["settings"]["nodes"] == nodes], lambda result: result["epochs"])
        for mine in (point for point in points if point["label"].startswith("autopruner")):
            reached = [point for point in points if point["label"] != mine["label"]
                       and point["auc"]["median"] >= mine["auc"]["median"]]
            mine["equals"] = {label: min(p["x"] for p in reached if p["label"] == label)
                              for label in dict.fromkeys(point["label"] for point in reached)}
        found.append({"nodes": nodes, "points": points})
    return found


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
                   for point in _points(members, lambda r: float(r["luts"]["synthesised"]), apart=True)]
    floats = {r["seed"]: r["float"] for r in results}.values()
    plain = {"auc": _spread([one["auc"] for one in floats])}
    plain |= {eps: _spread([one["rejection"][eps] for one in floats if one["rejection"].get(eps)]) for eps in FIGURES[1:]}
    return {"points": points, "clock_ns": CLOCK_NS, "levels": LEVELS, "float": plain}


def _spread(values: list[float]) -> dict[str, Any] | None:
    """Median, lowest, highest and all values over seeds."""
    if not values:
        return None
    return {"median": float(np.median(values)), "low": min(values), "high": max(values), "values": values}


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
    for (name, kept), members in sorted(sets.items(), key=lambda item: (item[0][0], -item[0][1])):
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


def write_sweep_report(folder: str | Path, out: str | Path, force: bool = False) -> tuple[Path, list[str]]:
    """Write the page on a sweep, and its numbers as JSON of the same name beside it.

    Parameters
    ----------
    folder : str or Path
        Written by `tagger sweep`.
    out : str or Path
        The HTML file.
    force : bool
        Replace existing files.

    Returns
    -------
    Path, list of str
        The page, and what was missing or damaged.

    Raises
    ------
    ConfigError
        If a file exists (without `force`) or cannot be written.
    DataError
        If no job is finished.
    """
    target = Path(out)
    beside = target.with_suffix(".json")
    for path in (target, beside):
        if path.exists() and (not force or not path.is_file()):
            raise ConfigError(f"{path}: exists already; --force replaces a file")
    results, troubles = load_results(folder)
    summary = summarise(results)
    html = render_sweep(summary, troubles, Path(folder).resolve().name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((beside, json.dumps(summary, indent=1, allow_nan=False) + "\n"), (target, html)):
            with whole_file(path) as file:
                file.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{target}: cannot write there ({error.strerror})") from None
    return target, troubles


def render_sweep(summary: Summary, troubles: Sequence[str], name: str) -> str:
    """Return the page as text.

    Raises
    ------
    MissingExtra
        Without jinja2, matplotlib or mplhep.
    """
    try:
        from pseudoexp.pages.template import page_template
        from tagger.report import sweep_plots
    except ImportError as error:
        raise MissingExtra(error.name or "matplotlib", "tagger") from None
    template = page_template("tagger.report", "sweep.html", subscripts=subscripts)
    exact = [pair for pair in summary["asked"] if pair["unit"] in ("nodes", "features")]
    return template.render(
        plots=sweep_plots, count=count, name=name, version=__version__, troubles=troubles, summary=summary,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), exact=sum(p["asked"] == p["kept"] for p in exact), runs=len(exact),
        nodes=points_table(summary["nodes"], "share of nodes", percent),
        frontier=points_table(summary["frontier"], "EBOPs", count), distil=points_table(summary["distil"], "nodes", count),
        costs=[(entry, costs_table(entry["points"])) for entry in summary["costs"]],
        luts=luts_table(summary["luts"]), features=points_table(summary["features"], "features", count),
        survivors=survivors_table(summary["survivors"]), searches=[(s, search_table(s)) for s in summary["searches"]])


def points_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Figures of each method and number; None without any."""
    if not points:
        return None
    rows = []
    for entry in points:
        seconds = f"{entry['seconds']:.0f}"
        layouts = ", ".join(dict.fromkeys(entry["layouts"])).replace("-", "\N{NON-BREAKING HYPHEN}")
        rows.append((None, (entry["label"], write(entry["x"]), str(len(entry["seeds"])), _digits(entry["auc"], 4),
                            _digits(entry["0.5"], 0), _digits(entry["0.6"], 0), f"{entry['epochs']:g}", seconds, layouts)))
    return Table(("method", what, "seeds", "AUC", "1/ε_B at 50 %", "1/ε_B at 60 %", "epochs", "seconds", "layouts"), tuple(rows))


def costs_table(points: Sequence[dict[str, Any]]) -> Table:
    """Figures by epochs, and beside AutoPruner's after how many the other methods have its median AUC."""
    rows = []
    for entry in points:
        others = [label for label in dict.fromkeys(point["label"] for point in points) if label != entry["label"]]
        equals = ", ".join(f"{label}: {_epochs(entry['equals'].get(label))}" for label in others) if "equals" in entry else ""
        rows.append((None, (entry["label"], f"{entry['x']:g}", str(len(entry["seeds"])), _digits(entry["auc"], 4),
                            _digits(entry["0.5"], 0), _digits(entry["0.6"], 0), f"{entry['seconds']:.0f}", equals)))
    heads = ("method", "epochs", "seeds", "AUC", "1/ε_B at 50 %", "1/ε_B at 60 %", "seconds", "epochs to the same AUC")
    return Table(heads, tuple(rows))


def _epochs(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def luts_table(luts: dict[str, Any] | None) -> Table | None:
    """Estimated and synthesised LUTs in columns of their own; None without any."""
    if luts is None:
        return None
    heads = ("method", "LUTs at most", "estimated, da4ml", "synthesised, Yosys", "clocks", "ns", "AUC", "1/ε_B at 50 %",
             "1/ε_B at 60 %", "seeds", "epochs", "seconds")
    return Table(heads, tuple(
        (None, (e["label"], f"{e['limit']:g}", count(e["estimated"]), count(e["x"]), f"{e['clocks']:g}", f"{e['ns']:g}",
                _digits(e["auc"], 4), _digits(e["0.5"], 0), _digits(e["0.6"], 0), str(len(e["seeds"])), f"{e['epochs']:g}",
                f"{e['seconds']:.0f}")) for e in luts["points"]))


def survivors_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """Stability of the features kept; None without any."""
    if not found:
        return None

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    return Table(("method", "features", "seeds", "likeness", "IP3D as one", "kept by all seeds"), tuple(
        (None, (e["label"], str(e["features"]), str(e["seeds"]), number(e["likeness"]), number(e["likeness_grouped"]),
                ", ".join(name for name, times in e["share"].items() if times == e["seeds"]) or "–")) for e in found))


def verdict(search: dict[str, Any]) -> dict[str, Any]:
    """AutoPruner against the best candidate on validation rows, AUC on test rows.

    Parameters
    ----------
    search : dict
        As `tagger.resize.exhaustive.search` returns it.

    Returns
    -------
    dict
        `best` and `spread` (mean and standard deviation over fresh seeds), `found` and `own` (mean over AutoPruner's seeds of
        what was found trained on the fresh seeds, and of the networks as pruned; None where that was not noted),
        `found_within` and `own_within` (not below the best by more than its spread).
    """
    tests = search["winners"][0]["test"]
    own = [entry["own"] for entry in search["found"] if "own" in entry]
    best, spread = float(np.mean(tests)), float(np.std(tests, ddof=1)) if len(tests) > 1 else 0.0
    told: dict[str, Any] = {"best": best, "spread": spread}
    for name, values in (("found", [np.mean(entry["test"]) for entry in search["found"]]), ("own", own)):
        told[name] = float(np.mean(values)) if values else None
        told[f"{name}_within"] = bool(told[name] >= best - spread) if values else None
    return told


def search_table(search: dict[str, Any]) -> Table:
    """The winners of a search and what AutoPruner found, all on fresh seeds; its networks as it left them beside."""
    rows = []
    for title, entries in (("best", search["winners"]), ("AutoPruner's", search["found"])):
        for entry in entries:
            candidate = search["candidates"][entry["index"]]
            what = "-".join(map(str, candidate["layout"])) if search["kind"] == "layouts" else ", ".join(candidate["inputs"])
            spread = float(np.std(entry["test"], ddof=1)) if len(entry["test"]) > 1 else float("nan")
            rows.append((None, (title, what, f"{entry['rank']} of {len(search['candidates'])}", f"{np.mean(entry['test']):.4f}",
                                f"{spread:.4f}", f"{entry['own']:.4f}" if "own" in entry else "–")))
    return Table(("", "network" if search["kind"] == "layouts" else "features", "rank on validation rows", "AUC, fresh seeds",
                  "spread over seeds", "AUC as pruned"), tuple(rows))


def _digits(values: dict[str, Any] | None, digits: int) -> str:
    if values is None:
        return "–"
    text = f"{values['median']:.{digits}f}"
    return text if values["low"] == values["high"] else f"{text} ({values['low']:.{digits}f}–{values['high']:.{digits}f})"

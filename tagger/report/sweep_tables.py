"""The tables of a sweep's page: plain rows of text, made from its summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tagger.report.sweep_points import AUTOPRUNER, FULL, FURTHER, ITERATIVE
from tagger.report.sweep_searches import living, spread_of_living
from tagger.report.sweep_summary import EQUAL
from tagger.report.tables import DASH, Table, count
from tagger.robustness import EFFICIENCIES
from tagger.sweep_request import GRID

METHODS = {
    AUTOPRUNER: "One score per node or feature gives a gate from 0 to 1; all gates share the budget while the network trains, "
                "and become 0 or 1 as the temperature falls. From scratch: the layout found is trained again with new weights. "
                "The three next are ways to hold the budget.",
    "topk": "Only the best scores act, and the gates carry the gradient. AutoPruner among nodes, where nothing else is said.",
    "fermi": "Gates are occupation numbers of a Fermi–Dirac distribution, their sum is the budget at every step. "
             "AutoPruner among features, where half-open gates fluctuate.",
    "penalty": "Independent gates, and a term in the loss for the distance of their sum from the budget.",
    "cancelout": "Independent gates which a term in the loss spreads; the highest are kept, and training goes on.",
    "ranking": "CancelOut as published: gates rank, and a new network of what is kept is trained.",
    "magnitude": "One cut by the norm of outgoing weights times the spread of the activation; then training goes on.",
    "norm": "The same by the norm of outgoing weights alone.",
    "l1": "Training with an L1 term on all weights, one cut by their norm, then training without the term.",
    ITERATIVE: "Cuts as in magnitude, in equal ratios over several rounds, with training in between.",
    "random": "What is kept is drawn at random, before any training.",
    "from the start": "There was no full network: a new one is pruned while it learns for the first time.",
    "trees": "Features ranked by a forest of randomised trees; the network is trained on the best.",
}
"""What methods do, by their names in labels."""
CONSTRAINTS = ("topk", "fermi", "penalty")
"""Those that are ways to hold AutoPruner's budget."""


def points_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Figures of each method and number; None without any."""
    if not points:
        return None
    rows = []
    for name, entry in zip(point_names(points), points, strict=True):
        seconds = f"{entry['seconds']:.0f}"
        layouts = _layouts(entry["layouts"]) + (f"; left {_layouts(entry['left'])}" if "left" in entry else "")
        rows.append((None, (name, write(entry["x"]), str(len(entry["seeds"])), _digits(entry["auc"], 4),
                            _digits(entry["0.5"], 0), _digits(entry["0.6"], 0), f"{entry['epochs']:g}", seconds, layouts)))
    return Table(("method", what, "seeds", "AUC", "1/ε_B at 50 %", "1/ε_B at 60 %", "epochs", "seconds", "layouts"), tuple(rows))


def more_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Rejections at 30 and 70 %, errors from the test rows, and sizes of each method and number; None without any."""
    if not points:
        return None
    cuts, named = ("0.3", "0.5", "0.6", "0.7"), zip(point_names(points), points, strict=True)
    heads = ("method", what, *(f"1/ε_B at {float(e):.0%}" for e in FURTHER), "error of the rows: AUC",
             *(f"at {float(e):.0%}" for e in cuts), "parameters", "multiplications")
    return Table(heads, tuple(
        (None, (name, write(e["x"]), *(_digits(e[eps], 0) for eps in FURTHER), f"{e['errors']['auc']:.4f}",
                *(DASH if e["errors"][eps] is None else f"{e['errors'][eps]:.0f}" for eps in cuts),
                count(e["parameters"]), count(e["multiplications"]))) for name, e in named))


def point_names(points: Sequence[dict[str, Any]]) -> list[str]:
    """Labels; of quantised networks with the price of a bit operation, and the tolerance where points differ in it."""
    several = len(tolerances(points)) > 1
    names = []
    for entry in points:
        price = f", β = {entry['settings']['beta']:g}" if _is_priced(entry) else ""
        names.append(entry["label"] + price + (f", AUC within {_tolerance(entry):g}" if price and several else ""))
    return names


def tolerances(points: Sequence[dict[str, Any]]) -> list[float]:
    """How much validation AUC quantised networks may lose, each different value once, rising."""
    return sorted({_tolerance(entry) for entry in points if _is_priced(entry)})


def _is_priced(entry: dict[str, Any]) -> bool:
    return "beta" in entry.get("settings", {})


def _tolerance(entry: dict[str, Any]) -> float:
    return float(entry["settings"].get("tolerance", GRID["quantise"]["tolerance"][0]))


def _layouts(found: Sequence[str]) -> str:
    """Each layout once, none broken into two lines."""
    return ", ".join(dict.fromkeys(found)).replace("-", "\N{NON-BREAKING HYPHEN}")


def costs_table(points: Sequence[dict[str, Any]]) -> Table:
    """AutoPruner's figures by epochs, and after how many the cheapest iterative scheme has its median rejection, and AUC."""
    rows = [(None, (e["label"], f"{e['x']:g}", _digits(e["auc"], 4), _digits(e["0.5"], 0),
                    *(_cheapest(points, e["equals"].get(figure)) for figure in EQUAL)))
            for e in points if "equals" in e]
    heads = ("method", "epochs", "AUC", "1/ε_B at 50 %", "iterative: epochs to the same rejection at 50 %", "to the same AUC")
    return Table(heads, tuple(rows))


def all_costs_table(points: Sequence[dict[str, Any]]) -> Table:
    """Figures of all methods by epochs."""
    heads = ("method", "epochs", "seeds", "AUC", "1/ε_B at 50 %", "1/ε_B at 60 %", "seconds")
    return Table(heads, tuple(
        (None, (e["label"], f"{e['x']:g}", str(len(e["seeds"])), _digits(e["auc"], 4), _digits(e["0.5"], 0),
                _digits(e["0.6"], 0), f"{e['seconds']:.0f}")) for e in points))


def _cheapest(points: Sequence[dict[str, Any]], fewest: dict[str, float] | None) -> str:
    """The fewest epochs of an iterative scheme, and its rounds."""
    tried = _iterative(points)
    if fewest is None or not tried:
        return DASH
    reached = {name: fewest[name] for name in tried if name in fewest}
    if not reached:
        return f"none up to {max(p['x'] for p in points if p['label'] in tried):g}"
    best = min(reached.values())
    return f"{best:g} ({_rounds([tried[name] for name, epochs in reached.items() if epochs == best])})"


def _iterative(points: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Labels of iterative schemes, their rounds and what else is said of them."""
    found = ((p["label"], re.fullmatch(rf"{ITERATIVE}, (\d+) rounds?(.*)", p["label"])) for p in points)
    return {name: (match[1], match[2]) for name, match in found if match}


def _rounds(schemes: Sequence[tuple[str, str]]) -> str:
    ways: dict[str, list[str]] = {}
    for rounds, how in schemes:
        ways.setdefault(how, []).append(rounds)
    return "; ".join(f"{listed(rounds, 'or')} round{'s' * (rounds != ['1'])}{how}" for how, rounds in ways.items())


def iterative_tried(points: Sequence[dict[str, Any]]) -> str:
    """Say after how many epochs each iterative scheme was looked at; nothing without any."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, scheme in _iterative(points).items():
        found.setdefault(listed([f"{p['x']:g}" for p in points if p["label"] == name], "and"), []).append(scheme)
    return "; ".join(_rounds(schemes) + "," * any(how for _, how in schemes) + f" after {epochs}"
                     for epochs, schemes in found.items())


def listed(words: Sequence[str], last: str) -> str:
    """Words in a row, with another one before the last."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def epochs_of(points: Sequence[dict[str, Any]]) -> str:
    """Say how many epochs each method took, those with the same number together."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(p["label"] for p in points):
        mine = [p["epochs"] for p in points if p["label"] == name]
        found.setdefault(f"{min(mine):g}" + (f" to {max(mine):g}" if min(mine) < max(mine) else ""), []).append(name)
    return "; ".join(f"{epochs} for {', '.join(f'“{name}”' for name in names)}" for epochs, names in found.items())


def least_nodes(points: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Hidden layers and nodes of the full network, whose layers keep one node each at least; None where it is missing."""
    layout = next((p["layouts"][0] for p in points if p["label"] == FULL), None)
    if layout is None:
        return None
    hidden = [int(n) for n in layout.split("-")[1:]]
    return {"layers": len(hidden), "nodes": sum(hidden)}


def methods(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Names of methods on the page, and what they do."""
    points = chain(summary["nodes"], summary["features"], *(cost["points"] for cost in summary["costs"]))
    names = " ".join({point["label"] for point in points}) + (f" {AUTOPRUNER}" if summary["luts"] or summary["searches"] else "")
    return [(name, text) for name, text in METHODS.items()
            if re.search(rf"\b{AUTOPRUNER if name in CONSTRAINTS else name}\b", names)]


def fixed_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """AUC by the bits of networks rounded after training; None without any."""
    if not found:
        return None
    return Table(("nodes", "bits", "seeds", "AUC"), tuple(
        (None, (e["nodes"], "float" if row["bits"] is None else str(row["bits"]), str(len(row["auc"]["values"])),
                _digits(row["auc"], 4))) for e in found for row in e["scan"]))


def luts_table(luts: dict[str, Any] | None) -> Table | None:
    """Estimated and synthesised LUTs in columns of their own, inputs and nodes left where a result tells; None without any."""
    if luts is None:
        return None
    heads = ("method", "LUTs at most", "estimated, da4ml", "synthesised, Yosys", "clocks", "ns", "AUC", "1/ε_B at 50 %",
             "1/ε_B at 60 %", "seeds", "epochs", "seconds")
    told = any("left" in e for e in luts["points"])
    return Table((*heads, "inputs and nodes left") if told else heads, tuple(
        (None, (e["label"], f"{e['limit']:g}", count(e["estimated"]), count(e["x"]), f"{e['clocks']:g}", f"{e['ns']:g}",
                _digits(e["auc"], 4), _digits(e["0.5"], 0), _digits(e["0.6"], 0), str(len(e["seeds"])), f"{e['epochs']:g}",
                f"{e['seconds']:.0f}", *([_layouts(e["left"]) if "left" in e else DASH] if told else [])))
        for e in luts["points"]))


def survivors_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """Stability of the features kept; None without any."""
    if not found:
        return None

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    return Table(("method", "features", "seeds", "likeness", "IP3D as one", "kept by all seeds"), tuple(
        (None, (e["label"], str(e["features"]), str(e["seeds"]), number(e["likeness"]), number(e["likeness_grouped"]),
                ", ".join(name for name, times in e["share"].items() if times == e["seeds"]) or "–")) for e in found))


def search_table(search: dict[str, Any]) -> Table:
    """The winners of a search and what AutoPruner found, all on fresh seeds; its networks as it left them beside."""
    rows = []
    for title, entries in (("best", search["winners"]), ("AutoPruner's", search["found"])):
        for entry in entries:
            candidate = search["candidates"][entry["index"]]
            what = "-".join(map(str, candidate["layout"])) if search["kind"] == "layouts" else ", ".join(candidate["inputs"])
            rows.append((None, (title, what, f"{entry['rank']} of {len(search['candidates'])}", f"{np.median(entry['test']):.4f}",
                                f"{spread_of_living(entry['test']):.4f}", str(len(entry["test"]) - len(living(entry["test"]))),
                                f"{entry['own']:.4f}" if "own" in entry else "–")))
    heads = ("rank on validation rows", "AUC, median of fresh seeds", "standard deviation", "dead", "AUC as pruned")
    return Table(("", "network" if search["kind"] == "layouts" else "features", *heads), tuple(rows))


def parts_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Rejections at 50 % by flavour and in pT bins, and the mass' distance before and after that cut; None without any."""
    if not points:
        return None
    first = points[0]
    heads = ("method", what, *first["flavours"], *(f"{b['low']:.0f}–{b['high']:.0f} GeV" for b in first["pt_bins"]),
             "mass, distance", "by chance")
    return Table(heads, tuple(
        (None, (name, write(e["x"]), *(_digits(value, 0) for value in e["flavours"].values()),
                *(_digits(b["rejection"], 0) for b in e["pt_bins"]), _digits(e["sculpting"]["distance"], 2),
                _digits(e["sculpting"]["noise"], 2))) for name, e in zip(point_names(points), points, strict=True)))


def robustness_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """Networks on other samples: at thresholds found there, and at nominal ones; None without any."""
    if not found:
        return None
    heads = ("network", "sample", "seeds", "AUC", "error of the rows", *(f"1/ε_B at {float(e):.0%}" for e in EFFICIENCIES),
             *(head for e in EFFICIENCIES for head in (f"ε_S at the nominal {float(e):.0%} cut [%]", "1/ε_B there")))
    rows = []
    for e in found:
        nominal = [(_digits(e["signal"][eps], 1, 100.0), _digits(e["rejection_there"][eps], 0)) for eps in EFFICIENCIES]
        rows.append((None, (e["label"], e["sample"], str(len(e["seeds"])), _digits(e["auc"], 4), f"{e['auc_error']:.4f}",
                            *(_digits(e["rejection"][eps], 0) for eps in EFFICIENCIES), *chain.from_iterable(nominal))))
    return Table(heads, tuple(rows))


def steps_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """Time per training step of the plain network, and what gates add; None without any."""
    if not found:
        return None
    plain, *names = found[0]["seconds"]
    return Table(("rows per step", "compiled", "plain [ms]", *names), tuple(
        (None, (count(e["batch"]), "yes" if e["compiled"] else "no", f"{1e3 * e['seconds'][plain]:.2f}",
                *(f"{e['seconds'][name] / e['seconds'][plain] - 1.0:+.0%}" for name in names)))
        for e in sorted(found, key=lambda e: (e["compiled"], e["batch"]))))


def _digits(values: dict[str, Any] | None, digits: int, scale: float = 1.0) -> str:
    if values is None:
        return DASH
    low, middle, high = (f"{scale * values[key]:.{digits}f}" for key in ("low", "median", "high"))
    text = f"> {middle}" if values.get("above") else middle
    return text if values["low"] == values["high"] else f"{text} ({low}–{high})"

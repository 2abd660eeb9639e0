"""The tables of a sweep's page: plain rows of text, made from its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tagger.report.sweep_summary import FURTHER
from tagger.report.tables import DASH, Table, count
from tagger.robustness import EFFICIENCIES


def points_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Figures of each method and number; None without any."""
    if not points:
        return None
    rows = []
    for entry in points:
        seconds = f"{entry['seconds']:.0f}"
        layouts = _layouts(entry["layouts"]) + (f"; left {_layouts(entry['left'])}" if "left" in entry else "")
        rows.append((None, (_name(entry), write(entry["x"]), str(len(entry["seeds"])), _digits(entry["auc"], 4),
                            _digits(entry["0.5"], 0), _digits(entry["0.6"], 0), f"{entry['epochs']:g}", seconds, layouts)))
    return Table(("method", what, "seeds", "AUC", "1/ε_B at 50 %", "1/ε_B at 60 %", "epochs", "seconds", "layouts"), tuple(rows))


def more_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Rejections at 30 and 70 %, errors from the test rows, and sizes of each method and number; None without any."""
    if not points:
        return None
    cuts = ("0.3", "0.5", "0.6", "0.7")
    heads = ("method", what, *(f"1/ε_B at {float(e):.0%}" for e in FURTHER), "error of the rows: AUC",
             *(f"at {float(e):.0%}" for e in cuts), "parameters", "multiplications")
    return Table(heads, tuple(
        (None, (_name(e), write(e["x"]), *(_digits(e[eps], 0) for eps in FURTHER), f"{e['errors']['auc']:.4f}",
                *(DASH if e["errors"][eps] is None else f"{e['errors'][eps]:.0f}" for eps in cuts),
                count(e["parameters"]), count(e["multiplications"]))) for e in points))


def _name(entry: dict[str, Any]) -> str:
    """The label, and the price of a bit operation where that sets points of one label apart."""
    beta = entry.get("settings", {}).get("beta")
    return str(entry["label"]) if beta is None else f"{entry['label']}, β = {beta:g}"


def _layouts(found: Sequence[str]) -> str:
    """Each layout once, none broken into two lines."""
    return ", ".join(dict.fromkeys(found)).replace("-", "\N{NON-BREAKING HYPHEN}")


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
            spread = float(np.std(entry["test"], ddof=1)) if len(entry["test"]) > 1 else float("nan")
            rows.append((None, (title, what, f"{entry['rank']} of {len(search['candidates'])}", f"{np.mean(entry['test']):.4f}",
                                f"{spread:.4f}", f"{entry['own']:.4f}" if "own" in entry else "–")))
    return Table(("", "network" if search["kind"] == "layouts" else "features", "rank on validation rows", "AUC, fresh seeds",
                  "spread over seeds", "AUC as pruned"), tuple(rows))


def parts_table(points: Sequence[dict[str, Any]], what: str, write: Callable[[float], str]) -> Table | None:
    """Rejections at 50 % by flavour and in pT bins, and the mass' distance before and after that cut; None without any."""
    if not points:
        return None
    first = points[0]
    heads = ("method", what, *first["flavours"], *(f"{b['low']:.0f}–{b['high']:.0f} GeV" for b in first["pt_bins"]),
             "mass, distance", "by chance")
    return Table(heads, tuple(
        (None, (_name(e), write(e["x"]), *(_digits(value, 0) for value in e["flavours"].values()),
                *(_digits(b["rejection"], 0) for b in e["pt_bins"]), _digits(e["sculpting"]["distance"], 2),
                _digits(e["sculpting"]["noise"], 2))) for e in points))


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

"""The figures of a sweep's page: each draws from its summary and returns an SVG as a data address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from pseudoexp.pages.figure import FAINT, INK, styled
from tagger.report.plots import colour, line

NAMES = {"auc": "AUC", "0.5": r"$1/\varepsilon_B$ at $\varepsilon_S$ = 50%", "0.6": r"$1/\varepsilon_B$ at $\varepsilon_S$ = 60%"}
MARKERS = "os^Dv<>Pp*hX"
DEAD = 0.55
"""AUC up to which a network has learned nothing."""
DIGIT = 0.032
"""Share of an axis that a digit takes."""


def _labels(points: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(point["label"] for point in points))


def _curves(axes: Axes, points: Sequence[dict[str, Any]], figure: str) -> None:
    """Medians joined by a line per method, bars from the lowest to the highest seed."""
    for i, name in enumerate(_labels(points)):
        mine = [p for p in points if p["label"] == name and p[figure] is not None]
        if not mine:
            continue
        x = np.array([p["x"] for p in mine])
        middle = np.array([p[figure]["median"] for p in mine])
        bars = np.abs(np.array([[p[figure]["low"], p[figure]["high"]] for p in mine]).T - middle)
        axes.errorbar(x, middle, yerr=bars, color=colour(i), ls=line(i), marker=MARKERS[i % len(MARKERS)], ms=4, lw=1.2,
                      elinewidth=0.8, label=name)
    axes.set(ylabel=NAMES[figure])
    axes.grid(True, which="major", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)


def _frame(axes: Axes, points: Sequence[dict[str, Any]], figure: str) -> None:
    """Rejections from 0 on; the AUC without networks that learned nothing, which would press the rest together."""
    if figure != "auc":
        axes.set_ylim(bottom=0.0)
        return
    medians = [point[figure]["median"] for point in points if point[figure] and point[figure]["median"] > DEAD]
    if medians:
        low, high = min(medians), max(medians)
        reach = max(high - low, 0.002)
        axes.set_ylim(low - 0.15 * reach, high + 0.1 * reach)


def _apart(places: Sequence[float]) -> list[float]:
    """Return those of some rising numbers whose names do not run into one another on a logarithmic axis."""
    named: list[float] = []
    for place in places:
        if not named or np.log(place / named[-1]) > DIGIT * len(f"{place:g}") * np.log(places[-1] / places[0]):
            named.append(place)
    return named


@styled
def curves(points: Sequence[dict[str, Any]], what: str, share: bool = False,
           reference: dict[str, Any] | None = None) -> Figure:
    """AUC and rejections against the number, or the share, of what is kept; one panel per figure."""
    drawing = Figure(figsize=(10.4, 3.9), layout="constrained")
    panels = drawing.subplots(1, len(NAMES))
    for axes, figure in zip(panels, NAMES, strict=True):
        _curves(axes, points, figure)
        axes.set(xscale="log", xlabel=what)
        axes.margins(x=0.08)
        _frame(axes, points, figure)
        if reference and reference[figure] is not None:
            axes.axhline(reference[figure]["median"], color=INK, lw=0.9, ls=":")
        if share:
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        else:
            places = sorted({point["x"] for point in points})
            if len(places) < 10:
                named = _apart(places)
                axes.set_xticks(named, [f"{place:g}" for place in named])
        axes.xaxis.set_minor_formatter(NullFormatter())
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return drawing


@styled
def against_time(points: Sequence[dict[str, Any]]) -> Figure:
    """Rejection at 50 % against latency in ns, one curve per method."""
    drawing = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = drawing.subplots()
    _curves(axes, sorted(({**point, "x": point["ns"]} for point in points), key=lambda p: (p["label"], p["x"])), "0.5")
    axes.set(xlabel="latency [ns]")
    axes.legend()
    return drawing


@styled
def diagonal(pairs: Sequence[dict[str, Any]]) -> Figure:
    """What was kept against what was asked for, one marker per run; one panel per unit."""
    units = list(dict.fromkeys(pair["unit"] for pair in pairs))
    drawing = Figure(figsize=(3.6 * max(len(units), 2), 3.4), layout="constrained")
    for axes, unit in zip(drawing.subplots(1, len(units), squeeze=False)[0], units, strict=True):
        mine = [pair for pair in pairs if pair["unit"] == unit]
        top = 1.1 * max(pair["asked"] for pair in mine)
        axes.plot([0, top], [0, top], color=INK, lw=0.8, ls=":")
        axes.plot([p["asked"] for p in mine], [p["kept"] for p in mine], ls="", marker="o", ms=5, mfc="none", color=colour(1))
        axes.set(xlabel=f"{unit} asked for", ylabel=f"{unit} kept", xlim=(0, top), ylim=(0, top))
    return drawing


@styled
def survivors(found: Sequence[dict[str, Any]]) -> Figure:
    """How often each feature is kept at each number of features, for the first method of the list that has most numbers."""
    names = [entry["label"] for entry in found]
    chosen = "autopruner" if "autopruner" in names else max(names, key=names.count)
    mine = [entry for entry in found if entry["label"] == chosen]
    weight: dict[str, float] = {}
    for entry in mine:
        for feature, times in entry["share"].items():
            weight[feature] = weight.get(feature, 0.0) + times / entry["seeds"]
    order = sorted(weight, key=lambda feature: -weight[feature])
    content = np.array([[entry["share"].get(feature, 0) / entry["seeds"] for entry in mine] for feature in order])
    drawing = Figure(figsize=(6.4, 0.8 + 0.19 * len(order)), layout="constrained")
    axes = drawing.subplots()
    image = axes.imshow(content, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(mine)), [str(entry["features"]) for entry in mine])
    axes.set_yticks(range(len(order)), order, fontsize=7.5)
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    axes.set(xlabel=f"features kept ({chosen})")
    drawing.colorbar(image, label="share of seeds")
    return drawing


@styled
def search(found: dict[str, Any]) -> Figure:
    """AUC of all candidates, best first on validation rows, with what the pruner found."""
    drawing = Figure(figsize=(7.4, 3.4), layout="constrained")
    axes = drawing.subplots()
    test = np.array([found["candidates"][i]["test"] for i in found["order"]])
    rank = np.arange(1, len(test) + 1)
    axes.fill_between(rank, test.min(axis=1), test.max(axis=1), color=FAINT, lw=0, label="all seeds")
    axes.plot(rank, np.median(test, axis=1), color=INK, lw=1.0, label="median over seeds")
    mine = sorted({entry["rank"] for entry in found["found"]})
    axes.plot(mine, [np.median(test[r - 1]) for r in mine], ls="", marker="o", ms=6, mfc="none", color=colour(1),
              label="found by AutoPruner")
    low = float(np.quantile(np.median(test, axis=1), 0.08))  # dead networks, at 0.5, would press the rest together
    axes.set(xlabel="rank on validation rows", ylabel="AUC on test rows", xlim=(0.5, len(test) + 0.5))
    reach = float(test.max()) - low
    axes.set_ylim(low - 0.5 * reach, low + 1.1 * reach)
    axes.legend(loc="lower left")
    return drawing


@styled
def widths(fixed: Sequence[dict[str, Any]]) -> Figure:
    """AUC against the bits of a network rounded after training; dotted: the float network."""
    drawing = Figure(figsize=(7.4, 3.4), layout="constrained")
    axes = drawing.subplots()
    for i, entry in enumerate(fixed):
        rows = [row for row in entry["scan"] if row["bits"] is not None]
        axes.plot([row["bits"] for row in rows], [row["auc"]["median"] for row in rows], marker="o", ms=4, color=colour(i),
                  label=f"{entry['nodes']} of the nodes")
        axes.axhline(next(row["auc"]["median"] for row in entry["scan"] if row["bits"] is None), color=colour(i), lw=0.9, ls=":")
    axes.set(xlabel="bits of every number", ylabel="AUC")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right")
    return drawing

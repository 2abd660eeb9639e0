"""The figures of a sweep's page: each draws from its summary and returns an SVG as a data address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullFormatter, PercentFormatter

from pseudoexp.pages.figure import FAINT, INK, styled
from tagger.report.plots import colour, line
from tagger.report.sweep_points import FULL
from tagger.report.sweep_tables import point_names
from tagger.report.tables import count

NAMES = {"auc": "AUC", "0.5": r"$1/\varepsilon_B$ at $\varepsilon_S$ = 50%", "0.6": r"$1/\varepsilon_B$ at $\varepsilon_S$ = 60%"}
MARKERS = "os^Dv<>Pp*hX"
DEAD = 0.55
"""AUC up to which a network has learned nothing."""
DIGIT = 0.032
"""Share of an axis that a digit takes."""
BAND = 0.13
"""Opacity of bands from the lowest to the highest seed."""
BEST = 15
"""Candidates of a search whose seeds are shown one by one."""


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


def _name_places(axes: Axes, places: Sequence[float]) -> None:
    """Name all rising places on a logarithmic axis, or round numbers where the names would run into one another."""
    if len(places) < 10 and _apart(places) == list(places):
        axes.set_xticks(places, [f"{place:g}" for place in places])
        return
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if places[-1] < 100.0 * places[0] else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: count(place)))
    axes.tick_params(axis="x", labelsize=7.5)


def _level(axes: Axes, of: dict[str, Any] | None, name: str | None = None) -> None:
    """A dotted line at the median of a network that is the same everywhere, in a band from its lowest to its highest seed."""
    if of is not None:
        axes.axhspan(of["low"], of["high"], color=INK, alpha=BAND, lw=0)
        axes.axhline(of["median"], color=INK, lw=0.9, ls=":", label=name)


@styled
def curves(points: Sequence[dict[str, Any]], what: str, share: bool = False,
           reference: dict[str, Any] | None = None) -> Figure:
    """AUC and rejections against the number, or the share, of what is kept; one panel per figure.

    The full network, and the `reference`, are dotted lines in a band.
    """
    full = next((point for point in points if point["label"] == FULL), None)
    kept = [point for point in points if point is not full]
    drawing = Figure(figsize=(10.4, 3.9), layout="constrained")
    panels = drawing.subplots(1, len(NAMES))
    for axes, figure in zip(panels, NAMES, strict=True):
        _curves(axes, kept, figure)
        axes.set(xscale="log", xlabel=what)
        axes.margins(x=0.08)
        _frame(axes, points, figure)
        for level, name in ((full, FULL), (reference, "float networks")):
            _level(axes, level[figure] if level else None, name)
        if share:
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        elif kept:
            _name_places(axes, sorted({point["x"] for point in kept}))
        axes.xaxis.set_minor_formatter(NullFormatter())
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return drawing


@styled
def against_time(points: Sequence[dict[str, Any]]) -> Figure:
    """Rejection at 50 % against latency in ns: all networks, beside one another, and a line through each method's best."""
    drawing = Figure(figsize=(7.4, 4.2), layout="constrained")
    axes = drawing.subplots()
    names, clock = _labels(points), min(point["ns"] / point["clocks"] for point in points)
    for i, name in enumerate(names):
        mine = [p for p in points if p["label"] == name and p["0.5"] is not None]
        if not mine:
            continue
        aside = 0.6 * clock * ((i + 0.5) / len(names) - 0.5)
        x, low, middle, high = (np.array(v) for v in zip(*(
            (p["ns"] + aside, *(p["0.5"][key] for key in ("low", "median", "high"))) for p in mine), strict=True))
        axes.errorbar(x, middle, yerr=np.stack([middle - low, high - middle]), color=colour(i), ls="",
                      marker=MARKERS[i % len(MARKERS)], ms=4, elinewidth=0.8, label=name)
        places = np.unique(x)
        axes.plot(places, [middle[x == place].max() for place in places], color=colour(i), lw=1.0, ls=line(i))
    axes.set(xlabel="latency [ns]", ylabel=NAMES["0.5"])
    axes.set_xlim(min(p["ns"] for p in points) - 0.6 * clock, max(p["ns"] for p in points) + 0.6 * clock)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MultipleLocator(clock))
    axes.minorticks_off()
    axes.grid(True, axis="y", which="major", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    drawing.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return drawing


@styled
def prices(points: Sequence[dict[str, Any]]) -> Figure:
    """AUC and rejections against effective bit operations, a marker of its own for each price of a bit operation."""
    by_price = sorted(points, key=lambda point: point["settings"]["beta"])
    names, labels = point_names(by_price), _labels(points)
    if len(labels) == 1:
        names = [name.removeprefix(f"{labels[0]}, ") for name in names]
    drawing = Figure(figsize=(10.4, 3.9), layout="constrained")
    panels = drawing.subplots(1, len(NAMES))
    for axes, figure in zip(panels, NAMES, strict=True):
        _curves(axes, [point | {"label": name} for name, point in zip(names, by_price, strict=True)], figure)
        axes.set(xscale="log", xlabel="effective bit operations")
        axes.margins(x=0.08)
        _frame(axes, points, figure)
        _name_places(axes, sorted({point["x"] for point in points}))
        axes.xaxis.set_minor_formatter(NullFormatter())
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return drawing


@styled
def diagonal(pairs: Sequence[dict[str, Any]]) -> Figure:
    """What was kept against what was asked for, with the number of runs at each marker; one panel per unit."""
    units = list(dict.fromkeys(pair["unit"] for pair in pairs))
    drawing = Figure(figsize=(3.6 * max(len(units), 2), 3.4), layout="constrained")
    for axes, unit in zip(drawing.subplots(1, len(units), squeeze=False)[0], units, strict=True):
        mine = [pair for pair in pairs if pair["unit"] == unit]
        top = 1.1 * max(pair["asked"] for pair in mine)
        axes.plot([0, top], [0, top], color=INK, lw=0.8, ls=":")
        runs = Counter((p["asked"], p["kept"]) for p in mine)
        axes.plot(*zip(*runs, strict=True), ls="", marker="o", ms=5, mfc="none", color=colour(1))
        for place, number in runs.items():
            axes.annotate(str(number), place, (5, -7), textcoords="offset points", fontsize=7.5)
        axes.set(xlabel=f"{unit} asked for", ylabel=f"{unit} kept", xlim=(0, top), ylim=(0, top))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, integer=True))
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
    """AUC of all candidates, best first on validation rows, with what the pruner found; the best once more, with all seeds."""
    drawing = Figure(figsize=(10.4, 3.4), layout="constrained")
    panels = drawing.subplots(1, 2, width_ratios=(3, 2))
    test = np.array([found["candidates"][i]["test"] for i in found["order"]])
    rank, middle = np.arange(1, len(test) + 1), np.median(test, axis=1)
    shown = sorted({entry["rank"] for entry in found["found"]})
    for axes, last in zip(panels, (len(test), min(BEST, len(test))), strict=True):
        axes.fill_between(rank[:last], test.min(axis=1)[:last], test.max(axis=1)[:last], color=INK, alpha=BAND, lw=0,
                          label="all seeds")
        axes.plot(rank[:last], middle[:last], color=INK, lw=1.0, label="median over seeds")
        mine = [r for r in shown if r <= last]
        axes.plot(mine, middle[np.array(mine, int) - 1], ls="", marker="o", ms=6, mfc="none", color=colour(1),
                  label="found by AutoPruner")
        axes.set(xlabel="rank on validation rows", ylabel="AUC on test rows", xlim=(0.5, last + 0.5))
        low = float(np.quantile(middle[:last], 0.08))  # dead networks, at 0.5, would press the rest together
        reach = float(test[:last].max()) - low
        axes.set_ylim(low - 0.5 * reach, low + 1.1 * reach)
    for i in range(min(BEST, len(test))):
        panels[1].plot([i + 1] * test.shape[1], test[i], ls="", marker=".", ms=3, color=INK)
    panels[0].legend(loc="lower left")
    return drawing


@styled
def widths(fixed: Sequence[dict[str, Any]]) -> Figure:
    """AUC against the bits of a network rounded after training; dotted: the float network; both with all seeds."""
    drawing = Figure(figsize=(7.4, 3.4), layout="constrained")
    axes = drawing.subplots()
    for i, entry in enumerate(fixed):
        rows = [row for row in entry["scan"] if row["bits"] is not None]
        middle = np.array([row["auc"]["median"] for row in rows])
        bars = np.abs(np.array([[row["auc"]["low"], row["auc"]["high"]] for row in rows]).T - middle)
        axes.errorbar([row["bits"] for row in rows], middle, yerr=bars, marker="o", ms=4, lw=1.2, elinewidth=0.8, color=colour(i),
                      label=f"{entry['nodes']} of the nodes")
        _level(axes, next(row["auc"] for row in entry["scan"] if row["bits"] is None))
    axes.set(xlabel="bits of every number", ylabel="AUC")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right")
    return drawing

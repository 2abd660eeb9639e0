"""The figures of the report: each function draws from runs and returns an SVG as a data address for an <img>."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from pseudoexp.pages.figure import FAINT, INK, step, styled
from tagger.report.attributions import drawn, measures
from tagger.robustness import stored
from tagger.runs import Run

SIGNAL, BACKGROUND = "#13807a", "#c2571a"
"""One accent colour per class, in figures and on the page."""
RUN_COLOURS = ("#1f2733", "#2f6fb5", "#8e4aa8", "#5d8c1f", "#c28a00", "#b0304f", "#3aa0b9", "#7a5c3e")
RUN_LINES = ("-", "--", "-.", (0, (4, 1, 1, 1, 1, 1)))
CLASS_NAMES = {"hbb": r"$H\to b\bar{b}$", "qcd": "QCD"}

def colour(i: int) -> str:
    """Return the colour of run number i."""
    return RUN_COLOURS[i % len(RUN_COLOURS)]


def line(i: int) -> Any:
    """Return the line style of run number i: another one for every round through the colours."""
    return RUN_LINES[(i // len(RUN_COLOURS)) % len(RUN_LINES)]


def _panels(count: int, columns: int, width: float = 10.4, height: float = 2.5,
            layout: Literal["constrained"] | None = "constrained") -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels of which none stays empty."""
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    figure = Figure(figsize=(width, height * rows + 0.35), layout=layout)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, list(grid[:count])


def _wide(axes: Axes, top: float = 1.0) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * top)


@styled
def roc(runs: Sequence[Run]) -> Figure:
    """Background rejection against signal efficiency, one curve with its error band per run."""
    figure = Figure(figsize=(7.4, 4.8), layout="constrained")
    axes = figure.subplots()
    tops: list[float] = []
    for i, run in enumerate(runs):
        curve = run.histograms.get("roc")
        if not curve:
            continue
        signal = np.array(curve["signal"])
        rate = np.array(curve["background"])
        error = np.array([np.nan if e is None else e for e in curve["error"]])
        seen = (rate > 0.0) & (error < 0.7 * rate)
        signal, rate, error = signal[seen], rate[seen], error[seen]
        tops.extend(1.0 / rate[signal >= 0.2])
        axes.fill_between(signal, 1.0 / (rate + error), 1.0 / np.maximum(rate - error, 1e-12), color=colour(i), alpha=0.15, lw=0)
        axes.plot(signal, 1.0 / rate, color=colour(i), ls=line(i), label=run.name)
    random = np.linspace(0.1, 1.0, 50)
    axes.plot(random, 1.0 / random, color="#8b95a3", lw=1.0, ls=":", label="no information")
    top = 3.0 * max([10.0, *tops])
    axes.set(yscale="log", xlim=(0.2, 1.0), ylim=(0.9, top), xlabel=r"signal efficiency $\varepsilon_S$",
             ylabel=r"background rejection $1/\varepsilon_B$")
    axes.grid(True, which="major", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper right")
    return figure


@styled
def scores(runs: Sequence[Run]) -> Figure:
    """Logits of both classes, one panel per run."""
    runs = [run for run in runs if run.scores]
    figure, panels = _panels(len(runs), 3, height=2.7)
    for axes, run in zip(panels, runs, strict=True):
        score, target, weight = (run.scores[name] for name in ("score", "target", "weight"))
        low, high = np.quantile(score, (0.002, 0.998))
        edges = np.linspace(low, high, 41)
        for label, title, shade in ((1, "hbb", SIGNAL), (0, "qcd", BACKGROUND)):
            rows = target == label
            content = np.histogram(np.clip(score[rows], edges[0], edges[-1]), edges, weights=weight[rows])[0]
            step(axes, content / weight[rows].sum() / np.diff(edges), edges, shade, CLASS_NAMES[title])
        axes.set(yscale="log", xlabel="logit", ylabel="density", title=run.name, xlim=(edges[0], edges[-1]))
        _wide(axes, 5.0)
    panels[0].legend(loc="upper center", ncols=2)
    return figure


@styled
def inputs(histograms: dict[str, dict[str, list[float]]], names: Sequence[str], columns: int = 4) -> Figure:
    """Inputs of both classes as small multiples, in the order of `names`."""
    figure, panels = _panels(len(names), columns, height=1.75, layout=None)  # a search takes seconds with 39 panels
    rows = -(-len(names) // columns)
    figure.subplots_adjust(0.01, 0.12 / rows, 0.99, 1.0 - 0.2 / rows, wspace=0.11, hspace=0.42)
    for axes, name in zip(panels, names, strict=True):
        h = histograms[name]
        edges, factor = np.array(h["edges"]), 1e-3 if in_mev(name) else 1.0
        for title, shade in (("hbb", SIGNAL), ("qcd", BACKGROUND)):
            step(axes, np.array(h[title]), edges * factor, shade, CLASS_NAMES[title])
        spiked = any(_spiked(np.array(h[title])) for title in CLASS_NAMES)
        axes.set_yscale("log" if spiked else "linear")
        axes.set(xlim=(edges[0] * factor, edges[-1] * factor))
        filled = [share for share in h["hbb"] + h["qcd"] if share > 0.0]
        axes.set_ylim(0.5 * min(filled, default=1e-3) if spiked else 0.0, (2.0 if spiked else 1.1) * max(filled, default=1.0))
        counts = bool(np.allclose(np.diff(edges), 1.0) and np.allclose(edges % 1.0, 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=counts))
        axes.set_title(name + (" [GeV]" if in_mev(name) else "") + (", log" if spiked else ""), loc="left", fontsize=8.5)
        axes.tick_params(labelleft=False, labelsize=7.5)
        axes.minorticks_off()
    if panels:
        panels[0].legend(loc="best", fontsize=7.5)
    return figure


def _spiked(content: NDArray[np.float64]) -> bool:
    """Tell whether a bin or two of a class, such as those of "no vertex", dwarf all its others."""
    filled = np.sort(content[content > 0.0])
    return bool(len(filled) > 10 and filled[-1] > 7.0 * filled[-3])


def in_mev(name: str) -> bool:
    """Tell whether an input stands in MeV in the file."""
    from pseudoexp.dataset.schema import INPUT_FIELDS

    return any(f.name == name and f.unit == "MeV" for f in INPUT_FIELDS)


@styled
def history(runs: Sequence[Run]) -> Figure:
    """Loss on training and validation rows per epoch, one panel per run."""
    runs = [run for run in runs if run.history.get("loss")]
    figure, panels = _panels(len(runs), 3, height=2.4)
    for axes, run in zip(panels, runs, strict=True):
        epoch = np.arange(1, len(run.history["loss"]) + 1)
        marker = "o" if len(epoch) < 3 else None
        axes.plot(epoch, run.history["loss"], color=INK, lw=1.2, ls="--", marker=marker, label="training")
        if "val_loss" in run.history:
            axes.plot(epoch, run.history["val_loss"], color="#2f6fb5", marker=marker, label="validation")
        heat = np.array(run.history.get("temperature", []), dtype=float)
        if len(heat) and heat[0] > 0.0 and heat[-1] == 0.0:
            axes.axvline(np.argmax(heat == 0.0) + 0.5, color="#8b95a3", lw=1.0, ls=":", label="choice final")
        axes.set(xlabel="epoch", ylabel="loss", title=run.name, xlim=(0.5, len(epoch) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.legend(loc="best")
    return figure


@styled
def pt_bins(runs: Sequence[Run], efficiency: str = "0.5") -> Figure:
    """Rejection in bins of pT, each bin at its own threshold; an arrow stands on a lower limit."""
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    axes = figure.subplots()
    judged = False
    for i, run in enumerate(runs):
        place = (i + 1) / (len(runs) + 1)
        known, limits = [], []
        for entry in run.metrics.get("pt_bins", []):
            point = entry.get("rejection", {}).get(efficiency)
            x = entry["low"] * (entry["high"] / entry["low"]) ** place
            if point and point["rejection"] is not None:
                known.append((x, point["rejection"], point["rejection_error"]))
            elif point:
                limits.append((x, point["rejection_above"]))
        judged |= bool(known or limits)
        x, value, error = np.array(known).reshape(-1, 3).T
        axes.errorbar(x, value, yerr=np.stack([np.minimum(error, 0.9 * value), error]), fmt="o", ms=4, lw=1.2,
                      color=colour(i), label=run.name)
        for x, limit in limits:
            axes.annotate("", (x, 2.2 * limit), (x, limit), arrowprops={"arrowstyle": "->", "color": colour(i), "lw": 1.2})
            axes.plot(x, limit, marker="_", ms=8, color=colour(i))
    if not judged:  # a logarithmic axis without values cannot be drawn
        axes.set_ylim(1.0, 1000.0)
        axes.text(0.5, 0.5, "too few rows in every bin", transform=axes.transAxes, ha="center", color=INK)
    for entry in runs[0].metrics.get("pt_bins", [])[1:]:
        axes.axvline(entry["low"], color=FAINT, lw=0.8, zorder=0)
    axes.set(xscale="log", yscale="log", xlabel=r"large-R jet $p_T$ [GeV]", ylabel=_at(efficiency))
    ticks = [250, 350, 500, 750, 1000, 2000, 3000]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(_plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(250, 3000)
    axes.grid(True, which="major", axis="y", color=FAINT, lw=0.6)
    axes.legend(loc="best")
    return figure


def _at(efficiency: str) -> str:
    return rf"$1/\varepsilon_B$ at $\varepsilon_S$ = {float(efficiency):.0%}"


def _plain(value: float, _: float) -> str:
    return f"{value:g}"


@styled
def sculpting(runs: Sequence[Run]) -> Figure:
    """Background mass before and after the cut, one panel per run."""
    runs = [run for run in runs if run.metrics.get("mass_sculpting", {}).get("distance") is not None]
    figure, panels = _panels(len(runs), 3, height=2.4)
    for axes, run in zip(panels, runs, strict=True):
        entry = run.metrics["mass_sculpting"]
        edges = np.array(entry["edges"])
        before, after = np.array(entry["before"]), np.array(entry["after"])
        error = np.array(entry.get("after_error", np.zeros(len(after))))
        step(axes, before / before.sum(), edges, BACKGROUND, "QCD, all")
        seen = after > 0.0
        axes.errorbar((0.5 * (edges[1:] + edges[:-1]))[seen], after[seen] / after.sum(), yerr=error[seen] / after.sum(),
                      xerr=(0.5 * np.diff(edges))[seen], fmt="o", ms=3.5, lw=1.1, color=INK, label="after the cut")
        axes.set(xlabel="large-R jet mass [GeV]", ylabel=f"share per {edges[1] - edges[0]:g} GeV", xlim=(edges[0], edges[-1]),
                 title=f"{run.name}: distance {entry['distance']:.2f}, chance {entry['noise']:.2f}")
        axes.set_ylim(0.0, 1.35 * max(before.max() / before.sum(), float((after + error).max()) / after.sum()))
    panels[0].legend(loc="upper right")
    return figure


@styled
def cost(runs: Sequence[Run], efficiency: str = "0.5") -> Figure:
    """Rejection against multiplications per candidate: what every resource bought; an arrow stands on a lower limit."""
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    axes = figure.subplots()
    taken: list[float] = []
    for i, run in enumerate(runs):
        point = run.metrics["weightings"]["benchmark"]["rejection"][efficiency]
        x = run.metrics["model"]["multiplications"]
        beside = x * 1.03 ** taken.count(x)  # runs of the same size stand side by side
        taken.append(x)
        if (y := point["rejection"]) is None:
            y = point["rejection_above"]
            axes.errorbar(beside, y, yerr=y, lolims=True, fmt="_", ms=8, color=colour(i), label=run.name)
            continue
        axes.errorbar(beside, y, yerr=[[min(point["rejection_error"], 0.9 * y)], [point["rejection_error"]]], fmt="o", ms=6,
                      color=colour(i), label=run.name)
    axes.set(xscale="log", yscale="log", xlabel="multiplications per candidate", ylabel=_at(efficiency))
    axes.margins(0.15)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(_plain)
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside right center")
    return figure


@styled
def attributions(runs: Sequence[Run], chosen: Sequence[Run]) -> Figure:
    """Loss of AUC when an input is shuffled, and mean absolute Shapley value with its error: a bar per input and chosen run."""
    names = drawn(chosen)
    figure = Figure(figsize=(8.6, 1.0 + 0.12 * (1 + len(chosen)) * len(names)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for k, run in enumerate(chosen):
        importance, mean, error = measures(run)
        mine = [name for name in names if name in mean]
        y = np.array([names.index(name) for name in mine]) + 0.36 * (k - 0.5 * (len(chosen) - 1))
        shade = colour(runs.index(run))
        panels[0].barh(y, [importance[name] for name in mine], 0.34, color=shade, label=run.name)
        panels[1].barh(y, [mean[name] for name in mine], 0.34, color=shade, xerr=[error[name] for name in mine],
                       error_kw={"lw": 1.0, "ecolor": "#8b95a3"})
    panels[0].set(xlabel="loss of AUC when shuffled", ylim=(len(names) - 0.4, -0.6))
    panels[0].set_yticks(np.arange(len(names)), names, fontsize=8)
    panels[1].set(xlabel="mean |SHAP| of the logit")
    for axes in panels:
        axes.xaxis.set_major_formatter(_plain)
        axes.tick_params(axis="y", which="both", length=0)
        axes.grid(True, which="major", axis="x", color=FAINT, lw=0.6)
        axes.set_axisbelow(True)
    panels[0].legend(loc="lower right")
    return figure


@styled
def robustness(runs: Sequence[Run], efficiency: str = "0.5") -> Figure:
    """On each sample: rejection at the threshold found there, and signal efficiency and rejection at the nominal one."""
    judged = [(i, run, stored(run)) for i, run in enumerate(runs) if stored(run)]
    names = list(dict.fromkeys(name for _, _, found in judged for name in found))
    figure, panels = _panels(3, 3, height=3.0)
    for k, (i, run, found) in enumerate(judged):
        shift = (k - 0.5 * (len(judged) - 1)) * 0.6 / max(len(judged), 2)
        own = run.metrics["weightings"]["benchmark"]["rejection"][efficiency]
        x = np.array([0, *(1 + names.index(name) for name in found)]) + shift
        _rejections(panels[0], x, [own, *(entry["figures"]["rejection"][efficiency] for entry in found.values())], colour(i))
        kept = [own, *(entry["at_nominal_thresholds"][efficiency] for entry in found.values())]
        signal = [point.get("signal", float(efficiency)) for point in kept]
        panels[1].errorbar(x, signal, yerr=[point.get("signal_error", 0.0) for point in kept], fmt="o", ms=4, lw=1.2,
                           color=colour(i), label=run.name)
        _rejections(panels[2], x, kept, colour(i))
    share = f"{float(efficiency):.0%}"
    for axes, label in zip(panels, (_at(efficiency), f"signal efficiency at the nominal {share} cut",
                                    rf"$1/\varepsilon_B$ at the nominal {share} cut"), strict=True):
        axes.set_xticks(range(len(names) + 1), ["nominal", *names], rotation=30, ha="right")
        axes.set(ylabel=label, xlim=(-0.6, len(names) + 0.6))
        axes.tick_params(axis="x", which="minor", length=0)
        axes.grid(True, which="major", axis="y", color=FAINT, lw=0.6)
        axes.set_axisbelow(True)
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside upper center", ncols=8)
    return figure


def _rejections(axes: Axes, x: NDArray[np.float64], points: Sequence[dict[str, Any]], shade: str) -> None:
    """Draw rejections with errors on a logarithmic axis; an arrow stands on a lower limit."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(_plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    for place, point in zip(x, points, strict=True):
        value, error = point["rejection"], point["rejection_error"]
        if value is None:
            limit = point["rejection_above"]
            axes.errorbar(place, limit, yerr=limit, lolims=True, fmt="_", ms=8, color=shade)
        else:
            axes.errorbar(place, value, yerr=[[min(error, 0.9 * value)], [error]], fmt="o", ms=4, lw=1.2, color=shade)

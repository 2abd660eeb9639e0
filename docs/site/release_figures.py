"""The figures of the page on a release."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import release_facts
from matplotlib.figure import Figure
from release_facts import FLAVOURS, GEV, PT_EDGES

from pseudoexp.benchmark.flavours import BACKGROUNDS, LABEL_COLUMNS, flavours_of
from pseudoexp.core.files import whole_file
from pseudoexp.pages.figure import INK, save, step

CLASSES = {0: ("H → bb", "#13807a"), 1: ("QCD", "#c2571a")}
FLAVOUR_COLOURS = {"b": "#13807a", "c": "#c28a00", "light": "#c2571a"}
STACK = ("#0b4f4b", "#13807a", "#5fb3ad", "#8a6200", "#c28a00", "#e4d3a8")


def draw(file: Path, folder: Path) -> int:
    """Draw all figures as release_NAME.png into a folder; return their bytes."""
    rows = release_facts.read(file)
    size = 0
    for name, figure in (("jets", jets), ("tagging", tagging), ("flavours", flavours)):
        path = folder / f"release_{name}.png"
        with whole_file(path) as stream:
            save(stream, "png", figure, rows)
        size += path.stat().st_size
    return size


def jets(rows: np.ndarray) -> Figure:
    """Mass, pT, substructure and distance of the track jets of both classes."""
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    label, weight = rows["flavour_label"], rows["benchmarkWeight"].astype(float)
    shown = (("mass", GEV, np.arange(0, 251, 5.0), "mass [GeV]"),
             ("pt", GEV, np.arange(250, 1501, 25.0), r"$p_T$ [GeV], benchmark weights"),
             ("massUntrimmed", GEV, np.arange(0, 401, 8.0), "untrimmed mass [GeV]"),
             ("tau21", 1.0, np.linspace(0, 1, 51), r"$\tau_{21}$"), ("D2", 1.0, np.linspace(0, 5, 51), r"$D_2$"))
    for axes, (name, scale, edges, title) in zip(panels, shown, strict=False):
        for k, (text, shade) in CLASSES.items():
            own = label == k
            content = np.histogram(rows[name][own] * scale, edges, weights=weight[own])[0]
            step(axes, content / weight[own].sum(), edges, shade, text)
        axes.set(xlabel=title, xlim=(edges[0], edges[-1]), ylabel="share of jets")
    _spectrum(panels[5], rows)
    panels[0].legend(loc="upper right")
    return figure


def _spectrum(axes, rows: np.ndarray) -> None:
    edges = np.geomspace(250, 2000, 26)
    for k, (text, shade) in CLASSES.items():
        own = rows["flavour_label"] == k
        content = np.histogram(rows["pt"][own] * GEV, edges, weights=rows["mcEventWeight"][own])[0] / np.diff(edges)
        axes.stairs(content / content.sum(), edges, color=shade, lw=1.3, label=text)
    axes.set(xlabel=r"$p_T$ [GeV], by cross-section", ylabel="shape per GeV", yscale="log", xlim=(250, 2000))


def tagging(rows: np.ndarray) -> Figure:
    """Flavour-tagging inputs of all track jets by their true flavour."""
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    label = np.concatenate([rows[f"vr{i}_truth_label"] for i in (1, 2)])
    shown = (("ip3d_bu", 1.0, np.linspace(-15, 40, 56), "IP3D, b against light"),
             ("ip3d_bc", 1.0, np.linspace(-10, 25, 51), "IP3D, b against c"),
             ("sv1_mass", GEV, np.linspace(0.01, 6, 51), "SV1 mass [GeV], vertex found"),
             ("sv1_l3d", 1.0, np.linspace(0.01, 60, 51), "SV1 distance [mm], vertex found"),
             ("jf_sig3d", 1.0, np.linspace(0.01, 100, 51), "JetFitter significance, chain found"),
             ("jf_ntrk", 1.0, np.arange(-0.5, 13, 1.0), "JetFitter tracks"))
    for axes, (name, scale, edges, title) in zip(panels, shown, strict=True):
        values = np.concatenate([rows[f"vr{i}_{name}"] for i in (1, 2)]) * scale
        for k, text in FLAVOURS.items():
            content = np.histogram(values[label == k], edges)[0]
            axes.stairs(content / max(content.sum(), 1), edges, color=FLAVOUR_COLOURS[text], lw=1.3, label=f"{text} jets")
        axes.set(xlabel=title, xlim=(edges[0], edges[-1]), ylabel="share", yscale="log" if name != "sv1_mass" else "linear")
    panels[2].legend(loc="upper right")
    return figure


def flavours(rows: np.ndarray) -> Figure:
    """What the two track jets of QCD rows hold, in bins of pT, by cross-section; light alone is left out."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    own = rows[rows["flavour_label"] == 1]
    found = flavours_of({name: own[name] for name in LABEL_COLUMNS}, np.zeros(len(own), bool))
    total = np.histogram(own["pt"] * GEV, PT_EDGES, weights=own["mcEventWeight"])[0]
    below = np.zeros(len(PT_EDGES) - 1)
    for index, name in enumerate(BACKGROUNDS):
        if name == "light":
            continue
        content = np.histogram(own["pt"][found == index] * GEV, PT_EDGES, weights=own["mcEventWeight"][found == index])[0]
        share = np.divide(content, total, out=np.zeros_like(content), where=total > 0)
        axes.stairs(below + share, PT_EDGES, baseline=below, fill=True, color=STACK[index % len(STACK)], label=name)
        below += share
    axes.set(xlabel=r"$p_T$ [GeV]", ylabel="share of QCD rows", xscale="log", xlim=(PT_EDGES[0], PT_EDGES[-1]), ylim=(0, None))
    axes.set_xticks(PT_EDGES, [str(edge) for edge in PT_EDGES])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="track jets hold")
    axes.tick_params(colors=INK)
    return figure

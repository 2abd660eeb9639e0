"""The figures of the comparison's page; each function returns an SVG as a data address."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pseudoexp.pages.figure import FAINT, INK, step, styled
from pseudoexp.validation.compare import Correlation
from pseudoexp.validation.panels import Panel

FIRST, SECOND = "#5b6675", "#2f6fb5"
"""Colours of the two samples."""
_RATIO = (0.6, 1.4)


@styled
def overlays(panels: Sequence[Panel], labels: tuple[str, str], columns: int = 4) -> Figure:
    """Both samples as small multiples with the ratio second / first below each."""
    rows = -(-len(panels) // columns)
    height = 2.15 * rows + 0.35
    figure = Figure(figsize=(10.4, height))
    outer = figure.add_gridspec(rows, columns, left=0.03, right=0.995, top=1.0 - 0.25 / height, bottom=0.25 / height,
                                hspace=0.38, wspace=0.16)
    for k, panel in enumerate(panels):
        inner = outer[k // columns, k % columns].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
        main, ratio = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        _main(main, panel, labels)
        _ratio(ratio, panel)
        if k == 0:
            main.legend(loc="best", fontsize=7)
    return figure


def _main(axes: Axes, panel: Panel, labels: tuple[str, str]) -> None:
    shares = [counts / max(counts.sum(), 1.0) for counts in (panel.first, panel.second)]
    step(axes, shares[0], panel.edges, FIRST, labels[0])
    axes.stairs(shares[1], panel.edges, color=SECOND, lw=1.2, label=labels[1])
    filled = np.concatenate([s[s > 0.0] for s in shares])
    spiked = len(filled) > 10 and np.sort(filled)[-1] > 8.0 * np.sort(filled)[-5]
    axes.set_yscale("log" if spiked else "linear")
    if not spiked:
        axes.set_ylim(0.0)
    axes.set_xlim(panel.edges[0], panel.edges[-1])
    unit = f" [{panel.unit}]" if panel.unit else ""
    axes.set_title(panel.name + unit + (", log" if spiked else ""), loc="left", fontsize=8)
    axes.tick_params(labelleft=False, labelbottom=False)
    axes.minorticks_off()


def _ratio(axes: Axes, panel: Panel) -> None:
    a, b = panel.first, panel.second
    seen = (a > 0) & (b > 0)
    if seen.any():
        ratio = (b / b.sum())[seen] / (a / a.sum())[seen]
        error = ratio * np.sqrt(1.0 / a[seen] + 1.0 / b[seen])
        centre = 0.5 * (panel.edges[1:] + panel.edges[:-1])[seen]
        clear = error < 0.4
        axes.errorbar(centre[clear], np.clip(ratio[clear], *_RATIO), yerr=error[clear], fmt="o", ms=1.6, lw=0.7, color=SECOND)
    axes.axhline(1.0, color=INK, lw=0.6)
    for level in (0.9, 1.1):
        axes.axhline(level, color=FAINT, lw=0.6, zorder=0)
    axes.set(xlim=(panel.edges[0], panel.edges[-1]), ylim=_RATIO)
    axes.set_yticks((0.8, 1.0, 1.2))
    axes.tick_params(labelsize=6.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.minorticks_off()


@styled
def correlation(matrices: Correlation) -> Figure:
    """Rank correlations of the first sample, and what the second has more or less."""
    figure = Figure(figsize=(10.4, 5.4), layout="constrained")
    n = len(matrices.names)
    for axes, matrix, top, title in zip(figure.subplots(1, 2), (matrices.first, matrices.second - matrices.first), (1.0, 0.1),
                                        ("first sample", "second minus first"), strict=True):
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_xticks(range(n), matrices.names, rotation=90, fontsize=5)
        axes.set_yticks(range(n), matrices.names, fontsize=5)
        axes.minorticks_off()
        axes.tick_params(length=0)
        figure.colorbar(image, ax=axes, shrink=0.8)
    return figure

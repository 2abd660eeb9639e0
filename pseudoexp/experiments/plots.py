"""Figures of experiments; need matplotlib and mplhep."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pseudoexp.experiments.candidates import BACKGROUND, SIGNAL
from pseudoexp.experiments.expectation import TESTS
from pseudoexp.experiments.toys import Experiment
from pseudoexp.experiments.trigger import Trigger
from pseudoexp.pages.figure import FAINT, INK

_SIGNAL, _BACKGROUND = "#13807a", "#c2571a"
_SHADES = ("#8fa3bb", "#5b6675", "#2f6fb5", "#6b4fa0")
_NAMES = ("counting", "mass window", "spectrum", "shape")


def toys_figure(made: Experiment, toys: NDArray[np.void], data: NDArray[np.int64]) -> Figure:
    """Draw the expected mass spectra with one toy's counts (bins,), and how the significances spread over the toys."""
    figure = Figure(figsize=(10.4, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _masses(left, made, data)
    _significances(right, made, toys)
    return figure


def _masses(axes: Axes, made: Experiment, data: NDArray[np.int64]) -> None:
    edges = made.settings.edges
    b, variance = made.spectra[BACKGROUND].within(edges)
    s = made.spectra[SIGNAL].scaled(made.strength(SIGNAL)).within(edges)[0]
    centre, error = 0.5 * (edges[1:] + edges[:-1]), np.sqrt(variance)
    axes.stairs(b + error, edges, baseline=b - error, fill=True, color=_BACKGROUND, alpha=0.2, lw=0)
    axes.stairs(b, edges, color=_BACKGROUND, label="background, error of the sample")
    if s.max() > 0.0:
        power = max(0, int(np.floor(np.log10(b.max() / s.max()))))
        axes.stairs(s * 10.0**power, edges, color=_SIGNAL, label=rf"signal $\times\,10^{{{power}}}$" if power else "signal")
    axes.errorbar(centre, data, np.sqrt(data), fmt="o", ms=2.6, lw=0.8, color=INK, label="first toy")
    axes.axvspan(*made.settings.window, color=FAINT, alpha=0.5, lw=0, zorder=0)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0.0, None), xlabel="candidate mass [GeV]", ylabel="events per bin")
    axes.set_title(f"{made.settings.luminosity:g} fb$^{{-1}}$", loc="left")
    axes.legend()


def _significances(axes: Axes, made: Experiment, toys: NDArray[np.void]) -> None:
    columns = [toys[f"z_{test}"] for test in TESTS]
    known = np.concatenate([z[np.isfinite(z)] for z in columns])
    bins = np.linspace(known.min(), known.max() + 1e-9, 41)
    for test, name, z, shade in zip(TESTS, _NAMES, columns, _SHADES, strict=True):
        if np.isfinite(z).all():
            axes.stairs(np.histogram(z, bins)[0], bins, color=shade, label=f"{name}: {made.expected[test].value:.3g} expected")
            axes.axvline(made.expected[test].value, color=shade, lw=0.9, ls="--")
    axes.set(xlabel="significance of a toy", ylabel="toys per bin")
    axes.set_ylim(0.0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper left")


def rate_figure(found: Trigger) -> Figure:
    """Draw the rate against the signal efficiency, with the sample's error as a band and the data reduction on the right."""
    figure = Figure(figsize=(7.2, 4.9), layout="constrained")
    axes = figure.subplots()
    shown = [p for p in found.curve if p.rate > 0.0]
    x, y, error = (np.array([getattr(p, name) for p in shown]) for name in ("efficiency", "rate", "rate_error"))
    axes.fill_between(x, np.maximum(y - error, 0.05 * y), y + error, color=_BACKGROUND, alpha=0.18, lw=0)
    axes.plot(x, y, color=_BACKGROUND, label="QCD events that fire, error of the sample")
    marked = [p for p in found.points if p.rate > 0.0]
    axes.errorbar([p.efficiency for p in marked], [p.rate for p in marked], [p.rate_error for p in marked], fmt="o", ms=4,
                  lw=1.0, color=INK)
    axes.axhline(found.candidates, color=INK, lw=0.8, ls="--", label="QCD events with a candidate")
    axes.set_yscale("log")
    axes.set(xlim=(0.0, 1.0), xlabel="signal efficiency", ylabel="rate [Hz]")
    axes.grid(True, which="major", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    crossings = found.machine.crossings
    other = axes.secondary_yaxis("right", functions=(lambda r: crossings / np.maximum(r, 1e-12),
                                                     lambda f: crossings / np.maximum(f, 1e-12)))
    other.set_ylabel("crossings per event that fires")
    axes.legend(loc="lower right")
    power = int(np.floor(np.log10(found.machine.luminosity)))
    axes.set_title(rf"${found.machine.luminosity / 10.0**power:.3g}\times10^{{{power}}}$ cm$^{{-2}}$ s$^{{-1}}$, "
                   rf"$\mu$ = {found.machine.pileup:g}: {crossings / 1e6:.3g} MHz of crossings", loc="left")
    return figure

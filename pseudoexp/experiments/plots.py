"""Figures of experiments; need matplotlib and mplhep."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pseudoexp.experiments.trigger import Trigger
from pseudoexp.pages.figure import FAINT, INK

_BACKGROUND = "#c2571a"


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

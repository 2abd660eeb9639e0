"""Figures in the house style as data addresses for an <img>; needs matplotlib and mplhep."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any, BinaryIO

import matplotlib
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

INK, FAINT = "#1f2733", "#d9dee5"

_STYLE = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "mathtext.fontset": "dejavusans", "font.size": 9.5,
    "axes.labelsize": 9.5, "axes.titlesize": 9.5, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "legend.fontsize": 8.5,
    "axes.linewidth": 0.8, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
    "ytick.color": INK, "lines.linewidth": 1.5, "legend.frameon": False, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none", "xtick.major.size": 4, "ytick.major.size": 4, "xtick.minor.size": 2, "ytick.minor.size": 2,
    "xtick.minor.visible": True, "ytick.minor.visible": True, "axes.grid": False, "svg.hashsalt": "tagger",
    "xaxis.labellocation": "right", "yaxis.labellocation": "top", "figure.autolayout": False, "axes.unicode_minus": True,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., str]:
    """Turn a function that returns a figure into one that draws in the house style and returns a data address."""

    def figure(*args: Any, **options: Any) -> str:
        stream = io.BytesIO()
        save(stream, "svg", draw, *args, **options)
        return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()

    figure.__doc__ = draw.__doc__
    return figure


def save(file: BinaryIO, form: str, draw: Callable[..., Figure], *args: Any, **options: Any) -> None:
    """Write the figure that a function returns, in the house style, as svg, pdf or png (that on white)."""
    about = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with matplotlib.rc_context():
        matplotlib.rcParams.update({**mplhep.style.ATLAS, **_STYLE})
        drawing = draw(*args, **options)
        drawing.savefig(file, format=form, metadata=about[form], dpi=130, facecolor="white" if form == "png" else "none")


def step(axes: Axes, content: ArrayLike, edges: ArrayLike, shade: str, label: str | None = None) -> None:
    """Draw a histogram as a filled outline."""
    axes.stairs(content, edges, fill=True, color=shade, alpha=0.16, lw=0)
    axes.stairs(content, edges, color=shade, lw=1.3, label=label)

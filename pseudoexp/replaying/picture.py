"""A picture of one event: the (eta, phi) plane and the transverse plane near the beam."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from pseudoexp.optional import require_installed
from pseudoexp.replaying.story import Story

FORMATS = (".png", ".pdf", ".svg")
ORIGIN_COLOURS = ("0.75", "0.5", "#4c72b0", "#c44e52", "#dd8452", "#dd8452", "#937860", "#55a868")
"""By the origin of a track: pile-up, fake, primary, b, c from b, c, tau, secondary."""
_ORIGIN_NAMES = {2: "primary", 3: "from b", 4: "from c", 7: "strange, material", 0: "pile-up", 1: "fake", 6: "from tau"}
_LEAST_VIEW, _MOST_VIEW = 1.0, 60.0


def require_place(path: Path) -> None:
    """Raise unless a picture can be written there: ConfigError for the place, MissingExtra without matplotlib."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: allowed: a file ending in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    require_installed("tagger", "matplotlib")


def draw(story: Story, path: Path) -> None:
    """Draw an event into a file.

    Parameters
    ----------
    story : Story
        From `replay`.
    path : Path
        Ends in .png, .pdf or .svg.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    MissingExtra
        Without matplotlib.
    """
    require_place(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7), layout="constrained")
    left, right = figure.subplots(1, 2)
    _plane(left, story.picture)
    _transverse(right, story.picture)
    figure.suptitle(f"{story.process} event {story.number}, seed {story.seed}, {story.engine}, {story.card}: "
                    f"{len(story.rows)} row{'s' if len(story.rows) != 1 else ''}")
    try:
        figure.savefig(path, dpi=130)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def _plane(axes: Any, data: dict[str, NDArray[Any]]) -> None:
    """Draw towers, particles, jets, hard partons and heavy hadrons in eta and phi."""
    towers, particles = data["towers"], data["particles"]
    axes.scatter(towers[:, 0], towers[:, 1], s=2.0 + 4.0 * towers[:, 2], marker="s", color="#e8c87a", alpha=0.6,
                 linewidths=0, label="towers (area: transverse momentum)")
    for charged, colour, label in ((True, "#4c72b0", "charged particles"), (False, "0.45", "neutral particles")):
        own = particles[(data["charged"] == charged) & (np.abs(particles[:, 0]) < 5.0)]
        axes.scatter(own[:, 0], own[:, 1], s=6.0 + 5.0 * own[:, 2], marker=".", color=colour, alpha=0.8, lw=0, label=label)
    for jet, selected in zip(data["large"], data["selected"], strict=True):
        _circle(axes, jet, 1.0, "k" if selected else "0.6", 2.0 if selected else 1.0, "-" if selected else "--")
    for k, (jet, radius) in enumerate(zip(data["small"], data["radius"], strict=True)):
        _circle(axes, jet, float(radius), "#c44e52" if k in data["chosen"] else "#d9a0a2", 1.5, "-")
    for points, marker, colour, size, label in ((data["partons"], "^", "#55a868", 90, "hard partons"),
                                                (data["heavy"], "*", "#c44e52", 110, "b, c hadrons"),
                                                (data["higgs"], "P", "#8172b3", 130, "Higgs boson")):
        if len(points):
            axes.scatter(points[:, 0], points[:, 1], marker=marker, s=size, fc=colour, ec="k", zorder=5, label=label)
    axes.plot([], [], "k-", label="large-R jet (row; dashed: none)")
    axes.plot([], [], color="#c44e52", label="track jet (dark: of a row)")
    axes.set(xlim=(-4.5, 4.5), ylim=(-math.pi, math.pi), xlabel=r"$\eta$", ylabel=r"$\phi$", title="particles, towers, jets")
    axes.set_aspect("equal")
    axes.legend(loc="upper right", fontsize=7, framealpha=0.9)


def _circle(axes: Any, jet: NDArray[np.float64], radius: float, colour: str, width: float, style: str) -> None:
    """Draw a jet's circle, and what of it lies beyond phi = +-pi on the other side."""
    from matplotlib.patches import Circle

    for turn in (-2.0 * math.pi, 0.0, 2.0 * math.pi):
        axes.add_patch(Circle((jet[0], jet[1] + turn), radius, fill=False, color=colour, lw=width, ls=style))


def _transverse(axes: Any, data: dict[str, NDArray[Any]]) -> None:
    """Draw tracks, the primary vertex and decay vertices across the beam, the primary vertex in the middle."""
    from matplotlib.patches import Circle

    middle = data["primary_vertex"][:2]
    vertices = np.concatenate([data[key] for key in ("true_vertices", "sv1", "jetfitter")]) - middle
    reach = float(np.hypot(*vertices.T).max(initial=0.0)) if len(vertices) else 0.0
    view = min(max(1.3 * reach, _LEAST_VIEW), _MOST_VIEW)
    own = np.isin(data["track_jet"], data["chosen"])
    named: set[int] = set()
    for (d0, _, phi), pt, origin in zip(data["perigee"][own], data["track_pt"][own], data["origin"][own], strict=True):
        start = np.array((-d0 * math.sin(phi), d0 * math.cos(phi))) - middle
        along = np.array((math.cos(phi), math.sin(phi)))
        ends = start + np.outer((-0.3 * view, 2.5 * view), along)
        label = _ORIGIN_NAMES.get(int(origin)) if int(origin) not in named else None
        named.add(int(origin))
        axes.plot(ends[:, 0], ends[:, 1], lw=0.5 + 0.15 * math.sqrt(pt), c=ORIGIN_COLOURS[int(origin)], alpha=0.8, label=label)
    for radius in data["material"]:
        axes.add_patch(Circle((-middle[0], -middle[1]), float(radius), fill=False, color="0.7", lw=1.0, ls=":"))
    axes.plot(0.0, 0.0, "ko", ms=7, label="primary vertex")
    axes.plot(*(data["collision"][:2] - middle), "w+", ms=7, zorder=6)
    for key, style, size, label in (("true_vertices", "*", 16, "true b, c, tau decays"), ("sv1", "D", 9, "SV1"),
                                    ("jetfitter", "x", 10, "JetFitter")):
        points = data[key] - middle
        if len(points):
            axes.plot(points[:, 0], points[:, 1], style, ms=size, mfc="none", mec="k", mew=1.5, zorder=5, label=label)
    axes.set(xlim=(-view, view), ylim=(-view, view), xlabel="x - x(primary vertex) [mm]", ylabel="y - y(primary vertex) [mm]",
             title="tracks of the rows' track jets near the beam")
    axes.set_aspect("equal")
    axes.legend(loc="upper right", fontsize=7, framealpha=0.9)

"""Events for the page: made again by `replay` where that is possible, else the tracks that the file holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import rows_at
from pseudoexp.errors import PseudoexpError
from pseudoexp.replaying.story import Story

_POINTS = ("towers", "particles", "higgs", "partons", "heavy", "large", "small")
_LOOKED = 20_000
_PT = (300e3, 500e3)  # MeV: decay products within the jet, and still apart for the eye


def typical(info: FileInfo) -> list[int]:
    """Return the numbers of one event per class: the first boosted one whose track jets both have a vertex, or the first."""
    rows = rows_at(info, "jets", 0, min(info.rows, _LOOKED))
    found = []
    for label in range(2):
        own = rows[rows["flavour_label"] == label]
        good = own[(own["pt"] > _PT[0]) & (own["pt"] < _PT[1]) & own["vr1_has_sv"] & own["vr2_has_sv"]]
        found += [int(some["eventNumber"][0]) for some in (good if len(good) else own,) if len(some)]
    return found


def drawn(info: FileInfo, numbers: Sequence[int], strict: bool, replay: Callable[..., Story], tell: Callable[[str], None]
          ) -> tuple[list[dict[str, Any]], str]:
    """Return the events that can be drawn, as plain values, and why the others cannot; raise that if `strict`."""
    events, reason = [], ""
    for number in numbers:
        tell(f"making event {number} again")
        try:
            events.append(of_story(replay(number, file=info.path)))
        except PseudoexpError as error:
            if strict:
                raise
            reason = str(error)
            break
    if not events and "tracks" in info.datasets:
        events = [event for event in (_of_tracks(info, number) for number in numbers) if event]
    return events, reason


def of_story(story: Story) -> dict[str, Any]:
    """Return what a replay shows, as plain values of few digits."""
    picture = story.picture
    result: dict[str, Any] = {name: _rounded(picture[name]) for name in _POINTS}
    result |= {name: picture[name].tolist() for name in ("selected", "chosen", "charged", "origin")}
    result |= {"radius": _rounded(picture["radius"]), "track_pt": _rounded(picture["track_pt"]),
               "of_row": np.isin(picture["track_jet"], picture["chosen"]).tolist(), "perigee": _rounded(picture["perigee"], 5),
               "tracks": _rounded(np.stack([picture["track_eta"], picture["perigee"][:, 2], picture["track_pt"]], axis=1)),
               "material": _rounded(picture["material"]), "vertex": _rounded(picture["primary_vertex"], 5)}
    result |= {name: _rounded(picture[name], 5) for name in ("true_vertices", "sv1", "jetfitter")}
    return result | {"number": story.number, "process": story.process, "jets": list(map(_jet, story.rows)), "relative": False}


def _of_tracks(info: FileInfo, number: int) -> dict[str, Any] | None:
    """Return the stored tracks of an event's first jet, relative to its axis."""
    rows = rows_at(info, "jets", 0, min(info.rows, _LOOKED))
    place = np.flatnonzero(rows["eventNumber"] == number)
    if not len(place):
        return None
    row, tracks = rows[place[0]], rows_at(info, "tracks", int(place[0]), 1)[0]
    tracks = tracks[tracks["valid"]]
    points = np.stack([tracks["deta"], tracks["dphi"], tracks["pt"] / schema.MEV], axis=1).astype(np.float64)
    return {"number": number, "process": "signal" if row["flavour_label"] != 1 else "qcd", "jets": [_jet(row)], "relative": True,
            "tracks": _rounded(points), "origin": tracks["ftagTruthOriginLabel"].tolist(),
            "of_row": (tracks["vr_jet"] >= 0).tolist(), "track_pt": _rounded(points[:, 2])}


def _jet(row: Any) -> dict[str, float]:
    return {name: round(float(row[name]) / schema.MEV, 1) for name in ("pt", "mass")}


def _rounded(values: NDArray[Any], digits: int = 4) -> Any:
    return np.round(np.asarray(values, dtype=np.float64), digits).tolist()

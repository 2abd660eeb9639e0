"""Which events the page draws, and in which units."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError
from pseudoexp.exploring.drawing import drawn, typical


@pytest.fixture
def path(tmp_path):
    """Forty rows, none of which is one to show."""
    path = mock_file(tmp_path / "a.h5", 40, tracks=5)
    with h5py.File(path, "r+") as file:
        rows = file["jets"][:]
        rows["pt"], rows["vr1_has_sv"], rows["vr2_has_sv"] = 400e3, True, False
        file["jets"][:] = rows
    return path


def change(path, label, place, **values):
    """Set columns of one row of a class; return its event."""
    with h5py.File(path, "r+") as file:
        rows = file["jets"][:]
        row = np.flatnonzero(rows["flavour_label"] == label)[place]
        for name, value in values.items():
            rows[name][row] = value
        file["jets"][:] = rows
    return int(rows["eventNumber"][row])


def test_typical_events(path):
    """Boosted, a vertex in either track jet; else the first of its class."""
    first = [change(path, label, 0) for label in (0, 1)]
    change(path, 0, 2, pt=299e3, vr2_has_sv=True)
    change(path, 0, 3, pt=501e3, vr2_has_sv=True)
    change(path, 0, 4, vr2_has_sv=True, vr1_has_sv=False)
    wanted = change(path, 0, 5, vr2_has_sv=True)
    change(path, 0, 7, vr2_has_sv=True)
    assert typical(probe(path)) == [wanted, first[1]]


def refuse(number, file):
    raise ConfigError(f"event {number} cannot be made again")


def test_stored_tracks(path):
    """Relative to the jet, momenta in GeV; padding left out."""
    number = change(path, 1, 3, mass=88.8e3)
    with h5py.File(path, "r+") as file:
        tracks = file["tracks"][:]
        row = int(np.flatnonzero(file["jets"]["eventNumber"] == number)[0])
        tracks["valid"][row] = [True, True, False, True, False]
        tracks["pt"][row], tracks["deta"][row], tracks["dphi"][row] = 2500.0, 0.25, [0.0, 0.1, 0.2, 0.3, 0.4]
        tracks["vr_jet"][row], tracks["ftagTruthOriginLabel"][row] = [0, -1, 0, 1, 0], [2, 3, 4, 5, 6]
        file["tracks"][:] = tracks
    told = []
    (event,), reason = drawn(probe(path), [number], False, refuse, told.append)
    assert event["tracks"] == [[0.25, 0.0, 2.5], [0.25, 0.1, 2.5], [0.25, 0.3, 2.5]] and event["track_pt"] == [2.5] * 3
    assert event["of_row"] == [True, False, True] and event["origin"] == [2, 3, 5] and event["process"] == "qcd"
    assert event["jets"] == [{"pt": 400.0, "mass": 88.8}] and reason == f"event {number} cannot be made again"
    assert told == [f"making event {number} again"]
    with pytest.raises(ConfigError):
        drawn(probe(path), [number], True, refuse, told.append)
    assert drawn(probe(path), [schema.file_event_number(0, 10**6)], False, refuse, told.append)[0] == []

"""Events from rows: once each, by their hardest selected jet, with the weights of the split."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from mock_file import mock_file, pair_jets

from pseudoexp.dataset import schema
from pseudoexp.dataset.expression import Expression
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import DataError
from pseudoexp.experiments.candidates import read_samples

KNOWN = {name: schema.JET_DTYPE[name] for name in schema.JET_DTYPE.names}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file in which every other event has the rows of two, at one weight."""
    return pair_jets(mock_file(tmp_path_factory.mktemp("candidates") / "a.h5", 4000))


def test_events_count_once(path):
    rows = h5py.File(path)["jets"][:]
    samples = read_samples(probe(path), Expression("mass > 80e3", KNOWN, True), Expression("D2", KNOWN, False))
    tried = probe(path).attributes["events_tried"]
    for label, name in enumerate(("hbb", "qcd")):
        own = rows[(rows["flavour_label"] == label)]
        chosen = own[own["mass"] > 80e3]
        sample, events = samples[name], samples[name].events
        assert sample.seen == len(np.unique(own["eventNumber"])) == 1500
        assert events.number.tolist() == np.unique(chosen["eventNumber"]).tolist() and events.jets.sum() == len(chosen)
        assert set(events.jets.tolist()) == {1, 2}
        for k in range(0, len(events), 37):
            jets = chosen[chosen["eventNumber"] == events.number[k]]
            hardest = jets[np.argmax(jets["pt"])]
            assert events.mass[k] == pytest.approx(hardest["mass"] / 1e3) and events.pt[k] == pytest.approx(hardest["pt"] / 1e3)
            assert events.score[k] == jets["D2"].max() and events.jets[k] == len(jets)
            assert events.cross_section[k] == pytest.approx(hardest["mcEventWeight"] / tried[label])
        assert 0 < sample.efficiency < 1 and sample.efficiency == pytest.approx(events.cross_section.sum() / sample.fiducial)


def test_splits_add_up_to_the_same_cross_section(path):
    everything = read_samples(probe(path))["qcd"].fiducial
    parts = {split: read_samples(probe(path), split=split)["qcd"] for split in ("train", "val", "test")}
    assert sum(p.seen for p in parts.values()) == 1500
    assert parts["train"].fiducial == pytest.approx(everything, rel=0.05)
    assert parts["test"].fiducial == pytest.approx(everything, rel=0.25)


def spoilt(tmp_path, **changes):
    file = mock_file(tmp_path / "bad.h5", 200)
    with h5py.File(file, "r+") as opened:
        rows = opened["jets"][:]
        for name, value in changes.items():
            rows[name] = value(rows[name])
        opened["jets"][:] = rows
    return probe(file)


@pytest.mark.parametrize(("changes", "message"), [
    ({"mcEventWeight": lambda w: -w}, "allowed: finite ones from 0 on"), ({"mcEventWeight": lambda w: w * np.nan}, "finite"),
    ({"mcEventWeight": lambda w: 1000 * w}, "more than all events tried"),
    ({"flavour_label": lambda c: 0 * c + 1}, "no row of class hbb")])
def test_files_that_cannot_serve(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        read_samples(spoilt(tmp_path, **changes))


def test_scores_that_are_no_numbers(tmp_path):
    with pytest.raises(DataError, match="score of a selected jet of class hbb is not a number"):
        read_samples(spoilt(tmp_path), score=Expression("log(mass - mass - 1)", KNOWN, False))


def test_rows_of_other_splits_do_not_count(path):
    info = probe(path)
    assert read_samples(info, split="val")["hbb"].seen == SimpleNamespace(n=len({
        int(e) for e in h5py.File(path)["jets"]["eventNumber"][:] if e % 10 == 8 and (e // 10) % 2 == 0})).n

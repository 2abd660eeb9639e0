"""Replayed events: the same as in the file to the bit, and told consistently."""

import json

import h5py
import numpy as np
import pytest

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.cli.replay import plain
from pseudoexp.dataset.schema import JET_DTYPE
from pseudoexp.errors import ConfigError
from pseudoexp.replaying.compare import rows_in
from pseudoexp.replaying.picture import draw
from pseudoexp.replaying.story import STAGES


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a file of the built-in engine, with options that all leave their trace in the rows."""
    path = tmp_path_factory.mktemp("replay") / "builtin.h5"
    pseudoexp.generate(40, path, engine="builtin", seed=5, threads=1, card="atlas-run2", tracks=12, signal_fraction=0.4,
                       pthat_min=180.0, keep_unmatched=True, variations=True)
    return path


def numbers_in(file, label):
    """Return events with rows of a class, those with most rows first."""
    jets = pseudoexp.load(file, split=None, columns=("eventNumber",), keep_unmatched=True)
    found, counts = np.unique(np.asarray(jets.data)[jets.target == label], return_counts=True)
    return [int(number) for number in found[np.argsort(-counts, kind="stable")]]


@pytest.fixture(scope="module", params=[1, 0, -1], ids=["hbb", "qcd", "other"])
def story(file, request):
    return pseudoexp.replay(numbers_in(file, request.param)[0], file=file)


def test_rows_are_those_of_the_file(file, story):
    stored = rows_in(file, story.number)
    assert len(stored) > 0 and stored.dtype == story.rows.dtype == JET_DTYPE
    assert stored.tobytes() == story.rows.tobytes()
    with h5py.File(file) as opened:
        tracks = opened["tracks"][opened["jets"]["eventNumber"] == story.number]
        weights = opened["mcEventWeights"][opened["jets"]["eventNumber"] == story.number][0]
    assert all(tracks[name].tobytes() == story.tracks[name].tobytes() for name in tracks.dtype.names)
    told = {row["variation"]: row["weight"] for row in story.table("decays", "weights")}
    assert told == {name: weights[name] for name in weights.dtype.names if name != "nominal"}


@pytest.mark.slow
@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_many_events(file, label):
    """The file may end before an event's last rows."""
    with h5py.File(file) as opened:
        jets = opened["jets"][:]
    last = jets["eventNumber"][jets["flavour_label"] == 1 - label][-1]
    for number in numbers_in(file, label):
        stored, rows = rows_in(file, number), pseudoexp.replay(number, file=file).rows
        assert stored.tobytes() == (rows[:len(stored)] if number == last else rows).tobytes()


def test_every_stage_is_told(story):
    assert tuple(story.stages) == STAGES
    assert all(stage.facts and not stage.missing for stage in story.stages.values())
    assert all(len(row) == len(table.columns) for stage in story.stages.values() for table in stage.tables for row in table.rows)


def test_branchings_add_up(story):
    """Every branching adds one final parton and two rows to the list; scales fall within each shower."""
    branchings = story.table("shower", "branchings")
    signal = story.process == "signal"
    assert story.fact("shower", "partons") == 2 + len(branchings) + signal  # H becomes two
    assert len(branchings) == sum(story.fact("shower", key) for key in ("initial", "final", "higgs"))
    assert (story.fact("shower", "higgs") > 0) == signal
    for own in (True, False):
        scales = [b["scale"] for b in branchings if (b["where"] == "Higgs") == own]
        assert scales == sorted(scales, reverse=True)
    assert all(b["and"] == b["to"] + 1 and b["row"] < b["to"] for b in branchings)
    assert all(0.0 < b["z"] < 1.0 for b in branchings)
    scatterings = story.table("mpi", "scatterings")
    assert [s["pT"] for s in scatterings] == sorted((s["pT"] for s in scatterings), reverse=True)
    assert all(s["final partons"] == 2 + s["initial branchings"] + s["final branchings"] for s in scatterings)


def test_strings_and_hadrons_add_up(story):
    strings, hadrons = story.table("strings", "strings"), story.table("hadrons", "hadrons")
    assert sum(s["hadrons"] for s in strings) == story.fact("strings", "hadrons") == len(hadrons)
    for s in strings:
        assert sum(h["string"] == s["string"] for h in hadrons) == s["hadrons"] >= 1
    assert story.fact("decays", "particles") == len(story.picture["particles"])
    heavy = [h for h in story.table("decays", "heavy") if h["c tau"] > 0.0]
    assert len(heavy) >= len(story.picture["heavy"])


def test_shown_jets_and_vertices_are_those_of_the_rows(story):
    jets = [jet for jet in story.table("jets", "large") if jet["verdict"] == "row"]
    assert len(jets) == len(story.rows)
    small = story.table("jets", "small")
    sv1 = {v["track jet"]: v for v in story.table("vertices", "sv1")}
    chain = story.table("vertices", "jetfitter")
    for row, jet in zip(sorted(story.rows, key=lambda r: -r["pt"]), sorted(jets, key=lambda j: -j["pT"]), strict=True):
        assert np.float32(1000.0 * jet["pT"]) == row["pt"] and np.float32(1000.0 * jet["mass"]) == row["mass"]
        for i, v in enumerate(map(int, jet["track jets"].split()[:2]), 1):
            assert np.float32(1000.0 * small[v]["pT"]) == row[f"vr{i}_pt"]
            assert (v in sv1) == row[f"vr{i}_has_sv"]
            if v in sv1:
                assert (sv1[v]["tracks"], np.float32(sv1[v]["distance"])) == (row[f"vr{i}_sv1_ntrk"], row[f"vr{i}_sv1_l3d"])
            counted = [c for c in chain if c["track jet"] == v and c["counts"]]
            assert sum(c["tracks"] > 1 for c in counted) == row[f"vr{i}_jf_nvtx"]
            assert sum(c["tracks"] == 1 for c in counted) == row[f"vr{i}_jf_nsingle"]


def test_text_json_and_picture(story, tmp_path):
    text = list(plain(story, STAGES, 5))
    assert text[0].startswith(f"event {story.number} ({story.process}")
    assert all(any(f"({stage})" in line for line in text) for stage in STAGES)
    assert json.loads(json.dumps(story.as_dict()))["rows"][0]["eventNumber"] == story.number
    draw(story, tmp_path / "event.png")
    assert (tmp_path / "event.png").stat().st_size > 20_000
    with pytest.raises(ConfigError, match=r"\.png, \.pdf, \.svg"):
        draw(story, tmp_path / "event.jpeg")
    with pytest.raises(ConfigError, match="does not exist"):
        draw(story, tmp_path / "no" / "event.png")


def test_an_event_without_rows():
    story = pseudoexp.replay(40, "signal", engine="builtin", pthat_min=20.0, pt_bias=0.0)
    assert len(story.rows) == 0 and story.fact("row", "rows") == 0
    assert all(jet["verdict"] != "row" for jet in story.table("jets", "large"))


def test_command(capsys, file):
    number = numbers_in(file, 0)[0]
    assert run(app, ["replay", "--event", str(number), "--file", str(file), "--stage", "hard"]) == 0
    out = capsys.readouterr().out
    assert "1. Hard process (hard)" in out and "Jets" not in out
    assert out.endswith(f"{file}: holds the same {len(rows_in(file, number))} rows, bit for bit\n")
    assert run(app, ["replay", "--event", str(number), "--file", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found["stages"]) == STAGES and found["eventNumber"] == number


@pytest.mark.parametrize(("options", "message"), [
    (["--event", "123456", "--process", "signal"], "is a qcd event"),
    (["--event", "1", "--stage", "soup"], "allowed: hard, shower"),
    (["--event", "1", "--engine", "herwig"], "herwig"), (["--event", "1", "--plot", "a.gif"], ".png"),
    (["--event", "1", "--file", "no.h5"], "no.h5"), (["--event", "1", "--card", "cms"], "no card 'cms'")])
def test_wrong_options(capsys, options, message):
    assert run(app, ["replay", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1 and message in captured.err


def test_pythia8(tmp_path):
    """Rows of the file, and Pythia's record told: all initial and final partons and hadrons are accounted for."""
    pytest.importorskip("pythia8mc")
    path = tmp_path / "pythia.h5"
    pseudoexp.generate(20, path, threads=1, engine="pythia8")
    for label in (0, 1):
        number = numbers_in(path, label)[-1]
        story = pseudoexp.replay(number, file=path)
        assert rows_in(path, number).tobytes() == story.rows.tobytes() != b""
        assert tuple(story.stages) == STAGES and not any(stage.missing for stage in story.stages.values())
        assert sum(s["hadrons"] for s in story.table("strings", "strings")) == len(story.table("hadrons", "hadrons"))
        assert story.fact("decays", "particles") == len(story.picture["particles"])
        branchings = story.table("shower", "branchings")
        assert {b["where"] for b in branchings} == {"ISR +z", "ISR -z", "FSR"}
        assert {b["system"] for b in branchings} >= {0} and -1 not in {b["system"] for b in branchings}
        assert json.loads(json.dumps(story.as_dict()))["stages"]["hard"]["pthat"] > 150.0

"""Toys: their means and variances are those of the weights, they follow the seed, and mistakes are one line."""

import json

import h5py
import numpy as np
import pytest
from mock_file import mock_file, pair_jets

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.dataset import schema
from pseudoexp.dataset.expression import Expression
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.experiments import toys as toys_module
from pseudoexp.experiments.candidates import Events, read_samples
from pseudoexp.experiments.expectation import expectations
from pseudoexp.experiments.record import moments
from pseudoexp.experiments.spectrum import spectrum
from pseudoexp.experiments.toys import TOY_DTYPE, Settings, draw, experiment


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Every fourth event of a class has two jets; 1/pb weights make signals that can be seen."""
    return pair_jets(mock_file(tmp_path_factory.mktemp("toys") / "a.h5", 6000), (1.0, 1e-7))


def drawn(path, **options):
    given = {"luminosity": 1000.0, "n_toys": 1500, "selection": "", "split": None, "window": (90.0, 140.0),
             "mass_range": (40.0, 240.0), "bins": 20, "signal_strength": 1.0, "seed": 3} | options
    made = experiment(path, Settings(**given), lambda *_: None)
    return made, *(np.concatenate(parts) for parts in zip(*draw(made), strict=True))


def test_means_and_variances_are_those_of_the_weights(file):
    made, toys, signal, background = drawn(file, selection="pt > 260e3")
    for name, short, spectra in (("hbb", "signal", signal), ("qcd", "background", background)):
        events = made.samples[name].events
        each = 1e6 * events.cross_section
        inside = (events.mass >= 90) & (events.mass < 140)
        for column, mean, variance in ((f"{short}_events", each.sum(), each.sum()),
                                       (f"{short}_window", each[inside].sum(), each[inside].sum()),
                                       (f"{short}_jets", (each * events.jets).sum(), (each * events.jets**2).sum())):
            values = toys[column]
            assert values.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / len(toys)))
            assert values.var() == pytest.approx(variance, rel=0.15), column  # jets of one event come together: more than Poisson
        assert (each * events.jets**2).sum() > 1.1 * (each * events.jets).sum()
        counts, _ = np.histogram(events.mass, np.linspace(40, 240, 21), weights=each)
        pulls = (spectra.mean(axis=0) - counts) / np.sqrt(np.maximum(counts, 1e-9) / len(toys))
        assert np.abs(pulls[counts > 0.01]).max() < 4.5 and (pulls[counts > 0.01] ** 2).mean() == pytest.approx(1.0, abs=0.9)
        assert (spectra.sum(axis=1) <= toys[f"{short}_events"]).all()


def test_significances_spread_around_the_expected(file):
    made, toys, *_ = drawn(file)
    for test, expected in made.expected.items():
        z = toys[f"z_{test}"]
        assert expected.value > 1.0 and expected.error < 0.2 * expected.value
        assert np.median(z) == pytest.approx(expected.value, abs=0.15)
        assert 0.85 < z.std() < 1.25
    assert made.expected["window"].value > made.expected["counting"].value
    assert made.expected["spectrum"].value > made.expected["shape"].value
    assert made.expected["counting"].with_error < made.expected["counting"].value
    assert toys["strength_spectrum"].mean() == pytest.approx(1.0, abs=0.05)


def test_scores_from_a_file(file, tmp_path, capsys):
    rows = h5py.File(file)["jets"][:]
    test = rows["eventNumber"] % 10 == 9
    order = np.random.default_rng(1).permutation(np.flatnonzero(test))
    score = rows["D2"][order].astype(np.float64)
    np.savez(tmp_path / "scores.npz", score=np.stack([score, 0 * score], axis=1), row=order)
    found = pseudoexp.toys(file, 1000, 50, "score > 1.5 and pt > 300e3", scores=tmp_path / "scores.npz", split="test")
    same = pseudoexp.toys(file, 1000, 50, "D2 > 1.5 and pt > 300e3", split="test")
    assert found["classes"] == same["classes"] and found["toys"] == same["toys"]
    assert "the scores have 2 seeds: the first is used" in found["warnings"]
    rates = pseudoexp.rate(file, scores=tmp_path / "scores.npz", split="test")
    assert rates.points == pseudoexp.rate(file, "D2", split="test").points
    assert run(app, ["toys", str(file), "--scores", str(tmp_path / "scores.npz"), "--selection", "score > 0"]) == 2
    assert "no score for row" in capsys.readouterr().err


def test_without_signal_there_is_none(file):
    _, toys, signal, _ = drawn(file, signal_strength=0.0)
    assert signal.sum() == 0 and toys["signal_jets"].sum() == 0
    for test in ("counting", "window", "spectrum", "shape"):
        z = toys[f"z_{test}"]
        assert z.mean() == pytest.approx(0.0, abs=0.12) and z.std() == pytest.approx(1.0, abs=0.08)
        assert (z > 1.6449).mean() == pytest.approx(0.05, abs=0.025)
    assert toys["strength_shape"].mean() == pytest.approx(0.0, abs=0.05)


def test_the_error_of_the_sample_is_that_of_other_samples():
    rng, edges = np.random.default_rng(2), np.linspace(40.0, 240.0, 6)
    window = edges[1:3]
    values = []
    for _ in range(300):
        pair = []
        for total, mass in ((1.0, lambda n: rng.normal(118.0, 15.0, n)), (40.0, lambda n: rng.gamma(4.0, 22.0, n) + 10.0)):
            n = rng.poisson(2000)
            weight = rng.exponential(total / 2000 / 10, n)
            pair.append(spectrum(Events(np.arange(n), weight, mass(n), mass(n), np.ones(n, int), np.zeros(n)), 1.0, edges))
        values.append([(e.value, e.error) for e in expectations(*pair, window, edges).values()])
    spread = np.array(values)
    assert spread[:, :, 0].std(axis=0) == pytest.approx(spread[:, :, 1].mean(axis=0), rel=0.15)


def test_more_toys_leave_the_first_ones(file, monkeypatch):
    monkeypatch.setattr(toys_module, "CHUNK", 64)
    _, few, few_signal, _ = drawn(file, n_toys=100)
    monkeypatch.setattr(toys_module, "CHUNK", 1000)
    _, many, many_signal, _ = drawn(file, n_toys=300)
    assert (many[:100] == few).all() and (many_signal[:100] == few_signal).all()
    assert not (drawn(file, n_toys=100, seed=4)[1] == few).any()


def test_the_file(file, tmp_path):
    found = pseudoexp.toys(file, 1000, 200, "mass > 50e3", tmp_path / "toys.h5", bins=20, seed=3)
    with h5py.File(tmp_path / "toys.h5") as toys:
        assert toys["toys"].dtype == TOY_DTYPE and toys["toys"].shape == (200,)
        assert toys["signal_mass"].shape == toys["background_mass"].shape == (200, 20) and len(toys["mass_edges"]) == 21
        assert json.loads(toys.attrs["results"])["significance"]["window"] == found["significance"]["window"]
        assert toys.attrs["dataset_hash"] == probe(file).attributes["dataset_hash"]
        assert found["toys"]["z_shape"] == moments(toys["toys"]["z_shape"])
        selection = Expression("mass > 50e3", {"mass": schema.JET_DTYPE["mass"]}, condition=True)
        sample = read_samples(probe(file), selection)["qcd"].events
        inside = (sample.mass >= 50) & (sample.mass < 240)
        assert toys["expected"]["background"].sum() == pytest.approx(1e6 * sample.cross_section[inside].sum())
    first = (tmp_path / "toys.h5").read_bytes()
    with pytest.raises(ConfigError, match="--force replaces it"):
        pseudoexp.toys(file, out=tmp_path / "toys.h5")
    pseudoexp.toys(file, 1000, 200, "mass > 50e3", tmp_path / "toys.h5", bins=20, seed=3, force=True)
    assert (tmp_path / "toys.h5").read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["toys.h5"]


def test_nothing_half_written(file, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("stop")

    monkeypatch.setattr("pseudoexp.experiments.record.facts", fail)
    with pytest.raises(RuntimeError):
        pseudoexp.toys(file, out=tmp_path / "toys.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("options", "message"), [
    (["--lumi", "0"], "lumi = '0'"), (["--n-toys", "0"], "n_toys"), (["--split", "all"], "split 'all'"),
    (["--selection", "mas > 1"], "no column 'mas'; near: mass"), (["--selection", "mass"], "is a number"),
    (["--selection", "score > 0.9"], "allowed: with --scores FILE"),
    (["--window", "140", "90"], "window = 140 90"), (["--mass-range", "-1", "90"], "mass_range"), (["--bins", "0"], "bins"),
    (["--signal-strength", "-1"], "signal_strength"), (["--seed", "x"], "seed"), (["--out", "/nowhere/a.h5"], "does not exist"),
    (["--selection", "mass > 1e9"], "keeps none of"), (["--mass-range", "0", "1e-9"], "no selected event of class")])
def test_mistakes(capsys, file, options, message):
    assert run(app, ["toys", str(file), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1 and message in captured.err


@pytest.mark.parametrize("values", [(90,), ("a", 140), 90.0, (90, 100, 140)])
def test_masses_that_are_no_pair(file, values):
    for name in ("window", "mass_range"):
        with pytest.raises(ConfigError, match=f"{name} = .*; allowed: two rising masses in GeV"):
            pseudoexp.toys(file, **{name: values})


def test_few_events_are_told(file):
    made, *_ = drawn(file, n_toys=1, selection="mass > 130e3 and pt > 400e3")
    assert any("background events selected of the sample" in text for text in made.warnings())
    assert any("bins were joined" in text for text in made.warnings())


def test_no_background_in_the_window(tmp_path, file):
    made, toys, *_ = drawn(file, n_toys=5, window=(90.0, 90.0001))
    assert np.isnan(made.expected["window"].value) and np.isnan(toys["z_window"]).all()
    assert np.isfinite(toys["z_shape"]).all()


def test_the_command(capsys, file, tmp_path):
    assert run(app, ["toys", str(file), "--lumi", "1000", "--n-toys", "100", "--out", str(tmp_path / "t.h5")]) == 0
    shown = capsys.readouterr().out
    assert "100 toys of 1000 /fb" in shown and "qcd of 90 to 140 GeV" in shown and "b normalised" in shown
    assert run(app, ["toys", str(file), "--window", "90", "90.0001", "--n-toys", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["significance"]["window"]["value"] is None and found["classes"]["qcd"]["events"]["sampled"] == 2250


def test_the_plot(file, tmp_path, capsys):
    pytest.importorskip("mplhep")
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        found = pseudoexp.toys(file, 1000, 60, "mass > 50e3", plot=tmp_path / name, window=(90.0, 90.0001))
        assert (tmp_path / name).read_bytes().startswith(start) and found["settings"]["n_toys"] == 60
    assert run(app, ["toys", str(file), "--plot", str(tmp_path / "a.gif")]) == 2
    assert run(app, ["toys", str(file), "--plot", str(tmp_path / "a.svg")]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    first = (tmp_path / "a.svg").read_bytes()
    pseudoexp.toys(file, 1000, 60, "mass > 50e3", plot=tmp_path / "a.svg", window=(90.0, 90.0001), force=True)
    assert (tmp_path / "a.svg").read_bytes() == first


def test_wrong_data_are_named(tmp_path):
    with pytest.raises(DataError, match="no row of class hbb"):
        pseudoexp.toys(mock_file(tmp_path / "q.h5", 100, signal_fraction=0.0))

"""Trainings on the same jets in two views: each method moves less than without its term, and the command around them."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from mock_file import mock_file

pytest.importorskip("keras")

from pseudoexp.errors import ConfigError
from tagger.cli import main
from tagger.evaluate import logits
from tagger.invariant.bernoulli import Bernoulli
from tagger.invariant.training import METHODS, InvariantOptions, train_invariant
from tagger.invariant.views import Views
from tagger.report.pileup import pileup
from tagger.runs import Run
from tagger.train import TrainConfig

INPUTS = ("mass", "vr1_ip3d_bu", "vr2_ip3d_bu", "vr1_sv1_mass")
CONFIG = TrainConfig(hidden=(12, 6), epochs=6, batch=64, learning_rate=1e-2, patience=0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Under pile-up the first track jet's IP3D is blurred and shifted; all else is as it was."""
    folder = tmp_path_factory.mktemp("views")
    paths = [mock_file(folder / f"mu{mu}.h5", 3000, seed=3, configuration=f'{{"engine":"mock","pileup":{mu}}}') for mu in (0, 60)]
    with h5py.File(paths[1], "r+") as opened:
        rows = opened["jets"][:]
        rows["vr1_ip3d_bu"] = 0.7 * rows["vr1_ip3d_bu"] - 3.0 + np.random.default_rng(1).normal(0, 1, len(rows))
        rows["eventNumber"][::50] += 10  # jets that the other file has not
        opened["jets"][:] = rows
    return paths


@pytest.fixture(scope="module")
def views(files):
    return Views.load(files, INPUTS)


def moved(run):
    figures = run.metrics["invariance"]["moved"][0]
    return np.mean([figures[name]["wasserstein"] for name in ("hbb", "qcd")])


@pytest.fixture(scope="module")
def without(views):
    """Trainings without a term, by kind of units."""
    return {method: train_invariant(views, InvariantOptions(method, 0.0, samples=0), CONFIG)
            for method in ("plain", "stochastic")}


@pytest.mark.parametrize("options", [
    {"method": "paired", "strength": 1.0}, {"method": "adversarial", "strength": 5.0}, {"method": "stochastic", "strength": 30.0},
    {"method": "stochastic", "strength": 1.0, "term": "logit"}, {"method": "stochastic", "strength": 30.0, "draws": 0},
    {"method": "stochastic", "strength": 30.0, "gradient": "score", "draws": 4}])
def test_a_term_draws_the_views_together(views, without, options):
    """Less movement than without it, and still a tagger."""
    free = without["stochastic" if options["method"] == "stochastic" else "plain"]
    run = train_invariant(views, InvariantOptions(**options), CONFIG)
    assert moved(run) < 0.4 * moved(free)
    areas = [one.metrics["weightings"]["benchmark"]["auc"] for one in (run, free)]
    assert areas[0] > areas[1] - 0.03 and areas[0] > 0.9


def test_what_a_run_holds(views, without):
    """A plain network judged on the first file; the nominal method never sees the second."""
    run = without["stochastic"]
    assert not any(isinstance(layer, Bernoulli) for layer in run.model.layers)
    assert run.metrics["model"]["layout"] == list(CONFIG.hidden) and run.config["training"]["epochs"] == CONFIG.epochs
    found = run.metrics["invariance"]
    assert found["pileup"] == [0.0, 60.0] and found["figures"][0] == run.metrics["weightings"]["benchmark"]
    rows = views.rows["test"][(views.rows["test"] >= 0).all(axis=1)]
    one, two = (logits(run.model, data.test.x) for data in views.data)
    cut = found["figures"][0]["rejection"]["0.5"]["threshold"]
    signal = views.data[0].test.y[rows[:, 0]] == 1
    changed = (one[rows[:, 0]] >= cut) != (two[rows[:, 1]] >= cut)
    assert found["moved"][0]["hbb"]["changed"]["0.5"] == pytest.approx(changed[signal].mean())
    few = TrainConfig(hidden=(4,), epochs=1, batch=64)
    nominal = train_invariant(views, InvariantOptions("nominal"), few)
    other = views.data[1]
    blind = replace(views, data=(views.data[0], replace(other, train=replace(other.train, x=other.train.x * 0))))
    again = train_invariant(blind, InvariantOptions("nominal"), few)
    assert np.array_equal(logits(nominal.model, views.data[0].test.x), logits(again.model, views.data[0].test.x))


def test_the_command_and_the_report(files, tmp_path, capsys):
    out = tmp_path / "calm"
    words = ["invariant", *map(str, files), "--hidden", "4", "--epochs", "2", "--inputs", ",".join(INPUTS), "--batch", "256",
             "--samples", "3", "--out", str(out)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "epoch   2/2" in shown and "mu 60       AUC" in shown and "mu 0 to 60, hbb: " in shown and "test jets   " in shown
    run = Run.load(out)
    assert run.inputs == INPUTS and run.config["options"]["method"] == "stochastic" and len(run.config["files"]) == 2
    assert run.metrics["invariance"]["sampled"]["samples"] == 3
    assert run.config["options"]["learning_rate"] == METHODS["stochastic"].rate == 0.03
    assert main(words) == 2 and "--force" in capsys.readouterr().err
    assert main(["report", str(out), "--out", str(tmp_path / "r.html"), "--quiet"]) == 0
    page = (tmp_path / "r.html").read_text()
    assert "invariant (stochastic)" in page and "The same jets under other pile-up" in page
    table = pileup([Run(None, ("pt",), metrics={}), run])
    nominal, other = table.rows
    assert [nominal[0], nominal[1][1], nominal[1][6]] == [1, "0", "–"] and nominal[1][5] == "50 %"
    moved_signal = run.metrics["invariance"]["moved"][0]["hbb"]
    assert other[1][1] == "60" and other[1][7] == f"{moved_signal['wasserstein']:.3f}" and len(other[1]) == len(table.heads)
    assert pileup([Run(None, ("pt",))]) is None


@pytest.mark.parametrize(("words", "text"), [
    (["--method", "quiet"], "allowed are nominal, plain, paired"), (["--gradient", "reparametrised"], "straight-through, score"),
    (["--term", "bits"], "allowed are units, logit"), (["--strength", "-1"], "allowed are 0 and more"),
    (["--method", "plain", "--strength", "2"], "has no term to weigh"), (["--gradient", "score", "--draws", "1"], "at least 2"),
    (["--strength", "nan"], "allowed are 0 and more"), (["--epochs", "0"], "epochs 0"), (["--inputs", "masss"], "masss")])
def test_bad_options_are_one_line(files, tmp_path, capsys, words, text):
    assert main(["invariant", *map(str, files), "--out", str(tmp_path / "a"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and text in line
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_serve(files, tmp_path, capsys):
    for given, text in (([files[0]], "two or more"), ([files[0], files[0]], "the same pile-up of 0"),
                        ([files[0], tmp_path / "none.h5"], "none.h5: cannot be read")):
        assert main(["invariant", *map(str, given), "--out", str(tmp_path / "a")]) == 2
        assert text in capsys.readouterr().err
    with pytest.raises(ConfigError, match="no term to weigh"):
        InvariantOptions("nominal", 1.0)

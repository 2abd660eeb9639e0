"""The evaluation on a split, on rows whose figures are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pseudoexp.benchmark.flavours import BACKGROUNDS, SIGNAL
from tagger.evaluate import attributions, compiled_logits, evaluate, figures, importance, input_histograms, logits, versions
from tagger.runs import Run


def test_figures_are_json_and_complete(small_run, small_data):
    found = evaluate(small_run.model, small_data)
    json.dumps(found, allow_nan=False)
    assert set(found) == {"split", "rows", "model", "weightings", "flavours", "pt_bins", "mass_sculpting"}
    assert set(found["weightings"]) == {"benchmark", "unweighted", "physical"}
    assert set(found["weightings"]["physical"]["rejection"]) == {"0.3", "0.5", "0.6", "0.7"}
    assert set(found["flavours"]) == set(BACKGROUNDS)
    assert found == small_run.metrics
    assert evaluate(small_run.model, small_data, "val")["split"] == "val"


def test_versions_name_the_backend_and_what_else_was_used(small_run):
    found = versions("numpy", "no-such-package")
    assert found == small_run.config["versions"]
    assert found[found["backend"]][0].isdigit() and "no-such-package" not in found
    assert versions("pytest")["pytest"] == pytest.__version__


def test_logits_do_not_depend_on_the_batch(small_run, small_data, monkeypatch):
    whole = logits(small_run.model, small_data.test.x)
    monkeypatch.setattr("tagger.evaluate.BATCH", 100)
    assert np.allclose(logits(small_run.model, small_data.test.x), whole, atol=1e-5)


def test_flavours_share_the_background(small_data):
    part = small_data.train
    found = figures(part.x[:, 2], part)["flavours"]
    assert sum(entry["share"] for entry in found.values()) == pytest.approx(1.0)
    assert sum(entry["rows"] for entry in found.values()) == (part.y == 0).sum()
    assert found["light"]["rows_signal"] == (part.y == 1).sum()


def test_a_flavour_that_is_let_through_shows(small_data):
    """A score that is blind to c jets alone: rejection 2 at 50 % there, a limit elsewhere."""
    part = small_data.train
    rng = np.random.default_rng(1)
    c = BACKGROUNDS.index("c")
    score = np.where((part.flavour == SIGNAL) | (part.flavour == c), rng.normal(0, 1, len(part)), -9.0)
    found = figures(score, part)["flavours"]
    assert found["c"]["rejection"]["0.5"]["rejection"] == pytest.approx(2.0, rel=0.2)
    assert found["light"]["rejection"]["0.5"]["rejection"] is None


def test_pt_bins(small_data):
    part = small_data.train
    score = np.random.default_rng(2).normal(size=len(part)) + np.where(part.pt < 350, 3.0, 0.0) * (part.y == 1)
    bins = figures(score, part)["pt_bins"]
    assert [(b["low"], b["high"]) for b in bins] == [(250, 350), (350, 500), (500, 750), (750, 1000), (1000, 3000)]
    assert sum(b["rows"] for b in bins) == len(part)
    assert bins[0]["auc"] > 0.95
    assert bins[1]["auc"] == pytest.approx(0.5, abs=0.05)
    assert bins[0]["signal_efficiency"] > 0.5 > bins[1]["signal_efficiency"]


def test_an_empty_subsample_has_no_figures(small_data):
    part = small_data.test.take(small_data.test.pt < 350)
    assert "auc" not in figures(part.x[:, 0], part)["pt_bins"][3]


def test_mass_sculpting(small_data):
    part = small_data.train
    blind = figures(np.random.default_rng(3).normal(size=len(part)), part)["mass_sculpting"]
    window = figures(-np.abs(part.mass - 118.0), part)["mass_sculpting"]
    assert blind["distance"] < 1.5 * blind["noise"] < 0.1
    assert window["distance"] > 0.5
    assert sum(blind["after"]) == pytest.approx(0.5 * sum(blind["before"]), rel=0.1)


def test_noise_is_the_distance_of_a_blind_cut(small_data):
    part = small_data.train
    rng = np.random.default_rng(4)
    found = [figures(rng.normal(size=len(part)) - 1.0 * (part.y == 0), part)["mass_sculpting"] for _ in range(20)]
    squares = np.mean([entry["distance"] ** 2 for entry in found])
    assert squares == pytest.approx(np.mean([entry["noise"] ** 2 for entry in found]), rel=0.5)


def test_importance_finds_what_matters(small_run, small_data):
    ranked = importance(compiled_logits(small_run.model), replace(small_data, val=small_data.train))
    assert set(ranked) == set(small_data.inputs)
    assert ranked["vr1_ip3d_cu"] + ranked["vr1_ip3d_bu"] > 0.003
    assert abs(ranked["vr1_eta"]) < 0.002  # the same in both classes


def test_inputs_that_stand_in_for_one_another_matter_together(small_run, small_data):
    data = replace(small_data, val=small_data.train)
    names = ["vr1_ip3d_bu", "vr1_ip3d_bc", "vr1_ip3d_cu"]
    columns = [data.inputs.index(name) for name in names]
    function = compiled_logits(small_run.model)
    alone = importance(function, data, {name: [k] for name, k in zip(names, columns, strict=True)})
    together = importance(function, data, {"vr1_ip3d_*": columns, "nothing": []})
    assert together["vr1_ip3d_*"] > 1.5 * max(alone.values())
    assert together["nothing"] == 0.0


def test_what_a_run_looks_at(small_run, small_data, small_folder):
    found = Run.load(small_folder).histograms
    json.dumps(found, allow_nan=False)
    assert found["importance"] == importance(compiled_logits(small_run.model), small_data)
    assert all(set(part) == set(small_data.inputs) for part in (found["importance"], found["shapley"]["mean"]))
    assert all(0.0 < found["shapley"]["error"][name] < 0.5 * found["shapley"]["mean"][name] for name in small_data.inputs)
    assert found["shapley"]["mean"]["vr1_ip3d_cu"] > 2.0 * found["shapley"]["mean"]["vr1_eta"]
    assert attributions(small_run.model, small_data)["quantities"] == found["quantities"]
    assert set(found["quantities"]["importance"]) == set(found["quantities"]["shapley"]["mean"]) == {
        *(name for name in small_data.inputs if "ip3d" not in name), "vr1_ip3d_*", "vr2_ip3d_*"}
    assert found["quantities"]["importance"]["mass"] == found["importance"]["mass"]
    alone = {name: value for name, value in found["importance"].items() if name.startswith("vr1_ip3d_")}
    assert found["quantities"]["importance"]["vr1_ip3d_*"] > 1.2 * max(alone.values())
    assert found["quantities"]["shapley"]["mean"]["mass"] == found["shapley"]["mean"]["mass"]


def test_input_histograms(small_data):
    part = small_data.test
    shapes = input_histograms(part, small_data.inputs)
    for entry in shapes.values():
        assert len(entry["edges"]) == len(entry["hbb"]) + 1
        assert sum(entry["hbb"]) == pytest.approx(1.0)
        assert sum(entry["qcd"]) == pytest.approx(1.0)
    assert np.allclose(np.diff(shapes["vr1_jf_nvtx"]["edges"]), 1.0)
    flat = replace(part, x=np.zeros_like(part.x[:, :1]))
    assert sum(input_histograms(flat, ["pt"])["pt"]["qcd"]) == pytest.approx(1.0)


def test_compiled_logits_are_the_logits(small_run, small_data):
    function = compiled_logits(small_run.model)
    for rows in (small_data.test.x, small_data.test.x[:7]):
        assert function(rows).shape == (len(rows),)
        assert np.allclose(function(rows), logits(small_run.model, rows), atol=1e-5)

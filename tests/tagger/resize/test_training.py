"""Resizing on a file: the counts, the equality of both networks, all methods, a second training."""

from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError
from tagger.data import TaggerData
from tagger.evaluate import logits
from tagger.resize import training
from tagger.resize.gate import find_gates
from tagger.resize.training import METHODS, ResizeOptions, inherited, prune, retrain, select_features, track_jet_groups
from tagger.runs import Run
from tagger.train import TrainConfig, train

NAMES = ("pt", "mass", "vr1_pt", "vr1_ip3d_bu", "vr1_sv1_mass", "vr2_ip3d_bu", "vr2_jf_mass", "vr2_eta")
CONFIG = TrainConfig(hidden=(8, 6), epochs=3, batch=256, learning_rate=0.01, patience=1, inputs=NAMES)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return TaggerData.load(mock_file(tmp_path_factory.mktemp("data") / "mock.h5", 2500), NAMES)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """Five quantities, three of which both track jets have."""
    names = ("pt", "mass", "vr1_pt", "vr1_ip3d_bu", "vr1_sv1_mass", "vr2_pt", "vr2_ip3d_bu", "vr2_sv1_mass")
    return TaggerData.load(mock_file(tmp_path_factory.mktemp("data") / "mock.h5", 2500), names)


@pytest.fixture(scope="module")
def parent(data):
    return train(data, CONFIG)


def _check_pair(run, data):
    """The small network on its columns is the gated one on all, unless it was trained anew."""
    rows = data.test.x
    assert not find_gates(run.model) and all(gate.is_frozen for gate in find_gates(run.gated))
    if run.config["asked"]["method"] == "ranking":
        return
    small = rows[:, [data.inputs.index(name) for name in run.inputs]]
    np.testing.assert_allclose(logits(run.model, small), logits(run.gated, rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", list(METHODS))
def test_features_are_selected_to_the_number(method, data, tmp_path):
    run = select_features(data, 3, ResizeOptions(method=method, where="inputs", rounds=2), CONFIG)
    assert len(run.inputs) == 3 == run.metrics["model"]["inputs"]
    assert run.config["asked"]["features"] == 3 == run.config["kept"]["features"]
    assert list(run.inputs) == [name for name in NAMES if name in run.inputs]
    _check_pair(run, data)
    run.save(tmp_path / "run")
    again = Run.load(tmp_path / "run")
    assert again.inputs == run.inputs and find_gates(again.load_gated())
    assert again.metrics["resize"]["asked"]["method"] == method
    assert again.config["training"]["epochs"] <= 3 and again.config["training"]["seconds"] > 0


@pytest.mark.parametrize("method", ["autopruner", "iterative", "ranking"])
def test_a_network_is_pruned_while_it_learns_for_the_first_time(method, data):
    run = prune(None, data, 5, ResizeOptions(method=method, rounds=2), replace(CONFIG, inputs=NAMES[:6]))
    assert run.metrics["model"]["nodes"] == 5 == run.config["asked"]["nodes"] and run.inputs == NAMES[:6]
    assert run.config["asked"]["spans"] == {"hidden_1": 8, "hidden_2": 6} and run.config["parent"] is None
    assert run.config["options"]["constraint"] == "topk" and run.config["training"]["epochs"] <= CONFIG.epochs
    _check_pair(run, data.select(run.inputs))


@pytest.mark.parametrize(("where", "constraint"), [("hidden", "topk"), ("inputs", "fermi"), ("all", "fermi")])
def test_without_a_trained_network_nothing_is_taken_for_learned(where, constraint, data, parent, monkeypatch):
    """Where there are no weights that mean something no scores start from them; with a parent they do."""
    asked = []

    def resized(model, data, count, options, config, report, trained):
        asked.append((trained, options.constraint))
        raise ConfigError("enough")

    monkeypatch.setattr(training, "resize", resized)
    for start in (None, parent):
        with pytest.raises(ConfigError, match="enough"):
            prune(start, data, 5, ResizeOptions(where=where), CONFIG)
    with pytest.raises(ConfigError, match="enough"):
        select_features(data, 5, ResizeOptions(), CONFIG)
    assert asked == [(False, constraint), (True, "topk"), (False, "fermi")]


@pytest.mark.parametrize("method", [method for method in METHODS if method != "trees"])
def test_nodes_are_pruned_to_the_number(method, data, parent):
    before = [weight.copy() for weight in parent.model.get_weights()]
    run = prune(parent, data, "50%", ResizeOptions(method=method), CONFIG)
    assert run.metrics["model"]["nodes"] == 7 == run.config["asked"]["nodes"]
    assert sum(run.metrics["resize"]["layout"].values()) == 7
    assert run.metrics["model"]["layout"] == list(run.metrics["resize"]["layout"].values())
    assert run.inputs == data.inputs
    assert all(np.array_equal(a, b) for a, b in zip(before, parent.model.get_weights(), strict=True))
    _check_pair(run, data)


@pytest.mark.parametrize(("where", "warm", "constraint", "held"), [
    ("hidden", True, None, "topk"), ("all", True, None, "topk"), ("all", False, None, "fermi"),
    ("hidden_1, inputs", False, None, "fermi"), ("hidden", False, None, "topk"), ("hidden", True, "penalty", "penalty")])
def test_nodes_are_pruned_by_selection(where, warm, constraint, held, data, parent):
    run = prune(parent, data, 7, ResizeOptions(where=where, warm=warm, constraint=constraint), replace(CONFIG, epochs=2))
    assert {gate.budget.constraint for gate in find_gates(run.gated)} == {held}
    assert run.config["options"]["constraint"] == held


@pytest.mark.parametrize(("where", "nodes", "asked"), [
    ("all", 9, {"budget": 9}), ("inputs", 4, {"budget": 4, "features": 4}),
    ("hidden_2", 2, {"budget": 2, "nodes": 10})])
def test_the_budget_spans_what_was_named(where, nodes, asked, data, parent):
    run = prune(parent, data, nodes, ResizeOptions(where=where), CONFIG)
    wanted = run.config["asked"]
    assert {key: wanted[key] for key in ("budget", "nodes", "features") if key in wanted} == asked
    assert run.config["kept"]["budget"] == nodes
    for key in set(asked) - {"budget"}:
        assert run.config["kept"][key] == asked[key]
    kept = run.config["kept"]
    sizes = {"inputs": len(NAMES), "hidden_1": 8, "hidden_2": 6}
    assert wanted["spans"] == {name: sizes[name] for name in (sizes if where == "all" else [where])}
    assert set(kept["spans"]) == set(wanted["spans"]) and sum(kept["spans"].values()) == nodes
    assert kept["features"] == len(run.inputs) == kept["spans"].get("inputs", len(NAMES))
    _check_pair(run, data)


@pytest.mark.parametrize(("spans", "left"), [
    ({"hidden_1": 8, "hidden_2": 6}, {"features": 4}), ({"inputs": 4}, {"nodes": 7}), ({"inputs": 4, "hidden_1": 8}, {})])
def test_what_was_asked_of_the_parent_still_stands(spans, left):
    parent = Run(model=None, inputs=NAMES[:4], config={"asked": {"features": 4, "nodes": 7, "budget": 9}}, metrics={})
    assert inherited(parent, spans) == left and inherited(None, spans) == {}


@pytest.mark.parametrize("constraint", ["fermi", "penalty", "topk"])
def test_a_limit_on_the_multiplications_is_kept(constraint, data, parent):
    run = prune(parent, data, "40%", ResizeOptions(cost="multiplications", where="all", constraint=constraint), CONFIG)
    full, left = parent.metrics["model"]["multiplications"], run.metrics["model"]["multiplications"]
    limit = run.config["asked"]["budget"]
    assert limit == round(0.4 * full) and run.config["kept"]["budget"] == left <= limit
    assert "nodes" not in run.config["asked"] and "features" not in run.config["asked"]
    spans = run.config["kept"]["spans"]
    widths = [spans["inputs"], spans["hidden_1"], spans["hidden_2"], 1]
    more = [sum(a * b for a, b in pairwise(w))
            for w in ([n + (i == k) for i, n in enumerate(widths)] for k in range(3))]
    assert min(more) > limit, "another node would have fitted"
    _check_pair(run, data)


def test_track_jets_go_in_pairs(data):
    names = ("pt", "vr1_pt", "vr1_eta", "vr2_pt", "vr2_eta", "vr1_jf_mass", "vr2_jf_mass")
    assert track_jet_groups(names) == [0, 1, 2, 1, 2, 3, 3]
    with pytest.raises(ConfigError, match="spans 'hidden'"):
        ResizeOptions(group_track_jets=True)


@pytest.mark.parametrize(("method", "quantities"), [("magnitude", 2), ("autopruner", 2), ("autopruner", 4)])
def test_features_are_selected_in_pairs(method, quantities, paired):
    run = select_features(paired, quantities, ResizeOptions(method=method, group_track_jets=True, where="inputs"),
                          replace(CONFIG, inputs=None))
    assert run.config["kept"]["spans"] == {"inputs": quantities} and "features" not in run.config["asked"]
    _check_quantities(run, quantities, paired)


@pytest.mark.parametrize(("where", "left"), [("inputs", 3), ("all", 9)])
def test_pairs_are_pruned_from_a_trained_network(where, left, paired):
    parent = train(paired, replace(CONFIG, inputs=None))
    run = prune(parent, paired, left, ResizeOptions(where=where, group_track_jets=True), CONFIG)
    spans = run.config["kept"]["spans"]
    assert run.config["kept"]["budget"] == left == sum(spans.values()) and "features" not in run.config["asked"]
    assert run.config["asked"]["spans"]["inputs"] == 5 and min(spans.values()) >= 1
    _check_quantities(run, spans["inputs"], paired)


def _check_quantities(run, count, rows):
    """So many quantities are left, each with all the columns that it has."""
    groups = track_jet_groups(rows.inputs)
    kept = [group for name, group in zip(rows.inputs, groups, strict=True) if name in run.inputs]
    assert len(set(kept)) == count and all(kept.count(group) == groups.count(group) for group in kept)
    _check_pair(run, rows)


def test_epochs_of_all_phases_count_together(data, parent):
    config = replace(CONFIG, epochs=4, patience=0)
    for method in ("iterative", "l1", "ranking"):
        run = prune(parent, data, "50%", ResizeOptions(method=method, rounds=3), config)
        assert run.config["training"]["epochs"] == 4 == len(run.history["loss"]), method
    with pytest.raises(ConfigError, match="shared among"):
        prune(parent, data, "50%", ResizeOptions(method="iterative", rounds=5), config)


def test_the_same_seed_gives_the_same_network(data):
    first, again = (select_features(data, 3, config=CONFIG) for _ in range(2))
    assert first.inputs == again.inputs
    assert all(np.array_equal(a, b) for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True))


def test_a_second_training_starts_afresh(data, parent):
    run = prune(parent, data, 6, ResizeOptions(retrain=True), CONFIG)
    assert run.metrics["model"]["nodes"] == 6 and run.config["training"]["epochs"] > 3
    small, _ = retrain(run.model, data, TrainConfig(epochs=1, batch=256, learning_rate=1e-9, seed=5))
    other, _ = retrain(run.model, data, TrainConfig(epochs=1, batch=256, learning_rate=1e-9, seed=6))
    kernels = [model.get_layer("hidden_1").get_weights()[0] for model in (run.model, small, other)]
    assert kernels[0].shape == kernels[1].shape == kernels[2].shape
    assert not any(np.allclose(kernels[i], kernels[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    tuned, _ = retrain(run.model, data, TrainConfig(epochs=1, batch=256, learning_rate=1e-9), fresh=False)
    np.testing.assert_allclose(tuned.get_layer("hidden_1").get_weights()[0], kernels[0], atol=1e-6)
    assert small.get_layer("logit").get_weights()[0].shape[0] == run.metrics["model"]["layout"][-1]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(small.get_layer("normalisation").mean),
                               keras.ops.convert_to_numpy(run.model.get_layer("normalisation").mean))


def test_wrong_wishes_are_named(data, parent):
    with pytest.raises(ConfigError, match="autopruner, cancelout, ranking"):
        ResizeOptions(method="guess")
    with pytest.raises(ConfigError, match="nodes, multiplications, luts"):
        ResizeOptions(cost="watts")
    with pytest.raises(ConfigError, match="where = inputs"):
        ResizeOptions(method="trees")
    with pytest.raises(ConfigError, match="cannot keep within 3 multiplications"):
        prune(parent, data, 3, ResizeOptions(cost="multiplications"), CONFIG)
    with pytest.raises(ConfigError, match="allowed are 2 to 14"):
        prune(parent, data, 1, config=CONFIG)
    with pytest.raises(ConfigError, match="allowed are 1 to 8"):
        select_features(data, 9, config=CONFIG)

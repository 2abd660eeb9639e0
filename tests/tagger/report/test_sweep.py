"""The page of sweeps: what stands in its tables and figures."""

import pytest

from pseudoexp.benchmark.registry import releases
from pseudoexp.errors import ConfigError
from tagger.report.sweep import _plan, render_sweep
from tagger.report.sweep_plots import _apart, curves, prices
from tagger.report.sweep_summary import _costs, gathered, missing, summarise
from tagger.report.sweep_tables import (
    all_costs_table,
    costs_table,
    epochs_of,
    fixed_table,
    iterative_tried,
    least_nodes,
    methods,
    more_table,
    parts_table,
    point_names,
    points_table,
    tolerances,
)
from tagger.sweep_request import Request

REST = {"versions": {}, "asked": {}, "data": {"path": "a.h5", "rows": 9}}


def _pruned(method, epochs, auc, seed=1, said=True, rounds=3, nodes=28, rejection_at_half=None):
    settings = {"method": method, "nodes": f"{100 * nodes // 112}%", "constraint": "topk", "rounds": rounds}
    settings |= {"epochs": epochs} if said else {}
    rejection = {eps: {"rejection": 100.0 * seed, "rejection_error": 9.0 + seed} for eps in ("0.3", "0.5", "0.6")}
    rejection["0.5"]["rejection"] = rejection_at_half or 100.0 * seed
    rejection["0.7"] = {"rejection": None, "rejection_error": None, "rejection_above": 30.0}
    return {"kind": "prune", "seed": seed, "settings": settings, "nodes": nodes, "full": {"nodes": 112}, "inputs": ["pt"],
            "layout": [4], "auc": auc, "auc_error": 0.002, "parameters": 9,
            "multiplications": 6 + seed, "rejection": rejection, "epochs": epochs, "epochs_total": epochs + 12,
            "training_seconds": 1.0, "flavours": {}, "pt_bins": [], "sculpting": {"distance": None, "noise": 0.1}}


def test_costs_name_the_fewest_epochs_to_the_same_rejection_and_auc():
    results = [_pruned("autopruner", 2, 0.95, rejection_at_half=300.0),
               _pruned("autopruner", 8, 0.98, said=False, rejection_at_half=900.0),
               _pruned("iterative", 2, 0.90), _pruned("iterative", 8, 0.95, said=False),
               _pruned("iterative", 24, 0.97, rejection_at_half=300.0), _pruned("iterative", 24, 0.97, rounds=10),
               _pruned("iterative", 24, 0.97, rounds=1, rejection_at_half=400.0)]
    (cost,) = _costs(results)
    equals = {point["x"]: point["equals"] for point in cost["points"] if "equals" in point}
    assert cost["nodes"] == "25%" and equals == {
        14: {"0.5": {"iterative, 1 round": 36, "iterative, 3 rounds": 36},
             "auc": {"iterative, 1 round": 36, "iterative, 3 rounds": 20, "iterative, 10 rounds": 36}},
        20: {"0.5": {}, "auc": {}}}
    assert list(dict.fromkeys(point["label"] for point in cost["points"]))[1:] == [
        "iterative, 1 round", "iterative, 3 rounds", "iterative, 10 rounds"], "numbers are sorted as numbers"
    assert [row[1][-2:] for row in costs_table(cost["points"]).rows] == [
        ("36 (1 or 3 rounds)", "20 (3 rounds)"), ("none up to 36", "none up to 36")]
    assert iterative_tried(cost["points"]) == "1 or 10 rounds after 36; 3 rounds after 14, 20 and 36"
    assert len(all_costs_table(cost["points"]).rows) == 7
    start = _pruned("iterative", 8, 0.96, rejection_at_half=300.0) | {"epochs_total": 8}
    (more,) = _costs([*results, start | {"settings": start["settings"] | {"untrained": True}}])
    assert costs_table(more["points"]).rows[0][1][-2:] == ("8 (3 rounds, from the start)", "8 (3 rounds, from the start)")
    assert iterative_tried(more["points"]).endswith("3 rounds after 14, 20 and 36; 3 rounds, from the start, after 8")
    alone = _costs([result for result in results if result["settings"]["method"] == "autopruner"])[0]["points"]
    assert {row[1][-2:] for row in costs_table(alone).rows} == {("–", "–")} and iterative_tried(alone) == ""
    assert _costs([result for result in results if "epochs" not in result["settings"]]) == []


def test_costs_are_sorted_by_the_nodes_kept():
    costs = _costs([_pruned("autopruner", 2, 0.9, nodes=nodes) for nodes in (14, 56, 7, 28)])
    assert [cost["nodes"] for cost in costs] == ["6%", "12%", "25%", "50%"]


def test_errors_sizes_and_further_cuts_stand_beside_the_figures():
    (point,) = summarise([_pruned("magnitude", 2, 0.9, seed, False) | {**REST}
                          for seed in (1, 2, 3)])["nodes"]
    assert point["0.3"]["median"] == 200.0 and point["0.7"]["limits"] == 3
    assert point["errors"] == {"auc": 0.002, "0.5": 11.0, "0.6": 11.0, "0.3": 11.0, "0.7": None}
    (row,) = more_table([point], "nodes", str).rows
    assert row[1] == ("magnitude", "0.25", "200 (100–300)", "> 30", "0.0020", "11", "11", "11", "–", "9", "8")


def test_prices_of_a_bit_tell_points_of_one_label_apart():
    quantised = [_pruned("none", 2, 0.9, said=False) | {
        "kind": "quantise", "settings": {"nodes": "100%", "beta": beta}, "quantisation": {"ebops": ebops},
        **REST} for beta, ebops in ((1e-4, 900), (1e-5, 9000))]
    points = summarise(quantised)["frontier"]
    for table in (points_table, more_table):
        assert [row[1][0] for row in table(points, "EBOPs", str).rows] == [
            "full network, HGQ2, β = 0.0001", "full network, HGQ2, β = 1e-05"]
    assert prices(points) != curves(points, "effective bit operations"), "each price has a marker of its own"
    assert tolerances(points) == [0.0015]
    quantised[0]["settings"] |= {"tolerance": 0.05}
    points = summarise(quantised)["frontier"]
    assert tolerances(points) == [0.0015, 0.05] and tolerances([{"label": "l1"}]) == []
    assert point_names(points) == [
        "full network, HGQ2, β = 0.0001, AUC within 0.05", "full network, HGQ2, β = 1e-05, AUC within 0.0015"]


def test_names_on_a_logarithmic_axis_do_not_run_into_one_another():
    assert _apart([13_899, 14_457, 17_017, 62_335]) == [13_899, 62_335]
    assert _apart([3, 5, 8, 16, 24, 48]) == [3, 5, 8, 16, 24, 48] and _apart([7.0]) == [7.0] and _apart([]) == []


def test_figures_of_two_sweeps_are_not_mixed():
    one = {"data": {}, "versions": {}, "plan": {}, "notes": {"prune": "a"}, "nodes": [1], "asked": [1], "luts": None}
    both = gathered({"x": one, "y": one | {"nodes": [], "luts": {"points": []}, "notes": {"prune": "b"}}})
    assert both["nodes"] == [1] and both["asked"] == [1, 1] and both["luts"] and both["notes"] == {"prune": "a b"}
    assert both["sources"] == {"nodes": ["x"], "asked": ["x", "y"], "luts": ["y"]}
    with pytest.raises(ConfigError, match="x and y both have nodes"):
        gathered({"x": one, "y": one})


def test_a_sweep_names_its_release_and_only_the_epochs_it_uses(tmp_path):
    release = releases()["v1-small"]
    data = {"path": "/far/data.h5", "rows": 9, "dataset_hash": release.dataset_hash}
    told = summarise([_pruned("magnitude", 2, 0.9) | REST | {"data": data}])["data"]
    assert told == data | {"path": "data.h5", "release": "v1-small"}
    assert summarise([_pruned("magnitude", 2, 0.9) | REST])["data"]["release"] is None
    request = tmp_path / "sweep.toml"
    request.write_text('data = "a.h5"\nepochs = 8\nquantise_epochs = 12\nseeds = [3]\n[[scan]]\nkind = "luts"\nseeds = [1, 2]\n')
    asked = Request.load(request)
    luts = _plan(asked, [{"kind": "luts", "seed": 2}, {"kind": "luts", "seed": 1}])
    assert (luts["prune_epochs"], luts["quantise_epochs"], luts["seeds"]) == (None, 12, [1, 2])
    layouts = _plan(asked, [{"kind": "layouts", "seed": None}])
    assert (layouts["prune_epochs"], layouts["quantise_epochs"], layouts["seeds"]) == (4, None, [3])


def test_what_was_not_possible_is_no_failure():
    impossible, failed = missing([
        "luts-rounded-500-s1-2a4128f9: no rounded network takes at most 500 LUTs",
        "luts-rounded-500-s2-21a0c976: no rounded network takes at most 500 LUTs",
        "luts-distilled-500-s1-9fcfff92: the network's logit is the same for all rows: there is nothing to build",
        "layouts-0a1b2c3d: not finished", "luts-hgq-500-s1-733de687: yosys is not installed",
        "runs/results/x-s1-733de687.json: damaged"])
    assert impossible == ["luts-rounded-500 (seeds 1, 2): no rounded network takes at most 500 LUTs",
                          "luts-distilled-500 (seed 1): the network's logit is the same for all rows: there is nothing to build"]
    assert failed == ["layouts: not finished", "luts-hgq-500 (seed 1): yosys is not installed", "x (seed 1): damaged"]


def test_methods_are_explained_where_they_are_met():
    empty = {"nodes": [], "features": [], "costs": [], "luts": None, "searches": []}
    assert methods(empty) == []
    found = dict(methods(empty | {"nodes": [{"label": "autopruner (fermi)"}], "features": [{"label": "l1"}],
                                  "costs": [{"points": [{"label": "iterative, 3 rounds"}]}]}))
    assert list(found) == ["autopruner", "topk", "fermi", "penalty", "l1", "iterative"]
    found = dict(methods(empty | {"nodes": [{"label": "norm, from the start"}]}))
    assert list(found) == ["norm", "from the start"]


def test_every_layer_keeps_a_node():
    points = [{"label": "full network", "layouts": ["39-64-32-16"]}]
    assert least_nodes(points) == {"layers": 3, "nodes": 112} and least_nodes([]) is None


def test_epochs_stand_with_the_methods_that_took_them():
    points = [{"label": "HGQ2", "epochs": 20.0}, {"label": "joint", "epochs": 20.0}, {"label": "rounded", "epochs": 24.0},
              {"label": "rounded", "epochs": 60.0}]
    assert epochs_of(points) == "20 for “HGQ2”, “joint”; 24 to 60 for “rounded”"


def _lut(method, seed, epochs, before, limit=500):
    return _pruned(method, epochs, 0.9, seed, False) | REST | {
        "kind": "luts", "settings": {"method": method, "luts": limit}, "epochs_total": epochs + before,
        "latency": {"clocks": 3, "ns": 15.0}, "luts": {"limit": limit, "estimated": 400.0, "synthesised": 450.0 + seed},
        "float": {"auc": 0.99, "rejection": {"0.5": 200.0, "0.6": None}}, "flavours": {"light": {"rejection": 50.0}},
        "data": {"path": "b.h5", "rows": 9, "training_rows": 5}}


def test_every_way_under_a_limit_has_its_parts():
    luts = summarise([_lut("hgq", 1, 12, 8), _lut("rounded", 1, 24, 0)])["luts"]
    assert luts["float"]["epochs"] == 8
    assert [row[1][0] for row in parts_table(luts["points"], "LUTs", str).rows] == ["HGQ2", "rounded after training"]
    assert parts_table([], "LUTs", str) is None


def test_widths_have_their_seeds():
    scan = [{"bits": bits, "auc": {"median": 0.9, "low": 0.8, "high": 0.95, "values": [0.8, 0.9, 0.95]}} for bits in (4, None)]
    assert [row[1] for row in fixed_table([{"nodes": "100%", "scan": scan}]).rows] == [
        ("100%", "4", "3", "0.9000 (0.8000–0.9500)"), ("100%", "float", "3", "0.9000 (0.8000–0.9500)")]
    assert fixed_table([]) is None


def test_the_page_says_what_is_common_and_what_not():
    plan = {"epochs": 12, "prune_epochs": 8, "quantise_epochs": None, "batch": None, "seeds": [1, 2]}
    nodes = [_pruned("none", 12, 0.95, said=False, nodes=112), _pruned("magnitude", 2, 0.9, said=False),
             _pruned("autopruner", 4, 0.9), _pruned("iterative", 4, 0.9)]
    luts = [_lut("hgq", 1, 12, 8), _lut("hgq", 1, 12, 8, 2000) | {"left": [3, 2]}, _lut("rounded", 1, 24, 0)]
    summary = gathered({"some": summarise([one | REST for one in nodes]) | {"plan": plan, "notes": {}},
                        "few": summarise(luts) | {"plan": plan | {"prune_epochs": None, "quantise_epochs": 12}, "notes": {}}})
    text = render_sweep(summary, ["luts-rounded-500-s2-2a4128f9: no rounded network takes at most 500 LUTs"])
    assert "sweeps differ in what is listed below" in text and "rows are common to all" not in text, "hashes are not known"
    assert "12 epochs, 8 more for pruning; batch" in text and "12 epochs, 12 more for learned bits; batch" in text
    assert "9 rows, 5 for training" in text and "same epochs" not in text
    assert "12 to 20" not in text and "20 for “HGQ2”; 24 for “rounded after training”; 8 for the float networks" in text
    assert "What was not possible" in text and "2a4128f9" not in text and 'class="warning"' not in text
    assert text.count("By flavour of the background") == 2
    assert "nodes on a way from an input to the logit" in text, "the first network does not tell, another one does"
    assert "25 % of the 4 nodes" in text and "iterative: epochs to the same rejection" in text
    assert "Missing: prune (seed 1): not finished." in render_sweep(summary, ["prune-s1-2a4128f9: not finished"])

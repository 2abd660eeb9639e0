"""What a sweep's report says of a search: within one standard deviation, or not."""

import pytest

from pseudoexp.errors import ConfigError
from tagger.report.sweep_plots import _apart
from tagger.report.sweep_summary import _costs, _rejections, gathered, summarise, verdict
from tagger.report.sweep_tables import costs_table, more_table, points_table, search_table


def _search(found, own=None):
    entry = {"index": 0, "rank": 2, "test": found} | ({} if own is None else {"own": own})
    candidates = [{"inputs": ["pt"], "layout": [2, 1]}] * 2
    return {"kind": "layouts", "candidates": candidates, "winners": [{"index": 1, "rank": 1, "test": [0.90, 0.92, 0.94]}],
            "found": [entry]}


@pytest.mark.parametrize(("found", "own", "within", "own_within"), [
    ([0.90, 0.91, 0.92], 0.899, True, False), ([0.88, 0.90, 0.91], 0.95, False, True), ([0.89, 0.89, 0.89], None, False, None)])
def test_verdict(found, own, within, own_within):
    told = verdict(_search(found, own))
    assert told["best"] == pytest.approx(0.92) and told["spread"] == pytest.approx(0.02)
    assert told["found"] == pytest.approx(sum(found) / 3) and told["own"] == own
    assert (told["found_within"], told["own_within"]) == (within, own_within)
    assert search_table(_search(found, own)).rows[1][1][-1] == ("–" if own is None else f"{own:.4f}")


def _pruned(method, epochs, auc, seed=1, said=True):
    settings = {"method": method, "nodes": "25%", "constraint": "topk", "rounds": 3} | ({"epochs": epochs} if said else {})
    rejection = {eps: {"rejection": 100.0 * seed, "rejection_error": 9.0 + seed} for eps in ("0.3", "0.5", "0.6")}
    rejection["0.7"] = {"rejection": None, "rejection_error": None, "rejection_above": 30.0}
    return {"kind": "prune", "seed": seed, "settings": settings, "nodes": 28, "full": {"nodes": 112}, "inputs": ["pt"],
            "layout": [4], "auc": auc, "auc_error": 0.002, "parameters": 9,
            "multiplications": 6 + seed, "rejection": rejection, "epochs": epochs, "epochs_total": epochs + 12,
            "training_seconds": 1.0, "flavours": {}, "pt_bins": [], "sculpting": {"distance": None, "noise": 0.1}}


def test_costs_name_the_fewest_epochs_to_the_same_auc():
    results = [_pruned("autopruner", 2, 0.95), _pruned("autopruner", 8, 0.98, said=False), _pruned("iterative", 2, 0.90),
               _pruned("iterative", 8, 0.95, said=False), _pruned("iterative", 24, 0.97)]
    (cost,) = _costs(results)
    equals = {point["x"]: point["equals"] for point in cost["points"] if "equals" in point}
    assert cost["nodes"] == "25%" and equals == {2: {"iterative, 3 rounds": 8}, 8: {}}
    assert [row[1][-1] for row in costs_table(cost["points"]).rows][:2] == ["iterative, 3 rounds: 8", "iterative, 3 rounds: –"]
    assert _costs([result for result in results if "epochs" not in result["settings"]]) == []


def test_errors_sizes_and_further_cuts_stand_beside_the_figures():
    (point,) = summarise([_pruned("magnitude", 2, 0.9, seed, False) | {"versions": {}, "asked": {}, "data": {"path": "a.h5"}}
                          for seed in (1, 2, 3)])["nodes"]
    assert point["0.3"]["median"] == 200.0 and point["0.7"]["limits"] == 3
    assert point["errors"] == {"auc": 0.002, "0.5": 11.0, "0.6": 11.0, "0.3": 11.0, "0.7": None}
    (row,) = more_table([point], "nodes", str).rows
    assert row[1] == ("magnitude", "0.25", "200 (100–300)", "> 30", "0.0020", "11", "11", "11", "–", "9", "8")


def test_prices_of_a_bit_tell_points_of_one_label_apart():
    quantised = [_pruned("none", 2, 0.9, said=False) | {
        "kind": "quantise", "settings": {"nodes": "100%", "beta": beta}, "quantisation": {"ebops": ebops},
        "versions": {}, "asked": {}, "data": {"path": "a.h5"}} for beta, ebops in ((1e-4, 900), (1e-5, 9000))]
    points = summarise(quantised)["frontier"]
    for table in (points_table, more_table):
        assert [row[1][0] for row in table(points, "EBOPs", str).rows] == [
            "full network, HGQ2, β = 0.0001", "full network, HGQ2, β = 1e-05"]


def test_names_on_a_logarithmic_axis_do_not_run_into_one_another():
    assert _apart([13_899, 14_457, 17_017, 62_335]) == [13_899, 62_335]
    assert _apart([3, 5, 8, 16, 24, 48]) == [3, 5, 8, 16, 24, 48] and _apart([7.0]) == [7.0] and _apart([]) == []


def _point(rejection, above=None):
    return {"rejection": rejection, "rejection_above": above}


def test_a_limit_counts_as_what_it_is():
    free = _rejections([_point(100.0), _point(300.0), _point(None, 400.0)])
    assert (free["median"], free["high"], free["limits"], free["above"]) == (300.0, 400.0, 1, False)
    assert _rejections([_point(100.0), _point(300.0), _point(None, 200.0)])["above"], "the median may be larger"
    assert _rejections([None, None]) is None


def test_figures_of_two_sweeps_are_not_mixed():
    one = {"data": {}, "versions": {}, "plan": {}, "notes": {"prune": "a"}, "nodes": [1], "asked": [1], "luts": None}
    both = gathered({"x": one, "y": one | {"nodes": [], "luts": {"points": []}, "notes": {"prune": "b"}}})
    assert both["nodes"] == [1] and both["asked"] == [1, 1] and both["luts"] and both["notes"] == {"prune": "a b"}
    assert both["sources"] == {"nodes": ["x"], "asked": ["x", "y"], "luts": ["y"]}
    with pytest.raises(ConfigError, match="x and y both have nodes"):
        gathered({"x": one, "y": one})

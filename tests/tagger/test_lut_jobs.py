"""The best network under a limit of LUTs: every way fits it, spends the same epochs, and lands in the report."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("hgq")
pytest.importorskip("da4ml")
import quantised_toy as toy

from pseudoexp.errors import ConfigError, MissingExtra
from tagger import bit_budget, lut_jobs
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.synthesis import Cells
from tagger.firmware.tools import Tool
from tagger.lut_jobs import METHODS, programs, under
from tagger.report.sweep_plots import against_time, curves
from tagger.report.sweep_summary import summarise
from tagger.report.sweep_tables import luts_table
from tagger.train import TrainConfig

PLAN = TrainConfig(epochs=3, batch=32, seed=2, patience=0)


@pytest.fixture(autouse=True)
def trusting(monkeypatch):
    """da4ml's estimate plays Yosys, five per cent above."""
    def made(network):
        return Cells(round(1.05 * AdderGraph.of(network, 0.0).estimate["luts"]), 0, 0, 0, 0, (0,) * 6)

    monkeypatch.setattr(lut_jobs, "network_cells", made)
    monkeypatch.setattr(lut_jobs, "LEARNING_RATE", 2e-2)
    monkeypatch.setattr(bit_budget, "synthesised_luts", lambda model: 1.05 * bit_budget.estimated_luts(model))


@pytest.mark.parametrize("method", [name if name == "autopruner" else pytest.param(name, marks=pytest.mark.slow)
                                    for name in METHODS])
def test_what_is_found_fits(method):
    found = under(method, 1200, toy.float_run(), toy.data(), PLAN, 12)
    luts = found["luts"]
    assert luts["estimated"] < luts["synthesised"] <= 1200 == luts["limit"]
    assert len(found["left"]) == 1 + len(found["run"].metrics["model"]["layout"]) and min(found["left"]) >= 1
    assert found["latency"]["clocks"] >= 1 and found["latency"]["ns"] == 5.0 * found["latency"]["clocks"]
    assert found["run"].metrics["weightings"]["benchmark"]["auc"] > 0.8


def test_unknown_methods_and_impossible_limits():
    with pytest.raises(ConfigError, match="method 'magic' is unknown: allowed are hgq"):
        under("magic", 500, toy.float_run(), toy.data(), PLAN, 2)
    with pytest.raises(ConfigError, match="no rounded network takes at most 1 LUTs"):
        under("rounded", 1, toy.float_run(), toy.data(), PLAN, 2)


@pytest.mark.parametrize(("method", "stages"), [("hgq", 1), ("joint", 1), ("autopruner", 2), ("distilled", 2)])
def test_what_a_network_started_from_is_told(method, stages, monkeypatch):
    """Networks behind it, the full one last: their epochs and seconds are part of what it took."""
    base = toy.float_run()
    first, last = replace(base), replace(base, metrics=base.metrics | {"quantisation": {"luts": {}}})
    monkeypatch.setattr(lut_jobs, "prune", lambda *_: first)
    monkeypatch.setattr(lut_jobs, "distil", lambda *_: first)
    monkeypatch.setattr("tagger.quantise.quantised_run", lambda *_, **__: last)
    monkeypatch.setattr("tagger.joint.joint_run", lambda *_, **__: last)
    monkeypatch.setattr(lut_jobs.FixedNetwork, "from_keras", lambda *_: SimpleNamespace(left=[3, 2]))
    monkeypatch.setattr(lut_jobs, "latency", lambda _: {})
    found = under(method, 1200, base, toy.data(), PLAN, 12)
    assert found["run"] is last and found["left"] == [3, 2]
    assert [id(run) for run in found["before"]] == [id(first), id(base)][-stages:]


def test_rounded_networks_cost_what_all_layouts_did(monkeypatch):
    trained = []

    def train(data, plan):
        trained.append(plan.hidden)
        run = toy.float_run()
        return replace(run, config=run.config | {"training": {"epochs": plan.epochs - len(trained) + 1, "seconds": 0.0}})

    monkeypatch.setattr(lut_jobs, "train", train)
    monkeypatch.setattr(lut_jobs, "LAYOUTS", ((12, 6), (8, 4), (4, 2)))
    monkeypatch.setattr(lut_jobs, "WIDTHS", (6,))
    found = under("rounded", 1e5, toy.float_run(), toy.data(), PLAN, 12)
    cost = found["run"].config["training"]
    assert found["left"] == [8, *found["run"].metrics["model"]["layout"]], "six bits leave every node of so small a network"
    network, test = lut_jobs.rounded(found["run"].model, toy.data().train.x, 6), toy.data().test
    for name, told in lut_jobs.figures(network.logits(test.x), test).items():
        assert found["run"].metrics[name] == told, "as rounded, not as trained"
    assert len(trained) == 3 and cost["epochs"] == 12 + 11 + 10 and cost["seconds"] > 0.0 and found["before"] == []


def test_versions_of_the_programs_behind_a_network(monkeypatch):
    def missing():
        raise MissingExtra("yosys", "synthesis")

    monkeypatch.setattr(lut_jobs, "yosys", missing)
    assert {"da4ml", "hgq2", "tensorflow"} <= set(programs("hgq")) and "hgq2" not in programs("rounded")
    monkeypatch.setattr(lut_jobs, "yosys", lambda: Tool("yosys", ("/no/such/yosys",)))
    assert "yosys" not in programs("hgq")
    monkeypatch.setattr(lut_jobs, "yosys", lambda: Tool("yosys", ("echo", "Yosys 0.1")))
    assert programs("hgq")["yosys"].startswith("Yosys 0.1")
    monkeypatch.setattr(lut_jobs, "yosys", lambda: Tool("yosys", (sys.executable, "-c", "1 / 0")))
    assert programs("hgq").get("yosys") is None, "the wheel tells its version without being run"


def results():
    """Two methods, two limits, two seeds."""
    return [{"kind": "luts", "seed": seed, "settings": {"method": method, "luts": limit}, "auc": 0.9 + 1e-5 * limit,
             "rejection": {"0.5": {"rejection": 100.0 + seed}, "0.6": {"rejection": None}}, "epochs_total": 9, "epochs": 6,
             "auc_error": 0.001, "parameters": 9, "multiplications": 8,
             "flavours": {}, "pt_bins": [], "sculpting": {"distance": None, "noise": None},
             "training_seconds": 2.0, "inputs": ["a"], "layout": [3], "asked": {}, "data": {"path": "x.h5", "rows": 9},
             "versions": {"keras": "3", "backend": "tf"}, "latency": {"clocks": 4, "ns": 20.0},
             "luts": {"limit": limit, "estimated": limit - 90.0, "synthesised": limit - 50.0 - seed},
             "float": {"auc": 0.99, "rejection": {"0.5": 200.0, "0.6": None}}}
            | ({"left": [1, 3 - seed]} if method == "hgq" else {})
            for method in ("hgq", "rounded") for limit in (500, 2000) for seed in (1, 2)]


def test_the_report_keeps_estimates_apart():
    summary = json.loads(json.dumps(summarise(results())))["luts"]
    assert [(p["label"], p["limit"], p["x"], p["estimated"]) for p in summary["points"]] == [
        ("HGQ2", 500.0, 448.5, 410.0), ("HGQ2", 2000.0, 1948.5, 1910.0),
        ("rounded after training", 500.0, 448.5, 410.0), ("rounded after training", 2000.0, 1948.5, 1910.0)]
    assert summary["float"]["0.5"]["median"] == 200.0 and summary["float"]["0.6"] is None
    table = luts_table(summary)
    assert table.heads[2:4] == ("estimated, da4ml", "synthesised, Yosys") and len(table.rows) == 4
    assert [row[1][-1] for row in table.rows] == 2 * ["1\N{NON-BREAKING HYPHEN}2, 1\N{NON-BREAKING HYPHEN}1"] + 2 * ["–"]
    without = {"points": [{key: value for key, value in point.items() if key != "left"} for point in summary["points"]]}
    assert "left" in table.heads[-1] and luts_table(without).heads == table.heads[:-1]
    assert curves(summary["points"], "LUTs", reference=summary["float"]).startswith("data:")
    assert against_time(summary["points"]).startswith("data:")
    assert summarise([results()[0] | {"kind": "distil", "nodes": 3, "settings": {"share": 0, "nodes": "none"}}])["luts"] is None

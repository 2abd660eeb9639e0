"""The page: self-contained, complete, from run folders alone."""

import base64
import json
import re
import shutil

import numpy as np
import pytest

from pseudoexp.errors import ConfigError, DataError, SchemaError
from tagger.cli import main
from tagger.report import tables
from tagger.report.page import load_runs, write_report
from tagger.runs import Run

CHECK = {"backend": "hls4ml", "part": "xcvu13p-flga2577-2-e", "clock_ns": 5, "reuse": 1, "rows_compared": 590, "mismatches": 0,
         "max_abs_diff": 0.0, "auc_keras": 0.97, "auc_firmware": 0.97, "compile_seconds": 6.1}


@pytest.fixture
def folders(small_folder, tmp_path):
    """Two runs; the second one is exported and says what was asked of it."""
    first, second = (shutil.copytree(small_folder, tmp_path / name) for name in ("base", "half"))
    config = json.loads((second / "config.json").read_text())
    config |= {"command": "prune", "asked": {"nodes": 24, "features": 12, "method": "autopruner"}}
    (second / "config.json").write_text(json.dumps(config))
    (second / "firmware.json").write_text(json.dumps(CHECK))
    for folder in (first, second):  # few panels: drawing takes most of the time
        shapes = json.loads((folder / "histograms.json").read_text())
        shapes["inputs"] = {name: shapes["inputs"][name] for name in ("mass", "vr1_jf_nvtx")}
        (folder / "histograms.json").write_text(json.dumps(shapes))
    return [first, second]


@pytest.fixture
def page(folders, tmp_path):
    return write_report(folders, tmp_path / "report.html").read_text()


def test_all_inputs_are_drawn(small_run):
    from tagger.report import plots

    picture = base64.b64decode(plots.inputs(small_run.histograms["inputs"], small_run.inputs).split(",")[1]).decode()
    assert picture.count('id="axes_') == 39
    assert {plots.SIGNAL, plots.BACKGROUND} <= set(re.findall(r"#[0-9a-f]{6}", picture))


def test_it_needs_nothing_else(page):
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) > 15
    assert all(a.startswith(("#", "data:image/svg+xml;base64,")) for a in addresses)
    assert "@import" not in page
    assert "<script" not in page


def test_every_section_is_there(page):
    for anchor in ("performance", "size", "firmware", "scores", "inputs", "flavours", "pt", "mass", "training", "provenance"):
        assert f'<section id="{anchor}">' in page
    assert set(re.findall(r'href="#(\w+)"', page)) == set(re.findall(r'<section id="(\w+)"', page))
    assert "bit-exact" in page
    assert "rank correlation" in page and "vr1_ip3d_*" in page
    assert len(re.findall(r'alt="[^"]{20,}"', page)) == page.count("<img")


def test_size_says_asked_and_kept(folders):
    table = tables.size(load_runs(folders))
    cells = dict(zip(table.heads, table.rows[1][1], strict=True))
    assert cells["made by"] == "prune (autopruner)"
    assert (cells["nodes asked"], cells["nodes kept"]) == ("24", "24")
    assert (cells["features asked"], cells["features kept"]) == ("12", "39")
    assert cells["layout"] == "39 – 16 – 8 – 1"


def test_a_budget_shared_by_features_and_nodes_says_so(folders):
    metrics, config = (json.loads((folders[1] / name).read_text()) for name in ("metrics.json", "config.json"))
    asked = {"budget": 20, "spans": {"inputs": 39, "hidden_2": 8}}
    metrics["resize"] = {"asked": asked, "kept": {"budget": 20, "spans": {"inputs": 15, "hidden_2": 5}}}
    (folders[1] / "metrics.json").write_text(json.dumps(metrics))
    (folders[1] / "config.json").write_text(json.dumps(config | {"asked": asked}))
    runs = load_runs(folders)
    size, budgets = tables.size(runs), tables.budgets(runs)
    cells = dict(zip(size.heads, size.rows[1][1], strict=True))
    assert cells["features asked"] == cells["nodes asked"] == "20 shared"
    assert budgets.heads == ("run", "asked for", "kept", "inputs", "hidden_2")
    assert budgets.rows == ((1, ("half", "20", "20", "15 of 39", "5 of 8")),)
    assert tables.budgets(runs[:1]) is None


@pytest.mark.parametrize(("column", "best"), [
    ([(0.98, 0.001), (0.95, 0.001)], [0]), ([(0.98, 0.001), (0.9795, 0.001), (0.95, 0.001)], [0, 1]),
    ([(300.0, 200.0), (150.0, 60.0)], []), ([(0.98, 0.001)], [])])
def test_only_differences_beyond_the_error_are_stressed(column, best):
    assert tables._best(column) == best


def test_performance_shows_the_metrics(folders, small_run):
    table = tables.performance(load_runs(folders), "benchmark")
    figures = small_run.metrics["weightings"]["benchmark"]
    assert float(table.rows[0][1][1].split(" ± ")[0]) == pytest.approx(figures["auc"], abs=1e-4)
    assert float(table.rows[0][1][5].split(" ± ")[0]) == pytest.approx(figures["rejection"]["0.7"]["rejection"], rel=0.05)


@pytest.mark.parametrize(("value", "error", "text"), [
    (153.4, 12.3, "153 ± 12"), (0.98123, 0.00134, "0.9812 ± 0.0013"), (56.71, 8.3, "56.7 ± 8.3"), (None, None, "–")])
def test_digits_follow_the_error(value, error, text):
    assert tables.measured(value, error) == text


def test_limits():
    assert tables.rejection({"rejection": None, "rejection_above": 1001.7}) == "> 1000"
    assert tables.rejection({"rejection": None, "rejection_above": 6.67}) == "> 6.7"
    assert tables.rejection(None) == "–"


def test_differing_firmware_is_called_so(folders, tmp_path):
    (folders[1] / "firmware.json").write_text(json.dumps(CHECK | {"mismatches": 3}))
    page = write_report(folders, tmp_path / "r.html").read_text()
    assert "differs" in page
    assert "bit-exact" not in page


def test_names_are_escaped(folders, tmp_path):
    odd = folders[0].rename(tmp_path / "<b>odd")
    page = write_report([odd], tmp_path / "r.html").read_text()
    assert "<b>odd" not in page
    assert "&lt;b&gt;odd" in page


def test_a_run_without_extras_is_reported_on(folders, tmp_path):
    for name in ("scores.npz", "histograms.json", "history.csv"):
        (folders[0] / name).unlink()
    page = write_report(folders[:1], tmp_path / "r.html").read_text()
    assert '<section id="performance">' in page
    assert '<section id="scores">' not in page


def test_a_rare_background_is_reported_on(small_run, tmp_path):
    """Nothing passes anywhere: limits in the tables, few things to draw."""
    metrics = json.loads(json.dumps(small_run.metrics))
    for weighting in metrics["weightings"].values():
        for point in weighting["rejection"].values():
            point |= {"rejection": None, "rejection_error": None, "background_error": None, "rejection_above": 120.0}
    histograms = small_run.histograms | {"inputs": {}}
    n = len(histograms["roc"]["signal"])
    histograms["roc"] = {"signal": histograms["roc"]["signal"], "background": [0.0] * n, "error": [None] * n}
    folder = Run(small_run.model, small_run.inputs, small_run.config, metrics, small_run.history, scores=small_run.scores,
                 histograms=histograms).save(tmp_path / "rare")
    assert "&gt; 120" in write_report([folder], tmp_path / "r.html").read_text()
    metrics["pt_bins"] = [{"low": entry["low"], "high": entry["high"]} for entry in metrics["pt_bins"]]  # too few rows in any
    Run(small_run.model, small_run.inputs, small_run.config, metrics, small_run.history).save(tmp_path / "few")
    assert "<html" in write_report([tmp_path / "few"], tmp_path / "few.html").read_text()


def test_refusals(folders, tmp_path):
    with pytest.raises(SchemaError, match="no such run folder"):
        write_report([tmp_path / "nothing"], tmp_path / "r.html")
    with pytest.raises(DataError, match="base"):
        write_report([folders[0], folders[0]], tmp_path / "r.html")
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        write_report(folders, tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text() == "mine"
    (tmp_path / "fw").mkdir()
    (tmp_path / "fw" / "firmware.json").write_text(json.dumps(CHECK))
    with pytest.raises(DataError, match="at least one"):
        write_report([tmp_path / "fw"], tmp_path / "q.html")
    (folders[0] / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match=r"metrics\.json"):
        load_runs(folders)


def test_a_damaged_folder_is_named_and_left_out(folders, tmp_path, capsys):
    (folders[0] / "metrics.json").write_text("{")
    assert main(["report", *map(str, folders), "--out", str(tmp_path / "r.html")]) == 0
    assert "left out" in capsys.readouterr().err
    assert "Left out" in (tmp_path / "r.html").read_text()
    assert main(["report", str(folders[0]), "--out", str(tmp_path / "q.html")]) == 2
    assert not (tmp_path / "q.html").exists()


def test_inputs_are_ordered_by_importance(folders):
    runs = load_runs(folders)
    order = tables.importance_order(runs)
    weight = runs[0].histograms["importance"]
    assert np.all(np.diff([weight[name] for name in order]) <= 0)
    assert set(order) == set(runs[0].inputs)

"""Sweeps: nothing done twice, killed and damaged ones go on."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError, SchemaError
from tagger import sweep_jobs
from tagger.cli import main
from tagger.cli.sweep import resident
from tagger.report.sweep_points import label
from tagger.sweep import FAILED, load_results, locked, read_result
from tagger.sweep_forms import COMMON, FORMS, misfit
from tagger.sweep_jobs import Workbench
from tagger.sweep_request import GRID, LATER, METHODS, Job, Request, jobs_of

PRUNE = '[[scan]]\nkind = "prune"\n'
HEAD = 'data = "mock.h5"\nseeds = [1, 2]\nhidden = [6, 4]\nepochs = 2\nbatch = 256\n'
KINDS = """
[[scan]]
kind = "prune"
method = ["none", "magnitude", "norm"]
nodes = 5
[[scan]]
kind = "select"
features = [3]
method = ["magnitude"]
[[scan]]
kind = "fixed"
[[scan]]
kind = "distil"
hidden = [3, 2]
[[scan]]
kind = "features"
inputs = ["pt", "mass", "vr1_ip3d_bu"]
features = 2
hidden = [3, 2]
[[scan]]
kind = "prune"
nodes = 5
method = ["autopruner", "magnitude"]
epochs = 3
[[scan]]
kind = "prune"
nodes = 999
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    mock_file(folder / "mock.h5", 1500)
    return folder


def _request(folder, scans, head=HEAD):
    path = folder / "sweep.toml"
    path.write_text(head + scans)
    return path


def test_all_kinds_are_done_once_and_reported(folder, capsys):
    path, out = folder / "all.toml", folder / "all"
    path.write_text(HEAD.replace("[1, 2]", "[1]") + KINDS)
    assert main(["sweep", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "finished    9 jobs, 0 were there, 1 failed" in said.out and "allowed are 2 to 10" in said.err
    results, troubles = load_results(out)
    assert len(results) == 9 and len(troubles) == 1 and "allowed are 2 to 10" in troubles[0]
    (out / FAILED).write_text("no JSON")
    assert load_results(out)[1][0].endswith("not finished")
    pruned = next(result for result in results if result["kind"] == "prune" and result["settings"]["method"] == "magnitude"
                  and "epochs" not in result["settings"])
    assert pruned["nodes"] == 5 == pruned["kept"]["budget"] and pruned["epochs_total"] == pruned["epochs"] + 2 == 4
    damaged = sorted((out / "results").iterdir())[:2]
    for file, text in zip(damaged, ("{", '{"kind": "prune", "settings": {}}'), strict=True):
        file.write_text(text)
        with pytest.raises(SchemaError):
            read_result(file)
    assert len(load_results(out)[0]) == 7
    request = (out / "sweep.toml").read_text()
    refused = folder / "refused.toml"
    refused.write_text("learning_rate = 3\n" + path.read_text())
    assert main(["sweep", str(refused), "--out", str(out)]) == 2
    assert (out / "sweep.toml").read_text() == request
    assert main(["sweep", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert said.count("it is made again") == 2 and "finished    2 jobs, 7 were there, 1 failed" in said
    page = folder / "page.html"
    assert main(["report", str(out), "--out", str(page)]) == 0
    assert "allowed are 2 to 10" in capsys.readouterr().err
    text, numbers = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    assert text.count("<section") == 8 and "5 of 5 runs" in text
    assert {point["label"] for point in numbers["nodes"]} == {"full network", "magnitude", "norm"}
    pruned = numbers["nodes"][1]
    assert pruned["errors"]["auc"] > 0.0 and pruned["parameters"] > pruned["multiplications"]
    assert "errors of the test rows, sizes" in text
    (cost,) = numbers["costs"]
    places = {(point["label"], point["x"]) for point in cost["points"]}
    assert places == {("autopruner", 5), ("magnitude", 4), ("magnitude", 5), ("norm", 4)}, "those of the full network count too"
    (search,) = numbers["searches"]
    assert search["verdict"]["own"] == search["found"][0]["own"] > 0 and search["cost"]["found_epochs"] == 2
    assert "standard deviation" in text
    assert main(["report", str(out), "--out", str(page)]) == 2


def test_sweeps_share_a_page(folder, capsys, monkeypatch):
    monkeypatch.setattr(sweep_jobs, "step_costs", partial(sweep_jobs.step_costs, rounds=3))
    mock_file(folder / "other.h5", 1200, seed=5)
    head = HEAD.replace("[1, 2]", "[1]")
    (folder / "nodes.toml").write_text(head + '[[scan]]\nkind = "prune"\nmethod = ["none", "random"]\nnodes = 5\n')
    (folder / "looks.toml").write_text(head + 'others = ["other.h5"]\n[notes]\nsteps = "Why <so> slow."\n'
                                       '[[scan]]\nkind = "robustness"\nfeatures = ["all", 3]\n'
                                       '[[scan]]\nkind = "robustness"\nnodes = 5\n[[scan]]\nkind = "steps"\nbatch = 64\n')
    for name in ("nodes", "looks"):
        assert main(["sweep", str(folder / f"{name}.toml"), "--out", str(folder / name), "--quiet"]) == 0
    page = folder / "both.html"
    assert main(["report", str(folder / "nodes"), str(folder / "looks"), "--out", str(page)]) == 0
    numbers, text = json.loads(page.with_suffix(".json").read_text()), page.read_text()
    assert numbers["sources"]["nodes"] == ["nodes"] and numbers["sources"]["robustness"] == ["looks"]
    networks = ("all features", "3 features", "all features, 5 of the nodes")
    assert [(e["label"], e["sample"]) for e in numbers["robustness"]] == [
        (name, sample) for name in networks for sample in ("nominal", "other")]
    on_other = numbers["robustness"][1]
    assert on_other["facts"]["path"] == "other.h5" and 0.0 < on_other["signal"]["0.5"]["median"] < 1.0
    assert [network["inputs"] for network in numbers["networks"]] == [39.0, 3.0, 39.0]
    assert numbers["nodes"][0]["flavours"]["light"]["median"] > 1.0 and len(numbers["nodes"][0]["pt_bins"]) == 5
    assert min(numbers["steps"][0]["seconds"].values()) > 0.0
    assert "Why &lt;so&gt; slow." in text and text.count("<section") == 5
    capsys.readouterr()
    assert main(["report", str(folder / "nodes"), str(folder / "nodes"), "--out", str(page), "--force"]) == 2
    assert "stand twice" in capsys.readouterr().err


def _network():
    """What a result tells of a network."""
    point = {"rejection": 20.0}
    return {"kind": "prune", "seed": 1, "settings": {key: values[0] for key, values in GRID["prune"].items()}, "asked": {},
            "kept": {}, "inputs": ["pt"], "layout": [4], "nodes": 4, "auc": 0.9, "auc_error": 0.01,
            "rejection": dict.fromkeys(("0.3", "0.5", "0.6", "0.7"), point),
            "parameters": 13, "multiplications": 9, "flavours": {}, "pt_bins": [], "sculpting": {"distance": None, "noise": None},
            "epochs": 2, "epochs_total": 4, "training_seconds": 1.5, "versions": {"keras": "3", "backend": "tensorflow"},
            "data": {"path": "a.h5", "rows": 9}}


@pytest.mark.parametrize(("change", "said"), [
    *(({key: None}, rf"\({key} is missing") for key in _network()), ({"kind": "melt"}, "kind"),
    ({"settings": {}}, r"settings\.method"), ({"rejection": {"0.3": {}}}, r"rejection\.0\.3\.rejection"),
    ({"layout": ["a"]}, r"layout\[0\]"), ({"data": {"rows": 9}}, r"data\.path"), ({"auc": float("nan")}, "damaged")])
def test_results_hold_what_the_report_reads(change, said, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(json.dumps(_network()))
    assert read_result(file) == _network()
    file.write_text(json.dumps(_network() | change))
    with pytest.raises(SchemaError, match=said):
        read_result(file)


@pytest.mark.parametrize("kind", ["prune", "quantise"])
def test_results_name_what_came_later_only_where_it_is_not_usual(kind, tmp_path):
    settings = {key: values[0] for key, values in GRID[kind].items() if key not in LATER}
    assert len(settings) < len(GRID[kind])
    result = _network() | {"kind": kind, "settings": settings, "quantisation": {"ebops": 9}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    assert read_result(tmp_path / "result.json") == result


@pytest.mark.parametrize("text", ["[]", "7", 5000 * "[", "null"])
def test_results_and_lists_of_jobs_that_are_something_else(text, tmp_path):
    (tmp_path / "jobs.json").write_text(text if text != "[]" else "[3]")
    with pytest.raises(SchemaError, match="not the folder of a sweep"):
        load_results(tmp_path)
    with pytest.raises(SchemaError):
        read_result(tmp_path / "jobs.json")


def test_every_kind_has_a_form():
    assert set(FORMS) == set(GRID)
    assert misfit([], COMMON) == "everything" and misfit([1, "a"], [int]) == "[1]"
    assert misfit({"a": 1, "b": 2}, {"a": int}) is None


@pytest.fixture(scope="module")
def trained(folder):
    """A sweep's request, and the full network of its first seed."""
    request = Request.load(_request(folder, PRUNE))
    return request, Workbench(request, folder / "bench", print).base(1)


def _lost(path):
    (path / "config.json").unlink()


def _emptied(path):
    (path / "metrics.json").write_text("{}")


def _without_costs(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({key: value for key, value in config.items() if key != "training"}))


def _replaced(path):
    shutil.rmtree(path)
    path.write_text("mine")


@pytest.mark.parametrize("damage", [_lost, _emptied, _without_costs, _replaced])
def test_a_damaged_full_network_is_made_again_once(damage, trained, tmp_path, monkeypatch):
    request, run = trained
    path, made, said = tmp_path / "base" / run.path.name, [], []
    shutil.copytree(run.path, path)

    def train(*_):
        made.append(1)
        return replace(run)

    monkeypatch.setattr(sweep_jobs, "train", train)
    bench = Workbench(request, tmp_path, said.append)
    bench.base(1)
    assert not made and not said
    for times in (1, 2):
        damage(path)
        for _ in range(2):
            assert bench.base(1).metrics == run.metrics
        assert len(made) == len(said) == times and str(path) in said[-1] and said[-1].count("\n") == 0
        assert f"kept as {path.name}.damaged{times} and made again" in said[-1]
    assert len(list(path.parent.iterdir())) == 3


def test_costs_are_those_of_all_trainings(trained, folder, monkeypatch):
    """The full network, its pruning and what comes behind them; a full network alone is counted once."""
    pytest.importorskip("hgq")
    request, run = trained
    bench = Workbench(request, folder / "bench", print)
    full, pruned, quantised = run.config["training"], {"epochs": 3, "seconds": 2.0}, {"epochs": 7, "seconds": 4.0}
    summary = {"ebops": 9, "auc": 0.9, "float_auc": 0.9, "epoch": 1, "within_tolerance": True, "left": [3, 2, 1]}

    def made(cost):
        return replace(run, config=run.config | {"training": cost, "asked": {}}, metrics=run.metrics | {"quantisation": summary})

    monkeypatch.setattr(sweep_jobs, "prune", lambda *_: made(pruned))
    monkeypatch.setattr("tagger.quantise.quantised_run", lambda *_: made(quantised))
    for kind, nodes, parts in (
        ("prune", "50%", (full, pruned)), ("fixed", "100%", (full,)), ("fixed", "50%", (full, pruned)),
        ("quantise", "100%", (full, quantised)), ("quantise", "50%", (full, pruned, quantised))):
        settings = {key: values[0] for key, values in GRID[kind].items() if key != "epochs"} | {"nodes": nodes}
        result = bench.do(Job(kind, 1, settings, "name"))
        assert result["epochs_total"] == sum(part["epochs"] for part in parts), (kind, nodes)
        assert result["training_seconds"] == pytest.approx(sum(part["seconds"] for part in parts))
        assert ("hgq2" in result["versions"]) == ("left" in result) == (kind == "quantise") and result["methods"] == METHODS


def test_a_pruning_from_the_start_costs_its_own_epochs_alone(trained, folder, monkeypatch):
    """All epochs of a full network unless it says how many; its share is of that network's nodes."""
    request, run = trained
    asked = []

    def made(parent, data, nodes, options, plan):
        asked.append((parent, plan.epochs))
        return replace(run, config=run.config | {"training": {"epochs": plan.epochs, "seconds": 2.0}, "asked": {}})

    monkeypatch.setattr(sweep_jobs, "prune", made)
    bench = Workbench(request, folder / "none", print)
    usual = {key: values[0] for key, values in GRID["prune"].items() if key != "epochs"} | {"untrained": True}
    for epochs in ({}, {"epochs": 7}):
        result = bench.do(Job("prune", 1, usual | epochs, "name"))
        assert result["epochs_total"] == result["epochs"] == asked[-1][1] and asked[-1][0] is None
        assert result["training_seconds"] == 2.0 and result["full"]["nodes"] == run.metrics["model"]["nodes"]
        assert not (folder / "none").exists(), "no full network is trained for it"
        assert label(result) == "autopruner, from the start"
    assert [epochs for _, epochs in asked] == [request.common["epochs"], 7]


@pytest.mark.parametrize(("kind", "settings", "epochs"), [
    ("layouts", {"hidden": [3, 2], "nodes": 3}, 4),
    ("features", {"hidden": [3, 2], "features": 2, "inputs": ["pt", "mass", "eta"]}, 2)])
def test_a_search_has_the_epochs_of_what_it_is_held_against(kind, settings, epochs, trained, folder, monkeypatch):
    """A layout found by pruning a trained network has the epochs of both."""
    spent, searched = {1: 0, 2: 0}, []

    def spend(plan):
        spent[plan.seed] += plan.epochs

    def search(data, candidates, found, seeds, plan):
        searched.append(plan.epochs)
        return {"winners": [{"test": [0.9]}], "found": [{"rank": 1, "test": [0.9]} for _ in found]}

    request, _ = trained
    bench = Workbench(replace(request, common=request.common | {"prune_epochs": 2}), folder / "bench", print)
    monkeypatch.setattr(sweep_jobs, "retrain", lambda model, data, plan: (model, spend(plan)))
    kept = {"spans": dict(zip("ab", settings["hidden"], strict=True))}
    resized = SimpleNamespace(model=None, data=bench.data.select(["pt", "mass"]), kept=kept)
    monkeypatch.setattr(sweep_jobs, "resize", lambda *given, **_: (spend(given[4]), resized)[1])
    monkeypatch.setattr(sweep_jobs, "logits", lambda *_: bench.data.test.pt)
    monkeypatch.setattr(sweep_jobs, "search", search)
    cost = bench.do(Job(kind, None, settings, "name"))["search"]["cost"]
    assert searched == [epochs] and set(spent.values()) == {epochs} and cost["epochs"] == cost["found_epochs"] == epochs


def test_the_tolerance_of_a_scan_is_that_of_the_quantisation(trained, folder, monkeypatch):
    """Without the key it is the usual one, that of the command line and of the grid."""
    quantise = pytest.importorskip("tagger.quantise")
    request, _ = trained
    asked = []

    def quantised(parent, data, options):
        asked.append(options.tolerance)
        raise ConfigError("enough")

    monkeypatch.setattr(quantise, "quantised_run", quantised)
    bench = Workbench(request, folder / "bench", print)
    usual = {key: values[0] for key, values in GRID["quantise"].items()}
    for settings in ({"beta": 3e-5, "nodes": "100%"}, usual, usual | {"tolerance": 0.05}):
        with pytest.raises(ConfigError, match="enough"):
            bench.do(Job("quantise", 1, settings, "name"))
    assert asked == [0.0015, 0.0015, 0.05] and usual["tolerance"] == quantise.QuantiseOptions.tolerance


def test_a_killed_sweep_goes_on(folder):
    def heed_interruptions():
        """Undo what a shell does for programs in the background."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    path, out = folder / "killed.toml", folder / "killed"
    scan = '[[scan]]\nkind = "select"\nmethod = ["random"]\nfeatures = [2, 3, 4, 5, 6, 7, 8, 9, 10]\n'
    path.write_text(HEAD.replace("[1, 2]", "[1]") + scan)
    names = {job.name for job in jobs_of(Request.load(path))}
    for signals in (signal.SIGKILL, signal.SIGINT):
        words = [sys.executable, "-m", "tagger", "sweep", str(path), "--out", str(out)]
        before = len(list(out.glob("results/*.json")))
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=Path(__file__).parents[2], preexec_fn=heed_interruptions)
        while len(list(out.glob("results/*.json"))) < before + 2 and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signals)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "goes on from" in said and said.strip().count("\n") == 0
    stamps = {file.name: file.stat().st_mtime_ns for file in out.glob("results/*.json")}
    assert 4 <= len(stamps) < 9
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == 0
    files = {file.stem: file for file in out.glob("results/*.json")}
    assert set(files) == names
    assert all(files[name.removesuffix(".json")].stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    assert all(len(json.loads(file.read_text())["inputs"]) == json.loads(file.read_text())["settings"]["features"]
               for file in files.values())


def test_a_process_that_grows_hands_over_to_a_fresh_one(folder, monkeypatch, capsys):
    assert resident() > 10**7
    path = folder / "grows.toml"
    scan = '[[scan]]\nkind = "prune"\nmethod = ["none", "magnitude", "norm"]\nnodes = 5\n'
    path.write_text(HEAD.replace("[1, 2]", "[1]") + scan)
    begun = []

    def fresh(program, words):
        begun.append(words[2:])
        if len(begun) > 4:
            raise RecursionError
        assert main(words[3:]) == 0

    monkeypatch.setattr("os.execv", fresh)
    monkeypatch.setattr("tagger.cli.sweep.MOST_RESIDENT", 0)
    assert main(["sweep", str(path), "--out", str(folder / "grown")]) == 0
    assert begun == 2 * [["tagger", "sweep", str(path), "--out", str(folder / "grown")]]
    assert "finished    1 jobs, 2 were there, 0 failed" in capsys.readouterr().out


def test_two_sweeps_do_not_share_a_folder(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="not the folder of a sweep"), locked(tmp_path):
        pass
    with locked(tmp_path / "out"):
        (tmp_path / "out" / "sweep.toml").write_text("")
        with pytest.raises(ConfigError, match="another sweep"), locked(tmp_path / "out"):
            pass

"""Sweeps: what a request means, nothing done twice, killed and damaged ones go on."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError, SchemaError
from tagger.cli import main
from tagger.sweep import FAILED, Request, jobs_of, load_results, locked, read_result

HEAD = 'data = "mock.h5"\nseeds = [1, 2]\nhidden = [6, 4]\nepochs = 2\nbatch = 256\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    mock_file(folder / "mock.h5", 1500)
    return folder


def _request(folder, scans, head=HEAD):
    path = folder / "sweep.toml"
    path.write_text(head + scans)
    return path


def test_a_request_is_a_grid(folder):
    scans = ('[[scan]]\nkind = "prune"\nmethod = ["none", "autopruner", "random"]\nnodes = ["50%", 4]\n'
             'constraint = ["fermi", "topk"]\n')
    jobs = jobs_of(Request.load(_request(folder, scans)))
    assert len(jobs) == 2 * (1 + 2 * 2 + 2), "the full network once, constraints of autopruner alone"
    assert len({job.name for job in jobs}) == len(jobs)
    again = jobs_of(Request.load(_request(folder, scans, HEAD.replace("[1, 2]", "[2]"))))
    assert {job.name for job in again} < {job.name for job in jobs}
    other = jobs_of(Request.load(_request(folder, scans, HEAD.replace("epochs = 2", "epochs = 3"))))
    assert not {job.name for job in other} & {job.name for job in jobs}
    third = jobs_of(Request.load(_request(folder, scans, HEAD + "quantise_epochs = 3\n")))
    assert {job.name for job in third} == {job.name for job in jobs}
    more = jobs_of(Request.load(_request(folder, scans.replace('nodes', 'seeds = [2, 3, 4]\nnodes'))))
    assert {job.seed for job in more} == {2, 3, 4} and {job.name for job in again} < {job.name for job in more}
    longer = jobs_of(Request.load(_request(folder, scans.replace('nodes', 'epochs = [0, 4]\nnodes'))))
    assert {job.name for job in jobs} < {job.name for job in longer} and len(longer) == 2 * (1 + 2 * (2 * 2 + 2))
    search = jobs_of(Request.load(_request(folder, '[[scan]]\nkind = "layouts"\nhidden = [4, 4]\nnodes = 3\n')))
    assert [job.seed for job in search] == [None] and search[0].settings["hidden"] == [4, 4]


@pytest.mark.parametrize(("text", "said"), [
    (HEAD, "at least one"), (HEAD + '[[scan]]\nkind = "melt"\n', "prune, select"), ("x = 1\n" + HEAD, "'x' is unknown"),
    (HEAD + '[[scan]]\nkind = "prune"\ncolour = 1\n', "'colour' is unknown"), ("seeds = [1]\n", "data = "), ("{", "not TOML"),
    (HEAD.replace("[1, 2]", '["a"]') + '[[scan]]\nkind = "prune"\n', "whole numbers"),
    (HEAD + '[[scan]]\nkind = "prune"\nseeds = 3\n', "whole numbers"),
    (HEAD + '[[scan]]\nkind = "layouts"\nseeds = [3]\n', "'seeds' is unknown"),
    (HEAD + '[[scan]]\nkind = "layouts"\nhidden = 4\n', "values like"),
    (HEAD + '[[scan]]\nkind = "prune"\nnodes = []\n', "values like"),
    (HEAD.replace("epochs = 2", "epochs = 0") + '[[scan]]\nkind = "prune"\n', "epochs 0"),
    ('others = "a.h5"\n' + HEAD + '[[scan]]\nkind = "prune"\n', "a list of files"),
    (HEAD + '[notes]\nwhy = "so"\n[[scan]]\nkind = "prune"\n', "text by kind of scan"),
    ("rows = 3\n" + HEAD + '[[scan]]\nkind = "prune"\n', "at least 100")])
def test_mistakes_take_one_line(text, said, folder, capsys):
    path = folder / "wrong.toml"
    path.write_text(text)
    assert main(["sweep", str(path), "--out", str(folder / "never")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_all_kinds_are_done_once_and_reported(folder, capsys):
    path, out = folder / "all.toml", folder / "all"
    path.write_text(HEAD.replace("[1, 2]", "[1]") + """
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
""")
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
    damaged = min((out / "results").iterdir())
    damaged.write_text("{")
    with pytest.raises(SchemaError):
        read_result(damaged)
    assert main(["sweep", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "it is made again" in said and "finished    1 jobs, 8 were there, 1 failed" in said
    page = folder / "page.html"
    assert main(["report", str(out), "--out", str(page)]) == 0
    assert "allowed are 2 to 10" in capsys.readouterr().err
    text, numbers = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    assert text.count("<section") == 7 and "5 of 5 runs" in text
    assert {point["label"] for point in numbers["nodes"]} == {"full network", "magnitude", "norm"}
    (cost,) = numbers["costs"]
    places = {(point["label"], point["x"]) for point in cost["points"]}
    assert places == {("autopruner", 3), ("magnitude", 2), ("magnitude", 3), ("norm", 2)}
    (search,) = numbers["searches"]
    assert search["verdict"]["own"] == search["found"][0]["own"] > 0 and search["cost"]["found_epochs"] == 2
    assert "standard deviation" in text
    assert main(["report", str(out), "--out", str(page)]) == 2


def test_sweeps_share_a_page(folder, capsys):
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
    assert "Why &lt;so&gt; slow." in text and text.count("<section") == 4
    capsys.readouterr()
    assert main(["report", str(folder / "nodes"), str(folder / "nodes"), "--out", str(page), "--force"]) == 2
    assert "stand twice" in capsys.readouterr().err


def test_a_killed_sweep_goes_on(folder):
    def heed_interruptions():
        """Undo what a shell does for programs in the background."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    path, out = folder / "killed.toml", folder / "killed"
    path.write_text(HEAD + '[[scan]]\nkind = "select"\nmethod = ["random"]\nfeatures = [2, 3, 4, 5, 6, 7, 8, 9]\n')
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
    assert 4 <= len(stamps) < 16
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == 0
    files = {file.stem: file for file in out.glob("results/*.json")}
    assert set(files) == names
    assert all(files[name.removesuffix(".json")].stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    assert all(len(json.loads(file.read_text())["inputs"]) == json.loads(file.read_text())["settings"]["features"]
               for file in files.values())


def test_two_sweeps_do_not_share_a_folder(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="not the folder of a sweep"), locked(tmp_path):
        pass
    with locked(tmp_path / "out"):
        (tmp_path / "out" / "sweep.toml").write_text("")
        with pytest.raises(ConfigError, match="another sweep"), locked(tmp_path / "out"):
            pass

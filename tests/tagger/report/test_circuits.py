"""What was synthesised, on the page: beside the runs, estimates apart from counts, Vivado's columns empty."""

import json

import pytest

from pseudoexp.errors import SchemaError
from tagger.report.circuits import circuits_table, load_circuits, made_with
from tagger.report.page import write_report

POINT = {"additions_per_stage": 5.0, "latency_cycles": 4, "latency_ns": 20.0, "estimated": {"luts": 2032.5, "flip_flops": 559.0},
         "synthesised": {"luts": 1822, "flip_flops": 505, "dsps": 1, "carries": 558},
         "placed": {"luts4": 3113, "fmax_mhz": 76.27}}
FREE = POINT | {"additions_per_stage": None, "latency_cycles": None, "latency_ns": None, "placed": None}


def export(place, luts=1822):
    """A folder as `tagger export` and `tagger synthesise` leave it, as far as a report looks."""
    place.mkdir(parents=True)
    (place / "firmware.json").write_text(json.dumps({"backend": "verilog"}))
    points = [POINT | {"synthesised": POINT["synthesised"] | {"luts": luts}}, FREE]
    (place / "synthesis.json").write_text(json.dumps(
        {"part": "xcvu13p", "clock_ns": 5.0, "versions": {"yosys": "Yosys 0.0"}, "points": points}))
    return place


def test_the_table_has_every_point_of_every_circuit(tmp_path):
    a, b = export(tmp_path / "a" / "fw"), export(tmp_path / "b" / "fw", 900)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "firmware.json").write_text(json.dumps({"backend": "hls4ml"}))
    table = circuits_table(load_circuits([a, tmp_path / "plain", b]))
    assert table.heads[:3] + table.heads[6:9] == ("project", "part", "clock", "LUT est. da4ml", "FF est. da4ml", "LUT Yosys")
    own = ("a/fw", "xcvu13p", "5 ns")
    assert [row[1] for row in table.rows[:2]] == [
        (*own, "5", "4", "20", "2032.5", "559", "1822", "505", "1", "558", "3113", "76.27", "–", "–"),
        (*own, "–", "–", "–", "2032.5", "559", "1822", "505", "1", "558", "–", "–", "–", "–")]
    assert [(row[1][0], row[1][8]) for row in table.rows[2:]] == [("b/fw", "900"), ("b/fw", "1822")]
    assert circuits_table(load_circuits([tmp_path / "plain"])) is None


def test_names_tell_circuits_apart(tmp_path):
    a, deep, own = export(tmp_path / "a" / "fw"), export(tmp_path / "x" / "a" / "fw"), export(tmp_path / "other")
    (tmp_path / "link").symlink_to(a)
    found = load_circuits([a, deep, a, tmp_path / "link", own])
    assert [one.name for one in found] == [f"{tmp_path.name}/a/fw", "x/a/fw", "other"]


def test_it_stands_on_the_page_of_runs(small_folder, tmp_path):
    page = write_report([small_folder, export(tmp_path / "fw")], tmp_path / "r.html").read_text()
    assert '<section id="firmware">' in page and "76.27" in page and "yosys: Yosys 0.0." in page


def test_what_was_not_placed_in_time_is_told(tmp_path):
    folder = export(tmp_path / "fw")
    content = json.loads((folder / "synthesis.json").read_text())
    content["points"][0]["placed"] = {"luts4": 3113, "fmax_mhz": None, "stopped_after_minutes": 2.5}
    (folder / "synthesis.json").write_text(json.dumps(content))
    assert made_with(load_circuits([folder])) == [
        "yosys: Yosys 0.0", "fw, ECP5 at 5 additions/stage: no clock within 2.5 minutes"]


def test_a_damaged_synthesis_is_named_and_left_out(small_folder, tmp_path):
    folder, said = export(tmp_path / "fw"), []
    whole = json.loads((folder / "synthesis.json").read_text())
    changed = [json.dumps(whole | change) for change in ({"clock_ns": 10**400}, {"part": 1}, {"points": {}})]
    for content in ("{", "{}", '{"points": [{}]}', '{"points": [1], "versions": [], "clock_ns": 1, "part": 1}', *changed):
        (folder / "synthesis.json").write_text(content)
        with pytest.raises(SchemaError, match=r"synthesis\.json"):
            load_circuits([folder])
        assert load_circuits([folder], said.append) == []
    assert len(said) == 7
    assert "synthesis.json" in write_report([small_folder, folder], tmp_path / "r.html", trouble=said.append).read_text()

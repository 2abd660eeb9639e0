"""Logic synthesis of an exported Verilog project: Yosys for the part's family, nextpnr for an ECP5 where it fits.

Yosys maps to the cells of UltraScale+ (`synth_xilinx -family xcup`) and counts them; it knows nothing of their timing.
nextpnr places and routes the same Verilog, registers at its ports, on a Lattice ECP5, which is slower than the part the
firmware is for: its clock is a lower bound one can measure without a vendor's tool. What only Vivado could say stays
empty.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pseudoexp.errors import ConfigError, GenerationError, SchemaError
from tagger.firmware import tools, verilog
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.sources import read_sources
from tagger.firmware.synthesis_report import REPORT, write

FAMILY = "xcup"
TIMED = "timed"
DEVICES = {"25k": 24_000, "45k": 43_000, "85k": 83_000}
"""ECP5 -> its 4-input LUTs."""
MOST_FILLED = 0.8
"""Share of a device's LUTs that is placed; fuller ones take hours or fail."""
MOST_MINUTES = 10.0
"""Of placing and routing: 20,000 LUTs may take longer."""
VIVADO = ("luts", "flip_flops", "dsps", "worst_slack_ns", "power_w")
"""What only Vivado could say of the part."""


@dataclass(frozen=True)
class Cells:
    """What Yosys counted for UltraScale+.

    Attributes
    ----------
    luts : int
        Lookup tables of any size; two small ones may share a place on the part.
    flip_flops, dsps, carries : int
        Registers, multipliers, carry chains of four.
    inverters : int
        Inverters that were not merged into a lookup table.
    lut_sizes : tuple of int
        Lookup tables of 1 to 6 inputs.
    """

    luts: int
    flip_flops: int
    dsps: int
    carries: int
    inverters: int
    lut_sizes: tuple[int, ...]

    @classmethod
    def of(cls, counts: dict[str, int]) -> Cells:
        """Sort Yosys' cells by kind."""
        sizes = tuple(counts.get(f"LUT{n}", 0) for n in range(1, 7))

        def total(pattern: str) -> int:
            return sum(n for name, n in counts.items() if re.fullmatch(pattern, name))

        return cls(sum(sizes), total("FD[CPRS]E.*"), total("DSP48.*"), total("CARRY[48]"), counts.get("INV", 0), sizes)

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {"by": f"Yosys synth_xilinx -family {FAMILY}", "luts": self.luts, "flip_flops": self.flip_flops,
                "dsps": self.dsps, "carries": self.carries, "inverters": self.inverters,
                "lut_sizes": list(self.lut_sizes)}


def cells(sources: dict[str, str], log: Path | None = None) -> Cells:
    """Synthesise Verilog files (name -> text) for UltraScale+ and count the cells.

    Raises
    ------
    MissingExtra
        Without Yosys.
    GenerationError
        If it fails.
    """
    with tempfile.TemporaryDirectory(prefix="tagger-yosys-") as scratch:
        folder = Path(scratch)
        counts = _yosys(folder, sources, verilog.TOP, f"synth_xilinx -family {FAMILY} -flatten -noiopad -noclkbuf", log)
    return Cells.of(counts)


def network_cells(network: FixedNetwork, threshold: float = 0.0, levels: float = 5.0, log: Path | None = None) -> Cells:
    """Synthesise a network for UltraScale+ and count the cells; see `cells`.

    Registers stand behind every `levels` additions: Yosys' mapping takes ten times as long for logic without a clock.
    """
    graph = AdderGraph.of(network, threshold).pipelined(levels)
    ports = verilog.ports_of(graph, [f"{i}" for i in range(len(graph.inputs))])
    return cells(graph.verilog() | {f"{verilog.TOP}.v": verilog.top_module(ports)}, log)


def _yosys(folder: Path, sources: dict[str, str], top: str, command: str, log: Path | None) -> dict[str, int]:
    for name, text in sources.items():
        (folder / name).write_text(text)
    script = f"read_verilog -sv {' '.join(sorted(sources))}; {command} -top {top}; tee -q -o stat.json stat -json"
    tools.yosys().run(["-q", "-p", script], folder, log or folder / "log")
    try:
        modules = json.loads((folder / "stat.json").read_text())["modules"]
        counts = modules[f"\\{top}"]["num_cells_by_type"]
        return {str(name): int(number) for name, number in counts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise GenerationError("yosys gave no statistics; its version may not be supported") from None


def placed(sources: dict[str, str], ports: verilog.Ports, clock_ns: float, log: Path | None = None,
           most_minutes: float = MOST_MINUTES, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Place and route on the smallest ECP5 with room.

    Returns
    -------
    dict
        `by`, `device` (None if none has room), `luts4`, `flip_flops`, `fmax_mhz` and `meets_clock` (None if there was no room, or
        not enough time: `stopped_after_minutes`).
    """
    with tempfile.TemporaryDirectory(prefix="tagger-nextpnr-") as scratch:
        folder = Path(scratch)
        harness = sources | {f"{TIMED}.v": timed_module(ports)}
        counts = _yosys(folder, harness, TIMED, "synth_ecp5 -noiopad -json netlist.json", log)
        size = counts.get("LUT4", 0) + 2 * counts.get("CCU2C", 0)
        found: dict[str, Any] = {"by": "nextpnr-ecp5", "device": None, "speed_grade": 8, "luts4": size,
                                 "flip_flops": counts.get("TRELLIS_FF", 0), "fmax_mhz": None, "meets_clock": None}
        device = next((name for name, room in DEVICES.items() if size <= MOST_FILLED * room), None)
        if device is None:
            say(f"nextpnr: {size} LUTs of 4 inputs are more than {MOST_FILLED:.0%} of the largest ECP5: not placed")
            return found
        say(f"nextpnr: placing and routing {size} LUTs of 4 inputs on an ECP5 {device}, {most_minutes:g} minutes at most")
        ended = tools.nextpnr().run([f"--{device}", "--package", "CABGA381", "--speed", "8", "--json", "netlist.json",
                             "--out-of-context", "--freq", f"{1e3 / clock_ns:.6g}", "--report", "report.json",
                             "--timing-allow-fail", "--seed", "1", "-q"], folder, log or folder / "log", 60.0 * most_minutes)
        if not ended:
            say(f"nextpnr: stopped after {most_minutes:g} minutes; no clock")
            return found | {"device": device, "stopped_after_minutes": most_minutes}
        try:
            clocks = json.loads((folder / "report.json").read_text())["fmax"]
            fmax = min(float(clock["achieved"]) for clock in clocks.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise GenerationError("nextpnr reports no clock; its version may not be supported") from None
        return found | {"device": device, "fmax_mhz": round(fmax, 2), "meets_clock": fmax >= 1e3 / clock_ns}


def timed_module(ports: verilog.Ports) -> str:
    """Return Verilog with a register at every port of the top module, so that every path runs between registers."""
    names = [(name, word.bits, "input") for name, word in ports.used]
    names += [("logit", ports.logit.bits, "output"), ("decision", 1, "output")]
    lines, regs, clocked, wires = ["input clk"], [], [], []
    for name, bits, way in names:
        lines.append(f"{'output reg' if way == 'output' else 'input'} [{bits - 1}:0] {name}")
        regs.append(f"    {'wire' if way == 'output' else 'reg'} [{bits - 1}:0] {name}_inside;")
        clocked.append(f"        {name} <= {name}_inside;" if way == "output" else f"        {name}_inside <= {name};")
        wires.append(f".{name}({name}_inside)")
    inner = [".clk(clk)", *wires] if ports.stages else wires
    return (f"module {TIMED} (\n    " + ",\n    ".join(lines) + "\n);\n" + "\n".join(regs)
            + f"\n    {verilog.TOP} inside ({', '.join(inner)});\n    always @(posedge clk) begin\n"
            + "\n".join(clocked) + "\n    end\nendmodule\n")


def synthesise(folder: str | Path, summary: dict[str, Any], network: FixedNetwork, cutoffs: Sequence[float] = (),
               most_minutes: float = MOST_MINUTES, report: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Synthesise an exported Verilog project, and the same network cut into other stages; write the report there.

    Parameters
    ----------
    folder : str or Path
        The project.
    summary : dict
        Content of its firmware.json.
    network : FixedNetwork
        Content of its network.json.
    cutoffs : sequence of float
        Further numbers of additions per stage to try, 0 for no clock.
    most_minutes : float
        How long placing and routing may take per point; 0 does without.
    report : callable, optional
        Called with one line per step.

    Returns
    -------
    dict
        Content of synthesis.json.

    Raises
    ------
    ConfigError
        If it is not Verilog, or a cutoff or the time is not allowed.
    SchemaError
        If the folder is damaged, or its Verilog is more than a circuit.
    MissingExtra
        Without Yosys, or nextpnr if it is needed.
    """
    place, say = Path(folder), report or (lambda line: None)
    check_project(place, summary, cutoffs, most_minutes)
    tool = tools.yosys()
    versions = {"yosys": tool.version("-V")} | ({"nextpnr-ecp5": tools.nextpnr().version("-V")} if most_minutes else {})
    own, clock = float(summary["pipeline"]["additions_per_stage"] or 0.0), float(summary["clock_ns"])
    graph, names = AdderGraph.of(network, float(summary["decision"]["logit"])), [w["name"] for w in summary["input_words"]]
    points = []
    for levels in dict.fromkeys([own, *cutoffs]):
        cut = graph.pipelined(levels) if levels else graph
        ports = verilog.ports_of(cut, names)
        if levels == own:
            sources = read_sources(place)
        else:
            sources = cut.verilog() | {f"{verilog.TOP}.v": verilog.top_module(ports)}
        say(f"{levels:g} additions per stage: Yosys" if levels else "without a clock: Yosys, ten times slower so")
        points.append(_point(sources, ports, cut, levels, clock, most_minutes, say, place / f"{REPORT}.log"))
    content = {"part": summary["part"], "clock_ns": clock, "versions": versions, "points": points}
    write(place, content)
    return content


def check_project(folder: Path, summary: dict[str, Any], cutoffs: Sequence[float], most_minutes: float = MOST_MINUTES) -> None:
    """Refuse what cannot be synthesised before any work is done for it; see `synthesise`."""
    if summary["backend"] != "verilog":
        raise ConfigError(f"{folder}: written with --backend {summary['backend']}; allowed: an export with --backend verilog "
                          "(hls4ml's C++ becomes Verilog only in Vitis HLS)")
    for value in cutoffs:
        if not (value == 0.0 or 1.0 <= value <= 1000.0):
            raise ConfigError(f"cutoff {value:g}; allowed: 0 (no clock), or 1 to 1000 additions per stage")
    if not 0.0 <= most_minutes <= 1e5:
        raise ConfigError(f"{most_minutes:g} minutes for placing; allowed: 0 (not placed) to 100000")
    try:
        fine = (math.isfinite(float(summary["clock_ns"])) and math.isfinite(float(summary["decision"]["logit"]))
                and isinstance(summary["part"], str) and all(isinstance(w["name"], str) for w in summary["input_words"])
                and float(summary["pipeline"]["additions_per_stage"] or 0.0) >= 0.0)
    except (KeyError, TypeError, ValueError):
        fine = False
    if not fine or not (folder / verilog.SOURCES / f"{verilog.TOP}.v").is_file():
        raise SchemaError(f"{folder}: not a whole Verilog project, or damaged; export again")


def _point(sources: dict[str, str], ports: verilog.Ports, graph: AdderGraph, levels: float, clock: float, most_minutes: float,
           say: Callable[[str], None], log: Path) -> dict[str, Any]:
    stages = ports.stages
    found = {"additions_per_stage": levels or None, "latency_cycles": stages or None,
             "latency_ns": stages * clock or None,
             "estimated": {"by": "da4ml"} | graph.estimate, "synthesised": cells(sources, log).to_dict(),
             "placed": None, "vivado": dict.fromkeys(VIVADO)}
    if most_minutes:
        found["placed"] = placed(sources, ports, clock, log, most_minutes, say)
    return found

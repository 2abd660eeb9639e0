"""The Verilog project: a top module with one port per input, the additions behind it, a testbench, scripts.

    src/tagger_firmware.v    ports by name; in -> packed -> tagger_core -> logit, decision
    src/*.v                  the core and what da4ml's shift-and-add graph is made of
    sim/main.cpp             testbench for Verilator: rows of words in, rows of (logit, decision) out; `verify` writes its own
    vivado.tcl, clock.xdc    synthesis and implementation out of context

With pipeline stages a row may come with every clock; its result stands at the ports `stages` clocks after the edge that
took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pseudoexp.errors import DataError
from tagger.firmware.adder_graph import CORE, AdderGraph, Word

TOP = "tagger_firmware"
"""Name of the top module."""
SOURCES = "src"
_MOST_BITS, _MOST_STAGES = 63, 10_000
"""Of a port in the testbench, and clocks from a row to its result, that are read back."""
_TIMESCALE = "`timescale 1 ns / 1 ps\n\n"


@dataclass(frozen=True)
class Ports:
    """What the top module takes and gives.

    Attributes
    ----------
    inputs : tuple of (str, Word)
        Name and format of each input; those of 0 bits have no port.
    logit, decision : Word
        Formats of the outputs; the decision has 0 bits where it never passes.
    stages : int
        Clocks from a row to its result; 0 for logic without a clock.
    """

    inputs: tuple[tuple[str, Word], ...]
    logit: Word
    decision: Word
    stages: int

    @property
    def used(self) -> list[tuple[str, Word]]:
        """Inputs with a port."""
        return [(port(name), word) for name, word in self.inputs if word.bits]


def port(name: str) -> str:
    """Return the port of an input: its name behind `x_`, which keeps it apart from Verilog's own words."""
    return "x_" + "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)


def ports_of(graph: AdderGraph, names: Sequence[str]) -> Ports:
    """Return the ports of a graph with such inputs.

    Raises
    ------
    DataError
        If the logit is the same for all rows.
    """
    logit, decision = graph.outputs
    if not logit.bits:
        raise DataError("the network's logit is the same for all rows: there is nothing to build")
    return Ports(tuple(zip(names, graph.inputs, strict=True)), logit, decision, graph.stages)


def write_project(folder: Path, graph: AdderGraph, ports: Ports, part: str, clock_ns: float) -> None:
    """Write all files of the project except the README."""
    files = {f"{SOURCES}/{name}": text for name, text in graph.verilog().items()}
    files |= {f"{SOURCES}/{TOP}.v": top_module(ports), "sim/main.cpp": testbench(ports),
              "vivado.tcl": _VIVADO.format(top=TOP, part=part), "clock.xdc": _constraints(ports, clock_ns)}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def top_module(ports: Ports) -> str:
    """Return the Verilog of the top module."""
    lines = ["    input clk,"] if ports.stages else []
    lines += [f"    input {_range(word)}{name}," for name, word in ports.used]
    lines += [f"    output {_range(ports.logit)}logit,", "    output decision"]
    width = sum(word.bits for _, word in ports.used)
    packed = ", ".join(name for name, _ in reversed(ports.used))
    clock = ".clk(clk), " if ports.stages else ""
    bits = ports.logit.bits
    decision = f"result[{bits}]" if ports.decision.bits else "1'b0"
    return (f"{_TIMESCALE}module {TOP} (\n" + "\n".join(lines) + "\n);\n\n"
            f"    wire [{width - 1}:0] words = {{{packed}}};\n"
            f"    wire [{bits + ports.decision.bits - 1}:0] result;\n\n"
            f"    {CORE} core ({clock}.model_inp(words), .model_out(result));\n\n"
            f"    assign logit = result[{bits - 1}:0];\n"
            f"    assign decision = {decision};\n\nendmodule\n")


def _range(word: Word) -> str:
    return f"{'signed ' if word.signed else ''}[{word.bits - 1}:0] "


def testbench(ports: Ports) -> str:
    """Return the C++ around Verilator's model: int64 words of all ports per row in, (logit, decision) out."""
    feed = "\n".join(f"      top.{name} = static_cast<uint64_t>(row[{i}]) & {(1 << word.bits) - 1:#x}ULL;"
                     for i, (name, word) in enumerate(ports.used))
    tick = "top.clk = 0; top.eval(); top.clk = 1; top.eval();" if ports.stages else "top.eval();"
    return _TESTBENCH.format(top=TOP, ports=len(ports.used), stages=ports.stages, feed=feed, tick=tick)


def _constraints(ports: Ports, clock_ns: float) -> str:
    if not ports.stages:
        return f"set_max_delay {clock_ns:g} -from [all_inputs] -to [all_outputs]\n"
    return f"create_clock -period {clock_ns:g} -name clk [get_ports clk]\n"


def to_dict(ports: Ports) -> dict[str, Any]:
    """Return the ports as JSON types."""
    def word(name: str, said: Word) -> dict[str, Any]:
        return {"port": name, "bits": said.bits, "signed": said.signed, "fractional": said.fractional if said.bits else 0}

    return {"inputs": [word(name, said) for name, said in ports.used], "logit": word("logit", ports.logit),
            "decision": word("decision", ports.decision), "stages": ports.stages}


def from_dict(content: Any) -> Ports:
    """Return the ports that `to_dict` gave.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the content is something else.
    """
    def word(said: Any, fewest: int) -> Word:
        signed, bits, fractional = (_whole(said[key]) for key in ("signed", "bits", "fractional"))
        if not (fewest <= bits <= _MOST_BITS and abs(fractional) <= _MOST_BITS and signed in (0, 1)):
            raise ValueError(f"{said}: no format of a port")
        return Word(bool(signed), bits - signed - fractional, fractional)

    names = [str(said["port"]).removeprefix("x_") for said in content["inputs"]]
    stages = _whole(content["stages"])
    if not 0 <= stages <= _MOST_STAGES or [port(name) for name in names] != [said["port"] for said in content["inputs"]]:
        raise ValueError(f"{stages} stages, or names of ports that are none")
    inputs = tuple((name, word(said, 1)) for name, said in zip(names, content["inputs"], strict=True))
    return Ports(inputs, word(content["logit"], 1), word(content["decision"], 0), stages)


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("a whole number is needed")
    return int(value)


_TESTBENCH = """// Usage: simulation WORDS RESULTS: rows of {ports} int64 words in, rows of 2 int64 (logit, decision) out.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "V{top}.h"
#include "verilated.h"

static constexpr int PORTS = {ports}, STAGES = {stages};
double sc_time_stamp() {{ return 0; }}

int main(int argc, char **argv) {{
  std::FILE *in = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
  std::FILE *out = argc == 3 ? std::fopen(argv[2], "wb") : nullptr;
  if (!in || !out) return 2;
  VerilatedContext context;
  V{top} top(&context);
  int64_t row[PORTS] = {{}};
  // one row with every clock; after the last one STAGES more clocks empty the pipeline
  for (int64_t cycle = 0, rows = 0, left = STAGES; ; ++cycle) {{
    if (std::fread(row, sizeof row, 1, in) == 1) {{
      ++rows;
{feed}
    }} else if (left-- <= 0 || !rows) {{
      break;
    }}
    {tick}
    if (cycle >= STAGES) {{
      const int64_t result[2] = {{static_cast<int64_t>(top.logit), static_cast<int64_t>(top.decision)}};
      std::fwrite(result, sizeof result, 1, out);
    }}
  }}
  top.final();
  std::fclose(in);
  return std::fclose(out) ? 1 : 0;
}}
"""

_VIVADO = """# vivado -mode batch -source vivado.tcl : synthesis, placement and routing out of context, reports in vivado/
file mkdir vivado
read_verilog [glob src/*.v]
read_xdc clock.xdc
synth_design -top {top} -part {part} -mode out_of_context -flatten_hierarchy full
report_utilization -file vivado/utilisation_synthesis.rpt
opt_design
place_design
route_design
report_utilization -file vivado/utilisation.rpt
report_timing_summary -file vivado/timing.rpt
write_checkpoint -force vivado/routed.dcp
"""

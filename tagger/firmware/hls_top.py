"""The top function around hls4ml's: a row of words in, logit and decision out; and the files that call it.

    firmware/tagger_firmware.h, .cpp    the top: hls4ml's function, then logit >= threshold
    tagger_firmware_bridge.cpp          rows for Python, the C simulation
    tagger_firmware_test.cpp            testbench for Vitis HLS

hls4ml's function is `tagger_network`. Its scripts get the top's name for the project's, so that all of them, synthesis,
simulations and reports, mean the top. The top has the pragmas of hls4ml's function: a pipeline, or with a reuse factor a
dataflow. Vitis HLS allows INTERFACE at the top alone (UG1399), so that pragma moves there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pseudoexp.errors import GenerationError
from tagger.firmware.fixed_point import word_of_cut

TOP, NETWORK = "tagger_firmware", "tagger_network"
"""Names of the top function and of hls4ml's."""
ROWS = f"{TOP}_rows"
"""Name of the function that Python calls, see `tagger.firmware.hls_simulation`."""
_INTERFACE = re.compile(r"^ *#pragma HLS INTERFACE .*\n", re.MULTILINE)
_STYLE = re.compile(r"^ *(#pragma HLS (?:PIPELINE|DATAFLOW)\b.*?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Top:
    """What the top takes and gives.

    Attributes
    ----------
    inputs : int
        Words of a row.
    words, words_type, logit_type : str
        hls4ml's names for the words, for their C++ type and for that of the logit.
    signed : bool
        The logit has a sign.
    width, integer : int
        Its bits, and those of them before the binary point; both count the sign.
    threshold : float
        The decision is logit >= threshold.
    """

    inputs: int
    words: str
    words_type: str
    logit_type: str
    signed: bool
    width: int
    integer: int
    threshold: float

    @property
    def fractional(self) -> int:
        """Bits of the logit behind the binary point."""
        return self.width - self.integer

    @property
    def word(self) -> int:
        """Smallest word of the logit that passes; the one above the largest if none does."""
        low, high = (-(1 << (self.width - 1)), 1 << (self.width - 1)) if self.signed else (0, 1 << self.width)
        return min(max(word_of_cut(self.threshold, self.fractional), low), high)


def put_on_top(folder: Path, top: Top) -> None:
    """Write the top and what calls it into a project of hls4ml, whose function is no longer the top.

    Raises
    ------
    GenerationError
        If hls4ml's files are not what they are known to be.
    """
    network = folder / "firmware" / f"{NETWORK}.cpp"
    text = network.read_text()
    pragmas = [_only(network, re.compile(rf"^ *(#pragma HLS ARRAY_\w+ variable={top.words} .*?) *$", re.MULTILINE), text),
               f"#pragma HLS INTERFACE ap_vld port={top.words},logit,decision", _only(network, _STYLE, text)]
    _only(network, _INTERFACE, text)
    network.write_text(_INTERFACE.sub("", text))
    words = {"top": TOP, "network": NETWORK, "guard": f"{TOP.upper()}_H_", "rows": ROWS, "n": top.inputs, "words": top.words,
             "words_type": top.words_type, "logit_type": top.logit_type, "pragmas": "\n    ".join(pragmas),
             "threshold_type": f"ap_{'' if top.signed else 'u'}fixed<{top.width + 1},{top.integer + 1}>",
             "threshold": repr(top.word / 2.0**top.fractional), "word": top.word, "fractional": top.fractional}
    for name, body in ((f"firmware/{TOP}.h", _HEADER), (f"firmware/{TOP}.cpp", _SOURCE), (f"{TOP}_bridge.cpp", _BRIDGE),
                       (f"{TOP}_test.cpp", _TESTBENCH)):
        (folder / name).write_text(body.format(**words))
    _replace(folder / "project.tcl", f'set project_name "{NETWORK}"', f'set project_name "{TOP}"')
    source = 'add_files firmware/{}.cpp -cflags "-std=c++0x"\n'
    first = source.format("${project_name}")
    _replace(folder / "build_prj.tcl", first, first + source.format(NETWORK))
    _replace(folder / "build_lib.sh", f"PROJECT={NETWORK}\n", f"PROJECT={TOP}\n")
    _replace(folder / "build_lib.sh", "-shared ", f"-shared firmware/{NETWORK}.cpp ")
    for name in ("bridge", "test"):
        (folder / f"{NETWORK}_{name}.cpp").unlink()


def _only(path: Path, pattern: re.Pattern[str], text: str) -> str:
    """Return what a pattern finds, if it finds one thing."""
    found = pattern.findall(text)
    if len(found) != 1:
        raise GenerationError(f"{path.name}: this version of hls4ml writes it in another way ({len(found)} lines like "
                              f"{pattern.pattern!r}, one is needed)")
    return str(found[0])


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    _only(path, re.compile(re.escape(old)), text)
    path.write_text(text.replace(old, new))


_HEADER = """#ifndef {guard}
#define {guard}

#include "{network}.h"

// A row of words in; out come the logit and the decision, 1 where the logit is at least the threshold, else 0.
void {top}({words_type} {words}[{n}], {logit_type} &logit, ap_uint<1> &decision);

#endif
"""

_SOURCE = """#include "{top}.h"

static void cut({logit_type} raw[1], {logit_type} &logit, ap_uint<1> &decision) {{
    #pragma HLS INLINE off
    // the word {word} of {fractional} fractional bits; a bit wider than the logit, to hold a threshold that nothing passes
    const {threshold_type} threshold = {threshold};
    logit = raw[0];
    decision = raw[0] >= threshold;
}}

void {top}({words_type} {words}[{n}], {logit_type} &logit, ap_uint<1> &decision) {{
    {pragmas}

    {logit_type} raw[1];
    #pragma HLS ARRAY_PARTITION variable=raw complete dim=0

    {network}({words}, raw);
    cut(raw, logit, decision);
}}
"""

_BRIDGE = """// Rows through the top, for Python: {n} float words per row in, which the port cuts and saturates.
#include <cstdint>

#include "firmware/{top}.h"

extern "C" void {rows}(int64_t rows, const float *values, double *logits, uint8_t *decisions) {{
    for (int64_t i = 0; i < rows; ++i) {{
        {words_type} {words}[{n}];
        for (int j = 0; j < {n}; ++j) {words}[j] = values[i * {n} + j];
        {logit_type} logit;
        ap_uint<1> decision;
        {top}({words}, logit, decision);
        logits[i] = logit.to_double();
        decisions[i] = decision.to_uint();
    }}
}}
"""

_TESTBENCH = """// C simulation and cosimulation in Vitis HLS: a row of {n} words per line of tb_data/tb_input_features.dat in,
// a line "logit decision" each out. Without that file: one row of zeros.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "firmware/{top}.h"

int main() {{
#ifdef RTL_SIM
    std::ofstream out("tb_data/rtl_cosim_results.log");
#else
    std::ofstream out("tb_data/csim_results.log");
#endif
    std::ifstream in("tb_data/tb_input_features.dat");
    std::string line;
    bool more = in.is_open() ? bool(std::getline(in, line)) : true;
    int rows = 0;
    for (; more; more = bool(std::getline(in, line)), ++rows) {{
        std::istringstream values(line);
        {words_type} {words}[{n}];
        for (int j = 0; j < {n}; ++j) {{
            double value = 0.0;
            values >> value;
            {words}[j] = value;
        }}
        {logit_type} logit;
        ap_uint<1> decision;
        {top}({words}, logit, decision);
        out << logit << " " << decision << "\\n";
    }}
    std::cout << "INFO: " << rows << " rows" << std::endl;
    return out ? 0 : 1;
}}
"""

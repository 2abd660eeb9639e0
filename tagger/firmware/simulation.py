"""Verilog run row by row: Verilator makes C++ of it, g++ a program, and the program answers with integers.

The testbench is written here, whatever else lies beside the Verilog, and every program has limits on time and memory.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import GenerationError
from tagger.firmware import tools
from tagger.firmware.fixed_point import FixedNetwork, Integers
from tagger.firmware.verilog import TOP, Ports, testbench

MEMORY, FILE, CPU_SECONDS = 8 << 30, 2 << 30, 900
"""Bytes of memory and of a file, and time, that each program behind a simulation may take."""
_PROGRAM = "simulation"
_FLAGS = ("-std=c++17", "-O0", "-pthread", "-DVL_TIME_CONTEXT", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0",
          "-DVM_TIMING=0", "-faligned-new", "-fcf-protection=none", "-w")


class Simulation:
    """Verilog, compiled.

    Parameters
    ----------
    sources : mapping
        File name -> text, see `tagger.firmware.sources.read_sources`.
    ports : Ports
        What the top module takes and gives.
    build : Path
        Empty folder to build in.
    log : Path
        Gets what the programs print.

    Raises
    ------
    MissingExtra
        Without Verilator.
    GenerationError
        If Verilator or g++ fails, or takes more time or memory than it may.
    """

    def __init__(self, sources: Mapping[str, str], ports: Ports, build: Path, log: Path) -> None:
        self.ports, self.build, self.log = ports, build, log
        tool = tools.verilator()
        for name, text in {**sources, "main.cpp": testbench(ports)}.items():
            (build / name).write_text(text)
        _limited(tool).run(["--cc", "--Mdir", ".", "-Wno-lint", "-Wno-style", "-Wno-fatal", "--x-initial", "fast",
                            "--top-module", TOP, "--prefix", f"V{TOP}", *sorted(sources)], build, log)
        root = Path(tool.environment.get("VERILATOR_ROOT") or _root(tool))
        made = sorted(path.name for path in build.glob(f"V{TOP}*.cpp"))
        support = [str(root / "include" / name) for name in ("verilated.cpp", "verilated_threads.cpp")]
        _limited(tools.Tool("g++", ("g++",))).run(
            [*_FLAGS, "-I.", f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}", *made, "main.cpp", *support,
             "-o", _PROGRAM], build, log)

    def run(self, words: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """Return logits (rows,) as signed integers, and decisions (rows,), for port words (rows, ports).

        Raises
        ------
        GenerationError
            If the program fails or loses rows.
        """
        np.ascontiguousarray(words, dtype="<i8").tofile(self.build / "words")
        program = tools.Tool("the simulation", (str(self.build.resolve() / _PROGRAM),))
        _limited(program).run(["words", "results"], self.build, self.log)
        found = np.fromfile(self.build / "results", dtype="<i8")
        if len(found) != 2 * len(words):
            raise GenerationError(f"the simulation gave {len(found) // 2} results for {len(words)} rows")
        logit, decision = found.reshape(-1, 2).T
        half = np.int64(1) << (self.ports.logit.bits - 1)
        return (logit ^ half) - half, decision != 0


def logits(simulation: Simulation, network: FixedNetwork,
           x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logits (rows,) and decisions (rows,) for raw inputs (rows, k).

    Parameters
    ----------
    simulation : Simulation
        Of the project.
    network : FixedNetwork
        Says how raw inputs become words.
    x : (rows, k) array
        Raw inputs.
    """
    said = simulation.ports.logit
    logit, decision = simulation.run(network.port(x)[:, network.layers[0].alive])
    if not said.signed:
        logit = np.where(logit < 0, logit + (np.int64(1) << said.bits), logit)
    return np.ldexp(logit.astype(np.float64), -said.fractional), decision


def _limited(tool: tools.Tool) -> tools.Tool:
    """Return a program as the shell starts it: with limits, those of the session where they are tighter."""
    limits = f"-v {MEMORY >> 10}", f"-f {FILE >> 9}", f"-t {CPU_SECONDS}"
    script = "".join(f"ulimit {limit} 2> /dev/null; " for limit in limits) + 'exec "$@"'
    return tools.Tool(tool.name, ("/bin/sh", "-c", script, "sh", *tool.command), tool.environment)


def _root(tool: tools.Tool) -> str:
    done = subprocess.run([*tool.command, "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise GenerationError("verilator does not say where its headers are (verilator --getenv VERILATOR_ROOT)")
    return done.stdout.strip()

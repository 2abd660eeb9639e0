"""Verilog run row by row: Verilator makes C++ of it, g++ a program, and the program answers with integers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import GenerationError
from tagger.firmware import tools
from tagger.firmware.fixed_point import FixedNetwork, Integers
from tagger.firmware.verilog import SOURCES, TOP

_PROGRAM = "simulation"
_FLAGS = ("-std=c++17", "-O0", "-pthread", "-DVL_TIME_CONTEXT", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0",
          "-DVM_TIMING=0", "-faligned-new", "-fcf-protection=none", "-w")


class Simulation:
    """A Verilog project, compiled.

    Parameters
    ----------
    project : Path
        Folder with `src` and `sim`.
    build : Path
        Empty folder to build in.
    log : Path
        Gets what the programs print.

    Raises
    ------
    MissingExtra
        Without Verilator.
    GenerationError
        If Verilator or g++ fails.
    """

    def __init__(self, project: Path, build: Path, log: Path) -> None:
        self.build, self.log = build, log
        tool = tools.verilator()
        sources = sorted(str(path.resolve()) for path in (project / SOURCES).glob("*.v"))
        tool.run(["--cc", "--Mdir", ".", "-Wall", "-Wno-fatal", "--x-initial", "fast", "--top-module", TOP,
                  "--prefix", f"V{TOP}", *sources], build, log)
        root = Path(tool.environment.get("VERILATOR_ROOT") or _root(tool))
        made = sorted(path.name for path in build.glob(f"V{TOP}*.cpp"))
        support = [str(root / "include" / name) for name in ("verilated.cpp", "verilated_threads.cpp")]
        tools.Tool("g++", ("g++",)).run(
            [*_FLAGS, "-I.", f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}", *made,
             str((project / "sim" / "main.cpp").resolve()), *support, "-o", _PROGRAM], build, log)

    def run(self, words: Integers, logit_bits: int) -> tuple[Integers, NDArray[np.bool_]]:
        """Return logits (rows,) as signed integers, and decisions (rows,), for port words (rows, ports).

        Raises
        ------
        GenerationError
            If the program fails or loses rows.
        """
        np.ascontiguousarray(words, dtype="<i8").tofile(self.build / "words")
        program = tools.Tool("the simulation", (str(self.build.resolve() / _PROGRAM),))
        program.run(["words", "results"], self.build, self.log)
        found = np.fromfile(self.build / "results", dtype="<i8")
        if len(found) != 2 * len(words):
            raise GenerationError(f"the simulation gave {len(found) // 2} results for {len(words)} rows")
        logit, decision = found.reshape(-1, 2).T
        half = np.int64(1) << (logit_bits - 1)
        return (logit ^ half) - half, decision != 0


def logits(simulation: Simulation, network: FixedNetwork, ports: dict[str, Any],
           x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logits (rows,) and decisions (rows,) for raw inputs (rows, k).

    Parameters
    ----------
    simulation : Simulation
        Of the project.
    network : FixedNetwork
        Says how raw inputs become words.
    ports : dict
        `tagger.firmware.verilog.to_dict` of the project's ports.
    x : (rows, k) array
        Raw inputs.
    """
    first = network.layers[0]
    alive = first.signed + first.integer + first.fractional > 0
    said = ports["logit"]
    logit, decision = simulation.run(network.port(x)[:, alive], said["bits"])
    if not said["signed"]:
        logit = np.where(logit < 0, logit + (np.int64(1) << said["bits"]), logit)
    return np.ldexp(logit.astype(np.float64), -said["fractional"]), decision


def _root(tool: tools.Tool) -> str:
    done = subprocess.run([*tool.command, "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise GenerationError("verilator does not say where its headers are (verilator --getenv VERILATOR_ROOT)")
    return done.stdout.strip()

"""A quantised network written as a project, whichever tool writes it: compiled here, and asked for logits and decisions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tagger.firmware import adder_graph, hls, hls_simulation, hls_top, simulation, tools, verilog
from tagger.firmware.fixed_point import FixedNetwork, word_of_cut
from tagger.firmware.readme import readme_hls4ml, readme_verilog
from tagger.firmware.sources import read_sources
from tagger.firmware.target import Target

Floats = NDArray[np.float64]
BUILD = ".build"
"""Folder inside a project that holds what the check compiles; removed afterwards."""


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Attributes
    ----------
    folder, log : Path
        Where to; what the tools print goes to the log.
    network : keras.Model
        Scaled words -> logit, see `tagger.quantise.firmware_part`.
    integers : FixedNetwork
        The same in whole numbers.
    inputs : tuple of str
        Names of the inputs.
    target : Target
        What for.
    threshold : float
        The decision is logit >= threshold.
    """

    folder: Path
    log: Path
    network: Any
    integers: FixedNetwork
    inputs: tuple[str, ...]
    target: Target
    threshold: float


class Product(Protocol):
    """A written project.

    Attributes
    ----------
    what : str
        What answers, in words.
    """

    what: str

    def compile(self) -> None:
        """Build the program that answers."""

    def answers(self, x: NDArray[np.float32]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return logits (rows,) and decisions (rows,) for raw inputs (rows, k)."""

    def summary(self) -> dict[str, Any]:
        """Return what firmware.json says of this project alone."""

    def readme(self, summary: dict[str, Any]) -> str:
        """Return the README for the whole content of firmware.json."""

    def finish(self) -> None:
        """Leave the folder as it is delivered."""


class HlsProduct:
    """A Vitis HLS project by hls4ml."""

    what = "the C simulation"

    def __init__(self, order: Order) -> None:
        self.order = order
        self.project = hls.write_project(order.network, order.folder, order.target, order.log, order.threshold)
        self.simulation: hls_simulation.CSimulation | None = None

    def compile(self) -> None:
        """Compile the C simulation."""
        self.simulation = hls_simulation.CSimulation(self.order.folder, self.order.log, self.order.folder)

    def answers(self, x: NDArray[np.float32]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the C simulation's logits and decisions."""
        assert self.simulation is not None
        return hls_simulation.answers(self.simulation, self.order.integers, x)

    def summary(self) -> dict[str, Any]:
        """Return formats, the decision's threshold and reuse."""
        return {"hls_backend": hls.HLS_BACKEND, "reuse": self.order.target.reuse, "reuse_of_layers": self.project.reuse,
                "top": hls_top.TOP, "input_format": self.project.input_format, "logit_format": self.project.logit_format,
                "logit_fractional_bits": self.project.top.fractional,
                "decision": _decision(self.order, self.project.top.fractional)}

    def readme(self, summary: dict[str, Any]) -> str:
        """Return the README."""
        return readme_hls4ml(summary)

    def finish(self) -> None:
        """Make the folder movable."""
        hls.make_relocatable(self.order.folder)


class VerilogProduct:
    """Verilog by da4ml."""

    what = "the Verilog"

    def __init__(self, order: Order) -> None:
        self.order = order
        graph = adder_graph.AdderGraph.of(order.integers, order.threshold)
        self.graph = graph.pipelined(order.target.levels) if order.target.levels else graph
        self.ports = verilog.ports_of(self.graph, order.inputs)
        verilog.write_project(order.folder, self.graph, self.ports, order.target.part, order.target.clock_ns)
        self.simulation: simulation.Simulation | None = None

    def compile(self) -> None:
        """Compile the Verilog with Verilator."""
        build = self.order.folder / BUILD
        build.mkdir()
        self.simulation = simulation.Simulation(read_sources(self.order.folder), self.ports, build, self.order.log)

    def answers(self, x: NDArray[np.float32]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the Verilog's logits and decisions."""
        assert self.simulation is not None
        return simulation.logits(self.simulation, self.order.integers, x)

    def summary(self) -> dict[str, Any]:
        """Return ports, pipeline and da4ml's estimates."""
        target, stages, ports = self.order.target, self.graph.stages, verilog.to_dict(self.ports)
        logit = ports["logit"]
        return {"top": verilog.TOP, "ports": ports,
                "logit_format": (f"{'' if logit['signed'] else 'un'}signed, {logit['bits']} bits, "
                                 f"{logit['fractional']} of them fractional"),
                "logit_fractional_bits": logit["fractional"],
                "decision": _decision(self.order, logit["fractional"]),
                "pipeline": {"additions_per_stage": target.levels or None, "additions": self.graph.depth,
                             "latency_cycles": stages or None, "latency_ns": stages * target.clock_ns or None,
                             "interval_cycles": 1 if stages else None},
                "estimated": {"by": "da4ml"} | self.graph.estimate}

    def readme(self, summary: dict[str, Any]) -> str:
        """Return the README."""
        return readme_verilog(summary)

    def finish(self) -> None:
        """Remove what was compiled."""
        shutil.rmtree(self.order.folder / BUILD, ignore_errors=True)


def _decision(order: Order, fractional: int) -> dict[str, Any]:
    """Return what firmware.json says of the decision, for a logit of so many fractional bits."""
    return {"efficiency": order.target.efficiency, "logit": order.threshold, "word": word_of_cut(order.threshold, fractional)}


def _require_hls4ml() -> None:
    hls.require_hls4ml()
    hls.require_compiler()


def _require_verilog() -> None:
    adder_graph.require_da4ml()
    hls.require_compiler()
    tools.verilator()


PRODUCTS: dict[str, tuple[Callable[[], None], Callable[[Order], Product]]] = {
    "hls4ml": (_require_hls4ml, HlsProduct), "verilog": (_require_verilog, VerilogProduct)}
"""Backend -> (raises if something is not installed, writes the project)."""

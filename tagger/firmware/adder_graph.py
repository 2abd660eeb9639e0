"""da4ml: the quantised network as a graph of shifted additions, cut into pipeline stages, and its Verilog.

C. Sun et al., "da4ml: Distributed Arithmetic for Real-time Neural Networks on FPGAs", arXiv:2507.04535. This module is
the only one that knows da4ml. It is given whole numbers (`FixedNetwork`), not Keras layers, so that what becomes logic is
what `FixedNetwork.logits` computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.optional import require
from tagger.firmware.fixed_point import FixedLayer, FixedNetwork

CORE = "tagger_core"
"""Name of the Verilog module that holds the graph."""
_SOURCES = "codegen/rtl/verilog/source"


def require_da4ml() -> Any:
    """Return the da4ml module.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    return require("da4ml", "fpga")


@dataclass(frozen=True)
class Word:
    """Fixed-point format of one number at a port; 0 bits if it carries nothing.

    Attributes
    ----------
    signed : bool
        One bit is a sign.
    integer, fractional : int
        Bits before (without the sign) and after the binary point.
    """

    signed: bool
    integer: int
    fractional: int

    @property
    def bits(self) -> int:
        """All bits."""
        return max(self.signed + self.integer + self.fractional, 0)


@dataclass(frozen=True)
class AdderGraph:
    """The network as additions.

    Attributes
    ----------
    graph : da4ml.types.CombLogic or da4ml.types.Pipeline
        The graph, in one piece or in stages.
    whole : da4ml.types.CombLogic
        The graph in one piece.
    """

    graph: Any
    whole: Any

    @classmethod
    def of(cls, network: FixedNetwork, threshold: float | None = None) -> AdderGraph:
        """Build the graph: cut words -> logit and decision (logit >= threshold; without one, the logit alone)."""
        require_da4ml()
        from da4ml.trace import FixedVariableArray, HWConfig, comb_trace

        first = network.layers[0]
        value = words = FixedVariableArray.from_kif(first.signed, first.integer, first.fractional, HWConfig(1, -1, -1))
        for index, layer in enumerate(network.layers):
            value = _dense(_saturated(value, layer) if index else value, layer)
        outputs = [value[0]]
        if threshold is not None:
            outputs.append(value[0] >= threshold)
        whole = comb_trace(words, FixedVariableArray(np.array(outputs), hwconf=value.hwconf), keep_dead_inputs=True)
        return cls(whole, whole)

    def pipelined(self, levels: float) -> AdderGraph:
        """Cut into stages of at most so many additions one after the other."""
        from da4ml.trace import to_pipeline

        return AdderGraph(to_pipeline(self.whole, levels, verbose=False), self.whole)

    @property
    def stages(self) -> int:
        """Pipeline stages; 0 for a graph in one piece."""
        return 0 if self.graph is self.whole else len(self.graph.solutions)

    @property
    def depth(self) -> float:
        """Additions one after the other on the longest way."""
        return float(self.whole.latency[1])

    @property
    def estimate(self) -> dict[str, float | None]:
        """LUTs and pipeline flip-flops as da4ml estimates them."""
        return {"luts": float(self.graph.cost), "flip_flops": float(self.graph.reg_bits) if self.stages else None}

    @property
    def inputs(self) -> list[Word]:
        """Format of each input word, in the order of the port's bits."""
        return _words(self.graph.inp_qint)

    @property
    def outputs(self) -> list[Word]:
        """Format of the logit and of the decision."""
        return _words(self.graph.out_qint)

    def verilog(self) -> dict[str, str]:
        """Return file name -> text of the core and of what it is made of."""
        from da4ml.codegen.rtl.verilog import comb_logic_gen, pipeline_logic_gen

        if self.stages:
            text = pipeline_logic_gen(self.graph, CORE)
        else:
            text = {CORE: comb_logic_gen(self.graph, CORE, timescale="`timescale 1 ns / 1 ps")}
        parts = sorted((Path(require_da4ml().__file__).parent / _SOURCES).glob("*.v"))
        used = "".join(text.values())
        return ({f"{name}.v": body for name, body in text.items()}
                | {part.name: part.read_text() for part in parts if f" {part.stem} #(" in used})


def _dense(value: Any, layer: FixedLayer) -> Any:
    kernel = np.ldexp(layer.kernel.astype(np.float64), -layer.weight_bits)
    total = value @ kernel + np.ldexp(layer.bias.astype(np.float64), -layer.weight_bits - layer.input_bits)
    return total.relu() if layer.relu else total


def _saturated(value: Any, layer: FixedLayer) -> Any:
    return value.quantize(layer.signed, layer.integer, layer.fractional, "SAT", "RND" if layer.rounds else "TRN")


def _words(intervals: Any) -> list[Word]:
    from da4ml.types import minimal_kif

    formats = [minimal_kif(interval) for interval in intervals]
    return [Word(bool(k), int(i), int(f)) for k, i, f in formats]


def cut_words(words: list[Word], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return values (rows, n), which must lie on the words' grids, as integers at the port."""
    return np.ldexp(values, [word.fractional for word in words]).astype(np.int64)

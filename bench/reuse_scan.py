"""hls4ml over reuse factors: the C simulation's logits stay the same, the multipliers at work at once become fewer.

    python bench/reuse_scan.py RUN [--reuse 1 2 4 8]

RUN was written by `tagger quantise`. Multipliers are weights / reuse, an estimate before any synthesis; what a part needs
only Vitis HLS and Vivado could say. Exit code 1 if a logit differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tagger.firmware.export import export
from tagger.firmware.target import Target
from tagger.model import dense_layers
from tagger.runs import Run


def main() -> int:
    """Print a line per reuse factor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--reuse", type=int, nargs="+", default=[1, 2, 4, 8])
    said = parser.parse_args()
    failed = 0
    for reuse in said.reuse:
        run = Run.load(said.run)
        weights = {layer.name: int(layer.kernel.shape[0] * layer.kernel.shape[1]) for layer in dense_layers(run.model)}
        with tempfile.TemporaryDirectory() as folder:
            found = export(run, Path(folder) / "fw", Target(reuse=reuse)).summary
        used = found["reuse_of_layers"]
        multipliers = sum(-(-count // max(used.get(name, 1), 1)) for name, count in weights.items())
        failed += not found["passed"]
        print(f"reuse {reuse:4d} asked, {', '.join(f'{name} {used[name]}' for name in used)}: {multipliers} multipliers "
              f"(estimated), {found['rows_compared']} rows, {found['mismatches']} differ", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())

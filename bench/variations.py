"""Weights for other parameters: their means, which should be 1, their spread, and what they cost.

    python bench/variations.py [--events 3000]

Effective events: (sum of weights)^2 / sum of squared weights, over the number of events.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.builtin.chunk import generate_chunk, generate_varied
from pseudoexp.engines.builtin.variations import NAMES
from pseudoexp.engines.settings import EngineSettings

SETTINGS = EngineSettings()
REPEATS = 3


def cpu(make, process: int, events: int) -> float:
    """Return the least processor time per event [ms]."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        make(process, 1, 0, events, SETTINGS)
        times.append(time.process_time() - start)
    return 1e3 * min(times) / events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3000)
    events = parser.parse_args().events
    for name, process in (("signal", SIGNAL), ("qcd", QCD)):
        _, ratios = generate_varied(process, 1, 0, events, SETTINGS)
        error = ratios.std(axis=0) / np.sqrt(events)
        effective = ratios.sum(axis=0) ** 2 / (ratios**2).sum(axis=0) / events
        print(f"{name}, {events} events")
        for row in zip(NAMES, ratios.mean(axis=0), error, effective, strict=True):
            print("  {:12s} mean {:.3f} +- {:.3f}, effective events {:.2f}".format(*row))
        plain, varied = cpu(generate_chunk, process, events // 3), cpu(generate_varied, process, events // 3)
        print(f"  {plain:.2f} ms per event without, {varied:.2f} with weights ({varied / plain:.2f})")


if __name__ == "__main__":
    main()

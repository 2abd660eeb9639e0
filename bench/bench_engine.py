"""Particles of one event: the built-in engine's time against Pythia8's, in turn on the same machine, without a detector.

    python bench/bench_engine.py [--rounds 10] [--events 1000] [--pythia 100]
    python -m pytest bench/bench_engine.py --benchmark-only                       (statistics)

Default sampling of the engine settings. Prints, per process, the smallest processor time per event over the rounds of each, and
the median of the ratios of the rounds. `--pythia 0` leaves Pythia8 out.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pytest

from pseudoexp.core.rng import QCD, SIGNAL
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings

SEED = 1
PROCESSES = {"signal": SIGNAL, "qcd": QCD}
EVENTS = 500
"""Per round, where pytest runs this."""


def microseconds(name: str, process: int, first: int, events: int) -> float:
    """Return the processor time per event [us] of making some events."""
    begin = time.process_time()
    engine(name).generate_chunk(process, SEED, first, events, EngineSettings())
    return 1e6 * (time.process_time() - begin) / events


@pytest.mark.parametrize("name", PROCESSES)
def test_particles(benchmark, rounds, name):
    benchmark.extra_info["events"] = EVENTS
    benchmark.pedantic(engine("builtin").generate_chunk, (PROCESSES[name], SEED, 0, EVENTS, EngineSettings()), rounds=rounds,
                       warmup_rounds=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--events", type=int, default=1000, help="of the built-in engine, per round")
    parser.add_argument("--pythia", type=int, default=100, help="events of Pythia8 per round")
    options = parser.parse_args()
    print("| process | built-in [us per event] | Pythia8 [us per event] | ratio |\n|---|---|---|---|")
    for name, process in PROCESSES.items():
        microseconds("builtin", process, 0, 10)
        if options.pythia:
            microseconds("pythia8", process, 0, 10)
        ours, theirs = [], []
        for k in range(options.rounds):
            ours.append(microseconds("builtin", process, k * options.events, options.events))
            if options.pythia:
                theirs.append(microseconds("pythia8", process, k * options.pythia, options.pythia))
        against = f"{min(theirs):.0f} | {np.median(np.divide(theirs, ours)):.1f} |" if theirs else "| |"
        print(f"| {name} | {min(ours):.0f} | {against}", flush=True)


if __name__ == "__main__":
    main()

"""Particles of one event: the built-in engine's time against Pythia8's, in turn on the same machine, without a detector.

    python bench/bench_engine.py [--rounds 10] [--chunks 8] [--pythia 25]
    python -m pytest bench/bench_engine.py --benchmark-only                       (statistics)

Default sampling of the engine settings; the same chunks of events in every round, as large as a production makes them: the arrays
of more events at once are new memory each time, which the system takes 10 to 50 us per event to give. Prints, per process, the
mean over the chunks of their smallest processor time per event over the rounds, and the median of the ratios of the rounds.
`--pythia 0` leaves Pythia8, with fewer events in a chunk, out.

`test_engine_stage` makes the same events whole, and its time is that of one stage by the kernels' stopwatch.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pytest
from lap_times import lap_stage

from pseudoexp.core import laps
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK
from pseudoexp.engines import engine
from pseudoexp.engines.settings import EngineSettings

SEED = 1
PROCESSES = {"signal": SIGNAL, "qcd": QCD}


def microseconds(name: str, process: int, first: int, events: int) -> float:
    """Return the processor time per event [us] of making some events."""
    begin = time.process_time()
    engine(name).generate_chunk(process, SEED, first, events, EngineSettings())
    return 1e6 * (time.process_time() - begin) / events


@pytest.mark.parametrize("name", PROCESSES)
def test_particles(benchmark, rounds, name):
    benchmark.extra_info["events"] = EVENTS_PER_CHUNK
    arguments = (PROCESSES[name], SEED, 0, EVENTS_PER_CHUNK, EngineSettings())
    benchmark.pedantic(engine("builtin").generate_chunk, arguments, rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("stage", [
    lap_stage("hard process", laps.HARD_PROCESS), lap_stage("showers and scatterings", laps.SHOWERS, laps.HIGGS_DECAY),
    lap_stage("remnants", laps.REMNANTS), lap_stage("colour reconnection", laps.RECONNECTION), lap_stage("strings", laps.STRINGS),
    lap_stage("decays", laps.DECAYS), lap_stage("record", laps.RECORD)])
@pytest.mark.parametrize("name", PROCESSES)
def test_engine_stage(benchmark, stopwatch, rounds, name, stage):
    benchmark.extra_info["events"] = EVENTS_PER_CHUNK
    arguments = (PROCESSES[name], SEED, 0, EVENTS_PER_CHUNK, EngineSettings())
    benchmark.pedantic(engine("builtin").generate_chunk, arguments, rounds=rounds, warmup_rounds=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--chunks", type=int, default=8, help="per round")
    parser.add_argument("--pythia", type=int, default=25, help="events of Pythia8 per chunk")
    options = parser.parse_args()
    sizes = {"builtin": EVENTS_PER_CHUNK} | ({"pythia8": options.pythia} if options.pythia else {})
    print("| process | built-in [us per event] | Pythia8 [us per event] | ratio |\n|---|---|---|---|")
    for title, process in PROCESSES.items():
        times = {name: np.empty((options.rounds, options.chunks)) for name in sizes}
        for name in sizes:
            microseconds(name, process, 0, 10)
        for k in np.ndindex(options.rounds, options.chunks):
            for name, events in sizes.items():
                times[name][k] = microseconds(name, process, k[1] * EVENTS_PER_CHUNK, events)
        best = [f"{each.min(axis=0).mean():.0f}" for each in times.values()]
        ratio = np.median(times["pythia8"].mean(axis=1) / times["builtin"].mean(axis=1)) if options.pythia else np.nan
        print(f"| {title} | {' | '.join(best)} | {ratio:.1f} |" if options.pythia else f"| {title} | {best[0]} | | |", flush=True)


if __name__ == "__main__":
    main()

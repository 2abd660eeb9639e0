"""Branchings of the built-in engine's showers beside PYTHIA 8's, kind by kind: numbers per event with errors.

    python bench/compare_branchings.py --n 4000                 (Higgs decay, signal and QCD, QCD's heavy pairs)
    python bench/compare_branchings.py --n 4000 --only signal

Initial-state branchings are named daughter<-mother, final-state ones radiator->emitted; Q is c or b. Emissions off the quarks
of the hard process or of the Higgs boson are counted by their order besides. No multi-parton interactions, remnants or hadrons.
Needs the extra `[pythia]` and fastjet.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter

import numpy as np
import pythia8mc
from compare_showers import COLLISIONS, COMMON, HIGGS, PTHAT, generated, switches

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.builtin.hard_cross_section import BOTTOM
from pseudoexp.engines.builtin.partons import Partons
from pseudoexp.engines.builtin.sampling import HardProcess, hard_process

STABLE_HIGGS = ["HiggsSM:qg2Hq = on", "25:onMode = on", "25:mayDecay = off"]
SAMPLES = {"higgs": (None, HIGGS), "signal": (SIGNAL, STABLE_HIGGS), "qcd": (QCD, ["HardQCD:all = on"]),
           "bottom": (QCD, ["HardQCD:hardbbbar = on"])}
"""Process and PYTHIA's settings; `bottom` are the pairs of b quarks among QCD."""
ORDERS = ("first", "second", "further")


def letter(pdg_id: int) -> str:
    """Return g, q for a light quark or Q for a heavy one."""
    return "g" if pdg_id == 21 else "q" if abs(pdg_id) < 4 else "Q"


def split_name(mother: int, one: int, two: int) -> str:
    """Return the name of a final-state branching."""
    if mother == 21 and one != 21:
        return f"g->{letter(one)}{letter(one)}"
    return f"{letter(mother)}->{letter(mother)}g"


def count_ours(partons: Partons, quarks: list[int]) -> Counter[str]:
    """Count the branchings in the engine's list; `quarks` are the rows whose emissions are counted by order."""
    n, counts = partons.filled[0], Counter[str]()
    ids, mother = partons.pdg_id[:n], partons.mother[:n]
    incoming = set()
    for row in (0, 1) if len(quarks) < 2 or quarks[0] != 1 else ():
        while mother[row] >= 0:
            counts[f"{letter(ids[row])}<-{letter(ids[mother[row]])}"] += 1
            row = int(mother[row])
            incoming.add(row)
    for row in range(n):
        below = np.flatnonzero(mother == row)
        if row not in incoming and len(below) == 2 and ids[row] != 25:
            counts[split_name(ids[row], ids[below[0]], ids[below[1]])] += 1
    for quark in quarks:
        order = 0
        while len(below := np.flatnonzero((mother == quark) & (ids == ids[quark]))):
            counts[f"quark, {ORDERS[min(order, 2)]}"] += 1
            quark, order = int(below[0]), order + 1
    return counts


def count_theirs(event: pythia8mc.Event) -> Counter[str]:
    """Count the branchings in PYTHIA's history."""
    counts = Counter[str]()
    for i in range(event.size()):
        particle, status = event[i], abs(event[i].status())
        if status == 43:
            sister, up = particle.id(), event[particle.mother1()].id()
            daughter = 21 if sister == up else (up if sister == 21 else -sister)
            counts[f"{letter(daughter)}<-{letter(up)}"] += 1
        elif status == 51 and event[i + 1].mother1() == particle.mother1():
            up = event[particle.mother1()]
            if up.daughter1() == i:
                counts[split_name(up.id(), particle.id(), event[i + 1].id())] += 1
        elif status == 23 and abs(particle.id()) < 6:
            line, order = i, 0
            while below := [k for k in event[line].daughterList() if event[k].id() == particle.id()]:
                if abs(event[below[0]].status()) == 51 and len(event[line].daughterList()) == 2:
                    counts[f"quark, {ORDERS[min(order, 2)]}"] += 1
                    order += 1
                line = below[0]
    return counts


def channel_alone(hard: HardProcess, channel: int) -> HardProcess:
    """Return a process with one of its channels only."""
    own = hard.channel == channel
    chance = np.diff(np.concatenate([[0.0], hard.cumulative]))[own]
    return hard._replace(channel=hard.channel[own], bin_of_pt=hard.bin_of_pt[own], low=hard.low[own], width=hard.width[own],
                         spectrum=hard.spectrum[own], cumulative=np.cumsum(chance) / chance.sum())


def ours(n: int, sample: str, initial: bool) -> list[Counter[str]]:
    """Return the branchings of `n` events."""
    process = SAMPLES[sample][0]
    hard = channel_alone(hard_process(process, PTHAT, 0.0), BOTTOM) if sample == "bottom" else None
    counts = []
    for partons in generated(n, process, initial, hard):
        rows = [1, 2] if process is None else [k for k in (2, 3) if abs(partons.pdg_id[k]) < 6]
        counts.append(count_ours(partons, rows))
    return counts


def theirs(n: int, settings: list[str]) -> list[Counter[str]]:
    """Return the same from PYTHIA."""
    pythia = pythia8mc.Pythia("", False)
    for line in [*COMMON, *settings, "Random:setSeed = on", "Random:seed = 1"]:
        if not pythia.readString(line):
            raise ValueError(line)
    if not pythia.init():
        raise RuntimeError("PYTHIA does not start")
    counts: list[Counter[str]] = []
    while len(counts) < n:
        if not pythia.next():
            continue
        info = pythia.infoPython()
        if "HiggsSM:qg2Hq = on" not in settings or 4 not in (abs(info.id1()), abs(info.id2())):
            counts.append(count_theirs(pythia.event))
    return counts


def report(title: str, a: list[Counter[str]], b: list[Counter[str]]) -> None:
    """Print the numbers per event and their ratio."""
    print(f"\n{title}\n{'':16s}{'built-in':>10s}{'PYTHIA 8':>10s}{'ratio':>9s}")
    for name in sorted({k for counts in (*a, *b) for k in counts}):
        x, y = (np.array([c[name] for c in counts], float) for counts in (a, b))
        ratio = x.mean() / y.mean() if y.any() else math.nan
        error = ratio * math.hypot(*(v.std() / len(v) ** 0.5 / v.mean() for v in (x, y))) if x.any() and y.any() else math.nan
        print(f"{name:16s}{x.mean():10.4f}{y.mean():10.4f}{ratio:9.3f} +- {error:.3f}")


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--only", choices=list(SAMPLES))
    arguments = parser.parse_args()
    for sample, (process, lines) in SAMPLES.items():
        if arguments.only in (None, sample):
            for initial in (False, True) if process is not None and sample != "bottom" else (False,):
                settings = lines if process is None else [*COLLISIONS, *lines, *switches(initial, True)]
                report(f"{sample}, {'both showers' if initial else 'final-state shower alone'}",
                       ours(arguments.n, sample, initial), theirs(arguments.n, settings))


if __name__ == "__main__":
    main()

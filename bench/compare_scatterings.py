"""Further scatterings of the built-in engine beside PYTHIA 8's, by their pT: how many, of what, with how many partons in the end.

    python bench/compare_scatterings.py --n 20000                (showers on)
    python bench/compare_scatterings.py --n 80000 --bare         (showers off: what the protons still hold)

QCD with the default threshold and bias. Per pT of the scattering: number per event, share of quarks among what enters in the end
(so after the initial-state shower), mean ln x of it, final partons. With `--bare` also the number above 4 GeV by what enters the
hard process: two gluons, a gluon and a u or d quark, a gluon and any other. Needs the extra `[pythia]`.
"""

from __future__ import annotations

import argparse

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.activity import collide, scatter_once
from pseudoexp.engines.builtin.beams import LARGEST_GROWTH, decide_origin
from pseudoexp.engines.builtin.dice import ACTIVITY, HARD_PROCESS, VARIATIONS, throw_from
from pseudoexp.engines.builtin.event import engine_tables, engine_workspace
from pseudoexp.engines.builtin.overlap import overlap_of_hard_collision
from pseudoexp.engines.builtin.partons import FINAL, forget_partons
from pseudoexp.engines.builtin.sampling import sample_hard_process
from pseudoexp.engines.builtin.scatterings import next_pt

EDGES = (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 25.0)
EVENT, SYSTEM, PT, X, ID, PARTONS = 0, 1, 2, slice(3, 5), slice(5, 7), 7
SETTINGS = ["Print:quiet = on", "Beams:eCM = 14000", "HardQCD:all = on", "PhaseSpace:pTHatMin = 150", "HadronLevel:all = off",
            "PhaseSpace:bias2Selection = on", "PhaseSpace:bias2SelectionPow = 4", "PhaseSpace:bias2SelectionRef = 250",
            "PartonLevel:Remnants = off", "Check:event = off", "Random:setSeed = on", "Random:seed = 1"]
Table = NDArray[np.float64]


def pythia(n: int, bare: bool) -> Table:
    """Return a row per scattering: event, number, pT, both x, both PDG numbers, final partons."""
    generator, rows = pythia8mc.Pythia("", False), []
    for setting in [*SETTINGS, *(["PartonLevel:ISR = off", "PartonLevel:FSR = off"] if bare else [])]:
        assert generator.readString(setting), setting
    generator.init()
    k = 0
    while k < n:
        if not generator.next():
            continue
        event, systems = generator.event, generator.partonSystems
        for s in range(systems.sizeSys()):
            a, b = event[systems.getInA(s)], event[systems.getInB(s)]
            rows.append((k, s, generator.infoPython().pTMPI(s), a.pz() / 7000.0, -b.pz() / 7000.0, a.id(), b.id(),
                         systems.sizeOut(s)))
        k += 1
    return np.array(rows)


def _only_scatter(tables, ws) -> None:
    """Add further scatterings without showers."""
    rest, hard = ws.shower.rest, ws.hard.scattering
    for side in range(2):
        decide_origin(0, side, ws.partons, ws.systems, tables.activity.densities, ws.dice, rest[side], ws.shower.above)
    table = tables.activity.scatterings
    per_mb, pt = LARGEST_GROWTH * table.mean_at_centre * overlap_of_hard_collision(ws.dice), ws.systems.scale[0]
    while (pt := next_pt(table, pt, per_mb, ws.dice)) > 0.0:
        system = scatter_once(pt, ws.partons, ws.systems, tables.activity, hard, rest, ws.dice)
        for side in range(2 if system >= 0 else 0):
            decide_origin(system, side, ws.partons, ws.systems, tables.activity.densities, ws.dice, rest[side], ws.shower.above)


def builtin(n: int, bare: bool) -> Table:
    """Return the same of the built-in engine; events without a gluon for a heavy quark are left out."""
    tables, ws, rows = engine_tables(QCD, 150.0, 4.0), engine_workspace(2), []
    for k in range(n):
        stream = event_stream(1, QCD, k)
        forget_partons(ws.partons, ws.systems)
        throw_from(ws.dice, stream, HARD_PROCESS, 0)
        sample_hard_process(ws.partons, ws.systems, ws.dice, tables.hard, ws.hard)
        throw_from(ws.shower.ghosts, stream, VARIATIONS, 0)
        throw_from(ws.dice, stream, ACTIVITY, 0)
        if bare:
            _only_scatter(tables, ws)
        elif collide(ws.systems.scale[0], ws.partons, ws.systems, tables.activity, ws.hard.scattering, ws.shower, ws.dice) < 0:
            continue
        n_partons, n_systems = ws.partons.filled[0], ws.systems.filled[0]
        final = ws.partons.status[:n_partons] == FINAL
        partons = np.bincount(ws.partons.system[:n_partons][final], minlength=n_systems)
        rows.extend((k, s, ws.systems.scale[s], *ws.systems.x[s], *ws.partons.pdg_id[ws.systems.incoming[s]], partons[s])
                    for s in range(n_systems))
    return np.array(rows)


def mean(values: Table) -> tuple[float, float]:
    """Return a mean and its error."""
    return float(np.mean(values)), float(np.std(values) / np.sqrt(max(values.size, 1)))


def ratio(ours: tuple[float, float], theirs: tuple[float, float]) -> str:
    """Return PYTHIA's value and ours over it, with the error."""
    value = ours[0] / theirs[0]
    return f"{theirs[0]:8.4f} {value:6.3f} +- {abs(value) * np.hypot(ours[1] / ours[0], theirs[1] / theirs[0]):.3f}"


def number(table: Table, low: float, high: float, events: NDArray[np.float64]) -> tuple[float, float]:
    """Return the number of further scatterings with such a pT in some of the events, and its error."""
    chosen = table[(table[:, SYSTEM] > 0) & (table[:, PT] >= low) & (table[:, PT] < high)]
    return mean(np.bincount(chosen[:, EVENT].astype(int), minlength=int(table[-1, EVENT]) + 1)[events.astype(int)])


def by_hard_partons(table: Table) -> dict[str, NDArray[np.float64]]:
    """Return the events whose hard process two gluons, or a gluon and something else enter."""
    hard = table[table[:, SYSTEM] == 0]
    gluons, light = (hard[:, ID] == 21).sum(axis=1), np.isin(hard[:, ID], (1, 2)).any(axis=1)
    chosen = {"g g": gluons == 2, "g u, g d": (gluons == 1) & light, "g and other": (gluons == 1) & ~light}
    return {name: hard[which, EVENT] for name, which in chosen.items()}


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--bare", action="store_true", help="without showers")
    options = parser.parse_args()
    theirs, ours = pythia(options.n, options.bare), builtin(options.n, options.bare)
    every = [np.unique(table[:, EVENT]) for table in (ours, theirs)]
    print("PYTHIA's value, ours over it")
    for low, high in [(0.0, 1e9), *zip(EDGES, [*EDGES[1:], 1e9], strict=True)]:
        a, b = (t[(t[:, SYSTEM] > 0) & (t[:, PT] >= low) & (t[:, PT] < high)] for t in (ours, theirs))
        print(f"pT {low:4.1f} to {high:7.1f}: number",
              ratio(number(ours, low, high, every[0]), number(theirs, low, high, every[1])),
              "| quarks", ratio(mean(np.abs(a[:, ID]) < 9), mean(np.abs(b[:, ID]) < 9)),
              "| ln x", ratio(mean(np.log(a[:, X])), mean(np.log(b[:, X]))),
              "| partons", ratio(mean(a[:, PARTONS]), mean(b[:, PARTONS])))
    if options.bare:
        a, b = by_hard_partons(ours), by_hard_partons(theirs)
        for name in a:
            print(f"{name:12s}: above 4 GeV", ratio(number(ours, 4.0, 1e9, a[name]), number(theirs, 4.0, 1e9, b[name])))


if __name__ == "__main__":
    main()

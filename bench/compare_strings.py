"""Compare the primary hadrons of the built-in strings with Pythia8's, from the same partons.

    python bench/compare_strings.py [--n 20000] [--only qqbar,bbbar] [--cache FOLDER] [--freeze FILE]

Prints, per configuration and observable, mean and spread of both with the difference in percent and in standard errors.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.hadronisation import hadronisation_workspace, hadronise, string_tables
from pseudoexp.engines.builtin.hadrons import new_hadrons
from pseudoexp.engines.builtin.partons import FINAL, new_partons

Configuration = list[tuple[int, tuple[float, float, float], float, int, int]]
"""Partons: PDG number, momentum, mass, colour, anticolour."""

GROUPS = {
    "pi": (111, 211), "K": (311, 321), "rho": (113, 213), "K*": (313, 323), "eta": (221,), "eta'": (331,), "omega": (223,),
    "phi": (333,), "p,n": (2112, 2212), "Lambda": (3122,), "Sigma": (3112, 3212, 3222), "Delta": (1114, 2114, 2214, 2224),
    "Xi": (3312, 3322), "Sigma*": (3114, 3214, 3224), "Xi*": (3314, 3324), "D": (411, 421), "D*": (413, 423), "Ds": (431, 433),
    "B": (511, 521), "B*": (513, 523), "Bs": (531, 533), "c baryon": tuple(range(4000, 5000)),
    "b baryon": tuple(range(5000, 6000)),
}


def back_to_back(first: int, second: int, energy: float, masses: tuple[float, float]) -> Configuration:
    """Return a string of two partons along z."""
    a, b = masses
    s = energy**2
    p = math.sqrt((s - (a + b) ** 2) * (s - (a - b) ** 2)) / (2 * energy)
    return [(first, (0.0, 0.0, p), a, 1, 0), (second, (0.0, 0.0, -p), b, 0, 1)]


def chain(flavours: tuple[int, int], momenta: list[tuple[float, float, float]], masses: tuple[float, float]) -> Configuration:
    """Return an open string: quark, gluons, antiquark."""
    n = len(momenta)
    ids = [flavours[0], *[21] * (n - 2), flavours[1]]
    own = [masses[0], *[0.0] * (n - 2), masses[1]]
    return [(ids[i], momenta[i], own[i], i + 1 if i < n - 1 else 0, i) for i in range(n)]


def loop(momenta: list[tuple[float, float, float]]) -> Configuration:
    """Return a closed string of gluons."""
    n = len(momenta)
    return [(21, p, 0.0, i + 1, i if i else n) for i, p in enumerate(momenta)]


def spray(n: int, seed: int) -> list[tuple[float, float, float]]:
    """Return momenta of partons that are ordered along a jet axis, with the energies of a shower and no total."""
    rng = np.random.default_rng(seed)
    y = np.sort(rng.uniform(-4.0, 4.0, n))[::-1]
    pt, phi = rng.gamma(1.5, 1.5, n), rng.uniform(0, 2 * np.pi, n)
    p = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y)], 1)
    p[:, :2] -= p[:, :2].mean(0)
    return [(float(a), float(b), float(c)) for a, b, c in p]


CONFIGURATIONS: dict[str, Configuration] = {
    "qqbar": back_to_back(2, -2, 91.2, (0.33, 0.33)),
    "bbbar": back_to_back(5, -5, 125.0, (4.8, 4.8)),
    "ccbar": back_to_back(4, -4, 60.0, (1.5, 1.5)),
    "diquark": [(2, (0.0, 0.0, 20.0), 0.33, 1, 0), (2101, (0.0, 0.0, -20.0), 0.57933, 0, 1)],
    "qgqbar": chain((2, -1), [(0.0, 0.0, 40.0), (0.0, 30.0, -10.0), (0.0, -30.0, -30.0)], (0.33, 0.33)),
    "bggb": chain((5, -5), [(0.0, 5.0, 50.0), (3.0, -4.0, 15.0), (-8.0, 10.0, -1.0), (5.0, -11.0, -40.0)], (4.8, 4.8)),
    "ggg": loop([(0.0, 0.0, 30.0), (0.0, 25.0, -15.0), (0.0, -25.0, -15.0)]),
    "gg": loop([(0.0, 0.0, 45.0), (0.0, 0.0, -45.0)]),
    "twelve": chain((2, -2), spray(12, 1), (0.33, 0.33)),
    "thirty": chain((1, -3), spray(30, 2), (0.33, 0.5)),
    "loop8": loop(spray(8, 3)),
    "light10": back_to_back(2, -1, 10.0, (0.33, 0.33)),
    "light5": back_to_back(2, -1, 5.0, (0.33, 0.33)),
    "light3": back_to_back(2, -1, 3.0, (0.33, 0.33)),
    "light2": back_to_back(2, -3, 2.0, (0.33, 0.5)),
    "charm6": back_to_back(4, -1, 6.0, (1.5, 0.33)),
    "bottom8": back_to_back(5, -2, 8.0, (4.8, 0.33)),
}


class Sample:
    """Primary hadrons of many events: flat arrays and where events begin."""

    def __init__(self, p4: NDArray[np.float64], pdg_id: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
        self.p4, self.pdg_id, self.offsets = p4, pdg_id, offsets


def builtin_sample(partons: Configuration, n: int, seed: int = 1) -> Sample:
    """Return n events of the built-in strings."""
    state, hadrons = new_partons(256), new_hadrons(2048)
    for row, (code, p, mass, colour, anticolour) in enumerate(partons):
        state.p4[row] = (*p, math.sqrt(sum(x * x for x in p) + mass * mass))
        state.mass[row], state.pdg_id[row], state.colour[row], state.status[row] = mass, code, (colour, anticolour), FINAL
        state.mother[row] = -1
        state.filled[:] = row + 1, max(state.filled[1], colour, anticolour)
    tables, work = string_tables(), hadronisation_workspace(256, 1024)
    p4, ids, offsets = [], [], [0]
    for event in range(n):
        hadrons.filled[0] = 0
        result = hadronise(state, hadrons, tables, work, event_stream(seed, 0, event))
        if result < 0:
            raise RuntimeError(f"event {event}: {result}")
        m = int(hadrons.filled[0])
        p4.append(hadrons.p4[:m].copy())
        ids.append(hadrons.pdg_id[:m].astype(np.int64))
        offsets.append(offsets[-1] + m)
    return Sample(np.concatenate(p4), np.concatenate(ids), np.array(offsets))


def pythia_sample(partons: Configuration, n: int, seed: int = 1) -> Sample:
    """Return n events of Pythia8 without decays."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in ("ProcessLevel:all = off", "HadronLevel:Decay = off", "Print:quiet = on", "Random:setSeed = on",
                 f"Random:seed = {seed}", "Check:event = off"):
        pythia.readString(line)
    pythia.init()
    p4, ids, offsets = [], [], [0]
    while len(offsets) <= n:
        pythia.event.reset()
        for code, p, mass, colour, anticolour in partons:
            e = math.sqrt(sum(x * x for x in p) + mass * mass)
            pythia.event.append(code, 23, colour, anticolour, *p, e, mass)
        if not pythia.next():
            continue
        final = [h for h in pythia.event if h.isFinal()]
        p4.append(np.array([(h.px(), h.py(), h.pz(), h.e()) for h in final]))
        ids.append(np.array([h.id() for h in final]))
        offsets.append(offsets[-1] + len(final))
    return Sample(np.concatenate(p4), np.concatenate(ids), np.array(offsets))


def _per_event(sample: Sample, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.add.reduceat(weight, sample.offsets[:-1])


def observables(sample: Sample) -> dict[str, NDArray[np.float64]]:
    """Return the numbers to compare: per event, or per hadron of one kind."""
    p4, ids = sample.p4, np.abs(sample.pdg_id)
    total = p4[: sample.offsets[1]].sum(0)
    mass = math.sqrt(total[3] ** 2 - (total[:3] ** 2).sum())
    energy = (p4[:, 3] * total[3] - p4[:, :3] @ total[:3]) / mass
    x = 2.0 * energy / mass
    pt = np.hypot(p4[:, 0], p4[:, 1])
    y = np.arctanh(np.clip(p4[:, 2] / p4[:, 3], -1 + 1e-12, 1 - 1e-12))
    axis = np.array([1, 0.7, -1.3]) / np.linalg.norm([1, 0.7, -1.3])
    result: dict[str, NDArray[np.float64]] = {
        "hadrons": _per_event(sample, np.ones(len(ids))), "leading x": np.maximum.reduceat(x, sample.offsets[:-1]),
        "central": _per_event(sample, 1.0 * (np.abs(y) < 1.0)), "central2": _per_event(sample, 1.0 * (np.abs(y) < 2.5)),
        "sum pT": _per_event(sample, pt), "pT": pt, "|y|": np.abs(y), "ln x": np.log(x), "sum |axis|":
        _per_event(sample, np.abs(p4[:, :3] @ axis)), "sum x^2": _per_event(sample, x * x),
    }
    heavy = np.isin(ids, [c for c in range(400, 600) if c // 100 in (4, 5)]) | ((ids > 4000) & (ids < 6000))
    if heavy.any():
        result["x heavy"] = x[heavy]
    baryon = ids > 1000
    if baryon.any():
        result["x baryon"] = x[baryon]
    for name, codes in GROUPS.items():
        chosen = np.isin(ids, codes)
        if chosen.any():
            result["n " + name] = _per_event(sample, 1.0 * chosen)
    return result


def compare(name: str, mine: Sample, theirs: Sample, show: Callable[[str], None]) -> dict[str, tuple[float, float, float]]:
    """Show the table of one configuration; return observable -> Pythia's mean, spread and number."""
    a, b = observables(mine), observables(theirs)
    show(f"\n{name}: {len(mine.offsets) - 1} events")
    show(f"{'':12s} {'builtin':>10s} {'pythia8':>10s} {'diff %':>8s} {'sigmas':>7s} | "
         f"{'spread':>9s} {'pythia8':>9s} {'diff %':>8s}")
    frozen = {}
    for key, v in b.items():
        u = a.get(key, np.zeros(2))
        error = math.sqrt(u.var() / len(u) + v.var() / len(v)) or 1e-300
        m, s = v.mean() or 1e-300, v.std() or 1e-300
        show(f"{key:12s} {u.mean():10.4f} {v.mean():10.4f} {100 * (u.mean() / m - 1):8.2f} "
             f"{(u.mean() - v.mean()) / error:7.1f} | "
             f"{u.std():9.4f} {v.std():9.4f} {100 * (u.std() / s - 1):8.2f}")
        frozen[key] = (float(v.mean()), float(v.std()), float(len(v)))
    return frozen


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20000)
    parser.add_argument("--only", default=",".join(CONFIGURATIONS))
    parser.add_argument("--cache", type=Path, help="folder for Pythia's events")
    parser.add_argument("--freeze", type=Path, help="file for Pythia's means and spreads")
    options = parser.parse_args()
    frozen = {}
    for name in options.only.split(","):
        partons = CONFIGURATIONS[name]
        cached = options.cache / f"{name}_{options.n}.npz" if options.cache else None
        if cached and cached.exists():
            theirs = Sample(**np.load(cached))
        else:
            theirs = pythia_sample(partons, options.n)
            if cached:
                np.savez(cached, **vars(theirs))
        frozen[name] = compare(name, builtin_sample(partons, options.n), theirs, print)
    if options.freeze:
        options.freeze.write_text(json.dumps(frozen, indent=1) + "\n")


if __name__ == "__main__":
    main()

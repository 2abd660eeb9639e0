"""Parton showers of the built-in engine beside Pythia8's: means and spreads with errors.

    python bench/compare_showers.py --n 2000                    (Higgs decay, QCD and signal above pT-hat 250 GeV)
    python bench/compare_showers.py --n 2000 --only qcd

Both stop before multi-parton interactions, remnants and hadronisation. Needs the extra `[pythia]` and fastjet.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator

import fastjet
import numpy as np
import pythia8mc

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import HARD_PROCESS, SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import shower_tables, shower_works
from pseudoexp.engines.builtin.partons import FINAL, Partons, append_parton, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.resonance import decay_higgs
from pseudoexp.engines.builtin.sampling import HardProcess, hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.showers import evolve

Event = tuple[np.ndarray, np.ndarray]
PTHAT = 250.0
COMMON = ["Print:quiet = on", "HadronLevel:all = off", "PartonLevel:MPI = off", "PartonLevel:Remnants = off", "Check:event = off",
          "TimeShower:QEDshowerByQ = off", "SpaceShower:QEDshowerByQ = off", "25:m0 = 125", "25:onMode = off"]
HIGGS = ["Beams:idA = 13", "Beams:idB = -13", "Beams:eCM = 125.", "PDF:lepton = off", "HiggsSM:ffbar2H = on", "25:mWidth = 0.004",
         "25:onIfMatch = 5 -5", "PartonLevel:ISR = off"]
COLLISIONS = ["Beams:eCM = 14000.", f"PhaseSpace:pTHatMin = {PTHAT}"]


def switches(initial: bool, final: bool) -> list[str]:
    """Return Pythia's settings for the showers."""
    return [f"PartonLevel:ISR = {'on' if initial else 'off'}", f"PartonLevel:FSR = {'on' if final else 'off'}"]


@kernel
def hard_event(event, process, partons, systems, dice, hard, work):
    """Draw a hard process."""
    forget_partons(partons, systems)
    throw_from(dice, event_stream(11, process, event), HARD_PROCESS, 0)
    return sample_hard_process(partons, systems, dice, hard, work)


@kernel
def showered(event, process, partons, systems, tables, work, dice, initial):
    """Shower it."""
    throw_from(dice, event_stream(11, process, event), SHOWER, 0)
    return evolve(0, partons, systems, tables, work, dice, initial)


@kernel
def decayed(event, partons, systems, tables, works, dice):
    """Decay a Higgs boson at rest."""
    forget_partons(partons, systems)
    append_parton(partons, 25, FINAL, -1, 0, 0.0, 0.0, 0.0, 125.0, 125.0, 0, 0)
    throw_from(dice, event_stream(11, 0, event), SHOWER, 1)
    return decay_higgs(0, partons, systems, tables, works, dice)


def generated(n: int, process: int | None, initial: bool, hard: HardProcess | None = None) -> Iterator[Partons]:
    """Yield `n` showered events, one after the other in the same arrays; `process` None for Higgs decays."""
    tables, works = shower_tables(), shower_works(1, 1000, 2000)
    partons, systems, dice = new_partons(1000), new_systems(1), new_dice()
    hard_work, done, event = hard_workspace(), 0, 0
    if hard is None and process is not None:
        hard = hard_process(process, PTHAT, 0.0)
    while done < n:
        event += 1
        if process is None:
            code = decayed(event, partons, systems, tables, works, dice)
        else:
            hard_event(event, process, partons, systems, dice, hard, hard_work)
            code = showered(event, process, partons, systems, tables, works[0], dice, initial)
        if code >= 0:
            done += 1
            yield partons


def ours(n: int, process: int | None, initial: bool) -> list[Event]:
    """Return numbers and momenta of final partons of `n` events; `process` None for Higgs decays."""
    events = []
    for partons in generated(n, process, initial):
        final = partons.status[:partons.filled[0]] == FINAL
        events.append((partons.pdg_id[:len(final)][final].copy(), partons.p4[:len(final)][final].copy()))
    return events


def theirs(n: int, settings: list[str], seed: int = 1) -> list[Event]:
    """Return the same from Pythia8."""
    pythia = pythia8mc.Pythia("", False)
    for line in [*COMMON, *settings, "Random:setSeed = on", f"Random:seed = {seed}"]:
        if not pythia.readString(line):
            raise ValueError(line)
    pythia.init()
    events = []
    while len(events) < n:
        if not pythia.next():
            continue
        info = pythia.infoPython()
        if "HiggsSM:qg2Hq = on" in settings and 4 in (abs(info.id1()), abs(info.id2())):
            continue
        rows = np.array([(p.id(), p.px(), p.py(), p.pz(), p.e()) for p in pythia.event if p.isFinal() and p.id() != 22])
        events.append((rows[:, 0].astype(int), rows[:, 1:]))
    return events


def jets(p4: np.ndarray) -> list[fastjet.PseudoJet]:
    """Return anti-kT R = 1 jets above 30 GeV."""
    particles = [fastjet.PseudoJet(*map(float, p)) for p in p4]
    cluster = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
    return [(j.pt(), j.m(), len(j.constituents()), j.rap()) for j in fastjet.sorted_by_pt(cluster.inclusive_jets(30.0))]


def decay_observables(events: list[Event]) -> dict[str, np.ndarray]:
    """Return what is compared of a Higgs decay."""
    out: dict[str, list[float]] = {k: [] for k in ("partons", "x_b", "g->bb", "g->cc", "H2", "leading")}
    for ids, p in events:
        p = p[ids != 25]
        bottoms = np.sort(p[np.abs(ids[ids != 25]) == 5][:, 3])[::-1]
        size = np.linalg.norm(p[:, :3], axis=1)
        cosines = (p[:, :3] @ p[:, :3].T) / np.outer(size, size)
        out["partons"].append(len(p))
        out["x_b"] += list(2.0 * bottoms[:2] / 125.0)
        out["g->bb"].append((len(bottoms) - 2) / 2)
        out["g->cc"].append((np.abs(ids) == 4).sum() / 2)
        out["H2"].append((np.outer(size, size) * cosines**2).sum() / size.sum() ** 2)
        out["leading"].append(2.0 * p[:, 3].max() / 125.0)
    return {k: np.array(v, float) for k, v in out.items()}


def collision_observables(events: list[Event]) -> dict[str, np.ndarray]:
    """Return what is compared of a collision; the Higgs boson, if there is one, does not decay."""
    out: dict[str, list[float]] = {k: [] for k in ("partons", "partons pT>1", "jet pT", "jet m", "jet n", "jet 2 pT", "jets>30",
                                                   "mass", "rapidity", "b", "c", "Higgs pT", "sum pT")}
    for ids, p in events:
        pt = np.hypot(p[:, 0], p[:, 1])
        coloured = ids != 25
        rapidity = np.arctanh(np.clip(p[:, 2] / p[:, 3], -1 + 1e-12, 1 - 1e-12))
        found = jets(p[coloured & (np.abs(rapidity) < 4.9)])
        out["partons"].append(coloured.sum())
        out["partons pT>1"].append((coloured & (pt > 1.0) & (np.abs(rapidity) < 4.9)).sum())
        total = p.sum(0)
        out["mass"].append(math.sqrt(max(total[3] ** 2 - (total[:3] ** 2).sum(), 0.0)))
        out["rapidity"].append(abs(math.atanh(total[2] / total[3])))
        out["b"].append((np.abs(ids) == 5).sum())
        out["c"].append((np.abs(ids) == 4).sum())
        out["jets>30"].append(len(found))
        out["sum pT"].append(pt[coloured].sum())
        if (~coloured).any():
            out["Higgs pT"].append(pt[~coloured][0])
        if found and found[0][0] > 150.0:
            out["jet pT"].append(found[0][0])
            out["jet m"].append(found[0][1])
            out["jet n"].append(found[0][2])
        if len(found) > 1:
            out["jet 2 pT"].append(found[1][0])
    return {k: np.array(v, float) for k, v in out.items() if v}


def report(title: str, a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    """Print means and spreads of both and their ratios."""
    print(f"\n{title}\n{'':14s} {'built-in':>19s} {'Pythia8':>19s} {'ratio':>15s}   {'spreads':>17s} {'ratio':>6s}")
    for name in a:
        x, y = a[name], b[name]
        ex, ey = x.std() / len(x) ** 0.5, y.std() / len(y) ** 0.5
        ratio = x.mean() / y.mean()
        error = abs(ratio) * math.hypot(ex / x.mean(), ey / y.mean())
        print(f"{name:14s} {x.mean():10.4f}+-{ex:7.4f} {y.mean():10.4f}+-{ey:7.4f} {ratio:7.3f}+-{error:6.3f}   "
              f"{x.std():8.3f} {y.std():8.3f} {x.std() / y.std():6.3f}")


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--only", choices=["higgs", "qcd", "signal"])
    arguments = parser.parse_args()
    n = arguments.n
    if arguments.only in (None, "higgs"):
        report("H -> b bbar at rest", decay_observables(ours(n, None, False)), decay_observables(theirs(n, HIGGS)))
    signal = ["HiggsSM:qg2Hq = on", "25:onMode = on", "25:mayDecay = off"]
    for name, process, lines in (("qcd", QCD, ["HardQCD:all = on"]), ("signal", SIGNAL, signal)):
        if arguments.only not in (None, name):
            continue
        for initial in (False, True):
            report(f"{name}, {'both showers' if initial else 'final-state shower alone'}",
                   collision_observables(ours(n, process, initial)),
                   collision_observables(theirs(n, [*COLLISIONS, *lines, *switches(initial, True)])))


if __name__ == "__main__":
    main()

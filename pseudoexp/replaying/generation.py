"""The engine's stages as facts and tables: from the hard process to the decays."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import charge3, heavy_flavour
from pseudoexp.engines.builtin.hadrons import DECAYED, STABLE, Hadrons
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, REMNANT, VALENCE, Partons, Systems
from pseudoexp.engines.builtin.strings import Strings
from pseudoexp.engines.builtin.variations import NAMES
from pseudoexp.replaying.history import HIGGS_SYSTEM, Branching, History
from pseudoexp.replaying.kinematic import ENERGY, ETA, PHI, PT, eta_of, mass_of, phi_of, pt_of
from pseudoexp.replaying.names import name
from pseudoexp.replaying.story import Column, Fact, Stage, Table, Value

_NOT_TOLD = "engine {}: its stages before the event record are not followed"


def told_by_engine(history: History) -> dict[str, Stage]:
    """Return the stages of an event of the built-in engine, up to the decays."""
    return {"hard": _hard(history), "shower": _shower(history), "mpi": _activity(history), "remnants": _remnants(history),
            "strings": _strings(history), "hadrons": _hadrons(history), "decays": _decays(history)}


def _weights_table(history: History) -> Table:
    """Return the event's weights for other parameters."""
    rows: list[tuple[Value, ...]] = [(text, float(ratio), float(ratio * history.weight))
                                     for text, ratio in zip(NAMES, history.ratios, strict=True)]
    return Table("weights", "weights for other parameters (mcEventWeights)",
                 (Column("variation"), Column("ratio"), Column("weight", "pb")), rows)


def told_by_record(batch: EventBatch, engine: str) -> dict[str, Stage]:
    """Return the same stages as far as the event record knows them; `batch` holds one event."""
    missing = _NOT_TOLD.format(engine)
    rows: list[tuple[Value, ...]] = [(name(int(p[4])), pt_of(p), eta_of(p), phi_of(p), float(p[3])) for p in batch.partons[0]]
    hard = Stage("hard", [Fact("pthat", "pT-hat", float(batch.pthat[0]), "GeV"),
                          Fact("weight", "weight", float(batch.weight[0]), "pb")],
                 [Table("partons", "outgoing partons", (Column("parton"), PT, ETA, PHI, ENERGY), rows)])
    stages = {key: Stage(key, missing=missing) for key in ("shower", "mpi", "remnants", "strings", "hadrons")}
    return {"hard": hard, **stages, "decays": _record_decays(batch)}


def _flavours(partons: Partons, rows: tuple[int, ...]) -> str:
    return " ".join(name(partons.pdg_id[row]) for row in rows)


def _hard(history: History) -> Stage:
    partons, systems = history.partons["hard"], history.systems["hard"]
    x1, x2 = systems.x[0]
    rows: list[tuple[Value, ...]] = []
    for row, role in enumerate(("in, +z", "in, -z", "out", "out")):
        p = partons.p4[row]
        rows.append((row, role, name(partons.pdg_id[row]), pt_of(p), eta_of(p), phi_of(p), float(p[3]),
                     float(partons.mass[row]), int(partons.colour[row, 0]), int(partons.colour[row, 1])))
    columns = (Column("row"), Column("role"), Column("parton"), PT, ETA, PHI, ENERGY, Column("mass", "GeV"), Column("colour"),
               Column("anticolour"))
    return Stage("hard", [
        Fact("process", "scattering", f"{_flavours(partons, (0, 1))} -> {_flavours(partons, (2, 3))}"),
        Fact("x1", "x of the parton along +z", float(x1)), Fact("x2", "x of the parton along -z", float(x2)),
        Fact("mass", "mass of the scattering", 2.0 * BEAM_ENERGY * float(np.sqrt(x1 * x2)), "GeV"),
        Fact("pthat", "pT-hat", history.pthat, "GeV"),
        Fact("scale", "Q, where the densities are taken and the showers start", float(systems.scale[0]), "GeV"),
        Fact("weight", "weight", history.weight, "pb"),
        Fact("attempts", "attempts at the stages behind it", history.attempts),
    ], [Table("partons", "partons; equal tags are one colour line", columns, rows)])


def kind(branching: Branching) -> str:
    """Return a branching in words, such as ``g -> b bbar``; incoming partons from mother to daughter and sister."""
    one, first, second = (name(pdg_id) for pdg_id in branching.pdg_id)
    return f"{first} -> {one} {second}" if branching.initial else f"{one} -> {first} {second}"


def _place(branching: Branching) -> str:
    if branching.initial:
        return "ISR +z" if branching.p4[0, 2] > 0.0 else "ISR -z"
    return "Higgs" if branching.system == HIGGS_SYSTEM else "FSR"


def _energy_share(branching: Branching) -> float:
    if branching.initial:
        return float(branching.before[3] / branching.p4[0, 3])
    return float(branching.p4[0, 3] / (branching.p4[0, 3] + branching.p4[1, 3]))


def _branching_table(history: History, branchings: list[Branching]) -> Table:
    partons = history.partons["connected"]
    rows: list[tuple[Value, ...]] = []
    for number, b in enumerate(branchings, 1):
        recoiler = "all final" if b.recoiler < 0 else f"{b.recoiler} {name(partons.pdg_id[b.recoiler])}"
        rows.append((number, b.pt, _place(b), kind(b), _energy_share(b), b.row, b.made[0], b.made[1], recoiler, pt_of(b.p4[1]),
                     eta_of(b.p4[1]), phi_of(b.p4[1])))
    columns = (Column("nr"), Column("scale", "GeV"), Column("where"), Column("branching"), Column("z"), Column("row"),
               Column("to"), Column("and"), Column("recoiler"), PT, ETA, PHI)
    return Table("branchings", "branchings in their order; z: energy of daughter over mother; pT, eta, phi: of the emitted "
                 "parton or the sister", columns, rows)


def _final_table(partons: Partons, system: int) -> Table:
    rows = [row for row in range(len(partons.status)) if partons.status[row] == FINAL and partons.system[row] == system]
    rows.sort(key=lambda row: -pt_of(partons.p4[row]))
    lines: list[tuple[Value, ...]] = [
        (row, name(partons.pdg_id[row]), pt_of(partons.p4[row]), eta_of(partons.p4[row]), phi_of(partons.p4[row]),
         int(partons.colour[row, 0]), int(partons.colour[row, 1]), bool(partons.from_higgs[row])) for row in rows]
    columns = (Column("row"), Column("parton"), PT, ETA, PHI, Column("colour"), Column("anticolour"), Column("from Higgs"))
    return Table("partons", "final partons, by falling pT", columns, lines)


def _shower(history: History) -> Stage:
    own = [b for b in history.branchings if b.system in (0, HIGGS_SYSTEM)]
    after = "higgs" if "higgs" in history.partons else "mpi"
    partons, systems = history.partons[after], history.systems[after]
    pairs = Counter(kind(b) for b in own if not b.initial and b.pdg_id[0] == 21 and b.pdg_id[2] != 21)
    final = _final_table(partons, 0)
    return Stage("shower", [
        Fact("initial", "initial-state branchings", sum(b.initial for b in own)),
        Fact("final", "final-state branchings", sum(not b.initial and b.system == 0 for b in own)),
        Fact("higgs", "branchings of the Higgs boson's quarks", sum(b.system == HIGGS_SYSTEM for b in own)),
        Fact("pairs", "gluons split to quarks", ", ".join(f"{count} {text}" for text, count in pairs.items()) or "none"),
        Fact("incoming", "partons that enter now", _flavours(partons, tuple(systems.incoming[0]))),
        Fact("x1", "x along +z", float(systems.x[0, 0])), Fact("x2", "x along -z", float(systems.x[0, 1])),
        Fact("partons", "final partons", len(final.rows)),
    ], [_branching_table(history, own), final])


def _activity(history: History) -> Stage:
    partons, systems = history.partons["mpi"], history.systems["mpi"]
    rows: list[tuple[Value, ...]] = []
    for system in range(1, len(systems.scale)):
        own = [row for row in range(len(partons.status)) if partons.system[row] == system]
        of_system = [b for b in history.branchings if b.system == system]
        first = tuple(own[:4])
        final = int(sum(partons.status[row] == FINAL for row in own))
        rows.append((system, float(systems.scale[system]), f"{_flavours(partons, first[:2])} -> {_flavours(partons, first[2:])}",
                     float(systems.x[system, 0]), float(systems.x[system, 1]), sum(b.initial for b in of_system),
                     sum(not b.initial for b in of_system), final))
    taken = systems.x.sum(axis=0)
    columns = (Column("system"), PT, Column("scattering"), Column("x1"), Column("x2"), Column("initial branchings"),
               Column("final branchings"), Column("final partons"))
    return Stage("mpi", [
        Fact("scatterings", "further scatterings", len(rows)),
        Fact("taken1", "share of the momentum taken from the proton along +z", float(taken[0])),
        Fact("taken2", "and along -z", float(taken[1]))],
        [Table("scatterings", "further scatterings, by falling pT; x after their showers", columns, rows)])


def _remnants(history: History) -> Stage:
    partons, systems, kicks = history.partons["connected"], history.systems["remnants"], history.kicks
    rows: list[tuple[Value, ...]] = []
    for row in range(len(partons.status)):
        if partons.status[row] == REMNANT:
            p = partons.p4[row]
            rows.append((row, "+z" if p[2] > 0.0 else "-z", name(partons.pdg_id[row]), pt_of(p), phi_of(p), float(p[3]),
                         int(partons.colour[row, 0]), int(partons.colour[row, 1])))
    columns = (Column("row"), Column("side"), Column("remnant"), PT, PHI, ENERGY, Column("colour"), Column("anticolour"))
    return Stage("remnants", [
        Fact("valence", "systems that took a valence quark", _valence(systems)),
        Fact("kt1", "primordial kT of the hard parton along +z", pt_of(kicks[0, 0]), "GeV"),
        Fact("kt2", "and along -z", pt_of(kicks[1, 0]), "GeV"),
    ], [Table("remnants", "what is left of the protons", columns, rows)])


def _valence(systems: Systems) -> str:
    return ", ".join(f"{system} ({'+z' if side == 0 else '-z'})" for system, origin in enumerate(systems.origin)
                     for side in range(2) if origin[side] == VALENCE) or "none"


def _made_by(history: History) -> dict[int, range]:
    """Return the rows of the hadrons of each string."""
    ends = [*history.first_hadron, (-1, len(history.hadrons["primary"].status))]
    return {string: range(first, end) for (string, first), (_, end) in pairwise(ends)}


def _chain(strings: Strings, s: int) -> str:
    """Return the partons along a string, runs of gluons counted."""
    flavours = strings.flavour[strings.start[s]:strings.start[s] + strings.length[s]]
    if strings.closed[s]:
        return f"loop of {len(flavours)} g"
    gluons = len(flavours) - 2
    middle = f" {gluons} g" if gluons > 1 else " g" * gluons
    return f"{name(flavours[0])}{middle} {name(flavours[-1])}"


def _strings(history: History) -> Stage:
    before, after, strings = history.partons["remnants"], history.partons["reconnected"], history.strings
    assert strings is not None
    n = len(before.status)
    moved = int(((before.colour != after.colour[:n]).any(axis=1) & (after.status[:n] == FINAL)).sum())
    made, rows = _made_by(history), []
    for s in range(int(strings.filled[0])):
        place = slice(strings.start[s], strings.start[s] + strings.length[s])
        total = strings.p4[place].sum(axis=0)
        rows.append((s, _chain(strings, s), int(strings.length[s]), mass_of(total), pt_of(total), eta_of(total),
                     bool(strings.higgs[s]), len(made.get(s, ())), " ".join(str(row) for row in strings.row[place])))
    columns = (Column("string"), Column("from end to end"), Column("partons"), Column("mass", "GeV"), PT, ETA,
               Column("from Higgs"), Column("hadrons"), Column("rows"))
    return Stage("strings", [
        Fact("moved", "partons whose colours changed in the reconnection", moved),
        Fact("strings", "strings", len(rows)),
        Fact("closed", "closed gluon loops", int(strings.closed[:len(rows)].sum())),
        Fact("hadrons", "hadrons made", sum(len(r) for r in made.values())),
    ], [Table("strings", "strings, near partons joined", columns, rows)])


def _hadrons(history: History) -> Stage:
    hadrons, made = history.hadrons["primary"], _made_by(history)
    string_of = {row: s for s, rows in made.items() for row in rows}
    order = sorted(range(len(hadrons.status)), key=lambda row: -pt_of(hadrons.p4[row]))
    rows: list[tuple[Value, ...]] = [
        (row, name(hadrons.pdg_id[row]), pt_of(hadrons.p4[row]), eta_of(hadrons.p4[row]), phi_of(hadrons.p4[row]),
         float(hadrons.mass[row]), string_of.get(row, -1), bool(hadrons.from_higgs[row])) for row in order]
    counts = Counter(name(i) for i in hadrons.pdg_id)
    columns = (Column("row"), Column("hadron"), PT, ETA, PHI, Column("mass", "GeV"), Column("string"), Column("from Higgs"))
    return Stage("hadrons", [
        Fact("hadrons", "primary hadrons", len(rows)),
        Fact("charged", "charged ones", sum(charge3(int(i)) != 0 for i in hadrons.pdg_id)),
        Fact("heavy", "with b or c", ", ".join(name(i) for i in hadrons.pdg_id if heavy_flavour(int(i)) in (4, 5)) or "none"),
        Fact("most", "most frequent", ", ".join(f"{count} {text}" for text, count in counts.most_common(6))),
    ], [Table("hadrons", "primary hadrons, by falling pT", columns, rows)])


def _products(hadrons: Hadrons, row: int) -> str:
    return " ".join(name(hadrons.pdg_id[k]) for k in range(len(hadrons.status)) if hadrons.mother[k] == row)


def _decays(history: History) -> Stage:
    hadrons = history.hadrons["decayed"]
    rows: list[tuple[Value, ...]] = []
    for row in range(len(hadrons.status)):
        if hadrons.status[row] == DECAYED and heavy_flavour(int(hadrons.pdg_id[row])) > 0:
            p, flight = hadrons.p4[row], hadrons.decay_vertex[row] - hadrons.vertex[row]
            rows.append((row, name(hadrons.pdg_id[row]), int(hadrons.mother[row]), pt_of(p), eta_of(p),
                         float(np.sqrt((flight[:3] ** 2).sum())), float(np.hypot(*hadrons.decay_vertex[row, :2])),
                         float(flight[3]) * mass_of(p) / float(p[3]), _products(hadrons, row)))
    stable = hadrons.status == STABLE
    charged = sum(charge3(int(i)) != 0 for i in hadrons.pdg_id[stable])
    columns = (Column("row"), Column("particle"), Column("mother"), PT, ETA, Column("flight", "mm"), Column("radius", "mm"),
               Column("c tau", "mm"), Column("to"))
    return Stage("decays", [
        Fact("decays", "decays", int((~stable).sum())), Fact("particles", "stable particles", int(stable.sum())),
        Fact("charged", "charged ones", charged),
    ], [Table("heavy", "decays of particles with b, c or tau; radius: of the decay vertex", columns, rows),
        _weights_table(history)])


def _record_decays(batch: EventBatch) -> Stage:
    rows: list[tuple[Value, ...]] = []
    for row in range(len(batch.heavy_pdg_id)):
        p, vertex = batch.heavy_p4[row], batch.heavy_vertex[row]
        rows.append((row, name(batch.heavy_pdg_id[row]), int(batch.heavy_parent[row]), pt_of(p), eta_of(p),
                     float(np.sqrt((vertex[:3] ** 2).sum())), float(np.hypot(*vertex[:2])), bool(batch.heavy_from_higgs[row])))
    columns = (Column("row"), Column("particle"), Column("mother"), PT, ETA, Column("distance", "mm"), Column("radius", "mm"),
               Column("from Higgs"))
    charged = sum(charge3(int(i)) != 0 for i in batch.pdg_id)
    return Stage("decays", [Fact("particles", "stable particles", len(batch.pdg_id)), Fact("charged", "charged ones", charged)],
                 [Table("heavy", "weakly decaying particles with b, c or tau; distance: of the decay to the collision", columns,
                        rows)])

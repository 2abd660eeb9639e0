"""The stages of a Pythia8 event, read off Pythia's own record of it.

The record lists every copy of every particle with its mothers, daughters, colours and a status that says what made it: 21-23
the hard process, 31-33 further scatterings, 41-44 initial-state and 51-53 final-state branchings, 63 remnants, 71-79
partons before the strings break, 81-89 primary hadrons, 91-99 decays; negative when the particle is not final.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import charge3, heavy_flavour
from pseudoexp.engines import pythia8
from pseudoexp.engines.builtin.partons import BEAM_ENERGY
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.replaying.kinematic import ENERGY, ETA, PHI, PT, eta_of, mass_of, phi_of, pt_of
from pseudoexp.replaying.names import name
from pseudoexp.replaying.story import Column, Fact, Stage, Table, Value
from pseudoexp.replaying.watch import Arguments, Watch, watching

_IN, _MIDDLE, _OUT, _FURTHER_IN, _FURTHER_OUT = 21, 22, 23, 31, 33
_MOTHER, _SISTER, _BRANCHED, _RECOILER, _BEAM_RECOILER, _REMNANT = 41, 43, 51, 52, 53, 63
_INCOMING = (_MOTHER, 42, _BEAM_RECOILER, 61)
_LARGEST_CHAIN = 2000


class Record(NamedTuple):
    """Pythia's record of one event."""

    pdg_id: NDArray[np.int32]  # (rows,)
    status: NDArray[np.int32]  # (rows,)
    made: NDArray[np.int32]  # (rows,) absolute status
    mother: NDArray[np.int32]  # (rows, 2)
    daughter: NDArray[np.int32]  # (rows, 2)
    colour: NDArray[np.int32]  # (rows, 2)
    p4: NDArray[np.float64]  # (rows, 4) GeV
    scale: NDArray[np.float64]  # (rows,) GeV
    vertex: NDArray[np.float64]  # (rows, 4) of production [mm]
    info: dict[str, float]


def follow_pythia(process: int, seed: int, first: int, n: int, settings: EngineSettings) -> tuple[EventBatch, dict[str, Stage]]:
    """Make the events of a chunk up to number `first + n - 1`; return them and the stages of the last one."""
    kept: list[Any] = []

    def keep(got: Arguments, result: Any, note: Any) -> None:
        kept[:] = [got["array"]]

    with watching([Watch(pythia8, "flatten", keep)]):
        batch = pythia8.generate_chunk(process, seed, first, n, settings)
    record = _record(kept[0][-1])
    return batch, {
        "hard": _hard(record, float(batch.weight[-1])), "shower": _shower(record), "mpi": _activity(record),
        "remnants": _remnants(record), "strings": _strings(record), "hadrons": _hadrons(record), "decays": _decays(record)}


def _record(event: Any) -> Record:
    """Return Pythia's awkward record of one event as arrays."""
    rows, info = event.prt, event.info

    def ints(*names: str) -> NDArray[np.int32]:
        return np.stack([np.asarray(rows[key]) for key in names], axis=1)

    def four(values: Any) -> NDArray[np.float64]:
        return np.stack([np.asarray(values[key], np.float64) for key in ("px", "py", "pz", "e")], axis=1)

    vertex = np.array([(0.0,) * 4 if v is None else (v["px"], v["py"], v["pz"], v["e"]) for v in rows.vProd.to_list()])
    status = np.asarray(rows.status)
    return Record(np.asarray(rows.id), status, np.abs(status), ints("mother1", "mother2"), ints("daughter1", "daughter2"),
                  ints("col", "acol"), four(rows.p), np.asarray(rows.scale), vertex,
                  {key: float(info[key]) for key in ("x1", "x2", "Q2Fac", "mHat", "pT2Hat")})


def _words(record: Record, rows: Any) -> str:
    return " ".join(name(record.pdg_id[row]) for row in rows)


def _lines(record: Record, rows: Any) -> list[tuple[Value, ...]]:
    return [(int(row), name(record.pdg_id[row]), pt_of(record.p4[row]), eta_of(record.p4[row]), phi_of(record.p4[row]),
             float(record.p4[row, 3]), int(record.colour[row, 0]), int(record.colour[row, 1])) for row in rows]


_PARTON = (Column("row"), Column("parton"), PT, ETA, PHI, ENERGY, Column("colour"), Column("anticolour"))


def _hard(record: Record, weight: float) -> Stage:
    rows, info = np.flatnonzero((record.made >= _IN) & (record.made <= _OUT)), record.info
    return Stage("hard", [
        Fact("process", "scattering", f"{_words(record, rows[:2])} -> {_words(record, rows[2:4])}"),
        Fact("x1", "x of the parton along +z", info["x1"]), Fact("x2", "x of the parton along -z", info["x2"]),
        Fact("mass", "mass of the scattering", info["mHat"], "GeV"), Fact("pthat", "pT-hat", info["pT2Hat"]**0.5, "GeV"),
        Fact("scale", "Q, where the densities are taken", info["Q2Fac"]**0.5, "GeV"), Fact("weight", "weight", weight, "pb"),
    ], [Table("partons", "partons; equal tags are one colour line", _PARTON, _lines(record, rows[:4]))])


def _scattering(record: Record, row: int) -> int:
    """Return which scattering a parton belongs to: 0 the hard one, 1, 2, ... the further ones, -1 if it cannot be told."""
    for _ in range(_LARGEST_CHAIN):
        made = record.made[row]
        if made in (_IN, _MIDDLE, _OUT):
            return 0
        if made in (_FURTHER_IN, _FURTHER_OUT):
            return 1 + int((np.flatnonzero(record.made == _FURTHER_IN)[::2] < row).sum() - 1)
        if made in _INCOMING:
            row = record.daughter[row, 1 if made == _MOTHER else 0]
        else:
            row = record.mother[row, 0]
        if row <= 2:
            break
    return -1


def _branchings(record: Record) -> Iterator[tuple[Value, ...]]:
    """Yield scattering, scale, place, branching, rows, recoiler, and the emitted parton's pT, eta, phi, in Pythia's order."""
    for row in np.flatnonzero((record.made == _BRANCHED) | (record.made == _SISTER)):
        mother, p = int(record.mother[row, 0]), record.p4[row]
        told = (pt_of(p), eta_of(p), phi_of(p))
        if record.made[row] == _SISTER:
            place = "ISR +z" if record.p4[mother, 2] > 0.0 else "ISR -z"
            inward = int(next(d for d in record.daughter[mother] if d != row))
            words = f"{name(record.pdg_id[mother])} -> {_words(record, (inward, row))}"
            yield (_scattering(record, inward), float(record.scale[row]), place, words, inward, mother, int(row), "all final",
                   *told)
        elif record.made[row - 1] == _BRANCHED and record.mother[row - 1, 0] == mother:
            words = f"{name(record.pdg_id[mother])} -> {_words(record, (row - 1, row))}"
            after = row + 1
            recoiler = f"{after} {name(record.pdg_id[after])}" if record.made[after] in (_RECOILER, _BEAM_RECOILER) else ""
            yield (_scattering(record, mother), float(record.scale[row]), "FSR", words, mother, int(row - 1), int(row),
                   recoiler, *told)


def _shower(record: Record) -> Stage:
    branchings = list(_branchings(record))
    pairs = (str(b[3]) for b in branchings if b[2] == "FSR" and str(b[3]).startswith("g ->") and b[3] != "g -> g g")
    words = Counter(pairs)
    columns = (Column("nr"), Column("system"), Column("scale", "GeV"), Column("where"), Column("branching"), Column("row"),
               Column("to"), Column("and"), Column("recoiler"), PT, ETA, PHI)
    return Stage("shower", [
        Fact("initial", "initial-state branchings, of all scatterings", sum(b[2] != "FSR" for b in branchings)),
        Fact("final", "final-state branchings, of all scatterings", sum(b[2] == "FSR" for b in branchings)),
        Fact("pairs", "gluons split to quarks", ", ".join(f"{n} {text}" for text, n in words.items()) or "none"),
    ], [Table("branchings", "branchings in Pythia's order; pT, eta, phi: of the emitted parton or the sister", columns,
              [(number, *b) for number, b in enumerate(branchings, 1)])])


def _activity(record: Record) -> Stage:
    first = np.flatnonzero(record.made == _FURTHER_IN)[::2]
    rows: list[tuple[Value, ...]] = []
    for number, row in enumerate(first, 1):
        x, words = np.abs(record.p4[row:row + 2, 3]) / BEAM_ENERGY, [name(i) for i in record.pdg_id[row:row + 4]]
        scattering = f"{words[0]} {words[1]} -> {words[2]} {words[3]}"
        rows.append((number, float(record.scale[row]), scattering, float(x[0]), float(x[1])))
    columns = (Column("system"), PT, Column("scattering"), Column("x1"), Column("x2"))
    return Stage("mpi", [Fact("scatterings", "further scatterings", len(rows))],
                 [Table("scatterings", "further scatterings, by falling pT; x as they were drawn", columns, rows)])


def _remnants(record: Record) -> Stage:
    rows = np.flatnonzero(record.made == _REMNANT)
    return Stage("remnants", [Fact("remnants", "remnants", len(rows))],
                 [Table("remnants", "what is left of the protons", _PARTON, _lines(record, rows))])


def _strings(record: Record) -> Stage:
    primary = np.flatnonzero((record.made >= 81) & (record.made <= 89))
    found = Counter((int(a), int(b)) for a, b in record.mother[primary])
    rows: list[tuple[Value, ...]] = []
    for number, ((a, b), hadrons) in enumerate(found.items()):
        members = range(a, max(a, b) + 1)
        total = record.p4[list(members)].sum(axis=0)
        middle = len(members) - 2
        ends = _words(record, members) if middle < 2 else f"{name(record.pdg_id[a])} {middle} g {name(record.pdg_id[b])}"
        rows.append((number, ends, len(members), mass_of(total), pt_of(total), eta_of(total), hadrons, f"{a} to {b}"))
    columns = (Column("string"), Column("from end to end"), Column("partons"), Column("mass", "GeV"), PT, ETA, Column("hadrons"),
               Column("rows"))
    return Stage("strings", [Fact("strings", "strings", len(rows)), Fact("hadrons", "hadrons made", len(primary))],
                 [Table("strings", "strings, near partons joined", columns, rows)])


def _hadrons(record: Record) -> Stage:
    primary = np.flatnonzero((record.made >= 81) & (record.made <= 89))
    order = sorted(primary, key=lambda row: -pt_of(record.p4[row]))
    rows: list[tuple[Value, ...]] = [(*line[:5], mass_of(record.p4[int(line[0])])) for line in _lines(record, order)]
    counts = Counter(name(i) for i in record.pdg_id[primary])
    heavy = [name(i) for i in record.pdg_id[primary] if heavy_flavour(int(i)) in (4, 5)]
    return Stage("hadrons", [
        Fact("hadrons", "primary hadrons", len(primary)),
        Fact("charged", "charged ones", sum(charge3(int(i)) != 0 for i in record.pdg_id[primary])),
        Fact("heavy", "with b or c", ", ".join(heavy) or "none"),
        Fact("most", "most frequent", ", ".join(f"{count} {text}" for text, count in counts.most_common(6))),
    ], [Table("hadrons", "primary hadrons, by falling pT",
              (Column("row"), Column("hadron"), PT, ETA, PHI, Column("mass", "GeV")), rows)])


def _decays(record: Record) -> Stage:
    rows: list[tuple[Value, ...]] = []
    for row in np.flatnonzero(record.status < 0):
        if heavy_flavour(int(record.pdg_id[row])) == 0:
            continue
        p, (a, b) = record.p4[row], record.daughter[row]
        flight = record.vertex[a] - record.vertex[row]
        rows.append((int(row), name(record.pdg_id[row]), int(record.mother[row, 0]), pt_of(p), eta_of(p),
                     float(np.sqrt((flight[:3] ** 2).sum())), float(np.hypot(*record.vertex[a, :2])),
                     float(flight[3]) * mass_of(p) / float(p[3]), _words(record, range(a, max(a, b) + 1))))
    final = record.status > 0
    columns = (Column("row"), Column("particle"), Column("mother"), PT, ETA, Column("flight", "mm"), Column("radius", "mm"),
               Column("c tau", "mm"), Column("to"))
    return Stage("decays", [
        Fact("decays", "decays", int(((record.made > 80) & ~final).sum())),
        Fact("particles", "stable particles", int(final.sum())),
        Fact("charged", "charged ones", sum(charge3(int(i)) != 0 for i in record.pdg_id[final])),
    ], [Table("heavy", "decays of particles with b, c or tau; radius: of the decay vertex", columns, rows)])

"""Event records from HepMC text.

pyhepmc reads the text and hands out flat arrays; `descent` follows the graph. Momenta become GeV and positions mm, relative
to where the beams collide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.record import EventBatch
from pseudoexp.engines.hepmc.descent import CIRCLE, GOOD, PARTON, UNDECAYED, Descent, Graph, connect, descend
from pseudoexp.engines.hepmc.graph import BEAM, HARD, HARD_HIGGS
from pseudoexp.engines.hepmc.index import HEPMC3, Index, text_of
from pseudoexp.engines.hepmc.library import pyhepmc_module
from pseudoexp.engines.hepmc.writing import PT_HAT
from pseudoexp.errors import DataError, SchemaError

_WRONG = {
    CIRCLE: "its particles descend from themselves",
    UNDECAYED: "a b or c hadron or tau is final; allowed: files with their decays",
    PARTON: "a quark or gluon is final; allowed: files of hadrons",
}


def records(path: Path, index: Index, first: int, n: int) -> Iterator[EventBatch]:
    """Yield the records of events `first` to `first + n - 1` one by one, numbered from 0, with the weights of the file.

    Raises
    ------
    SchemaError
        If the text is not what HepMC's reader understands.
    DataError
        If an event is not complete down to stable particles.
    """
    module = pyhepmc_module()
    text = text_of(path, index, first, n)
    reader_of = module.io.ReaderAscii if index.form == HEPMC3 else module.io.ReaderAsciiHepMC2
    stream = module._core.stringstream(text)
    with _silence(module), reader_of(stream) as reader:
        for number in range(first, first + n):
            read, data = module.GenEvent(), module.GenEventData()
            if not reader.read_event(read) or reader.failed():
                raise SchemaError(f"{path}: event {number} cannot be read as HepMC")
            read.set_units(module.Units.GEV, module.Units.MM)
            read.write_data(data)
            if not _is_sound(data, read.numpy.vertices.id):
                raise SchemaError(f"{path}: event {number} names particles or vertices that it does not have")
            yield _record(_graph(data, read.numpy.vertices.id), data, _pt_hat(read), index.weights[number],
                          f"{path}: event {number}")


class _silence:
    """HepMC's own messages are kept off the screen: what goes wrong is raised here."""

    def __init__(self, module: Any) -> None:
        self._setup = module.Setup

    def __enter__(self) -> None:
        self._before = self._setup.print_errors, self._setup.print_warnings
        self._setup.print_errors, self._setup.print_warnings = False, False

    def __exit__(self, *error: object) -> None:
        self._setup.print_errors, self._setup.print_warnings = self._before


def _pt_hat(read: Any) -> float:
    """Return pT-hat [GeV] where the event says it, NaN elsewhere."""
    if PT_HAT not in read.attributes:
        return math.nan
    try:
        return float(read.attributes[PT_HAT].astype(str))
    except (TypeError, ValueError):
        return math.nan


def _is_sound(data: Any, vertex_id: NDArray[np.int32]) -> bool:
    """Return whether all links are between particles and vertices that are there: kernels do not ask again."""
    n, m = len(data.particles), len(data.vertices)
    one, other = np.asarray(data.links1, np.int64), np.asarray(data.links2, np.int64)
    particle, vertex = np.where(one > 0, one, other), np.where(one > 0, other, one)
    good = ((particle >= 1) & (particle <= n) & (vertex <= -1) & (vertex >= -m)).all()
    return bool(n and good and np.array_equal(np.sort(-np.asarray(vertex_id, np.int64)), np.arange(1, m + 1)))


def _graph(data: Any, vertex_id: NDArray[np.int32]) -> Graph:
    """Return the graph of HepMC's arrays; the reader keeps vertices in the order of the text, whatever their numbers."""
    particles, vertices = data.particles, data.vertices
    n, m = len(particles), len(vertices)
    position = np.empty((m, 4))
    position[-vertex_id - 1] = _four(vertices, ("x", "y", "z", "t"))
    made = Graph(
        pdg_id=particles["pid"].copy(), status=particles["status"].copy(), production=np.empty(n, np.int32),
        end=np.empty(n, np.int32), first_in=np.empty(m + 1, np.int32), incoming=np.empty(n, np.int32),
        first_out=np.empty(m + 1, np.int32), outgoing=np.empty(n, np.int32),
        position=position)
    connect(n, m, np.asarray(data.links1, np.int32), np.asarray(data.links2, np.int32), *made[2:8])
    return made


def _record(graph: Graph, data: Any, pt_hat: float, weight: float, where: str) -> EventBatch:
    """Return the record of an event; `where` is for messages."""
    n = len(graph.pdg_id)
    descent = Descent(np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.int32),
                      np.zeros(n, np.bool_))
    found = descend(graph, descent)
    if found != GOOD or not descent.stable.any():
        raise DataError(f"{where}: {_WRONG.get(found, 'no particle is final')}")
    p4 = _four(data.particles, ("px", "py", "pz", "e"))
    stable, heavy = np.flatnonzero(descent.stable), np.flatnonzero(descent.heavy)
    row = np.full(n + 1, -1, np.int32)  # the last entry is for "no ancestor"
    row[heavy] = np.arange(len(heavy))
    position = graph.position - _collision(graph)
    beginning = np.concatenate([position, np.zeros((1, 4))])  # of what comes out of no vertex
    partons, from_partons = _hard_partons(graph, p4)
    return EventBatch(
        event_number=np.zeros(1, np.int64), weight=np.array([weight]),
        pthat=np.array([from_partons if math.isnan(pt_hat) else pt_hat]), offsets=np.array([0, len(stable)]),
        heavy_offsets=np.array([0, len(heavy)]), p4=p4[stable], vertex=beginning[graph.production[stable]],
        pdg_id=graph.pdg_id[stable], heavy=row[descent.nearest[stable]], heavy_p4=p4[heavy],
        heavy_pdg_id=graph.pdg_id[heavy], heavy_vertex=position[graph.end[heavy]],
        heavy_parent=row[descent.nearest[heavy]], heavy_from_higgs=descent.from_higgs[heavy],
        higgs=_last_higgs(graph, p4)[None], partons=partons[None])


def _four(rows: Any, names: tuple[str, str, str, str]) -> NDArray[np.float64]:
    return np.stack([rows[name] for name in names], axis=1)


def _collision(graph: Graph) -> NDArray[np.float64]:
    """Return where the first beam particle ends; zeros without beams."""
    beams = np.flatnonzero((graph.status == BEAM) & (graph.end >= 0))
    return graph.position[graph.end[beams[0]]].copy() if len(beams) else np.zeros(4)


def _last_higgs(graph: Graph, p4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the momentum of the last copy of the Higgs boson, zeros without."""
    rows = np.flatnonzero(graph.pdg_id == species.HIGGS)
    parents = graph.production[rows]
    last = [k for k in rows if graph.end[k] < 0 or graph.end[k] not in parents]
    return p4[last[-1]] if last else np.zeros(4)


def _hard_partons(graph: Graph, p4: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the two partons of the hard process (2, 5) and their pT [GeV], zeros where the file does not mark them.

    Marked are, with Pythia8's status codes, two particles out of one vertex, the first that has such.
    """
    marked = np.flatnonzero((graph.status == HARD) | (graph.status == HARD_HIGGS))
    if len(marked):
        of_first = marked[graph.production[marked] == graph.production[marked[0]]]
        if len(of_first) == 2:
            partons = np.concatenate([p4[of_first], graph.pdg_id[of_first, None]], axis=1)
            return partons, float(np.hypot(partons[0, 0], partons[0, 1]))
    return np.zeros((2, 5)), 0.0

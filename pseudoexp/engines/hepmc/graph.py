"""An event record as a graph of particles and vertices.

The record knows stable particles, heavy hadrons and taus with their decay points, the hard partons and the Higgs boson;
the graph holds these and what has to stand between them::

    p p -> hard partons + UNRECORDED          (the beams' collision)
    hard parton(s) + UNRECORDED -> everything prompt
    H -> H -> heavy hadrons of the Higgs boson
    heavy -> its products
    pi0 or UNRECORDED -> products that begin elsewhere

What begins at one point away from its heavy ancestor's decay (or from the collision) gets a mother with the summed
momentum: a neutral pion where photons and leptons have its mass, else a particle without a name. So each vertex conserves
momentum but the last copy of the Higgs boson and, since the record does not say which prompt particles stem from it,
its decay and the vertex of all that is prompt in signal events.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.record import EventRecord

BEAM_ENERGY = 7000.0
BEAM, FINAL, DECAYED, UNNAMED, HARD_HIGGS, HARD, LAST_COPY = 4, 1, 2, 11, 22, 23, 62
"""Status codes: 1, 2 and 4 are HepMC's, the others those of Pythia8 and (11) of nobody."""
UNRECORDED = 81
"""Number of a particle that the record does not name; the numbering scheme leaves 81-100 to generators."""
_PION_WINDOW = 0.002


class Graph(NamedTuple):
    """Particles of an event; mothers stand before their daughters, stable particles last and in the record's order."""

    p4: NDArray[np.float64]  # (n, 4) px, py, pz, E [GeV]
    pdg_id: NDArray[np.int32]  # (n,)
    status: NDArray[np.int32]  # (n,)
    mothers: NDArray[np.int32]  # (n, 2) first and last mother, -1 without
    vertex: NDArray[np.float64]  # (n, 4) production point x, y, z, c*t [mm]


class _Rows:
    """The rows before the stable particles, appended one by one."""

    def __init__(self) -> None:
        self.p4: list[NDArray[np.float64]] = []
        self.codes: list[tuple[int, int, int, int]] = []
        self.vertex: list[NDArray[np.float64]] = []

    def add(self, p4: NDArray[np.float64], pdg_id: int, status: int, mothers: tuple[int, int],
            vertex: NDArray[np.float64]) -> int:
        """Append a particle, with the rows of its first and last mother; return its row."""
        self.p4.append(p4)
        self.codes.append((pdg_id, status, *mothers))
        self.vertex.append(vertex)
        return len(self.codes) - 1


def graph(record: EventRecord) -> Graph:
    """Return the graph of an event."""
    rows = _Rows()
    prompt, higgs = _hard_process(record, rows)
    heavy_rows: list[int] = []
    origin = np.zeros(4)
    for k in range(len(record.heavy_pdg_id)):
        parent = int(record.heavy_parent[k])
        mothers = prompt
        if parent >= 0:
            mothers = (heavy_rows[parent], -1)
        elif record.heavy_from_higgs[k] and higgs >= 0:
            mothers = (higgs, -1)
        start = record.heavy_vertex[parent] if parent >= 0 else origin
        heavy_rows.append(rows.add(record.heavy_p4[k], int(record.heavy_pdg_id[k]), DECAYED, mothers, start))
    first = np.array([prompt[0], *heavy_rows], np.int32)[record.heavy + 1]
    last = np.array([prompt[1], *(-1 for _ in heavy_rows)], np.int32)[record.heavy + 1]
    _unnamed_mothers(record, rows, first, last)
    codes = np.array(rows.codes, np.int32).reshape(-1, 4)
    stable = len(record.pdg_id)
    return Graph(
        p4=np.concatenate([np.array(rows.p4), record.p4]), pdg_id=np.concatenate([codes[:, 0], record.pdg_id]),
        status=np.concatenate([codes[:, 1], np.full(stable, FINAL, np.int32)]),
        mothers=np.concatenate([codes[:, 2:], np.stack([first, last], axis=1)]),
        vertex=np.concatenate([np.array(rows.vertex), record.vertex]))


def _hard_process(record: EventRecord, rows: _Rows) -> tuple[tuple[int, int], int]:
    """Append beams, hard partons and Higgs boson; return the mothers of what is prompt, and the row of the Higgs boson."""
    origin = np.zeros(4)
    rest = np.array([0.0, 0.0, 0.0, 2.0 * BEAM_ENERGY])
    for sign in (1.0, -1.0):
        pz = np.sqrt(BEAM_ENERGY**2 - species.PROTON_MASS**2)
        rows.add(np.array([0.0, 0.0, sign * pz, BEAM_ENERGY]), species.PROTON, BEAM, (-1, -1), origin)
    higgs = -1
    for parton in sorted(record.partons, key=lambda p: p[4] != species.HIGGS):
        if parton[3] > 0.0:
            is_higgs = parton[4] == species.HIGGS
            row = rows.add(parton[:4], int(parton[4]), HARD_HIGGS if is_higgs else HARD, (0, 1), origin)
            higgs = row if is_higgs else higgs
            rest = rest - parton[:4]
    last = rows.add(rest, UNRECORDED, UNNAMED, (0, 1), origin)
    first = higgs + 1 if higgs >= 0 else 2
    if record.higgs[3] > 0.0:
        higgs = rows.add(record.higgs, species.HIGGS, LAST_COPY, (higgs, -1) if higgs >= 0 else (0, 1), origin)
    return (first, last), higgs


def _unnamed_mothers(record: EventRecord, rows: _Rows, first: NDArray[np.int32], last: NDArray[np.int32]) -> None:
    """Give a mother to the stable particles that begin away from where their mother ends; update their mothers."""
    ends = np.concatenate([np.zeros((1, 4)), record.heavy_vertex])[record.heavy + 1]
    away = np.flatnonzero((record.vertex != ends).any(axis=1))
    if len(away) == 0:
        return
    keys = np.column_stack([record.heavy[away], record.vertex[away] + 0.0])
    _, start, group = np.unique(keys.view(f"V{keys.itemsize * keys.shape[1]}").ravel(), return_index=True,
                                return_inverse=True)
    order = np.argsort(np.argsort(start))  # groups in the order of their first particle
    group, start = order[group], np.sort(start)
    p4 = np.stack([np.bincount(group, record.p4[away, c]) for c in range(4)], axis=1)
    names = _names(np.abs(record.pdg_id[away]), group, np.asarray(p4, np.float64))
    own = np.zeros(len(start), np.int32)
    for k, i in enumerate(away[start]):
        own[k] = rows.add(p4[k], int(names[k]), DECAYED, (int(first[i]), int(last[i])), ends[i])
    first[away], last[away] = own[group], -1


def _names(pdg_id: NDArray[np.int32], group: NDArray[np.int64], p4: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the numbers of the mothers of the groups."""
    mass = np.sqrt(np.maximum(p4[:, 3]**2 - (p4[:, :3]**2).sum(axis=1), 0.0))
    light = (pdg_id == species.PHOTON) | (pdg_id == species.ELECTRON)
    others = np.bincount(group, ~light, len(p4))
    pion = (others == 0) & (np.bincount(group) > 1) & (abs(mass - species.PION_ZERO_MASS) < _PION_WINDOW)
    return np.where(pion, species.PION_ZERO, UNRECORDED).astype(np.int32)

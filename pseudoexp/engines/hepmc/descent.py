"""Who descends from whom in a graph of particles and vertices, whichever generator made it.

Vertices are visited mothers first, whatever their numbers. What this decides for every particle: is it stable for the
detector, is it one of the heavy particles of the event record, which heavy particle stands nearest above it, and does it
descend from a Higgs boson.

Stable are final particles and those with c*tau > 10 mm that the generator let decay (K0S, Lambda, charged kaons, ...): the
detector decays these itself, in its own field and material, so that what a generator put behind them is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.species import HIGGS, heavy_flavour

NO_VERTEX = -1
GOOD, CIRCLE, UNDECAYED, PARTON = 0, 1, 2, 3
"""What `descend` finds: all well, mothers that descend from their daughters, a final heavy hadron or tau, a final parton."""


class Graph(NamedTuple):
    """One event's particles and vertices, numbered from 0 in the order of the file."""

    pdg_id: NDArray[np.int32]  # (n,)
    status: NDArray[np.int32]  # (n,)
    production: NDArray[np.int32]  # (n,) vertex, NO_VERTEX without
    end: NDArray[np.int32]  # (n,) vertex, NO_VERTEX without
    first_in: NDArray[np.int32]  # (vertices + 1,) vertex v has the incoming particles incoming[first_in[v]:first_in[v + 1]]
    incoming: NDArray[np.int32]
    first_out: NDArray[np.int32]  # (vertices + 1,)
    outgoing: NDArray[np.int32]
    position: NDArray[np.float64]  # (vertices, 4) x, y, z, c*t [mm]; zeros where not set, filled by `descend`


class Descent(NamedTuple):
    """What becomes of the particles of an event."""

    behind: NDArray[np.bool_]  # (n,) descends from a stable particle
    stable: NDArray[np.bool_]  # (n,)
    heavy: NDArray[np.bool_]  # (n,) a heavy particle of the record
    nearest: NDArray[np.int32]  # (n,) the nearest heavy ancestor (as a particle), -1 without
    from_higgs: NDArray[np.bool_]  # (n,)


@kernel
def connect(n: int, vertices: int, links1: NDArray[np.int32], links2: NDArray[np.int32], production: NDArray[np.int32],
            end: NDArray[np.int32], first_in: NDArray[np.int32], incoming: NDArray[np.int32],
            first_out: NDArray[np.int32], outgoing: NDArray[np.int32]) -> None:
    """Fill a graph from HepMC's links: particle p > 0 into vertex v < 0, or vertex v < 0 to particle p > 0."""
    production[:n], end[:n] = NO_VERTEX, NO_VERTEX
    first_in[:], first_out[:] = 0, 0
    for k in range(len(links1)):
        if links1[k] > 0:
            end[links1[k] - 1] = -links2[k] - 1
        else:
            production[links2[k] - 1] = -links1[k] - 1
    for p in range(n):
        if end[p] >= 0:
            first_in[end[p] + 1] += 1
        if production[p] >= 0:
            first_out[production[p] + 1] += 1
    for v in range(vertices):
        first_in[v + 1] += first_in[v]
        first_out[v + 1] += first_out[v]
    filled_in, filled_out = first_in.copy(), first_out.copy()
    for p in range(n):
        v, w = end[p], production[p]
        if v >= 0:
            incoming[filled_in[v]] = p
            filled_in[v] += 1
        if w >= 0:
            outgoing[filled_out[w]] = p
            filled_out[w] += 1


@kernel
def order_of_vertices(graph: Graph, order: NDArray[np.int32]) -> bool:
    """Fill `order` with the vertices, those of mothers before those of daughters; False if there is a circle."""
    vertices = len(graph.position)
    missing = np.zeros(vertices, np.int32)
    count = 0
    for v in range(vertices):
        for k in range(graph.first_in[v], graph.first_in[v + 1]):
            missing[v] += graph.production[graph.incoming[k]] >= 0
        if missing[v] == 0:
            order[count] = v
            count += 1
    done = 0
    while done < count:
        v = order[done]
        done += 1
        for k in range(graph.first_out[v], graph.first_out[v + 1]):
            w = graph.end[graph.outgoing[k]]
            if w >= 0:
                missing[w] -= 1
                if missing[w] == 0:
                    order[count] = w
                    count += 1
    return count == vertices


@kernel
def _inherit_position(graph: Graph, v: int) -> None:
    """Give a vertex without a position that of the vertex above it."""
    for c in range(4):
        if graph.position[v, c] != 0.0:
            return
    for k in range(graph.first_in[v], graph.first_in[v + 1]):
        above = graph.production[graph.incoming[k]]
        if above >= 0:
            graph.position[v] = graph.position[above]
            return


@inline
def _is_copied(graph: Graph, p: int) -> bool:
    """Whether the particle ends in a vertex with another one of its kind: it only radiated or was shifted."""
    v, same = graph.end[p], False
    for k in range(graph.first_out[v], graph.first_out[v + 1]):
        same = same or graph.pdg_id[graph.outgoing[k]] == graph.pdg_id[p]
    return same


@inline
def _lives_long(pdg_id: int) -> bool:
    """Whether c*tau exceeds 10 mm, as far as such particles decay at all."""
    a = abs(pdg_id)
    if a == species.PION or a == species.KAON or a == species.K0_SHORT or a == species.K0_LONG or a == species.MUON:
        return True
    return a in (species.NEUTRON, species.LAMBDA, species.SIGMA_MINUS, species.SIGMA_PLUS, species.XI_MINUS,
                 species.XI_ZERO, species.OMEGA)


@inline
def _is_heavy(graph: Graph, p: int) -> bool:
    """Whether the particle is the last of its heavy flavour and decays."""
    flavour = heavy_flavour(graph.pdg_id[p])
    v = graph.end[p]
    if flavour == 0 or v < 0 or graph.first_out[v] == graph.first_out[v + 1]:
        return False
    for k in range(graph.first_out[v], graph.first_out[v + 1]):
        if heavy_flavour(graph.pdg_id[graph.outgoing[k]]) == flavour:
            return False
    return True


@inline
def _heavy_quark(pdg_id: int) -> int:
    """Return the b or c quark (positive) or antiquark (negative) of a quark or hadron, 0 without."""
    if abs(pdg_id) == species.BEAUTY or abs(pdg_id) == species.CHARM:
        return pdg_id
    flavour = heavy_flavour(pdg_id)
    if flavour == 0 or flavour == species.TAU:
        return 0
    sign = 1 if pdg_id > 0 else -1
    return -sign * flavour if flavour == species.BEAUTY and not species.is_baryon(pdg_id) else sign * flavour


@kernel
def _stems_from_higgs(graph: Graph, descent: Descent, v: int, p: int) -> bool:
    """Whether particle p out of vertex v stems from the Higgs boson.

    Where several particles enter (partons of a string), a heavy hadron stems from those that bring its quark.
    """
    quark = _heavy_quark(graph.pdg_id[p])
    found = of_quark = has_quark = False
    for k in range(graph.first_in[v], graph.first_in[v + 1]):
        mother = graph.incoming[k]
        stems = descent.from_higgs[mother] or graph.pdg_id[mother] == HIGGS
        found = found or stems
        if quark != 0 and _heavy_quark(graph.pdg_id[mother]) == quark:
            has_quark = True
            of_quark = of_quark or stems
    return of_quark if has_quark else found


@kernel
def _visit(graph: Graph, descent: Descent, v: int) -> None:
    """Pass on through a vertex what its incoming particles know."""
    nearest, behind = -1, False
    for k in range(graph.first_in[v], graph.first_in[v + 1]):
        mother = graph.incoming[k]
        behind = behind or descent.behind[mother] or descent.stable[mother]
        if nearest < 0:
            nearest = mother if descent.heavy[mother] else descent.nearest[mother]
    for k in range(graph.first_out[v], graph.first_out[v + 1]):
        p = graph.outgoing[k]
        descent.behind[p], descent.nearest[p] = behind, nearest
        descent.from_higgs[p] = _stems_from_higgs(graph, descent, v, p)
        _judge(graph, descent, p)


@inline
def _judge(graph: Graph, descent: Descent, p: int) -> None:
    """Decide whether a particle is stable or heavy; nothing behind a stable one is either."""
    if not descent.behind[p]:
        descent.heavy[p] = _is_heavy(graph, p)
        lives = graph.end[p] >= 0 and _lives_long(graph.pdg_id[p]) and not _is_copied(graph, p)
        descent.stable[p] = graph.status[p] == 1 or lives


@kernel
def descend(graph: Graph, descent: Descent) -> int:
    """Fill `descent` (all zeros before) and the positions of an event's vertices; return GOOD or what is wrong."""
    order = np.empty(len(graph.position), np.int32)
    if not order_of_vertices(graph, order):
        return CIRCLE
    for p in range(len(graph.pdg_id)):
        descent.nearest[p] = -1
        if graph.production[p] < 0:
            _judge(graph, descent, p)
    for k in range(len(order)):
        _inherit_position(graph, order[k])
        _visit(graph, descent, order[k])
    for p in range(len(graph.pdg_id)):
        if descent.stable[p]:
            a = abs(graph.pdg_id[p])
            if heavy_flavour(a) > 0:
                return UNDECAYED
            if a < 10 or a == species.GLUON or (1000 < a < 10_000 and (a // 10) % 10 == 0):
                return PARTON
    return GOOD

"""The calorimeter: energies in cells of three grids, and towers seen from the primary vertex.

Every visible particle is followed along its helix to the calorimeter's face, its response is drawn from a
log-normal distribution with the card's relative width (mean 1, never negative), and its shower is shared among the
cells next to the impact point with an exponential lateral profile. Only touched cells are remembered, so an event
costs what its particles cost and not what the grid holds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import asinh, atan2, exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import Towers
from pseudoexp.core.rng import STAGE_CALORIMETER, Stream, normal4, uniform4
from pseudoexp.detector import helix
from pseudoexp.detector.particles import ARC, COT_THETA, D0, KAPPA, PHI, Z0, Particles
from pseudoexp.detector.tables import CalorimeterTables

EM, HADRONIC, FORWARD_MINUS, FORWARD_PLUS = range(4)
"""Rows of `CalorimeterTables.grid`."""
ELECTROMAGNETIC_SHOWER, HADRON_IN_EM, HADRON_SHOWER = range(3)
"""Entries of `CalorimeterTables.width`."""
_MAX_TURN = 30.0  # a particle that turns further than this [rad] before an end plate is lost


class CalorimeterWorkspace(NamedTuple):
    """Cell energies; zero outside an event."""

    energy: NDArray[np.float64]  # (cells,) GeV
    touched: NDArray[np.int64]  # (cells,) numbers of the cells with energy, in order of first touch


def calorimeter_workspace(tables: CalorimeterTables) -> CalorimeterWorkspace:
    """Return the scratch space for a calorimeter."""
    cells = tables.position.shape[0]
    return CalorimeterWorkspace(np.zeros(cells), np.zeros(cells, np.int64))


def towers_workspace(capacity: int) -> Towers:
    """Return empty towers."""
    return Towers(np.zeros((capacity, 4)))


@kernel
def deposit_energies(particles: Particles, n: int, stream: Stream, tables: CalorimeterTables, radius: float,
                     half_length: float, ws: CalorimeterWorkspace) -> int:
    """Put the energies of all particles that reach the face into cells; return the number of touched cells."""
    touched = 0
    for i in range(n):
        if particles.end[i, 0] < math.inf:
            continue
        h = particles.helix[i]
        arc, reached = helix.arc_at_surface(h[D0], h[Z0], h[COT_THETA], h[KAPPA], radius, half_length, h[ARC])
        if not reached or abs(h[KAPPA]) * (arc - h[ARC]) > _MAX_TURN:
            continue
        x, y, z = helix.position(h[D0], h[Z0], h[PHI], h[COT_THETA], h[KAPPA], arc)
        eta = asinh(z / math.sqrt(x * x + y * y))
        if abs(eta) < tables.max_eta:
            touched = _shower(particles, i, eta, atan2(y, x), stream, tables, ws, touched)
    return touched


@kernel
def make_towers(touched: int, vertex: NDArray[np.float64], tables: CalorimeterTables, ws: CalorimeterWorkspace,
                towers: Towers) -> int:
    """Turn cells over threshold into massless towers seen from `vertex` and clear the cells; -1 without room."""
    n = 0
    for k in range(touched):
        cell = ws.touched[k]
        e = ws.energy[cell]
        ws.energy[cell] = 0.0
        if e < tables.threshold or n < 0:
            continue
        if n >= towers.p4.shape[0]:
            n = -1
            continue
        position, p4 = tables.position[cell], towers.p4[n]
        x, y, z = position[0] - vertex[0], position[1] - vertex[1], position[2] - vertex[2]
        scale = e / math.sqrt(x * x + y * y + z * z)
        p4[0], p4[1], p4[2], p4[3] = x * scale, y * scale, z * scale, e
        n += 1
    return n


@inline
def visible_energy(pdg_id: int, p4: NDArray[np.float64], nucleon_masses: bool) -> float:
    """Return the energy a particle can leave: E; E - m for baryons, E + m for antibaryons (annihilation)."""
    if not nucleon_masses or not species.is_baryon(pdg_id):
        return p4[3]
    mass = math.sqrt(max(p4[3] * p4[3] - p4[0] * p4[0] - p4[1] * p4[1] - p4[2] * p4[2], 0.0))
    return max(p4[3] - mass, 0.0) if pdg_id > 0 else p4[3] + mass


@inline
def response(e: float, stochastic: float, constant: float, normal: float) -> float:
    """Return a log-normal response with mean `e` and relative width stochastic/sqrt(e) (+) constant."""
    variance = stochastic * stochastic / e + constant * constant
    if variance <= 0.0:
        return e
    s2 = log(1.0 + variance)
    return e * exp(math.sqrt(s2) * normal - 0.5 * s2)


@inline
def _shower(particles: Particles, i: int, eta: float, phi: float, stream: Stream, tables: CalorimeterTables,
            ws: CalorimeterWorkspace, touched: int) -> int:
    """Share the energy of particle `i`, which enters at (eta, phi); return the new number of touched cells."""
    e = visible_energy(particles.pdg_id[i], particles.p4[i], tables.nucleon_masses)
    if e <= 0.0:
        return touched
    front, front_width, back = _portions(abs(particles.pdg_id[i]), e, eta, particles.item[i], stream, tables)
    grid = EM
    if abs(eta) >= tables.central_eta:
        grid = FORWARD_PLUS if eta > 0.0 else FORWARD_MINUS
    touched = _share(grid, eta, phi, front, front_width, tables, ws, touched)
    return _share(HADRONIC, eta, phi, back, tables.width[HADRON_SHOWER], tables, ws, touched)


@inline
def _portions(kind: int, e: float, eta: float, item: int, stream: Stream,
              tables: CalorimeterTables) -> tuple[float, float, float]:
    """Return the measured energy in the first grid, the shower's width there, and the energy in the hadronic grid.

    `kind` is the absolute PDG number. Forward of the central part there is one grid and it takes everything.
    """
    u = uniform4(stream, STAGE_CALORIMETER, item, 0)
    normal = normal4(stream, STAGE_CALORIMETER, item, 1)[0]
    forward = abs(eta) >= tables.central_eta
    if kind == species.MUON:
        deposit = min(tables.muon[0] + (tables.muon[1] - tables.muon[0]) * u[0], e)
        front = deposit if forward else min(tables.hadron[3], deposit)
        return front, 0.0, deposit - front
    electromagnetic = kind == species.PHOTON or kind == species.ELECTRON or kind == species.PION_ZERO
    r = tables.resolution[2 if forward else (0 if electromagnetic else 1)]
    e = response(e, r[0], r[1], normal)
    if forward:
        return e, tables.width[HADRON_SHOWER], 0.0
    if electromagnetic:
        return e, tables.width[ELECTROMAGNETIC_SHOWER], 0.0
    hadron = tables.hadron
    front = min(hadron[3], e) if u[0] < hadron[0] else e * (hadron[1] + (hadron[2] - hadron[1]) * u[1])
    return front, tables.width[HADRON_IN_EM], e - front


@inline
def _split(x: float, cells_per_unit: float, width: float) -> tuple[int, int, float]:
    """Return the cell of coordinate `x`, the step to the nearer neighbour and the share that leaks into it."""
    position = x * cells_per_unit
    cell = math.floor(position)
    inside = position - cell
    step = 1 if inside > 0.5 else -1
    edge = (1.0 - inside if inside > 0.5 else inside) / cells_per_unit
    leak = 0.5 * exp(-edge / width) if width > 0.0 else 0.0
    return int(cell), step, leak


@inline
def _share(g: int, eta: float, phi: float, e: float, width: float, tables: CalorimeterTables,
           ws: CalorimeterWorkspace, touched: int) -> int:
    """Put `e` into up to 2 x 2 cells of grid `g` around (eta, phi); return the new number of touched cells."""
    if e <= 0.0:
        return touched
    grid = tables.grid[g]
    first, n_eta, n_phi = int(grid[0]), int(grid[3]), int(grid[4])
    i, step_eta, leak_eta = _split(eta - grid[1], grid[2], width)
    j, step_phi, leak_phi = _split(phi + math.pi, grid[5], width)
    i = min(max(i, 0), n_eta - 1)
    if i + step_eta < 0 or i + step_eta >= n_eta:
        leak_eta = 0.0
        step_eta = 0
    j = j % n_phi
    j2 = (j + step_phi + n_phi) % n_phi
    row, row2 = first + i * n_phi, first + (i + step_eta) * n_phi
    touched = _add(row + j, e * (1.0 - leak_eta) * (1.0 - leak_phi), ws, touched)
    touched = _add(row2 + j, e * leak_eta * (1.0 - leak_phi), ws, touched)
    touched = _add(row + j2, e * (1.0 - leak_eta) * leak_phi, ws, touched)
    return _add(row2 + j2, e * leak_eta * leak_phi, ws, touched)


@inline
def _add(cell: int, e: float, ws: CalorimeterWorkspace, touched: int) -> int:
    if e <= 0.0:
        return touched
    if ws.energy[cell] == 0.0:
        ws.touched[touched] = cell
        touched += 1
    ws.energy[cell] += e
    return touched

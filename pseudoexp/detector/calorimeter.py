"""The calorimeter: energies in cells of three grids, and towers seen from the primary vertex.

Every visible particle is followed along its helix to the calorimeter's face, its response is drawn from a
log-normal distribution with the card's relative width (mean 1, never negative), and its shower is shared among the
cells next to the impact point with a triangular lateral profile. Only touched cells are remembered, so an event
costs what its particles cost and not what the grid holds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import atan2, exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import Towers
from pseudoexp.core.rng import STAGE_CALORIMETER, Stream, box_muller, fill_uniform4
from pseudoexp.detector import helix
from pseudoexp.detector.particles import (
    ARC,
    COT_THETA,
    D0,
    END_RADIUS,
    ITEM,
    KAPPA,
    PDG_ID,
    PT,
    PX,
    PY,
    PZ,
    Z0,
    E,
    Particles,
    X,
    Y,
    Z,
)
from pseudoexp.detector.tables import CalorimeterTables

EM, HADRONIC, FORWARD_MINUS, FORWARD_PLUS = range(4)
"""Rows of `CalorimeterTables.grid`."""
REGION_CELL, REGION_ETA, REGION_PHI = 0.2, 32, 32
"""A region of the calorimeter is told by 32 rows of 0.2 in eta around 0 (the outermost ones have no outer edge) with a
bit for each of 32 cells in phi, from -pi on."""
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
                     half_length: float, region: NDArray[np.int64], ws: CalorimeterWorkspace) -> int:
    """Put the energies of all particles that reach the face in `region` into cells; return the number of touched cells."""
    state, code, uniform = particles.state, particles.code, particles.uniform
    fill_uniform4(stream, STAGE_CALORIMETER, code, ITEM, n, 0, uniform)
    touched = 0
    for i in range(n):
        if state[i, END_RADIUS] < math.inf:
            continue
        cot_theta, kappa, start = state[i, COT_THETA], state[i, KAPPA], state[i, ARC]
        arc, reached = helix.arc_at_surface(state[i, D0], state[i, Z0], cot_theta, kappa, radius, half_length,
                                            start)
        if not reached or abs(kappa) * (arc - start) > _MAX_TURN:
            continue
        inverse_pt = 1.0 / state[i, PT]
        x, y, z = helix.advance(state[i, X], state[i, Y], state[i, Z], state[i, PX] * inverse_pt,
                                state[i, PY] * inverse_pt, cot_theta, kappa, arc - start)
        eta = _eta(z / math.sqrt(x * x + y * y))
        if abs(eta) >= tables.max_eta:
            continue
        phi = atan2(y, x)
        if not _in_region(region, eta, phi):
            continue
        pdg_id = code[i, PDG_ID]
        e = visible_energy(pdg_id, state, i, tables.nucleon_masses)
        if e <= 0.0:
            continue
        grid = EM
        if abs(eta) >= tables.central_eta:
            grid = FORWARD_PLUS if eta > 0.0 else FORWARD_MINUS
        u = (uniform[0, i], uniform[1, i], uniform[2, i], uniform[3, i])
        front, width, back = _portions(abs(pdg_id), e, grid != EM, u, tables)
        touched = _share(tables.grid, grid, eta, phi, front, width, ws, touched)
        if back > 0.0:
            touched = _share(tables.grid, HADRONIC, eta, phi, back, tables.hadron_width, ws, touched)
    return touched


@inline
def _in_region(region: NDArray[np.int64], eta: float, phi: float) -> bool:
    row = min(max(int(eta / REGION_CELL + REGION_ETA // 2), 0), REGION_ETA - 1)
    bit = min(int((phi + math.pi) * (REGION_PHI / (2.0 * math.pi))), REGION_PHI - 1)
    return (region[row] >> bit) & 1 == 1


@kernel
def make_towers(touched: int, vertex: NDArray[np.float64], tables: CalorimeterTables, ws: CalorimeterWorkspace,
                towers: Towers) -> int:
    """Turn cells over threshold into massless towers seen from `vertex`; clear all cells; -1 without room."""
    n = 0
    x0, y0, z0 = vertex[0], vertex[1], vertex[2]
    threshold2 = tables.threshold * tables.threshold
    for k in range(touched):
        cell = ws.touched[k]
        e = ws.energy[cell]
        ws.energy[cell] = 0.0
        if e < tables.threshold:
            continue
        x, y, z = tables.position[cell, 0] - x0, tables.position[cell, 1] - y0, tables.position[cell, 2] - z0
        scale = e / math.sqrt(x * x + y * y + z * z)
        if (x * x + y * y) * scale * scale < threshold2 or n < 0:
            continue
        if n >= towers.p4.shape[0]:
            n = -1
            continue
        towers.p4[n, 0], towers.p4[n, 1], towers.p4[n, 2], towers.p4[n, 3] = x * scale, y * scale, z * scale, e
        n += 1
    return n


@inline
def _eta(slope: float) -> float:
    """Return the pseudorapidity of z/r, to the precision that a cell needs."""
    return math.copysign(log(abs(slope) + math.sqrt(1.0 + slope * slope)), slope)


@inline
def visible_energy(pdg_id: int, state: NDArray[np.float64], i: int, nucleon_masses: bool) -> float:
    """Return the energy that particle `i` can leave: E; E - m for baryons, E + m for antibaryons (annihilation)."""
    e = state[i, E]
    if not nucleon_masses or abs(pdg_id) < 1000:
        return e
    if not species.is_baryon(pdg_id):
        return e
    mass2 = e * e - state[i, PT] * state[i, PT] - state[i, PZ] * state[i, PZ]
    mass = math.sqrt(max(mass2, 0.0))
    return max(e - mass, 0.0) if pdg_id > 0 else e + mass


@inline
def response(e: float, stochastic: float, constant: float, normal: float) -> float:
    """Return a log-normal response with mean `e`; the width of its logarithm is stochastic/sqrt(e) (+) constant."""
    variance = stochastic * stochastic / e + constant * constant
    return e * exp(math.sqrt(variance) * normal - 0.5 * variance)


@inline
def _portions(kind: int, e: float, forward: bool, u: tuple[float, float, float, float],
              tables: CalorimeterTables) -> tuple[float, float, float]:
    """Return the measured energy in the first grid, the shower's width there, and the energy in the hadronic grid.

    `kind` is the absolute PDG number. Forward of the central part there is one grid and it takes everything.
    """
    if kind == species.MUON:
        deposit = min(tables.muon_deposit_min + (tables.muon_deposit_max - tables.muon_deposit_min) * u[0], e)
        front = deposit if forward else min(tables.minimum_ionising_em, deposit)
        return front, 0.0, deposit - front
    normal = box_muller(u[2], u[3])
    if forward:
        return response(e, tables.forward_stochastic, tables.forward_constant, normal), tables.hadron_width, 0.0
    if kind == species.PHOTON or kind == species.ELECTRON or kind == species.PION_ZERO:
        return response(e, tables.em_stochastic, tables.em_constant, normal), tables.em_shower_width, 0.0
    e = response(e, tables.hadronic_stochastic, tables.hadronic_constant, normal)
    front = e * (tables.em_fraction_min + (tables.em_fraction_max - tables.em_fraction_min) * u[1])
    if u[0] < tables.late_shower:
        front = min(tables.minimum_ionising_em, e)
    return front, tables.hadron_em_width, e - front


@inline
def _leak(inside: float, size: float, width: float) -> float:
    """Return the share of a shower that leaks over the nearer edge of a cell.

    The profile is a triangle of half-width `width`, the shower at the share `inside` of a cell of a `size`.
    """
    if width <= 0.0:
        return 0.0
    rest = 1.0 - min(inside, 1.0 - inside) * size / width
    return 0.5 * rest * rest if rest > 0.0 else 0.0


@inline
def _share(grids: NDArray[np.float64], g: int, eta: float, phi: float, e: float, width: float,
           ws: CalorimeterWorkspace, touched: int) -> int:
    """Put `e` into up to 2 x 2 cells of grid `g` around (eta, phi); return the new number of touched cells."""
    n_eta, n_phi = int(grids[g, 3]), int(grids[g, 4])
    a, b = (eta - grids[g, 1]) * grids[g, 2], (phi + math.pi) * grids[g, 5]
    i, j = min(max(int(a), 0), n_eta - 1), min(max(int(b), 0), n_phi - 1)
    leak_eta = _leak(a - i, 1.0 / grids[g, 2], width)
    leak_phi = _leak(b - j, 1.0 / grids[g, 5], width)
    i2 = i + 1 if a - i > 0.5 else i - 1
    if i2 < 0 or i2 >= n_eta:
        leak_eta = 0.0
    j2 = j + 1 if b - j > 0.5 else j - 1
    j2 = 0 if j2 == n_phi else (n_phi - 1 if j2 < 0 else j2)
    first = int(grids[g, 0])
    touched = _add(first + i * n_phi + j, e * (1.0 - leak_eta) * (1.0 - leak_phi), ws, touched)
    if leak_eta > 0.0:
        touched = _add(first + i2 * n_phi + j, e * leak_eta * (1.0 - leak_phi), ws, touched)
    if leak_phi > 0.0:
        touched = _add(first + i * n_phi + j2, e * (1.0 - leak_eta) * leak_phi, ws, touched)
        if leak_eta > 0.0:
            touched = _add(first + i2 * n_phi + j2, e * leak_eta * leak_phi, ws, touched)
    return touched


@inline
def _add(cell: int, e: float, ws: CalorimeterWorkspace, touched: int) -> int:
    if ws.energy[cell] == 0.0:
        ws.touched[touched] = cell
        touched += 1
    ws.energy[cell] += e
    return touched

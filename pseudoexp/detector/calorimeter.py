"""The calorimeter: energies in cells of three grids, and towers seen from the primary vertex.

Every visible particle is followed along its helix to the calorimeter's face, its response is drawn from a
log-normal distribution with the card's relative width (mean 1, never negative), and its shower is shared among the
cells next to the impact point with a triangular lateral profile. Only touched cells are remembered, so an event
costs what its particles cost and not what the grid holds. Impact points, random numbers and responses are computed in
loops over all particles without a branch, which the compiler turns into vector instructions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.elementary import atan2, exp, log
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.layout import row_length
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
(_D0, _Z0, _COT, _KAPPA, _STEP, _X, _Y, _Z, _DX, _DY, _ETA, _PHI, _ENERGY, _STOCHASTIC, _CONSTANT, _HADRONIC, _FRONT,
 _BACK) = range(18)
_PARTICLE, _KIND, _GRID = range(3)
_WHOLE, _SPLIT, _MINIMUM = range(3)  # all in the first grid, shared with the hadronic one, a muon's


class CalorimeterWorkspace(NamedTuple):
    """Cell energies; zero outside an event."""

    energy: NDArray[np.float64]  # (cells,) GeV
    touched: NDArray[np.int64]  # (cells + 1,) numbers of the cells with energy, in order of first touch
    hits: NDArray[np.float64]  # (18, capacity) helices, then impact points and energies, of the particles that get there
    code: NDArray[np.int64]  # (3, capacity) their rows, kinds and grids


def calorimeter_workspace(tables: CalorimeterTables, capacity: int) -> CalorimeterWorkspace:
    """Return the scratch space for a calorimeter and up to `capacity` particles."""
    cells = tables.position.shape[0]
    length = row_length(capacity)
    return CalorimeterWorkspace(np.zeros(cells), np.zeros(cells + 1, np.int64), np.zeros((_BACK + 1, length)),
                                np.zeros((_GRID + 1, length), np.int64))


def towers_workspace(capacity: int) -> Towers:
    """Return empty towers."""
    return Towers(np.zeros((capacity, 4)), np.zeros(capacity, np.bool_))


@kernel
def deposit_energies(particles: Particles, n: int, stream: Stream, tables: CalorimeterTables, radius: float,
                     half_length: float, region: NDArray[np.int64], ws: CalorimeterWorkspace) -> int:
    """Put the energies of all particles that reach the face in `region` into cells; return the number of touched cells."""
    hits, uniform = ws.hits, particles.uniform
    m = _list(particles, n, ws)
    _steps(hits[_D0], hits[_Z0], hits[_COT], hits[_KAPPA], hits[_STEP], m, radius, half_length)
    _impacts(hits, m)
    m = _select(particles, m, tables, region, ws)
    fill_uniform4(stream, STAGE_CALORIMETER, particles.item, m, 0, uniform)
    _respond(hits[_ENERGY], hits[_STOCHASTIC], hits[_CONSTANT], uniform[2], uniform[3], hits[_BACK], m)
    _divide(hits[_BACK], hits[_HADRONIC], uniform[0], uniform[1], hits[_FRONT], m, tables)
    touched = 0
    for k in range(m):
        eta, phi, grid, kind = hits[_ETA, k], hits[_PHI, k], ws.code[_GRID, k], ws.code[_KIND, k]
        front, back = hits[_FRONT, k], hits[_BACK, k]
        width = tables.em_shower_width if grid == EM else tables.hadron_width
        if kind == _SPLIT:
            width = tables.hadron_em_width
        elif kind == _MINIMUM:
            width = 0.0
            front, back = _muon(hits[_ENERGY, k], grid != EM, uniform[0, k], tables)
        touched = _share(tables.grid, grid, eta, phi, front, width, ws, touched)
        if back > 0.0:
            touched = _share(tables.grid, HADRONIC, eta, phi, back, tables.hadron_width, ws, touched)
    return touched


@inline
def _list(particles: Particles, n: int, ws: CalorimeterWorkspace) -> int:
    """List where and how the particles that do not end before the face start; return their number."""
    state, hits = particles.state, ws.hits
    m = 0
    for i in range(n):
        if state[i, END_RADIUS] < math.inf:
            continue
        inverse_pt = 1.0 / state[i, PT]
        hits[_D0, m], hits[_Z0, m], hits[_COT, m] = state[i, D0], state[i, Z0], state[i, COT_THETA]
        hits[_KAPPA, m], hits[_STEP, m] = state[i, KAPPA], state[i, ARC]
        hits[_X, m], hits[_Y, m], hits[_Z, m] = state[i, X], state[i, Y], state[i, Z]
        hits[_DX, m], hits[_DY, m] = state[i, PX] * inverse_pt, state[i, PY] * inverse_pt
        ws.code[_PARTICLE, m] = i
        m += 1
    return m


@inline
def _steps(d0: NDArray[np.float64], z0: NDArray[np.float64], cot_theta: NDArray[np.float64], kappa: NDArray[np.float64],
           step: NDArray[np.float64], m: int, radius: float, half_length: float) -> None:
    """Replace the arcs in `step` by the transverse paths to the face [mm]; -1 for what does not get there."""
    for i in range(m):
        arc, reached = _flat_surface(d0[i], z0[i], cot_theta[i], kappa[i], radius, half_length, step[i])
        path = arc - step[i]
        step[i] = path if reached and not abs(kappa[i]) * path > _MAX_TURN else -1.0


@inline
def _impacts(hits: NDArray[np.float64], m: int) -> None:
    """Fill pseudorapidity and azimuth of the impact points. Short loops: each array in one is compared with all written."""
    x, y, z, dx, dy, step = hits[_X], hits[_Y], hits[_Z], hits[_DX], hits[_DY], hits[_STEP]
    kappa, cot_theta, eta, phi = hits[_KAPPA], hits[_COT], hits[_ETA], hits[_PHI]
    for i in range(m):
        dx[i], dy[i] = _flat_displacement(dx[i], dy[i], kappa[i], step[i])
    for i in range(m):
        x[i] = x[i] + dx[i]
    for i in range(m):
        y[i] = y[i] + dy[i]
    for i in range(m):
        z[i] = z[i] + step[i] * cot_theta[i]
    for i in range(m):
        eta[i] = _flat_eta(z[i] / math.sqrt(x[i] * x[i] + y[i] * y[i]))
    for i in range(m):
        phi[i] = _flat_atan2(y[i], x[i])


@inline
def _select(particles: Particles, m: int, tables: CalorimeterTables, region: NDArray[np.int64],
            ws: CalorimeterWorkspace) -> int:
    """Keep the hits in `region` of particles that can leave energy, with what their response needs; return their number."""
    hits, code = ws.hits, ws.code
    kept = 0
    for k in range(m):
        eta, phi = hits[_ETA, k], hits[_PHI, k]
        if hits[_STEP, k] < 0.0 or abs(eta) >= tables.max_eta or not _in_region(region, eta, phi):
            continue
        i = code[_PARTICLE, k]
        pdg_id = particles.code[i, PDG_ID]
        e = visible_energy(pdg_id, particles.state, i, tables.nucleon_masses)
        if e <= 0.0:
            continue
        a, kind, grid = abs(pdg_id), _SPLIT, EM
        stochastic, constant = tables.hadronic_stochastic, tables.hadronic_constant
        if abs(eta) >= tables.central_eta:
            kind, grid = _WHOLE, FORWARD_PLUS if eta > 0.0 else FORWARD_MINUS
            stochastic, constant = tables.forward_stochastic, tables.forward_constant
        elif a == species.PHOTON or a == species.ELECTRON or a == species.PION_ZERO:
            kind, stochastic, constant = _WHOLE, tables.em_stochastic, tables.em_constant
        if a == species.MUON:
            kind = _MINIMUM
        hits[_ETA, kept], hits[_PHI, kept], hits[_ENERGY, kept] = eta, phi, e
        hits[_STOCHASTIC, kept], hits[_CONSTANT, kept] = stochastic, constant
        hits[_HADRONIC, kept] = 1.0 if kind == _SPLIT else 0.0
        particles.item[kept], code[_KIND, kept], code[_GRID, kept] = particles.code[i, ITEM], kind, grid
        kept += 1
    return kept


@inline
def _respond(e: NDArray[np.float64], stochastic: NDArray[np.float64], constant: NDArray[np.float64],
             u: NDArray[np.float64], v: NDArray[np.float64], measured: NDArray[np.float64], m: int) -> None:
    """Draw the measured energies."""
    for k in range(m):
        measured[k] = _flat_response(e[k], stochastic[k], constant[k], _flat_box_muller(u[k], v[k]))


@inline
def _divide(measured: NDArray[np.float64], hadronic: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64],
            front: NDArray[np.float64], m: int, tables: CalorimeterTables) -> None:
    """Fill what of the measured energies is in the first grid; `measured` keeps the rest, which is in the hadronic one."""
    for k in range(m):
        share = measured[k] * (tables.em_fraction_min + (tables.em_fraction_max - tables.em_fraction_min) * v[k])
        share = min(tables.minimum_ionising_em, measured[k]) if u[k] < tables.late_shower else share
        front[k] = share if hadronic[k] > 0.0 else measured[k]
    for k in range(m):
        measured[k] = measured[k] - front[k]


@inline
def _in_region(region: NDArray[np.int64], eta: float, phi: float) -> bool:
    row = min(max(int(eta / REGION_CELL + REGION_ETA // 2), 0), REGION_ETA - 1)
    bit = min(int((phi + math.pi) * (REGION_PHI / (2.0 * math.pi))), REGION_PHI - 1)
    return (region[row] >> bit) & 1 == 1


@kernel
def make_towers(touched: int, vertex: NDArray[np.float64], tables: CalorimeterTables, ws: CalorimeterWorkspace,
                towers: Towers) -> int:
    """Turn cells over threshold into massless towers seen from `vertex`; clear all cells; -1 without room."""
    n = high = 0
    for k in range(touched):  # without a branch: most are below
        cell = ws.touched[k]
        e = ws.energy[cell]
        is_high = e >= tables.threshold
        ws.touched[high] = cell
        ws.energy[cell] = e if is_high else 0.0
        high += 1 if is_high else 0
    x0, y0, z0 = vertex[0], vertex[1], vertex[2]
    threshold2 = tables.threshold * tables.threshold
    first_hadronic, behind = tables.grid[HADRONIC, 0], tables.grid[FORWARD_MINUS, 0]
    for k in range(high):
        cell = ws.touched[k]
        e = ws.energy[cell]
        ws.energy[cell] = 0.0
        x, y, z = tables.position[cell, 0] - x0, tables.position[cell, 1] - y0, tables.position[cell, 2] - z0
        scale = e / math.sqrt(x * x + y * y + z * z)
        if (x * x + y * y) * scale * scale < threshold2 or n < 0:
            continue
        if n >= towers.p4.shape[0]:
            n = -1
            continue
        towers.p4[n, 0], towers.p4[n, 1], towers.p4[n, 2], towers.p4[n, 3] = x * scale, y * scale, z * scale, e
        towers.hadronic[n] = first_hadronic <= cell < behind
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
def _muon(e: float, forward: bool, u: float, tables: CalorimeterTables) -> tuple[float, float]:
    """Return what a muon leaves in the first and in the hadronic grid; forward there is one grid and it takes everything."""
    deposit = min(tables.muon_deposit_min + (tables.muon_deposit_max - tables.muon_deposit_min) * u, e)
    front = deposit if forward else min(tables.minimum_ionising_em, deposit)
    return front, deposit - front


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
    i2 = i2 if leak_eta > 0.0 else i
    touched = _add(first + i2 * n_phi + j, e * leak_eta * (1.0 - leak_phi), ws, touched)
    touched = _add(first + i * n_phi + j2, e * (1.0 - leak_eta) * leak_phi, ws, touched)
    return _add(first + i2 * n_phi + j2, e * leak_eta * leak_phi, ws, touched)


@inline
def _add(cell: int, e: float, ws: CalorimeterWorkspace, touched: int) -> int:
    """Add to a cell, which is remembered if this is its first energy; without a branch that could be mispredicted."""
    before = ws.energy[cell]
    ws.touched[touched] = cell
    ws.energy[cell] = before + e
    return touched + (1 if (before == 0.0) & (e > 0.0) else 0)


_flat_atan2, _flat_box_muller = flat(atan2), flat(box_muller)
_flat_surface, _flat_displacement = flat(helix.arc_at_surface), flat(helix.displacement)
_flat_eta, _flat_response = flat(_eta), flat(response)

"""SV1: one inclusive displaced vertex per jet.

The tracks of all two-track seeds go into one fit; the worst, whose removal lowers the chi-square most, is dropped
until the fit's probability and mass are acceptable (ATLAS, ATL-PHYS-PUB-2017-011). A vertex upstream of the primary
vertex, seen along the jet axis, or far beside that axis is not accepted, so the distance is given without a sign; with
the negative tag the two sides change places.
"""

from __future__ import annotations

import math

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.core.species import PION_MASS
from pseudoexp.flavour.chi2 import chi2_survival
from pseudoexp.flavour.two_track import (
    MAX_MASS,
    MAX_RADIUS,
    along_jet,
    direction_distance,
    distance_significance2,
    on_material,
)
from pseudoexp.flavour.vertex_fit import fit_vertex, momentum_at, start_at, worst_member
from pseudoexp.flavour.workspace import FlavourSettings, FlavourWorkspace

SV1_MASS, SV1_EFRAC, SV1_NTRK, SV1_L3D, SV1_SIG3D, SV1_DR = range(6)
"""Columns of the output: GeV, -, -, mm, -, -."""
MIN_PROBABILITY = 1e-3
MIN_SIGNIFICANCE = 3.0
TOLERANCE = 1e-6


@inline
def pion_energy(px: float, py: float, pz: float) -> float:
    """Return the energy [GeV] of a pion."""
    return math.sqrt(px * px + py * py + pz * pz + PION_MASS * PION_MASS)


@kernel
def associated_energy(tracks: Tracks, rows, count: int, workspace: FlavourWorkspace) -> float:
    """Return the energy [GeV] of all associated tracks as pions."""
    total = 0.0
    for i in range(count):
        px, py, pz = momentum_at(tracks, rows, workspace.helix, i, 0.0, 0.0)
        total += pion_energy(px, py, pz)
    return total


@kernel
def vertex_p4(tracks: Tracks, rows, members, count: int, workspace: FlavourWorkspace
              ) -> tuple[float, float, float, float]:
    """Return the summed px, py, pz, E [GeV] of the members as pions at `workspace.position`."""
    px = 0.0
    py = 0.0
    pz = 0.0
    e = 0.0
    for m in range(count):
        x, y, z = momentum_at(tracks, rows, workspace.helix, members[m], workspace.position[0], workspace.position[1])
        px += x
        py += y
        pz += z
        e += pion_energy(x, y, z)
    return px, py, pz, e


@kernel
def fit_inclusive(tracks: Tracks, rows, count: int, vertex: PrimaryVertex, workspace: FlavourWorkspace
                  ) -> tuple[int, float, float]:
    """Fit all seed tracks to one vertex, dropping the worst; return their number (0: no vertex), mass and energy."""
    members = workspace.members
    n = 0
    for i in range(count):
        if workspace.seeds[i] > 0:
            members[n] = i
            n += 1
    start_at(vertex.position, workspace)
    while n >= 2:
        chi2 = fit_vertex(tracks, rows, workspace.helix, members, n, TOLERANCE, workspace)
        px, py, pz, e = vertex_p4(tracks, rows, members, n, workspace)
        mass = math.sqrt(max(e * e - px * px - py * py - pz * pz, 0.0))
        if chi2 >= 0.0 and mass < MAX_MASS and chi2_survival(chi2, 2 * n - 3) > MIN_PROBABILITY:
            return n, mass, e
        worst = worst_member(tracks, rows, workspace.helix, members, n, workspace)
        if chi2 < 0.0:
            start_at(vertex.position, workspace)
        n -= 1
        for m in range(worst, n):
            members[m] = members[m + 1]
    return 0, 0.0, 0.0


@kernel
def sv1(tracks: Tracks, rows, count: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
        workspace: FlavourWorkspace, out) -> None:
    """Find the inclusive displaced vertex of a jet prepared by `prepare_jet`.

    Parameters
    ----------
    tracks, rows, count, jet_p4, vertex, settings, workspace
        As in `prepare_jet`.
    out : (6,) array
        Receives mass [GeV], energy fraction, tracks, 3-D distance [mm], its significance with the covariances of
        both vertices, dR(jet axis, flight direction); zeros without a vertex.
    """
    out[:] = 0.0
    n, mass, energy = fit_inclusive(tracks, rows, count, vertex, workspace)
    if n < 2:
        return
    v = workspace.position
    dx = settings.sign * (v[0] - vertex.position[0])
    dy = settings.sign * (v[1] - vertex.position[1])
    dz = settings.sign * (v[2] - vertex.position[2])
    significance = math.sqrt(max(
        distance_significance2(v, workspace.covariance, vertex, workspace.normal), 0.0))
    beside = not along_jet(v, jet_p4, vertex, settings.sign)
    outside = v[0] * v[0] + v[1] * v[1] > MAX_RADIUS * MAX_RADIUS
    material = on_material(v, workspace.covariance, settings.material_radii)
    if beside or outside or material or not significance > MIN_SIGNIFICANCE:
        return
    out[SV1_MASS] = mass
    out[SV1_EFRAC] = min(energy / associated_energy(tracks, rows, count, workspace), 1.0)
    out[SV1_NTRK] = n
    out[SV1_L3D] = math.sqrt(dx * dx + dy * dy + dz * dz)
    out[SV1_SIG3D] = significance
    out[SV1_DR] = direction_distance(dx, dy, dz, jet_p4[0], jet_p4[1], jet_p4[2])

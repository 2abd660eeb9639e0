"""Two-track vertices of displaced tracks, and what they must not be.

All pairs of displaced tracks in a jet are fitted. Pairs with the mass of a K0S, a Lambda or a photon conversion,
and pairs on a layer of material, mark both tracks as vetoed for SV1 and JetFitter; the remaining pairs that stand
clearly away from the primary vertex, downstream, are the seeds of SV1 (ATLAS, ATL-PHYS-PUB-2017-011).
"""

from __future__ import annotations

import math

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.flavour.impact_parameters import fill_helices, fill_impact
from pseudoexp.flavour.vertex_fit import fit_vertex, invert3, momentum_at
from pseudoexp.flavour.workspace import (
    DISPLACED,
    IP_CHI2,
    IP_D0,
    IP_Z0,
    KAPPA,
    NOT_DISPLACED,
    VETOED,
    FlavourSettings,
    FlavourWorkspace,
)

PAIR_PLAIN, PAIR_SEED, PAIR_KSHORT, PAIR_LAMBDA, PAIR_CONVERSION, PAIR_MATERIAL = range(6)
"""Codes of two-track vertices."""

M_PION, M_PROTON, M_ELECTRON = 0.13957039, 0.93827209, 0.00051099895
M_KSHORT, M_LAMBDA = 0.497611, 1.115683
MIN_PT = 0.5  # GeV
MAX_D0 = 8.0  # mm
MAX_Z0 = 3.0  # mm, times sin(theta)
MIN_CHI2_PRIMARY = 5.0  # of (d0, z0) to the primary vertex, 2 degrees of freedom
MAX_PAIR_CHI2 = 6.0  # 1 degree of freedom
MIN_SEED_SIGNIFICANCE = 3.0  # 3-D distance to the primary vertex
MAX_MASS = 6.0  # GeV
WINDOW_KSHORT, WINDOW_LAMBDA, MAX_MASS_CONVERSION = 0.022, 0.008, 0.03  # GeV
MIN_RADIUS2_CONVERSION = 400.0  # mm^2
MAX_RADIUS = 150.0  # mm
WINDOW_MATERIAL = 0.8  # mm
PAIR_TOLERANCE = 1e-4


@inline
def pair_mass2(ax: float, ay: float, az: float, ma: float, bx: float, by: float, bz: float, mb: float) -> float:
    """Return the squared invariant mass [GeV^2] of two momenta with masses ma and mb."""
    ea = math.sqrt(ax * ax + ay * ay + az * az + ma * ma)
    eb = math.sqrt(bx * bx + by * by + bz * bz + mb * mb)
    return ma * ma + mb * mb + 2.0 * (ea * eb - ax * bx - ay * by - az * bz)


@inline
def distance_significance2(position, covariance, vertex: PrimaryVertex, scratch) -> float:
    """Return the squared significance of the distance of a vertex to the primary vertex, full 3-D covariance."""
    for a in range(3):
        for b in range(3):
            scratch[a, b] = covariance[a, b] + vertex.covariance[a, b]
    dx = position[0] - vertex.position[0]
    dy = position[1] - vertex.position[1]
    dz = position[2] - vertex.position[2]
    if not invert3(scratch, scratch) > 0.0:
        return 0.0
    return (dx * (scratch[0, 0] * dx + 2.0 * scratch[0, 1] * dy + 2.0 * scratch[0, 2] * dz)
            + dy * (scratch[1, 1] * dy + 2.0 * scratch[1, 2] * dz) + scratch[2, 2] * dz * dz)


@kernel
def on_material(x: float, y: float, radii) -> bool:
    """Whether the transverse radius of a vertex lies in one of the material layers."""
    radius = math.sqrt(x * x + y * y)
    for k in range(radii.shape[0]):
        if abs(radius - radii[k]) < WINDOW_MATERIAL:
            return True
    return False


@kernel
def classify_pair(tracks: Tracks, rows, i: int, j: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
                  workspace: FlavourWorkspace) -> tuple[int, float]:
    """Return the PAIR_* code of the fitted vertex of slots i and j, and its mass with two pions [GeV]."""
    helix = workspace.helix
    v = workspace.position
    ax, ay, az = momentum_at(tracks, rows, helix, i, v[0], v[1])
    bx, by, bz = momentum_at(tracks, rows, helix, j, v[0], v[1])
    mass = math.sqrt(pair_mass2(ax, ay, az, M_PION, bx, by, bz, M_PION))
    dx = v[0] - vertex.position[0]
    dy = v[1] - vertex.position[1]
    dz = v[2] - vertex.position[2]
    significance2 = distance_significance2(v, workspace.covariance, vertex, workspace.normal)
    if significance2 < MIN_SEED_SIGNIFICANCE * MIN_SEED_SIGNIFICANCE:
        return PAIR_PLAIN, mass
    if helix[i, KAPPA] * helix[j, KAPPA] < 0.0:
        if abs(mass - M_KSHORT) < WINDOW_KSHORT:
            return PAIR_KSHORT, mass
        first_heavier = ax * ax + ay * ay + az * az > bx * bx + by * by + bz * bz
        ma = M_PROTON if first_heavier else M_PION
        mb = M_PION if first_heavier else M_PROTON
        if abs(math.sqrt(pair_mass2(ax, ay, az, ma, bx, by, bz, mb)) - M_LAMBDA) < WINDOW_LAMBDA:
            return PAIR_LAMBDA, mass
        light = pair_mass2(ax, ay, az, M_ELECTRON, bx, by, bz, M_ELECTRON)
        if light < MAX_MASS_CONVERSION * MAX_MASS_CONVERSION and v[0] * v[0] + v[1] * v[1] > MIN_RADIUS2_CONVERSION:
            return PAIR_CONVERSION, mass
    if on_material(v[0], v[1], settings.material_radii):
        return PAIR_MATERIAL, mass
    downstream = settings.sign * (dx * jet_p4[0] + dy * jet_p4[1] + dz * jet_p4[2])
    flight = settings.sign * (dx * (ax + bx) + dy * (ay + by) + dz * (az + bz))
    inside = v[0] * v[0] + v[1] * v[1] < MAX_RADIUS * MAX_RADIUS
    if downstream > 0.0 and flight > 0.0 and mass < MAX_MASS and inside:
        return PAIR_SEED, mass
    return PAIR_PLAIN, mass


@kernel
def select_displaced(tracks: Tracks, rows, count: int, workspace: FlavourWorkspace) -> None:
    """Set `workspace.status` to DISPLACED for tracks that miss the primary vertex but stay within reach of it."""
    for i in range(count):
        ip = workspace.impact[i]
        displaced = (ip[IP_CHI2] > MIN_CHI2_PRIMARY and abs(ip[IP_D0]) < MAX_D0 and abs(ip[IP_Z0]) < MAX_Z0
                     and tracks.pt[rows[i]] > MIN_PT)
        workspace.status[i] = DISPLACED if displaced else NOT_DISPLACED
        workspace.seeds[i] = 0


@kernel
def fit_pairs(tracks: Tracks, rows, count: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
              workspace: FlavourWorkspace) -> int:
    """Fit all pairs of displaced tracks; list those with an acceptable chi-square, mark vetoed tracks.

    Returns the number of listed pairs, -1 when there are more than the workspace holds.
    """
    members = workspace.members
    n = 0
    for j in range(count):
        for i in range(j):
            if workspace.status[i] == NOT_DISPLACED or workspace.status[j] == NOT_DISPLACED:
                continue
            members[0] = i
            members[1] = j
            workspace.position[:] = vertex.position
            chi2 = fit_vertex(tracks, rows, workspace.helix, members, 2, PAIR_TOLERANCE, workspace)
            if chi2 < 0.0 or chi2 > MAX_PAIR_CHI2:
                continue
            if n >= workspace.pair.shape[0]:
                return -1
            code, mass = classify_pair(tracks, rows, i, j, jet_p4, vertex, settings, workspace)
            if code >= PAIR_KSHORT:
                workspace.status[i] = VETOED
                workspace.status[j] = VETOED
            workspace.pair[n, 0] = i
            workspace.pair[n, 1] = j
            workspace.pair[n, 2] = code
            workspace.pair_mass[n] = mass
            workspace.pair_vertex[n] = workspace.position
            n += 1
    return n


@kernel
def prepare_jet(tracks: Tracks, rows, count: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
                workspace: FlavourWorkspace) -> int:
    """Fill the workspace for one VR jet: helices, impact parameters, two-track vertices, seeds.

    Parameters
    ----------
    tracks, rows, count
        The associated tracks are `rows[:count]` (int32).
    jet_p4 : (4,) array
        px, py, pz, E of the VR jet [GeV], the axis of all lifetime signs.
    vertex : PrimaryVertex
        The fitted primary vertex.
    settings, workspace
        From `flavour_settings` and `flavour_workspace`.

    Returns
    -------
    int
        0, or -1 when the workspace is too small.
    """
    if count > workspace.helix.shape[0]:
        return -1
    fill_helices(tracks, rows, count, settings.bz, workspace.helix)
    fill_impact(tracks, rows, count, jet_p4, vertex, settings, workspace)
    select_displaced(tracks, rows, count, workspace)
    pairs = fit_pairs(tracks, rows, count, jet_p4, vertex, settings, workspace)
    if pairs < 0:
        return -1
    workspace.pair_count[0] = pairs
    for k in range(pairs):
        i = workspace.pair[k, 0]
        j = workspace.pair[k, 1]
        if workspace.pair[k, 2] == PAIR_SEED and workspace.status[i] == DISPLACED and workspace.status[j] == DISPLACED:
            workspace.seeds[i] += 1
            workspace.seeds[j] += 1
    return 0

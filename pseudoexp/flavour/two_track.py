"""Two-track vertices of displaced tracks, and what they must not be.

All pairs of displaced tracks in a jet are fitted. Pairs with the mass of a K0S or a Lambda, and photon conversions,
veto both tracks for SV1 and JetFitter. Pairs on a layer of material mark theirs, which SV1 and JetFitter may still
use with others: many b hadrons decay as far out. The remaining pairs that stand clearly away from the primary vertex,
downstream and near the jet axis, where both tracks can have begun (`hit_pattern`), are the seeds of SV1 (ATLAS,
ATL-PHYS-PUB-2017-011).
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import asinh, atan2
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_r
from pseudoexp.core.reconstructed import PrimaryVertex, Tracks
from pseudoexp.core.species import K0_MASS, LAMBDA_MASS, PION_MASS, PROTON_MASS
from pseudoexp.flavour.conversions import is_conversion
from pseudoexp.flavour.hit_pattern import fill_origins, may_begin_at
from pseudoexp.flavour.impact_parameters import fill_helices, fill_impact
from pseudoexp.flavour.vertex_fit import fit_vertex, invert3, momentum_at, start_at
from pseudoexp.flavour.workspace import (
    DISPLACED,
    IP_CHI2,
    IP_D0,
    IP_Z0,
    KAPPA,
    MATERIAL,
    NOT_DISPLACED,
    VETOED,
    FlavourSettings,
    FlavourWorkspace,
)

PAIR_PLAIN, PAIR_SEED, PAIR_MATERIAL, PAIR_KSHORT, PAIR_LAMBDA = range(5)
"""Codes of two-track vertices; conversions are found without a fit and not listed."""

MIN_PT = 0.5  # GeV
MIN_SEED_PT = 0.7  # GeV
MAX_D0 = 8.0  # mm
MAX_Z0 = 3.0  # mm, times sin(theta)
MIN_CHI2_PRIMARY = 9.0  # of (d0, z0) to the primary vertex, 2 degrees of freedom
MAX_PAIR_CHI2 = 6.0  # 1 degree of freedom
MIN_SEED_SIGNIFICANCE = 5.0  # 3-D distance to the primary vertex
MAX_SEED_DR = 0.35  # between flight direction and jet axis
MAX_MASS = 6.0  # GeV
WINDOW_KSHORT, WINDOW_LAMBDA = 0.012, 0.006  # GeV
MAX_RADIUS = 150.0  # mm
MATERIAL_SIGMAS, MIN_WINDOW_MATERIAL, MAX_WINDOW_MATERIAL = 2.0, 0.4, 1.5  # of the radius; mm, mm
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


@inline
def radius_error(position, covariance) -> float:
    """Return the error [mm] of a vertex's distance to the z axis."""
    x = position[0]
    y = position[1]
    variance = x * x * covariance[0, 0] + 2.0 * x * y * covariance[0, 1] + y * y * covariance[1, 1]
    return math.sqrt(max(variance, 0.0) / max(x * x + y * y, 1e-12))


@inline
def direction_distance(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    """Return dR in (eta, phi) between two directions; 0 when one has no transverse part."""
    at = math.sqrt(ax * ax + ay * ay)
    bt = math.sqrt(bx * bx + by * by)
    if not (at > 0.0 and bt > 0.0):
        return 0.0
    return delta_r(asinh(az / at), atan2(ay, ax), asinh(bz / bt), atan2(by, bx))


@kernel
def on_material(position, covariance, radii) -> bool:
    """Whether the transverse radius of a vertex agrees with one of the material layers, given its error."""
    radius = math.sqrt(position[0] * position[0] + position[1] * position[1])
    window = min(max(MATERIAL_SIGMAS * radius_error(position, covariance), MIN_WINDOW_MATERIAL), MAX_WINDOW_MATERIAL)
    found = False
    for k in range(radii.shape[0]):
        found = found or abs(radius - radii[k]) < window
    return found


@kernel
def classify_pair(tracks: Tracks, rows, i: int, j: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
                  workspace: FlavourWorkspace) -> tuple[int, float]:
    """Return the PAIR_* code of the fitted vertex of slots i and j, and its mass with two pions [GeV]."""
    helix = workspace.helix
    v = workspace.position
    ax, ay, az = momentum_at(tracks, rows, helix, i, v[0], v[1])
    bx, by, bz = momentum_at(tracks, rows, helix, j, v[0], v[1])
    mass = math.sqrt(pair_mass2(ax, ay, az, PION_MASS, bx, by, bz, PION_MASS))
    dx = v[0] - vertex.position[0]
    dy = v[1] - vertex.position[1]
    dz = v[2] - vertex.position[2]
    significance2 = distance_significance2(v, workspace.covariance, vertex, workspace.normal)
    if significance2 < MIN_SEED_SIGNIFICANCE * MIN_SEED_SIGNIFICANCE:
        return PAIR_PLAIN, mass
    if helix[i, KAPPA] * helix[j, KAPPA] < 0.0:
        if abs(mass - K0_MASS) < WINDOW_KSHORT:
            return PAIR_KSHORT, mass
        first_heavier = ax * ax + ay * ay + az * az > bx * bx + by * by + bz * bz
        ma = PROTON_MASS if first_heavier else PION_MASS
        mb = PION_MASS if first_heavier else PROTON_MASS
        if abs(math.sqrt(pair_mass2(ax, ay, az, ma, bx, by, bz, mb)) - LAMBDA_MASS) < WINDOW_LAMBDA:
            return PAIR_LAMBDA, mass
    if on_material(v, workspace.covariance, settings.material_radii):
        return PAIR_MATERIAL, mass
    flight = settings.sign * (dx * (ax + bx) + dy * (ay + by) + dz * (az + bz))
    if flight > 0.0 and mass < MAX_MASS and is_seed(tracks, rows, i, j, jet_p4, vertex, settings, workspace):
        return PAIR_SEED, mass
    return PAIR_PLAIN, mass


@kernel
def is_seed(tracks: Tracks, rows, i: int, j: int, jet_p4, vertex: PrimaryVertex, settings: FlavourSettings,
            workspace: FlavourWorkspace) -> bool:
    """Whether the fitted vertex of slots i and j stands where a decay of a hadron of the jet can stand."""
    v = workspace.position
    if min(tracks.pt[rows[i]], tracks.pt[rows[j]]) < MIN_SEED_PT:
        return False
    if not along_jet(v, jet_p4, vertex, settings.sign):
        return False
    radius2 = v[0] * v[0] + v[1] * v[1]
    if radius2 > MAX_RADIUS * MAX_RADIUS:
        return False
    radius = math.sqrt(radius2)
    sigma = radius_error(v, workspace.covariance)
    return may_begin_at(radius, sigma, i, workspace) and may_begin_at(radius, sigma, j, workspace)


@kernel
def along_jet(position, jet_p4, vertex: PrimaryVertex, sign: float) -> bool:
    """Whether a vertex lies downstream of the primary vertex (upstream for sign -1), near the jet axis."""
    dx = sign * (position[0] - vertex.position[0])
    dy = sign * (position[1] - vertex.position[1])
    dz = sign * (position[2] - vertex.position[2])
    if dx * jet_p4[0] + dy * jet_p4[1] + dz * jet_p4[2] <= 0.0:
        return False
    return direction_distance(dx, dy, dz, jet_p4[0], jet_p4[1], jet_p4[2]) < MAX_SEED_DR


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
            first = workspace.status[i] != NOT_DISPLACED
            second = workspace.status[j] != NOT_DISPLACED
            if (first or second) and is_conversion(tracks, rows, workspace.helix, i, j, vertex):
                workspace.status[i] = VETOED
                workspace.status[j] = VETOED
                continue
            if not (first and second):
                continue
            members[0] = i
            members[1] = j
            start_at(vertex.position, workspace)
            chi2 = fit_vertex(tracks, rows, workspace.helix, members, 2, PAIR_TOLERANCE, workspace)
            if chi2 < 0.0 or chi2 > MAX_PAIR_CHI2:
                continue
            if n >= workspace.pair.shape[0]:
                return -1
            code, mass = classify_pair(tracks, rows, i, j, jet_p4, vertex, settings, workspace)
            if code >= PAIR_MATERIAL:
                status = MATERIAL if code == PAIR_MATERIAL else VETOED
                workspace.status[i] = max(workspace.status[i], status)
                workspace.status[j] = max(workspace.status[j], status)
            workspace.pair[n, 0] = i
            workspace.pair[n, 1] = j
            workspace.pair[n, 2] = code
            workspace.pair_mass[n] = mass
            for c in range(3):
                workspace.pair_vertex[n, c] = workspace.position[c]
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
    fill_origins(tracks, rows, count, settings, workspace)
    pairs = fit_pairs(tracks, rows, count, jet_p4, vertex, settings, workspace)
    if pairs < 0:
        return -1
    workspace.pair_count[0] = pairs
    for k in range(pairs):
        i = workspace.pair[k, 0]
        j = workspace.pair[k, 1]
        if workspace.pair[k, 2] == PAIR_SEED and max(workspace.status[i], workspace.status[j]) < VETOED:
            workspace.seeds[i] += 1
            workspace.seeds[j] += 1
    return 0

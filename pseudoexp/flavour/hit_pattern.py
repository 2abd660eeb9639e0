"""Where a track can have begun, judged by how well it is measured.

A particle born beyond a layer leaves no hit there, and the track's reported sigma(d0) grows with the radius of its
first hit. The ratio of sigma(d0) to that of a track of the same pT and pseudorapidity with all hits thus bounds the
radius of its production, as the pattern of hits does in ATLAS (vertices of tracks with hits inside the vertex are
rejected). Crowded cores widen sigma(d0), too; the tracks next to one tell by how much at most.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_phi
from pseudoexp.core.reconstructed import D0, PHI, Tracks
from pseudoexp.detector.tables import RESOLUTION_ETA_STEP, RESOLUTION_LN_PT_MIN, RESOLUTION_LN_PT_STEP
from pseudoexp.flavour.workspace import NOT_DISPLACED, FlavourSettings, FlavourWorkspace

TOLERANCE = 1.1
"""By how much the ratio may be off: sigma depends on the true pT, the ratio on the measured one."""
UNSEEN_NEIGHBOURS = 3.0
"""Charged particles next to a track that may have no track themselves."""
MARGIN = 3.0  # mm, beside two standard deviations of a vertex's radius


@inline
def expected_sigma_d0(pt: float, abs_eta: float, settings: FlavourSettings) -> float:
    """Return sigma(d0) [mm] of a track with all its hits, alone; bilinear in ln pT and |eta|."""
    grid = settings.sigma_d0
    a = min(max((log(pt) - RESOLUTION_LN_PT_MIN) / RESOLUTION_LN_PT_STEP, 0.0), grid.shape[0] - 1.001)
    b = min(abs_eta / RESOLUTION_ETA_STEP, grid.shape[1] - 1.001)
    i = int(a)
    j = int(b)
    f = a - i
    g = b - j
    return ((1.0 - f) * ((1.0 - g) * grid[i, j] + g * grid[i, j + 1])
            + f * ((1.0 - g) * grid[i + 1, j] + g * grid[i + 1, j + 1]))


@inline
def neighbours(tracks: Tracks, rows, count: int, i: int, radius: float) -> int:
    """Return the number of other tracks of the jet within `radius` in (eta, phi) of slot i."""
    eta = tracks.eta[rows[i]]
    phi = tracks.perigee[rows[i], PHI]
    found = -1
    for j in range(count):
        d_eta = tracks.eta[rows[j]] - eta
        if abs(d_eta) < radius:
            d_phi = delta_phi(tracks.perigee[rows[j], PHI], phi)
            found += 1 if d_eta * d_eta + d_phi * d_phi < radius * radius else 0
    return found


@kernel
def fill_origins(tracks: Tracks, rows, count: int, settings: FlavourSettings, workspace: FlavourWorkspace) -> None:
    """Fill `workspace.origin`: the smallest and largest radius [mm] at which each displaced track can have begun.

    Without a grid in the settings nothing is known of the hits and all radii are allowed.
    """
    layers = settings.layer_radius
    for i in range(count):
        low = 0.0
        high = math.inf
        if settings.sigma_d0.shape[0] > 0 and workspace.status[i] != NOT_DISPLACED:
            row = rows[i]
            sigma = math.sqrt(tracks.covariance[row, D0, D0])
            ratio = sigma / expected_sigma_d0(tracks.pt[row], abs(tracks.eta[row]), settings)
            near = neighbours(tracks, rows, count, i, settings.crowded_radius)
            crowding = 1.0 + settings.crowded_widening * min(near + UNSEEN_NEIGHBOURS, 10.0)
            widening = 1.0
            for k in range(layers.shape[0]):
                if ratio > TOLERANCE * crowding * widening:
                    low = layers[k]
                widening = settings.layer_widening[k]
                if ratio * TOLERANCE < widening:
                    high = min(high, layers[k])
        workspace.origin[i, 0] = low
        workspace.origin[i, 1] = high


@inline
def may_begin_at(radius: float, sigma: float, i: int, workspace: FlavourWorkspace) -> bool:
    """Whether slot i can have begun at a transverse radius [mm] known to `sigma` [mm]."""
    margin = MARGIN + 2.0 * sigma
    return radius > workspace.origin[i, 0] - margin and radius < workspace.origin[i, 1] + margin

"""Settings and scratch arrays of the flavour algorithms.

A *slot* is a position in the list of tracks associated to one VR jet; the scratch arrays are indexed by
slot. `pseudoexp.flavour.two_track.prepare_jet` fills them once per jet, after which IP3D, SV1 and
JetFitter read them in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# columns of FlavourWorkspace.helix: perigee point [mm], direction there, curvature [1/mm], d(curvature)/d(q/p)
X0, Y0, Z0, COS_PHI, SIN_PHI, COT_THETA, KAPPA, KAPPA_PER_QOVERP = range(8)
# columns of FlavourWorkspace.impact: relative to the primary vertex; mm, and dimensionless significances
IP_D0, IP_Z0, IP_SIGMA_D0, IP_SIGMA_Z0, IP_SIGNIFICANCE_D0, IP_SIGNIFICANCE_Z0, IP_CHI2 = range(7)
# values of FlavourWorkspace.status
NOT_DISPLACED, DISPLACED, MATERIAL, VETOED = range(4)


class FlavourSettings(NamedTuple):
    """What the algorithms need to know of the detector."""

    bz: float  # T, along +z
    material_radii: NDArray[np.float64]  # (layers,) mm, ascending; vertices there are material interactions
    sign: float  # 1 nominal; -1 negative tag: all lifetime signs flipped
    sigma_d0: NDArray[np.float64]  # (ln pT, |eta|) mm, of tracks with all hits; no rows: unknown
    layer_radius: NDArray[np.float64]  # (k,) mm: a track born beyond has a sigma(d0) larger by the factor
    layer_widening: NDArray[np.float64]  # (k,)
    crowded_radius: float  # dR; every charged particle within adds `crowded_widening` to the factor of a track
    crowded_widening: float


class FlavourWorkspace(NamedTuple):
    """Scratch of one jet; from `members` on, of one fit."""

    helix: NDArray[np.float64]  # (capacity, 8)
    impact: NDArray[np.float64]  # (capacity, 7) d0, z0 sin(theta) to the primary vertex, errors, signed significances
    origin: NDArray[np.float64]  # (capacity, 2) smallest and largest radius [mm] at which a track can have begun
    status: NDArray[np.int8]  # (capacity,)
    seeds: NDArray[np.int32]  # (capacity,) accepted two-track vertices that a slot takes part in
    pair: NDArray[np.int32]  # (pairs, 3) slots of a two-track vertex, and its PAIR_* code
    pair_mass: NDArray[np.float64]  # (pairs,) GeV, two pions
    pair_vertex: NDArray[np.float64]  # (pairs, 3) mm
    pair_count: NDArray[np.int64]  # (1,)
    members: NDArray[np.int32]  # (capacity,) slots in a fit
    cluster: NDArray[np.int32]  # (capacity,) vertex on the flight axis of each member
    track_chi2: NDArray[np.float64]  # (capacity,) chi-square of each member
    position: NDArray[np.float64]  # (3,) mm, fitted vertex
    covariance: NDArray[np.float64]  # (3, 3) mm^2
    normal: NDArray[np.float64]  # (3, 3) normal matrix of the vertex fit
    rest: NDArray[np.float64]  # (3, 3) normal matrix without one track
    axis: NDArray[np.float64]  # (5,) decay chain: start point [mm], phi, theta
    axis_prior: NDArray[np.float64]  # (5,) their measured values
    axis_weight: NDArray[np.float64]  # (5, 5) their inverse covariance
    axis_normal: NDArray[np.float64]  # (5, 5) reduced normal matrix; after the fit its inverse, the covariance
    axis_step: NDArray[np.float64]  # (5,) gradient, then step
    axis_scratch: NDArray[np.float64]  # (5,)
    derivative: NDArray[np.float64]  # (4, 5) of a track's residuals by the axis, and the same times its weights
    length: NDArray[np.float64]  # (capacity,) mm along the axis per vertex
    length_normal: NDArray[np.float64]  # (capacity,)
    length_gradient: NDArray[np.float64]  # (capacity,) gradient, then step
    length_coupling: NDArray[np.float64]  # (capacity, 5)


def flavour_settings(bz: float = 2.0, material_radii: Sequence[float] = (), negative_tag: bool = False,
                     sigma_d0: NDArray[np.float64] | None = None, layers: NDArray[np.float64] | None = None,
                     crowded_radius: float = 0.0, crowded_widening: float = 0.0) -> FlavourSettings:
    """Return the settings.

    Parameters
    ----------
    bz : float
        Field [T] along +z.
    material_radii : sequence
        Radii [mm] of the layers of material.
    negative_tag : bool
        Flips all lifetime signs.
    sigma_d0 : (95, |eta|) array, optional
        Impact-parameter resolution [mm] on the grid of `detector.tables.resolution_grid`; without it nothing is
        concluded from the errors of tracks.
    layers : (k, 2) array, optional
        Radius [mm], and how much wider sigma(d0) is for tracks born beyond.
    crowded_radius, crowded_widening : float
        Radius in (eta, phi) within which each charged particle widens sigma(d0), and by what share.
    """
    radii = np.sort(np.asarray(material_radii, dtype=np.float64).reshape(-1))
    grid = np.zeros((0, 2)) if sigma_d0 is None else np.ascontiguousarray(sigma_d0, dtype=np.float64)
    pattern = np.zeros((0, 2)) if layers is None else np.asarray(layers, dtype=np.float64)
    return FlavourSettings(float(bz), radii, -1.0 if negative_tag else 1.0, grid, pattern[:, 0].copy(),
                           pattern[:, 1].copy(), float(crowded_radius), float(crowded_widening))


def flavour_workspace(capacity: int = 64) -> FlavourWorkspace:
    """Return scratch arrays for jets of up to `capacity` tracks (and 4 * `capacity` two-track vertices)."""
    def floats(*shape: int) -> NDArray[np.float64]:
        return np.zeros(shape)

    def ints(*shape: int) -> NDArray[np.int32]:
        return np.zeros(shape, dtype=np.int32)

    n, pairs = capacity, 4 * capacity
    return FlavourWorkspace(
        helix=floats(n, 8), impact=floats(n, 7), origin=floats(n, 2), status=np.zeros(n, dtype=np.int8), seeds=ints(n),
        pair=ints(pairs, 3), pair_mass=floats(pairs), pair_vertex=floats(pairs, 3),
        pair_count=np.zeros(1, dtype=np.int64), members=ints(n), cluster=ints(n), track_chi2=floats(n),
        position=floats(3), covariance=floats(3, 3), normal=floats(3, 3), rest=floats(3, 3),
        axis=floats(5), axis_prior=floats(5), axis_weight=floats(5, 5), axis_normal=floats(5, 5),
        axis_step=floats(5), axis_scratch=floats(5), derivative=floats(4, 5), length=floats(n),
        length_normal=floats(n), length_gradient=floats(n), length_coupling=floats(n, 5))

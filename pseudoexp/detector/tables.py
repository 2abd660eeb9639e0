"""A detector card flattened for the kernels: named tuples of floats and arrays.

The resolution tables of a card are interpolated here once, ln sigma linearly in ln pT and |eta|, onto a fine
regular grid that a kernel reads with one bilinear step. Below the first pT sigma goes as 1/pT (multiple
scattering), above the last it stays; beyond the last |eta| the slope of ln sigma goes on.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.config import to_mapping
from pseudoexp.core import elementary
from pseudoexp.core.jit import kernel
from pseudoexp.detector.card import Calorimeter, DetectorCard, Material, Tracking
from pseudoexp.detector.subtraction import SubtractionSettings

RESOLUTION_LN_PT_MIN = -1.6094379124341003  # ln 0.2
RESOLUTION_LN_PT_STEP = 0.1
RESOLUTION_ETA_STEP = 0.1
_N_LN_PT = 95  # up to 2.4 TeV


class MaterialTables(NamedTuple):
    """Cylinders of material and the space inside the calorimeter."""

    layer: NDArray[np.float64]  # (layers, 3) radius [mm], radiation and interaction lengths at normal incidence
    radiation_lengths: float  # of all layers
    interaction_lengths: float
    max_path_factor: float
    decays: bool
    field: float  # T
    calorimeter_radius: float  # mm
    calorimeter_half_length: float  # mm


class TrackingTables(NamedTuple):
    """Numbers of `card.Tracking`; efficiencies (4, 2): hadron, soft hadron, muon, electron x barrel, forward."""

    min_pt: float
    max_abs_eta: float
    max_abs_d0: float
    min_end_radius: float
    eta_split: float
    pt_split: float
    efficiency: NDArray[np.float64]  # (4, 2)
    production: NDArray[np.float64]  # (k, 3) radius [mm], efficiency, widening
    dense_radius: float
    dense_loss: float
    dense_max_loss: float
    dense_widening: float
    fake_rate: float
    momentum_slope: float
    momentum_constant: float
    momentum_eta_flat: float
    sigma: NDArray[np.float64]  # (ln pT, |eta|, 2) sigma(d0), sigma(z0) [mm]
    lever_arm: float
    d0_phi_correlation: float
    z0_theta_correlation: float
    tail_fraction: float
    tail_widening: float
    bremsstrahlung: bool


class CalorimeterTables(NamedTuple):
    """Cell grids and responses.

    Cells are numbered through: electromagnetic, hadronic, forward at negative, forward at positive eta. `grid` has
    one row each: first cell, lower eta edge, cells per unit eta, eta cells, phi cells, cells per rad.
    """

    grid: NDArray[np.float64]  # (4, 6)
    position: NDArray[np.float64]  # (cells, 3) mm, cell centres on the calorimeter's face
    central_eta: float
    max_eta: float
    em_stochastic: float
    em_constant: float
    hadronic_stochastic: float
    hadronic_constant: float
    forward_stochastic: float
    forward_constant: float
    late_shower: float
    em_fraction_min: float
    em_fraction_max: float
    minimum_ionising_em: float
    muon_deposit_min: float
    muon_deposit_max: float
    em_shower_width: float
    hadron_em_width: float
    hadron_width: float
    threshold: float
    nucleon_masses: bool


class DetectorTables(NamedTuple):
    """Everything the kernels of the detector read."""

    beam_spot: NDArray[np.float64]  # (3,) mm
    material: MaterialTables
    tracking: TrackingTables
    calorimeter: CalorimeterTables
    vertex_seeds: int
    vertex_chi2_cut: float
    subtraction: SubtractionSettings


def detector_tables(card: DetectorCard) -> DetectorTables:
    """Flatten a card."""
    spot = card.beam_spot
    return DetectorTables(
        beam_spot=np.array([spot.sigma_x, spot.sigma_y, spot.sigma_z]),
        material=_material(card.material, card),
        tracking=_tracking(card.tracking),
        calorimeter=_calorimeter(card.calorimeter, card.solenoid.radius, card.solenoid.half_length),
        vertex_seeds=card.vertex_fit.seeds,
        vertex_chi2_cut=card.vertex_fit.chi2_cut,
        subtraction=SubtractionSettings(**to_mapping(card.subtraction)),
    )


def _material(material: Material, card: DetectorCard) -> MaterialTables:
    layers = [material.radius, material.radiation_lengths, material.interaction_lengths]
    return MaterialTables(
        layer=np.array(layers).T.copy(),
        radiation_lengths=sum(material.radiation_lengths),
        interaction_lengths=sum(material.interaction_lengths),
        max_path_factor=material.max_path_factor,
        decays=card.decays_in_flight,
        field=card.solenoid.field,
        calorimeter_radius=card.solenoid.radius,
        calorimeter_half_length=card.solenoid.half_length,
    )


def _same_names(tables: Any, card: Any) -> dict[str, Any]:
    """Return the entries of a card that the tables hold under the same name and as they are."""
    return {name: getattr(card, name) for name in tables._fields if hasattr(card, name)}


def _tracking(t: Tracking) -> TrackingTables:
    sigma = [resolution_grid(t.resolution_pt, t.resolution_eta, table, t.max_abs_eta) for table in (t.d0_um, t.z0_um)]
    return TrackingTables(
        efficiency=np.array([t.efficiency_hadron, t.efficiency_hadron_soft, t.efficiency_muon, t.efficiency_electron]),
        production=np.array([t.production_radius, t.production_efficiency, t.production_widening]).T.copy(),
        sigma=np.stack(sigma, axis=2) * (1e-3 * t.impact_scale),
        **_same_names(TrackingTables, t),
    )


def resolution_grid(pt: tuple[float, ...], eta: tuple[float, ...], table: tuple[tuple[float, ...], ...],
                    max_eta: float) -> NDArray[np.float64]:
    """Interpolate a table sigma[pT][|eta|] onto the kernels' grid.

    Returns
    -------
    array, shape (95, ceil(max_eta / 0.1) + 2)
        At ln pT = ln 0.2 + 0.1 i and |eta| = 0.1 j, in the table's unit.
    """
    ln_pt = _log(np.array(pt, dtype=float))
    ln_sigma = _log(np.array(table, dtype=float).ravel()).reshape(len(pt), len(eta))
    grid_ln_pt = RESOLUTION_LN_PT_MIN + RESOLUTION_LN_PT_STEP * np.arange(_N_LN_PT)
    grid_eta = RESOLUTION_ETA_STEP * np.arange(math.ceil(max_eta / RESOLUTION_ETA_STEP) + 2)
    in_pt = np.stack([np.interp(grid_ln_pt, ln_pt, column) for column in ln_sigma.T], axis=1)
    in_pt += np.maximum(ln_pt[0] - grid_ln_pt, 0.0)[:, None]  # sigma ~ 1/pT below the table
    edges = np.clip(np.searchsorted(eta, grid_eta, side="right") - 1, 0, len(eta) - 2)
    low, high = np.array(eta)[edges], np.array(eta)[edges + 1]
    f = (grid_eta - low) / (high - low)
    ln_grid = in_pt[:, edges] * (1.0 - f) + in_pt[:, edges + 1] * f
    return np.asarray(_exp(ln_grid.ravel()).reshape(ln_grid.shape))


def _calorimeter(c: Calorimeter, radius: float, half_length: float) -> CalorimeterTables:
    grids, positions, first = [], [], 0
    edge = c.central_eta
    for low, high, size in ((-edge, edge, c.em_cell), (-edge, edge, c.hadronic_cell),
                            (-c.max_eta, -edge, c.forward_cell), (edge, c.max_eta, c.forward_cell)):
        n_eta = round((high - low) / size)
        n_phi = _phi_cells(size)
        grids.append([first, low, n_eta / (high - low), n_eta, n_phi, n_phi / (2.0 * math.pi)])
        positions.append(_cell_positions(low, high, n_eta, n_phi, radius, half_length))
        first += n_eta * n_phi
    return CalorimeterTables(
        grid=np.array(grids),
        position=np.concatenate(positions),
        **_same_names(CalorimeterTables, c),
    )


def _phi_cells(size: float) -> int:
    """Return the number of cells around the circle nearest to the wanted size, a multiple of four."""
    return max(4, 4 * round(math.pi / (2.0 * size)))


def _cell_positions(low: float, high: float, n_eta: int, n_phi: int, radius: float,
                    half_length: float) -> NDArray[np.float64]:
    sinh_eta = _sinh(low + (np.arange(n_eta) + 0.5) * (high - low) / n_eta)
    phi = -math.pi + (np.arange(n_phi) + 0.5) * (2.0 * math.pi / n_phi)
    r = np.minimum(radius, half_length / np.maximum(np.abs(sinh_eta), 1e-12))
    sine, cosine = _sincos(np.asarray(phi, np.float64))
    x, y = np.outer(r, cosine), np.outer(r, sine)
    z = np.repeat(r * sinh_eta, n_phi).reshape(n_eta, n_phi)
    return np.stack([x, y, z], axis=2).reshape(-1, 3)


@kernel
def _log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([elementary.log(v) for v in x])


@kernel
def _exp(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([elementary.exp(v) for v in x])


@kernel
def _sinh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([elementary.sinh(v) for v in x])


@kernel
def _sincos(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([elementary.sin(v) for v in x]), np.array([elementary.cos(v) for v in x])

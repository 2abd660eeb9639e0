"""The detector card: every number that describes a detector, as one frozen dataclass.

Lengths in mm, momenta in GeV, angles in rad unless a name says otherwise (impact-parameter tables are in um).
`pseudoexp.config.load_card` makes a card from TOML; `pseudoexp.detector.tables` flattens it for the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pseudoexp.config import Range
from pseudoexp.errors import ConfigError

Fraction = Annotated[float, Range(0.0, 1.0)]
Fractions = Annotated[tuple[float, ...], Range(0.0, 1.0)]
Length = Annotated[float, Range(1e-6, 1e5)]
Thicknesses = Annotated[tuple[float, ...], Range(0.0, 10.0)]
Resolution = Annotated[float, Range(0.0, 10.0)]
Micrometres = Annotated[tuple[tuple[float, ...], ...], Range(1e-4, 1e5)]


def _increasing(name: str, values: tuple[float, ...], length: int = 1) -> None:
    if len(values) < length or any(b <= a for a, b in pairwise(values)):
        raise ConfigError(f"{name} = {list(values)}; allowed: at least {length} increasing numbers")


def _same_length(name: str, values: tuple[object, ...], length: int) -> None:
    if len(values) != length:
        raise ConfigError(f"{name} has {len(values)} entries; allowed: {length}")


@dataclass(frozen=True)
class BeamSpot:
    """Gaussian widths [mm] of the luminous region around the origin."""

    sigma_x: Length
    sigma_y: Length
    sigma_z: Length


@dataclass(frozen=True)
class Solenoid:
    """A homogeneous field along z inside the calorimeter's inner surface."""

    field: Annotated[float, Range(0.01, 10.0)]  # T
    radius: Annotated[float, Range(100.0, 1e4)]  # mm, calorimeter face
    half_length: Annotated[float, Range(100.0, 1e5)]  # mm


@dataclass(frozen=True)
class Material:
    """Cylinders of material, from the beam pipe outwards, thin against their distance."""

    radius: Annotated[tuple[float, ...], Range(1.0, 1e4)]  # mm
    radiation_lengths: Thicknesses  # at normal incidence
    interaction_lengths: Thicknesses  # at normal incidence
    max_path_factor: Annotated[float, Range(1.0, 100.0)]  # 1/sin(theta) is cut here: end caps stand upright

    def __post_init__(self) -> None:
        _increasing("radius", self.radius)
        _same_length("radiation_lengths", self.radiation_lengths, len(self.radius))
        _same_length("interaction_lengths", self.interaction_lengths, len(self.radius))


@dataclass(frozen=True)
class Tracking:
    """Acceptance, efficiencies, resolutions and fakes of the tracker."""

    min_pt: Annotated[float, Range(0.05, 100.0)]  # GeV
    max_abs_eta: Annotated[float, Range(0.1, 4.0)]
    max_abs_d0: Length
    min_end_radius: Length  # a particle that ends inside leaves no track
    # efficiencies: barrel (|eta| < eta_split) and forward
    eta_split: Annotated[float, Range(0.0, 4.0)]
    pt_split: Annotated[float, Range(0.0, 100.0)]
    efficiency_hadron: Fractions
    efficiency_hadron_soft: Fractions  # pT below pt_split
    efficiency_muon: Fractions
    efficiency_electron: Fractions
    # production radius: a particle born beyond radius[k] (and inside radius[k + 1]) has efficiency[k], widening[k]
    production_radius: Annotated[tuple[float, ...], Range(0.0, 1e4)]
    production_efficiency: Fractions
    production_widening: Annotated[tuple[float, ...], Range(1.0, 100.0)]
    # dense cores: per further charged particle within dense_radius
    dense_radius: Annotated[float, Range(1e-4, 0.5)]
    dense_loss: Fraction
    dense_max_loss: Fraction
    dense_widening: Annotated[float, Range(0.0, 10.0)]
    fake_rate: Annotated[float, Range(0.0, 0.5)]  # per charged particle in acceptance
    # sigma(pT)/pT = slope * pT (+) constant, doubling linearly from eta_flat to 2.5
    momentum_slope: Resolution  # 1/GeV
    momentum_constant: Resolution
    momentum_eta_flat: Annotated[float, Range(0.0, 2.4)]
    # impact parameters: tables over pT (rows) and |eta| (columns)
    resolution_pt: Annotated[tuple[float, ...], Range(0.01, 1e5)]
    resolution_eta: Annotated[tuple[float, ...], Range(0.0, 5.0)]
    d0_um: Micrometres
    z0_um: Micrometres
    impact_scale: Annotated[float, Range(1e-4, 1000.0)]  # multiplies both tables
    lever_arm: Length  # sigma(phi) = sigma(d0) / lever_arm, sigma(theta) = sin^2(theta) sigma(z0) / lever_arm
    d0_phi_correlation: Annotated[float, Range(-0.99, 0.99)]
    z0_theta_correlation: Annotated[float, Range(-0.99, 0.99)]
    tail_fraction: Fraction
    tail_widening: Annotated[float, Range(1.0, 100.0)]
    bremsstrahlung: bool

    def __post_init__(self) -> None:
        for name in ("efficiency_hadron", "efficiency_hadron_soft", "efficiency_muon", "efficiency_electron"):
            _same_length(name, getattr(self, name), 2)
        _increasing("production_radius", self.production_radius)
        for name in ("production_efficiency", "production_widening"):
            _same_length(name, getattr(self, name), len(self.production_radius))
        _increasing("resolution_pt", self.resolution_pt, 2)
        _increasing("resolution_eta", self.resolution_eta, 2)
        for name in ("d0_um", "z0_um"):
            table = getattr(self, name)
            _same_length(name, table, len(self.resolution_pt))
            for i, row in enumerate(table):
                _same_length(f"{name}[{i}]", row, len(self.resolution_eta))


@dataclass(frozen=True)
class Calorimeter:
    """Cell grids, resolutions and shower shapes."""

    em_cell: Annotated[float, Range(0.005, 0.2)]  # cell size in eta; in phi the nearest that divides the circle
    hadronic_cell: Annotated[float, Range(0.01, 0.5)]
    forward_cell: Annotated[float, Range(0.05, 0.5)]
    central_eta: Annotated[float, Range(1.0, 4.0)]  # where the forward cells begin
    max_eta: Annotated[float, Range(2.0, 5.5)]
    em_stochastic: Resolution  # sqrt(GeV)
    em_constant: Resolution
    hadronic_stochastic: Resolution
    hadronic_constant: Resolution
    forward_stochastic: Resolution
    forward_constant: Resolution
    late_shower: Fraction  # of hadrons pass the electromagnetic part as minimum ionising particles
    em_fraction_min: Fraction  # of the others leave this share ... (flat distribution)
    em_fraction_max: Fraction  # ... to this share of their energy there
    minimum_ionising_em: Annotated[float, Range(0.0, 5.0)]  # GeV
    muon_deposit_min: Annotated[float, Range(0.0, 50.0)]  # GeV
    muon_deposit_max: Annotated[float, Range(0.0, 50.0)]
    em_shower_width: Annotated[float, Range(0.0, 0.5)]  # half-width of a triangular profile in eta and phi
    hadron_em_width: Annotated[float, Range(0.0, 0.5)]
    hadron_width: Annotated[float, Range(0.0, 0.5)]
    threshold: Annotated[float, Range(0.0, 100.0)]  # GeV of transverse energy per tower
    nucleon_masses: bool  # baryons show E - m and antibaryons E + m; off: E

    def __post_init__(self) -> None:
        if self.max_eta <= self.central_eta:
            raise ConfigError(f"max_eta = {self.max_eta}; allowed: more than central_eta = {self.central_eta}")
        if self.em_fraction_max < self.em_fraction_min:
            raise ConfigError(f"em_fraction_max = {self.em_fraction_max}; allowed: {self.em_fraction_min} to 1")
        if self.muon_deposit_max < self.muon_deposit_min:
            raise ConfigError(f"muon_deposit_max = {self.muon_deposit_max}; allowed: {self.muon_deposit_min} to 50")


@dataclass(frozen=True)
class VertexFit:
    """The adaptive fit of the primary vertex."""

    seeds: Annotated[int, Range(1, 50)]  # candidates fitted per event
    chi2_cut: Annotated[float, Range(1.0, 100.0)]  # a track at this chi2 (2 degrees of freedom) has half its weight


@dataclass(frozen=True)
class PileUpSubtraction:
    """Constituent subtraction and SoftKiller on the towers (only with pile-up)."""

    density_grid: Annotated[float, Range(0.2, 2.0)]  # size of the patches whose median is the density
    max_abs_eta: Annotated[float, Range(0.5, 4.8)]  # end of the central part
    radius: Annotated[float, Range(0.0, 0.5)]  # how far a cell's debt goes; 0: no constituent subtraction
    soft_killer_grid: Annotated[float, Range(0.0, 2.0)]  # size of SoftKiller's patches; 0: no SoftKiller


@dataclass(frozen=True)
class DetectorCard:
    """A complete detector."""

    name: str
    description: str
    calibration: str  # name of the frozen calibration, or the path of one; cards based on another keep its own
    beam_spot: BeamSpot
    solenoid: Solenoid
    material: Material
    decays_in_flight: bool
    tracking: Tracking
    calorimeter: Calorimeter
    vertex_fit: VertexFit
    subtraction: PileUpSubtraction
